/**
 * Enumerations, dictionaries and other types of the W3C, made by `npm run idl` of @webref/idl 3.68.4 and `idl/` without what
 * `idl/missing.json` says. Not to be changed by hand.
 */
import type * as duologue from '../index.js';
import {
  AllowSharedArrayBufferViewType,
  any,
  ArrayBufferType,
  ArrayBufferViewType,
  bigint,
  boolean,
  callback,
  clamp,
  defaulted,
  dictionary,
  DOMString,
  double,
  enforceRange,
  enumeration,
  type Infer,
  interfaceType,
  long,
  longLong,
  nullable,
  object,
  octet,
  optional,
  required,
  sequence,
  SharedArrayBufferType,
  Uint8ArrayType,
  union,
  unsignedLong,
  unsignedLongLong,
  unsignedShort,
  USVString,
} from '../webidl/index.js';

export const RTCOfferAnswerOptions = dictionary('RTCOfferAnswerOptions', {});
export type RTCOfferAnswerOptions = Infer<typeof RTCOfferAnswerOptions>;

export const RTCOfferOptions = dictionary('RTCOfferOptions', {
  iceRestart: defaulted(boolean, false),
  offerToReceiveAudio: optional(boolean),
  offerToReceiveVideo: optional(boolean),
}, RTCOfferAnswerOptions);
export type RTCOfferOptions = Infer<typeof RTCOfferOptions>;

export const RTCSdpType = enumeration('RTCSdpType', ['offer', 'pranswer', 'answer', 'rollback']);
export type RTCSdpType = Infer<typeof RTCSdpType>;

export const RTCSessionDescriptionInit = dictionary('RTCSessionDescriptionInit', {
  type: required(RTCSdpType),
  sdp: defaulted(DOMString, ''),
});
export type RTCSessionDescriptionInit = Infer<typeof RTCSessionDescriptionInit>;

export const RTCSessionDescriptionCallback = callback<(description: RTCSessionDescriptionInit) => unknown>('RTCSessionDescriptionCallback');
export type RTCSessionDescriptionCallback = Infer<typeof RTCSessionDescriptionCallback>;

export const RTCPeerConnectionErrorCallback = callback<(error: DOMException) => unknown>('RTCPeerConnectionErrorCallback');
export type RTCPeerConnectionErrorCallback = Infer<typeof RTCPeerConnectionErrorCallback>;

export const RTCAnswerOptions = dictionary('RTCAnswerOptions', {}, RTCOfferAnswerOptions);
export type RTCAnswerOptions = Infer<typeof RTCAnswerOptions>;

export const RTCLocalSessionDescriptionInit = dictionary('RTCLocalSessionDescriptionInit', {
  type: optional(RTCSdpType),
  sdp: defaulted(DOMString, ''),
});
export type RTCLocalSessionDescriptionInit = Infer<typeof RTCLocalSessionDescriptionInit>;

export const VoidFunction = callback<() => unknown>('VoidFunction');
export type VoidFunction = Infer<typeof VoidFunction>;

export const RTCIceCandidateInit = dictionary('RTCIceCandidateInit', {
  candidate: defaulted(DOMString, ''),
  sdpMid: defaulted(nullable(DOMString), null),
  sdpMLineIndex: defaulted(nullable(unsignedShort), null),
  usernameFragment: defaulted(nullable(DOMString), null),
});
export type RTCIceCandidateInit = Infer<typeof RTCIceCandidateInit>;

export const RTCSignalingState = enumeration('RTCSignalingState', [
  'stable',
  'have-local-offer',
  'have-remote-offer',
  'have-local-pranswer',
  'have-remote-pranswer',
  'closed',
]);
export type RTCSignalingState = Infer<typeof RTCSignalingState>;

export const RTCIceGatheringState = enumeration('RTCIceGatheringState', ['new', 'gathering', 'complete']);
export type RTCIceGatheringState = Infer<typeof RTCIceGatheringState>;

export const RTCIceConnectionState = enumeration('RTCIceConnectionState', ['closed', 'failed', 'disconnected', 'new', 'checking', 'completed', 'connected']);
export type RTCIceConnectionState = Infer<typeof RTCIceConnectionState>;

export const RTCPeerConnectionState = enumeration('RTCPeerConnectionState', ['closed', 'failed', 'disconnected', 'new', 'connecting', 'connected']);
export type RTCPeerConnectionState = Infer<typeof RTCPeerConnectionState>;

export const RTCOAuthCredential = dictionary('RTCOAuthCredential', {
  macKey: required(DOMString),
  accessToken: required(DOMString),
});
export type RTCOAuthCredential = Infer<typeof RTCOAuthCredential>;

export const RTCIceCredentialType = enumeration('RTCIceCredentialType', ['password', 'oauth']);
export type RTCIceCredentialType = Infer<typeof RTCIceCredentialType>;

export const RTCIceServer = dictionary('RTCIceServer', {
  urls: required(union(USVString, sequence(USVString))),
  username: optional(DOMString),
  credential: optional(union(DOMString, RTCOAuthCredential)),
  credentialType: optional(RTCIceCredentialType),
});
export type RTCIceServer = Infer<typeof RTCIceServer>;

