/** webrtc-pc §6.4: the remote end made a data channel. */
import { RTCDataChannelType } from '../rtc/data-channel.js';
import { required } from '../webidl/index.js';
import { eventInterface } from './event.js';

export const RTCDataChannelEvent = eventInterface('RTCDataChannelEvent', {
  channel: required(RTCDataChannelType),
});
export type RTCDataChannelEvent = InstanceType<typeof RTCDataChannelEvent>;
