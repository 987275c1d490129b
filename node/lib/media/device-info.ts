/** `MediaDeviceInfo` and `InputDeviceInfo`, mediacapture-streams §9.2. */
import { native } from '../binding.js';
import * as shapes from '../idl/interfaces.js';
import type { MediaDeviceKind } from '../idl/types.js';
import { assertInternal, defineInterface, internal } from '../webidl/index.js';
import { capabilitiesOf } from './device-source.js';
import type { DeviceIdentity } from './devices.js';
import type { Kind } from './source.js';

export class MediaDeviceInfo {
  readonly #identity: DeviceIdentity;

  constructor(token: typeof internal, identity: DeviceIdentity) {
    assertInternal(token);
    this.#identity = identity;
  }

  get deviceId(): string {
    return this.#identity.deviceId;
  }
  get kind(): MediaDeviceKind {
    return this.#identity.kind;
  }
  get label(): string {
    return this.#identity.label;
  }
  get groupId(): string {
    return this.#identity.groupId;
  }
  toJSON(): object {
    const { deviceId, kind, label, groupId } = this;
    return { deviceId, kind, label, groupId };
  }

  static {
    defineInterface(this, (o) => #identity in o, shapes.MediaDeviceInfo);
  }
}

export class InputDeviceInfo extends MediaDeviceInfo {
  /** What the device is really called, whatever is told of it. */
  readonly #device: string;
  readonly #of: Kind;

  constructor(token: typeof internal, identity: DeviceIdentity, device: string, of: Kind) {
    super(token, identity);
    this.#device = device;
    this.#of = of;
  }

  getCapabilities(): object {
    return capabilitiesOf(this.#of, native.deviceCapabilities(this.#device));
  }

  static {
    defineInterface(this, (o) => #device in o, shapes.InputDeviceInfo);
  }
}
