/** What an `RTCIceTransport` is the object of. */
import type { RTCIceCandidateInit, RTCIceGatherOptions, RTCIceGathererState, RTCIceParameters, RTCIceRole, RTCIceTransportState } from '../idl/types.js';
import type { NativeCandidatePair } from '../native.js';
import type { Connection } from './connection.js';
import { type RTCIceCandidate, candidateOf } from './ice-candidate.js';

/** A connection's, or one of its own. */
export interface IceAgent {
  /** Null before it is decided. */
  readonly role: RTCIceRole | null;
  readonly state: RTCIceTransportState;
  readonly gatheringState: RTCIceGathererState;
  readonly failure: string | null;
  readonly localCandidates: RTCIceCandidate[];
  readonly remoteCandidates: RTCIceCandidate[];
  readonly selectedPair: NativeCandidatePair | null;
  readonly localParameters: object | null;
  readonly remoteParameters: object | null;
  /** Somebody listens to the events of candidate pairs. */
  controlPairs(): void;
  /** A cancelable one was dispatched. */
  answerPair(pair: number, accepted: boolean): void;
  selectPair(pair: number): Promise<void>;
  removePair(pair: number): Promise<void>;
  gather(options: RTCIceGatherOptions): void;
  start(remote: RTCIceParameters, role: RTCIceRole): void;
  stop(): void;
  addRemoteCandidate(candidate: RTCIceCandidateInit): void;
}

/** Descriptions say what it does. */
export class ConnectionIceAgent implements IceAgent {
  readonly #connection: Connection;
  readonly #key: number;
  role: RTCIceRole;
  state: RTCIceTransportState;
  gatheringState: RTCIceGathererState;

  constructor(connection: Connection, key: number, role: RTCIceRole, state: RTCIceTransportState, gatheringState: RTCIceGathererState) {
    this.#connection = connection;
    this.#key = key;
    this.role = role;
    this.state = state;
    this.gatheringState = gatheringState;
  }

  get failure(): string | null {
    return this.#connection.native.iceFailure(this.#key) ?? null;
  }
  get localCandidates(): RTCIceCandidate[] {
    return this.#connection.native.localCandidates(this.#key).map(candidateOf);
  }
  get remoteCandidates(): RTCIceCandidate[] {
    return this.#connection.native.remoteCandidates(this.#key).map(candidateOf);
  }
  get selectedPair(): NativeCandidatePair | null {
    return this.#connection.native.selectedCandidatePair(this.#key);
  }
  get localParameters(): object | null {
    return this.#connection.native.localIceParameters(this.#key);
  }
  get remoteParameters(): object | null {
    return this.#connection.native.remoteIceParameters(this.#key);
  }

  controlPairs(): void {
    if (!this.#connection.isClosed) this.#connection.settle(this.#connection.native.controlCandidatePairs());
  }
  answerPair(pair: number, accepted: boolean): void {
    if (this.#connection.isClosed) return;
    this.#connection.settle(this.#connection.native.answerCandidatePair(this.#key, pair, accepted));
  }
  selectPair(pair: number): Promise<void> {
    return this.#connection.operation(() => this.#connection.native.selectCandidatePair(this.#key, pair));
  }
  removePair(pair: number): Promise<void> {
    return this.#connection.operation(() => this.#connection.native.removeCandidatePair(this.#key, pair));
  }

  gather(): void {
    this.#refuse();
  }
  start(): void {
    this.#refuse();
  }
  stop(): void {
    this.#refuse();
  }
  addRemoteCandidate(): void {
    this.#refuse();
  }
  #refuse(): never {
    throw new DOMException('This transport is that of an RTCPeerConnection', 'InvalidStateError');
  }
}
