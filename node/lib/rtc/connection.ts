/**
 * What is behind an `RTCPeerConnection`: the core's control plane, the objects that mirror its
 * slots, and the promises that are not settled yet.
 *
 * Attributes are read from the mirror, which changes only inside a method and at the start of a
 * task; so no attribute changes between two statements of an event handler.
 */
import { IdentityProviders } from '../identity/providers.js';
import { RTCDataChannelEvent } from '../events/data-channel-event.js';
import { RTCDTMFToneChangeEvent } from '../events/dtmf-tone-change-event.js';
import { RTCErrorEvent } from '../events/error-event.js';
import { RTCPeerConnectionIceErrorEvent } from '../events/peer-connection-ice-error-event.js';
import { RTCPeerConnectionIceEvent } from '../events/peer-connection-ice-event.js';
import { RTCTrackEvent } from '../events/track-event.js';
import { RemoteSource } from '../media/remote-source.js';
import { type MediaStream, addTrackToStream, createStream, removeTrackFromStream } from '../media/stream.js';
import { type MediaStreamTrack, createTrack, trackSlots } from '../media/track.js';
import {
  type AnyEffect,
  type AnyEvent,
  type DescriptionName,
  type NativeAudioReader,
  type NativePeerConnection,
  type NativeTrack,
  type NativeVideoReader,
  type Reply,
  type StatsSelector,
  type Turn,
  native,
} from '../binding.js';
import type {
  ChannelView,
  ConnectionView,
  Mirror,
  Configuration,
  IceServer,
  NativeProviderFailure,
  NativeQuestion,
  SctpView,
  TransceiverView,
  TransportView,
} from '../native.js';
import { ends } from '../flow/ends.js';
import { internal } from '../webidl/index.js';
import { nativeCertificate } from './certificate.js';
import { ChannelEvents, type ChannelListener, ChannelSlots, RTCDataChannel } from './data-channel.js';
import { type DtlsTransportSlots, RTCDtlsTransport } from './dtls-transport.js';
import { type DtmfSlots, RTCDTMFSender } from './dtmf-sender.js';
import { type ConnectionOptions, nativeEndpoint } from './endpoint.js';
import { exceptionOf, rtcErrorOf } from './exception.js';
import { candidateOf } from './ice-candidate.js';
import { ConnectionIceAgent } from './ice-agent.js';
import { type IceTransportSlots, RTCIceTransport, dispatchToIce } from './ice-transport.js';
import { TrackEncoder } from './encoder.js';
import { hardwareIsUsed } from './hardware.js';
import { RTCIdentityAssertion } from './identity.js';
import { KeepAlive } from './keep-alive.js';
import { RTCRtpReceiver, type ReceiverSlots } from './rtp-receiver.js';
import { RTCRtpSender, type SenderSlots, requestKeyFrame } from './rtp-sender.js';
import { RTCRtpTransceiver, type TransceiverSlots } from './rtp-transceiver.js';
import { RTCSctpTransport, type SctpTransportSlots } from './sctp-transport.js';
import { RTCSessionDescription } from './session-description.js';
import { type RTCStats, RTCStatsReport } from './stats-report.js';
import { type TaskSource, taskQueue } from './task-queue.js';
import type { RTCConfiguration, RTCIceServer, RTCIdentityProviderOptions, RTCSessionDescriptionInit } from '../idl/types.js';

interface TransceiverEntry {
  readonly transceiver: RTCRtpTransceiver;
  readonly slots: TransceiverSlots;
  readonly sender: SenderSlots;
  readonly receiver: ReceiverSlots;
  readonly dtmf: { readonly object: RTCDTMFSender; readonly slots: DtmfSlots } | null;
}

interface TransportEntry {
  readonly dtls: RTCDtlsTransport;
  readonly dtlsSlots: DtlsTransportSlots;
  readonly ice: RTCIceTransport;
  readonly iceSlots: IceTransportSlots;
  readonly agent: ConnectionIceAgent;
}

interface ChannelEntry {
  readonly object: RTCDataChannel;
  readonly slots: ChannelSlots;
  /** The object's events, or the thread that it was transferred to. */
  listener: ChannelListener;
}

