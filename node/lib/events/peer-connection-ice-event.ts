/** webrtc-pc §4.8.2: a candidate was found, or a generation ended. */
import { RTCIceCandidateType } from '../rtc/ice-candidate.js';
import { USVString, defaulted, nullable } from '../webidl/index.js';
import { eventInterface } from './event.js';

export const RTCPeerConnectionIceEvent = eventInterface('RTCPeerConnectionIceEvent', {
  candidate: defaulted(nullable(RTCIceCandidateType), null),
  url: defaulted(nullable(USVString), null),
});
export type RTCPeerConnectionIceEvent = InstanceType<typeof RTCPeerConnectionIceEvent>;
