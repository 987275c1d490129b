/** webrtc-pc §11.2. */
import * as shapes from '../idl/interfaces.js';
import { eventInterface } from './event.js';

export const RTCErrorEvent = eventInterface(shapes.RTCErrorEvent);
export type RTCErrorEvent = InstanceType<typeof RTCErrorEvent>;