export const RTCIceTransportPolicy = enumeration('RTCIceTransportPolicy', ['relay', 'all']);
export type RTCIceTransportPolicy = Infer<typeof RTCIceTransportPolicy>;

export const RTCBundlePolicy = enumeration('RTCBundlePolicy', ['balanced', 'max-compat', 'max-bundle']);
export type RTCBundlePolicy = Infer<typeof RTCBundlePolicy>;

export const RTCRtcpMuxPolicy = enumeration('RTCRtcpMuxPolicy', ['require', 'negotiate']);
export type RTCRtcpMuxPolicy = Infer<typeof RTCRtcpMuxPolicy>;

export const RTCCertificateObject = interfaceType<duologue.RTCCertificate>('RTCCertificate');

export const RTCRtpHeaderEncryptionPolicy = enumeration('RTCRtpHeaderEncryptionPolicy', ['negotiate', 'require', 'disable']);
export type RTCRtpHeaderEncryptionPolicy = Infer<typeof RTCRtpHeaderEncryptionPolicy>;

export const RTCConfiguration = dictionary('RTCConfiguration', {
  iceServers: defaulted(sequence(RTCIceServer), () => []),
  iceTransportPolicy: defaulted(RTCIceTransportPolicy, 'all'),
  bundlePolicy: defaulted(RTCBundlePolicy, 'balanced'),
  rtcpMuxPolicy: defaulted(RTCRtcpMuxPolicy, 'require'),
  certificates: defaulted(sequence(RTCCertificateObject), () => []),
  iceCandidatePoolSize: defaulted(enforceRange.octet, 0),
  peerIdentity: optional(DOMString),
  alwaysNegotiateDataChannels: defaulted(boolean, false),
  rtpHeaderEncryptionPolicy: defaulted(RTCRtpHeaderEncryptionPolicy, 'negotiate'),
});
export type RTCConfiguration = Infer<typeof RTCConfiguration>;

export const AlgorithmIdentifier = union(object, DOMString);
export type AlgorithmIdentifier = Infer<typeof AlgorithmIdentifier>;

export const MediaStreamTrackObject = interfaceType<duologue.MediaStreamTrack>('MediaStreamTrack');

export const MediaStreamObject = interfaceType<duologue.MediaStream>('MediaStream');

export const RTCRtpSenderObject = interfaceType<duologue.RTCRtpSender>('RTCRtpSender');

export const RTCRtpTransceiverDirection = enumeration('RTCRtpTransceiverDirection', ['sendrecv', 'sendonly', 'recvonly', 'inactive', 'stopped']);
export type RTCRtpTransceiverDirection = Infer<typeof RTCRtpTransceiverDirection>;

export const RTCRtpCodingParameters = dictionary('RTCRtpCodingParameters', {
  rid: optional(DOMString),
});
export type RTCRtpCodingParameters = Infer<typeof RTCRtpCodingParameters>;

export const RTCRtpCodec = dictionary('RTCRtpCodec', {
  mimeType: required(DOMString),
  clockRate: required(unsignedLong),
  channels: optional(unsignedShort),
  sdpFmtpLine: optional(DOMString),
});
export type RTCRtpCodec = Infer<typeof RTCRtpCodec>;

export const RTCPriorityType = enumeration('RTCPriorityType', ['very-low', 'low', 'medium', 'high']);
export type RTCPriorityType = Infer<typeof RTCPriorityType>;

export const RTCResolutionRestriction = dictionary('RTCResolutionRestriction', {
  maxWidth: optional(unsignedLong),
  maxHeight: optional(unsignedLong),
});
export type RTCResolutionRestriction = Infer<typeof RTCResolutionRestriction>;

export const RTCRtpEncodingParameters = dictionary('RTCRtpEncodingParameters', {
  active: defaulted(boolean, true),
  codec: optional(RTCRtpCodec),
  maxBitrate: optional(unsignedLong),
  maxFramerate: optional(double),
  scaleResolutionDownBy: optional(double),
  priority: defaulted(RTCPriorityType, 'low'),
  networkPriority: optional(RTCPriorityType),
  scalabilityMode: optional(DOMString),
  scaleResolutionDownTo: optional(RTCResolutionRestriction),
  ptime: optional(unsignedLong),
  adaptivePtime: defaulted(boolean, false),
}, RTCRtpCodingParameters);
export type RTCRtpEncodingParameters = Infer<typeof RTCRtpEncodingParameters>;

export const RTCRtpTransceiverInit = dictionary('RTCRtpTransceiverInit', {
  direction: defaulted(RTCRtpTransceiverDirection, 'sendrecv'),
  streams: defaulted(sequence(MediaStreamObject), () => []),
  sendEncodings: defaulted(sequence(RTCRtpEncodingParameters), () => []),
});
export type RTCRtpTransceiverInit = Infer<typeof RTCRtpTransceiverInit>;

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

export const RTCIdentityProviderOptions = dictionary('RTCIdentityProviderOptions', {
  protocol: defaulted(DOMString, 'default'),
  usernameHint: optional(DOMString),
  peerIdentity: optional(DOMString),
});
export type RTCIdentityProviderOptions = Infer<typeof RTCIdentityProviderOptions>;

