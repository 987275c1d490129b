/** Interfaces that Node has. */
import { Worker } from 'node:worker_threads';
import { type Converter, converter, fail } from './convert.js';

function platformType<T>(typeName: string, is: (v: unknown) => v is T): Converter<T> {
  return converter({ kind: 'interface', typeName, is }, (v, context) =>
    is(v) ? v : fail(context, `is not a ${typeName}`),
  );
}

export const isBlob = (v: unknown): v is Blob => v instanceof Blob;
export const BlobType = platformType('Blob', isBlob);
export const CryptoKeyType = platformType('CryptoKey', (v): v is CryptoKey => v instanceof CryptoKey);
/** Of `node:worker_threads`. */
export const WorkerType = platformType('Worker', (v): v is Worker => v instanceof Worker);
