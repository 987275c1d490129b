/// <reference lib="dom" />
/**
 * `RTCPeerConnection` outside the browser: the interfaces of webrtc-pc and of the documents around
 * it, with the browser's names.
 *
 * The types are TypeScript's own of the browser (`lib.dom.d.ts`): what is typed for the browser
 * compiles unchanged against this package.
 *
 * ```ts
 * import { RTCPeerConnection } from 'duologue';
 *
 * const pc = new RTCPeerConnection({ iceServers: [{ urls: 'stun:stun.example.org' }] });
 * const channel = pc.createDataChannel('chat');
 * channel.onopen = () => channel.send('hello');
 * ```
 */

export declare const AudioData: typeof globalThis.AudioData;
export type AudioData = globalThis.AudioData;
export declare const InputDeviceInfo: typeof globalThis.InputDeviceInfo;
export type InputDeviceInfo = globalThis.InputDeviceInfo;
export declare const MediaDeviceInfo: typeof globalThis.MediaDeviceInfo;
export type MediaDeviceInfo = globalThis.MediaDeviceInfo;
export declare const MediaDevices: typeof globalThis.MediaDevices;
export type MediaDevices = globalThis.MediaDevices;
export declare const MediaStream: typeof globalThis.MediaStream;
export type MediaStream = globalThis.MediaStream;
export declare const MediaStreamTrack: typeof globalThis.MediaStreamTrack;
export type MediaStreamTrack = globalThis.MediaStreamTrack;
export declare const MediaStreamTrackEvent: typeof globalThis.MediaStreamTrackEvent;
export type MediaStreamTrackEvent = globalThis.MediaStreamTrackEvent;
export declare const OverconstrainedError: typeof globalThis.OverconstrainedError;
export type OverconstrainedError = globalThis.OverconstrainedError;
export declare const RTCCertificate: typeof globalThis.RTCCertificate & {
  /**
   * Reads what `toPem()` wrote, or a certificate and its private key as OpenSSL writes them, of ECDSA P-256 or RSA. Throws
   * `DataError` for anything else.
   */
  fromPem(pem: string): globalThis.RTCCertificate;
};
export type RTCCertificate = globalThis.RTCCertificate;
export declare const RTCDTMFSender: typeof globalThis.RTCDTMFSender;
export type RTCDTMFSender = globalThis.RTCDTMFSender;
export declare const RTCDTMFToneChangeEvent: typeof globalThis.RTCDTMFToneChangeEvent;
export type RTCDTMFToneChangeEvent = globalThis.RTCDTMFToneChangeEvent;
export declare const RTCDataChannel: typeof globalThis.RTCDataChannel;
export type RTCDataChannel = globalThis.RTCDataChannel;
export declare const RTCDataChannelEvent: typeof globalThis.RTCDataChannelEvent;
export type RTCDataChannelEvent = globalThis.RTCDataChannelEvent;
export declare const RTCDtlsTransport: typeof globalThis.RTCDtlsTransport;
export type RTCDtlsTransport = globalThis.RTCDtlsTransport;
export declare const RTCEncodedAudioFrame: typeof globalThis.RTCEncodedAudioFrame;
export type RTCEncodedAudioFrame = globalThis.RTCEncodedAudioFrame;
export declare const RTCEncodedVideoFrame: typeof globalThis.RTCEncodedVideoFrame;
export type RTCEncodedVideoFrame = globalThis.RTCEncodedVideoFrame;
export declare const RTCError: typeof globalThis.RTCError;
export type RTCError = globalThis.RTCError;
export declare const RTCErrorEvent: typeof globalThis.RTCErrorEvent;
export type RTCErrorEvent = globalThis.RTCErrorEvent;
export declare const RTCIceCandidate: typeof globalThis.RTCIceCandidate;
export type RTCIceCandidate = globalThis.RTCIceCandidate;
/** It has a constructor here: a transport without a connection (webrtc-ice). */
export declare const RTCIceTransport: { prototype: RTCIceTransport; new (): RTCIceTransport };
export type RTCIceTransport = globalThis.RTCIceTransport;
export declare const RTCPeerConnection: typeof globalThis.RTCPeerConnection & {
  new (configuration?: RTCConfiguration, options?: ConnectionOptions): globalThis.RTCPeerConnection;
};
export type RTCPeerConnection = globalThis.RTCPeerConnection;
export declare const RTCPeerConnectionIceErrorEvent: typeof globalThis.RTCPeerConnectionIceErrorEvent;
export type RTCPeerConnectionIceErrorEvent = globalThis.RTCPeerConnectionIceErrorEvent;
export declare const RTCPeerConnectionIceEvent: typeof globalThis.RTCPeerConnectionIceEvent;
export type RTCPeerConnectionIceEvent = globalThis.RTCPeerConnectionIceEvent;
export declare const RTCRtpReceiver: typeof globalThis.RTCRtpReceiver;
export type RTCRtpReceiver = globalThis.RTCRtpReceiver;
export declare const RTCRtpScriptTransform: {
  prototype: globalThis.RTCRtpScriptTransform;
  /** `worker`: of `node:worker_threads`. */
  new (worker: TransformWorker, options?: unknown, transfer?: readonly object[]): globalThis.RTCRtpScriptTransform;
};
export type RTCRtpScriptTransform = globalThis.RTCRtpScriptTransform;
export declare const RTCRtpSender: typeof globalThis.RTCRtpSender;
export type RTCRtpSender = globalThis.RTCRtpSender;
export declare const RTCRtpTransceiver: typeof globalThis.RTCRtpTransceiver;
export type RTCRtpTransceiver = globalThis.RTCRtpTransceiver;
export declare const RTCSctpTransport: typeof globalThis.RTCSctpTransport;
export type RTCSctpTransport = globalThis.RTCSctpTransport;
export declare const RTCSessionDescription: typeof globalThis.RTCSessionDescription;
export type RTCSessionDescription = globalThis.RTCSessionDescription;
export declare const RTCStatsReport: typeof globalThis.RTCStatsReport;
export type RTCStatsReport = globalThis.RTCStatsReport;
export declare const RTCTrackEvent: typeof globalThis.RTCTrackEvent;
export type RTCTrackEvent = globalThis.RTCTrackEvent;

