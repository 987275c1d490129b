/** Media from the remote end. */
import { type NativeAudioReader, type NativeVideoReader } from '../binding.js';
import { type End, ends } from '../flow/ends.js';
import { soundOf } from './audio-data.js';
import type { Capabilities, Settings } from './constraint-types.js';
import type { Selection } from './constraints.js';
import { type Frame, type Sink, deliver } from './frames.js';
import type { Kind, Source } from './source.js';
import { frameOf } from './video-frame.js';

/** Opens what decodes; none where nothing can come any more. */
export type OpenReader = (number: number) => NativeVideoReader | NativeAudioReader | null;

/** Nothing about it can be constrained. It is decoded while somebody looks. */
export class RemoteSource implements Source {
  readonly label: string;
  readonly capabilities: Capabilities = {};
  readonly defaults: Settings = {};
  readonly #sinks = new Set<Sink>();
  #reader: Reader | null = null;

  constructor(
    readonly kind: Kind,
    private readonly open: OpenReader,
  ) {
    this.label = `remote ${kind}`;
  }

  select(): Selection {
    return { settings: {} };
  }

  attach(sink: Sink): () => void {
    this.#sinks.add(sink);
    this.#reader ??= new Reader(this.open, (frame) => deliver(frame, [...this.#sinks]));
    return () => {
      if (!this.#sinks.delete(sink) || this.#sinks.size > 0) return;
      this.#reader?.close();
      this.#reader = null;
    };
  }
}

/** What reads the decoder. */
class Reader implements End {
  readonly #native: NativeVideoReader | NativeAudioReader | null;
  readonly #deliver: (frame: Frame) => void;

  constructor(open: OpenReader, give: (frame: Frame) => void) {
    this.#deliver = give;
    this.#native = open(ends.add(this));
    if (this.#native) ends.setAwaited(this, true);
    // From here on it is told of what comes.
    queueMicrotask(() => this.changed());
  }

  changed(): void {
    const { isDone } = this;
    for (let item; !isDone() && (item = this.#native?.take()); ) {
      this.#deliver('samples' in item ? soundOf(item.samples, item.sampleRate, item.channels, item.timestamp) : frameOf(item));
    }
    if (this.isDone()) ends.setAwaited(this, false);
  }

  close(): void {
    this.#native?.close();
    ends.setAwaited(this, false);
  }

  readonly isDone = (): boolean => this.#native?.ended ?? true;
}
