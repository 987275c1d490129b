/** `AudioData` of WebCodecs: a piece of sound. */
import * as shapes from '../idl/interfaces.js';
import type { AudioDataCopyToOptions, AudioDataInit, AudioSampleFormat } from '../idl/types.js';
import { bytesOf, constructorArguments, defineInterface, internal } from '../webidl/index.js';
import { detach } from './video-frame.js';

type Samples = Uint8Array | Int16Array | Int32Array | Float32Array;
type Type = 'u8' | 's16' | 's32' | 'f32';

/** Samples of a type: their arrays, and how they become numbers from -1 to 1 and back. */
const TYPES: Record<Type, { array: new (buffer: ArrayBuffer) => Samples; bytes: number; read(x: number): number; write(x: number): number }> = {
  u8: { array: Uint8Array, bytes: 1, read: (x) => (x - 128) / 128, write: (x) => bounded(x * 128, 127, -128) + 128 },
  s16: { array: Int16Array, bytes: 2, read: (x) => x / 0x8000, write: (x) => bounded(x * 0x8000, 0x7fff, -0x8000) },
  s32: { array: Int32Array, bytes: 4, read: (x) => x / 0x8000_0000, write: (x) => bounded(x * 0x8000_0000, 0x7fff_ffff, -0x8000_0000) },
  f32: { array: Float32Array, bytes: 4, read: (x) => x, write: (x) => x },
};
const bounded = (x: number, most: number, least: number): number => Math.max(least, Math.min(most, Math.round(x)));

const isPlanar = (format: AudioSampleFormat): boolean => format.endsWith('-planar');
const typeOf = (format: AudioSampleFormat): Type => format.replace('-planar', '') as Type;

interface Slots {
  /** None once it is closed. Clones share it. */
  samples: Samples | null;
  readonly format: AudioSampleFormat;
  readonly sampleRate: number;
  readonly channels: number;
  readonly frames: number;
  readonly timestamp: number;
}

let slotsOf: (data: AudioData) => Slots;

/** Sound of the core, or of who has it in this form: the samples of all channels in turn. */
export function soundOf(samples: Float32Array | Int16Array, sampleRate: number, channels: number, timestamp: number): AudioData {
  const format = samples instanceof Float32Array ? 'f32' : 's16';
  return new AudioData(internal, { samples, format, sampleRate, channels, frames: samples.length / channels, timestamp });
}

export function isAudioData(value: unknown): value is AudioData {
  return value instanceof AudioData;
}

/** From -1 to 1, those of all channels in turn: as it is, where it is so. */
export function interleaved(data: AudioData): Float32Array {
  const { samples, format, channels, frames } = open(slotsOf(data));
  if (format === 'f32') return samples as Float32Array;
  const out = new Float32Array(frames * channels);
  const { read } = TYPES[typeOf(format)];
  const planar = isPlanar(format);
  for (let frame = 0; frame < frames; frame++) {
    for (let channel = 0; channel < channels; channel++) {
      const at = planar ? channel * frames + frame : frame * channels + channel;
      out[frame * channels + channel] = read(samples[at] as number);
    }
  }
  return out;
}

/** The same as whole numbers, as programs without WebCodecs have sound. */
export function interleaved16(data: AudioData): Int16Array {
  const { samples, format } = open(slotsOf(data));
  if (format === 's16') return (samples as Int16Array).slice();
  return Int16Array.from(interleaved(data), TYPES.s16.write);
}

function open<T extends Slots>(slots: T): T & { samples: Samples } {
  if (!slots.samples) throw new DOMException('The data is closed', 'InvalidStateError');
  return slots as T & { samples: Samples };
}

function ofInit({ format, sampleRate, numberOfFrames, numberOfChannels, timestamp, data, transfer }: AudioDataInit): Slots {
  if (sampleRate <= 0 || numberOfFrames === 0 || numberOfChannels === 0) throw new TypeError('Sound has samples.');
  const { array, bytes } = TYPES[typeOf(format)];
  const size = numberOfFrames * numberOfChannels * bytes;
  const given = bytesOf(data);
  if (given.length < size) throw new TypeError(`The samples take ${size} bytes, not ${given.length}.`);
  const samples = new array(given.slice(0, size).buffer as ArrayBuffer);
  detach(transfer);
  return { samples, format, sampleRate, channels: numberOfChannels, frames: numberOfFrames, timestamp };
}

export class AudioData {
  readonly #slots: Slots;

  constructor(token: typeof internal, slots: Slots);
  constructor(init: AudioDataInit);
  constructor(...args: unknown[]) {
    if (args[0] === internal) this.#slots = args[1] as Slots;
    else this.#slots = ofInit((constructorArguments(shapes.AudioData, args) as [AudioDataInit])[0]);
  }

  get format(): AudioSampleFormat | null {
    return this.#slots.samples && this.#slots.format;
  }
  get sampleRate(): number {
    return this.#slots.samples ? this.#slots.sampleRate : 0;
  }
  get numberOfFrames(): number {
    return this.#slots.samples ? this.#slots.frames : 0;
  }
  get numberOfChannels(): number {
    return this.#slots.samples ? this.#slots.channels : 0;
  }
  get duration(): number {
    return this.#slots.samples ? Math.round((this.#slots.frames / this.#slots.sampleRate) * 1e6) : 0;
  }
  get timestamp(): number {
    return this.#slots.timestamp;
  }

  allocationSize(options: AudioDataCopyToOptions): number {
    const { count, format } = this.#part(options);
    return count * TYPES[typeOf(format)].bytes;
  }

  copyTo(destination: ArrayBufferLike | ArrayBufferView, options: AudioDataCopyToOptions): void {
    const { samples, format: own, channels, frames } = open(this.#slots);
    const { format, count } = this.#part(options);
    const { array, bytes, write } = TYPES[typeOf(format)];
    const target = bytesOf(destination);
    if (target.length < count * bytes) throw new RangeError(`The copy takes ${count * bytes} bytes, not ${target.length}.`);
    const { read } = TYPES[typeOf(own)];
    const out = new array(new ArrayBuffer(count * bytes));
    const same = typeOf(own) === typeOf(format);
    const planar = isPlanar(format);
    for (let i = 0; i < count; i++) {
      const frame = options.frameOffset + (planar ? i : Math.floor(i / channels));
      const channel = planar ? options.planeIndex : i % channels;
      const sample = samples[isPlanar(own) ? channel * frames + frame : frame * channels + channel] as number;
      out[i] = same ? sample : write(read(sample));
    }
    target.set(new Uint8Array(out.buffer));
  }

  clone(): AudioData {
    return new AudioData(internal, { ...open(this.#slots) });
  }

  close(): void {
    this.#slots.samples = null;
  }

  /** "Compute Copy Element Count" */
  #part({ planeIndex, frameOffset, frameCount, format: asked }: AudioDataCopyToOptions) {
    const { format: own, channels, frames } = open(this.#slots);
    const format = asked ?? own;
    if (planeIndex >= (isPlanar(format) ? channels : 1)) throw new RangeError('There is no such plane.');
    if (frameOffset >= frames) throw new RangeError('There is no such frame.');
    const count = frameCount ?? frames - frameOffset;
    if (count > frames - frameOffset) throw new RangeError('There are not so many frames.');
    return { format, count: isPlanar(format) ? count : count * channels };
  }

  static {
    slotsOf = (data) => data.#slots;
    defineInterface(this, (o) => #slots in o, shapes.AudioData);
  }
}
