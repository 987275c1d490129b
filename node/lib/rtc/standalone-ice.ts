/** The agent of `new RTCIceTransport()`, webrtc-ice: an ICE transport without a connection. */
import { type AnyEffect, type AnyEvent, type NativeIceTransport, native } from '../binding.js';
import type { RTCIceCandidateInit, RTCIceGatherOptions, RTCIceGathererState, RTCIceParameters, RTCIceRole, RTCIceTransportState } from '../idl/types.js';
import type { NativeCandidatePair, NativeException } from '../native.js';
import { internal } from '../webidl/index.js';
import { serverOf } from './connection.js';
import { exceptionOf } from './exception.js';
import type { IceAgent } from './ice-agent.js';
import { RTCIceCandidate, candidateOf } from './ice-candidate.js';
import { KeepAlive } from './keep-alive.js';
import { type TaskSource, taskQueue } from './task-queue.js';

/** What an event of it shows beside its type. */
export interface StandaloneIceListener {
  /** A candidate of this end, or that there are no more. */
  candidate(candidate: RTCIceCandidate | null): void;
  event(event: AnyEvent): void;
}

/** Those that gather live, and keep the process alive, until they are stopped. */
const keepAlive = new KeepAlive();

export class StandaloneIceAgent implements IceAgent, TaskSource {
  readonly #native: NativeIceTransport;
  readonly #listener: StandaloneIceListener;
  readonly #local: RTCIceCandidate[] = [];
  #remote: RTCIceCandidate[] = [];
  #remoteParameters: RTCIceParameters | null = null;
  #isStopped = false;
  readonly effectsLeft = 0;
  tasksLeft = 0;

  constructor(listener: StandaloneIceListener) {
    const made = native.createIceTransport(taskQueue.hub, taskQueue.add(this));
    if (made.exception) throw exceptionOf(made.exception);
    this.#native = made.value as NativeIceTransport;
    this.#listener = listener;
  }

  get role(): RTCIceRole | null {
    const role = this.#native.role();
    return role === 'unknown' ? null : role;
  }
  get state(): RTCIceTransportState {
    return this.#native.state();
  }
  get gatheringState(): RTCIceGathererState {
    return this.#native.gatheringState();
  }
  get failure(): string | null {
    return this.#native.failure() ?? null;
  }
  get localCandidates(): RTCIceCandidate[] {
    return [...this.#local];
  }
  get remoteCandidates(): RTCIceCandidate[] {
    return [...this.#remote];
  }
  get selectedPair(): NativeCandidatePair | null {
    return this.#native.selectedCandidatePair();
  }
  get localParameters(): object | null {
    return this.#native.localParameters();
  }
  get remoteParameters(): object | null {
    return this.#remoteParameters && { ...this.#remoteParameters };
  }

  gather({ gatherPolicy, iceServers = [] }: RTCIceGatherOptions): void {
    const servers = iceServers.map(serverOf);
    this.#settle(this.#native.gather({ gatherPolicy, iceServers: servers }));
    keepAlive.add(this);
  }
  start(remote: RTCIceParameters, role: RTCIceRole): void {
    const { usernameFragment, password, iceLite = false } = remote;
    if (this.state !== 'closed' && (usernameFragment === undefined || password === undefined)) {
      throw new TypeError('usernameFragment and password are needed');
    }
    const parameters = { usernameFragment: usernameFragment ?? '', password: password ?? '' };
    this.#settle(this.#native.start(parameters, iceLite, role));
    const before = this.#remoteParameters;
    const other = before && (before.usernameFragment !== usernameFragment || before.password !== password);
    if (other) this.#remote = [];
    this.#remoteParameters = remote;
  }
  stop(): void {
    this.#isStopped = true;
    this.#settle(this.#native.stop());
    keepAlive.delete(this);
  }
  addRemoteCandidate(init: RTCIceCandidateInit): void {
    this.#settle(this.#native.addRemoteCandidate(init));
    if (init.candidate === '') return;
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = init;
    const parts = native.parseCandidate(candidate);
    const shown = { candidate, sdpMid, sdpMLineIndex, usernameFragment, relayProtocol: null, url: null };
    this.#remote.push(new RTCIceCandidate(internal, { init: shown, parts }));
  }

  /** webrtc-extensions asks the connection of a transport. */
  controlPairs(): void {}
  answerPair(): void {}
  selectPair(): Promise<void> {
    return this.#refuse();
  }
  removePair(): Promise<void> {
    return this.#refuse();
  }
  #refuse(): Promise<never> {
    return Promise.reject(new DOMException('This transport is not that of an RTCPeerConnection', 'InvalidStateError'));
  }

  /** Takes over what a method did. */
  #settle(exception: NativeException | null): void {
    taskQueue.post(this);
    if (exception) throw exceptionOf(exception);
  }

  receive(reports: number): void {
    this.tasksLeft = this.#native.receive(reports);
    // Reports were lost.
    if (this.state === 'closed' && !this.#isStopped) this.stop();
  }
  next(): AnyEffect | null {
    const effect = this.#native.next();
    this.tasksLeft = this.#native.taskCount();
    return effect;
  }
  perform(effect: AnyEffect): void {
    if (effect.effect !== 'event') return;
    if (effect.target !== 'connection' || effect.type !== 'icecandidate') {
      this.#listener.event(effect);
      return;
    }
    const candidate = effect.candidate ? candidateOf(effect.candidate) : null;
    if (candidate) this.#local.push(candidate);
    this.#listener.candidate(candidate);
  }
}
