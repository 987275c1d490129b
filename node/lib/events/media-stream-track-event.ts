/** mediacapture-streams §4.4: a track was added to a stream or removed from it by the platform. */
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
import { type MediaStreamTrack, MediaStreamTrackType } from '../media/track.js';

const MediaStreamTrackEventInit = dictionary(
  'MediaStreamTrackEventInit',
  {
    track: required(MediaStreamTrackType),
  },
  EventInit,
);
type MediaStreamTrackEventInit = Infer<typeof MediaStreamTrackEventInit>;

export class MediaStreamTrackEvent extends Event {
  readonly #init: MediaStreamTrackEventInit;

  constructor(type: string, init: Partial<MediaStreamTrackEventInit>);
  constructor(...args: unknown[]) {
    const [type, init] = convertArguments(
      'MediaStreamTrackEvent constructor',
      [arg(DOMString), arg(MediaStreamTrackEventInit)],
      args,
    );
    super(type, init);
    this.#init = init;
  }

  get track(): MediaStreamTrack {
    return this.#init.track;
  }

  static {
    defineInterface(
      this,
      (o) => #init in o,
      {
        track: attribute(),
      },
      { constructorLength: 2 },
    );
  }
}
