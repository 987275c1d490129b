/**
 * `import nonstandard from 'duologue/nonstandard'`: raw pictures and sound in the shapes of `wrtc` and
 * `@roamhq/wrtc`, whose `nonstandard` this is in the place of. What checks its arguments says what those say.
 */
import { native } from './binding.js';
import { type AudioData, interleaved16, soundOf } from './media/audio-data.js';
import { type Frame, attachSink, now } from './media/frames.js';
import { ApplicationSource, type Kind } from './media/source.js';
import { MediaStreamTrack, createTrack } from './media/track.js';
import { type VideoFrame, frameOf, withPicture } from './media/video-frame.js';

type Bytes = ArrayBuffer | ArrayBufferView;

/** A picture as I420 or RGBA without gaps. */
export interface RTCVideoFrame {
  readonly width: number;
  readonly height: number;
  readonly data: Bytes;
  readonly rotation?: number;
}

/** Ten milliseconds of sound: the samples of all channels in turn. */
export interface RTCAudioData {
  readonly samples: Int16Array;
  readonly sampleRate: number;
  readonly bitsPerSample?: number;
  readonly channelCount?: number;
  readonly numberOfFrames?: number;
}

const fail = (problem: string): never => {
  throw new TypeError(problem);
};

function assertObject(value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null) fail('Expected an object');
}

