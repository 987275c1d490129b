/**
 * Runs the core's tasks and performs their effects, each followed by a microtask checkpoint.
 *
 * Node makes such a checkpoint between any two callbacks of `setImmediate`, and runs those that are
 * queued together one directly after the other. So a task's effects are one immediate each, and
 * neither a timer nor a socket comes between two of them.
 */
export interface PumpHost<Effect> {
  /** The next effect; runs tasks until there is one. Null when there is none. */
  next(): Effect | null;
  /** How many effects are known to follow it. */
  readonly left: number;
  perform(effect: Effect): void;
}

export class Pump<Effect> {
  readonly #host: PumpHost<Effect>;
  #scheduled = 0;

  constructor(host: PumpHost<Effect>) {
    this.#host = host;
  }

  /** There may be something to do: looks for it in a task of its own. */
  request(): void {
    this.#schedule(1);
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
    const effect = this.#host.next();
    if (effect === null) return;
    // One for each effect that follows, and one to look for more.
    this.#schedule(this.#host.left + 1);
    this.#host.perform(effect);
  }
}
