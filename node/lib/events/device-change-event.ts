/** mediacapture-streams §9.4: devices came or went. */
import type { MediaDeviceInfo } from '../media/device-info.js';
import * as shapes from '../idl/interfaces.js';
import type { EventInit } from '../idl/types.js';
import { constructorArguments, defineInterface } from '../webidl/index.js';

export class DeviceChangeEvent extends Event {
  readonly #devices: readonly MediaDeviceInfo[];
  readonly #inserted: readonly MediaDeviceInfo[] = Object.freeze([]);

  constructor(type: string, init?: EventInit & { devices?: MediaDeviceInfo[] });
  constructor(...args: unknown[]) {
    const [type, init] = constructorArguments(shapes.DeviceChangeEvent, args);
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
    defineInterface(this, (o) => #devices in o, shapes.DeviceChangeEvent);
  }
}