export declare const VideoColorSpace: typeof globalThis.VideoColorSpace;
export type VideoColorSpace = globalThis.VideoColorSpace;
/** Made of another frame or of bytes: there are neither images nor canvases. */
export declare const VideoFrame: {
  prototype: globalThis.VideoFrame;
  new (frame: globalThis.VideoFrame, init?: VideoFrameInit): globalThis.VideoFrame;
  new (data: AllowSharedBufferSource, init: VideoFrameBufferInit): globalThis.VideoFrame;
};
export type VideoFrame = globalThis.VideoFrame;

// mediacapture-transform, of which TypeScript has a part, and that for workers

/** A frame of pictures or of sound. Who has read one closes it. */
export type MediaFrame = VideoFrame | AudioData;

export interface MediaStreamTrackProcessorInit {
  track: MediaStreamTrack;
  /** How many frames wait to be read; the newest ones. Default: 1 picture, 10 pieces of sound. */
  maxBufferSize?: number;
}
/** The frames of a track, as they come. */
export interface MediaStreamTrackProcessor<T extends MediaFrame = MediaFrame> {
  readonly readable: ReadableStream<T>;
}
export declare const MediaStreamTrackProcessor: {
  prototype: MediaStreamTrackProcessor;
  new <T extends MediaFrame = MediaFrame>(init: MediaStreamTrackProcessorInit): MediaStreamTrackProcessor<T>;
};

