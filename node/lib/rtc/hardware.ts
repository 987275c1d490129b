/** `disableHardwareEncoding()` and `disableHardwareDecoding()`, webrtc-extensions §6 and §7. */

let used = false;

/** A connection was made. */
export const hardwareIsUsed = (): void => void (used = true);

/** All codecs here run on processors: what may be disabled is not there. */
export function disableHardware(): void {
  if (used) throw new DOMException('A connection was made before', 'InvalidStateError');
}
