/** `RTCError` (webrtc-pc §11), `OverconstrainedError` (mediacapture-streams §5.3), and what nobody catches. */
import * as shapes from './idl/interfaces.js';
import type { RTCErrorInit } from './idl/types.js';
import { constructorArguments, defineInterface } from './webidl/index.js';

/** HTML, "report an exception": as if it had been thrown alone, with nobody above to catch it. */
export function reportException(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

export class RTCError extends DOMException {
  readonly #init: RTCErrorInit;

  constructor(init: RTCErrorInit, message?: string);
  constructor(...args: unknown[]) {
    const [init, message] = constructorArguments(shapes.RTCError, args);
    super(message, 'OperationError');
    this.#init = init;
  }

  get errorDetail(): RTCErrorInit['errorDetail'] {
    return this.#init.errorDetail;
  }
  get sdpLineNumber(): number | null {
    return this.#init.sdpLineNumber ?? null;
  }
  get sctpCauseCode(): number | null {
    return this.#init.sctpCauseCode ?? null;
  }
  get receivedAlert(): number | null {
    return this.#init.receivedAlert ?? null;
  }
  get sentAlert(): number | null {
    return this.#init.sentAlert ?? null;
  }
  get httpRequestStatusCode(): number | null {
    return this.#init.httpRequestStatusCode ?? null;
  }

  static {
    defineInterface(this, (o) => #init in o, shapes.RTCError);
  }
}

export class OverconstrainedError extends DOMException {
  readonly #constraint: string;

  constructor(constraint: string, message?: string);
  constructor(...args: unknown[]) {
    const [constraint, message] = constructorArguments(shapes.OverconstrainedError, args);
    super(message, 'OverconstrainedError');
    this.#constraint = constraint;
  }

  get constraint(): string {
    return this.#constraint;
  }

  static {
    defineInterface(this, (o) => #constraint in o, shapes.OverconstrainedError);
  }
}
