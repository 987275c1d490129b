/**
 * What webrtc-encoded-transform §5 adds to a worker's global scope. Node's has no events, so they are
 * fired here; `duologue/polyfill` makes `onrtctransform` a global name.
 */
import { type MessagePort, isMainThread, parentPort } from 'node:worker_threads';
import * as shapes from '../idl/interfaces.js';
import { takeMessages } from '../ports.js';
import { defineInterface, type EventHandler, internal } from '../webidl/index.js';
import { RTCRtpScriptTransformer, RTCTransformEvent } from './transformer.js';

/** What `new RTCRtpScriptTransform()` posts to the worker. */
export interface TransformMessage {
  /** What the core calls the transform. */
  readonly [TRANSFORM]: number;
  readonly options: unknown;
}
export const TRANSFORM = 'duologue:transform';

/** Transforms that wait for somebody to listen; what passes older ones goes nowhere. */
const MAX_WAITING_TRANSFORMS = 256;

const isTransformMessage = (data: unknown): data is TransformMessage =>
  typeof data === 'object' && data !== null && TRANSFORM in data;

export class WorkerScope extends EventTarget {
  /** Those of which something can come. */
  readonly #transformers = new Set<RTCRtpScriptTransformer>();
  /** What came before somebody listened. */
  #waiting: TransformMessage[] | null = [];
  #listens = false;
  declare onrtctransform: EventHandler<WorkerScope, RTCTransformEvent>;

  constructor(port: MessagePort) {
    super();
    takeMessages((at, message) => {
      if (at !== port || !isTransformMessage(message)) return false;
      if (this.#waiting) this.#keep(this.#waiting, message);
      else this.#receive(message);
      return true;
    });
  }

  #keep(waiting: TransformMessage[], message: TransformMessage): void {
    waiting.push(message);
    const oldest = waiting.length > MAX_WAITING_TRANSFORMS ? waiting.shift() : undefined;
    // Who sends through it is not held up.
    if (oldest) void new RTCRtpScriptTransformer(internal, oldest[TRANSFORM], oldest.options).readable.cancel();
  }

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    super.addEventListener(...args);
    if (args[0] === 'rtctransform' && !this.#listens) this.#listen();
  }

  #listen(): void {
    this.#listens = true;
    // A listener opens the port, and keeps the worker alive, whatever others come and go.
    (parentPort as unknown as EventTarget).addEventListener('message', () => {});
    queueMicrotask(() => {
      const waiting = this.#waiting ?? [];
      this.#waiting = null;
      for (const message of waiting) this.#receive(message);
    });
  }

  #receive({ [TRANSFORM]: transform, options }: TransformMessage): void {
    const transformer: RTCRtpScriptTransformer = new RTCRtpScriptTransformer(internal, transform, options, () => {
      this.#transformers.delete(transformer);
    });
    this.#transformers.add(transformer);
    this.dispatchEvent(new RTCTransformEvent(internal, transformer));
  }

  static {
    defineInterface(this, (o) => #transformers in o, { ...shapes.DedicatedWorkerGlobalScope, name: 'WorkerScope' });
  }
}

/** In a worker's thread only. */
export const workerScope: WorkerScope | null = isMainThread || !parentPort ? null : new WorkerScope(parentPort);