interface Deferred {
  resolve(value: unknown): void;
  reject(reason: Error): void;
}

/** A promise that an attribute shows: nobody has to look at it. */
interface PromiseOfIdentity {
  readonly promise: Promise<RTCIdentityAssertion>;
  resolve(value: RTCIdentityAssertion): void;
  reject(reason: Error): void;
}

function promiseOfIdentity(): PromiseOfIdentity {
  let settle: Pick<PromiseOfIdentity, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<RTCIdentityAssertion>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => {});
  return { promise, ...(settle as NonNullable<typeof settle>) };
}

/** A description that was read, and of which revision of all it is. */
interface ReadDescription {
  readonly revision: number;
  readonly object: RTCSessionDescription | null;
}

/** Removed transceivers and empty streams whose objects are found again, as many as the core knows. */
const MAX_REMOVED_TRANSCEIVERS = 256;
const MAX_STREAMS = 1024;
/** So many more tracks are worth a look. */
const MORE_TRACKS = 64;

/** Connections with a transport live, and keep the process alive, until they are closed. */
const keepAlive = new KeepAlive();

function configurationOf(configuration: RTCConfiguration): Configuration {
  const { certificates: _, iceServers, ...rest } = configuration;
  // "negotiate" was refused.
  return { ...rest, rtcpMuxPolicy: 'require', iceServers: iceServers.map(serverOf) };
}

/** A server as the core has it, for which `credential` says its type. */
export function serverOf({ credentialType = 'password', ...server }: RTCIceServer): IceServer {
  const { credential, urls } = server;
  const isToken = typeof credential === 'object';
  const isTurn = [urls].flat().some((url) => /^turns?:/i.test(url));
  if (isTurn && credential !== undefined && isToken !== (credentialType === 'oauth')) {
    throw new DOMException(`A credential that is no ${credentialType}`, 'InvalidAccessError');
  }
  return { ...server, urls: [urls].flat() };
}

/** Who else learns which streams the other end sends: `duologue/legacy`. */
export interface StreamObserver {
  /** A `track` event with these streams is about to be fired. */
  announced(connection: Connection, streams: readonly MediaStream[]): void;
  /** The other end took a track out of a stream. */
  removed(connection: Connection, stream: MediaStream): void;
}
export const streamObservers = new Set<StreamObserver>();

/** Who else learns of identities, after the promises have settled: `duologue/legacy`. */
export interface IdentityObserver {
  /** A provider vouches for this end. */
  asserted(connection: Connection, assertion: string): void;
  /** A provider did not, for this end or for the other. */
  failed(connection: Connection, question: NativeQuestion, failure: NativeProviderFailure): void;
  /** The other end was validated. */
  validated(connection: Connection): void;
}
export const identityObservers = new Set<IdentityObserver>();

export class Connection implements TaskSource {
  readonly native: NativePeerConnection;
  state: ConnectionView = {
    signalingState: 'stable',
    iceGatheringState: 'new',
    iceConnectionState: 'new',
    connectionState: 'new',
    descriptionsRevision: 0,
    peerIdentity: 0,
  };
  sctp: RTCSctpTransport | null = null;
  tasksLeft = 0;
  #configuration: RTCConfiguration;
  #sctpSlots: SctpTransportSlots | null = null;
  #lastSctp: RTCSctpTransport | null = null;
  /** In the order of `getTransceivers()`. */
  #listed: TransceiverEntry[] = [];
  readonly #descriptions = new Map<DescriptionName, ReadDescription>();
  readonly #transceivers = new Map<number, TransceiverEntry>();
  readonly #transports = new Map<number, TransportEntry>();
  readonly #channels = new Map<number, ChannelEntry>();
  /** Transceivers that left the connection, oldest first. */
  readonly #removed: number[] = [];
  /** Tracks that senders and receivers refer to, or did. */
  readonly #tracks = new Map<string, MediaStreamTrack>();
  /** With more tracks than these it is looked who refers to them. */
  #tracksKept = MORE_TRACKS;
  /** Streams that the remote end named. */
  readonly #streams = new Map<string, MediaStream>();
  readonly #operations = new Map<number, Deferred>();
  /** The promise of `peerIdentity`, and those before it whose rejection is still to come. */
  readonly #identities = new Map<number, PromiseOfIdentity>();
  readonly #providers: IdentityProviders;
  /** Whether tracks are decoded that nobody looks at. */
  readonly #decodesUnread: boolean;
  readonly target: EventTarget;
  /** What the core gave last, how much of it is performed, and how much follows. */
  #effects: readonly AnyEffect[] = [];
  #index = 0;
  #left = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #full = new Set<ChannelListener>();
  #notReceived = 0;

