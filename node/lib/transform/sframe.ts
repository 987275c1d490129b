/** SFrame (RFC 9605) as a transform and as streams, webrtc-encoded-transform §6. */
import { type NativeSframe, type NativeTransform, native } from '../binding.js';
import { eventInterface } from '../events/event.js';
import * as shapes from '../idl/interfaces.js';
import type { CryptoKeyID, SFrameTransformErrorEventType, SFrameTransformOptions } from '../idl/types.js';
import { bufferSource, bytesOf, constructorArguments, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import { type RTCEncodedFrame, RTCEncodedVideoFrame, isEncodedFrame } from './encoded-frame.js';
import { RTCRtpScriptTransformer } from './transformer.js';

export type Direction = 'encrypt' | 'decrypt';

const MAX_KEY_ID = (1n << 64n) - 1n;

/** `SFrameKeyManagement`: the keys of one transform or stream, and what they do. */
class SFrame {
  readonly #native: NativeSframe;
  /** Keys come into effect in the order in which they were set. */
  #setting: Promise<unknown> = Promise.resolve();

  constructor(
    readonly target: EventTarget,
    { cipherSuite = 'AES_128_GCM_SHA256_128' }: Partial<SFrameTransformOptions> = {},
  ) {
    this.#native = native.createSframe(cipherSuite);
  }

  async setKey(key: CryptoKey, keyID: CryptoKeyID = 0): Promise<void> {
    const id = BigInt(keyID);
    if (id < 0n || id > MAX_KEY_ID) throw new RangeError('Not a 64 bits integer');
    const { keyBytes, saltBytes, hash } = this.#native;
    // RFC 9605 §4.4.2: HKDF, which WebCrypto has for keys that are not to be read.
    const derive = async (name: 'key' | 'salt', bytes: number): Promise<Uint8Array> => {
      const info = this.#native.label(id, name);
      return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash, salt: new Uint8Array(0), info }, key, 8 * bytes));
    };
    const derived = Promise.all([derive('key', keyBytes), derive('salt', saltBytes)]);
    const set = Promise.all([derived, this.#setting.catch(() => {})]).then(([[material, salt]]) => {
      const problem = this.#native.setKey(id, material, salt);
      if (problem !== null) throw new DOMException(problem, 'OperationError');
    });
    this.#setting = set;
    return set;
  }

  stream(direction: Direction): TransformStream<unknown, unknown> {
    return new TransformStream({
      transform: (chunk, controller) => {
        const changed = isEncodedFrame(chunk) ? this.#frame(chunk, direction) : this.#bytes(chunk, direction);
        if (changed !== null) controller.enqueue(changed);
      },
    });
  }

  #bytes(chunk: unknown, direction: Direction): ArrayBuffer | null {
    const bytes = bytesOf(bufferSource(chunk, 'What is written'));
    // A copy: memory of the core's cannot be transferred.
    return this.#run(direction, bytes, new Uint8Array(0), chunk)?.slice().buffer ?? null;
  }

  /** What packetizers read stays in front, and is authenticated. */
  #frame(frame: RTCEncodedFrame, direction: Direction): RTCEncodedFrame | null {
    const bytes = bytesOf(frame.data);
    const isKey = !(frame instanceof RTCEncodedVideoFrame) || frame.type === 'key';
    const mimeType = frame instanceof RTCEncodedVideoFrame ? (frame.getMetadata().mimeType ?? '') : 'audio/';
    const clear = native.sframeClearBytes(mimeType, isKey);
    if (clear === null) return this.#fail('syntax', frame);

    const front = bytes.subarray(0, clear);
    const changed = this.#run(direction, bytes.subarray(front.length), front, frame);
    if (!changed) return null;
    const whole = new Uint8Array(front.length + changed.length);
    whole.set(front);
    whole.set(changed, front.length);
    frame.data = whole.buffer;
    return frame;
  }

  /** Nothing goes by as it is: what cannot be changed is left out, and told of. */
  #run(direction: Direction, bytes: Uint8Array, metadata: Uint8Array, chunk: unknown): Uint8Array<ArrayBuffer> | null {
    if (direction === 'encrypt') return this.#native.encrypt(bytes, metadata) ?? this.#fail('keyID', chunk);
    const result = this.#native.decrypt(bytes, metadata);
    return result instanceof Uint8Array ? result : this.#fail(result.errorType, chunk, result.keyId);
  }

  #fail(errorType: SFrameTransformErrorEventType, frame: unknown, id?: bigint): null {
    const keyID = id !== undefined && id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : (id ?? null);
    this.target.dispatchEvent(new SFrameTransformErrorEvent('error', { errorType, frame, keyID }));
    return null;
  }
}

