/** Wakes the connections of this JavaScript thread for which the core has something. */
import { type NativeHub, native } from '../native.js';

interface Wakeable {
  wake(): void;
}

class Hub {
  readonly native: NativeHub = new native.Hub(() => this.#wake());
  /** Weak: a connection that nobody uses and that has no transport is collected. */
  readonly #connections = new Map<number, WeakRef<Wakeable>>();
  readonly #collected = new FinalizationRegistry<number>((number) => this.#connections.delete(number));
  #last = 0;

  /** The number by which the core names the connection. */
  add(connection: Wakeable): number {
    // Numbers are 32 bits wide; nobody has so many connections at a time.
    do this.#last = (this.#last + 1) >>> 0;
    while (this.#connections.has(this.#last));
    this.#connections.set(this.#last, new WeakRef(connection));
    this.#collected.register(connection, this.#last);
    return this.#last;
  }

  #wake(): void {
    for (const number of this.native.takeReady()) this.#connections.get(number)?.deref()?.wake();
  }
}

export const hub = new Hub();
