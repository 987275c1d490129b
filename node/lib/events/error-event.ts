/** webrtc-pc §11.2. */
import { RTCErrorType } from '../errors.js';
import { required } from '../webidl/index.js';
import { eventInterface } from './event.js';

export const RTCErrorEvent = eventInterface('RTCErrorEvent', {
  error: required(RTCErrorType),
});
export type RTCErrorEvent = InstanceType<typeof RTCErrorEvent>;
