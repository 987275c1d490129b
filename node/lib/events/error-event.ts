/** webrtc-pc §11.2. */
import * as shapes from '../idl/interfaces.js';
import type { RTCErrorEventInit } from '../idl/types.js';
import { eventInterface } from './event.js';

export const RTCErrorEvent = eventInterface<RTCErrorEventInit>(shapes.RTCErrorEvent);
export type RTCErrorEvent = InstanceType<typeof RTCErrorEvent>;
