/// <reference lib="dom" />
/**
 * `import nonstandard from 'duologue/nonstandard'`: raw pictures and sound in the shapes of `wrtc` and
 * `@roamhq/wrtc`. A new program has `MediaStreamTrackProcessor`, `VideoTrackGenerator` and `MediaStreamTrackGenerator`.
 */

/** A picture, as I420 or RGBA without gaps. */
export interface RTCVideoFrame {
  width: number;
  height: number;
  data: ArrayBufferView | ArrayBuffer;
  /** In degrees, clockwise. Default: 0. */
  rotation?: number;
}

/** Ten milliseconds of sound: the samples of all channels in turn. */
export interface RTCAudioData {
  samples: Int16Array;
  sampleRate: number;
  /** 16, and nothing else. */
  bitsPerSample?: 16;
  /** Default: 1. */
  channelCount?: number;
  /** Of each channel: a hundredth of the rate. */
  numberOfFrames?: number;
}

export interface RTCVideoSourceInit {
  isScreencast?: boolean;
  needsDenoising?: boolean | null;
}

/** Gives its tracks the pictures that it is given, as they come. */
export declare class RTCVideoSource {
  constructor(init?: RTCVideoSourceInit);
  readonly isScreencast: boolean;
  readonly needsDenoising: boolean | null;
  createTrack(): MediaStreamTrack;
  onFrame(frame: RTCVideoFrame): void;
}

export interface RTCVideoFrameEvent extends Event {
  readonly frame: Required<RTCVideoFrame> & { readonly data: Uint8Array };
}

/** Gives the pictures of a track as I420, until it is stopped. */
export declare class RTCVideoSink extends EventTarget {
  constructor(track: MediaStreamTrack);
  readonly stopped: boolean;
  onframe: ((event: RTCVideoFrameEvent) => unknown) | null | undefined;
  stop(): void;
}

/** Gives its tracks the sound that it is given, ten milliseconds at a time. */
export declare class RTCAudioSource {
  createTrack(): MediaStreamTrack;
  onData(data: RTCAudioData): void;
}

export interface RTCAudioDataEvent extends Event, Required<RTCAudioData> {}

/** Gives the sound of a track, until it is stopped. */
export declare class RTCAudioSink extends EventTarget {
  constructor(track: MediaStreamTrack);
  readonly stopped: boolean;
  ondata: ((event: RTCAudioDataEvent) => unknown) | null | undefined;
  stop(): void;
}

/** Writes one picture into the data of the other, which is of the same size. */
export declare function i420ToRgba(i420: RTCVideoFrame, rgba: RTCVideoFrame): void;
export declare function rgbaToI420(rgba: RTCVideoFrame, i420: RTCVideoFrame): void;

declare const nonstandard: {
  RTCVideoSource: typeof RTCVideoSource;
  RTCVideoSink: typeof RTCVideoSink;
  RTCAudioSource: typeof RTCAudioSource;
  RTCAudioSink: typeof RTCAudioSink;
  i420ToRgba: typeof i420ToRgba;
  rgbaToI420: typeof rgbaToI420;
};
export default nonstandard;
