/** `RTCStatsReport`, webrtc-pc §8.5: a read-only maplike of statistics by id. */
import * as shapes from '../idl/interfaces.js';
import { assertInternal, defineInterface, internal } from '../webidl/index.js';

export interface RTCStats {
  readonly id: string;
  readonly type: string;
  readonly timestamp: number;
}

export class RTCStatsReport {
  readonly #entries: ReadonlyMap<string, RTCStats>;

  constructor(token: typeof internal, stats: Iterable<RTCStats>) {
    assertInternal(token);
    this.#entries = new Map(Array.from(stats, (s) => [s.id, s]));
  }

  get size(): number {
    return this.#entries.size;
  }
  get(id: string): RTCStats | undefined {
    return this.#entries.get(`${id}`);
  }
  has(id: string): boolean {
    return this.#entries.has(`${id}`);
  }
  entries(): IterableIterator<[string, RTCStats]> {
    return this.#entries.entries();
  }
  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }
  values(): IterableIterator<RTCStats> {
    return this.#entries.values();
  }
  forEach(callback: (value: RTCStats, key: string, report: RTCStatsReport) => void, ...[thisArg]: unknown[]): void {
    if (typeof callback !== 'function') throw new TypeError('RTCStatsReport.forEach: argument 1 is not a function.');
    for (const [key, value] of this.#entries) Reflect.apply(callback, thisArg, [value, key, this]);
  }
  declare [Symbol.iterator]: () => IterableIterator<[string, RTCStats]>;

  static {
    defineInterface(this, (o) => #entries in o, shapes.RTCStatsReport, { inspect: (report) => report.#entries });
    // https://webidl.spec.whatwg.org/#js-maplike: enumerable members; @@iterator is `entries`.
    const prototype = this.prototype as object;
    for (const name of ['size', 'get', 'has', 'entries', 'keys', 'values', 'forEach']) {
      Object.defineProperty(prototype, name, { enumerable: true });
    }
    const entries = Object.getOwnPropertyDescriptor(prototype, 'entries');
    Object.defineProperty(prototype, Symbol.iterator, { ...entries, enumerable: false });
  }
}
