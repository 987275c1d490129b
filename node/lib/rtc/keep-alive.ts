/** Objects that must neither be collected nor let the process end. */
export class KeepAlive {
  readonly #objects = new Set<object>();
  #timer: NodeJS.Timeout | null = null;

  add(object: object): void {
    this.#objects.add(object);
    // The longest interval there is: only its being there counts.
    this.#timer ??= setInterval(() => {}, 2 ** 31 - 1);
  }

  delete(object: object): void {
    this.#objects.delete(object);
    if (this.#objects.size > 0 || !this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