/** A track of the pictures that are written. Each is closed then. */
export interface VideoTrackGenerator {
  readonly writable: WritableStream<VideoFrame>;
  muted: boolean;
  readonly track: MediaStreamTrack;
}
export declare const VideoTrackGenerator: {
  prototype: VideoTrackGenerator;
  new (): VideoTrackGenerator;
};

/** Chromium's, which makes sound, too. Who writes sound faster than it lasts waits. */
export interface MediaStreamTrackGenerator<T extends MediaFrame = MediaFrame> extends MediaStreamTrack {
  readonly writable: WritableStream<T>;
}
export declare const MediaStreamTrackGenerator: {
  prototype: MediaStreamTrackGenerator;
  new (init: { kind: 'audio' }): MediaStreamTrackGenerator<AudioData>;
  new (init: { kind: 'video' }): MediaStreamTrackGenerator<VideoFrame>;
};

/** What a browser has as `navigator.mediaDevices`; its devices are fakes. */
export declare const mediaDevices: MediaDevices;

// What servers choose; no browser has it.

/** What `new RTCPeerConnection()` takes behind the configuration. */
export interface ConnectionOptions {
  /** By default the connection is on the endpoint of all who name none. */
  endpoint?: Endpoint;
  /**
   * Whether a track that arrives is decoded though nobody reads it, as in browsers, whose statistics and events tell of
   * it. Servers that only look at some tracks save the others. Default: true.
   */
  decodeUnread?: boolean;
  /** Whose word on identities counts (webrtc-identity). */
  identityProviders?: {
    /** Domains whose scripts may be run, beside that of `setIdentityProvider()`: they run with the rights of the program. */
    trust?: string[];
    /** Gives a script, in place of `fetch`. */
    load?: (url: string) => string | Promise<string>;
    /** Whose connection it is, as providers are told; `null` by default. */
    origin?: string;
  };
}

/** What an `Endpoint` is made with. What is not said is as in browsers. */
export interface EndpointOptions {
  /** One UDP port for all connections; 0: any free one. Not together with `portRange`. */
  sharedPort?: number;
  /** Each connection takes its ports from here; both ends of the range belong to it. */
  portRange?: readonly [first: number, last: number];
  /** Whether IPv4 addresses are used. Default: true. */
  ipv4?: boolean;
  /** Whether IPv6 addresses are used. Default: true. */
  ipv6?: boolean;
  /** Whether loopback addresses are used. Default: false (RFC 8445 §5.1.1.1). */
  loopback?: boolean;
  /** Names of network interfaces; if there are any, no others are used. */
  onlyInterfaces?: readonly string[];
  exceptInterfaces?: readonly string[];
  /** Addresses of this host; if there are any, no others are used. */
  onlyAddresses?: readonly string[];
  exceptAddresses?: readonly string[];
  /** Where this host is reached from outside, behind a NAT that keeps ports. */
  externalAddresses?: readonly (string | ExternalAddress)[];
  /** Signal random mDNS names in place of the addresses of this host. Default: false. */
  hideHostAddresses?: boolean;
  /** Whether UDP is used. Default: true. */
  udp?: boolean;
  /** Which TCP candidates there are (RFC 6544). Default: the active ones. */
  tcp?: TcpTypes;
  /** Certificates in PEM form: servers reached over TLS or DTLS must show one that these issued. */
  tlsRoots?: string;
  /** Answer connectivity checks and make none (RFC 8445 §2.5). Default: false. */
  iceLite?: boolean;
  /** Go over to another path without a restart, with a peer that says the same. Default: false. */
  iceRenomination?: boolean;
  /** Signal addresses that this host gets later; gathering never ends then. Default: false. */
  gatherContinually?: boolean;
  /** How many data channels a connection may have; a peer that opens more is refused. Default: 1024. */
  maxChannels?: number;
  /**
   * Bits per second that the estimate of a path that media take stays between, and begins with.
   * Default: 30_000, 300_000 and 10_000_000_000.
   */
  bitrateBounds?: { min?: number; start?: number; max?: number };
  /**
   * Offer and answer feedback of arrivals and ECN marks by stream (RFC 8888); packets leave as capable
   * of L4S (ECT(1)) then. Default: false.
   */
  congestionControlFeedback?: boolean;
  /** Bytes asked of the system for each socket. */
  socketBuffers?: { receive: number; send: number };
}
export interface ExternalAddress {
  address: string;
  /** The address of this host that it stands for. Default: each of its family. */
  local?: string;
  /** Whether it is signalled in place of the own address, or beside it. Default: true. */
  replaces?: boolean;
}
export interface TcpTypes {
  /** Connections are opened to peers that listen. Default: true. */
  active?: boolean;
  /** This host listens, at the shared port if there is one. Default: false. */
  passive?: boolean;
  /** Default: false. */
  simultaneousOpen?: boolean;
}

