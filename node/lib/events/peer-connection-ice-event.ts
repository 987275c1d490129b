/** webrtc-pc §4.8.2: a candidate was found, or a generation ended. */
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
  dictionaryArg,
  nullable,
} from '../webidl/index.js';
import { EventInit } from './event-init.js';
import { type RTCIceCandidate, RTCIceCandidateType } from '../rtc/ice-candidate.js';

const RTCPeerConnectionIceEventInit = dictionary(
  'RTCPeerConnectionIceEventInit',
  {
    candidate: defaulted(nullable(RTCIceCandidateType), null),
    url: defaulted(nullable(USVString), null),
  },
  EventInit,
);
type RTCPeerConnectionIceEventInit = Infer<typeof RTCPeerConnectionIceEventInit>;

export class RTCPeerConnectionIceEvent extends Event {
  readonly #init: RTCPeerConnectionIceEventInit;

  constructor(type: string, init?: Partial<RTCPeerConnectionIceEventInit>);
  constructor(...args: unknown[]) {
    const [type, init] = convertArguments(
      'RTCPeerConnectionIceEvent constructor',
      [arg(DOMString), dictionaryArg(RTCPeerConnectionIceEventInit)],
      args,
    );
    super(type, init);
    this.#init = init;
  }

  get candidate(): RTCIceCandidate | null {
    return this.#init.candidate;
  }
  get url(): string | null {
    return this.#init.url;
  }

  static {
    defineInterface(
      this,
      (o) => #init in o,
      {
        candidate: attribute(),
        url: attribute(),
      },
      { constructorLength: 1 },
    );
  }
}
