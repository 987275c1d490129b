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
export declare const RTCCertificate: typeof globalThis.RTCCertificate;
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
export declare const RTCIceTransport: typeof globalThis.RTCIceTransport;
export type RTCIceTransport = globalThis.RTCIceTransport;
export declare const RTCPeerConnection: typeof globalThis.RTCPeerConnection;
export type RTCPeerConnection = globalThis.RTCPeerConnection;
export declare const RTCPeerConnectionIceErrorEvent: typeof globalThis.RTCPeerConnectionIceErrorEvent;
export type RTCPeerConnectionIceErrorEvent = globalThis.RTCPeerConnectionIceErrorEvent;
export declare const RTCPeerConnectionIceEvent: typeof globalThis.RTCPeerConnectionIceEvent;
export type RTCPeerConnectionIceEvent = globalThis.RTCPeerConnectionIceEvent;
export declare const RTCRtpReceiver: typeof globalThis.RTCRtpReceiver;
export type RTCRtpReceiver = globalThis.RTCRtpReceiver;
export declare const RTCRtpScriptTransform: typeof globalThis.RTCRtpScriptTransform;
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

/** What a browser has as `navigator.mediaDevices`; its devices are fakes. */
export declare const mediaDevices: MediaDevices;

// Interfaces that lib.dom.d.ts does not have.

/** `devicechange` at `mediaDevices` (mediacapture-streams §9.4): which devices there are now. */
export interface DeviceChangeEvent extends Event {
  readonly devices: readonly MediaDeviceInfo[];
  readonly userInsertedDevices: readonly MediaDeviceInfo[];
}
export declare const DeviceChangeEvent: {
  prototype: DeviceChangeEvent;
  new (type: string, init?: EventInit & { devices?: MediaDeviceInfo[] }): DeviceChangeEvent;
};

/** What `RTCIceTransport.getSelectedCandidatePair()` gives (webrtc-pc §5.6.2); it has no constructor. */
export type RTCIceCandidatePair = globalThis.RTCIceCandidatePair;
export declare const RTCIceCandidatePair: { prototype: RTCIceCandidatePair };

/** Who the peer is, as an identity provider says (webrtc-identity §8); no provider can be loaded yet. */
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
/** Encrypts or decrypts frames of a sender or receiver (webrtc-encoded-transform §6); no frame passes yet. */
export interface SFrameTransform extends EventTarget, SFrameKeyManagement {}
export declare const SFrameTransform: {
  prototype: SFrameTransform;
  new (options?: SFrameTransformOptions): SFrameTransform;
};
export interface SFrameEncrypterStream extends EventTarget, SFrameKeyManagement, GenericTransformStream {}
export declare const SFrameEncrypterStream: {
  prototype: SFrameEncrypterStream;
  new (options?: SFrameTransformOptions): SFrameEncrypterStream;
};
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
