/** webrtc-pc §6.4: the remote end made a data channel. */
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
import { type RTCDataChannel, RTCDataChannelType } from '../rtc/data-channel.js';

const RTCDataChannelEventInit = dictionary(
  'RTCDataChannelEventInit',
  {
    channel: required(RTCDataChannelType),
  },
  EventInit,
);
type RTCDataChannelEventInit = Infer<typeof RTCDataChannelEventInit>;

export class RTCDataChannelEvent extends Event {
  readonly #init: RTCDataChannelEventInit;

  constructor(type: string, init: Partial<RTCDataChannelEventInit>);
  constructor(...args: unknown[]) {
    const [type, init] = convertArguments(
      'RTCDataChannelEvent constructor',
      [arg(DOMString), arg(RTCDataChannelEventInit)],
      args,
    );
    super(type, init);
    this.#init = init;
  }

  get channel(): RTCDataChannel {
    return this.#init.channel;
  }

  static {
    defineInterface(
      this,
      (o) => #init in o,
      {
        channel: attribute(),
      },
      { constructorLength: 2 },
    );
  }
}