export const RTCIceComponent = enumeration('RTCIceComponent', ['rtp', 'rtcp']);
export type RTCIceComponent = Infer<typeof RTCIceComponent>;

export const RTCIceProtocol = enumeration('RTCIceProtocol', ['udp', 'tcp']);
export type RTCIceProtocol = Infer<typeof RTCIceProtocol>;

export const RTCIceCandidateType = enumeration('RTCIceCandidateType', ['host', 'srflx', 'prflx', 'relay']);
export type RTCIceCandidateType = Infer<typeof RTCIceCandidateType>;

export const RTCIceTcpCandidateType = enumeration('RTCIceTcpCandidateType', ['active', 'passive', 'so']);
export type RTCIceTcpCandidateType = Infer<typeof RTCIceTcpCandidateType>;

export const RTCIceServerTransportProtocol = enumeration('RTCIceServerTransportProtocol', ['udp', 'tcp', 'tls']);
export type RTCIceServerTransportProtocol = Infer<typeof RTCIceServerTransportProtocol>;

export const RTCLocalIceCandidateInit = dictionary('RTCLocalIceCandidateInit', {
  relayProtocol: defaulted(nullable(RTCIceServerTransportProtocol), null),
  url: defaulted(nullable(USVString), null),
}, RTCIceCandidateInit);
export type RTCLocalIceCandidateInit = Infer<typeof RTCLocalIceCandidateInit>;

export const EventInit = dictionary('EventInit', {
  bubbles: defaulted(boolean, false),
  cancelable: defaulted(boolean, false),
  composed: defaulted(boolean, false),
});
export type EventInit = Infer<typeof EventInit>;

export const RTCIceCandidateObject = interfaceType<duologue.RTCIceCandidate>('RTCIceCandidate');

export const RTCPeerConnectionIceEventInit = dictionary('RTCPeerConnectionIceEventInit', {
  candidate: optional(nullable(RTCIceCandidateObject)),
  url: optional(nullable(USVString)),
}, EventInit);
export type RTCPeerConnectionIceEventInit = Infer<typeof RTCPeerConnectionIceEventInit>;

export const RTCPeerConnectionIceErrorEventInit = dictionary('RTCPeerConnectionIceErrorEventInit', {
  address: optional(nullable(DOMString)),
  port: optional(nullable(unsignedShort)),
  url: optional(USVString),
  errorCode: required(unsignedShort),
  errorText: optional(USVString),
}, EventInit);
export type RTCPeerConnectionIceErrorEventInit = Infer<typeof RTCPeerConnectionIceErrorEventInit>;

export const RTCRtpHeaderExtensionParameters = dictionary('RTCRtpHeaderExtensionParameters', {
  uri: required(DOMString),
  id: required(unsignedShort),
  encrypted: defaulted(boolean, false),
});
export type RTCRtpHeaderExtensionParameters = Infer<typeof RTCRtpHeaderExtensionParameters>;

export const RTCRtcpParameters = dictionary('RTCRtcpParameters', {
  cname: optional(DOMString),
  reducedSize: optional(boolean),
});
export type RTCRtcpParameters = Infer<typeof RTCRtcpParameters>;

export const RTCRtpCodecParameters = dictionary('RTCRtpCodecParameters', {
  payloadType: required(octet),
}, RTCRtpCodec);
export type RTCRtpCodecParameters = Infer<typeof RTCRtpCodecParameters>;

export const RTCRtpParameters = dictionary('RTCRtpParameters', {
  headerExtensions: required(sequence(RTCRtpHeaderExtensionParameters)),
  rtcp: required(RTCRtcpParameters),
  codecs: required(sequence(RTCRtpCodecParameters)),
});
export type RTCRtpParameters = Infer<typeof RTCRtpParameters>;

export const RTCDegradationPreference = enumeration('RTCDegradationPreference', [
  'maintain-framerate',
  'maintain-resolution',
  'balanced',
  'maintain-framerate-and-resolution',
]);
export type RTCDegradationPreference = Infer<typeof RTCDegradationPreference>;

export const RTCRtpSendParameters = dictionary('RTCRtpSendParameters', {
  transactionId: required(DOMString),
  encodings: required(sequence(RTCRtpEncodingParameters)),
  degradationPreference: optional(RTCDegradationPreference),
}, RTCRtpParameters);
export type RTCRtpSendParameters = Infer<typeof RTCRtpSendParameters>;

export const RTCEncodingOptions = dictionary('RTCEncodingOptions', {
  keyFrame: defaulted(boolean, false),
});
export type RTCEncodingOptions = Infer<typeof RTCEncodingOptions>;

export const RTCSetParameterOptions = dictionary('RTCSetParameterOptions', {
  encodingOptions: defaulted(sequence(RTCEncodingOptions), () => []),
});
export type RTCSetParameterOptions = Infer<typeof RTCSetParameterOptions>;

export const SFrameTransformObject = interfaceType<duologue.SFrameTransform>('SFrameTransform');

export const RTCRtpScriptTransformObject = interfaceType<duologue.RTCRtpScriptTransform>('RTCRtpScriptTransform');

