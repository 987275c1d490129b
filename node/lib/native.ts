/**
 * The native core, `src/`: what it offers and what passes through. Dictionaries have the shape that
 * the specification gives them; objects are named by numbers and ids.
 */
import type {
  RTCConfiguration,
  RTCDataChannelInit,
  RTCDataChannelState,
  RTCDtlsTransportState,
  RTCIceCandidateInit,
  RTCIceConnectionState,
  RTCIceGathererState,
  RTCIceGatheringState,
  RTCIceRole,
  RTCIceTransportState,
  RTCLocalSessionDescriptionInit,
  RTCOfferOptions,
  RTCPeerConnectionState,
  RTCPriorityType,
  RTCRtpSendParameters,
  RTCRtpTransceiverDirection,
  RTCRtpTransceiverInit,
  RTCSctpTransportState,
  RTCSessionDescriptionInit,
  RTCSignalingState,
} from './idl/types.js';
import type { Kind } from './media/source.js';
import { loadBinding } from './load-binding.js';

/** What a method threw or a promise rejects with. */
export interface NativeException {
  readonly name: string;
  readonly message: string;
  /** The members of `RTCErrorInit`, when it is an `RTCError`. */
  readonly rtc?: {
    readonly errorDetail: string;
    readonly sdpLineNumber?: number;
    readonly sctpCauseCode?: number;
    readonly receivedAlert?: number;
    readonly sentAlert?: number;
  };
}

export interface NativeCandidateParts {
  readonly foundation: string;
  readonly component: 'rtp' | 'rtcp';
  readonly priority: number;
  readonly address: string;
  readonly protocol: 'udp' | 'tcp';
  readonly port: number;
  readonly type: 'host' | 'srflx' | 'prflx' | 'relay';
  readonly tcpType?: 'active' | 'passive' | 'so' | null;
  readonly relatedAddress?: string | null;
  readonly relatedPort?: number | null;
}

export interface NativeCandidate {
  readonly init: RTCIceCandidateInit;
  readonly parts?: NativeCandidateParts | null;
  readonly relayProtocol?: 'udp' | 'tcp' | 'tls' | null;
  readonly url?: string | null;
}

/** `kind` is the event's `type`; `target` says whose it is. */
export type NativeEvent =
  | { readonly target: 'connection'; readonly type: 'icecandidate'; readonly candidate: NativeCandidate | null }
  | {
      readonly target: 'connection';
      readonly type: 'icecandidateerror';
      readonly address: string | null;
      readonly port: number | null;
      readonly url: string;
      readonly errorCode: number;
      readonly errorText: string;
    }
  | {
      readonly target: 'connection';
      readonly type: 'track';
      readonly transceiver: number;
      readonly streams: readonly string[];
    }
  | { readonly target: 'connection'; readonly type: 'datachannel'; readonly channel: number }
  | {
      readonly target: 'connection';
      readonly type:
        | 'negotiationneeded'
        | 'signalingstatechange'
        | 'icegatheringstatechange'
        | 'iceconnectionstatechange'
        | 'connectionstatechange';
    }
  | {
      readonly target: 'stream';
      readonly type: 'addtrack' | 'removetrack';
      readonly stream: string;
      readonly track: string;
    }
  | { readonly target: 'track'; readonly type: 'mute' | 'unmute' | 'ended'; readonly track: string }
  | { readonly target: 'dtls'; readonly type: 'statechange'; readonly key: number }
  | { readonly target: 'dtls'; readonly type: 'error'; readonly key: number; readonly error: NativeException }
  | {
      readonly target: 'ice';
      readonly type: 'statechange' | 'gatheringstatechange' | 'selectedcandidatepairchange';
      readonly key: number;
    }
  | { readonly target: 'sctp'; readonly type: 'statechange' }
  | {
      readonly target: 'channel';
      readonly type: 'open' | 'bufferedamountlow' | 'closing' | 'close';
      readonly channel: number;
    }
  | { readonly target: 'channel'; readonly type: 'error'; readonly channel: number; readonly error: NativeException }
  | {
      readonly target: 'channel';
      readonly type: 'message';
      readonly channel: number;
      readonly data: string | ArrayBuffer;
    }
  | {
      readonly target: 'sender';
      readonly type: 'keyframerequest';
      readonly transceiver: number;
      readonly encoding: number;
      readonly rid?: string;
    }
  | { readonly target: 'sender'; readonly type: 'targetbitratechange'; readonly transceiver: number }
  | { readonly target: 'dtmf'; readonly type: 'tonechange'; readonly transceiver: number; readonly tone: string };

