/** What the writers of frames and of packets have in common. */
import type { NativeWriter } from '../binding.js';
import type { NativeDetails } from '../native.js';
import { COLUMNS, DETAILS } from './columns.js';
import { type End, ends } from './ends.js';

/** How many are handed over at a time. */
const BATCH = 64;

/** One item as the core takes it. */
export interface Outgoing {
  /** Fills a row whose columns are all unknown. */
  fill(fields: Float64Array, at: number): void;
  readonly bytes: Uint8Array;
  readonly details?: NativeDetails | undefined;
}

/** Hands items to the core, a batch at a time. */
export class BatchWriter implements End {
  readonly native: NativeWriter;
  #waiting: { resolve(): void; reject(error: Error): void }[] = [];
  readonly #onChange: () => void;

  /** `onChange`: what else the core may tell the writer. */
  constructor(open: (number: number) => NativeWriter, onChange: () => void = () => {}) {
    this.native = open(ends.add(this));
    this.#onChange = onChange;
  }

  get queued(): number {
    return this.native.queued ?? 0;
  }

  /** Hands over as many as there is room for, from the front; tells how many. */
  send<T>(items: readonly T[], convert: (item: T) => Outgoing): number {
    let sent = 0;
    while (sent < items.length && this.#hasRoom()) {
      const batch = items.slice(sent, sent + BATCH).map(convert);
      const fields = new Float64Array(batch.length * COLUMNS).fill(-1);
      const details: NativeDetails[] = [];
      for (const [i, item] of batch.entries()) {
        item.fill(fields, i * COLUMNS);
        fields[i * COLUMNS + DETAILS] = item.details ? details.push(item.details) - 1 : -1;
      }
      const bytes = batch.map((item) => item.bytes);
      const count = this.#checked(this.native.send(fields, bytes, details.length ? details : undefined));
      sent += count;
      if (count < batch.length) break;
    }
    return sent;
  }

  /** Waits until there is room. */
  async ready(): Promise<void> {
    while (!this.#hasRoom()) {
      ends.setAwaited(this, true);
      await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
  }

  async sendAll<T>(items: readonly T[], convert: (item: T) => Outgoing): Promise<void> {
    for (let sent = 0; sent < items.length; ) {
      sent += this.send(sent === 0 ? items : items.slice(sent), convert);
      if (sent < items.length) await this.ready();
    }
  }

  changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    ends.setAwaited(this, false);
    for (const { resolve } of waiting) resolve();
    this.#onChange();
  }

  #hasRoom(): boolean {
    return this.#checked(this.native.room()) === 1;
  }

  #checked(answer: number): number {
    if (answer >= 0) return answer;
    throw new DOMException('The transceiver is stopped or the connection closed', 'InvalidStateError');
  }
}