export const RTCRtpTransform = union(SFrameTransformObject, RTCRtpScriptTransformObject);
export type RTCRtpTransform = Infer<typeof RTCRtpTransform>;

export const DOMHighResTimeStamp = double;
export type DOMHighResTimeStamp = Infer<typeof DOMHighResTimeStamp>;

export const RTCRtpHeaderExtensionCapability = dictionary('RTCRtpHeaderExtensionCapability', {
  uri: required(DOMString),
  direction: defaulted(RTCRtpTransceiverDirection, 'sendrecv'),
});
export type RTCRtpHeaderExtensionCapability = Infer<typeof RTCRtpHeaderExtensionCapability>;

export const RTCDtlsTransportState = enumeration('RTCDtlsTransportState', ['new', 'connecting', 'connected', 'closed', 'failed']);
export type RTCDtlsTransportState = Infer<typeof RTCDtlsTransportState>;

export const RTCIceRole = enumeration('RTCIceRole', ['unknown', 'controlling', 'controlled']);
export type RTCIceRole = Infer<typeof RTCIceRole>;

export const RTCIceTransportState = enumeration('RTCIceTransportState', ['closed', 'failed', 'disconnected', 'new', 'checking', 'completed', 'connected']);
export type RTCIceTransportState = Infer<typeof RTCIceTransportState>;

export const RTCIceGathererState = enumeration('RTCIceGathererState', ['new', 'gathering', 'complete']);
export type RTCIceGathererState = Infer<typeof RTCIceGathererState>;

export const RTCIceGatherOptions = dictionary('RTCIceGatherOptions', {
  gatherPolicy: defaulted(RTCIceTransportPolicy, 'all'),
  iceServers: optional(sequence(RTCIceServer)),
});
export type RTCIceGatherOptions = Infer<typeof RTCIceGatherOptions>;

export const RTCIceParameters = dictionary('RTCIceParameters', {
  usernameFragment: optional(DOMString),
  password: optional(DOMString),
  iceLite: optional(boolean),
});
export type RTCIceParameters = Infer<typeof RTCIceParameters>;

export const RTCIceCandidatePairObject = interfaceType<duologue.RTCIceCandidatePair>('RTCIceCandidatePair');

export const RTCRtpReceiverObject = interfaceType<duologue.RTCRtpReceiver>('RTCRtpReceiver');

export const RTCRtpTransceiverObject = interfaceType<duologue.RTCRtpTransceiver>('RTCRtpTransceiver');

export const RTCTrackEventInit = dictionary('RTCTrackEventInit', {
  receiver: required(RTCRtpReceiverObject),
  track: required(MediaStreamTrackObject),
  streams: defaulted(sequence(MediaStreamObject), () => []),
  transceiver: required(RTCRtpTransceiverObject),
}, EventInit);
export type RTCTrackEventInit = Infer<typeof RTCTrackEventInit>;

export const RTCSctpTransportState = enumeration('RTCSctpTransportState', ['connecting', 'connected', 'closed']);
export type RTCSctpTransportState = Infer<typeof RTCSctpTransportState>;

export const RTCDataChannelState = enumeration('RTCDataChannelState', ['connecting', 'open', 'closing', 'closed']);
export type RTCDataChannelState = Infer<typeof RTCDataChannelState>;

export const BinaryType = enumeration('BinaryType', ['blob', 'arraybuffer']);
export type BinaryType = Infer<typeof BinaryType>;

export const RTCDataChannelObject = interfaceType<duologue.RTCDataChannel>('RTCDataChannel');

export const RTCDataChannelEventInit = dictionary('RTCDataChannelEventInit', {
  channel: required(RTCDataChannelObject),
}, EventInit);
export type RTCDataChannelEventInit = Infer<typeof RTCDataChannelEventInit>;

export const RTCDTMFToneChangeEventInit = dictionary('RTCDTMFToneChangeEventInit', {
  tone: defaulted(DOMString, ''),
}, EventInit);
export type RTCDTMFToneChangeEventInit = Infer<typeof RTCDTMFToneChangeEventInit>;

export const RTCErrorDetailType = enumeration('RTCErrorDetailType', [
  'data-channel-failure',
  'dtls-failure',
  'fingerprint-failure',
  'sctp-failure',
  'sdp-syntax-error',
  'hardware-encoder-not-available',
  'hardware-encoder-error',
  'idp-bad-script-failure',
  'idp-execution-failure',
  'idp-load-failure',
  'idp-need-login',
  'idp-timeout',
  'idp-tls-failure',
  'idp-token-expired',
  'idp-token-invalid',
]);
export type RTCErrorDetailType = Infer<typeof RTCErrorDetailType>;

export const RTCErrorInit = dictionary('RTCErrorInit', {
  errorDetail: required(RTCErrorDetailType),
  sdpLineNumber: optional(long),
  sctpCauseCode: optional(long),
  receivedAlert: optional(unsignedLong),
  sentAlert: optional(unsignedLong),
  httpRequestStatusCode: optional(long),
});
export type RTCErrorInit = Infer<typeof RTCErrorInit>;

export const RTCErrorObject = interfaceType<duologue.RTCError>('RTCError');

