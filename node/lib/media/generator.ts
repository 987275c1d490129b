/** `VideoTrackGenerator`, mediacapture-transform §4, and `MediaStreamTrackGenerator`, which Chromium had before. */
import * as shapes from '../idl/interfaces.js';
import type { MediaStreamTrackGeneratorInit } from '../idl/types.js';
import { constructorArguments, defineInterface, internal } from '../webidl/index.js';
import { isAudioData } from './audio-data.js';
import { type Frame, now } from './frames.js';
import { ApplicationSource, type Kind } from './source.js';
import { MediaStreamTrack, createTrack, newTrackSlots } from './track.js';
import { isVideoFrame } from './video-frame.js';

/** Where frames of a kind are written, which a source gives on. */
function writableTo(source: ApplicationSource): WritableStream<Frame> {
  const pace = new Pace();
  const isOfKind = source.kind === 'video' ? isVideoFrame : isAudioData;
  const stream = new WritableStream<Frame>(
    {
      start: (controller) => {
        // §4: with its last track the stream has come to its end.
        source.whenUnused = () => controller.error(new DOMException('All tracks have ended', 'InvalidStateError'));
      },
      async write(frame) {
        if (!isOfKind(frame)) throw new TypeError(`What is written is no frame of ${source.kind}.`);
        if (frame.format === null) throw new TypeError('The frame is closed.');
        const { duration } = frame;
        if (source.muted) frame.close();
        else source.push(frame);
        if (source.kind === 'audio') await pace.spend(duration ?? 0);
      },
      close: () => source.end(),
      abort: () => source.end(),
    },
    { highWaterMark: 1 },
  );
  return stream;
}

/** Who writes sound faster than it lasts waits: so much of it, in microseconds, is taken at once. */
const AHEAD = 200_000;

class Pace {
  /** When all that was written will have been heard. */
  #until = 0;

  async spend(duration: number): Promise<void> {
    this.#until = Math.max(this.#until, now()) + duration;
    const wait = this.#until - now() - AHEAD;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait / 1000));
  }
}

export class VideoTrackGenerator {
  readonly #source = new ApplicationSource('video', 'generator', {});
  readonly #track: MediaStreamTrack;
  readonly #writable: WritableStream<Frame>;

  constructor() {
    this.#track = createTrack(this.#source);
    this.#writable = writableTo(this.#source);
  }

  get writable(): WritableStream<Frame> {
    return this.#writable;
  }
  get muted(): boolean {
    return this.#source.muted;
  }
  set muted(value: boolean) {
    this.#source.setMuted(value);
  }
  get track(): MediaStreamTrack {
    return this.#track;
  }

  static {
    defineInterface(this, (o) => #source in o, shapes.VideoTrackGenerator);
  }
}

export class MediaStreamTrackGenerator extends MediaStreamTrack {
  readonly #writable: WritableStream<Frame>;

  constructor(init: MediaStreamTrackGeneratorInit);
  constructor(...args: unknown[]) {
    const [{ kind }] = constructorArguments(shapes.MediaStreamTrackGenerator, args) as [{ kind: Kind }];
    const source = new ApplicationSource(kind, 'generator', {});
    super(internal, newTrackSlots(source));
    source.add(this);
    this.#writable = writableTo(source);
  }

  get writable(): WritableStream<Frame> {
    return this.#writable;
  }

  static {
    defineInterface(this, (o) => #writable in o, shapes.MediaStreamTrackGenerator);
  }
}
