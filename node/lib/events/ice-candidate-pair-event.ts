/** webrtc-extensions, "RTCIceTransport extensions": a pair came, is to be nominated, or goes. */
import * as shapes from '../idl/interfaces.js';
import { eventInterface } from './event.js';

export const RTCIceCandidatePairEvent = eventInterface(shapes.RTCIceCandidatePairEvent);
export type RTCIceCandidatePairEvent = InstanceType<typeof RTCIceCandidatePairEvent>;
