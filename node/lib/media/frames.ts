/** Frames inside the process: from sources to whoever looks at a track. */
import { native } from '../binding.js';
import { reportException } from '../errors.js';
import { type AudioData, soundOf } from './audio-data.js';
import { type VideoFrame, frameOf, isVideoFrame } from './video-frame.js';
import { type MediaStreamTrack, trackSlots, whenTrackEnds } from './track.js';

export type Frame = VideoFrame | AudioData;

/** Sees a frame, which may be what is for one peer alone; who keeps it clones it, for the source closes it. */
export type Sink = (frame: Frame, isIsolated?: boolean) => void;

/** What a disabled track gives instead, mediacapture-streams §4.3.1, and one that may not be seen: blackness or silence. */
function muted(frame: Frame): Frame {
  if (!isVideoFrame(frame)) {
    const { sampleRate, numberOfChannels, numberOfFrames, timestamp } = frame;
    return soundOf(new Float32Array(numberOfFrames * numberOfChannels), sampleRate, numberOfChannels, timestamp);
  }
  const { width, height } = frame.visibleRect as { width: number; height: number };
  return frameOf(native.blackPicture(width, height), frame.timestamp);
}

/**
 * Gives the track's frames to `sink` until it ends, or until the returned function is called. Of an isolated one only
 * `mayPass` lets the content through.
 */
export function attachSink(track: MediaStreamTrack, sink: Sink, mayPass: () => boolean = () => false): () => void {
  const slots = trackSlots(track);
  if (slots.ended) return () => {};
  const deliver = (frame: Frame): void => {
    if (slots.enabled && (!slots.isolated || mayPass())) return sink(frame, slots.isolated);
    const instead = muted(frame);
    sink(instead);
    instead.close();
  };
  const detach = slots.source.attach(deliver);
  const forget = whenTrackEnds(track, detach);
  return () => {
    forget();
    detach();
  };
}

/** Gives a frame to all of these; who throws is told of as if it were alone. */
export function deliver(frame: Frame, sinks: Iterable<Sink>): void {
  for (const sink of sinks) {
    try {
      sink(frame);
    } catch (error) {
      reportException(error);
    }
  }
  frame.close();
}

/** Now, on the clock that frames of sources here are of: microseconds. */
export const now = (): number => Math.round(performance.now() * 1000);
