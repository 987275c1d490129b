/**
 * Runs the core's tasks and performs their effects, each followed by a microtask checkpoint.
 *
 * Node makes such a checkpoint between any two callbacks of `setImmediate`, and runs those that are
 * queued together one directly after the other. So a task's effects are one immediate each, and
 * neither a timer nor a socket comes between two of them.
 */
export interface PumpHost<Effect> {
  /** The effects of the oldest task, which it runs; null when there is none. */
  runTask(): readonly Effect[] | null;
  perform(effect: Effect): void;
}

export class Pump<Effect> {
  readonly #host: PumpHost<Effect>;
  #effects: readonly Effect[] = [];
  #next = 0;
  #scheduled = 0;

  constructor(host: PumpHost<Effect>) {
    this.#host = host;
  }

  /** There may be a task: looks for it in a task of its own. */
  request(): void {
    this.#schedule(1);
  }

  /** The same, called from the event loop with nothing on the stack. */
  wake(): void {
    if (this.#scheduled === 0) this.#advance();
  }

  /** Forgets the effects that are left. */
  clear(): void {
    this.#effects = [];
    this.#next = 0;
  }

  readonly #step = (): void => {
    this.#scheduled--;
    this.#advance();
  };

  /** Makes sure that this many steps are to come. */
  #schedule(steps: number): void {
    for (; this.#scheduled < steps; this.#scheduled++) setImmediate(this.#step);
  }

  #advance(): void {
    while (this.#next === this.#effects.length) {
      const effects = this.#host.runTask();
      if (!effects) return;
      this.#effects = effects;
      this.#next = 0;
    }
    const effect = this.#effects[this.#next++] as Effect;
    // One for each effect that is left, and one for the next task.
    this.#schedule(this.#effects.length - this.#next + 1);
    this.#host.perform(effect);
  }
}
