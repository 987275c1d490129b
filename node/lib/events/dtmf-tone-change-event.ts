/** webrtc-pc §7.3: a tone began, or (empty) all of them are played. */
import * as shapes from '../idl/interfaces.js';
import { eventInterface } from './event.js';

export const RTCDTMFToneChangeEvent = eventInterface(shapes.RTCDTMFToneChangeEvent);
export type RTCDTMFToneChangeEvent = InstanceType<typeof RTCDTMFToneChangeEvent>;
