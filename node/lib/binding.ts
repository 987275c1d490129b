/**
 * The native core, `src/`: what it offers. What passes through its functions is in `native.ts`, made of
 * the core's types; objects are named by numbers and ids.
 */
import type { Kind } from './media/source.js';
import { loadBinding } from './load-binding.js';
import type {
  Configuration,
  DataChannelInit,
  IceCandidateInit,
  IceCandidateParts,
  IceGatherOptions,
  IceGathererState,
  IceParameters,
  IceRole,
  IceTransportState,
  LocalSessionDescription,
  IdentityProviderOptions,
  Mirror,
  NativeAnswer,
  NativeCandidate,
  NativeCandidatePair,
  NativeDetails,
  NativeEffect,
  NativeEndpointOptions,
  NativeEvent,
  NativeException,
  NativeTransceiverInit,
  OfferOptions,
  RtpCapabilities,
  RtpCodec,
  RtpContributingSource,
  RtpHeaderExtensionCapability,
  RtpReceiveParameters,
  RtpSendParameters,
  SessionDescription,
  TransceiverDirection,
} from './native.js';

/** What of a channel is frequent, made of `Turn.ofChannels`. */
export type ChannelEvent =
  | { readonly target: 'channel'; readonly type: 'open' | 'bufferedamountlow' | 'closing' | 'close'; readonly channel: number }
  | { readonly target: 'channel'; readonly type: 'message'; readonly channel: number; readonly data: string | ArrayBuffer };

/** What is dispatched. */
export type AnyEvent = NativeEvent | ChannelEvent;
export type AnyEffect = NativeEffect | ({ readonly effect: 'event' } & ChannelEvent);

export type DescriptionName =
  | 'currentLocalDescription'
  | 'pendingLocalDescription'
  | 'currentRemoteDescription'
  | 'pendingRemoteDescription';

/** What a method did: its result or exception, and what it changed. */
export interface Reply<T = undefined> {
  readonly value?: T;
  readonly exception?: NativeException;
  readonly mirror?: Mirror;
  /** `nextMicrotask` has something. */
  readonly settles?: boolean;
  readonly timeout?: number;
}

/** Effects to perform, and what changed before them. */
export interface Turn {
  /**
   * Channel and data of a message, or the number of another event, one after the other; they come
   * before the other effects.
   */
  readonly ofChannels: readonly (number | string | ArrayBuffer)[];
  readonly effects: readonly NativeEffect[];
  readonly mirror?: Mirror;
  /** How many effects of the same task follow. */
  readonly left: number;
  /** How many tasks wait. */
  readonly tasks: number;
  /** In how many milliseconds `handleTimeout` wants to be called; negative: not at all. */
  readonly timeout?: number;
}

export interface NativeTrack {
  readonly id: string;
  readonly kind: Kind;
}

/** What statistics are about; transceivers stand for their senders and receivers. */
export type StatsSelector = ['connection', 0] | ['sender' | 'receiver', transceiver: number] | ['track', id: string];

/** An operation's number, by which an effect settles its promise. */
type Operation = Reply<number>;

export interface NativePeerConnection {
  /** Makes tasks of so many reports; tells how many tasks wait. */
  receive(reports: number): number;
  /** The next effect, or several messages, for which it runs tasks; null when there is nothing. */
  next(): Turn | null;
  description(name: DescriptionName): SessionDescription | null;
  /** What a method settled in its own turn. */
  nextMicrotask(): Turn | null;
  /** Queues what is due by the clock. */
  handleTimeout(): Reply;

  createOffer(options: OfferOptions): Operation;
  createAnswer(): Operation;
  setLocalDescription(description: LocalSessionDescription): Operation;
  setRemoteDescription(description: SessionDescription): Operation;
  addIceCandidate(candidate: IceCandidateInit): Operation;
  /** Resolves to a list of statistics in JSON. */
  getStats(of: StatsSelector[0], id: StatsSelector[1]): Operation;
  setIdentityProvider(provider: string, options: IdentityProviderOptions): Reply;
  getIdentityAssertion(): Operation;
  answer(question: number, answer: NativeAnswer): Reply;
  restartIce(): Reply;
  setConfiguration(configuration: Configuration, certificates: readonly NativeCertificate[]): Reply;
  close(): Reply;

