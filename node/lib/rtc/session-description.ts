/** `RTCSessionDescription`, webrtc-pc §4.7.2. */
import { arg, attribute, convertArguments, defineInterface, operation } from '../webidl/index.js';
import { RTCSessionDescriptionInit } from './types.js';

export class RTCSessionDescription {
  readonly #init: RTCSessionDescriptionInit;

  constructor(init: { type: RTCSessionDescriptionInit['type']; sdp?: string });
  constructor(...args: unknown[]) {
    const [init] = convertArguments('RTCSessionDescription constructor', [arg(RTCSessionDescriptionInit)], args);
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
    defineInterface(
      this,
      (o) => #init in o,
      { type: attribute(), sdp: attribute(), toJSON: operation() },
      { constructorLength: 1 },
    );
  }
}
