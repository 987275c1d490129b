/** webrtc-pc §5.7: the remote end sends a track. */
import * as shapes from '../idl/interfaces.js';
import type { RTCTrackEventInit } from '../idl/types.js';
import { eventInterface } from './event.js';

export const RTCTrackEvent = eventInterface<RTCTrackEventInit>(shapes.RTCTrackEvent);
export type RTCTrackEvent = InstanceType<typeof RTCTrackEvent>;
