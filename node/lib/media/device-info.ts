/** `MediaDeviceInfo` and `InputDeviceInfo`, mediacapture-streams §9.2. */
import * as shapes from '../idl/interfaces.js';
import type { MediaDeviceKind } from '../idl/types.js';
import { assertInternal, defineInterface, internal } from '../webidl/index.js';
import type { DeviceIdentity, Source } from './source.js';

export class MediaDeviceInfo {
  readonly #kind: MediaDeviceKind;
  readonly #identity: DeviceIdentity;

  constructor(token: typeof internal, kind: MediaDeviceKind, identity: DeviceIdentity) {
    assertInternal(token);
    this.#kind = kind;
    this.#identity = identity;
  }

  get deviceId(): string {
    return this.#identity.deviceId;
  }
  get kind(): MediaDeviceKind {
    return this.#kind;
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
    defineInterface(this, (o) => #kind in o, shapes.MediaDeviceInfo);
  }
}

export class InputDeviceInfo extends MediaDeviceInfo {
  readonly #source: Source;

  constructor(token: typeof internal, kind: MediaDeviceKind, identity: DeviceIdentity, source: Source) {
    super(token, kind, identity);
    this.#source = source;
  }

  getCapabilities(): object {
    return structuredClone(this.#source.capabilities);
  }

  static {
    defineInterface(this, (o) => #source in o, shapes.InputDeviceInfo);
  }
}
