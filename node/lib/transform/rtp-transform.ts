/** What `sender.transform` and `receiver.transform` take, webrtc-encoded-transform §3. */
import { union } from '../webidl/index.js';
import { type RTCRtpScriptTransform, RTCRtpScriptTransformType } from './script-transform.js';
import { type SFrameTransform, SFrameTransformType } from './sframe.js';

export type RTCRtpTransform = SFrameTransform | RTCRtpScriptTransform;
export const RTCRtpTransformType = union(SFrameTransformType, RTCRtpScriptTransformType);
