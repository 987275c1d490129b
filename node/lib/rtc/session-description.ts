/** `RTCSessionDescription`, webrtc-pc §4.7.2. */
import * as shapes from '../idl/interfaces.js';
import type { RTCSessionDescriptionInit } from '../idl/types.js';
import { constructorArguments, defineInterface } from '../webidl/index.js';

export class RTCSessionDescription {
  readonly #init: RTCSessionDescriptionInit;

  constructor(init: { type: RTCSessionDescriptionInit['type']; sdp?: string });
  constructor(...args: unknown[]) {
    const [init] = constructorArguments(shapes.RTCSessionDescription, args);
    this.#init = init;
  }

  get type(): RTCSessionDescriptionInit['type'] {
    return this.#init.type;
  }
  get sdp(): string {
    return this.#init.sdp;
  }
  toJSON(): RTCSessionDescriptionInit {
    const { type, sdp } = this.#init;
    return { type, sdp };
  }

  static {
    defineInterface(this, (o) => #init in o, shapes.RTCSessionDescription);
  }
}