export const SFrameTransformErrorEvent = eventInterface(shapes.SFrameTransformErrorEvent);
export type SFrameTransformErrorEvent = InstanceType<typeof SFrameTransformErrorEvent>;

/** What the core puts between a sender or receiver and the network. */
export let sframeTransform: (transform: SFrameTransform, direction: Direction) => NativeTransform;

export class SFrameTransform extends EventTarget {
  readonly #sframe: SFrame;
  /** Once it is; frames pass this thread. */
  #attached: { readonly transform: NativeTransform; readonly transformer: RTCRtpScriptTransformer } | null = null;
  declare onerror: EventHandler<SFrameTransform>;

  constructor(options?: SFrameTransformOptions);
  constructor(...args: unknown[]) {
    const [options] = constructorArguments(shapes.SFrameTransform, args);
    super();
    this.#sframe = new SFrame(this, options);
  }

  setEncryptionKey(key: CryptoKey, keyID?: CryptoKeyID): Promise<void> {
    return this.#sframe.setKey(key, keyID);
  }

  /** It belongs to whom it was given first, so that its direction stays. */
  #attach(direction: Direction): NativeTransform {
    if (this.#attached) return this.#attached.transform;
    const transform = native.createTransform(false);
    const transformer = new RTCRtpScriptTransformer(internal, transform.token, undefined);
    this.#attached = { transform, transformer };
    const { readable, writable } = this.#sframe.stream(direction);
    const pipes = [transformer.readable.pipeTo(writable), readable.pipeTo(transformer.writable as WritableStream<unknown>)];
    for (const pipe of pipes) pipe.catch(() => transform.abandon());
    return transform;
  }

  static {
    sframeTransform = (transform, direction) => transform.#attach(direction);
    defineInterface(this, (o) => #sframe in o, shapes.SFrameTransform);
  }
}

export class SFrameEncrypterStream extends EventTarget {
  readonly #sframe: SFrame;
  readonly #stream: TransformStream<unknown, unknown>;
  declare onerror: EventHandler<SFrameEncrypterStream>;

  constructor(options?: SFrameTransformOptions);
  constructor(...args: unknown[]) {
    const [options] = constructorArguments(shapes.SFrameEncrypterStream, args);
    super();
    this.#sframe = new SFrame(this, options);
    this.#stream = this.#sframe.stream('encrypt');
  }

  get readable(): ReadableStream {
    return this.#stream.readable;
  }
  get writable(): WritableStream {
    return this.#stream.writable;
  }
  setEncryptionKey(key: CryptoKey, keyID?: CryptoKeyID): Promise<void> {
    return this.#sframe.setKey(key, keyID);
  }

  static {
    defineInterface(this, (o) => #stream in o, shapes.SFrameEncrypterStream);
  }
}

export class SFrameDecrypterStream extends EventTarget {
  readonly #sframe: SFrame;
  readonly #stream: TransformStream<unknown, unknown>;
  declare onerror: EventHandler<SFrameDecrypterStream>;

  constructor(options?: SFrameTransformOptions);
  constructor(...args: unknown[]) {
    const [options] = constructorArguments(shapes.SFrameDecrypterStream, args);
    super();
    this.#sframe = new SFrame(this, options);
    this.#stream = this.#sframe.stream('decrypt');
  }

  get readable(): ReadableStream {
    return this.#stream.readable;
  }
  get writable(): WritableStream {
    return this.#stream.writable;
  }
  setEncryptionKey(key: CryptoKey, keyID?: CryptoKeyID): Promise<void> {
    return this.#sframe.setKey(key, keyID);
  }

  static {
    defineInterface(this, (o) => #stream in o, shapes.SFrameDecrypterStream);
  }
}