function bytesOf(data: unknown, length: number): Uint8Array {
  const view = ArrayBuffer.isView(data) ? data : data instanceof ArrayBuffer ? new Uint8Array(data) : fail('Expected an ArrayBuffer');
  if (view.byteLength !== length) fail(`Expected a .byteLength of ${length}, not ${view.byteLength}`);
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Bytes of a picture, and where its planes are. */
function layoutOf(format: 'I420' | 'RGBA', width: number, height: number): { size: number; layout: number[] } {
  if (format === 'RGBA') return { size: 4 * width * height, layout: [0, 4 * width] };
  const [halfWidth, halfHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const [luma, chroma] = [width * height, halfWidth * halfHeight];
  return { size: luma + 2 * chroma, layout: [0, width, luma, halfWidth, luma + chroma, halfWidth] };
}

export class RTCVideoSource {
  readonly #source = new ApplicationSource('video', 'RTCVideoSource', {});
  readonly #init: { isScreencast: boolean; needsDenoising: boolean | null };

  constructor(init: { isScreencast?: boolean; needsDenoising?: boolean | null } = {}) {
    this.#init = { isScreencast: init.isScreencast ?? false, needsDenoising: init.needsDenoising ?? null };
  }

  get isScreencast(): boolean {
    return this.#init.isScreencast;
  }
  get needsDenoising(): boolean | null {
    return this.#init.needsDenoising;
  }

  createTrack(): MediaStreamTrack {
    // What is on a screen keeps its size rather than its rate (mst-content-hint §5).
    return createTrack(this.#source, this.isScreencast ? { contentHint: 'detail' } : {});
  }

  /** The pixels are copied: the array may be used again. */
  onFrame(frame: RTCVideoFrame): void {
    assertObject(frame);
    const { width, height, data } = frame;
    const { size, layout } = layoutOf('I420', width, height);
    const picture = native.createPicture('I420', width, height, bytesOf(data, size), layout);
    this.#source.push(frameOf(picture, now(), frame.rotation));
  }
}

export class RTCAudioSource {
  readonly #source = new ApplicationSource('audio', 'RTCAudioSource', {});
  /** When what was given last ends. */
  #until = 0;

  createTrack(): MediaStreamTrack {
    return createTrack(this.#source);
  }

  /** The samples are copied: the array may be used again. */
  onData(data: RTCAudioData): void {
    assertObject(data);
    const { samples, sampleRate, bitsPerSample = 16, channelCount = 1 } = data;
    if (!(Number.isInteger(sampleRate) && sampleRate > 0 && sampleRate <= 0xffff)) fail('Expected a 16-bit unsigned integer');
    if (bitsPerSample !== 16) fail(`Expected a .bitsPerSample of 16, not ${bitsPerSample}`);
    const frames = Math.floor(sampleRate / 100);
    const { numberOfFrames = frames } = data;
    if (numberOfFrames !== frames) fail(`Expected a .numberOfFrames of ${frames}, not ${numberOfFrames}`);
    const bytes = bytesOf(samples, frames * channelCount * 2).slice();
    // Without a clock of its own it goes on where it ended, unless it paused.
    const begin = Math.max(this.#until, now() - PAUSE);
    this.#until = begin + (frames / sampleRate) * 1e6;
    this.#source.push(soundOf(new Int16Array(bytes.buffer), sampleRate, channelCount, Math.round(begin)));
  }
}

/** Less than this is the jitter of who gives sound: microseconds. */
const PAUSE = 100_000;

function assertTrack(track: unknown, kind: Kind): asserts track is MediaStreamTrack {
  assertObject(track);
  if (!(track instanceof MediaStreamTrack)) fail('This is not an instance of MediaStreamTrack');
  if ((track as MediaStreamTrack).kind !== kind) fail(`Expected ${kind === 'audio' ? 'an audio' : 'a video'} MediaStreamTrack`);
}

/** What both sinks are: an event for each frame, and a handler of it. */
abstract class Sink extends EventTarget {
  #detach: (() => void) | null;
  readonly #type: string;

  constructor(track: unknown, kind: Kind, type: string) {
    assertTrack(track, kind);
    super();
    this.#type = type;
    this.#detach = attachSink(track, (frame) => this.#give(frame));
  }

  get stopped(): boolean {
    return this.#detach === null;
  }

  stop(): void {
    this.#detach?.();
    this.#detach = null;
  }

  protected abstract describe(frame: Frame): object;
  protected abstract handler(): ((event: Event) => unknown) | null | undefined;

  #give(frame: Frame): void {
    const event = Object.assign(new Event(this.#type), this.describe(frame));
    this.handler()?.call(this, event);
    this.dispatchEvent(event);
  }
}

export class RTCVideoSink extends Sink {
  onframe: ((event: Event & { readonly frame: RTCVideoFrame }) => unknown) | null | undefined;

  constructor(track: MediaStreamTrack) {
    super(track, 'video', 'frame');
  }

  protected override describe(frame: Frame): object {
    const { rotation } = frame as VideoFrame;
    return withPicture(frame as VideoFrame, (picture) => {
      const { width, height } = picture;
      const { size, layout } = layoutOf('I420', width, height);
      const data = new Uint8Array(size);
      picture.copy(data, 'I420', { x: 0, y: 0, width, height }, layout);
      return { frame: { width, height, rotation, data } };
    });
  }

  protected override handler(): ((event: Event) => unknown) | null | undefined {
    return this.onframe as ((event: Event) => unknown) | null | undefined;
  }
}

export class RTCAudioSink extends Sink {
  ondata: ((event: Event & RTCAudioData) => unknown) | null | undefined = null;

  constructor(track: MediaStreamTrack) {
    super(track, 'audio', 'data');
  }

  protected override describe(frame: Frame): object {
    const { sampleRate, numberOfChannels, numberOfFrames } = frame as AudioData;
    const samples = interleaved16(frame as AudioData);
    return { samples, sampleRate, bitsPerSample: 16, channelCount: numberOfChannels, numberOfFrames };
  }

  protected override handler(): ((event: Event) => unknown) | null | undefined {
    return this.ondata as ((event: Event) => unknown) | null | undefined;
  }
}

function convert(from: RTCVideoFrame, own: 'I420' | 'RGBA', to: RTCVideoFrame, other: 'I420' | 'RGBA'): void {
  assertObject(from);
  assertObject(to);
  const { width, height } = from;
  if (to.width !== width || to.height !== height) fail('Dimensions must match');
  const source = layoutOf(own, width, height);
  const target = layoutOf(other, width, height);
  const picture = native.createPicture(own, width, height, bytesOf(from.data, source.size), source.layout);
  picture.copy(bytesOf(to.data, target.size), other, { x: 0, y: 0, width, height }, target.layout);
  picture.close();
}

/** Writes a picture into the data of another one of the same size. */
export const i420ToRgba = (i420: RTCVideoFrame, rgba: RTCVideoFrame): void => convert(i420, 'I420', rgba, 'RGBA');
export const rgbaToI420 = (rgba: RTCVideoFrame, i420: RTCVideoFrame): void => convert(rgba, 'RGBA', i420, 'I420');

export default { RTCVideoSource, RTCVideoSink, RTCAudioSource, RTCAudioSink, i420ToRgba, rgbaToI420 };
