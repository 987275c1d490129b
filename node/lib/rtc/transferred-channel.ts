/**
 * A data channel that was transferred to another thread (webrtc-pc §6.2, "Transferring data
 * channel"). Its connection stays where it is; the two threads talk over a port.
 */
import type { MessagePort } from 'node:worker_threads';
import { native } from '../binding.js';
import type { ChannelView, NativeException } from '../native.js';
import { bytesOf, internal, isBlob } from '../webidl/index.js';
import {
  ChannelEvents,
  type ChannelListener,
  type ChannelSlots,
  type ChannelSource,
  RTCDataChannel,
  type Sendable,
  checkRoom,
} from './data-channel.js';
import type { BinaryType, RTCDataChannelState } from '../idl/types.js';

/** What the new object begins with. */
export interface TransferState {
  readonly view: ChannelView;
  readonly maxMessageSize: number;
}

/** To the thread of the connection. */
type ToConnection =
  | { readonly send: string | Blob | ArrayBuffer }
  | { readonly close: true }
  /** Messages that count so much were taken out of the port. */
  | { readonly taken: number };

/** What messages count that wait in the port until the connection stops to take more. */
const MAX_WAITING_COST = 4 << 20;
/** How much the other thread takes before it says so. */
const TAKEN_COST = MAX_WAITING_COST / 16;

/** To the thread of the object. */
interface ToObject {
  /** How many bytes of what was sent have left the queue. */
  readonly left: number;
  /** What that counted. */
  readonly leftCost: number;
  readonly state: RTCDataChannelState;
  readonly id: number | null;
  readonly maxMessageSize: number;
  readonly message?: string | ArrayBuffer;
  readonly event?: 'open' | 'closing' | 'close';
  readonly error?: NativeException;
  /** The connection was closed: no event tells it. */
  readonly ended?: true;
}

const sizeOf = (data: string | Blob | ArrayBuffer): number =>
  isBlob(data) ? data.size : typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;

/** What a message counts while it waits: an empty one takes memory, too. */
const costOf = (data: string | Blob | ArrayBuffer): number => sizeOf(data) + native.SEND_OVERHEAD;

/** At the connection: tells the other thread what happens, and does what it asks for. */
export class ChannelForwarder implements ChannelListener {
  #asked = 0;
  #askedCost = 0;
  #waitingCost = 0;

  constructor(
    readonly slots: ChannelSlots,
    readonly port: MessagePort,
  ) {
    port.on('message', (message: ToConnection) => {
      if ('close' in message) {
        slots.close();
        return;
      }
      if ('taken' in message) {
        this.#count(-message.taken);
        return;
      }
      this.#asked += sizeOf(message.send);
      this.#askedCost += costOf(message.send);
      // The other thread may not know yet that the channel closes.
      if (slots.readyState === 'open') slots.send(message.send);
    });
    // The other thread ended, and its object with it.
    port.on('close', () => {
      slots.connection.setFull(this, false);
      slots.close();
    });
    // The connection decides how long this process lives.
    port.unref();
  }

  update(): void {
    this.#post(this.slots.connection.isClosed ? { ended: true } : {});
  }
  message(data: string | ArrayBuffer): void {
    if (this.slots.readyState !== 'open') return;
    this.#count(costOf(data));
    this.#post({ message: data });
  }
  event(type: 'open' | 'bufferedamountlow' | 'closing' | 'close'): void {
    // The other thread has its own threshold.
    if (type !== 'bufferedamountlow') this.#post({ event: type });
  }
  error(error: NativeException): void {
    this.#post({ error });
  }

  #count(cost: number): void {
    this.#waitingCost += cost;
    this.slots.connection.setFull(this, this.#waitingCost > MAX_WAITING_COST);
  }

  #post(what: Partial<ToObject>): void {
    const { slots } = this;
    const post: ToObject = {
      left: this.#asked - slots.totalBuffered,
      leftCost: this.#askedCost - slots.queueCost,
      state: slots.readyState,
      id: slots.view.id ?? null,
      maxMessageSize: slots.connection.maxMessageSize,
      ...what,
    };
    this.port.postMessage(post, what.message instanceof ArrayBuffer ? [what.message] : []);
  }
}

/** At the object: the slots as the connection's thread told them last. */
class TransferredChannel implements ChannelSource {
  readyState: RTCDataChannelState;
  lowThreshold = 0;
  binaryType: BinaryType = 'arraybuffer';
  readonly object: RTCDataChannel;
  view: ChannelView;
  #maxMessageSize: number;
  #sent = 0;
  #left = 0;
  #sentCost = 0;
  #leftCost = 0;
  #takenCost = 0;
  readonly #events: ChannelEvents;

  constructor(
    { view, maxMessageSize }: TransferState,
    readonly port: MessagePort,
  ) {
    this.view = view;
    this.readyState = view.readyState;
    this.#maxMessageSize = maxMessageSize;
    this.object = new RTCDataChannel(internal, this);
    this.#events = new ChannelEvents(this.object, this);
    port.on('message', (message: ToObject) => this.#receive(message));
    // The connection's thread ended.
    port.on('close', () => (this.readyState = 'closed'));
  }

  get totalBuffered(): number {
    return this.#sent - this.#left;
  }

  send(data: Sendable): void {
    if (this.readyState !== 'open') {
      throw new DOMException(`The channel is ${this.readyState}`, 'InvalidStateError');
    }
    const owned = typeof data === 'string' || isBlob(data) ? data : bytesOf(data).slice().buffer;
    const size = sizeOf(owned);
    if (size > this.#maxMessageSize) throw new TypeError('The message is larger than the peer takes');
    checkRoom(this.#sentCost - this.#leftCost, size);
    this.#sent += size;
    this.#sentCost += costOf(owned);
    const message: ToConnection = { send: owned };
    this.port.postMessage(message, owned instanceof ArrayBuffer ? [owned] : []);
  }

  close(): void {
    if (this.readyState === 'closing' || this.readyState === 'closed') return;
    this.readyState = 'closing';
    const message: ToConnection = { close: true };
    this.port.postMessage(message);
  }

  #receive({ left, leftCost, state, id, maxMessageSize, message, event, error, ended }: ToObject): void {
    this.view = { ...this.view, id };
    this.#maxMessageSize = maxMessageSize;
    this.#leftCost = leftCost;
    this.#setLeft(left);
    if (message !== undefined) {
      this.#take(costOf(message));
      this.#events.message(message);
    } else if (event || error) {
      // A close() of this thread's is known here first.
      if (this.readyState !== 'closing' || state === 'closed') this.readyState = state;
      if (error) this.#events.error(error);
      else if (event) this.#events.event(event);
    }
    if (ended || event === 'close') {
      this.readyState = 'closed';
      this.port.close();
    }
  }

  #take(cost: number): void {
    this.#takenCost += cost;
    if (this.#takenCost < TAKEN_COST) return;
    const message: ToConnection = { taken: this.#takenCost };
    this.#takenCost = 0;
    this.port.postMessage(message);
  }

  /** §6.2, "When the underlying data transport sends data from its queue". */
  #setLeft(left: number): void {
    const before = this.totalBuffered;
    this.#left = left;
    if (before > this.lowThreshold && this.totalBuffered <= this.lowThreshold) {
      this.#events.event('bufferedamountlow');
    }
  }
}

/** The object in the thread that got the port. */
export const receiveChannel = (state: TransferState, port: MessagePort): RTCDataChannel =>
  new TransferredChannel(state, port).object;
