/** What the readers of frames and of packets have in common. */
import type { NativeBatch, NativeReader } from '../binding.js';
import { type End, ends } from './ends.js';

/** How many are taken at a time. */
const BATCH = 64;

interface Waiting<T> {
  readonly limit: number;
  resolve(items: T[]): void;
}

/** Takes batches from the core and gives their items out. */
export class BatchReader<T> implements End {
  readonly #native: NativeReader;
  readonly #items: (batch: NativeBatch) => T[];
  /** Taken and not given out. */
  #taken: T[] = [];
  #next = 0;
  #ended = false;
  readonly #waiting: Waiting<T>[] = [];
  #stream: ReadableStream<T> | null = null;

  constructor(open: (number: number) => NativeReader, items: (batch: NativeBatch) => T[]) {
    this.#native = open(ends.add(this));
    this.#items = items;
  }

  get dropped(): number {
    return this.#native.dropped ?? 0;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  /** What is there already, at most `limit`. */
  tryReceive(limit: number): T[] {
    if (this.#next >= this.#taken.length && !this.#ended) this.#take(Math.min(limit, BATCH));
    if (this.#next === 0 && this.#taken.length <= limit) {
      const all = this.#taken;
      this.#taken = [];
      return all;
    }
    const some = this.#taken.slice(this.#next, this.#next + limit);
    this.#next += some.length;
    return some;
  }

  /** One that is there already. */
  tryNext(): T | undefined {
    if (this.#next >= this.#taken.length && !this.#ended) this.#take(BATCH);
    return this.#taken[this.#next++];
  }

  /** At least one, unless it is the end. */
  receive(limit: number): Promise<T[]> {
    // Who came first is served first.
    const items = this.#waiting.length === 0 ? this.tryReceive(limit) : [];
    if (items.length > 0 || this.#ended) return Promise.resolve(items);
    ends.setAwaited(this, true);
    return new Promise((resolve) => this.#waiting.push({ limit, resolve }));
  }

  changed(): void {
    for (let first; (first = this.#waiting[0]); this.#waiting.shift()) {
      const items = this.tryReceive(first.limit);
      if (items.length === 0 && !this.#ended) return;
      first.resolve(items);
    }
    ends.setAwaited(this, false);
  }

  /** Nothing is taken any more; who waits finds the end. */
  close(): void {
    this.#native.close?.();
    this.#ended = true;
    this.#taken = [];
    this.#next = 0;
    this.changed();
  }

  /** A stream of the items, one at a time; cancelling it closes the reader. */
  get stream(): ReadableStream<T> {
    return (this.#stream ??= new ReadableStream<T>(
      {
        pull: async (controller) => {
          const items = await this.receive(BATCH);
          for (const item of items) controller.enqueue(item);
          if (items.length === 0) controller.close();
        },
        cancel: () => this.close(),
      },
      // The core's queue is the one that counts.
      { highWaterMark: 0 },
    ));
  }

  async *iterate(): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const items = await this.receive(BATCH);
        if (items.length === 0) return;
        yield* items;
      }
    } finally {
      this.close();
    }
  }

  #take(limit: number): void {
    const batch = this.#native.take(limit);
    this.#next = 0;
    this.#taken = batch ? this.#items(batch) : [];
    if (batch?.ended) this.#ended = true;
  }
}