/** Datagrams that were lost in this host rather than on the way. */
export interface EndpointStats {
  readonly sendErrors: number;
  readonly sendConflicts: number;
  readonly receiveErrors: number;
  readonly unroutable: number;
  readonly queueOverflows: number;
  readonly streamOverflows: number;
}

/**
 * How connections reach the network: ports, interfaces, addresses.
 *
 * ```ts
 * const endpoint = new Endpoint({ sharedPort: 3478, externalAddresses: ['192.0.2.1'] });
 * const pc = new RTCPeerConnection({}, { endpoint });
 * ```
 */
export declare class Endpoint {
  /** Throws `OperationError` when the shared port cannot be bound. */
  constructor(options?: EndpointOptions);
  /** The port that all connections share; null: each has its own. */
  readonly sharedPort: number | null;
  readonly closed: boolean;
  stats(): EndpointStats;
  /** No more connections are made; the port is free once those that there are have closed. */
  close(): void;
}

// Encoded frames and RTP packets, to and from the program, and why something does not work; no browser has these members.

declare global {
  interface RTCCertificate {
    /** The certificate and its private key as PEM, to be kept for later runs. Whoever reads it can pass for this end. */
    toPem(): string;
  }
  interface RTCDtlsTransport {
    /**
     * `state` is "connecting", and nothing comes of the peer's part in the handshake, which it would begin: both
     * ends are `passive`, or large datagrams are lost.
     */
    readonly silent: boolean;
  }
  interface RTCIceTransport {
    /** Why `state` is "failed", in words. */
    readonly failure: string | null;
    /** Null before it is decided, of a transport without a connection. */
    readonly role: RTCIceRole | null;
    readonly component: 'rtp';
    getLocalCandidates(): RTCIceCandidate[];
    getRemoteCandidates(): RTCIceCandidate[];
    getLocalParameters(): { usernameFragment: string; password: string } | null;
    getRemoteParameters(): { usernameFragment: string; password: string } | null;
    /**
     * A pair of candidates is there (webrtc-extensions). Who listens to one of these three events, at any transport
     * of a connection, is asked before a pair is nominated or dropped, by events that can be canceled.
     */
    onicecandidatepairadd: ((this: RTCIceTransport, event: RTCIceCandidatePairEvent) => unknown) | null;
    onicecandidatepairnominate: ((this: RTCIceTransport, event: RTCIceCandidatePairEvent) => unknown) | null;
    onicecandidatepairremove: ((this: RTCIceTransport, event: RTCIceCandidatePairEvent) => unknown) | null;
    /** Data is to go by this pair. Resolves when it does. */
    selectCandidatePair(candidatePair: RTCIceCandidatePair): Promise<void>;
    /** Nothing goes by this pair any more. */
    removeCandidatePair(candidatePair: RTCIceCandidatePair): Promise<void>;

    /** These are for a transport without a connection, `new RTCIceTransport()` (webrtc-ice). */
    gather(options?: { gatherPolicy?: RTCIceTransportPolicy; iceServers?: RTCIceServer[] }): void;
    start(remoteParameters: { usernameFragment: string; password: string; iceLite?: boolean }, role?: RTCIceRole): void;
    stop(): void;
    addRemoteCandidate(remoteCandidate?: RTCIceCandidateInit): void;
    onerror: ((this: RTCIceTransport, event: RTCPeerConnectionIceErrorEvent) => unknown) | null;
    onicecandidate: ((this: RTCIceTransport, event: RTCPeerConnectionIceEvent) => unknown) | null;
  }
  interface RTCRtpTransceiver {
    /** Why an answer rejected it, which stopped it, in words. */
    readonly rejection: string | null;
  }
  interface RTCRtpReceiver {
    /**
     * What the peer sends as whole frames, from now on, behind the receiver's transform if it has one. Of
     * video these are the frames that can be decoded, in their order, a key frame first. One reader: while
     * it is open, further calls give the same.
     */
    frames(): EncodedFrames;
    /** The same as RTP packets, decrypted, in the order in which they arrive, repaired ones when they do. */
    packets(): RtpPackets;
    /** Asks the peer for a key frame, of one simulcast layer. Throws `InvalidStateError` for audio. */
    sendKeyFrameRequest(encoding?: number): void;
  }
  interface RTCRtpSender {
    /** Sends frames that the program has encoded or got from elsewhere, through the sender's transform if it has one. */
    frames(): EncodedFrameWriter;
    /** Sends RTP packets that the program has made; no transform sees them. */
    packets(): RtpPacketWriter;
  }
}

