/** `RTCIceCandidate`, webrtc-pc §4.8.1, and `RTCIceCandidatePair`, §5.6.2. */
import { native } from '../binding.js';
import type { NativeCandidate, NativeCandidatePair, IceCandidateParts } from '../native.js';
import * as shapes from '../idl/interfaces.js';
import type {
  RTCIceCandidateInit,
  RTCIceCandidateType,
  RTCIceComponent,
  RTCIceProtocol,
  RTCIceServerTransportProtocol,
  RTCIceTcpCandidateType,
  RTCLocalIceCandidateInit,
} from '../idl/types.js';
import { assertInternal, constructorArguments, defineInterface, internal } from '../webidl/index.js';

interface Slots {
  readonly init: RTCLocalIceCandidateInit;
  readonly parts: IceCandidateParts | null;
}

export class RTCIceCandidate {
  readonly #slots: Slots;

  constructor(token: typeof internal, slots: Slots);
  constructor(init?: Partial<RTCLocalIceCandidateInit>);
  constructor(...args: unknown[]) {
    if (args[0] === internal) {
      this.#slots = args[1] as Slots;
      return;
    }
    const name = 'RTCIceCandidate constructor';
    const [init] = constructorArguments(shapes.RTCIceCandidate, args);
    // §4.8.1.1 step 1
    if (init.sdpMid === null && init.sdpMLineIndex === null) {
      throw new TypeError(`${name}: sdpMid and sdpMLineIndex are both null.`);
    }
    this.#slots = { init, parts: native.parseCandidate(init.candidate) };
  }

  get candidate(): string {
    return this.#slots.init.candidate;
  }
  get sdpMid(): string | null {
    return this.#slots.init.sdpMid;
  }
  get sdpMLineIndex(): number | null {
    return this.#slots.init.sdpMLineIndex;
  }
  get foundation(): string | null {
    return this.#slots.parts?.foundation ?? null;
  }
  get component(): RTCIceComponent | null {
    return this.#slots.parts?.component ?? null;
  }
  get priority(): number | null {
    return this.#slots.parts?.priority ?? null;
  }
  get address(): string | null {
    return this.#slots.parts?.address ?? null;
  }
  get protocol(): RTCIceProtocol | null {
    return this.#slots.parts?.protocol ?? null;
  }
  get port(): number | null {
    return this.#slots.parts?.port ?? null;
  }
  get type(): RTCIceCandidateType | null {
    return this.#slots.parts?.type ?? null;
  }
  get tcpType(): RTCIceTcpCandidateType | null {
    return this.#slots.parts?.tcpType ?? null;
  }
  get relatedAddress(): string | null {
    return this.#slots.parts?.relatedAddress ?? null;
  }
  get relatedPort(): number | null {
    return this.#slots.parts?.relatedPort ?? null;
  }
  get usernameFragment(): string | null {
    return this.#slots.init.usernameFragment;
  }
  get relayProtocol(): RTCIceServerTransportProtocol | null {
    return this.#slots.init.relayProtocol;
  }
  get url(): string | null {
    return this.#slots.init.url;
  }

  toJSON(): RTCIceCandidateInit {
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = this.#slots.init;
    return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
  }

  static {
    defineInterface(this, (o) => #slots in o, shapes.RTCIceCandidate);
  }
}

export function candidateOf({ init, parts, relayProtocol, url }: NativeCandidate): RTCIceCandidate {
  return new RTCIceCandidate(internal, {
    init: {
      candidate: init.candidate,
      sdpMid: init.sdpMid ?? null,
      sdpMLineIndex: init.sdpMLineIndex ?? null,
      usernameFragment: init.usernameFragment ?? null,
      relayProtocol: relayProtocol ?? null,
      url: url ?? null,
    },
    parts: parts ?? null,
  });
}

/** A number that the core gives to no pair. */
const NO_PAIR = 0xffff_ffff;

/** The number by which the core knows a pair of this transport; that of another's is none here. */
export let candidatePairId: (pair: RTCIceCandidatePair, owner: object) => number;

export class RTCIceCandidatePair {
  readonly #local: RTCIceCandidate;
  readonly #remote: RTCIceCandidate;
  readonly #id: number;
  /** The slots of its transport. */
  readonly #owner: object;

  constructor(token: typeof internal, pair: NativeCandidatePair, owner: object) {
    assertInternal(token);
    this.#id = pair.id;
    this.#owner = owner;
    this.#local = candidateOf(pair.local);
    this.#remote = candidateOf(pair.remote);
  }

  get local(): RTCIceCandidate {
    return this.#local;
  }
  get remote(): RTCIceCandidate {
    return this.#remote;
  }

  static {
    candidatePairId = (pair, owner) => (pair.#owner === owner ? pair.#id : NO_PAIR);
    defineInterface(this, (o) => #local in o, shapes.RTCIceCandidatePair);
  }
}
