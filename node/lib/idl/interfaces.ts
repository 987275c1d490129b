/**
 * The shapes of interfaces, made by `npm run idl` of @webref/idl 3.68.4 and `idl/` without what
 * `idl/missing.json` says. Not to be changed by hand.
 */
import {
  AlgorithmIdentifier,
  AllowSharedBufferSource,
  AudioDataCopyToOptions,
  AudioDataInit,
  BinaryType,
  CryptoKeyID,
  DeviceChangeEventInit,
  DOMHighResTimeStamp,
  MediaStreamConstraints,
  MediaStreamObject,
  MediaStreamTrackEventInit,
  MediaStreamTrackGeneratorInit,
  MediaStreamTrackObject,
  MediaStreamTrackProcessorInit,
  MediaTrackConstraints,
  RTCAnswerOptions,
  RTCConfiguration,
  RTCDataChannelEventInit,
  RTCDataChannelInit,
  RTCDTMFToneChangeEventInit,
  RTCEncodedAudioFrameMetadata,
  RTCEncodedAudioFrameObject,
  RTCEncodedAudioFrameOptions,
  RTCEncodedVideoFrameMetadata,
  RTCEncodedVideoFrameObject,
  RTCEncodedVideoFrameOptions,
  RTCErrorEventInit,
  RTCErrorInit,
  RTCIceCandidateInit,
  RTCIceCandidatePairEventInit,
  RTCIceCandidatePairObject,
  RTCIceGatherOptions,
  RTCIceParameters,
  RTCIceRole,
  RTCIdentityProvider,
  RTCIdentityProviderOptions,
  RTCLocalIceCandidateInit,
  RTCLocalSessionDescriptionInit,
  RTCOfferOptions,
  RTCPeerConnectionErrorCallback,
  RTCPeerConnectionIceErrorEventInit,
  RTCPeerConnectionIceEventInit,
  RTCRtpCodec,
  RTCRtpHeaderExtensionCapability,
  RTCRtpSenderObject,
  RTCRtpSendParameters,
  RTCRtpTransceiverDirection,
  RTCRtpTransceiverInit,
  RTCRtpTransform,
  RTCSessionDescriptionCallback,
  RTCSessionDescriptionInit,
  RTCSetParameterOptions,
  RTCTrackEventInit,
  SFrameTransformErrorEventInit,
  SFrameTransformOptions,
  VideoColorSpaceInit,
  VideoFrameCopyToOptions,
  VoidFunction,
} from './types.js';
import {
  any,
  arg,
  ArrayBufferType,
  ArrayBufferViewType,
  attribute,
  BlobType,
  boolean,
  CryptoKeyType,
  dictionaryArg,
  DOMString,
  enforceRange,
  eventHandler,
  interfaceShape,
  nullable,
  object,
  operation,
  optionalArg,
  promiseAttribute,
  sequence,
  union,
  unsignedLong,
  USVString,
  variadic,
  WorkerType,
} from '../webidl/index.js';

export const Navigator = interfaceShape('Navigator', {
  mediaDevices: attribute(),
});

export const DedicatedWorkerGlobalScope = interfaceShape('DedicatedWorkerGlobalScope', {
  onrtctransform: eventHandler(),
});

