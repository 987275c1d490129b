/** `RTCRtpScriptTransformer` and `RTCTransformEvent`, webrtc-encoded-transform §5: a transform in its worker. */
import { KeyFrameRequestEvent } from '../events/key-frame-request-event.js';
import { ENCODING, PAYLOAD_TYPE } from '../flow/columns.js';
import { type End, ends } from '../flow/ends.js';
import { BatchWriter } from '../flow/writer.js';
import { type NativeBatch, type NativeTransformer, native } from '../binding.js';
import type { NativeException } from '../native.js';
import { exceptionOf } from '../rtc/exception.js';
import * as shapes from '../idl/interfaces.js';
import { assertInternal, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import {
  type RTCEncodedFrame,
  RTCEncodedVideoFrame,
  frameSlots,
  framesOf,
  isEncodedFrame,
  outgoingFrame,
} from './encoded-frame.js';

/** How many are taken at a time. */
const BATCH = 64;

const CANCELLED = 'Nobody reads the frames any more';

/** `generateKeyFrame()` that waits. */
interface WantedKeyFrame {
  readonly encodings: Set<number>;
  resolve(timestamp: number): void;
  reject(reason: Error): void;
}

export class RTCRtpScriptTransformer extends EventTarget {
  readonly #native: NativeTransformer;
  /** The hub knows it weakly: it lives as long as this object. */
  readonly #end: End = { changed: () => this.#changed() };
  readonly #writer: BatchWriter;
  readonly #options: unknown;
  readonly #readable: ReadableStream<RTCEncodedFrame>;
  readonly #writable: WritableStream<RTCEncodedFrame>;
  /** None when the stream was cancelled. */
  #controller: ReadableStreamDefaultController<RTCEncodedFrame> | null = null;
  /** `[[lastEnqueuedFrameCounter]]` and `[[lastReceivedFrameCounter]]` */
  #enqueued = 0;
  #received = -1;
  /** Somebody reads and found nothing. */
  #pulled: (() => void) | null = null;
  #wanted: WantedKeyFrame[] = [];
  /** Nothing can come of it any more. */
  readonly #whenOver: (() => void) | undefined;
  declare onkeyframerequest: EventHandler<RTCRtpScriptTransformer, KeyFrameRequestEvent>;

  /** `whenOver`: of who holds it. Others hold it no longer than something can come. */
  constructor(token: typeof internal, transform: number, options: unknown, whenOver?: () => void) {
    assertInternal(token);
    super();
    this.#options = options;
    this.#whenOver = whenOver;
    this.#native = native.openTransformer(transform, ends.hub, ends.add(this.#end));
    // The core knows both ends of it by one number.
    this.#writer = new BatchWriter(() => this.#native);
    this.#readable = new ReadableStream<RTCEncodedFrame>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#pull(),
        cancel: () => this.#cancel(),
      },
      { highWaterMark: 0 },
    );
    this.#writable = new WritableStream<RTCEncodedFrame>({ write: (frame) => this.#write(frame) });
  }

  get readable(): ReadableStream<RTCEncodedFrame> {
    return this.#readable;
  }
  get writable(): WritableStream<RTCEncodedFrame> {
    return this.#writable;
  }
  get options(): unknown {
    return this.#options;
  }

  generateKeyFrame(rid?: string): Promise<number> {
    // It is fulfilled by a frame that is enqueued.
    if (!this.#controller) return Promise.reject(new DOMException(CANCELLED, 'InvalidStateError'));
    const asked = this.#native.generateKeyFrame(rid ?? null);
    if (!Array.isArray(asked)) return Promise.reject(exceptionOf(asked as NativeException));
    return new Promise((resolve, reject) => this.#wanted.push({ encodings: new Set(asked), resolve, reject }));
  }

  sendKeyFrameRequest(): Promise<void> {
    if (this.#native.sendKeyFrameRequest()) return Promise.resolve();
    return Promise.reject(new DOMException('No video is received through this transform', 'InvalidStateError'));
  }

  #changed(): void {
    this.#fireKeyFrameRequests();
    this.#writer.changed();
    const resolve = this.#pulled;
    if (resolve && this.#enqueue()) {
      this.#pulled = null;
      resolve();
    }
    if (!this.#native.isAttached) this.#refuseWanted('The transform is no sender\'s any more');
    if (this.#native.isOver) this.#whenOver?.();
  }

  /** No key frame comes for those who wait. */
  #refuseWanted(reason: string): void {
    const wanted = this.#wanted;
    this.#wanted = [];
    for (const { reject } of wanted) reject(new DOMException(reason, 'InvalidStateError'));
  }

  /** "If the event was not canceled": the encoder is asked, who is the program itself. */
  #fireKeyFrameRequests(): void {
    for (const encoding of this.#native.takeKeyFramesWanted()) {
      const rid = this.#native.rid(encoding) ?? undefined;
      const event = new KeyFrameRequestEvent('keyframerequest', rid, internal);
      if (this.dispatchEvent(event)) this.#native.askEncoder(encoding);
    }
  }

  #pull(): Promise<void> {
    if (this.#enqueue()) return Promise.resolve();
    return new Promise((resolve) => (this.#pulled = resolve));
  }

  /** What comes from now on goes nowhere, so that who makes it is not held up. */
  #cancel(): void {
    this.#controller = this.#pulled = null;
    this.#native.cancel();
    this.#refuseWanted(CANCELLED);
  }

  /** Gives the stream what is there; tells whether there was something. */
  #enqueue(): boolean {
    const batch: NativeBatch | null = this.#native.take(BATCH);
    if (!batch || batch.count === 0) return false;
    const kind = this.#native.kind === 'audio' ? 'audio' : 'video';
    const source = { mimeType: (payloadType: number) => this.#native.mimeType(payloadType) ?? undefined, owner: this };
    for (const frame of framesOf(batch, kind, source, this.#enqueued)) {
      this.#enqueued++;
      if (frame instanceof RTCEncodedVideoFrame && frame.type === 'key') this.#settleWanted(frame);
      this.#controller?.enqueue(frame);
    }
    return true;
  }

  /** Before it is enqueued: "resolve promise with the RTP timestamp of the frame". */
  #settleWanted(frame: RTCEncodedVideoFrame): void {
    const encoding = Math.max(0, frameSlots(frame).column(ENCODING));
    for (const { encodings, resolve } of this.#wanted) if (encodings.has(encoding)) resolve(frame.timestamp);
    this.#wanted = this.#wanted.filter(({ encodings }) => !encodings.has(encoding));
  }

  /** "writeEncodedData" */
  async #write(frame: RTCEncodedFrame): Promise<void> {
    if (!isEncodedFrame(frame)) throw new TypeError('What is written is no encoded frame');
    const slots = frameSlots(frame);
    // "A processor cannot create frames, or move frames between streams"; nor can it reorder them.
    if ((slots.source as { owner?: unknown }).owner !== this || slots.counter <= this.#received) return;
    this.#received = slots.counter;
    const payloadType = Math.max(-1, slots.column(PAYLOAD_TYPE));
    const convert = (it: typeof slots) => outgoingFrame(it, payloadType);
    // Where there is room the data is detached before `write()` returns.
    if (this.#writer.send([slots], convert) === 0) await this.#writer.sendAll([slots], convert);
    slots.detach();
  }

  static {
    defineInterface(this, (o) => #native in o, shapes.RTCRtpScriptTransformer);
  }
}

export class RTCTransformEvent extends Event {
  readonly #transformer: RTCRtpScriptTransformer;

  constructor(token: typeof internal, transformer: RTCRtpScriptTransformer) {
    assertInternal(token);
    super('rtctransform');
    this.#transformer = transformer;
  }

  get transformer(): RTCRtpScriptTransformer {
    return this.#transformer;
  }

  static {
    defineInterface(this, (o) => #transformer in o, shapes.RTCTransformEvent);
  }
}
