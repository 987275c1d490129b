/** `RTCPeerConnection`, webrtc-pc §4.4, §5.1, §6.1, §8.2, its legacy forms §4.4.3 and webrtc-identity §9. */
import type { MediaStream } from '../media/stream.js';
import type { MediaStreamTrack } from '../media/track.js';
import * as shapes from '../idl/interfaces.js';
import type {
  RTCConfiguration,
  RTCDataChannelInit,
  RTCIceCandidateInit,
  RTCIceConnectionState,
  RTCIceGatheringState,
  RTCIdentityProviderOptions,
  RTCLocalSessionDescriptionInit,
  RTCOfferOptions,
  RTCPeerConnectionState,
  RTCRtpTransceiverInit,
  RTCSessionDescriptionInit,
  RTCSignalingState,
} from '../idl/types.js';
import { constructorArguments, defineInterface, dictionaryArg, type EventHandler } from '../webidl/index.js';
import { type RTCCertificate, generateCertificate } from './certificate.js';
import { Connection } from './connection.js';
import type { RTCDataChannel } from './data-channel.js';
import { ConnectionOptions } from './endpoint.js';
import type { RTCIdentityAssertion } from './identity.js';
import type { RTCRtpReceiver } from './rtp-receiver.js';
import { type RTCRtpSender, senderSlots } from './rtp-sender.js';
import type { RTCRtpTransceiver } from './rtp-transceiver.js';
import type { RTCSctpTransport } from './sctp-transport.js';
import type { RTCSessionDescription } from './session-description.js';
import type { RTCStatsReport } from './stats-report.js';

type SuccessCallback<T> = (value: T) => unknown;
type FailureCallback = (error: DOMException) => unknown;