  constructor(target: EventTarget, configuration: RTCConfiguration, { endpoint, identityProviders, decodeUnread }: ConnectionOptions) {
    this.target = target;
    hardwareIsUsed();
    this.#providers = new IdentityProviders(identityProviders);
    this.#decodesUnread = decodeUnread;
    if (configuration.rtcpMuxPolicy === 'negotiate') {
      throw new DOMException('RTCP is always multiplexed', 'NotSupportedError');
    }
    this.#configuration = configuration;
    const certificates = configuration.certificates.map(nativeCertificate);
    const reply = native.createPeerConnection(
      configurationOf(configuration),
      certificates,
      taskQueue.hub,
      taskQueue.add(this),
      endpoint ? nativeEndpoint(endpoint) : null,
      performance.timeOrigin + performance.now(),
    );
    if (reply.exception) throw exceptionOf(reply.exception);
    this.native = reply.value as NativePeerConnection;
  }

  get isClosed(): boolean {
    return this.state.signalingState === 'closed';
  }

  /** Of what browsers do not have. */
  assertOpen(): void {
    if (this.isClosed) throw new DOMException('The connection is closed', 'InvalidStateError');
  }

  // --- methods

  /** Takes over what a method did; gives its result or throws its exception. */
  settle<T>(reply: Reply<T>): T {
    this.#reflect(reply);
    if (reply.settles) queueMicrotask(() => this.#performMicrotasks());
    taskQueue.post(this);
    if (reply.exception) throw exceptionOf(reply.exception);
    return reply.value as T;
  }

  /** The promise of a method that returns one. */
  operation<T>(start: () => Reply<number>): Promise<T> {
    const reply = start();
    return new Promise<T>((resolve, reject) => {
      if (reply.value !== undefined) {
        this.#operations.set(reply.value, { resolve: resolve as Deferred['resolve'], reject });
      }
      this.settle(reply);
    });
  }

  get configuration(): RTCConfiguration {
    const { iceServers, certificates, ...rest } = this.#configuration;
    const copy = (s: (typeof iceServers)[number]) => ({ ...s, urls: [s.urls].flat() });
    return { ...rest, iceServers: iceServers.map(copy), certificates: [...certificates] };
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.assertOpen();
    if (configuration.rtcpMuxPolicy !== this.#configuration.rtcpMuxPolicy) {
      throw new DOMException('rtcpMuxPolicy cannot change', 'InvalidModificationError');
    }
    const certificates = configuration.certificates.map(nativeCertificate);
    this.settle(this.native.setConfiguration(configurationOf(configuration), certificates));
    this.#configuration = configuration;
  }

  close(): void {
    if (this.isClosed) return;
    this.settle(this.native.close());
    // What is settled in a microtask from here on is what the closed connection refused.
    this.#take(null);
  }

  /** It is closed: by `close()`, or because reports of the session were lost. */
  #cleanUp(): void {
    for (const { sender } of this.#transceivers.values()) sender.encoder?.update(false);
    this.#providers.close();
    keepAlive.delete(this);
  }

  setIdentityProvider(provider: string, options: RTCIdentityProviderOptions): void {
    this.settle(this.native.setIdentityProvider(provider, options));
    this.#providers.own = provider;
  }

  get peerIdentity(): Promise<RTCIdentityAssertion> {
    return this.#identity(this.state.peerIdentity).promise;
  }
  #identity(operation: number): PromiseOfIdentity {
    const known = this.#identities.get(operation);
    if (known) return known;
    const made = promiseOfIdentity();
    this.#identities.set(operation, made);
    return made;
  }

