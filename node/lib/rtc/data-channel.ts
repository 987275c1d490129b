/** `RTCDataChannel`, webrtc-pc §6.2. */
import { RTCErrorEvent } from '../events/error-event.js';
import { native } from '../binding.js';
import type { ChannelView, NativeException } from '../native.js';
import * as shapes from '../idl/interfaces.js';
import type { BinaryType, RTCDataChannelState, RTCPriorityType } from '../idl/types.js';
import { assertInternal, bytesOf, defineInterface, type EventHandler, internal, isBlob } from '../webidl/index.js';
import type { Connection } from './connection.js';
import { exceptionOf, rtcErrorOf } from './exception.js';

export type Sendable = string | Blob | ArrayBuffer | ArrayBufferView;

/** What an `RTCDataChannel` stands on: a connection of this thread, one of another, or nothing. */
export interface ChannelSource {
  readonly view: ChannelView;
  readonly readyState: RTCDataChannelState;
  readonly totalBuffered: number;
  lowThreshold: number;
  binaryType: BinaryType;
  send(data: Sendable): void;
  close(): void;
}

/** Who learns what happens on a channel. */
export interface ChannelListener {
  /** The slots changed; an event may follow. */
  update(): void;
  message(data: string | ArrayBuffer): void;
  event(type: 'open' | 'bufferedamountlow' | 'closing' | 'close'): void;
  error(error: NativeException): void;
}

/** Refuses a message for which a queue of this cost has no room, as the core does. */
export function checkRoom(queueCost: number, size: number): void {
  if (queueCost > 0 && queueCost + size + native.SEND_OVERHEAD > native.SEND_BUFFER_BYTES) {
    throw new DOMException('The send queue is full', 'OperationError');
  }
}

/** A channel of a connection of this thread. */
export class ChannelSlots implements ChannelSource {
  /** `[[IsTransferable]]` */
  isTransferable = true;
  /** What the core has queued. */
  bufferedAmount: number;
  readyState: RTCDataChannelState;
  binaryType: BinaryType = 'arraybuffer';
  #lowThreshold = 0;
  /** Blobs are read asynchronously; what was sent after one waits for it. */
  #waiting: Promise<void> | null = null;
  #waitingBytes = 0;
  #waitingMessages = 0;

  constructor(
    readonly connection: Connection,
    public view: ChannelView,
  ) {
    this.bufferedAmount = view.bufferedAmount;
    this.readyState = view.readyState;
    // §6.2: "Queue a task to [...] set channel.[[IsTransferable]] to false."
    setImmediate(() => (this.isTransferable = false));
  }

  get lowThreshold(): number {
    return this.#lowThreshold;
  }
  set lowThreshold(bytes: number) {
    this.#lowThreshold = bytes;
    this.connection.native.setBufferedAmountLowThreshold(this.view.key, bytes);
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

  /** What is queued counts as the core counts it, here and there: an empty message takes memory, too. */
  get queueCost(): number {
    const waiting = this.#waitingBytes + this.#waitingMessages * native.SEND_OVERHEAD;
    return this.connection.native.sendQueueCost(this.view.key) + waiting;
  }

  /** §6.2, "send()". */
  send(data: Sendable): void {
    this.isTransferable = false;
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
    // What waits has to find room in the core when it is its turn.
    checkRoom(this.queueCost, size);
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
    this.#waitingMessages += 1;
    const done = (): void => {
      this.#waitingBytes -= size;
      this.#waitingMessages -= 1;
      if (this.#waiting === mine) this.#waiting = null;
    };
    const mine: Promise<void> = (this.#waiting ?? Promise.resolve()).then(action).then(done, done);
    this.#waiting = mine;
  }
}

/** Fires the events of a channel at its object. */
export class ChannelEvents implements ChannelListener {
  constructor(
    readonly object: RTCDataChannel,
    readonly source: ChannelSource,
  ) {}

  update(): void {
    // Getters read the slots.
  }
  message(data: string | ArrayBuffer): void {
    // §6.2: "If the [[ReadyState]] of channel is not "open", abort these steps".
    if (this.source.readyState !== 'open') return;
    const content = typeof data !== 'string' && this.source.binaryType === 'blob' ? new Blob([data]) : data;
    this.object.dispatchEvent(new MessageEvent('message', { data: content }));
  }
  event(type: string): void {
    this.object.dispatchEvent(new Event(type));
  }
  error(error: NativeException): void {
    this.object.dispatchEvent(new RTCErrorEvent('error', { error: rtcErrorOf(error) }));
  }
}

/** What is left of a channel that was transferred. */
class DetachedChannel implements ChannelSource {
  readonly readyState = 'closed';
  readonly totalBuffered = 0;
  lowThreshold: number;
  binaryType: BinaryType;
  readonly view: ChannelView;

  constructor({ view, lowThreshold, binaryType }: ChannelSource) {
    this.view = view;
    this.lowThreshold = lowThreshold;
    this.binaryType = binaryType;
  }
  send(): void {
    throw new DOMException('The channel was transferred', 'InvalidStateError');
  }
  close(): void {
    // It is closed.
  }
}

/** §6.2, transfer steps: the slots of a channel that may be transferred. */
export let transferableSlots: (channel: RTCDataChannel) => ChannelSlots;
/** Leaves the object closed. */
export let detachChannel: (channel: RTCDataChannel) => void;

export class RTCDataChannel extends EventTarget {
  #slots: ChannelSource;
  declare onopen: EventHandler<RTCDataChannel>;
  declare onbufferedamountlow: EventHandler<RTCDataChannel>;
  declare onerror: EventHandler<RTCDataChannel>;
  declare onclosing: EventHandler<RTCDataChannel>;
  declare onclose: EventHandler<RTCDataChannel>;
  declare onmessage: EventHandler<RTCDataChannel, MessageEvent>;

  constructor(token: typeof internal, slots: ChannelSource) {
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
    this.#slots.lowThreshold = value;
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
    transferableSlots = (channel) => {
      const slots = channel.#slots;
      if (slots instanceof ChannelSlots && slots.isTransferable) return slots;
      throw new DOMException('The data channel cannot be transferred any more', 'DataCloneError');
    };
    detachChannel = (channel) => (channel.#slots = new DetachedChannel(channel.#slots));
    defineInterface(this, (o) => #slots in o, shapes.RTCDataChannel);
  }
}
