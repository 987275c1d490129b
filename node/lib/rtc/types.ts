/** Enumerations and dictionaries of webrtc-pc and its extensions that arguments are converted to. */
import { MediaStreamType } from '../media/stream.js';
import {
  DOMString,
  type Infer,
  USVString,
  boolean,
  defaulted,
  dictionary,
  double,
  enforceRange,
  enumeration,
  nullable,
  octet,
  optional,
  required,
  sequence,
  union,
  unsignedLong,
  unsignedShort,
} from '../webidl/index.js';
import { RTCCertificateType } from './certificate.js';

export type RTCSignalingState =
  | 'stable'
  | 'have-local-offer'
  | 'have-remote-offer'
  | 'have-local-pranswer'
  | 'have-remote-pranswer'
  | 'closed';
export type RTCIceGatheringState = 'new' | 'gathering' | 'complete';
export type RTCPeerConnectionState = 'closed' | 'failed' | 'disconnected' | 'new' | 'connecting' | 'connected';
export type RTCIceConnectionState =
  | 'closed'
  | 'failed'
  | 'disconnected'
  | 'new'
  | 'checking'
  | 'completed'
  | 'connected';
export type RTCDtlsTransportState = 'new' | 'connecting' | 'connected' | 'closed' | 'failed';
export type RTCIceTransportState = RTCIceConnectionState;
export type RTCIceGathererState = RTCIceGatheringState;
export type RTCIceRole = 'unknown' | 'controlling' | 'controlled';
export type RTCSctpTransportState = 'connecting' | 'connected' | 'closed';
export type RTCDataChannelState = 'connecting' | 'open' | 'closing' | 'closed';

// --- configuration

const RTCIceServer = dictionary('RTCIceServer', {
  urls: required(union(USVString, sequence(USVString))),
  username: optional(DOMString),
  credential: optional(DOMString),
});

export const RTCConfiguration = dictionary('RTCConfiguration', {
  iceServers: defaulted(sequence(RTCIceServer), () => []),
  iceTransportPolicy: defaulted(enumeration('RTCIceTransportPolicy', ['relay', 'all']), 'all'),
  bundlePolicy: defaulted(
    enumeration('RTCBundlePolicy', ['balanced', 'max-compat', 'max-bundle']),
    'balanced',
  ),
  // The Recommendation of 2021 has "negotiate" too, which may be refused with NotSupportedError.
  rtcpMuxPolicy: defaulted(enumeration('RTCRtcpMuxPolicy', ['require', 'negotiate']), 'require'),
  certificates: defaulted(sequence(RTCCertificateType), () => []),
  iceCandidatePoolSize: defaulted(enforceRange.octet, 0),
  // webrtc-extensions §4.2
  alwaysNegotiateDataChannels: defaulted(boolean, false),
  // webrtc-extensions §4.4
  rtpHeaderEncryptionPolicy: optional(
    enumeration('RTCRtpHeaderEncryptionPolicy', ['disable', 'negotiate', 'require']),
  ),
  // webrtc-identity §8
  peerIdentity: optional(DOMString),
});
export type RTCConfiguration = Infer<typeof RTCConfiguration>;

// --- descriptions

export const RTCSdpType = enumeration('RTCSdpType', ['offer', 'pranswer', 'answer', 'rollback']);

export const RTCSessionDescriptionInit = dictionary('RTCSessionDescriptionInit', {
  type: required(RTCSdpType),
  sdp: defaulted(DOMString, ''),
});
export type RTCSessionDescriptionInit = Infer<typeof RTCSessionDescriptionInit>;

export const RTCLocalSessionDescriptionInit = dictionary('RTCLocalSessionDescriptionInit', {
  type: optional(RTCSdpType),
  sdp: defaulted(DOMString, ''),
});
export type RTCLocalSessionDescriptionInit = Infer<typeof RTCLocalSessionDescriptionInit>;

export const RTCOfferOptions = dictionary('RTCOfferOptions', {
  iceRestart: defaulted(boolean, false),
  offerToReceiveAudio: optional(boolean),
  offerToReceiveVideo: optional(boolean),
});
export type RTCOfferOptions = Infer<typeof RTCOfferOptions>;

export const RTCAnswerOptions = dictionary('RTCAnswerOptions', {});

export const RTCIceCandidateInit = dictionary('RTCIceCandidateInit', {
  candidate: defaulted(DOMString, ''),
  sdpMid: defaulted(nullable(DOMString), null),
  sdpMLineIndex: defaulted(nullable(unsignedShort), null),
  usernameFragment: defaulted(nullable(DOMString), null),
});
export type RTCIceCandidateInit = Infer<typeof RTCIceCandidateInit>;

const RTCIceServerTransportProtocol = enumeration('RTCIceServerTransportProtocol', ['udp', 'tcp', 'tls']);

