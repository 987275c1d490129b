/**
 * `import 'duologue/transfer'`: data channels can be transferred to other threads of Node, as
 * `worker.postMessage(channel, [channel])`. Both threads import it.
 *
 * Node transfers no objects of libraries. So the channels of a transfer list travel as ports, in an
 * envelope that says which ports they are, and the other side puts channels in their place.
 */
import { MessageChannel, MessagePort, Worker } from 'node:worker_threads';
import {
  ChannelForwarder,
  type TransferState,
  receiveChannel,
} from './rtc/transferred-channel.js';
import { RTCDataChannel, detachChannel, transferableSlots } from './rtc/data-channel.js';

/** What is posted when channels are among what is transferred. */
interface Envelope {
  readonly [ENVELOPE]: { readonly port: MessagePort; readonly state: TransferState }[];
  readonly message: unknown;
}
const ENVELOPE = 'duologue:channels';

/** How a port or worker passes what it received on to its listeners. */
const HYBRID_DISPATCH = Symbol.for('nodejs.internal.kHybridDispatch');

/** A copy of a message with other objects in place of some; the structured clone copies it anyway. */
function replace(value: unknown, replacements: ReadonlyMap<unknown, unknown>, seen = new Map<object, unknown>()): unknown {
  if (replacements.has(value)) return replacements.get(value);
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const inner = (v: unknown): unknown => replace(v, replacements, seen);
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    seen.set(value, copy);
    for (const item of value) copy.push(inner(item));
    return copy;
  }
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>();
    seen.set(value, copy);
    for (const [key, item] of value) copy.set(inner(key), inner(item));
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set<unknown>();
    seen.set(value, copy);
    for (const item of value) copy.add(inner(item));
    return copy;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const copy: Record<string, unknown> = {};
  seen.set(value, copy);
  for (const [key, item] of Object.entries(value)) copy[key] = inner(item);
  return copy;
}

type Post = (this: object, message: unknown, transfer?: unknown) => unknown;

const isList = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value;

function withChannels(post: Post): Post {
  return function postMessage(message, transfer) {
    // Either a sequence or StructuredSerializeOptions.
    const options = isList(transfer) ? { transfer } : (transfer as { transfer?: unknown } | null | undefined);
    const list = isList(options?.transfer) ? [...options.transfer] : [];
    const channels = list.filter((item) => item instanceof RTCDataChannel);
    if (channels.length === 0) {
      // `BroadcastChannel` posts by a port, too, and takes what that returns for success.
      return Reflect.apply(post, this, arguments.length < 2 ? [message] : [message, transfer]);
    }
    if (new Set(channels).size < channels.length) {
      throw new DOMException('A data channel is twice in the transfer list', 'DataCloneError');
    }
    const transfers = channels.map((channel) => {
      const { port1, port2 } = new MessageChannel();
      return { channel, slots: transferableSlots(channel), port1, port2 };
    });
    const ports = new Map<unknown, MessagePort>(transfers.map(({ channel, port2 }) => [channel, port2]));
    const envelope: Envelope = {
      [ENVELOPE]: transfers.map(({ slots, port2 }) => {
        const { view, connection } = slots;
        return { port: port2, state: { view, maxMessageSize: connection.maxMessageSize } };
      }),
      message: replace(message, ports),
    };
    let posted;
    try {
      posted = Reflect.apply(post, this, [envelope, list.map((item) => ports.get(item) ?? item)]);
    } catch (error) {
      for (const { port1 } of transfers) port1.close();
      throw error;
    }
    for (const { channel, slots, port1 } of transfers) {
      slots.isTransferable = false;
      slots.connection.setChannelListener(slots.view.key, new ChannelForwarder(slots, port1));
      detachChannel(channel);
    }
    return posted;
  };
}

/** Puts channels in the place of their ports. */
function opened(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || !(ENVELOPE in data)) return data;
  const { [ENVELOPE]: transfers, message } = data as Envelope;
  const channels = transfers.map(({ port, state }) => [port, receiveChannel(state, port)] as const);
  return replace(message, new Map<unknown, unknown>(channels));
}

type Method = (this: object, ...args: unknown[]) => unknown;
type Patched = Record<string | symbol, Method>;

function patch(target: object, name: string | symbol, wrap: (original: Method) => Method): void {
  const original = (target as Partial<Patched>)[name];
  if (!original) throw new Error(`this version of Node has no ${String(name)}`);
  Object.defineProperty(target, name, { value: wrap(original), writable: true, configurable: true });
}

patch(MessagePort.prototype, 'postMessage', withChannels);
patch(Worker.prototype, 'postMessage', withChannels);
patch(MessagePort.prototype, HYBRID_DISPATCH, (dispatch) =>
  function (data, ...rest) {
    return Reflect.apply(dispatch, this, [opened(data), ...rest]);
  },
);
patch(Worker.prototype, 'emit', (emit) =>
  function (name, ...args) {
    return Reflect.apply(emit, this, [name, ...(name === 'message' ? args.map(opened) : args)]);
  },
);