export const RTCErrorEventInit = dictionary('RTCErrorEventInit', {
  error: required(RTCErrorObject),
}, EventInit);
export type RTCErrorEventInit = Infer<typeof RTCErrorEventInit>;

export const GenerateAssertionCallback = callback<(contents: string, origin: string, options: RTCIdentityProviderOptions) => unknown>('GenerateAssertionCallback');
export type GenerateAssertionCallback = Infer<typeof GenerateAssertionCallback>;

export const ValidateAssertionCallback = callback<(assertion: string, origin: string) => unknown>('ValidateAssertionCallback');
export type ValidateAssertionCallback = Infer<typeof ValidateAssertionCallback>;

export const RTCIdentityProvider = dictionary('RTCIdentityProvider', {
  generateAssertion: required(GenerateAssertionCallback),
  validateAssertion: required(ValidateAssertionCallback),
});
export type RTCIdentityProvider = Infer<typeof RTCIdentityProvider>;

export const SmallCryptoKeyID = enforceRange.unsignedLongLong;
export type SmallCryptoKeyID = Infer<typeof SmallCryptoKeyID>;

export const CryptoKeyID = union(SmallCryptoKeyID, bigint);
export type CryptoKeyID = Infer<typeof CryptoKeyID>;

export const SFrameCipherSuite = enumeration('SFrameCipherSuite', [
  'AES_128_CTR_HMAC_SHA256_80',
  'AES_128_CTR_HMAC_SHA256_64',
  'AES_128_CTR_HMAC_SHA256_32',
  'AES_128_GCM_SHA256_128',
  'AES_256_GCM_SHA512_128',
]);
export type SFrameCipherSuite = Infer<typeof SFrameCipherSuite>;

export const SFrameTransformOptions = dictionary('SFrameTransformOptions', {
  cipherSuite: required(SFrameCipherSuite),
});
export type SFrameTransformOptions = Infer<typeof SFrameTransformOptions>;

export const SFrameTransformErrorEventType = enumeration('SFrameTransformErrorEventType', ['authentication', 'keyID', 'syntax']);
export type SFrameTransformErrorEventType = Infer<typeof SFrameTransformErrorEventType>;

export const SFrameTransformErrorEventInit = dictionary('SFrameTransformErrorEventInit', {
  errorType: required(SFrameTransformErrorEventType),
  frame: required(any),
  keyID: optional(nullable(CryptoKeyID)),
}, EventInit);
export type SFrameTransformErrorEventInit = Infer<typeof SFrameTransformErrorEventInit>;

export const RTCEncodedVideoFrameType = enumeration('RTCEncodedVideoFrameType', ['empty', 'key', 'delta']);
export type RTCEncodedVideoFrameType = Infer<typeof RTCEncodedVideoFrameType>;

export const RTCEncodedFrameMetadata = dictionary('RTCEncodedFrameMetadata', {
  synchronizationSource: optional(unsignedLong),
  payloadType: optional(octet),
  contributingSources: optional(sequence(unsignedLong)),
  rtpTimestamp: optional(unsignedLong),
  receiveTime: optional(DOMHighResTimeStamp),
  captureTime: optional(DOMHighResTimeStamp),
  senderCaptureTimeOffset: optional(DOMHighResTimeStamp),
  mimeType: optional(DOMString),
});
export type RTCEncodedFrameMetadata = Infer<typeof RTCEncodedFrameMetadata>;

export const RTCEncodedVideoFrameMetadata = dictionary('RTCEncodedVideoFrameMetadata', {
  frameId: optional(unsignedLongLong),
  dependencies: optional(sequence(unsignedLongLong)),
  width: optional(unsignedShort),
  height: optional(unsignedShort),
  spatialIndex: optional(unsignedLong),
  temporalIndex: optional(unsignedLong),
  timestamp: optional(longLong),
}, RTCEncodedFrameMetadata);
export type RTCEncodedVideoFrameMetadata = Infer<typeof RTCEncodedVideoFrameMetadata>;

export const RTCEncodedVideoFrameObject = interfaceType<duologue.RTCEncodedVideoFrame>('RTCEncodedVideoFrame');

export const RTCEncodedVideoFrameOptions = dictionary('RTCEncodedVideoFrameOptions', {
  metadata: optional(RTCEncodedVideoFrameMetadata),
});
export type RTCEncodedVideoFrameOptions = Infer<typeof RTCEncodedVideoFrameOptions>;

export const RTCEncodedAudioFrameMetadata = dictionary('RTCEncodedAudioFrameMetadata', {
  sequenceNumber: optional(unsignedShort),
  audioLevel: optional(double),
}, RTCEncodedFrameMetadata);
export type RTCEncodedAudioFrameMetadata = Infer<typeof RTCEncodedAudioFrameMetadata>;

export const RTCEncodedAudioFrameObject = interfaceType<duologue.RTCEncodedAudioFrame>('RTCEncodedAudioFrame');

export const RTCEncodedAudioFrameOptions = dictionary('RTCEncodedAudioFrameOptions', {
  metadata: optional(RTCEncodedAudioFrameMetadata),
});
export type RTCEncodedAudioFrameOptions = Infer<typeof RTCEncodedAudioFrameOptions>;