  addTrack(track: NativeTrack, streams: readonly string[]): Reply<number>;
  removeTrack(transceiver: number): Reply;
  addTransceiver(track: NativeTrack | null, kind: Kind, init: NativeTransceiverInit): Reply<number>;
  setDirection(transceiver: number, direction: TransceiverDirection): Reply;
  isolateTrack(track: string, peerIdentity: string): void;
  mayTransmit(transceiver: number): boolean;
  rejection(transceiver: number): string | null;
  stop(transceiver: number): Reply;
  setCodecPreferences(transceiver: number, codecs: readonly RtpCodec[]): Reply;
  headerExtensionsToNegotiate(transceiver: number): RtpHeaderExtensionCapability[];
  setHeaderExtensionsToNegotiate(transceiver: number, extensions: readonly RtpHeaderExtensionCapability[]): Reply;
  negotiatedHeaderExtensions(transceiver: number): RtpHeaderExtensionCapability[];
  replaceTrack(transceiver: number, track: NativeTrack | null): Operation;
  setStreams(transceiver: number, streams: readonly string[]): Reply;
  parameters(transceiver: number): Reply<RtpSendParameters>;
  setParameters(transceiver: number, parameters: RtpSendParameters): Operation;
  receiverParameters(transceiver: number): RtpReceiveParameters;
  /** Their times are relative to now. */
  sources(transceiver: number, kind: string, contributing: boolean): RtpContributingSource[];
  stopTrack(track: string): void;
  /** The application changed what is in a stream of the remote end. */
  setStreamTracks(stream: string, tracks: readonly string[]): void;
  insertDtmf(transceiver: number, tones: string, duration: number, gap: number): Reply;

  /** `number` is what the hub names the end by. */
  readFrames(transceiver: number, hub: NativeMediaHub, number: number): NativeFrameReader;
  readPackets(transceiver: number, hub: NativeMediaHub, number: number): NativePacketReader;
  writeFrames(transceiver: number, hub: NativeMediaHub, number: number): NativeFrameWriter;
  writePackets(transceiver: number, hub: NativeMediaHub, number: number): NativePacketWriter;
  readVideo(transceiver: number, hub: NativeMediaHub, number: number): NativeVideoReader;
  readAudio(transceiver: number, hub: NativeMediaHub, number: number): NativeAudioReader;
  /** `isIsolated`: no transform that shows it is given it. */
  writeVideo(transceiver: number, isIsolated: boolean): NativeVideoWriter;
  writeAudio(transceiver: number, isIsolated: boolean): NativeAudioWriter;
  /** Of what the core encodes. */
  wantKeyFrame(transceiver: number, encoding: number): void;
  setJitterBufferTarget(transceiver: number, milliseconds: number | null): Reply;
  setTransform(transceiver: number, side: 'sender' | 'receiver', transform: NativeTransform | null): void;
  sendKeyFrameRequest(transceiver: number, encoding: number): Reply;

  iceFailure(transport: number): string | null;
  isDtlsSilent(transport: number): boolean;
  localCandidates(transport: number): NativeCandidate[];
  remoteCandidates(transport: number): NativeCandidate[];
  selectedCandidatePair(transport: number): NativeCandidatePair | null;
  controlCandidatePairs(): Reply;
  answerCandidatePair(transport: number, pair: number, accepted: boolean): Reply;
  selectCandidatePair(transport: number, pair: number): Reply<number>;
  removeCandidatePair(transport: number, pair: number): Reply<number>;
  localIceParameters(transport: number): IceParameters | null;
  remoteIceParameters(transport: number): IceParameters | null;
  remoteCertificates(transport: number): ArrayBuffer[];

  createDataChannel(label: string, init: DataChannelInit): Reply<number>;
  /** The new `bufferedAmount`. */
  sendText(channel: number, data: string): number | NativeException;
  sendBinary(channel: number, data: Uint8Array): number | NativeException;
  closeChannel(channel: number): Reply;
  /** What waits to be sent counts, in bytes. */
  sendQueueCost(channel: number): number;
  setBufferedAmountLowThreshold(channel: number, threshold: number): void;
}

export interface NativeCertificate {
  readonly expires: number;
  fingerprints(): { algorithm: string; value: string }[];
  toPem(): string;
}

/** Of one `SFrameTransform` or stream. */
export interface NativeSframe {
  /** Bytes of what is derived. */
  readonly keyBytes: number;
  readonly saltBytes: number;
  /** WebCrypto's name. */
  readonly hash: string;
  /** What HKDF expands with. */
  label(id: bigint, name: 'key' | 'salt'): Uint8Array<ArrayBuffer>;
  /** A text is why not. */
  setKey(id: bigint, key: Uint8Array, salt: Uint8Array): string | null;
  /** Null: there is no key. */
  encrypt(frame: Uint8Array, metadata: Uint8Array): Uint8Array<ArrayBuffer> | null;
  decrypt(frame: Uint8Array, metadata: Uint8Array): Uint8Array<ArrayBuffer> | NativeSframeError;
}