export const RTCPeerConnection = interfaceShape('RTCPeerConnection', {
  createOffer: operation([
    [dictionaryArg(RTCOfferOptions)],
    [arg(RTCSessionDescriptionCallback), arg(RTCPeerConnectionErrorCallback), dictionaryArg(RTCOfferOptions)],
  ], { isPromise: true }),
  createAnswer: operation([
    [dictionaryArg(RTCAnswerOptions)],
    [arg(RTCSessionDescriptionCallback), arg(RTCPeerConnectionErrorCallback)],
  ], { isPromise: true }),
  setLocalDescription: operation([
    [dictionaryArg(RTCLocalSessionDescriptionInit)],
    [arg(RTCLocalSessionDescriptionInit), arg(VoidFunction), arg(RTCPeerConnectionErrorCallback)],
  ], { isPromise: true }),
  localDescription: attribute(),
  currentLocalDescription: attribute(),
  pendingLocalDescription: attribute(),
  setRemoteDescription: operation([
    [arg(RTCSessionDescriptionInit)],
    [arg(RTCSessionDescriptionInit), arg(VoidFunction), arg(RTCPeerConnectionErrorCallback)],
  ], { isPromise: true }),
  remoteDescription: attribute(),
  currentRemoteDescription: attribute(),
  pendingRemoteDescription: attribute(),
  addIceCandidate: operation([
    [dictionaryArg(RTCIceCandidateInit)],
    [arg(RTCIceCandidateInit), arg(VoidFunction), arg(RTCPeerConnectionErrorCallback)],
  ], { isPromise: true }),
  signalingState: attribute(),
  iceGatheringState: attribute(),
  iceConnectionState: attribute(),
  connectionState: attribute(),
  canTrickleIceCandidates: attribute(),
  restartIce: operation(),
  getConfiguration: operation(),
  setConfiguration: operation([[dictionaryArg(RTCConfiguration)]]),
  close: operation(),
  onnegotiationneeded: eventHandler(),
  onicecandidate: eventHandler(),
  onicecandidateerror: eventHandler(),
  onsignalingstatechange: eventHandler(),
  oniceconnectionstatechange: eventHandler(),
  onicegatheringstatechange: eventHandler(),
  onconnectionstatechange: eventHandler(),
  generateCertificate: operation([[arg(AlgorithmIdentifier)]], { isPromise: true, isStatic: true }),
  getSenders: operation(),
  getReceivers: operation(),
  getTransceivers: operation(),
  addTrack: operation([[arg(MediaStreamTrackObject), variadic(MediaStreamObject)]]),
  removeTrack: operation([[arg(RTCRtpSenderObject)]]),
  addTransceiver: operation([[arg(union(MediaStreamTrackObject, DOMString)), dictionaryArg(RTCRtpTransceiverInit)]]),
  ontrack: eventHandler(),
  sctp: attribute(),
  createDataChannel: operation([[arg(USVString), dictionaryArg(RTCDataChannelInit)]]),
  ondatachannel: eventHandler(),
  getStats: operation([[optionalArg(nullable(MediaStreamTrackObject), null)]], { isPromise: true }),
  setIdentityProvider: operation([[arg(DOMString), dictionaryArg(RTCIdentityProviderOptions)]]),
  getIdentityAssertion: operation([[]], { isPromise: true }),
  peerIdentity: promiseAttribute(),
  idpLoginUrl: attribute(),
  idpErrorInfo: attribute(),
}, [[dictionaryArg(RTCConfiguration)]]);

export const RTCSessionDescription = interfaceShape('RTCSessionDescription', {
  type: attribute(),
  sdp: attribute(),
  toJSON: operation(),
}, [[arg(RTCSessionDescriptionInit)]]);

export const RTCIceCandidate = interfaceShape('RTCIceCandidate', {
  candidate: attribute(),
  sdpMid: attribute(),
  sdpMLineIndex: attribute(),
  foundation: attribute(),
  component: attribute(),
  priority: attribute(),
  address: attribute(),
  protocol: attribute(),
  port: attribute(),
  type: attribute(),
  tcpType: attribute(),
  relatedAddress: attribute(),
  relatedPort: attribute(),
  usernameFragment: attribute(),
  relayProtocol: attribute(),
  url: attribute(),
  toJSON: operation(),
}, [[dictionaryArg(RTCLocalIceCandidateInit)]]);

export const RTCPeerConnectionIceEvent = interfaceShape('RTCPeerConnectionIceEvent', {
  candidate: attribute(),
  url: attribute(),
}, [[arg(DOMString), dictionaryArg(RTCPeerConnectionIceEventInit)]]);

export const RTCPeerConnectionIceErrorEvent = interfaceShape('RTCPeerConnectionIceErrorEvent', {
  address: attribute(),
  port: attribute(),
  url: attribute(undefined, { initial: '' }),
  errorCode: attribute(),
  errorText: attribute(undefined, { initial: '' }),
}, [[arg(DOMString), arg(RTCPeerConnectionIceErrorEventInit)]]);

