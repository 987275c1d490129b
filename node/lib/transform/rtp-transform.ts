/** What `sender.transform` and `receiver.transform` take, webrtc-encoded-transform §3. */
import type { RTCRtpTransform } from '../idl/types.js';
import type { NativeTransform } from '../binding.js';
import { RTCRtpScriptTransform, scriptTransform } from './script-transform.js';
import { type Direction, sframeTransform } from './sframe.js';

/** The sender or receiver that a transform was attached to first. */
const owners = new WeakMap<RTCRtpTransform, object>();

/**
 * What the core puts between a sender or receiver and the network. "If transform is used elsewhere,
 * throw an InvalidStateError": it belongs to whom it was given first.
 */
export function nativeTransform(
  transform: RTCRtpTransform | null,
  owner: object,
  direction: Direction,
): NativeTransform | null {
  if (!transform) return null;
  if ((owners.get(transform) ?? owner) !== owner) {
    throw new DOMException('The transform is used elsewhere', 'InvalidStateError');
  }
  owners.set(transform, owner);
  if (transform instanceof RTCRtpScriptTransform) return scriptTransform(transform);
  return sframeTransform(transform, direction);
}