export interface NativeSframeError {
  readonly errorType: 'authentication' | 'keyID' | 'syntax';
  readonly keyId?: bigint;
}

export type NativeKeygenAlgorithm =
  | { readonly name: 'ECDSA' }
  | { readonly name: 'RSASSA-PKCS1-v1_5'; readonly modulusLength: number };

export interface NativeEndpoint {
  readonly sharedPort?: number | null;
  /** Counts of what was lost in this host. */
  stats(): object;
  /** What Prometheus reads. */
  metrics(): string;
  close(): void;
}

/** The connections of this JavaScript thread that have something to do. */
export interface NativeHub {
  /** Their numbers, and how many reports there are for each: in the order in which things happened. */
  takeReady(): [number[], number[]];
}

/** The readers, writers and transformers of this JavaScript thread that have something to do. */
export interface NativeMediaHub {
  takeReady(): number[];
}

/** Frames or packets: `lib/flow/columns.ts` says what the numbers are. */
export interface NativeBatch {
  readonly count: number;
  readonly fields: Float64Array;
  /** The bytes of all, one after the other. */
  readonly data: ArrayBuffer;
  readonly rids?: readonly string[];
  readonly details?: readonly NativeDetails[];
  /** Nothing follows. */
  readonly ended: boolean;
}

export interface NativeReader {
  /** Null when nothing is there yet. */
  take(limit: number): NativeBatch | null;
  readonly dropped?: number;
  close?(): void;
}
export type NativePacketReader = NativeReader;
export interface NativeFrameReader extends NativeReader {
  mimeType(payloadType: number): string | null | undefined;
}

export interface NativeWriter {
  /** How many from the front there was room for; -1 at the end. */
  send(fields: Float64Array, data: readonly Uint8Array[], details?: readonly NativeDetails[]): number;
  /** 1; or 0, and the hub tells when there is room; or -1 at the end. */
  room(): number;
  readonly queued?: number;
}
export type NativePacketWriter = NativeWriter;
export interface NativeFrameWriter extends NativeWriter {
  /** Encodings that a transform wants a key frame of. */
  takeKeyFramesWanted(): number[];
  rid(encoding: number): string | null | undefined;
  payloadType(mimeType: string): number | null | undefined;
}

/** An ICE transport without a connection. Its methods give what they throw. */
export interface NativeIceTransport {
  gather(options: IceGatherOptions): NativeException | null;
  start(parameters: IceParameters, lite: boolean, role: IceRole): NativeException | null;
  stop(): NativeException | null;
  addRemoteCandidate(candidate: IceCandidateInit): NativeException | null;
  state(): IceTransportState;
  gatheringState(): IceGathererState;
  role(): IceRole;
  failure(): string | null | undefined;
  localParameters(): IceParameters | null;
  selectedCandidatePair(): NativeCandidatePair | null;
  /** Makes tasks of so many reports; tells how many tasks wait. */
  receive(reports: number): number;
  taskCount(): number;
  /** The next effect, for which it runs tasks; null when there is nothing. */
  next(): NativeEffect | null;
}

/** The pixels of a picture, which are in the core. */
export interface NativePicture {
  /** `VideoPixelFormat` */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** In microseconds. */
  readonly timestamp: number;
  /** In degrees, clockwise. */
  readonly rotation: number;
  /** Of a test picture. */
  readonly number: number | null | undefined;
  crop(rect: NativeRect): NativePicture;
  /** The same pixels, which are freed when all that share them are closed. */
  share(): NativePicture;
  close(): void;
  /** `layout` has offset and stride of each plane, one after the other. */
  copy(out: Uint8Array, format: string, rect: NativeRect, layout: readonly number[]): void;
}

export interface NativeRect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The samples of all channels in turn, which begin at this time, in microseconds. */
export interface NativeSound {
  readonly samples: Float32Array;
  readonly sampleRate: number;
  readonly channels: number;
  readonly timestamp: number;
}

interface NativeRawReader<T> {
  /** Null when none is there: the hub tells of the next, unless it has ended. */
  take(): T | null;
  readonly ended: boolean;
  close(): void;
}
export type NativeVideoReader = NativeRawReader<NativePicture>;
export type NativeAudioReader = NativeRawReader<NativeSound>;

/** What encodes; `write` is false at the end. */
export interface NativeVideoWriter {
  write(picture: NativePicture, timestamp: number): boolean;
  setContentHint(hint: string): void;
  readonly dropped: number;
  close(): void;
}
export interface NativeAudioWriter {
  write(samples: Float32Array, sampleRate: number, channels: number, timestamp: number): boolean;
  readonly dropped: number;
  close(): void;
}

/** What happens to a device or to the list of them; the hub tells when there is something. */
export interface NativeEvents {
  take(): string | null | undefined;
  close(): void;
}