  /** What a provider answers comes as late as it likes. */
  async #ask(question: NativeQuestion): Promise<void> {
    let answer = await this.#providers.ask(question);
    if (this.isClosed) return;
    try {
      this.settle(this.native.answer(question.question, answer));
    } catch (error) {
      // The thread of a provider may have sent anything.
      answer = { answer: 'failed', detail: 'idp-execution-failure', message: String(error) };
      this.settle(this.native.answer(question.question, answer));
    }
    if (answer.answer !== 'failed') return;
    for (const observer of identityObservers) observer.failed(this, question, answer);
  }

  #identified(operation: number, effect: AnyEffect & { effect: 'resolve' | 'reject' }): void {
    const identity = this.#identity(operation);
    if (effect.effect === 'reject') {
      identity.reject(exceptionOf(effect.exception));
      // The attribute has another promise by now, unless nobody else will do.
      if (operation !== this.state.peerIdentity) this.#identities.delete(operation);
    } else if (effect.identity) {
      identity.resolve(new RTCIdentityAssertion(effect.identity.idp, effect.identity.name));
      for (const observer of identityObservers) observer.validated(this);
    }
  }

  /** Remembers a track that a method names to the core. */
  adopt(track: MediaStreamTrack): NativeTrack {
    this.#forgetTracks();
    this.#tracks.set(track.id, track);
    const { peerIdentity } = trackSlots(track);
    if (peerIdentity !== null) this.native.isolateTrack(track.id, peerIdentity);
    return { id: track.id, kind: track.kind };
  }

  /** §8.2, of the whole connection or of what has this id. */
  stats(...[of, id]: StatsSelector): Promise<RTCStatsReport> {
    return this.operation(() => this.native.getStats(of, id));
  }

  // --- objects

  get transceivers(): RTCRtpTransceiver[] {
    return this.#listed.map((entry) => entry.transceiver);
  }
  /** §5.1 CollectSenders: those whose transceiver is not stopped. */
  get senders(): RTCRtpSender[] {
    return this.#active.map((entry) => entry.slots.sender);
  }
  get receivers(): RTCRtpReceiver[] {
    return this.#active.map((entry) => entry.slots.receiver);
  }
  get #active(): TransceiverEntry[] {
    return this.#listed.filter((entry) => entry.slots.currentDirection !== 'stopped');
  }
  /** Those that tracks are received in. */
  get remoteStreams(): MediaStream[] {
    const tracks = new Set(this.#active.map((entry) => entry.receiver.track));
    return [...this.#streams.values()].filter((stream) => stream.getTracks().some((track) => tracks.has(track)));
  }
  transceiver(id: number): RTCRtpTransceiver {
    return this.#known(this.#transceivers, id).transceiver;
  }
  channel(key: number): RTCDataChannel {
    return this.#known(this.#channels, key).object;
  }
  get channels(): RTCDataChannel[] {
    return Array.from(this.#channels.values(), (entry) => entry.object);
  }
  /** From now on this one learns what happens on a channel. */
  setChannelListener(key: number, listener: ChannelListener): void {
    this.#known(this.#channels, key).listener = listener;
  }
  get maxMessageSize(): number {
    return this.#sctpSlots?.maxMessageSize ?? Infinity;
  }

  #known<K, V>(map: ReadonlyMap<K, V>, key: K): V {
    const found = map.get(key);
    if (found === undefined) throw new Error(`the core named an unknown object: ${String(key)}`);
    return found;
  }

  // --- the mirror

  /** Takes over what changed. */
  #reflect({ mirror, timeout }: { readonly mirror?: Mirror; readonly timeout?: number }): void {
    if (mirror) this.#reflectSlots(mirror);
    if (timeout !== undefined) this.#setTimeout(timeout);
  }

  #setTimeout(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (milliseconds < 0) return;
    this.#timer = setTimeout(() => this.settle(this.native.handleTimeout()), milliseconds);
  }

  #reflectSlots({ connection, transports, sctp, channels, amounts, transceivers, listed }: Mirror): void {
    if (connection) this.state = connection;
    for (const view of transports ?? []) this.#reflectTransport(view);
    if (sctp !== undefined) this.#reflectSctp(sctp);
    for (const view of channels ?? []) this.#reflectChannel(view);
    if (amounts) this.#reflectAmounts(amounts);
    for (const view of transceivers ?? []) this.#reflectTransceiver(view);
    if (listed) {
      this.#listed = listed.map((id) => this.#known(this.#transceivers, id));
      for (const { id, listed } of transceivers ?? []) if (!listed) this.#removed.push(id);
      this.#forgetRemoved();
    }
    if (connection && this.isClosed) this.#cleanUp();
  }

  /** A connection that lives long sees many transceivers and tracks come and go. */
  #forgetRemoved(): void {
    const old = Math.max(0, this.#removed.length - MAX_REMOVED_TRANSCEIVERS);
    for (const id of this.#removed.splice(0, old)) {
      const { receiver } = this.#known(this.#transceivers, id);
      this.#transceivers.delete(id);
      this.#tracks.delete(receiver.track.id);
    }
  }

  #forgetTracks(): void {
    // The track of an operation that is pending is no sender's yet.
    if (this.#tracks.size <= this.#tracksKept || this.#operations.size > 0) return;
    const used = new Set<MediaStreamTrack | null>();
    for (const { sender, receiver } of this.#transceivers.values()) used.add(sender.track).add(receiver.track);
    for (const [id, track] of this.#tracks) if (!used.has(track)) this.#tracks.delete(id);
    this.#tracksKept = this.#tracks.size + MORE_TRACKS;
  }

  /** Its text is made when somebody reads it: with many m-sections and candidates that takes milliseconds. */
  description(name: DescriptionName): RTCSessionDescription | null {
    const revision = this.state.descriptionsRevision;
    const known = this.#descriptions.get(name) ?? { revision: 0, object: null };
    if (known.revision === revision) return known.object;
    const now = this.native.description(name);
    const same = now !== null && known.object?.type === now.type && known.object.sdp === now.sdp;
    const object = same ? known.object : now && new RTCSessionDescription(now);
    this.#descriptions.set(name, { revision, object });
    return object;
  }

  #reflectTransport(view: TransportView): void {
    const { key, dtlsState, iceState, iceGatheringState, iceRole } = view;
    const entry = this.#transports.get(key);
    if (entry) {
      const before = entry.dtlsSlots.state;
      entry.dtlsSlots.state = dtlsState;
      if (dtlsState !== before) this.#encodeOn(entry.dtls);
      Object.assign(entry.agent, { state: iceState, gatheringState: iceGatheringState, role: iceRole });
      return;
    }
    keepAlive.add(this);
    const agent = new ConnectionIceAgent(this, key, iceRole, iceState, iceGatheringState);
    const iceSlots: IceTransportSlots = { agent, selectedPair: null, pairs: new Map() };
    const ice = new RTCIceTransport(internal, iceSlots);
    const dtlsSlots: DtlsTransportSlots = { connection: this, key, iceTransport: ice, state: dtlsState };
    this.#transports.set(key, { dtls: new RTCDtlsTransport(internal, dtlsSlots), dtlsSlots, ice, iceSlots, agent });
  }

  /** The state of a transport is another. */
  #encodeOn(transport: RTCDtlsTransport): void {
    for (const { slots, sender } of this.#transceivers.values()) {
      if (sender.transport === transport) this.#encode(slots, sender);
    }
  }

  #transport(key: number | null | undefined): RTCDtlsTransport | null {
    return key === null || key === undefined ? null : this.#known(this.#transports, key).dtls;
  }

  #reflectSctp(view: SctpView | null): void {
    if (!view) {
      // Its event is still to come.
      if (this.#sctpSlots) this.#sctpSlots.state = 'closed';
      this.sctp = null;
      this.#sctpSlots = null;
      return;
    }
    const slots: SctpTransportSlots = {
      transport: this.#known(this.#transports, view.transport).dtls,
      state: view.state,
      maxMessageSize: view.maxMessageSize ?? Infinity,
      maxChannels: view.maxChannels ?? null,
    };
    if (this.#sctpSlots) {
      Object.assign(this.#sctpSlots, slots);
    } else {
      this.#sctpSlots = slots;
      this.#lastSctp = this.sctp = new RTCSctpTransport(internal, slots);
    }
  }

  #reflectChannel(view: ChannelView): void {
    const entry = this.#channels.get(view.key);
    if (entry) {
      entry.slots.update(view);
      entry.listener.update();
      return;
    }
    const slots = new ChannelSlots(this, view);
    const object = new RTCDataChannel(internal, slots);
    this.#channels.set(view.key, { object, slots, listener: new ChannelEvents(object, slots) });
  }

  #reflectAmounts(amounts: readonly number[]): void {
    for (let i = 0; i < amounts.length; i += 2) {
      const entry = this.#channels.get(amounts[i] as number);
      if (!entry) continue;
      entry.slots.bufferedAmount = amounts[i + 1] as number;
      entry.listener.update();
    }
  }

  #reflectTransceiver(view: TransceiverView): void {
    const { slots, sender, receiver, dtmf } =
      this.#transceivers.get(view.id) ?? this.#createTransceiver(view);
    slots.mid = view.mid ?? null;
    slots.direction = view.direction;
    slots.currentDirection = view.currentDirection ?? null;
    slots.rtpHeaderEncryptionNegotiated = view.rtpHeaderEncryptionNegotiated;
    sender.track = view.senderTrack == null ? null : this.#known(this.#tracks, view.senderTrack);
    sender.transport = this.#transport(view.senderTransport);
    receiver.transport = this.#transport(view.receiverTransport);
    this.#encode(slots, sender);
    if (dtmf) {
      dtmf.slots.canInsertDtmf = view.canInsertDtmf;
      dtmf.slots.toneBuffer = view.toneBuffer;
    }
  }

  #createTransceiver({ id, kind, direction, receiverTrack }: TransceiverView): TransceiverEntry {
    const source = new RemoteSource(kind, (number) => this.#readTrack(id, kind, number));
    const track = createTrack(source, { id: receiverTrack, muted: true });
    source.whenUnused = () => this.native.stopTrack(receiverTrack);
    this.#tracks.set(receiverTrack, track);
    const receiver: ReceiverSlots = {
      connection: this,
      id,
      track,
      source,
      transport: null,
      transform: null,
      jitterBufferTarget: null,
      frames: null,
      packets: null,
    };
    const dtmfSlots: DtmfSlots = { connection: this, transceiver: id, canInsertDtmf: false, toneBuffer: '' };
    const dtmf = kind === 'audio' ? { object: new RTCDTMFSender(internal, dtmfSlots), slots: dtmfSlots } : null;
    const sender: SenderSlots = {
      connection: this,
      id,
      kind,
      dtmf: dtmf?.object ?? null,
      streams: [],
      track: null,
      transport: null,
      transform: null,
      nativeTransform: null,
      frames: null,
      packets: null,
      encoder: null,
    };
    const slots: TransceiverSlots = {
      connection: this,
      id,
      sender: new RTCRtpSender(internal, sender),
      receiver: new RTCRtpReceiver(internal, receiver),
      mid: null,
      direction,
      currentDirection: null,
      rtpHeaderEncryptionNegotiated: false,
    };
    const entry = { transceiver: new RTCRtpTransceiver(internal, slots), slots, sender, receiver, dtmf };
    this.#transceivers.set(id, entry);
    return entry;
  }

  /** What a sender's track gives is encoded while it sends. */
  #encode({ currentDirection }: TransceiverSlots, sender: SenderSlots): void {
    const sends = currentDirection === 'sendrecv' || currentDirection === 'sendonly';
    if (sender.track && sends) sender.encoder ??= new TrackEncoder(this, sender);
    sender.encoder?.update(sends);
  }

  /** As in browsers what comes is decoded though nobody looks; unless the application reads it and decodes itself. */
  #decode(track: MediaStreamTrack): void {
    for (const { receiver } of this.#transceivers.values()) {
      const isRead = receiver.frames || receiver.packets;
      if (receiver.track === track && !isRead && track.readyState === 'live') receiver.source.setIdle(true);
    }
  }

  /** What is received is decoded for who looks at its track. */
  #readTrack(id: number, kind: 'audio' | 'video', number: number): NativeVideoReader | NativeAudioReader | null {
    if (this.isClosed) return null;
    return kind === 'video' ? this.native.readVideo(id, ends.hub, number) : this.native.readAudio(id, ends.hub, number);
  }

  // --- tasks and effects

  receive(reports: number): void {
    if (this.#full.size > 0) {
      this.#notReceived += reports;
      return;
    }
    this.tasksLeft = this.native.receive(reports);
  }

  /**
   * Receives nothing while one of its channels' listeners is full: then the core's inbox fills, the
   * window of SCTP closes, and the other end waits.
   */
  setFull(listener: ChannelListener, full: boolean): void {
    if (full) {
      this.#full.add(listener);
    } else if (this.#full.delete(listener) && this.#full.size === 0) {
      taskQueue.resume(this, this.#notReceived);
      this.#notReceived = 0;
    }
  }

  next(): AnyEffect | null {
    if (this.#index >= this.#effects.length) {
      const turn = this.native.next();
      this.#take(turn);
      this.tasksLeft = turn?.tasks ?? 0;
      const wasClosed = this.isClosed;
      if (turn) this.#reflect(turn);
      if (this.isClosed && !wasClosed) this.#tellOfClosing();
    }
    return this.#effects[this.#index++] ?? null;
  }

  /** The program did not close it, and would not know. */
  #tellOfClosing(): void {
    for (const type of ['signalingstatechange', 'iceconnectionstatechange', 'connectionstatechange']) {
      setImmediate(() => this.target.dispatchEvent(new Event(type)));
    }
  }

  get effectsLeft(): number {
    return Math.max(0, this.#effects.length - this.#index) + this.#left;
  }

  #take(turn: Turn | null): void {
    this.#index = 0;
    this.#left = turn?.left ?? 0;
    this.#effects = turn ? effectsOf(turn) : [];
  }

  /** Promises that a method settled in its own turn. */
  #performMicrotasks(): void {
    for (let turn; (turn = this.native.nextMicrotask()); ) {
      this.#reflect(turn);
      for (const effect of effectsOf(turn)) this.perform(effect);
    }
    taskQueue.post(this);
  }

  perform(effect: AnyEffect): void {
    if (effect.effect === 'event') {
      this.#dispatch(effect);
      return;
    }
    if (effect.effect === 'ask') {
      void this.#ask(effect);
      return;
    }
    const deferred = this.#operations.get(effect.operation);
    // No method returned it: it is an attribute's.
    if (!deferred) return this.#identified(effect.operation, effect);
    this.#operations.delete(effect.operation);
    if (effect.effect === 'reject') deferred.reject(exceptionOf(effect.exception));
    else if (effect.stats != null) deferred.resolve(reportOf(effect.stats));
    else if (effect.assertion != null) this.#asserted(deferred, effect.assertion);
    else deferred.resolve(effect.description && descriptionInit(effect.description));
  }

  #asserted(deferred: Deferred, assertion: string): void {
    deferred.resolve(assertion);
    for (const observer of identityObservers) observer.asserted(this, assertion);
  }

  #dispatch(event: AnyEvent): void {
    switch (event.target) {
      case 'connection':
        this.target.dispatchEvent(this.#connectionEvent(event));
        break;
      case 'stream':
        this.#changeStream(event);
        break;
      case 'track': {
        const track = this.#tracks.get(event.track);
        // Else it was forgotten with its transceiver.
        if (track) this.#changeTrack(track, event);
        break;
      }
      case 'dtls': {
        // Nobody listens to a transport that no attribute has shown yet.
        const { dtls } = this.#transports.get(event.key) ?? {};
        dtls?.dispatchEvent(event.type === 'error' ? errorEvent(event.error) : new Event(event.type));
        break;
      }
      case 'ice': {
        const entry = this.#transports.get(event.key);
        if (entry) dispatchToIce(entry.ice, entry.iceSlots, event);
        break;
      }
      case 'sctp':
        this.#lastSctp?.dispatchEvent(new Event(event.type));
        break;
      case 'channel':
        this.#dispatchToChannel(event);
        break;
      case 'sender':
        requestKeyFrame(this.#known(this.#transceivers, event.transceiver).sender, event.encoding, event.rid ?? null);
        break;
      case 'dtmf': {
        const { dtmf } = this.#known(this.#transceivers, event.transceiver);
        dtmf?.object.dispatchEvent(new RTCDTMFToneChangeEvent('tonechange', { tone: event.tone }));
        break;
      }
    }
  }

  /** What happens to the track of a receiver happens to its clones. */
  #changeTrack(track: MediaStreamTrack, event: AnyEvent & { target: 'track' }): void {
    const { source } = trackSlots(track);
    if (!(source instanceof RemoteSource)) return;
    if (event.type === 'ended') source.end();
    else if (event.type === 'isolationchange') source.setIsolated(event.isolated);
    else source.setMuted(event.type === 'mute');
  }

  #connectionEvent(event: AnyEvent & { target: 'connection' }): Event {
    switch (event.type) {
      case 'icecandidate': {
        const candidate = event.candidate && candidateOf(event.candidate);
        return new RTCPeerConnectionIceEvent('icecandidate', { candidate });
      }
      case 'icecandidateerror':
        return new RTCPeerConnectionIceErrorEvent('icecandidateerror', event);
      case 'track': {
        const { transceiver } = this.#known(this.#transceivers, event.transceiver);
        const { receiver } = transceiver;
        const streams = event.streams.map((id) => this.#stream(id));
        for (const observer of streamObservers) observer.announced(this, streams);
        // Behind what the application does with it now, and before the first picture is there, which all others need.
        if (this.#decodesUnread) setImmediate(() => this.#decode(receiver.track));
        return new RTCTrackEvent('track', { receiver, track: receiver.track, streams, transceiver });
      }
      case 'datachannel':
        return new RTCDataChannelEvent('datachannel', { channel: this.channel(event.channel) });
      default:
        return new Event(event.type);
    }
  }

  #dispatchToChannel(event: AnyEvent & { target: 'channel' }): void {
    const { listener, slots } = this.#known(this.#channels, event.channel);
    // Events of a channel come after the task that ends the time in which it may be transferred.
    slots.isTransferable = false;
    if (event.type === 'message') listener.message(event.data);
    else if (event.type === 'error') listener.error(event.error);
    else listener.event(event.type);
    // Nothing can happen on it any more: it lives as long as the application holds it.
    if (event.type === 'close') this.#channels.delete(event.channel);
  }

  #changeStream(event: AnyEvent & { target: 'stream' }): void {
    const stream = this.#stream(event.stream);
    const track = this.#tracks.get(event.track);
    if (track && event.type === 'addtrack') addTrackToStream(stream, track);
    else if (track) {
      removeTrackFromStream(stream, track);
      for (const observer of streamObservers) observer.removed(this, stream);
    }
  }

  #stream(id: string): MediaStream {
    const known = this.#streams.get(id);
    if (known) return known;
    if (this.#streams.size >= MAX_STREAMS) {
      for (const [old, stream] of this.#streams) if (stream.getTracks().length === 0) this.#streams.delete(old);
    }
    const stream = createStream(id, (tracks) => this.native.setStreamTracks(id, tracks.map((t) => t.id)));
    this.#streams.set(id, stream);
    return stream;
  }
}

/** What the core calls by their index. */
const CHANNEL_EVENTS = ['open', 'bufferedamountlow', 'closing', 'close'] as const;

function effectsOf({ ofChannels, effects }: Turn): readonly AnyEffect[] {
  if (ofChannels.length === 0) return effects;
  const all: AnyEffect[] = [];
  for (let i = 0; i < ofChannels.length; i += 2) {
    const channel = ofChannels[i] as number;
    const what = ofChannels[i + 1];
    if (typeof what === 'number') {
      all.push({ effect: 'event', target: 'channel', type: CHANNEL_EVENTS[what] ?? 'close', channel });
    } else if (what !== undefined) {
      all.push({ effect: 'event', target: 'channel', type: 'message', channel, data: what });
    }
  }
  return effects.length > 0 ? all.concat(effects) : all;
}

const errorEvent = (error: Parameters<typeof rtcErrorOf>[0]): Event =>
  new RTCErrorEvent('error', { error: rtcErrorOf(error) });

const reportOf = (json: string): RTCStatsReport => new RTCStatsReport(internal, JSON.parse(json) as RTCStats[]);

const descriptionInit = ({ type, sdp }: RTCSessionDescriptionInit): RTCSessionDescriptionInit => ({ type, sdp });
