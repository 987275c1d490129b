/** What a sender makes of its track: raw frames, which the core encodes. */
import { type AudioData, interleaved } from '../media/audio-data.js';
import { type Frame, attachSink, now } from '../media/frames.js';
import type { MediaStreamTrack } from '../media/track.js';
import { type VideoFrame, isVideoFrame, withPicture } from '../media/video-frame.js';
import type { NativeAudioWriter, NativeVideoWriter } from '../binding.js';
import type { Connection } from './connection.js';
import type { SenderSlots } from './rtp-sender.js';

/**
 * A source whose clock is so far behind ours has begun anew, or paused; one that is so far ahead, too. Sound may be
 * written before it is due. Microseconds.
 */
const BEHIND = 500_000;
const AHEAD = 5_000_000;

/** Attached to the track of a sender while that sends and the application encodes nothing itself. */
export class TrackEncoder {
  readonly #connection: Connection;
  readonly #slots: SenderSlots;
  #track: MediaStreamTrack | null = null;
  #detach: () => void = () => {};
  #video: NativeVideoWriter | null = null;
  #audio: NativeAudioWriter | null = null;
  readonly #pause = new Pause((samples, sampleRate, channels, timestamp) => this.#audio?.write(samples, sampleRate, channels, timestamp));
  /** Whether what they write is for one peer alone, and shown to no transform of the program. */
  #isIsolated = false;
  /** From the clock of the source to that of what is sent. */
  #offset: number | null = null;
  #last = 0;
  /** What the encoder was told of the track. */
  #hint = '';

  constructor(connection: Connection, slots: SenderSlots) {
    this.#connection = connection;
    this.#slots = slots;
  }

  /** Looks again at what is to be sent. */
  update(sends: boolean): void {
    const { track, frames, packets, transport } = this.#slots;
    const connected = transport?.state === 'connected' && !this.#connection.isClosed;
    const wanted = sends && connected && !frames && !packets ? track : null;
    if (wanted === this.#track) return;
    this.#detach();
    this.#detach = () => {};
    this.#track = wanted;
    this.#offset = null;
    const send = (frame: Frame, isIsolated = false): void => this.#send(frame, isIsolated);
    if (wanted) this.#detach = attachSink(wanted, send, () => this.#mayTransmit());
    else this.#close();
  }

  /** webrtc-identity §9: of a track that is for one peer alone. A transform would show it to the program. */
  #mayTransmit(): boolean {
    const { id, nativeTransform } = this.#slots;
    return !nativeTransform?.shows && !this.#connection.isClosed && this.#connection.native.mayTransmit(id);
  }

  #close(): void {
    this.#pause.end();
    this.#video?.close();
    this.#audio?.close();
    this.#video = this.#audio = null;
    this.#hint = '';
  }

  #send(frame: Frame, isIsolated: boolean): void {
    // What is still being encoded of the one is not taken for the other.
    if (isIsolated !== this.#isIsolated) this.#close();
    this.#isIsolated = isIsolated;
    const timestamp = this.#time(frame.timestamp);
    const { native } = this.#connection;
    const { id } = this.#slots;
    const goes = isVideoFrame(frame)
      ? this.#show((this.#video ??= native.writeVideo(id, isIsolated)), frame, timestamp)
      : this.#say((this.#audio ??= native.writeAudio(id, isIsolated)), frame, timestamp);
    if (!goes) this.update(false);
  }

  #show(to: NativeVideoWriter, frame: VideoFrame, timestamp: number): boolean {
    const hint = this.#track?.contentHint ?? '';
    if (hint !== this.#hint) to.setContentHint((this.#hint = hint));
    return withPicture(frame, (picture) => to.write(picture, timestamp));
  }

  #say(to: NativeAudioWriter, data: AudioData, timestamp: number): boolean {
    this.#pause.expect(data, timestamp);
    return to.write(interleaved(data), data.sampleRate, data.numberOfChannels, timestamp);
  }

  /** What is sent has one clock that rises, whichever sources there were. */
  #time(timestamp: number): number {
    const here = now();
    // Silence that stood in for the source lasts until here.
    const last = Math.max(this.#last, this.#pause.until);
    let time = timestamp + (this.#offset ?? here - timestamp);
    if (this.#offset === null || time <= last || time < here - BEHIND || time > here + AHEAD) {
      time = Math.max(here, last + 1);
      this.#offset = time - timestamp;
    }
    this.#last = time;
    return time;
  }
}

/**
 * Silence behind sound that stops: without it the other end, which cannot know that nothing follows, plays on what it
 * heard last, ever more softly.
 */
class Pause {
  /** When the silence that was written ends. */
  until = 0;
  readonly #write: (...sound: Parameters<NativeAudioWriter['write']>) => unknown;
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (...sound: Parameters<NativeAudioWriter['write']>) => unknown) {
    this.#write = write;
  }

  /** After this more is to come. */
  expect({ sampleRate, numberOfChannels, duration }: AudioData, timestamp: number): void {
    this.end();
    const end = timestamp + duration;
    let left = PIECES;
    const next = (at: number, wait: number): void => {
      if (left-- === 0) return;
      this.#timer = setTimeout(() => {
        this.#write(new Float32Array(Math.floor(sampleRate / 50) * numberOfChannels), sampleRate, numberOfChannels, at);
        this.until = at + PIECE;
        next(this.until, PIECE);
      }, wait / 1000);
      this.#timer.unref();
    };
    next(end, Math.max(0, end - now()) + LATE);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Of silence: how long a piece is, how many there are, and how late sound may be. Microseconds. */
const PIECE = 20_000;
const PIECES = 10;
const LATE = 60_000;