export const MediaStreamTrackState = enumeration('MediaStreamTrackState', ['live', 'ended']);
export type MediaStreamTrackState = Infer<typeof MediaStreamTrackState>;

export const ULongRange = dictionary('ULongRange', {
  max: optional(clamp.unsignedLong),
  min: optional(clamp.unsignedLong),
});
export type ULongRange = Infer<typeof ULongRange>;

export const ConstrainULongRange = dictionary('ConstrainULongRange', {
  exact: optional(clamp.unsignedLong),
  ideal: optional(clamp.unsignedLong),
}, ULongRange);
export type ConstrainULongRange = Infer<typeof ConstrainULongRange>;

export const ConstrainULong = union(clamp.unsignedLong, ConstrainULongRange);
export type ConstrainULong = Infer<typeof ConstrainULong>;

export const DoubleRange = dictionary('DoubleRange', {
  max: optional(double),
  min: optional(double),
});
export type DoubleRange = Infer<typeof DoubleRange>;

export const ConstrainDoubleRange = dictionary('ConstrainDoubleRange', {
  exact: optional(double),
  ideal: optional(double),
}, DoubleRange);
export type ConstrainDoubleRange = Infer<typeof ConstrainDoubleRange>;

export const ConstrainDouble = union(double, ConstrainDoubleRange);
export type ConstrainDouble = Infer<typeof ConstrainDouble>;

export const ConstrainDOMStringParameters = dictionary('ConstrainDOMStringParameters', {
  exact: optional(union(DOMString, sequence(DOMString))),
  ideal: optional(union(DOMString, sequence(DOMString))),
});
export type ConstrainDOMStringParameters = Infer<typeof ConstrainDOMStringParameters>;

export const ConstrainDOMString = union(DOMString, sequence(DOMString), ConstrainDOMStringParameters);
export type ConstrainDOMString = Infer<typeof ConstrainDOMString>;

export const ConstrainBooleanOrDOMStringParameters = dictionary('ConstrainBooleanOrDOMStringParameters', {
  exact: optional(union(boolean, DOMString)),
  ideal: optional(union(boolean, DOMString)),
});
export type ConstrainBooleanOrDOMStringParameters = Infer<typeof ConstrainBooleanOrDOMStringParameters>;

export const ConstrainBooleanOrDOMString = union(boolean, DOMString, ConstrainBooleanOrDOMStringParameters);
export type ConstrainBooleanOrDOMString = Infer<typeof ConstrainBooleanOrDOMString>;

export const ConstrainBooleanParameters = dictionary('ConstrainBooleanParameters', {
  exact: optional(boolean),
  ideal: optional(boolean),
});
export type ConstrainBooleanParameters = Infer<typeof ConstrainBooleanParameters>;

export const ConstrainBoolean = union(boolean, ConstrainBooleanParameters);
export type ConstrainBoolean = Infer<typeof ConstrainBoolean>;

export const MediaTrackConstraintSet = dictionary('MediaTrackConstraintSet', {
  width: optional(ConstrainULong),
  height: optional(ConstrainULong),
  aspectRatio: optional(ConstrainDouble),
  frameRate: optional(ConstrainDouble),
  facingMode: optional(ConstrainDOMString),
  resizeMode: optional(ConstrainDOMString),
  sampleRate: optional(ConstrainULong),
  sampleSize: optional(ConstrainULong),
  echoCancellation: optional(ConstrainBooleanOrDOMString),
  autoGainControl: optional(ConstrainBoolean),
  noiseSuppression: optional(ConstrainBoolean),
  latency: optional(ConstrainDouble),
  channelCount: optional(ConstrainULong),
  deviceId: optional(ConstrainDOMString),
  groupId: optional(ConstrainDOMString),
  backgroundBlur: optional(ConstrainBoolean),
  voiceIsolation: optional(ConstrainBoolean),
});
export type MediaTrackConstraintSet = Infer<typeof MediaTrackConstraintSet>;

export const MediaTrackConstraints = dictionary('MediaTrackConstraints', {
  advanced: optional(sequence(MediaTrackConstraintSet)),
}, MediaTrackConstraintSet);
export type MediaTrackConstraints = Infer<typeof MediaTrackConstraints>;

export const MediaStreamTrackEventInit = dictionary('MediaStreamTrackEventInit', {
  track: required(MediaStreamTrackObject),
}, EventInit);
export type MediaStreamTrackEventInit = Infer<typeof MediaStreamTrackEventInit>;

export const MediaStreamConstraints = dictionary('MediaStreamConstraints', {
  video: defaulted(union(boolean, MediaTrackConstraints), false),
  audio: defaulted(union(boolean, MediaTrackConstraints), false),
  peerIdentity: optional(DOMString),
});
export type MediaStreamConstraints = Infer<typeof MediaStreamConstraints>;

export const MediaDeviceKind = enumeration('MediaDeviceKind', ['audioinput', 'audiooutput', 'videoinput']);
export type MediaDeviceKind = Infer<typeof MediaDeviceKind>;

export const MediaDeviceInfoObject = interfaceType<duologue.MediaDeviceInfo>('MediaDeviceInfo');

