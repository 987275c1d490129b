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

/** `generateKeyFrame()` that waits. */
interface WantedKeyFrame {
  readonly encodings: Set<number>;
  resolve(timestamp: number): void;
}

export class RTCRtpScriptTransformer extends EventTarget {
  readonly #native: NativeTransformer;
  readonly #writer: BatchWriter;
  readonly #options: unknown;
  readonly #readable: ReadableStream<RTCEncodedFrame>;
  readonly #writable: WritableStream<RTCEncodedFrame>;
  #controller: ReadableStreamDefaultController<RTCEncodedFrame> | null = null;
  /** `[[lastEnqueuedFrameCounter]]` and `[[lastReceivedFrameCounter]]` */
  #enqueued = 0;
  #received = -1;
  /** Somebody reads and found nothing. */
  #pulled: (() => void) | null = null;
  #wanted: WantedKeyFrame[] = [];
  declare onkeyframerequest: EventHandler<RTCRtpScriptTransformer, KeyFrameRequestEvent>;

  constructor(token: typeof internal, transform: number, options: unknown, isHeld = false) {
    assertInternal(token);
    super();
    this.#options = options;
    const end: End = { changed: () => this.#changed() };
    this.#native = native.openTransformer(transform, ends.hub, ends.add(end));
    // The core knows both ends of it by one number.
    this.#writer = new BatchWriter(() => this.#native);
    this.#readable = new ReadableStream<RTCEncodedFrame>(
      { start: (controller) => void (this.#controller = controller), pull: () => this.#pull() },
      { highWaterMark: 0 },
    );
    this.#writable = new WritableStream<RTCEncodedFrame>({ write: (frame) => this.#write(frame) });
    // It lives as long as its worker, or as who holds it.
    if (!isHeld) ends.setAwaited(end, true);
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
    const asked = this.#native.generateKeyFrame(rid ?? null);
    if (!Array.isArray(asked)) return Promise.reject(exceptionOf(asked as NativeException));
    return new Promise((resolve) => this.#wanted.push({ encodings: new Set(asked), resolve }));
  }

  sendKeyFrameRequest(): Promise<void> {
    if (this.#native.sendKeyFrameRequest()) return Promise.resolve();
    return Promise.reject(new DOMException('No video is received through this transform', 'InvalidStateError'));
  }

  #changed(): void {
    this.#fireKeyFrameRequests();
    this.#writer.changed();
    if (!this.#pulled) return;
    const resolve = this.#pulled;
    if (!this.#enqueue()) return;
    this.#pulled = null;
    resolve();
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
