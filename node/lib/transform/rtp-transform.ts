/** What `sender.transform` and `receiver.transform` take, webrtc-encoded-transform §3. */
import { type NativeTransform, native } from '../native.js';
import { union } from '../webidl/index.js';
import { RTCRtpScriptTransform, RTCRtpScriptTransformType, attachScriptTransform } from './script-transform.js';
import { type SFrameTransform, SFrameTransformType } from './sframe.js';

export type RTCRtpTransform = SFrameTransform | RTCRtpScriptTransform;
export const RTCRtpTransformType = union(SFrameTransformType, RTCRtpScriptTransformType);

/** What the core puts between a sender or receiver and the network. */
export function nativeTransform(transform: RTCRtpTransform | null, owner: object): NativeTransform | null {
  if (!transform) return null;
  if (transform instanceof RTCRtpScriptTransform) return attachScriptTransform(transform, owner);
  // SFrame promises that nothing goes by in the clear; it is not there, so nothing goes by.
  const nothing = native.createTransform();
  nothing.abandon();
  return nothing;
}
