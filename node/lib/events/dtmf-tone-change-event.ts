/** webrtc-pc §7.3: a tone began, or (empty) all of them are played. */
import { DOMString, defaulted } from '../webidl/index.js';
import { eventInterface } from './event.js';

export const RTCDTMFToneChangeEvent = eventInterface('RTCDTMFToneChangeEvent', {
  tone: defaulted(DOMString, ''),
});
export type RTCDTMFToneChangeEvent = InstanceType<typeof RTCDTMFToneChangeEvent>;