/** What readers of frames and of packets have in common. They end with the transceiver and the connection. */
export interface MediaReader<T> extends AsyncIterable<T> {
  /** How many were dropped because nobody read them in time: 1,024 frames or 4,096 packets wait. */
  readonly dropped: number;
  /** The same as a stream; cancelling it closes the reader. */
  readonly readable: ReadableStream<T>;
  /** The next one, if there is one already. */
  tryRecv(): T | null;
  /** Waits for one and gives what is there, at most `limit` (64). Empty at the end. */
  recvMany(limit?: number): Promise<T[]>;
  /** Nothing is read any more: what comes is dropped. */
  close(): void;
}
export interface EncodedFrames extends MediaReader<RTCEncodedVideoFrame | RTCEncodedAudioFrame> {}
export interface RtpPackets extends MediaReader<RtpPacket> {}

/** What writers of frames and of packets have in common. They throw `InvalidStateError` at the end. */
export interface MediaWriter<T> extends EventTarget {
  /** How many frames and packets the sender was given and has not sent. */
  readonly queued: number;
  /** The same as a stream. */
  readonly writable: WritableStream<T>;
  /** Hands over as many as there is room for, from the front; tells how many. */
  send(items: readonly T[]): number;
  /** Hands over all of them, as soon as there is room. */
  sendAll(items: readonly T[]): Promise<undefined>;
  /** Waits until there is room. */
  ready(): Promise<undefined>;
  /** The peer, or a transform, needs a key frame; `rid` says of which encoding, where they have names. */
  onkeyframerequest: ((event: KeyFrameRequestEvent) => unknown) | null;
}
export interface EncodedFrameWriter extends MediaWriter<RTCEncodedVideoFrame | RTCEncodedAudioFrame | EncodedFrameInit> {}
export interface RtpPacketWriter extends MediaWriter<RtpPacketInit> {}

