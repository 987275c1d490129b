/**
 * SFrame transforms, webrtc-encoded-transform §6. Nothing is encrypted yet, so nothing passes: streams
 * refuse keys and data, and a transform is attached where no frame flows.
 */
import {
  type EventHandler,
  any,
  arg,
  attribute,
  bigint,
  convertArguments,
  converter,
  defaulted,
  defineInterface,
  dictionary,
  enforceRange,
  enumeration,
  eventHandler,
  fail,
  type Infer,
  interfaceType,
  nullable,
  optionalArg,
  promiseOperation,
  required,
  union,
} from '../webidl/index.js';
import { eventInterface } from '../events/event.js';

const SFrameCipherSuite = enumeration('SFrameCipherSuite', [
  'AES_128_CTR_HMAC_SHA256_80',
  'AES_128_CTR_HMAC_SHA256_64',
  'AES_128_CTR_HMAC_SHA256_32',
  'AES_128_GCM_SHA256_128',
  'AES_256_GCM_SHA512_128',
]);
const SFrameTransformOptions = dictionary('SFrameTransformOptions', { cipherSuite: required(SFrameCipherSuite) });
type SFrameTransformOptions = Infer<typeof SFrameTransformOptions>;

const isCryptoKey = (v: unknown): v is CryptoKey => v instanceof CryptoKey;
const CryptoKeyType = converter({ kind: 'interface', typeName: 'CryptoKey', is: isCryptoKey }, (v, context): CryptoKey =>
  isCryptoKey(v) ? v : fail(context, 'is not a CryptoKey'),
);
const CryptoKeyID = union(enforceRange.unsignedLongLong, bigint);
type CryptoKeyID = number | bigint;

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

const keyParameters = [arg(CryptoKeyType), optionalArg(CryptoKeyID)] as const;

/** `optional SFrameTransformOptions options = {}`: only what is given has to name a suite. */
function optionsOf(name: string, args: unknown[]): Partial<SFrameTransformOptions> {
  const [options] = convertArguments(name, [optionalArg(nullable(SFrameTransformOptions), null)], args);
  return options ?? {};
}

export class SFrameTransform extends EventTarget {
  readonly #keys: KeyStore;
  declare onerror: EventHandler<SFrameTransform>;

  constructor(options?: SFrameTransformOptions);
  constructor(...args: unknown[]) {
    const options = optionsOf('SFrameTransform constructor', args);
    super();
    this.#keys = new KeyStore(options);
  }

  setEncryptionKey(key: CryptoKey, keyID?: CryptoKeyID): Promise<void> {
    return this.#keys.set(key, keyID);
  }

  static {
    defineInterface(this, (o) => #keys in o, {
      setEncryptionKey: promiseOperation(keyParameters),
      onerror: eventHandler(),
    });
  }
}
export const SFrameTransformType = interfaceType('SFrameTransform', () => SFrameTransform);

export class SFrameEncrypterStream extends EventTarget {
  readonly #stream = refusingStream();
  declare onerror: EventHandler<SFrameEncrypterStream>;

  constructor(options?: SFrameTransformOptions);
  constructor(...args: unknown[]) {
    optionsOf('SFrameEncrypterStream constructor', args);
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
    defineInterface(this, (o) => #stream in o, {
      readable: attribute(),
      writable: attribute(),
      setEncryptionKey: promiseOperation(keyParameters),
      onerror: eventHandler(),
    });
  }
}

export class SFrameDecrypterStream extends EventTarget {
  readonly #stream = refusingStream();
  declare onerror: EventHandler<SFrameDecrypterStream>;

  constructor(options?: SFrameTransformOptions);
  constructor(...args: unknown[]) {
    optionsOf('SFrameDecrypterStream constructor', args);
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
    defineInterface(this, (o) => #stream in o, {
      readable: attribute(),
      writable: attribute(),
      setEncryptionKey: promiseOperation(keyParameters),
      onerror: eventHandler(),
    });
  }
}

export const SFrameTransformErrorEvent = eventInterface('SFrameTransformErrorEvent', {
  errorType: required(enumeration('SFrameTransformErrorEventType', ['authentication', 'keyID', 'syntax'])),
  keyID: defaulted(nullable(CryptoKeyID), null),
  frame: required(any),
});
export type SFrameTransformErrorEvent = InstanceType<typeof SFrameTransformErrorEvent>;
