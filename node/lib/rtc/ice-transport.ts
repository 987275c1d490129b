/** `RTCIceTransport`, webrtc-pc §5.6. */
import * as shapes from '../idl/interfaces.js';
import type { RTCIceGathererState, RTCIceRole, RTCIceTransportState } from '../idl/types.js';
import { assertInternal, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import type { Connection } from './connection.js';
import { type RTCIceCandidate, RTCIceCandidatePair, candidateOf } from './ice-candidate.js';

/** The internal slots of an ICE transport and of the DTLS transport above it. */
export interface IceTransportSlots {
  readonly connection: Connection;
  readonly key: number;
  role: RTCIceRole;
  state: RTCIceTransportState;
  gatheringState: RTCIceGathererState;
  /** The object that `getSelectedCandidatePair` gives until another pair is selected. */
  selectedPair: RTCIceCandidatePair | null;
}

export class RTCIceTransport extends EventTarget {
  readonly #slots: IceTransportSlots;
  declare onstatechange: EventHandler<RTCIceTransport>;
  declare ongatheringstatechange: EventHandler<RTCIceTransport>;
  declare onselectedcandidatepairchange: EventHandler<RTCIceTransport>;

  constructor(token: typeof internal, slots: IceTransportSlots) {
    assertInternal(token);
    super();
    this.#slots = slots;
  }

  get role(): RTCIceRole {
    return this.#slots.role;
  }
  get component(): 'rtp' {
    // RTP and RTCP are always multiplexed, §4.2.5.
    return 'rtp';
  }
  get state(): RTCIceTransportState {
    return this.#slots.state;
  }
  get failure(): string | null {
    const { connection, key } = this.#slots;
    return connection.native.iceFailure(key) ?? null;
  }
  get gatheringState(): RTCIceGathererState {
    return this.#slots.gatheringState;
  }

  getLocalCandidates(): RTCIceCandidate[] {
    const { connection, key } = this.#slots;
    return connection.native.localCandidates(key).map(candidateOf);
  }
  getRemoteCandidates(): RTCIceCandidate[] {
    const { connection, key } = this.#slots;
    return connection.native.remoteCandidates(key).map(candidateOf);
  }
  getSelectedCandidatePair(): RTCIceCandidatePair | null {
    const slots = this.#slots;
    if (slots.selectedPair) return slots.selectedPair;
    const pair = slots.connection.native.selectedCandidatePair(slots.key);
    if (!pair) return null;
    slots.selectedPair = new RTCIceCandidatePair(internal, candidateOf(pair.local), candidateOf(pair.remote));
    return slots.selectedPair;
  }
  getLocalParameters(): object | null {
    const { connection, key } = this.#slots;
    return connection.native.localIceParameters(key);
  }
  getRemoteParameters(): object | null {
    const { connection, key } = this.#slots;
    return connection.native.remoteIceParameters(key);
  }

  static {
    defineInterface(this, (o) => #slots in o, shapes.RTCIceTransport);
  }
}