export const DeviceChangeEventInit = dictionary('DeviceChangeEventInit', {
  devices: defaulted(sequence(MediaDeviceInfoObject), () => []),
  userInsertedDevices: defaulted(sequence(MediaDeviceInfoObject), () => []),
}, EventInit);
export type DeviceChangeEventInit = Infer<typeof DeviceChangeEventInit>;

export const RTCIceCandidatePairEventInit = dictionary('RTCIceCandidatePairEventInit', {
  candidatePair: required(RTCIceCandidatePairObject),
}, EventInit);
export type RTCIceCandidatePairEventInit = Infer<typeof RTCIceCandidatePairEventInit>;

export const AudioSampleFormat = enumeration('AudioSampleFormat', ['u8', 's16', 's32', 'f32', 'u8-planar', 's16-planar', 's32-planar', 'f32-planar']);
export type AudioSampleFormat = Infer<typeof AudioSampleFormat>;

export const AudioDataCopyToOptions = dictionary('AudioDataCopyToOptions', {
  planeIndex: required(enforceRange.unsignedLong),
  frameOffset: defaulted(enforceRange.unsignedLong, 0),
  frameCount: optional(enforceRange.unsignedLong),
  format: optional(AudioSampleFormat),
});
export type AudioDataCopyToOptions = Infer<typeof AudioDataCopyToOptions>;

export const AllowSharedBufferSource = union(ArrayBufferType, SharedArrayBufferType, AllowSharedArrayBufferViewType);
export type AllowSharedBufferSource = Infer<typeof AllowSharedBufferSource>;

export const BufferSource = union(ArrayBufferViewType, ArrayBufferType);
export type BufferSource = Infer<typeof BufferSource>;

export const AudioDataInit = dictionary('AudioDataInit', {
  format: required(AudioSampleFormat),
  sampleRate: required(double),
  numberOfFrames: required(enforceRange.unsignedLong),
  numberOfChannels: required(enforceRange.unsignedLong),
  timestamp: required(enforceRange.longLong),
  data: required(BufferSource),
  transfer: defaulted(sequence(ArrayBufferType), () => []),
});
export type AudioDataInit = Infer<typeof AudioDataInit>;

export const VideoPixelFormat = enumeration('VideoPixelFormat', [
  'I420',
  'I420P10',
  'I420P12',
  'I420A',
  'I420AP10',
  'I420AP12',
  'I422',
  'I422P10',
  'I422P12',
  'I422A',
  'I422AP10',
  'I422AP12',
  'I444',
  'I444P10',
  'I444P12',
  'I444A',
  'I444AP10',
  'I444AP12',
  'NV12',
  'RGBA',
  'RGBX',
  'BGRA',
  'BGRX',
]);
export type VideoPixelFormat = Infer<typeof VideoPixelFormat>;

export const VideoFrameRect = dictionary('VideoFrameRect', {
  x: defaulted(double, 0),
  y: defaulted(double, 0),
  width: defaulted(double, 0),
  height: defaulted(double, 0),
});
export type VideoFrameRect = Infer<typeof VideoFrameRect>;

export const PlaneLayout = dictionary('PlaneLayout', {
  offset: required(enforceRange.unsignedLong),
  stride: required(enforceRange.unsignedLong),
});
export type PlaneLayout = Infer<typeof PlaneLayout>;

export const VideoFrameCopyToOptions = dictionary('VideoFrameCopyToOptions', {
  rect: optional(VideoFrameRect),
  layout: optional(sequence(PlaneLayout)),
  format: optional(VideoPixelFormat),
});
export type VideoFrameCopyToOptions = Infer<typeof VideoFrameCopyToOptions>;

export const VideoColorPrimaries = enumeration('VideoColorPrimaries', ['bt709', 'bt470bg', 'smpte170m', 'bt2020', 'smpte432']);
export type VideoColorPrimaries = Infer<typeof VideoColorPrimaries>;

export const VideoTransferCharacteristics = enumeration('VideoTransferCharacteristics', ['bt709', 'smpte170m', 'iec61966-2-1', 'linear', 'pq', 'hlg']);
export type VideoTransferCharacteristics = Infer<typeof VideoTransferCharacteristics>;

export const VideoMatrixCoefficients = enumeration('VideoMatrixCoefficients', ['rgb', 'bt709', 'bt470bg', 'smpte170m', 'bt2020-ncl']);
export type VideoMatrixCoefficients = Infer<typeof VideoMatrixCoefficients>;

export const VideoColorSpaceInit = dictionary('VideoColorSpaceInit', {
  primaries: defaulted(nullable(VideoColorPrimaries), null),
  transfer: defaulted(nullable(VideoTransferCharacteristics), null),
  matrix: defaulted(nullable(VideoMatrixCoefficients), null),
  fullRange: defaulted(nullable(boolean), null),
});
export type VideoColorSpaceInit = Infer<typeof VideoColorSpaceInit>;

export const MediaStreamTrackProcessorInit = dictionary('MediaStreamTrackProcessorInit', {
  track: required(MediaStreamTrackObject),
  maxBufferSize: optional(enforceRange.unsignedShort),
});
export type MediaStreamTrackProcessorInit = Infer<typeof MediaStreamTrackProcessorInit>;