/** A frame that the program has made. */
export interface EncodedFrameInit {
  /** VP8 and VP9 as they are, H.264 and H.265 with start codes, AV1 as OBUs with sizes. */
  data: ArrayBuffer | ArrayBufferView;
  /** In units of the codec's clock. */
  timestamp: number;
  /** What transforms see, where the bytes do not tell. */
  type?: 'key' | 'delta' | 'empty';
  /** Which of the sender's encodings it is of. Default: 0. */
  encoding?: number;
  /** Which of the sender's codecs it is of. Default: the preferred one. */
  payloadType?: number;
  /** From 0 to 1, told where that is agreed (RFC 6464). */
  audioLevel?: number;
  voiceActivity?: boolean;
  temporalIndex?: number;
  /** No other frame needs it. */
  discardable?: boolean;
  /** Who contributed to it, at most fifteen. */
  contributingSources?: readonly number[];
  /** When it was captured, as `performance.now()` counts; told where that is agreed (`abs-capture-time`). */
  captureTime?: number;
  /** A number by which later frames name it, and the numbers of all that it needs; told where that is agreed. */
  frameId?: number;
  dependencies?: readonly number[];
}

/** A packet that was received. */
export interface RtpPacket {
  readonly ssrc: number;
  /** Which simulcast layer it is of, where layers have names. */
  readonly rid: string | null;
  /** What the payload is, by the receiver's parameters. */
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly audioLevel: number | null;
  readonly voiceActivity: boolean | null;
  /** The payload, its format's own header included; a view of memory that it shares with others. */
  readonly payload: Uint8Array;
  /** When it arrived, as `performance.now()` counts. */
  readonly receivedTime: number;
  /** It was lost and came by a repair. */
  readonly repaired: boolean;
  /** Who contributed to it, if a mixer made it. */
  readonly contributingSources: readonly number[];
}

/** A packet to send: what the sender does not decide itself. A packet that was received is one. */
export interface RtpPacketInit {
  payload: ArrayBuffer | ArrayBufferView;
  timestamp: number;
  marker?: boolean;
  /** Which of the sender's encodings it is of. Default: 0. */
  encoding?: number;
  /** Default: that of the preferred codec. */
  payloadType?: number;
  /** For who forwards: gaps stay gaps. Default: the next one. */
  sequenceNumber?: number;
  audioLevel?: number | null;
  voiceActivity?: boolean | null;
  /** Who contributed to it, at most fifteen. */
  contributingSources?: readonly number[];
}

/** Of `Worker` of `node:worker_threads`, what a transform needs. */
export interface TransformWorker {
  postMessage(value: unknown, transfer?: never): void;
  terminate(): unknown;
}

/** In a worker: what a browser's worker has as its global scope. Null in the main thread. */
export declare const workerScope: WorkerScope | null;
export interface WorkerScope extends EventTarget {
  onrtctransform: ((event: RTCTransformEvent) => unknown) | null;
}

/** `rtctransform` (webrtc-encoded-transform §5): a transform was made for this worker. */
export interface RTCTransformEvent extends Event {
  readonly transformer: RTCRtpScriptTransformer;
}
export declare const RTCTransformEvent: { prototype: RTCTransformEvent };

/** A transform in its worker (webrtc-encoded-transform §5). */
export interface RTCRtpScriptTransformer extends EventTarget {
  readonly readable: ReadableStream<RTCEncodedVideoFrame | RTCEncodedAudioFrame>;
  readonly writable: WritableStream<RTCEncodedVideoFrame | RTCEncodedAudioFrame>;
  readonly options: any;
  /** Resolves with the RTP time stamp of the next key frame, which who makes the frames is asked for. */
  generateKeyFrame(rid?: string): Promise<number>;
  sendKeyFrameRequest(): Promise<undefined>;
  /** The peer needs a key frame; unless it is canceled, who makes the frames hears of it. */
  onkeyframerequest: ((event: KeyFrameRequestEvent) => unknown) | null;
}
export declare const RTCRtpScriptTransformer: { prototype: RTCRtpScriptTransformer };

/** `keyframerequest` (webrtc-encoded-transform §5) */
export interface KeyFrameRequestEvent extends Event {
  readonly rid: string | null;
}
export declare const KeyFrameRequestEvent: {
  prototype: KeyFrameRequestEvent;
  new (type: string, rid?: string): KeyFrameRequestEvent;
};

// Interfaces that lib.dom.d.ts does not have.

