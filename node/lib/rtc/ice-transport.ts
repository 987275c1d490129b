/** `RTCIceTransport`, webrtc-pc §5.6, webrtc-extensions, webrtc-ice. */
import { RTCIceCandidatePairEvent } from '../events/ice-candidate-pair-event.js';
import { RTCPeerConnectionIceErrorEvent } from '../events/peer-connection-ice-error-event.js';
import { RTCPeerConnectionIceEvent } from '../events/peer-connection-ice-event.js';
import type { AnyEvent } from '../binding.js';
import * as shapes from '../idl/interfaces.js';
import type {
  RTCIceCandidateInit,
  RTCIceGatherOptions,
  RTCIceGathererState,
  RTCIceParameters,
  RTCIceRole,
  RTCIceTransportState,
} from '../idl/types.js';
import type { NativeIceEvent } from '../native.js';
import { eventHandlerOf } from '../webidl/event-handler.js';
import { constructorArguments, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import type { IceAgent } from './ice-agent.js';
import { type RTCIceCandidate, RTCIceCandidatePair, candidatePairId } from './ice-candidate.js';
import { StandaloneIceAgent } from './standalone-ice.js';

/** The internal slots of an ICE transport. */
export interface IceTransportSlots {
  readonly agent: IceAgent;
  /** The object that `getSelectedCandidatePair` gives until another pair is selected. */
  selectedPair: RTCIceCandidatePair | null;
  /** Those that events have shown, by the core's numbers. */
  readonly pairs: Map<number, RTCIceCandidatePair>;
}

const PAIR_EVENTS: ReadonlySet<unknown> = new Set(['icecandidatepairadd', 'icecandidatepairnominate', 'icecandidatepairremove']);

export class RTCIceTransport extends EventTarget {
  readonly #slots: IceTransportSlots;
  declare onstatechange: EventHandler<RTCIceTransport>;
  declare ongatheringstatechange: EventHandler<RTCIceTransport>;
  declare onselectedcandidatepairchange: EventHandler<RTCIceTransport>;
  declare onerror: EventHandler<RTCIceTransport, RTCPeerConnectionIceErrorEvent>;
  declare onicecandidate: EventHandler<RTCIceTransport, RTCPeerConnectionIceEvent>;
  declare onicecandidatepairadd: EventHandler<RTCIceTransport, RTCIceCandidatePairEvent>;
  declare onicecandidatepairremove: EventHandler<RTCIceTransport, RTCIceCandidatePairEvent>;
  declare onicecandidatepairnominate: EventHandler<RTCIceTransport, RTCIceCandidatePairEvent>;

  constructor(token: typeof internal, slots: IceTransportSlots);
  constructor();
  constructor(...args: unknown[]) {
    super();
    if (args[0] === internal) {
      this.#slots = args[1] as IceTransportSlots;
    } else {
      constructorArguments(shapes.RTCIceTransport, args);
      const agent = new StandaloneIceAgent({
        candidate: (candidate) => this.dispatchEvent(new RTCPeerConnectionIceEvent('icecandidate', { candidate })),
        event: (event) => this.#dispatch(event),
      });
      this.#slots = { agent, selectedPair: null, pairs: new Map() };
    }
    // The core asks nobody before somebody listens.
    const add = super.addEventListener.bind(this);
    const addEventListener = (...of: Parameters<EventTarget['addEventListener']>): void => {
      add(...of);
      if (PAIR_EVENTS.has(of[0])) this.#slots.agent.controlPairs();
    };
    Object.defineProperty(this, 'addEventListener', { value: addEventListener, writable: true, configurable: true });
  }

  get role(): RTCIceRole | null {
    return this.#slots.agent.role;
  }
  get component(): 'rtp' {
    // RTP and RTCP are always multiplexed, §4.2.5.
    return 'rtp';
  }
  get state(): RTCIceTransportState {
    return this.#slots.agent.state;
  }
  get failure(): string | null {
    return this.#slots.agent.failure;
  }
  get gatheringState(): RTCIceGathererState {
    return this.#slots.agent.gatheringState;
  }

  getLocalCandidates(): RTCIceCandidate[] {
    return this.#slots.agent.localCandidates;
  }
  getRemoteCandidates(): RTCIceCandidate[] {
    return this.#slots.agent.remoteCandidates;
  }
  getSelectedCandidatePair(): RTCIceCandidatePair | null {
    const slots = this.#slots;
    const pair = slots.agent.selectedPair;
    if (!pair) return null;
    slots.selectedPair ??= new RTCIceCandidatePair(internal, pair, slots);
    return slots.selectedPair;
  }
  getLocalParameters(): object | null {
    return this.#slots.agent.localParameters;
  }
  getRemoteParameters(): object | null {
    return this.#slots.agent.remoteParameters;
  }

  gather(options: RTCIceGatherOptions): void {
    this.#slots.agent.gather(options);
  }
  start(remoteParameters: RTCIceParameters, role: RTCIceRole): void {
    this.#slots.agent.start(remoteParameters, role);
  }
  stop(): void {
    this.#slots.agent.stop();
  }
  addRemoteCandidate(remoteCandidate: RTCIceCandidateInit): void {
    this.#slots.agent.addRemoteCandidate(remoteCandidate);
  }

  selectCandidatePair(pair: RTCIceCandidatePair): Promise<void> {
    return this.#slots.agent.selectPair(candidatePairId(pair, this.#slots));
  }
  removeCandidatePair(pair: RTCIceCandidatePair): Promise<void> {
    return this.#slots.agent.removePair(candidatePairId(pair, this.#slots));
  }

  /** Of one without a connection. */
  #dispatch(event: AnyEvent): void {
    if (event.target === 'ice') {
      dispatchToIce(this, this.#slots, event);
    } else if (event.target === 'connection' && event.type === 'icecandidateerror') {
      const error = new RTCPeerConnectionIceErrorEvent('icecandidateerror', event);
      this.dispatchEvent(error);
      // webrtc-ice: "This event handler, of event handler event type icecandidateerror".
      const handler = eventHandlerOf(this, 'error');
      if (typeof handler === 'function') Reflect.apply(handler, this, [error]);
    }
  }

  static {
    defineInterface(this, (o) => #slots in o, shapes.RTCIceTransport);
  }
}

/** Performs an event, and tells the core what became of one that is cancelable. */
export function dispatchToIce(target: RTCIceTransport, slots: IceTransportSlots, event: NativeIceEvent): void {
  if (!('pair' in event)) {
    if (event.type === 'selectedcandidatepairchange') slots.selectedPair = null;
    target.dispatchEvent(new Event(event.type));
    return;
  }
  const { type, cancelable, pair } = event;
  const candidatePair = slots.pairs.get(pair.id) ?? new RTCIceCandidatePair(internal, pair, slots);
  slots.pairs.set(pair.id, candidatePair);
  const accepted = target.dispatchEvent(new RTCIceCandidatePairEvent(type, { candidatePair, cancelable }));
  if (type === 'icecandidatepairremove' && accepted) slots.pairs.delete(pair.id);
  if (cancelable) slots.agent.answerPair(pair.id, accepted);
}
