/** Frames inside the process: from sources to whoever looks at a track. */
import type { Settings } from './constraint-types.js';
import { type MediaStreamTrack, trackSlots, whenTrackEnds } from './track.js';

export interface VideoFrame {
  readonly width: number;
  readonly height: number;
  /** Four bytes a pixel. */
  readonly rgba: Uint8ClampedArray;
}

export interface AudioFrame {
  /** Interleaved. */
  readonly samples: Int16Array;
  readonly sampleRate: number;
  readonly channels: number;
}

export type Frame = VideoFrame | AudioFrame;
export type Sink = (frame: Frame) => void;

/** What a disabled track gives instead, mediacapture-streams §4.3.1: blackness or silence. */
function muted(frame: Frame): Frame {
  if ('samples' in frame) return { ...frame, samples: new Int16Array(frame.samples.length) };
  const rgba = new Uint8ClampedArray(frame.rgba.length);
  for (let alpha = 3; alpha < rgba.length; alpha += 4) rgba[alpha] = 255;
  return { ...frame, rgba };
}

/** Gives the track's frames to `sink` until it ends, or until the returned function is called. */
export function attachSink(track: MediaStreamTrack, sink: Sink): () => void {
  const slots = trackSlots(track);
  if (slots.ended) return () => {};
  const deliver = (frame: Frame): void => sink(slots.enabled ? frame : muted(frame));
  const detach = slots.source.attach(deliver, () => slots.settings);
  whenTrackEnds(track, detach);
  return detach;
}

/** Calls `make` at the frame rate of the settings. It does not keep the process alive. */
export function everyFrame(settings: () => Settings, make: () => void): () => void {
  let timer: NodeJS.Timeout;
  const next = (): void => {
    timer = setTimeout(() => {
      make();
      next();
    }, 1000 / Number(settings().frameRate ?? 30));
    timer.unref();
  };
  next();
  return () => clearTimeout(timer);
}

/** A test picture: a bar that moves over a background. */
export function testPicture(width: number, height: number, index: number): VideoFrame {
  const pixels = new Uint32Array(width * height).fill(0xff_60_90_20);
  const bar = Math.max(1, width >> 3);
  const left = (index * bar) % width;
  for (let row = 0; row < height; row++) {
    pixels.fill(0xff_f0_f0_f0, row * width + left, row * width + Math.min(width, left + bar));
  }
  return { width, height, rgba: new Uint8ClampedArray(pixels.buffer) };
}

/** Ten milliseconds of a tone, `index` periods of ten milliseconds after it began. */
export function testTone(sampleRate: number, channels: number, index: number): AudioFrame {
  const FREQUENCY = 440;
  const AMPLITUDE = 8000;
  const count = sampleRate / 100;
  const samples = new Int16Array(count * channels);
  for (let i = 0; i < count; i++) {
    const at = (index * count + i) / sampleRate;
    samples.fill(AMPLITUDE * Math.sin(2 * Math.PI * FREQUENCY * at), i * channels, (i + 1) * channels);
  }
  return { samples, sampleRate, channels };
}
