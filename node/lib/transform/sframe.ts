/**
 * SFrame transforms, webrtc-encoded-transform §6. Nothing is encrypted yet, so nothing passes: streams
 * refuse keys and data, and a transform is attached where no frame flows.
 */
import * as shapes from '../idl/interfaces.js';
import type { CryptoKeyID, SFrameTransformOptions } from '../idl/types.js';
import { constructorArguments, defineInterface, type EventHandler } from '../webidl/index.js';
import { eventInterface } from '../events/event.js';

/** `SFrameKeyManagement`: the keys of one transform or stream. */
class KeyStore {
  readonly #keys = new Map<bigint, CryptoKey>();

  constructor(readonly options: Partial<SFrameTransformOptions>) {}

  async set(key: CryptoKey, id: CryptoKeyID = 0): Promise<void> {
    if (BigInt(id) < 0n || BigInt(id) >= 1n << 64n) throw new RangeError('The key id does not fit 64 bits');
    this.#keys.set(BigInt(id), key);
    return Promise.resolve();
  }
}

const refusal = (): DOMException => new DOMException('SFrame is not implemented', 'NotSupportedError');

/** The ends of a stream that errors with the first chunk. */
const refusingStream = (): TransformStream =>
  new TransformStream({
    transform() {
      throw refusal();
    },
  });

export class SFrameTransform extends EventTarget {
  readonly #keys: KeyStore;
  declare onerror: EventHandler<SFrameTransform>;

  constructor(options?: SFrameTransformOptions);
  constructor(...args: unknown[]) {
    const [options = {}] = constructorArguments(shapes.SFrameTransform, args);
    super();
    this.#keys = new KeyStore(options);
  }

  setEncryptionKey(key: CryptoKey, keyID?: CryptoKeyID): Promise<void> {
    return this.#keys.set(key, keyID);
  }

  static {
    defineInterface(this, (o) => #keys in o, shapes.SFrameTransform);
  }
}

export class SFrameEncrypterStream extends EventTarget {
  readonly #stream = refusingStream();
  declare onerror: EventHandler<SFrameEncrypterStream>;

  constructor(options?: SFrameTransformOptions);
  constructor(...args: unknown[]) {
    constructorArguments(shapes.SFrameEncrypterStream, args);
    super();
  }

  get readable(): ReadableStream {
    return this.#stream.readable;
  }
  get writable(): WritableStream {
    return this.#stream.writable;
  }
  setEncryptionKey(): Promise<void> {
    return Promise.reject(refusal());
  }

  static {
    defineInterface(this, (o) => #stream in o, shapes.SFrameEncrypterStream);
  }
}

export class SFrameDecrypterStream extends EventTarget {
  readonly #stream = refusingStream();
  declare onerror: EventHandler<SFrameDecrypterStream>;

  constructor(options?: SFrameTransformOptions);
  constructor(...args: unknown[]) {
    constructorArguments(shapes.SFrameDecrypterStream, args);
    super();
  }

  get readable(): ReadableStream {
    return this.#stream.readable;
  }
  get writable(): WritableStream {
    return this.#stream.writable;
  }
  setEncryptionKey(): Promise<void> {
    return Promise.reject(refusal());
  }

  static {
    defineInterface(this, (o) => #stream in o, shapes.SFrameDecrypterStream);
  }
}

export const SFrameTransformErrorEvent = eventInterface(shapes.SFrameTransformErrorEvent);
export type SFrameTransformErrorEvent = InstanceType<typeof SFrameTransformErrorEvent>;
