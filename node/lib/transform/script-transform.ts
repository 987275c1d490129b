/** `RTCRtpScriptTransform`, webrtc-encoded-transform §5: hands frames to a worker of `node:worker_threads`. */
import type { TransferListItem, Worker } from 'node:worker_threads';
import { type NativeTransform, native } from '../binding.js';
import * as shapes from '../idl/interfaces.js';
import { constructorArguments, defineInterface } from '../webidl/index.js';
import { TRANSFORM } from './worker-scope.js';

/** Transforms of workers that live: weak, for a worker may have many in its life. */
const transformsOf = new WeakMap<Worker, Set<WeakRef<NativeTransform>>>();
const collected = new FinalizationRegistry<() => void>((forget) => forget());

/** When the worker ends nothing passes its transforms any more. */
function watch(worker: Worker, transform: NativeTransform): void {
  const transforms = transformsOf.get(worker) ?? new Set();
  if (!transformsOf.has(worker)) {
    transformsOf.set(worker, transforms);
    worker.once('exit', () => {
      for (const each of transforms) each.deref()?.abandon();
      transforms.clear();
    });
  }
  const reference = new WeakRef(transform);
  transforms.add(reference);
  collected.register(transform, () => transforms.delete(reference));
}

export let scriptTransform: (transform: RTCRtpScriptTransform) => NativeTransform;

export class RTCRtpScriptTransform {
  readonly #native: NativeTransform;

  constructor(worker: Worker, options?: unknown, transfer?: object[]);
  constructor(...args: unknown[]) {
    const [worker, options, transfer] = constructorArguments(shapes.RTCRtpScriptTransform, args);
    this.#native = native.createTransform(true);
    worker.postMessage({ [TRANSFORM]: this.#native.token, options }, transfer as TransferListItem[] | undefined);
    watch(worker, this.#native);
  }

  static {
    scriptTransform = (transform) => transform.#native;
    defineInterface(this, (o) => #native in o, shapes.RTCRtpScriptTransform);
  }
}
