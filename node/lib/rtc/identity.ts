/** `RTCIdentityAssertion`, webrtc-identity §8. */
import * as shapes from '../idl/interfaces.js';
import { constructorArguments, defineInterface } from '../webidl/index.js';

export class RTCIdentityAssertion {
  #idp: string;
  #name: string;

  constructor(idp: string, name: string);
  constructor(...args: unknown[]) {
    [this.#idp, this.#name] = constructorArguments(shapes.RTCIdentityAssertion, args);
  }

  get idp(): string {
    return this.#idp;
  }
  set idp(value: string) {
    this.#idp = value;
  }
  get name(): string {
    return this.#name;
  }
  set name(value: string) {
    this.#name = value;
  }

  static {
    defineInterface(this, (o) => #idp in o, shapes.RTCIdentityAssertion);
  }
}