/** One thing to do: dispatch an event or settle a promise. */
export type NativeEffect =
  | ({ readonly effect: 'event' } & NativeEvent)
  | { readonly effect: 'resolve'; readonly operation: number; readonly description?: RTCSessionDescriptionInit; readonly stats?: string }
  | { readonly effect: 'reject'; readonly operation: number; readonly exception: NativeException };

export type DescriptionName =
  | 'currentLocalDescription'
  | 'pendingLocalDescription'
  | 'currentRemoteDescription'
  | 'pendingRemoteDescription';

// --- the mirror: slots as they are after a task or a method

export interface ConnectionView {
  readonly signalingState: RTCSignalingState;
  readonly iceGatheringState: RTCIceGatheringState;
  readonly iceConnectionState: RTCIceConnectionState;
  readonly connectionState: RTCPeerConnectionState;
  readonly canTrickleIceCandidates?: boolean | null;
  /** Grows when a description may read otherwise than before. */
  readonly descriptionsRevision: number;
}

export interface TransceiverView {
  readonly id: number;
  /** In `getTransceivers()`. */
  readonly listed: boolean;
  readonly kind: Kind;
  readonly mid?: string | null;
  readonly direction: RTCRtpTransceiverDirection;
  readonly currentDirection?: RTCRtpTransceiverDirection | null;
  readonly senderTrack?: string | null;
  readonly senderTransport?: number | null;
  readonly receiverTrack: string;
  readonly receiverTransport?: number | null;
  readonly canInsertDtmf: boolean;
  readonly toneBuffer: string;
}

export interface TransportView {
  readonly key: number;
  readonly dtlsState: RTCDtlsTransportState;
  readonly iceState: RTCIceTransportState;
  readonly iceGatheringState: RTCIceGathererState;
  readonly iceRole: RTCIceRole;
}

export interface SctpView {
  readonly transport: number;
  readonly state: RTCSctpTransportState;
  /** Absent: no limit. */
  readonly maxMessageSize?: number | null;
  readonly maxChannels?: number | null;
}

export interface ChannelView {
  readonly key: number;
  readonly label: string;
  readonly ordered: boolean;
  readonly maxPacketLifeTime?: number | null;
  readonly maxRetransmits?: number | null;
  readonly protocol: string;
  readonly negotiated: boolean;
  readonly priority: RTCPriorityType;
  readonly id?: number | null;
  readonly readyState: RTCDataChannelState;
  readonly bufferedAmount: number;
}

/** The parts of the slots that changed since the last mirror. */
export interface Mirror {
  readonly connection?: ConnectionView;
  /** Those that changed; one that was removed comes a last time, not listed. */
  readonly transceivers?: readonly TransceiverView[];
  /** The numbers of those of `getTransceivers()`, when one came or went. */
  readonly listed?: readonly number[];
  readonly transports?: readonly TransportView[];
  readonly sctp?: SctpView | null;
  /** Those that changed. */
  readonly channels?: readonly ChannelView[];
  /** Channel and `bufferedAmount`, one after the other, where nothing else changed. */
  readonly amounts?: readonly number[];
}

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

export interface NativeConfiguration extends Omit<RTCConfiguration, 'certificates' | 'iceServers' | 'peerIdentity' | 'rtpHeaderEncryptionPolicy'> {
  readonly iceServers: readonly { urls: string[]; username?: string; credential?: string }[];
}

export interface NativeTransceiverInit extends Omit<RTCRtpTransceiverInit, 'streams'> {
  readonly streams: readonly string[];
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
  description(name: DescriptionName): RTCSessionDescriptionInit | null;
  /** What a method settled in its own turn. */
  nextMicrotask(): Turn | null;
  /** Queues what is due by the clock. */
  handleTimeout(): Reply;

  createOffer(options: RTCOfferOptions): Operation;
  createAnswer(): Operation;
  setLocalDescription(description: RTCLocalSessionDescriptionInit): Operation;
  setRemoteDescription(description: RTCSessionDescriptionInit): Operation;
  addIceCandidate(candidate: RTCIceCandidateInit): Operation;
  /** Resolves to a list of statistics in JSON. */
  getStats(of: StatsSelector[0], id: StatsSelector[1], now: number): Operation;
  restartIce(): Reply;
  setConfiguration(configuration: NativeConfiguration, certificates: readonly NativeCertificate[]): Reply;
  close(): Reply;

