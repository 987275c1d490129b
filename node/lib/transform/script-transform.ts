/** `RTCRtpScriptTransform`, webrtc-encoded-transform §5. Frames pass through it once media flows. */
import { Worker } from 'node:worker_threads';
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

const isWorker = (v: unknown): v is Worker => v instanceof Worker;
const WorkerType = converter({ kind: 'interface', typeName: 'Worker', is: isWorker }, (v, context): Worker =>
  isWorker(v) ? v : fail(context, 'is not a Worker'),
);

export class RTCRtpScriptTransform {
  readonly #worker: Worker;

  constructor(worker: Worker, options?: unknown, transfer?: object[]);
  constructor(...args: unknown[]) {
    [this.#worker] = convertArguments(
      'RTCRtpScriptTransform constructor',
      [arg(WorkerType), optionalArg(any), optionalArg(sequence(object))],
      args,
    );
  }

  static {
    defineInterface(this, (o) => #worker in o, {}, { constructorLength: 1 });
  }
}
export const RTCRtpScriptTransformType = interfaceType('RTCRtpScriptTransform', () => RTCRtpScriptTransform);
