/** `MediaStreamTrackProcessor`, mediacapture-transform §3. */
import * as shapes from '../idl/interfaces.js';
import type { MediaStreamTrackProcessorInit } from '../idl/types.js';
import { constructorArguments, defineInterface } from '../webidl/index.js';
import { type Frame, attachSink } from './frames.js';
import { type MediaStreamTrack, whenTrackEnds } from './track.js';

/** Frames that wait where nothing is said: the newest picture, and a tenth of a second of sound. */
const BUFFER = { video: 1, audio: 10 };
/** No more, whatever is said: pictures are large. */
const MAX_BUFFER = 100;

export class MediaStreamTrackProcessor {
  readonly #readable: ReadableStream<Frame>;

  constructor(init: MediaStreamTrackProcessorInit);
  constructor(...args: unknown[]) {
    const [{ track, maxBufferSize }] = constructorArguments(shapes.MediaStreamTrackProcessor, args) as [MediaStreamTrackProcessorInit];
    const of = track as MediaStreamTrack;
    // As a canvas that shows pictures of another origin.
    if (of.isolated) throw new DOMException('An isolated track is not read', 'SecurityError');
    if (maxBufferSize === 0) throw new RangeError('maxBufferSize is at least 1');
    this.#readable = framesOf(of, Math.min(MAX_BUFFER, maxBufferSize ?? BUFFER[of.kind]));
  }

  get readable(): ReadableStream<Frame> {
    return this.#readable;
  }

  static {
    defineInterface(this, (o) => #readable in o, shapes.MediaStreamTrackProcessor);
  }
}

/** The frames of a track; of those that nobody reads the newest ones wait. */
function framesOf(track: MediaStreamTrack, limit: number): ReadableStream<Frame> {
  const waiting: Frame[] = [];
  let wake: (() => void) | null = null;
  let ended = track.readyState === 'ended';
  const drop = (): void => {
    for (const frame of waiting.splice(0)) frame.close();
  };
  const detach = attachSink(track, (frame) => {
    if (waiting.length >= limit) waiting.shift()?.close();
    waiting.push(frame.clone());
    wake?.();
  });
  const forget = whenTrackEnds(track, () => {
    ended = true;
    wake?.();
  });
  return new ReadableStream<Frame>(
    {
      async pull(controller) {
        while (waiting.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
        const frame = waiting.shift();
        if (frame) controller.enqueue(frame);
        else controller.close();
      },
      cancel() {
        ended = true;
        detach();
        forget();
        drop();
        wake?.();
      },
    },
    // What waits is here, where the newest wins.
    { highWaterMark: 0 },
  );
}
