/** `RTCError` (webrtc-pc §11) and `OverconstrainedError` (mediacapture-streams §5.3). */
import {
  DOMString,
  type Infer,
  arg,
  attribute,
  convertArguments,
  defineInterface,
  dictionary,
  enumeration,
  interfaceType,
  long,
  optional,
  optionalArg,
  required,
  unsignedLong,
} from './webidl/index.js';

export const RTCErrorDetailType = enumeration('RTCErrorDetailType', [
  'data-channel-failure',
  'dtls-failure',
  'fingerprint-failure',
  'sctp-failure',
  'sdp-syntax-error',
  'hardware-encoder-not-available',
  'hardware-encoder-error',
  // webrtc-identity §7
  'idp-bad-script-failure',
  'idp-execution-failure',
  'idp-load-failure',
  'idp-need-login',
  'idp-timeout',
  'idp-tls-failure',
  'idp-token-expired',
  'idp-token-invalid',
]);

export const RTCErrorInit = dictionary('RTCErrorInit', {
  errorDetail: required(RTCErrorDetailType),
  sdpLineNumber: optional(long),
  sctpCauseCode: optional(long),
  receivedAlert: optional(unsignedLong),
  sentAlert: optional(unsignedLong),
  httpRequestStatusCode: optional(long),
});
export type RTCErrorInit = Infer<typeof RTCErrorInit>;

export class RTCError extends DOMException {
  readonly #init: RTCErrorInit;

  constructor(init: RTCErrorInit, message?: string);
  constructor(...args: unknown[]) {
    const [init, message] = convertArguments(
      'RTCError constructor',
      [arg(RTCErrorInit), optionalArg(DOMString, '')],
      args,
    );
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
    defineInterface(
      this,
      (o) => #init in o,
      {
        errorDetail: attribute(),
        sdpLineNumber: attribute(),
        sctpCauseCode: attribute(),
        receivedAlert: attribute(),
        sentAlert: attribute(),
        httpRequestStatusCode: attribute(),
      },
      { constructorLength: 1 },
    );
  }
}
export const RTCErrorType = interfaceType('RTCError', () => RTCError);

export class OverconstrainedError extends DOMException {
  readonly #constraint: string;

  constructor(constraint: string, message?: string);
  constructor(...args: unknown[]) {
    const [constraint, message] = convertArguments(
      'OverconstrainedError constructor',
      [arg(DOMString), optionalArg(DOMString, '')],
      args,
    );
    super(message, 'OverconstrainedError');
    this.#constraint = constraint;
  }

  get constraint(): string {
    return this.#constraint;
  }

  static {
    defineInterface(this, (o) => #constraint in o, { constraint: attribute() }, { constructorLength: 1 });
  }
}
