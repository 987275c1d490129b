import { RTCError } from '../errors.js';
import type { RTCErrorInit } from '../idl/types.js';
import type { NativeException } from '../native.js';

/** The JavaScript object of what the core throws or rejects with. */
export function exceptionOf({ name, message, rtc }: NativeException): Error {
  if (name === 'TypeError') return new TypeError(message);
  if (name === 'RangeError') return new RangeError(message);
  if (rtc) return rtcErrorOf({ name, message, rtc });
  return new DOMException(message, name);
}

/** What an `error` event carries. */
export function rtcErrorOf({ message, rtc }: NativeException): RTCError {
  return new RTCError((rtc ?? { errorDetail: 'data-channel-failure' }) as RTCErrorInit, message);
}