export const RTCCertificate = interfaceShape('RTCCertificate', {
  expires: attribute(),
  getFingerprints: operation(),
  fromPem: operation([[arg(DOMString)]], { isStatic: true }),
  toPem: operation(),
});

export const RTCRtpSender = interfaceShape('RTCRtpSender', {
  track: attribute(),
  transport: attribute(),
  getCapabilities: operation([[arg(DOMString)]], { isStatic: true }),
  setParameters: operation([[arg(RTCRtpSendParameters), dictionaryArg(RTCSetParameterOptions)]], { isPromise: true }),
  getParameters: operation(),
  replaceTrack: operation([[arg(nullable(MediaStreamTrackObject))]], { isPromise: true }),
  setStreams: operation([[variadic(MediaStreamObject)]]),
  getStats: operation([[]], { isPromise: true }),
  dtmf: attribute(),
  transform: attribute(nullable(RTCRtpTransform)),
  disableHardwareEncoding: operation([[]], { isStatic: true }),
  frames: operation(),
  packets: operation(),
});

export const RTCRtpReceiver = interfaceShape('RTCRtpReceiver', {
  track: attribute(),
  transport: attribute(),
  getCapabilities: operation([[arg(DOMString)]], { isStatic: true }),
  getParameters: operation(),
  getContributingSources: operation(),
  getSynchronizationSources: operation(),
  getStats: operation([[]], { isPromise: true }),
  jitterBufferTarget: attribute(nullable(DOMHighResTimeStamp)),
  transform: attribute(nullable(RTCRtpTransform)),
  disableHardwareDecoding: operation([[]], { isStatic: true }),
  frames: operation(),
  packets: operation(),
  sendKeyFrameRequest: operation([[optionalArg(unsignedLong, 0)]]),
});

export const RTCRtpTransceiver = interfaceShape('RTCRtpTransceiver', {
  mid: attribute(),
  sender: attribute(),
  receiver: attribute(),
  direction: attribute(RTCRtpTransceiverDirection),
  currentDirection: attribute(),
  stop: operation(),
  setCodecPreferences: operation([[arg(sequence(RTCRtpCodec))]]),
  getHeaderExtensionsToNegotiate: operation(),
  setHeaderExtensionsToNegotiate: operation([[arg(sequence(RTCRtpHeaderExtensionCapability))]]),
  getNegotiatedHeaderExtensions: operation(),
  rtpHeaderEncryptionNegotiated: attribute(),
  stopped: attribute(),
  rejection: attribute(),
});

export const RTCDtlsTransport = interfaceShape('RTCDtlsTransport', {
  iceTransport: attribute(),
  state: attribute(),
  getRemoteCertificates: operation(),
  onstatechange: eventHandler(),
  onerror: eventHandler(),
  silent: attribute(),
});

export const RTCIceTransport = interfaceShape('RTCIceTransport', {
  role: attribute(),
  component: attribute(),
  state: attribute(),
  gatheringState: attribute(),
  getLocalCandidates: operation(),
  getRemoteCandidates: operation(),
  getSelectedCandidatePair: operation(),
  getLocalParameters: operation(),
  getRemoteParameters: operation(),
  onstatechange: eventHandler(),
  ongatheringstatechange: eventHandler(),
  onselectedcandidatepairchange: eventHandler(),
  gather: operation([[dictionaryArg(RTCIceGatherOptions)]]),
  start: operation([[dictionaryArg(RTCIceParameters), optionalArg(RTCIceRole, 'controlled')]]),
  stop: operation(),
  addRemoteCandidate: operation([[dictionaryArg(RTCIceCandidateInit)]]),
  onerror: eventHandler(),
  onicecandidate: eventHandler(),
  onicecandidatepairadd: eventHandler(),
  onicecandidatepairremove: eventHandler(),
  onicecandidatepairnominate: eventHandler(),
  selectCandidatePair: operation([[arg(RTCIceCandidatePairObject)]], { isPromise: true }),
  removeCandidatePair: operation([[arg(RTCIceCandidatePairObject)]], { isPromise: true }),
  failure: attribute(),
}, [[]]);

