/** webrtc-pc §4.8.3: gathering from a server failed. */
import * as shapes from '../idl/interfaces.js';
import { eventInterface } from './event.js';

export const RTCPeerConnectionIceErrorEvent = eventInterface(shapes.RTCPeerConnectionIceErrorEvent);
export type RTCPeerConnectionIceErrorEvent = InstanceType<typeof RTCPeerConnectionIceErrorEvent>;