/** `devicechange` at `mediaDevices` (mediacapture-streams §9.4): which devices there are now. */
export interface DeviceChangeEvent extends Event {
  readonly devices: readonly MediaDeviceInfo[];
  readonly userInsertedDevices: readonly MediaDeviceInfo[];
}
export declare const DeviceChangeEvent: {
  prototype: DeviceChangeEvent;
  new (type: string, init?: EventInit & { devices?: MediaDeviceInfo[]; userInsertedDevices?: MediaDeviceInfo[] }): DeviceChangeEvent;
};

/** What `RTCIceTransport.getSelectedCandidatePair()` gives (webrtc-pc §5.6.2); it has no constructor. */
export type RTCIceCandidatePair = globalThis.RTCIceCandidatePair;
export declare const RTCIceCandidatePair: { prototype: RTCIceCandidatePair };

/** A pair came, is to be nominated, or goes (webrtc-extensions). */
export interface RTCIceCandidatePairEvent extends Event {
  readonly candidatePair: RTCIceCandidatePair;
}
export declare const RTCIceCandidatePairEvent: {
  prototype: RTCIceCandidatePairEvent;
  new (type: string, init: EventInit & { candidatePair: RTCIceCandidatePair }): RTCIceCandidatePairEvent;
};

/** Who the peer is, as an identity provider says (webrtc-identity §8). */
export interface RTCIdentityAssertion {
  idp: string;
  name: string;
}
export declare const RTCIdentityAssertion: {
  prototype: RTCIdentityAssertion;
  new (idp: string, name: string): RTCIdentityAssertion;
};

/** Ciphers of SFrame (RFC 9605 §4.5, webrtc-encoded-transform §6). */
export type SFrameCipherSuite =
  | 'AES_128_CTR_HMAC_SHA256_80'
  | 'AES_128_CTR_HMAC_SHA256_64'
  | 'AES_128_CTR_HMAC_SHA256_32'
  | 'AES_128_GCM_SHA256_128'
  | 'AES_256_GCM_SHA512_128';
export interface SFrameTransformOptions {
  cipherSuite: SFrameCipherSuite;
}
interface SFrameKeyManagement {
  setEncryptionKey(key: CryptoKey, keyID?: number | bigint): Promise<undefined>;
  onerror: ((event: Event) => unknown) | null;
}
/** Encrypts or decrypts frames of a sender or receiver (webrtc-encoded-transform §6); it is not there yet, so nothing passes. */
export interface SFrameTransform extends EventTarget, SFrameKeyManagement {}
export declare const SFrameTransform: {
  prototype: SFrameTransform;
  new (options?: SFrameTransformOptions): SFrameTransform;
};
/** Refuses keys and data: nothing is encrypted yet. */
export interface SFrameEncrypterStream extends EventTarget, SFrameKeyManagement, GenericTransformStream {}
export declare const SFrameEncrypterStream: {
  prototype: SFrameEncrypterStream;
  new (options?: SFrameTransformOptions): SFrameEncrypterStream;
};
/** Refuses keys and data: nothing is decrypted yet. */
export interface SFrameDecrypterStream extends EventTarget, SFrameKeyManagement, GenericTransformStream {}
export declare const SFrameDecrypterStream: {
  prototype: SFrameDecrypterStream;
  new (options?: SFrameTransformOptions): SFrameDecrypterStream;
};
export interface SFrameTransformErrorEvent extends Event {
  readonly errorType: 'authentication' | 'keyID' | 'syntax';
  readonly keyID: number | bigint | null;
  readonly frame: unknown;
}
export declare const SFrameTransformErrorEvent: {
  prototype: SFrameTransformErrorEvent;
  new (
    type: string,
    init: EventInit & Pick<SFrameTransformErrorEvent, 'errorType' | 'frame'> & { keyID?: number | bigint | null },
  ): SFrameTransformErrorEvent;
};