export const MediaStreamTrackGeneratorKind = enumeration('MediaStreamTrackGeneratorKind', ['audio', 'video']);
export type MediaStreamTrackGeneratorKind = Infer<typeof MediaStreamTrackGeneratorKind>;

export const MediaStreamTrackGeneratorInit = dictionary('MediaStreamTrackGeneratorInit', {
  kind: required(MediaStreamTrackGeneratorKind),
});
export type MediaStreamTrackGeneratorInit = Infer<typeof MediaStreamTrackGeneratorInit>;

export const RTCCertificateExpiration = dictionary('RTCCertificateExpiration', {
  expires: optional(enforceRange.unsignedLongLong),
});
export type RTCCertificateExpiration = Infer<typeof RTCCertificateExpiration>;

export const Algorithm = dictionary('Algorithm', {
  name: required(DOMString),
});
export type Algorithm = Infer<typeof Algorithm>;

export const NamedCurve = DOMString;
export type NamedCurve = Infer<typeof NamedCurve>;

export const EcKeyGenParams = dictionary('EcKeyGenParams', {
  namedCurve: required(NamedCurve),
}, Algorithm);
export type EcKeyGenParams = Infer<typeof EcKeyGenParams>;

export const BigInteger = Uint8ArrayType;
export type BigInteger = Infer<typeof BigInteger>;

export const RsaKeyGenParams = dictionary('RsaKeyGenParams', {
  modulusLength: required(enforceRange.unsignedLong),
  publicExponent: required(BigInteger),
}, Algorithm);
export type RsaKeyGenParams = Infer<typeof RsaKeyGenParams>;

export const HashAlgorithmIdentifier = AlgorithmIdentifier;
export type HashAlgorithmIdentifier = Infer<typeof HashAlgorithmIdentifier>;

export const RsaHashedKeyGenParams = dictionary('RsaHashedKeyGenParams', {
  hash: required(HashAlgorithmIdentifier),
}, RsaKeyGenParams);
export type RsaHashedKeyGenParams = Infer<typeof RsaHashedKeyGenParams>;

export const MediaTrackSupportedConstraints = dictionary('MediaTrackSupportedConstraints', {
  width: defaulted(boolean, true),
  height: defaulted(boolean, true),
  aspectRatio: defaulted(boolean, true),
  frameRate: defaulted(boolean, true),
  facingMode: defaulted(boolean, true),
  resizeMode: defaulted(boolean, true),
  sampleRate: defaulted(boolean, true),
  sampleSize: defaulted(boolean, true),
  echoCancellation: defaulted(boolean, true),
  autoGainControl: defaulted(boolean, true),
  noiseSuppression: defaulted(boolean, true),
  latency: defaulted(boolean, true),
  channelCount: defaulted(boolean, true),
  deviceId: defaulted(boolean, true),
  groupId: defaulted(boolean, true),
  backgroundBlur: defaulted(boolean, true),
  voiceIsolation: defaulted(boolean, true),
});
export type MediaTrackSupportedConstraints = Infer<typeof MediaTrackSupportedConstraints>;

export const VideoFrameInit = dictionary('VideoFrameInit', {
  duration: optional(enforceRange.unsignedLongLong),
  timestamp: optional(enforceRange.longLong),
  visibleRect: optional(VideoFrameRect),
  rotation: defaulted(double, 0),
  flip: defaulted(boolean, false),
  displayWidth: optional(enforceRange.unsignedLong),
  displayHeight: optional(enforceRange.unsignedLong),
});
export type VideoFrameInit = Infer<typeof VideoFrameInit>;

export const VideoFrameBufferInit = dictionary('VideoFrameBufferInit', {
  format: required(VideoPixelFormat),
  codedWidth: required(enforceRange.unsignedLong),
  codedHeight: required(enforceRange.unsignedLong),
  timestamp: required(enforceRange.longLong),
  duration: optional(enforceRange.unsignedLongLong),
  layout: optional(sequence(PlaneLayout)),
  visibleRect: optional(VideoFrameRect),
  rotation: defaulted(double, 0),
  flip: defaulted(boolean, false),
  displayWidth: optional(enforceRange.unsignedLong),
  displayHeight: optional(enforceRange.unsignedLong),
  colorSpace: optional(VideoColorSpaceInit),
  transfer: defaulted(sequence(ArrayBufferType), () => []),
});
export type VideoFrameBufferInit = Infer<typeof VideoFrameBufferInit>;

export const RTCIdentityProviderDetails = dictionary('RTCIdentityProviderDetails', {
  domain: required(DOMString),
  protocol: defaulted(DOMString, 'default'),
});
export type RTCIdentityProviderDetails = Infer<typeof RTCIdentityProviderDetails>;

export const RTCIdentityAssertionResult = dictionary('RTCIdentityAssertionResult', {
  idp: required(RTCIdentityProviderDetails),
  assertion: required(DOMString),
});
export type RTCIdentityAssertionResult = Infer<typeof RTCIdentityAssertionResult>;

export const RTCIdentityValidationResult = dictionary('RTCIdentityValidationResult', {
  identity: required(DOMString),
  contents: required(DOMString),
});
export type RTCIdentityValidationResult = Infer<typeof RTCIdentityValidationResult>;
