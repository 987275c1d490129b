/** mediacapture-streams §9.4: devices came or went. */
import { type MediaDeviceInfo, MediaDeviceInfoType } from '../media/device-info.js';
import {
  DOMString,
  arg,
  attribute,
  convertArguments,
  defaulted,
  defineInterface,
  dictionary,
  dictionaryArg,
  sequence,
} from '../webidl/index.js';
import { EventInit } from './event-init.js';

const DeviceChangeEventInit = dictionary(
  'DeviceChangeEventInit',
  { devices: defaulted(sequence(MediaDeviceInfoType), () => []) },
  EventInit,
);

export class DeviceChangeEvent extends Event {
  readonly #devices: readonly MediaDeviceInfo[];
  readonly #inserted: readonly MediaDeviceInfo[] = Object.freeze([]);

  constructor(type: string, init?: EventInit & { devices?: MediaDeviceInfo[] });
  constructor(...args: unknown[]) {
    const [type, init] = convertArguments(
      'DeviceChangeEvent constructor',
      [arg(DOMString), dictionaryArg(DeviceChangeEventInit)],
      args,
    );
    super(type, init);
    this.#devices = Object.freeze(init.devices);
  }

  get devices(): readonly MediaDeviceInfo[] {
    return this.#devices;
  }
  get userInsertedDevices(): readonly MediaDeviceInfo[] {
    return this.#inserted;
  }

  static {
    defineInterface(
      this,
      (o) => #devices in o,
      { devices: attribute(), userInsertedDevices: attribute() },
      { constructorLength: 1 },
    );
  }
}
