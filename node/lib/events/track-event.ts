/** webrtc-pc §5.7: the remote end sends a track. */
import type { MediaStream } from '../media/stream.js';
import { MediaStreamType } from '../media/stream.js';
import { type MediaStreamTrack, MediaStreamTrackType } from '../media/track.js';
import { type RTCRtpReceiver, RTCRtpReceiverType } from '../rtc/rtp-receiver.js';
import { type RTCRtpTransceiver, RTCRtpTransceiverType } from '../rtc/rtp-transceiver.js';
import {
  DOMString,
  type Infer,
  arg,
  attribute,
  convertArguments,
  defaulted,
  defineInterface,
  dictionary,
  required,
  sequence,
} from '../webidl/index.js';
import { EventInit } from './event-init.js';

const RTCTrackEventInit = dictionary(
  'RTCTrackEventInit',
  {
    receiver: required(RTCRtpReceiverType),
    track: required(MediaStreamTrackType),
    streams: defaulted(sequence(MediaStreamType), () => []),
    transceiver: required(RTCRtpTransceiverType),
  },
  EventInit,
);
type RTCTrackEventInit = Infer<typeof RTCTrackEventInit>;

export class RTCTrackEvent extends Event {
  readonly #init: RTCTrackEventInit;
  readonly #streams: readonly MediaStream[];

  constructor(type: string, init: Omit<RTCTrackEventInit, keyof EventInit> & EventInit);
  constructor(...args: unknown[]) {
    const [type, init] = convertArguments(
      'RTCTrackEvent constructor',
      [arg(DOMString), arg(RTCTrackEventInit)],
      args,
    );
    super(type, init);
    this.#init = init;
    this.#streams = Object.freeze(init.streams);
  }

  get receiver(): RTCRtpReceiver {
    return this.#init.receiver;
  }
  get track(): MediaStreamTrack {
    return this.#init.track;
  }
  get streams(): readonly MediaStream[] {
    return this.#streams;
  }
  get transceiver(): RTCRtpTransceiver {
    return this.#init.transceiver;
  }

  static {
    defineInterface(
      this,
      (o) => #init in o,
      {
        receiver: attribute(),
        track: attribute(),
        streams: attribute(),
        transceiver: attribute(),
      },
      { constructorLength: 2 },
    );
  }
}
