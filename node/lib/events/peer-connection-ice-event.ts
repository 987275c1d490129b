/** webrtc-pc §4.8.2: a candidate was found, or a generation ended. */
import * as shapes from '../idl/interfaces.js';
import { eventInterface } from './event.js';

export const RTCPeerConnectionIceEvent = eventInterface(shapes.RTCPeerConnectionIceEvent);
export type RTCPeerConnectionIceEvent = InstanceType<typeof RTCPeerConnectionIceEvent>;
