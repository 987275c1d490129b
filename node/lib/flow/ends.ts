/** The readers, writers and transformers of this JavaScript thread, which the core wakes together. */
import { type NativeMediaHub, native } from '../binding.js';
import { reportException } from '../errors.js';

/** One of them. */
export interface End {
  /** Something has come, or there is room, or it is over. */
  changed(): void;
}

class Ends {
  readonly hub: NativeMediaHub = new native.MediaHub(() => this.#wake());
  /** Weak: an end that nobody uses and nobody waits for is collected. */
  readonly #ends = new Map<number, WeakRef<End>>();
  readonly #collected = new FinalizationRegistry<number>((number) => this.#ends.delete(number));
  readonly #awaited = new Set<End>();
  #lastNumber = 0;

  /** The number by which the core names it. */
  add(end: End): number {
    // Numbers are 32 bits wide; nobody has so many ends at a time.
    do this.#lastNumber = (this.#lastNumber + 1) >>> 0;
    while (this.#ends.has(this.#lastNumber));
    this.#ends.set(this.#lastNumber, new WeakRef(end));
    this.#collected.register(end, this.#lastNumber);
    return this.#lastNumber;
  }

  /** Somebody waits for it, who may hold nothing but a promise. */
  setAwaited(end: End, awaited: boolean): void {
    if (awaited) this.#awaited.add(end);
    else this.#awaited.delete(end);
  }

  #wake(): void {
    for (const number of this.hub.takeReady()) {
      try {
        this.#ends.get(number)?.deref()?.changed();
      } catch (error) {
        // The others are woken all the same.
        reportException(error);
      }
    }
  }
}

export const ends = new Ends();
