/** webrtc-pc §5.7: the remote end sends a track. */
import { MediaStreamType } from '../media/stream.js';
import { MediaStreamTrackType } from '../media/track.js';
import { RTCRtpReceiverType } from '../rtc/rtp-receiver.js';
import { RTCRtpTransceiverType } from '../rtc/rtp-transceiver.js';
import { defaulted, required, sequence } from '../webidl/index.js';
import { eventInterface } from './event.js';

export const RTCTrackEvent = eventInterface('RTCTrackEvent', {
  receiver: required(RTCRtpReceiverType),
  track: required(MediaStreamTrackType),
  streams: defaulted(sequence(MediaStreamType), () => []),
  transceiver: required(RTCRtpTransceiverType),
});
export type RTCTrackEvent = InstanceType<typeof RTCTrackEvent>;
