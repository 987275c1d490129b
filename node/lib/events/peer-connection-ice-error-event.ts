/** webrtc-pc §4.8.3: gathering from a server failed. */
import { DOMString, USVString, defaulted, nullable, required, unsignedShort } from '../webidl/index.js';
import { eventInterface } from './event.js';

export const RTCPeerConnectionIceErrorEvent = eventInterface('RTCPeerConnectionIceErrorEvent', {
  address: defaulted(nullable(DOMString), null),
  port: defaulted(nullable(unsignedShort), null),
  url: defaulted(USVString, ''),
  errorCode: required(unsignedShort),
  errorText: defaulted(USVString, ''),
});
export type RTCPeerConnectionIceErrorEvent = InstanceType<typeof RTCPeerConnectionIceErrorEvent>;
