/** Frames that the core has: of what is decoded, and of devices. */
import type { NativeAudioReader, NativeVideoReader } from '../binding.js';
import { type End, ends } from '../flow/ends.js';
import { soundOf } from './audio-data.js';
import { type Frame, type Sink, deliver } from './frames.js';
import { frameOf } from './video-frame.js';

/** Opens what is to be read, by the number that the hub has for who reads; none where nothing can come. */
export type OpenReader = (number: number) => NativeVideoReader | NativeAudioReader | null | undefined;

/** Reads while there is somebody to give it to. */
export class SharedReader {
  readonly #open: OpenReader;
  readonly #sinks = new Set<Sink>();
  #reader: Reader | null = null;
  #idle = false;

  constructor(open: OpenReader) {
    this.#open = open;
  }

  get isRead(): boolean {
    return this.#sinks.size > 0;
  }

  attach(sink: Sink): () => void {
    this.#sinks.add(sink);
    this.#update();
    return () => {
      this.#sinks.delete(sink);
      this.#update();
    };
  }

  /** Whether the core reads it while nobody looks: what it has then is dropped. */
  setIdle(idle: boolean): void {
    this.#idle = idle;
    this.#update();
  }

  #update(): void {
    if (!this.isRead && !this.#idle) {
      this.#reader?.close();
      this.#reader = null;
      return;
    }
    this.#reader ??= new Reader(this.#open, (frame) => deliver(frame, [...this.#sinks]));
    this.#reader.setActive(this.isRead);
  }
}

class Reader implements End {
  readonly #native: NativeVideoReader | NativeAudioReader | null | undefined;
  readonly #give: (frame: Frame) => void;
  #active = false;

  constructor(open: OpenReader, give: (frame: Frame) => void) {
    this.#give = give;
    this.#native = open(ends.add(this));
  }

  /** While it is not, it asks for nothing, and so is told of nothing. */
  setActive(active: boolean): void {
    if (this.#active === active || !this.#native) return;
    this.#active = active;
    ends.setAwaited(this, active);
    if (!active) return;
    // What is there is old.
    while (this.#native.take());
    queueMicrotask(() => this.changed());
  }

  changed(): void {
    if (!this.#active) return;
    for (let item; (item = this.#native?.take()); ) {
      this.#give('samples' in item ? soundOf(item.samples, item.sampleRate, item.channels, item.timestamp) : frameOf(item));
    }
    if (this.#native?.ended) ends.setAwaited(this, false);
  }

  close(): void {
    this.#active = false;
    this.#native?.close();
    ends.setAwaited(this, false);
  }
}
