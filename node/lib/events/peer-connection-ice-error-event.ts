/** webrtc-pc §4.8.3: gathering from a server failed. */
import {
  DOMString,
  type Infer,
  USVString,
  arg,
  attribute,
  convertArguments,
  defaulted,
  defineInterface,
  dictionary,
  nullable,
  required,
  unsignedShort,
} from '../webidl/index.js';
import { EventInit } from './event-init.js';

const RTCPeerConnectionIceErrorEventInit = dictionary(
  'RTCPeerConnectionIceErrorEventInit',
  {
    address: defaulted(nullable(DOMString), null),
    port: defaulted(nullable(unsignedShort), null),
    url: defaulted(USVString, ''),
    errorCode: required(unsignedShort),
    errorText: defaulted(USVString, ''),
  },
  EventInit,
);
type RTCPeerConnectionIceErrorEventInit = Infer<typeof RTCPeerConnectionIceErrorEventInit>;

export class RTCPeerConnectionIceErrorEvent extends Event {
  readonly #init: RTCPeerConnectionIceErrorEventInit;

  constructor(type: string, init: Partial<RTCPeerConnectionIceErrorEventInit>);
  constructor(...args: unknown[]) {
    const [type, init] = convertArguments(
      'RTCPeerConnectionIceErrorEvent constructor',
      [arg(DOMString), arg(RTCPeerConnectionIceErrorEventInit)],
      args,
    );
    super(type, init);
    this.#init = init;
  }

  get address(): string | null {
    return this.#init.address;
  }
  get port(): number | null {
    return this.#init.port;
  }
  get url(): string {
    return this.#init.url;
  }
  get errorCode(): number {
    return this.#init.errorCode;
  }
  get errorText(): string {
    return this.#init.errorText;
  }

  static {
    defineInterface(
      this,
      (o) => #init in o,
      {
        address: attribute(),
        port: attribute(),
        url: attribute(),
        errorCode: attribute(),
        errorText: attribute(),
      },
      { constructorLength: 2 },
    );
  }
}