/** A track of a device. What it is and can be is JSON. */
export interface NativeLocalTrack {
  readonly kind: string;
  readonly label: string;
  readonly muted: boolean;
  readonly ended: boolean;
  settings(): string;
  capabilities(): string;
  /** Why not, if not. */
  applyConstraints(constraints: string): string | null | undefined;
  cloneTrack(): NativeLocalTrack;
  stop(): void;
  readVideo(hub: NativeMediaHub, number: number): NativeVideoReader | null;
  readAudio(hub: NativeMediaHub, number: number): NativeAudioReader | null;
  /** `mute`, `unmute`, `ended`. */
  events(hub: NativeMediaHub, number: number): NativeEvents;
}

/** A transform in the thread of its connection. */
export interface NativeTransform {
  readonly token: number;
  /** The program sees what passes it. */
  readonly shows: boolean;
  abandon(): void;
  wantKeyFrame(encoding: number): void;
}

/** A transform in the thread of its worker. */
export interface NativeTransformer extends NativeReader, NativeWriter {
  readonly kind?: Kind | null;
  /** A sender or receiver has it. */
  readonly isAttached: boolean;
  /** None has it, nor ever will. */
  readonly isOver: boolean;
  /** Nobody reads any more. */
  cancel(): void;
  takeKeyFramesWanted(): number[];
  rid(encoding: number): string | null | undefined;
  askEncoder(encoding: number): void;
  /** The encodings of which one is awaited. */
  generateKeyFrame(rid: string | null): number[] | NativeException;
  sendKeyFrameRequest(): boolean;
  mimeType(payloadType: number): string | null | undefined;
}

interface Binding {
  /** `wake` is called on this thread when there are connections to take. */
  Hub: new (wake: () => void) => NativeHub;
  /** `wake` is called on this thread when there are ends to take. */
  MediaHub: new (wake: () => void) => NativeMediaHub;
  createPicture(format: string, width: number, height: number, data: Uint8Array, layout: readonly number[]): NativePicture;
  blackPicture(width: number, height: number): NativePicture;
  /** With a number in it, of 16 bits. */
  testPicture(number: number, width: number, height: number): NativePicture;
  /** A list of devices, in JSON. */
  enumerateDevices(): string;
  /** `MediaTrackCapabilities` in JSON. */
  deviceCapabilities(deviceId: string): string;
  /** Tracks, or in JSON why there are none. */
  capture(constraints: string): Promise<NativeLocalTrack[] | string>;
  /** What is new each time that there are other devices, in JSON. */
  watchDevices(hub: NativeMediaHub, number: number): NativeEvents;
  /** For tests: of a device that makes its media up. */
  fakeDevice(deviceId: string, what: 'plug' | 'unplug' | 'mute' | 'unmute'): void;
  /** How many whole pictures were copied in this process. */
  copiedPictures(): number;
  createSframe(cipherSuite: string): NativeSframe;
  /** How many bytes of a frame stay in the clear; null: it cannot be encrypted. */
  sframeClearBytes(mimeType: string, isKey: boolean): number | null;
  /** A transform that is nowhere yet. */
  /** `shows`: the program sees what passes it. */
  createTransform(shows: boolean): NativeTransform;
  openTransformer(token: number, hub: NativeMediaHub, number: number): NativeTransformer;
  /** `connection` is the number by which the hub names it, `now` this thread's time in milliseconds since 1970. */
  createPeerConnection(
    configuration: Configuration,
    certificates: readonly NativeCertificate[],
    hub: NativeHub,
    connection: number,
    endpoint: NativeEndpoint | null,
    now: number,
  ): Reply<NativePeerConnection>;
  /** `number` is the one by which the hub names it. */
  createIceTransport(hub: NativeHub, number: number): Reply<NativeIceTransport>;
  /** The endpoint, or why there is none. */
  createEndpoint(options: NativeEndpointOptions): { readonly value?: NativeEndpoint; readonly error?: string };
  /** How many bytes a channel may have queued. */
  SEND_BUFFER_BYTES: number;
  /** What a message in the queue counts beside its bytes. */
  SEND_OVERHEAD: number;
  generateCertificate(algorithm: NativeKeygenAlgorithm, expires: number | null): Promise<NativeCertificate>;
  /** What `toPem()` wrote; a text is why it cannot be read. */
  readCertificate(pem: string): NativeCertificate | string;
  /** What a candidate attribute says; null when it cannot be parsed. */
  parseCandidate(candidate: string): IceCandidateParts | null;
  capabilities(kind: Kind, side: 'send' | 'receive'): RtpCapabilities;
}

export const native: Binding = loadBinding() as Binding;