/** §4.4.3: the forms with callbacks return a promise that is resolved at once. */
function withCallbacks<T>(
  promise: Promise<T>,
  success: SuccessCallback<T>,
  failure: FailureCallback,
): Promise<void> {
  // An exception in a callback is reported, as that of an event handler.
  const reported = <A>(f: (argument: A) => unknown) => (argument: A): void => {
    try {
      f(argument);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
  void promise.then(reported(success), reported(failure));
  return Promise.resolve();
}

/** With what this package takes beside the configuration, where old pages have constraints. */
const shape = {
  ...shapes.RTCPeerConnection,
  constructors: [[...shapes.RTCPeerConnection.constructors[0], dictionaryArg(ConnectionOptions)]],
} as const;

export let connectionOf: (pc: RTCPeerConnection) => Connection;

export class RTCPeerConnection extends EventTarget {
  readonly #connection: Connection;

  declare onnegotiationneeded: EventHandler<RTCPeerConnection>;
  declare onicecandidate: EventHandler<RTCPeerConnection>;
  declare onicecandidateerror: EventHandler<RTCPeerConnection>;
  declare onsignalingstatechange: EventHandler<RTCPeerConnection>;
  declare oniceconnectionstatechange: EventHandler<RTCPeerConnection>;
  declare onicegatheringstatechange: EventHandler<RTCPeerConnection>;
  declare onconnectionstatechange: EventHandler<RTCPeerConnection>;
  declare ontrack: EventHandler<RTCPeerConnection>;
  declare ondatachannel: EventHandler<RTCPeerConnection>;

  constructor(configuration?: Partial<RTCConfiguration>, options?: Partial<ConnectionOptions>);
  constructor(...args: unknown[]) {
    const [configuration, options] = constructorArguments(shape, args);
    super();
    this.#connection = new Connection(this, configuration, options);
  }

  static generateCertificate(algorithm: object | string): Promise<RTCCertificate> {
    return generateCertificate(algorithm);
  }

  // --- descriptions and candidates

  createOffer(...args: [RTCOfferOptions] | [SuccessCallback<RTCSessionDescriptionInit>, FailureCallback, RTCOfferOptions]): Promise<unknown> {
    if (args.length === 1) return this.#createOffer(args[0]);
    const [success, failure, options] = args;
    return withCallbacks(this.#createOffer(options), success, failure);
  }
  #createOffer(options: RTCOfferOptions): Promise<RTCSessionDescriptionInit> {
    return this.#connection.operation(() => this.#connection.native.createOffer(options));
  }

  createAnswer(...args: [object] | [SuccessCallback<RTCSessionDescriptionInit>, FailureCallback]): Promise<unknown> {
    const answer = this.#connection.operation<RTCSessionDescriptionInit>(() => this.#connection.native.createAnswer());
    return args.length === 1 ? answer : withCallbacks(answer, ...args);
  }

  setLocalDescription(
    description: RTCLocalSessionDescriptionInit,
    ...rest: [] | [SuccessCallback<void>, FailureCallback]
  ): Promise<void> {
    const done = this.#connection.operation<void>(() => this.#connection.native.setLocalDescription(description));
    return rest.length === 0 ? done : withCallbacks(done, ...rest);
  }

  setRemoteDescription(
    description: RTCSessionDescriptionInit,
    ...rest: [] | [SuccessCallback<void>, FailureCallback]
  ): Promise<void> {
    const done = this.#connection.operation<void>(() => this.#connection.native.setRemoteDescription(description));
    return rest.length === 0 ? done : withCallbacks(done, ...rest);
  }

  addIceCandidate(
    candidate: RTCIceCandidateInit,
    ...rest: [] | [SuccessCallback<void>, FailureCallback]
  ): Promise<void> {
    const done = this.#connection.operation<void>(() => this.#connection.native.addIceCandidate(candidate));
    return rest.length === 0 ? done : withCallbacks(done, ...rest);
  }

  get localDescription(): RTCSessionDescription | null {
    return this.#connection.description('pendingLocalDescription') ?? this.#connection.description('currentLocalDescription');
  }
  get currentLocalDescription(): RTCSessionDescription | null {
    return this.#connection.description('currentLocalDescription');
  }
  get pendingLocalDescription(): RTCSessionDescription | null {
    return this.#connection.description('pendingLocalDescription');
  }
  get remoteDescription(): RTCSessionDescription | null {
    return this.#connection.description('pendingRemoteDescription') ?? this.#connection.description('currentRemoteDescription');
  }
  get currentRemoteDescription(): RTCSessionDescription | null {
    return this.#connection.description('currentRemoteDescription');
  }
  get pendingRemoteDescription(): RTCSessionDescription | null {
    return this.#connection.description('pendingRemoteDescription');
  }

  // --- state

  get signalingState(): RTCSignalingState {
    return this.#connection.state.signalingState;
  }
  get iceGatheringState(): RTCIceGatheringState {
    return this.#connection.state.iceGatheringState;
  }
  get iceConnectionState(): RTCIceConnectionState {
    return this.#connection.state.iceConnectionState;
  }
  get connectionState(): RTCPeerConnectionState {
    return this.#connection.state.connectionState;
  }
  get canTrickleIceCandidates(): boolean | null {
    return this.#connection.state.canTrickleIceCandidates ?? null;
  }

  restartIce(): void {
    this.#connection.settle(this.#connection.native.restartIce());
  }
  getConfiguration(): RTCConfiguration {
    return this.#connection.configuration;
  }
  setConfiguration(configuration: RTCConfiguration): void {
    this.#connection.setConfiguration(configuration);
  }
  close(): void {
    this.#connection.close();
  }

  // --- media

  getSenders(): RTCRtpSender[] {
    return this.#connection.senders;
  }
  getReceivers(): RTCRtpReceiver[] {
    return this.#connection.receivers;
  }
  getTransceivers(): RTCRtpTransceiver[] {
    return this.#connection.transceivers;
  }
  addTrack(track: MediaStreamTrack, ...streams: MediaStream[]): RTCRtpSender {
    const connection = this.#connection;
    const adopted = connection.adopt(track);
    const id = connection.settle(connection.native.addTrack(adopted, streams.map((s) => s.id)));
    const { sender } = connection.transceiver(id);
    senderSlots(sender).streams = streams;
    return sender;
  }
  removeTrack(sender: RTCRtpSender): void {
    const { connection, id } = senderSlots(sender);
    if (this.#connection.isClosed) throw new DOMException('The connection is closed', 'InvalidStateError');
    // §5.1, removeTrack step 3.
    if (connection !== this.#connection) {
      throw new DOMException('The sender belongs to another connection', 'InvalidAccessError');
    }
    connection.settle(connection.native.removeTrack(id));
  }
  addTransceiver(trackOrKind: MediaStreamTrack | string, init: RTCRtpTransceiverInit): RTCRtpTransceiver {
    const connection = this.#connection;
    const kind = typeof trackOrKind === 'string' ? trackOrKind : trackOrKind.kind;
    if (kind !== 'audio' && kind !== 'video') throw new TypeError(`'${kind}' is not a kind of track`);
    const track = typeof trackOrKind === 'string' ? null : connection.adopt(trackOrKind);
    const streams = init.streams.map((s) => s.id);
    const id = connection.settle(connection.native.addTransceiver(track, kind, { ...init, streams }));
    const transceiver = connection.transceiver(id);
    senderSlots(transceiver.sender).streams = init.streams;
    return transceiver;
  }

  // --- data

  get sctp(): RTCSctpTransport | null {
    return this.#connection.sctp;
  }
  createDataChannel(label: string, init: RTCDataChannelInit): RTCDataChannel {
    const connection = this.#connection;
    return connection.channel(connection.settle(connection.native.createDataChannel(label, init)));
  }

  // --- statistics

  getStats(selector: MediaStreamTrack | null): Promise<RTCStatsReport> {
    return selector ? this.#connection.stats('track', selector.id) : this.#connection.stats('connection', 0);
  }

  // --- identity

  setIdentityProvider(provider: string, options: RTCIdentityProviderOptions): void {
    this.#connection.setIdentityProvider(provider, options);
  }
  getIdentityAssertion(): Promise<string> {
    return this.#connection.operation(() => this.#connection.native.getIdentityAssertion());
  }
  get peerIdentity(): Promise<RTCIdentityAssertion> {
    return this.#connection.peerIdentity;
  }
  get idpLoginUrl(): string | null {
    return this.#connection.state.idpLoginUrl ?? null;
  }
  get idpErrorInfo(): string | null {
    return this.#connection.state.idpErrorInfo ?? null;
  }

  /** What `console.log` shows: not the descriptions, which have addresses and passwords in them. */
  get #summary(): object {
    const { signalingState, iceGatheringState, iceConnectionState, connectionState } = this;
    const { channels, transceivers } = this.#connection;
    return {
      signalingState,
      iceGatheringState,
      iceConnectionState,
      connectionState,
      ...(channels.length > 0 ? { channels } : {}),
      ...(transceivers.length > 0 ? { transceivers } : {}),
    };
  }

  static {
    connectionOf = (pc) => pc.#connection;
    defineInterface(this, (o) => #connection in o, shape, { inspect: (pc) => pc.#summary });
  }
}
