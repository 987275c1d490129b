/** What `sender.transform` and `receiver.transform` take, webrtc-encoded-transform §3. */
import type { RTCRtpTransform } from '../idl/types.js';
import { type NativeTransform, native } from '../binding.js';
import { RTCRtpScriptTransform, scriptTransform } from './script-transform.js';

/** The sender or receiver that a transform was attached to first. */
const owners = new WeakMap<RTCRtpTransform, object>();

/**
 * What the core puts between a sender or receiver and the network. "If transform is used elsewhere,
 * throw an InvalidStateError": it belongs to whom it was given first.
 */
export function nativeTransform(transform: RTCRtpTransform | null, owner: object): NativeTransform | null {
  if (!transform) return null;
  if ((owners.get(transform) ?? owner) !== owner) {
    throw new DOMException('The transform is used elsewhere', 'InvalidStateError');
  }
  owners.set(transform, owner);
  if (transform instanceof RTCRtpScriptTransform) return scriptTransform(transform);
  // SFrame promises that nothing goes by in the clear; it is not there, so nothing goes by.
  const nothing = native.createTransform();
  nothing.abandon();
  return nothing;
}