export const RTCIceCandidatePair = interfaceShape('RTCIceCandidatePair', {
  local: attribute(),
  remote: attribute(),
});

export const RTCTrackEvent = interfaceShape('RTCTrackEvent', {
  receiver: attribute(),
  track: attribute(),
  streams: attribute(undefined, { isFrozen: true }),
  transceiver: attribute(),
}, [[arg(DOMString), arg(RTCTrackEventInit)]]);

export const RTCSctpTransport = interfaceShape('RTCSctpTransport', {
  transport: attribute(),
  state: attribute(),
  maxMessageSize: attribute(),
  maxChannels: attribute(),
  onstatechange: eventHandler(),
});

export const RTCDataChannel = interfaceShape('RTCDataChannel', {
  label: attribute(),
  ordered: attribute(),
  maxPacketLifeTime: attribute(),
  maxRetransmits: attribute(),
  protocol: attribute(),
  negotiated: attribute(),
  id: attribute(),
  readyState: attribute(),
  bufferedAmount: attribute(),
  bufferedAmountLowThreshold: attribute(enforceRange.unsignedLong),
  onopen: eventHandler(),
  onbufferedamountlow: eventHandler(),
  onerror: eventHandler(),
  onclosing: eventHandler(),
  onclose: eventHandler(),
  close: operation(),
  onmessage: eventHandler(),
  binaryType: attribute(BinaryType),
  send: operation([[arg(union(USVString, BlobType, ArrayBufferType, ArrayBufferViewType))]]),
  priority: attribute(),
});

export const RTCDataChannelEvent = interfaceShape('RTCDataChannelEvent', {
  channel: attribute(),
}, [[arg(DOMString), arg(RTCDataChannelEventInit)]]);

export const RTCDTMFSender = interfaceShape('RTCDTMFSender', {
  insertDTMF: operation([[arg(DOMString), optionalArg(unsignedLong, 100), optionalArg(unsignedLong, 70)]]),
  ontonechange: eventHandler(),
  canInsertDTMF: attribute(),
  toneBuffer: attribute(),
});

export const RTCDTMFToneChangeEvent = interfaceShape('RTCDTMFToneChangeEvent', {
  tone: attribute(undefined, { initial: '' }),
}, [[arg(DOMString), dictionaryArg(RTCDTMFToneChangeEventInit)]]);

export const RTCStatsReport = interfaceShape('RTCStatsReport', {});

export const RTCError = interfaceShape('RTCError', {
  errorDetail: attribute(),
  sdpLineNumber: attribute(),
  sctpCauseCode: attribute(),
  receivedAlert: attribute(),
  sentAlert: attribute(),
  httpRequestStatusCode: attribute(),
}, [[arg(RTCErrorInit), optionalArg(DOMString, '')]]);

export const RTCErrorEvent = interfaceShape('RTCErrorEvent', {
  error: attribute(),
}, [[arg(DOMString), arg(RTCErrorEventInit)]]);

export const RTCIdentityProviderGlobalScope = interfaceShape('RTCIdentityProviderGlobalScope', {
  rtcIdentityProvider: attribute(),
});

export const RTCIdentityProviderRegistrar = interfaceShape('RTCIdentityProviderRegistrar', {
  register: operation([[arg(RTCIdentityProvider)]]),
});

export const RTCIdentityAssertion = interfaceShape('RTCIdentityAssertion', {
  idp: attribute(DOMString),
  name: attribute(DOMString),
}, [[arg(DOMString), arg(DOMString)]]);

export const SFrameTransform = interfaceShape('SFrameTransform', {
  setEncryptionKey: operation([[arg(CryptoKeyType), optionalArg(CryptoKeyID)]], { isPromise: true }),
  onerror: eventHandler(),
}, [[optionalArg(SFrameTransformOptions)]]);

