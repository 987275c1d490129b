/** `RTCDataChannel`, webrtc-pc §6.2. */
import { type ChannelView, native } from '../native.js';
import {
  ArrayBufferType,
  ArrayBufferViewType,
  type EventHandler,
  USVString,
  arg,
  assertInternal,
  attribute,
  converter,
  defineInterface,
  enforceRange,
  enumeration,
  eventHandler,
  fail,
  interfaceType,
  internal,
  operation,
  union,
} from '../webidl/index.js';
import type { Connection } from './connection.js';
import { exceptionOf } from './exception.js';
import type { RTCDataChannelState, RTCPriorityType } from './types.js';

const isBlob = (value: unknown): value is Blob => value instanceof Blob;
const BlobType = converter({ kind: 'interface', typeName: 'Blob', is: isBlob }, (v, context): Blob =>
  isBlob(v) ? v : fail(context, 'is not a Blob'),
);
const Sendable = union(BlobType, ArrayBufferType, ArrayBufferViewType, USVString);
type Sendable = string | Blob | ArrayBuffer | ArrayBufferView;

const BinaryType = enumeration('BinaryType', ['blob', 'arraybuffer']);
type BinaryType = 'blob' | 'arraybuffer';

const bytesOf = (data: ArrayBuffer | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);

export class ChannelSlots {
  /** What the core has queued. */
  bufferedAmount: number;
  readyState: RTCDataChannelState;
  binaryType: BinaryType = 'arraybuffer';
  lowThreshold = 0;
  /** Blobs are read asynchronously; what was sent after one waits for it. */
  #waiting: Promise<void> | null = null;
  #waitingBytes = 0;

  constructor(
    readonly connection: Connection,
    public view: ChannelView,
  ) {
    this.bufferedAmount = view.bufferedAmount;
    this.readyState = view.readyState;
  }

  update(view: ChannelView): void {
    this.view = view;
    this.bufferedAmount = view.bufferedAmount;
    // A close() that waits for a Blob is known here first.
    if (this.#waiting && this.readyState === 'closing' && view.readyState === 'open') return;
    this.readyState = view.readyState;
  }

  get totalBuffered(): number {
    return this.bufferedAmount + this.#waitingBytes;
  }

  /** §6.2, "send()". */
  send(data: Sendable): void {
    if (this.readyState !== 'open') {
      throw new DOMException(`The channel is ${this.readyState}`, 'InvalidStateError');
    }
    if (!isBlob(data) && !this.#waiting) {
      this.#transmit(data);
      return;
    }
    // A copy: the caller may change the buffer before it is its turn.
    const owned = typeof data === 'string' || isBlob(data) ? data : bytesOf(data).slice();
    const size = isBlob(owned) ? owned.size : typeof owned === 'string' ? Buffer.byteLength(owned) : owned.length;
    if (size > this.connection.maxMessageSize) throw new TypeError('The message is larger than the peer takes');
    if (this.totalBuffered + size > native.SEND_BUFFER_BYTES) {
      throw new DOMException('The send queue is full', 'OperationError');
    }
    this.#enqueue(size, async () => {
      const content = isBlob(owned) ? await owned.arrayBuffer() : owned;
      if (!this.connection.isClosed) this.#transmit(content);
    });
  }

  /** §6.2, "close()": what was sent before still goes. */
  close(): void {
    if (this.readyState === 'closing' || this.readyState === 'closed') return;
    const close = (): void => {
      if (!this.connection.isClosed) this.connection.settle(this.connection.native.closeChannel(this.view.key));
    };
    if (!this.#waiting) {
      close();
      return;
    }
    this.readyState = 'closing';
    this.#enqueue(0, async () => close());
  }

  #transmit(data: string | ArrayBuffer | ArrayBufferView): void {
    const { native: core } = this.connection;
    const { key } = this.view;
    const result = typeof data === 'string' ? core.sendText(key, data) : core.sendBinary(key, bytesOf(data));
    if (typeof result !== 'number') throw exceptionOf(result);
    this.bufferedAmount = result;
  }

  #enqueue(size: number, action: () => Promise<void>): void {
    this.#waitingBytes += size;
    const done = (): void => {
      this.#waitingBytes -= size;
      if (this.#waiting === mine) this.#waiting = null;
    };
    const mine: Promise<void> = (this.#waiting ?? Promise.resolve()).then(action).then(done, done);
    this.#waiting = mine;
  }
}

export class RTCDataChannel extends EventTarget {
  readonly #slots: ChannelSlots;
  declare onopen: EventHandler<RTCDataChannel>;
  declare onbufferedamountlow: EventHandler<RTCDataChannel>;
  declare onerror: EventHandler<RTCDataChannel>;
  declare onclosing: EventHandler<RTCDataChannel>;
  declare onclose: EventHandler<RTCDataChannel>;
  declare onmessage: EventHandler<RTCDataChannel, MessageEvent>;

  constructor(token: typeof internal, slots: ChannelSlots) {
    assertInternal(token);
    super();
    this.#slots = slots;
  }

  get label(): string {
    return this.#slots.view.label;
  }
  get ordered(): boolean {
    return this.#slots.view.ordered;
  }
  get maxPacketLifeTime(): number | null {
    return this.#slots.view.maxPacketLifeTime ?? null;
  }
  get maxRetransmits(): number | null {
    return this.#slots.view.maxRetransmits ?? null;
  }
  get protocol(): string {
    return this.#slots.view.protocol;
  }
  get negotiated(): boolean {
    return this.#slots.view.negotiated;
  }
  get id(): number | null {
    return this.#slots.view.id ?? null;
  }
  get priority(): RTCPriorityType {
    return this.#slots.view.priority;
  }
  get readyState(): RTCDataChannelState {
    return this.#slots.readyState;
  }
  get bufferedAmount(): number {
    return this.#slots.totalBuffered;
  }
  get bufferedAmountLowThreshold(): number {
    return this.#slots.lowThreshold;
  }
  set bufferedAmountLowThreshold(value: number) {
    const { connection, view } = this.#slots;
    this.#slots.lowThreshold = value;
    connection.native.setBufferedAmountLowThreshold(view.key, value);
  }
  get binaryType(): BinaryType {
    return this.#slots.binaryType;
  }
  set binaryType(value: BinaryType) {
    this.#slots.binaryType = value;
  }

  close(): void {
    this.#slots.close();
  }
  send(data: Sendable): void {
    this.#slots.send(data);
  }

  static {
    defineInterface(this, (o) => #slots in o, {
      label: attribute(),
      ordered: attribute(),
      maxPacketLifeTime: attribute(),
      maxRetransmits: attribute(),
      protocol: attribute(),
      negotiated: attribute(),
      id: attribute(),
      readyState: attribute(),
      bufferedAmount: attribute(),
      bufferedAmountLowThreshold: attribute(enforceRange.unsignedLong),
      onopen: eventHandler(),
      onbufferedamountlow: eventHandler(),
      onerror: eventHandler(),
      onclosing: eventHandler(),
      onclose: eventHandler(),
      close: operation(),
      onmessage: eventHandler(),
      binaryType: attribute(BinaryType),
      send: operation([arg(Sendable)]),
      priority: attribute(),
    });
  }
}
export const RTCDataChannelType = interfaceType('RTCDataChannel', () => RTCDataChannel);
