/** `RTCRtpScriptTransform`, webrtc-encoded-transform §5: hands frames to a worker of `node:worker_threads`. */
import type { TransferListItem, Worker } from 'node:worker_threads';
import { type NativeTransform, native } from '../binding.js';
import * as shapes from '../idl/interfaces.js';
import { constructorArguments, defineInterface } from '../webidl/index.js';
import { TRANSFORM } from './worker-scope.js';

/** Transforms of workers that live. */
const transformsOf = new WeakMap<Worker, Set<NativeTransform>>();

/** When the worker ends nothing passes its transforms any more. */
function watch(worker: Worker, transform: NativeTransform): void {
  const known = transformsOf.get(worker);
  if (known) {
    known.add(transform);
    return;
  }
  const transforms = new Set([transform]);
  transformsOf.set(worker, transforms);
  worker.once('exit', () => {
    for (const each of transforms) each.abandon();
    transforms.clear();
  });
}

export let scriptTransform: (transform: RTCRtpScriptTransform) => NativeTransform;

export class RTCRtpScriptTransform {
  readonly #native: NativeTransform;

  constructor(worker: Worker, options?: unknown, transfer?: object[]);
  constructor(...args: unknown[]) {
    const [worker, options, transfer] = constructorArguments(shapes.RTCRtpScriptTransform, args);
    this.#native = native.createTransform();
    worker.postMessage({ [TRANSFORM]: this.#native.token, options }, transfer as TransferListItem[] | undefined);
    watch(worker, this.#native);
  }

  static {
    scriptTransform = (transform) => transform.#native;
    defineInterface(this, (o) => #native in o, shapes.RTCRtpScriptTransform);
  }
}