export const SFrameEncrypterStream = interfaceShape('SFrameEncrypterStream', {
  readable: attribute(),
  writable: attribute(),
  setEncryptionKey: operation([[arg(CryptoKeyType), optionalArg(CryptoKeyID)]], { isPromise: true }),
  onerror: eventHandler(),
}, [[optionalArg(SFrameTransformOptions)]]);

export const SFrameDecrypterStream = interfaceShape('SFrameDecrypterStream', {
  readable: attribute(),
  writable: attribute(),
  setEncryptionKey: operation([[arg(CryptoKeyType), optionalArg(CryptoKeyID)]], { isPromise: true }),
  onerror: eventHandler(),
}, [[optionalArg(SFrameTransformOptions)]]);

export const SFrameTransformErrorEvent = interfaceShape('SFrameTransformErrorEvent', {
  errorType: attribute(),
  keyID: attribute(),
  frame: attribute(),
}, [[arg(DOMString), arg(SFrameTransformErrorEventInit)]]);

export const RTCEncodedVideoFrame = interfaceShape('RTCEncodedVideoFrame', {
  type: attribute(),
  data: attribute(ArrayBufferType),
  getMetadata: operation(),
  timestamp: attribute(),
  setMetadata: operation([[arg(RTCEncodedVideoFrameMetadata)]]),
}, [[arg(RTCEncodedVideoFrameObject), dictionaryArg(RTCEncodedVideoFrameOptions)]]);

export const RTCEncodedAudioFrame = interfaceShape('RTCEncodedAudioFrame', {
  data: attribute(ArrayBufferType),
  getMetadata: operation(),
  timestamp: attribute(),
  setMetadata: operation([[arg(RTCEncodedAudioFrameMetadata)]]),
}, [[arg(RTCEncodedAudioFrameObject), dictionaryArg(RTCEncodedAudioFrameOptions)]]);

export const RTCTransformEvent = interfaceShape('RTCTransformEvent', {
  transformer: attribute(),
});

export const RTCRtpScriptTransformer = interfaceShape('RTCRtpScriptTransformer', {
  readable: attribute(),
  generateKeyFrame: operation([[optionalArg(DOMString)]], { isPromise: true }),
  sendKeyFrameRequest: operation([[]], { isPromise: true }),
  writable: attribute(),
  onkeyframerequest: eventHandler(),
  options: attribute(),
});

export const RTCRtpScriptTransform = interfaceShape('RTCRtpScriptTransform', {}, [[arg(WorkerType), optionalArg(any), optionalArg(sequence(object))]]);

export const KeyFrameRequestEvent = interfaceShape('KeyFrameRequestEvent', {
  rid: attribute(),
}, [[arg(DOMString), optionalArg(DOMString)]]);

export const MediaStream = interfaceShape('MediaStream', {
  id: attribute(),
  getAudioTracks: operation(),
  getVideoTracks: operation(),
  getTracks: operation(),
  getTrackById: operation([[arg(DOMString)]]),
  addTrack: operation([[arg(MediaStreamTrackObject)]]),
  removeTrack: operation([[arg(MediaStreamTrackObject)]]),
  clone: operation(),
  active: attribute(),
  onaddtrack: eventHandler(),
  onremovetrack: eventHandler(),
}, [[], [arg(union(MediaStreamObject, sequence(MediaStreamTrackObject)))]]);

export const MediaStreamTrack = interfaceShape('MediaStreamTrack', {
  kind: attribute(),
  id: attribute(),
  label: attribute(),
  enabled: attribute(boolean),
  muted: attribute(),
  onmute: eventHandler(),
  onunmute: eventHandler(),
  readyState: attribute(),
  onended: eventHandler(),
  clone: operation(),
  stop: operation(),
  getCapabilities: operation(),
  getConstraints: operation(),
  getSettings: operation(),
  applyConstraints: operation([[dictionaryArg(MediaTrackConstraints)]], { isPromise: true }),
  isolated: attribute(),
  onisolationchange: eventHandler(),
  contentHint: attribute(DOMString),
});

