/**
 * What webrtc-encoded-transform §5 adds to a worker's global scope. Node's has no events, so they are
 * fired here; `duologue/polyfill` makes `onrtctransform` a global name.
 */
import { isMainThread, parentPort } from 'node:worker_threads';
import * as shapes from '../idl/interfaces.js';
import { defineInterface, type EventHandler, internal } from '../webidl/index.js';
import { RTCRtpScriptTransformer, RTCTransformEvent } from './transformer.js';

/** What `new RTCRtpScriptTransform()` posts to the worker. */
export interface TransformMessage {
  /** What the core calls the transform. */
  readonly [TRANSFORM]: number;
  readonly options: unknown;
}
export const TRANSFORM = 'duologue:transform';

const isTransformMessage = (data: unknown): data is TransformMessage =>
  typeof data === 'object' && data !== null && TRANSFORM in data;

export class WorkerScope extends EventTarget {
  readonly #transformers = new Set<RTCRtpScriptTransformer>();
  #listens = false;
  declare onrtctransform: EventHandler<WorkerScope, RTCTransformEvent>;

  constructor() {
    super();
  }

  /** What comes before somebody listens waits in the port. */
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    super.addEventListener(...args);
    if (args[0] === 'rtctransform' && !this.#listens) this.#listen();
  }

  #listen(): void {
    this.#listens = true;
    const port = parentPort as unknown as EventTarget;
    port.addEventListener('message', (event) => {
      const { data } = event as MessageEvent;
      if (!isTransformMessage(data)) return;
      // The message is none of the program's.
      event.stopImmediatePropagation();
      const transformer = new RTCRtpScriptTransformer(internal, data[TRANSFORM], data.options);
      this.#transformers.add(transformer);
      this.dispatchEvent(new RTCTransformEvent(internal, transformer));
    });
  }

  static {
    defineInterface(this, (o) => #transformers in o, { ...shapes.DedicatedWorkerGlobalScope, name: 'WorkerScope' });
  }
}

/** In a worker's thread only. */
export const workerScope: WorkerScope | null = isMainThread || !parentPort ? null : new WorkerScope();
