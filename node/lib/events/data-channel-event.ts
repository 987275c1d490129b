/** webrtc-pc §6.4: the remote end made a data channel. */
import * as shapes from '../idl/interfaces.js';
import { eventInterface } from './event.js';

export const RTCDataChannelEvent = eventInterface(shapes.RTCDataChannelEvent);
export type RTCDataChannelEvent = InstanceType<typeof RTCDataChannelEvent>;