export const RTCLocalIceCandidateInit = dictionary(
  'RTCLocalIceCandidateInit',
  {
    relayProtocol: defaulted(nullable(RTCIceServerTransportProtocol), null),
    url: defaulted(nullable(USVString), null),
  },
  RTCIceCandidateInit,
);
export type RTCLocalIceCandidateInit = Infer<typeof RTCLocalIceCandidateInit>;

// --- RTP

export const RTCRtpTransceiverDirection = enumeration('RTCRtpTransceiverDirection', [
  'sendrecv',
  'sendonly',
  'recvonly',
  'inactive',
  'stopped',
]);
export type RTCRtpTransceiverDirection = Infer<typeof RTCRtpTransceiverDirection>;

export const RTCRtpCodec = dictionary('RTCRtpCodec', {
  mimeType: required(DOMString),
  clockRate: required(unsignedLong),
  channels: optional(unsignedShort),
  sdpFmtpLine: optional(DOMString),
});

const RTCRtpCodecParameters = dictionary(
  'RTCRtpCodecParameters',
  { payloadType: required(octet) },
  RTCRtpCodec,
);

const RTCPriorityType = enumeration('RTCPriorityType', ['very-low', 'low', 'medium', 'high']);
export type RTCPriorityType = Infer<typeof RTCPriorityType>;

const RTCRtpCodingParameters = dictionary('RTCRtpCodingParameters', { rid: optional(DOMString) });

// webrtc-extensions
const RTCResolutionRestriction = dictionary('RTCResolutionRestriction', {
  maxWidth: optional(unsignedLong),
  maxHeight: optional(unsignedLong),
});

export const RTCRtpEncodingParameters = dictionary(
  'RTCRtpEncodingParameters',
  {
    active: defaulted(boolean, true),
    codec: optional(RTCRtpCodec),
    maxBitrate: optional(unsignedLong),
    maxFramerate: optional(double),
    scaleResolutionDownBy: optional(double),
    scaleResolutionDownTo: optional(RTCResolutionRestriction),
    // webrtc-priority §4.1
    priority: defaulted(RTCPriorityType, 'low'),
    networkPriority: optional(RTCPriorityType),
    // webrtc-svc §4.1
    scalabilityMode: optional(DOMString),
    // webrtc-extensions §5
    ptime: optional(unsignedLong),
    adaptivePtime: defaulted(boolean, false),
  },
  RTCRtpCodingParameters,
);

export const RTCRtpTransceiverInit = dictionary('RTCRtpTransceiverInit', {
  direction: defaulted(RTCRtpTransceiverDirection, 'sendrecv'),
  streams: defaulted(sequence(MediaStreamType), () => []),
  sendEncodings: defaulted(sequence(RTCRtpEncodingParameters), () => []),
});
export type RTCRtpTransceiverInit = Infer<typeof RTCRtpTransceiverInit>;

const RTCRtpParameters = dictionary('RTCRtpParameters', {
  headerExtensions: required(
    sequence(
      dictionary('RTCRtpHeaderExtensionParameters', {
        uri: required(DOMString),
        id: required(unsignedShort),
        encrypted: defaulted(boolean, false),
      }),
    ),
  ),
  rtcp: required(
    dictionary('RTCRtcpParameters', { cname: optional(DOMString), reducedSize: optional(boolean) }),
  ),
  codecs: required(sequence(RTCRtpCodecParameters)),
});

export const RTCRtpSendParameters = dictionary(
  'RTCRtpSendParameters',
  {
    transactionId: required(DOMString),
    encodings: required(sequence(RTCRtpEncodingParameters)),
    // mst-content-hint §5
    degradationPreference: optional(
      enumeration('RTCDegradationPreference', [
        'maintain-framerate',
        'maintain-resolution',
        'balanced',
        'maintain-framerate-and-resolution',
      ]),
    ),
  },
  RTCRtpParameters,
);
export type RTCRtpSendParameters = Infer<typeof RTCRtpSendParameters>;

export const RTCSetParameterOptions = dictionary('RTCSetParameterOptions', {});

/** webrtc-extensions §6.2. */
export const RTCRtpHeaderExtensionCapability = dictionary('RTCRtpHeaderExtensionCapability', {
  uri: required(DOMString),
  direction: defaulted(RTCRtpTransceiverDirection, 'sendrecv'),
});

// --- data channels

export const RTCDataChannelInit = dictionary('RTCDataChannelInit', {
  ordered: defaulted(boolean, true),
  maxPacketLifeTime: optional(enforceRange.unsignedShort),
  maxRetransmits: optional(enforceRange.unsignedShort),
  protocol: defaulted(USVString, ''),
  negotiated: defaulted(boolean, false),
  id: optional(enforceRange.unsignedShort),
  priority: defaulted(RTCPriorityType, 'low'),
});
export type RTCDataChannelInit = Infer<typeof RTCDataChannelInit>;