export const MediaStreamTrackEvent = interfaceShape('MediaStreamTrackEvent', {
  track: attribute(),
}, [[arg(DOMString), arg(MediaStreamTrackEventInit)]]);

export const OverconstrainedError = interfaceShape('OverconstrainedError', {
  constraint: attribute(),
}, [[arg(DOMString), optionalArg(DOMString, '')]]);

export const MediaDevices = interfaceShape('MediaDevices', {
  ondevicechange: eventHandler(),
  enumerateDevices: operation([[]], { isPromise: true }),
  getSupportedConstraints: operation(),
  getUserMedia: operation([[dictionaryArg(MediaStreamConstraints)]], { isPromise: true }),
});

export const MediaDeviceInfo = interfaceShape('MediaDeviceInfo', {
  deviceId: attribute(),
  kind: attribute(),
  label: attribute(),
  groupId: attribute(),
  toJSON: operation(),
});

export const InputDeviceInfo = interfaceShape('InputDeviceInfo', {
  getCapabilities: operation(),
});

export const DeviceChangeEvent = interfaceShape('DeviceChangeEvent', {
  devices: attribute(undefined, { isFrozen: true }),
  userInsertedDevices: attribute(undefined, { isFrozen: true }),
}, [[arg(DOMString), dictionaryArg(DeviceChangeEventInit)]]);

export const RTCIceCandidatePairEvent = interfaceShape('RTCIceCandidatePairEvent', {
  candidatePair: attribute(),
}, [[arg(DOMString), arg(RTCIceCandidatePairEventInit)]]);

export const AudioData = interfaceShape('AudioData', {
  format: attribute(),
  sampleRate: attribute(),
  numberOfFrames: attribute(),
  numberOfChannels: attribute(),
  duration: attribute(),
  timestamp: attribute(),
  allocationSize: operation([[arg(AudioDataCopyToOptions)]]),
  copyTo: operation([[arg(AllowSharedBufferSource), arg(AudioDataCopyToOptions)]]),
  clone: operation(),
  close: operation(),
}, [[arg(AudioDataInit)]]);

export const VideoFrame = interfaceShape('VideoFrame', {
  format: attribute(),
  codedWidth: attribute(),
  codedHeight: attribute(),
  codedRect: attribute(),
  visibleRect: attribute(),
  rotation: attribute(),
  flip: attribute(),
  displayWidth: attribute(),
  displayHeight: attribute(),
  duration: attribute(),
  timestamp: attribute(),
  colorSpace: attribute(),
  metadata: operation(),
  allocationSize: operation([[dictionaryArg(VideoFrameCopyToOptions)]]),
  copyTo: operation([[arg(AllowSharedBufferSource), dictionaryArg(VideoFrameCopyToOptions)]], { isPromise: true }),
  clone: operation(),
  close: operation(),
}, [[arg(any), optionalArg(any)]]);

export const VideoColorSpace = interfaceShape('VideoColorSpace', {
  primaries: attribute(),
  transfer: attribute(),
  matrix: attribute(),
  fullRange: attribute(),
  toJSON: operation(),
}, [[dictionaryArg(VideoColorSpaceInit)]]);

export const MediaStreamTrackProcessor = interfaceShape('MediaStreamTrackProcessor', {
  readable: attribute(),
}, [[arg(MediaStreamTrackProcessorInit)]]);

export const VideoTrackGenerator = interfaceShape('VideoTrackGenerator', {
  writable: attribute(),
  muted: attribute(boolean),
  track: attribute(),
}, [[]]);

export const MediaStreamTrackGenerator = interfaceShape('MediaStreamTrackGenerator', {
  writable: attribute(),
}, [[arg(MediaStreamTrackGeneratorInit)]]);

/** `[Exposed=DedicatedWorker]` */
export const EXPOSED_IN_WORKERS_ONLY: readonly string[] = ['RTCTransformEvent', 'RTCRtpScriptTransformer', 'KeyFrameRequestEvent'];
