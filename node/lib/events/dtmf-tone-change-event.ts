/** webrtc-pc §7.3: a tone began, or (empty) all of them are played. */
import {
  DOMString,
  type Infer,
  arg,
  attribute,
  convertArguments,
  defaulted,
  defineInterface,
  dictionary,
  dictionaryArg,
} from '../webidl/index.js';
import { EventInit } from './event-init.js';

const RTCDTMFToneChangeEventInit = dictionary(
  'RTCDTMFToneChangeEventInit',
  {
    tone: defaulted(DOMString, ''),
  },
  EventInit,
);
type RTCDTMFToneChangeEventInit = Infer<typeof RTCDTMFToneChangeEventInit>;

export class RTCDTMFToneChangeEvent extends Event {
  readonly #init: RTCDTMFToneChangeEventInit;

  constructor(type: string, init?: Partial<RTCDTMFToneChangeEventInit>);
  constructor(...args: unknown[]) {
    const [type, init] = convertArguments(
      'RTCDTMFToneChangeEvent constructor',
      [arg(DOMString), dictionaryArg(RTCDTMFToneChangeEventInit)],
      args,
    );
    super(type, init);
    this.#init = init;
  }

  get tone(): string {
    return this.#init.tone;
  }

  static {
    defineInterface(
      this,
      (o) => #init in o,
      {
        tone: attribute(),
      },
      { constructorLength: 1 },
    );
  }
}
