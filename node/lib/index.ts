/** Package `duologue`: the W3C WebRTC API. */
export { OverconstrainedError, RTCError } from './errors.js';
export { RTCDataChannelEvent } from './events/data-channel-event.js';
export { DeviceChangeEvent } from './events/device-change-event.js';
export { RTCIceCandidatePairEvent } from './events/ice-candidate-pair-event.js';
export { RTCDTMFToneChangeEvent } from './events/dtmf-tone-change-event.js';
export { RTCErrorEvent } from './events/error-event.js';
export { KeyFrameRequestEvent } from './events/key-frame-request-event.js';
export { MediaStreamTrackEvent } from './events/media-stream-track-event.js';
export { RTCPeerConnectionIceErrorEvent } from './events/peer-connection-ice-error-event.js';
export { RTCPeerConnectionIceEvent } from './events/peer-connection-ice-event.js';
export { RTCTrackEvent } from './events/track-event.js';
export { AudioData } from './media/audio-data.js';
export { InputDeviceInfo, MediaDeviceInfo } from './media/device-info.js';
export { MediaDevices, mediaDevices } from './media/devices.js';
export { MediaStreamTrackGenerator, VideoTrackGenerator } from './media/generator.js';
export { MediaStreamTrackProcessor } from './media/processor.js';
export { MediaStream } from './media/stream.js';
export { MediaStreamTrack } from './media/track.js';
export { VideoColorSpace, VideoFrame } from './media/video-frame.js';
export { RTCCertificate } from './rtc/certificate.js';
export { RTCDataChannel } from './rtc/data-channel.js';
export { RTCDtlsTransport } from './rtc/dtls-transport.js';
export { RTCDTMFSender } from './rtc/dtmf-sender.js';
export { Endpoint } from './rtc/endpoint.js';
export { RTCIceCandidate, RTCIceCandidatePair } from './rtc/ice-candidate.js';
export { RTCIceTransport } from './rtc/ice-transport.js';
export { RTCIdentityAssertion } from './rtc/identity.js';
export { RTCPeerConnection } from './rtc/peer-connection.js';
export { RTCRtpReceiver } from './rtc/rtp-receiver.js';
export { RTCRtpSender } from './rtc/rtp-sender.js';
export { RTCRtpTransceiver } from './rtc/rtp-transceiver.js';
export { RTCSctpTransport } from './rtc/sctp-transport.js';
export { RTCSessionDescription } from './rtc/session-description.js';
export { RTCStatsReport } from './rtc/stats-report.js';
export { RTCEncodedAudioFrame, RTCEncodedVideoFrame } from './transform/encoded-frame.js';
export { RTCRtpScriptTransform } from './transform/script-transform.js';
export { RTCRtpScriptTransformer, RTCTransformEvent } from './transform/transformer.js';
export { workerScope } from './transform/worker-scope.js';
export {
  SFrameDecrypterStream,
  SFrameEncrypterStream,
  SFrameTransform,
  SFrameTransformErrorEvent,
} from './transform/sframe.js';