  addTrack(track: NativeTrack, streams: readonly string[]): Reply<number>;
  removeTrack(transceiver: number): Reply;
  addTransceiver(track: NativeTrack | null, kind: Kind, init: NativeTransceiverInit): Reply<number>;
  setDirection(transceiver: number, direction: RTCRtpTransceiverDirection): Reply;
  stop(transceiver: number): Reply;
  setCodecPreferences(transceiver: number, codecs: readonly object[]): Reply;
  headerExtensionsToNegotiate(transceiver: number): object[];
  setHeaderExtensionsToNegotiate(transceiver: number, extensions: readonly object[]): Reply;
  negotiatedHeaderExtensions(transceiver: number): object[];
  replaceTrack(transceiver: number, track: NativeTrack | null): Operation;
  setStreams(transceiver: number, streams: readonly string[]): Reply;
  parameters(transceiver: number): Reply<object>;
  setParameters(transceiver: number, parameters: RTCRtpSendParameters): Operation;
  receiverParameters(transceiver: number): object;
  stopTrack(track: string): void;
  /** The application changed what is in a stream of the remote end. */
  setStreamTracks(stream: string, tracks: readonly string[]): void;
  insertDtmf(transceiver: number, tones: string, duration: number, gap: number): Reply;

  /** `number` is what the hub names the end by. */
  readFrames(transceiver: number, hub: NativeMediaHub, number: number): NativeFrameReader;
  readPackets(transceiver: number, hub: NativeMediaHub, number: number): NativePacketReader;
  writeFrames(transceiver: number, hub: NativeMediaHub, number: number): NativeFrameWriter;
  writePackets(transceiver: number, hub: NativeMediaHub, number: number): NativePacketWriter;
  setTransform(transceiver: number, side: 'sender' | 'receiver', transform: NativeTransform | null): void;
  sendKeyFrameRequest(transceiver: number, encoding: number): Reply;

  localCandidates(transport: number): NativeCandidate[];
  remoteCandidates(transport: number): NativeCandidate[];
  selectedCandidatePair(transport: number): { local: NativeCandidate; remote: NativeCandidate } | null;
  localIceParameters(transport: number): object | null;
  remoteIceParameters(transport: number): object | null;
  remoteCertificates(transport: number): ArrayBuffer[];

  createDataChannel(label: string, init: RTCDataChannelInit): Reply<number>;
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
}

export type NativeKeygenAlgorithm =
  | { readonly name: 'ECDSA' }
  | { readonly name: 'RSASSA-PKCS1-v1_5'; readonly modulusLength: number };

export interface NativeEndpoint {
  readonly sharedPort?: number | null;
  /** Counts of what was lost in this host. */
  stats(): object;
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
  send(fields: Float64Array, data: readonly Uint8Array[]): number;
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

/** A transform in the thread of its connection. */
export interface NativeTransform {
  readonly token: number;
  abandon(): void;
  wantKeyFrame(encoding: number): void;
}

/** A transform in the thread of its worker. */
export interface NativeTransformer extends NativeReader, NativeWriter {
  readonly kind?: Kind | null;
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
  /** A transform that is nowhere yet. */
  createTransform(): NativeTransform;
  openTransformer(token: number, hub: NativeMediaHub, number: number): NativeTransformer;
  /** `connection` is the number by which the hub names it. */
  createPeerConnection(
    configuration: NativeConfiguration,
    certificates: readonly NativeCertificate[],
    hub: NativeHub,
    connection: number,
    endpoint: NativeEndpoint | null,
  ): Reply<NativePeerConnection>;
  /** The endpoint, or why there is none. */
  createEndpoint(options: object): { readonly value?: NativeEndpoint; readonly error?: string };
  /** How many bytes a channel may have queued. */
  SEND_BUFFER_BYTES: number;
  /** What a message in the queue counts beside its bytes. */
  SEND_OVERHEAD: number;
  generateCertificate(algorithm: NativeKeygenAlgorithm, expires: number | null): Promise<NativeCertificate>;
  /** What a candidate attribute says; null when it cannot be parsed. */
  parseCandidate(candidate: string): NativeCandidateParts | null;
  capabilities(kind: Kind, side: 'send' | 'receive'): object;
}

export const native: Binding = loadBinding() as Binding;
