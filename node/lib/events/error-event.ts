/** webrtc-pc §11.2. */
import {
  DOMString,
  type Infer,
  arg,
  attribute,
  convertArguments,
  defineInterface,
  dictionary,
  required,
} from '../webidl/index.js';
import { EventInit } from './event-init.js';
import { type RTCError, RTCErrorType } from '../errors.js';

const RTCErrorEventInit = dictionary(
  'RTCErrorEventInit',
  {
    error: required(RTCErrorType),
  },
  EventInit,
);
type RTCErrorEventInit = Infer<typeof RTCErrorEventInit>;

export class RTCErrorEvent extends Event {
  readonly #init: RTCErrorEventInit;

  constructor(type: string, init: Partial<RTCErrorEventInit>);
  constructor(...args: unknown[]) {
    const [type, init] = convertArguments(
      'RTCErrorEvent constructor',
      [arg(DOMString), arg(RTCErrorEventInit)],
      args,
    );
    super(type, init);
    this.#init = init;
  }

  get error(): RTCError {
    return this.#init.error;
  }

  static {
    defineInterface(
      this,
      (o) => #init in o,
      {
        error: attribute(),
      },
      { constructorLength: 2 },
    );
  }
}
