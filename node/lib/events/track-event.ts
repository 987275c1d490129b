/** webrtc-pc §5.7: the remote end sends a track. */
import * as shapes from '../idl/interfaces.js';
import { eventInterface } from './event.js';

export const RTCTrackEvent = eventInterface(shapes.RTCTrackEvent);
export type RTCTrackEvent = InstanceType<typeof RTCTrackEvent>;
