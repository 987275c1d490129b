/**
 * The task queue of this JavaScript thread: runs the connections' tasks in the order in which what
 * they are about happened, and performs their effects, each followed by a microtask checkpoint.
 *
 * Node makes such a checkpoint between any two callbacks of `setImmediate`, and runs those that are
 * queued together one directly after the other. So a task's effects are one immediate each, and
 * neither a timer nor a socket comes between two of them.
 */
import { type AnyEffect, type NativeHub, native } from '../binding.js';

/** What runs tasks: a connection. */
export interface TaskSource {
  /** Makes tasks of this many reports of the session. */
  receive(reports: number): void;
  /** The next effect; runs tasks until there is one. Null when there is none. */
  next(): AnyEffect | null;
  perform(effect: AnyEffect): void;
  /** Effects that are known to follow the last one. */
  readonly effectsLeft: number;
  /** Tasks that wait, as of the last `receive` or `next`. */
  readonly tasksLeft: number;
}

interface Entry {
  readonly source: TaskSource;
  /** Reports that are to be received first. */
  reports: number;
  /** How many tasks to run before the next entry has its turn; known once they are received. */
  tasks: number | null;
}

class TaskQueue {
  readonly hub: NativeHub = new native.Hub(() => this.#wake());
  /** Weak: a connection that nobody uses and that has no transport is collected. */
  readonly #sources = new Map<number, WeakRef<TaskSource>>();
  readonly #collected = new FinalizationRegistry<number>((number) => this.#sources.delete(number));
  #lastNumber = 0;
  #entries: Entry[] = [];
  #first = 0;
  #scheduled = 0;

  /** The number by which the core names the source. */
  add(source: TaskSource): number {
    // Numbers are 32 bits wide; nobody has so many connections at a time.
    do this.#lastNumber = (this.#lastNumber + 1) >>> 0;
    while (this.#sources.has(this.#lastNumber));
    this.#sources.set(this.#lastNumber, new WeakRef(source));
    this.#collected.register(source, this.#lastNumber);
    return this.#lastNumber;
  }

  /** The source may have queued a task. */
  post(source: TaskSource): void {
    const last = this.#entries.at(-1);
    if (!(last?.source === source && last.tasks === null)) this.#push(source, 0);
    this.#schedule(1);
  }

  /** A source that did not receive this many reports does now. */
  resume(source: TaskSource, reports: number): void {
    this.#push(source, reports);
    this.#schedule(1);
  }

  /** The core has reports: their order is that of what happened, whichever connection it was. */
  #wake(): void {
    const [numbers, counts] = this.hub.takeReady();
    for (const [i, number] of numbers.entries()) {
      const source = this.#sources.get(number)?.deref();
      if (source) this.#push(source, counts[i] ?? 0);
    }
    this.#schedule(1);
  }

  #push(source: TaskSource, reports: number): void {
    this.#entries.push({ source, reports, tasks: null });
  }

  readonly #step = (): void => {
    this.#scheduled--;
    for (let entry; (entry = this.#entries[this.#first]); this.#drop()) {
      const effect = this.#next(entry);
      if (!effect) continue;
      // Scheduled before it is performed, so that the next one comes directly after it.
      this.#schedule(entry.source.effectsLeft + 1);
      entry.source.perform(effect);
      return;
    }
  };

  #next(entry: Entry): AnyEffect | null {
    const { source } = entry;
    if (entry.tasks === null) {
      source.receive(entry.reports);
      entry.tasks = source.tasksLeft;
    }
    if (source.effectsLeft === 0 && entry.tasks <= 0) {
      // What came meanwhile waits for its turn.
      if (source.tasksLeft > 0) this.#push(source, 0);
      return null;
    }
    const before = source.tasksLeft;
    const effect = source.next();
    entry.tasks -= Math.max(0, before - source.tasksLeft);
    return effect;
  }

  #drop(): void {
    this.#first++;
    if (this.#first < 64 && this.#first < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }

  /** Makes sure that this many steps are to come. */
  #schedule(steps: number): void {
    for (; this.#scheduled < steps; this.#scheduled++) setImmediate(this.#step);
  }
}

export const taskQueue = new TaskQueue();
