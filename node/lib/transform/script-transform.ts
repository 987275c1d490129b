/** `RTCRtpScriptTransform`, webrtc-encoded-transform §5: hands frames to a worker of `node:worker_threads`. */
import { type TransferListItem, Worker } from 'node:worker_threads';
import { type NativeTransform, native } from '../native.js';
import {
  any,
  arg,
  convertArguments,
  converter,
  defineInterface,
  fail,
  interfaceType,
  object,
  optionalArg,
  sequence,
} from '../webidl/index.js';
import { TRANSFORM } from './worker-scope.js';

const isWorker = (v: unknown): v is Worker => v instanceof Worker;
const WorkerType = converter({ kind: 'interface', typeName: 'Worker', is: isWorker }, (v, context): Worker =>
  isWorker(v) ? v : fail(context, 'is not a Worker'),
);

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
    const [worker, options, transfer] = convertArguments(
      'RTCRtpScriptTransform constructor',
      [arg(WorkerType), optionalArg(any), optionalArg(sequence(object))],
      args,
    );
    this.#native = native.createTransform();
    worker.postMessage({ [TRANSFORM]: this.#native.token, options }, transfer as TransferListItem[] | undefined);
    watch(worker, this.#native);
  }

  static {
    scriptTransform = (transform) => transform.#native;
    defineInterface(this, (o) => #native in o, {}, { constructorLength: 1 });
  }
}
export const RTCRtpScriptTransformType = interfaceType('RTCRtpScriptTransform', () => RTCRtpScriptTransform);
