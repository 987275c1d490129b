/** `RTCIdentityAssertion`, webrtc-identity §8. */
import { DOMString, type Infer, arg, attribute, convertArguments, defaulted, defineInterface, dictionary, optional } from '../webidl/index.js';

export const RTCIdentityProviderOptions = dictionary('RTCIdentityProviderOptions', {
  protocol: defaulted(DOMString, 'default'),
  usernameHint: optional(DOMString),
  peerIdentity: optional(DOMString),
});
export type RTCIdentityProviderOptions = Infer<typeof RTCIdentityProviderOptions>;

export class RTCIdentityAssertion {
  #idp: string;
  #name: string;

  constructor(idp: string, name: string);
  constructor(...args: unknown[]) {
    [this.#idp, this.#name] = convertArguments(
      'RTCIdentityAssertion constructor',
      [arg(DOMString), arg(DOMString)],
      args,
    );
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
    defineInterface(
      this,
      (o) => #idp in o,
      { idp: attribute(DOMString), name: attribute(DOMString) },
      { constructorLength: 2 },
    );
  }
}
