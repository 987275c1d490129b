/**
 * `import 'duologue/transfer'`: certificates and encoded frames can be cloned and data channels transferred, to other threads
 * of Node and by `structuredClone()`; `v8.serialize()` keeps certificates and frames. Both threads import it.
 *
 * Node clones and transfers no objects of libraries. So the channels of a transfer list travel as ports, certificates as
 * text and frames as what is in them, in an envelope that says where they are, and the other side puts objects in their place.
 */
import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';
import threads, { MessageChannel, MessagePort, Worker } from 'node:worker_threads';
import { openMessages, patch } from './ports.js';
import { RTCCertificate, nativeCertificate } from './rtc/certificate.js';
import {
  ChannelForwarder,
  type TransferState,
  receiveChannel,
} from './rtc/transferred-channel.js';
import { type SealedFrame, hasFrames, isEncodedFrame, sealFrame, unsealFrame } from './transform/encoded-frame.js';
import { RTCDataChannel, detachChannel, transferableSlots } from './rtc/data-channel.js';

/** A certificate and its private key (webrtc-pc §4.10.2, "serialization steps"), or a frame. */
type Sealed = { readonly pem: string } | { readonly frame: SealedFrame };

function seal(value: unknown): Sealed | undefined {
  if (isEncodedFrame(value)) return { frame: sealFrame(value) };
  const certificate = nativeCertificate(value as RTCCertificate);
  return certificate && { pem: certificate.toPem() };
}

const unseal = (sealed: Sealed): object => ('pem' in sealed ? RTCCertificate.fromPem(sealed.pem) : unsealFrame(sealed.frame));

/** What is cloned when such objects are in it. */
interface Envelope {
  readonly [ENVELOPE]: {
    readonly channels: readonly { readonly port: MessagePort; readonly state: TransferState }[];
    readonly objects: readonly Sealed[];
  };
  readonly message: unknown;
}
const ENVELOPE = 'duologue:transfer';

/** What is in the place of a value; undefined: itself. */
type Substitute = (value: unknown) => unknown;

/** A copy of a message with other objects in place of some; the structured clone copies it anyway. */
function replace(value: unknown, substitute: Substitute, seen = new Map<object, unknown>()): unknown {
  const instead = substitute(value);
  if (instead !== undefined) return instead;
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const inner = (v: unknown): unknown => replace(v, substitute, seen);
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

/** A copy of a message with what can be cloned in the place of such objects, each time the same for the same one. */
function sealed(message: unknown, substitute: Substitute = () => undefined): { copy: unknown; objects: Sealed[] } {
  const seals = new Map<unknown, Sealed>();
  const copy = replace(message, (value) => {
    const known = seals.get(value) ?? substitute(value);
    const made = known === undefined ? seal(value) : undefined;
    if (!made) return known;
    seals.set(value, made);
    return made;
  });
  return { copy, objects: [...seals.values()] };
}

/** Whether there is a frame in a message. */
function holdsFrame(value: unknown, seen = new Set<object>()): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  if (isEncodedFrame(value)) return true;
  seen.add(value);
  const inner = (v: unknown): boolean => holdsFrame(v, seen);
  if (Array.isArray(value) || value instanceof Set) return [...value].some(inner);
  if (value instanceof Map) return [...value].flat().some(inner);
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.values(value).some(inner);
}

/** Clones a message; one that was refused for such objects again, with those sealed. */
function cloneBy<R>(message: unknown, clone: (message: unknown) => R): R {
  // Of a frame Node would make `{}`, and not refuse it.
  if (hasFrames && holdsFrame(message)) return clone(enveloped(message));
  try {
    return clone(message);
  } catch (error) {
    const envelope = enveloped(message);
    if (!envelope) throw error;
    return clone(envelope);
  }
}

/** What can be cloned in the place of a message with such objects; null: there are none in it. */
function enveloped(message: unknown): object | null {
  if (isFirst(message)) {
    const workerData = enveloped(message.workerData);
    return workerData && { ...message, workerData };
  }
  const { copy, objects } = sealed(message);
  if (objects.length === 0) return null;
  const envelope: Envelope = { [ENVELOPE]: { channels: [], objects }, message: copy };
  return envelope;
}

/** The first message to a thread is Node's own, and has the program's `workerData` in it. */
const isFirst = (message: unknown): message is { readonly workerData: unknown } =>
  typeof message === 'object' && message !== null && 'workerData' in message && 'type' in message && message.type === 'loadScript';

type Post = (this: object, message: unknown, transfer?: unknown) => unknown;

const isList = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value;

function withObjects(post: Post): Post {
  return function postMessage(message, transfer) {
    // Either a sequence or StructuredSerializeOptions.
    const options = isList(transfer) ? { transfer } : (transfer as { transfer?: unknown } | null | undefined);
    const list = isList(options?.transfer) ? [...options.transfer] : [];
    const channels = list.filter((item) => item instanceof RTCDataChannel);
    if (channels.length === 0) {
      // `BroadcastChannel` posts by a port, too, and takes what that returns for success.
      const further = arguments.length < 2 ? [] : [transfer];
      return cloneBy(message, (copy) => Reflect.apply(post, this, [copy, ...further]));
    }
    if (new Set(channels).size < channels.length) {
      throw new DOMException('A data channel is twice in the transfer list', 'DataCloneError');
    }
    const transfers = channels.map((channel) => {
      const { port1, port2 } = new MessageChannel();
      return { channel, slots: transferableSlots(channel), port1, port2 };
    });
    const ports = new Map<unknown, MessagePort>(transfers.map(({ channel, port2 }) => [channel, port2]));
    const { copy, objects } = sealed(message, (value) => ports.get(value));
    const states = transfers.map(({ slots, port2 }) => {
      const { view, connection } = slots;
      return { port: port2, state: { view, maxMessageSize: connection.maxMessageSize } };
    });
    const envelope: Envelope = { [ENVELOPE]: { channels: states, objects }, message: copy };
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

/** Puts channels in the place of their ports, and the other objects in that of what they are made of. */
function opened(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || !(ENVELOPE in data)) return data;
  const { [ENVELOPE]: parts, message } = data as Envelope;
  const objects = new Map<unknown, unknown>([
    ...parts.channels.map(({ port, state }) => [port, receiveChannel(state, port)] as const),
    ...parts.objects.map((sealed) => [sealed, unseal(sealed)] as const),
  ]);
  return replace(message, (value) => objects.get(value));
}

patch(MessagePort.prototype, 'postMessage', withObjects);
patch(Worker.prototype, 'postMessage', withObjects);
openMessages(opened);
patch(Worker.prototype, 'emit', (emit) =>
  function (name, ...args) {
    return Reflect.apply(emit, this, [name, ...(name === 'message' ? args.map(opened) : args)]);
  },
);

// --- what is cloned without a thread: channels are not

patch(globalThis, 'structuredClone', (clone) =>
  function structuredClone(value, ...rest) {
    return opened(cloneBy(value, (copy) => Reflect.apply(clone, this, [copy, ...rest])));
  },
);
patch(v8, 'serialize', (serialize) =>
  function (value) {
    return cloneBy(value, (copy) => Reflect.apply(serialize, this, [copy]));
  },
);
patch(v8, 'deserialize', (deserialize) =>
  function (buffer) {
    return opened(Reflect.apply(deserialize, this, [buffer]));
  },
);
patch(threads, 'receiveMessageOnPort', (receive) =>
  function (port) {
    const received = Reflect.apply(receive, this, [port]) as { message: unknown } | undefined;
    return received && { message: opened(received.message) };
  },
);
// What this thread was begun with.
Object.defineProperty(threads, 'workerData', { value: opened(threads.workerData), writable: true, enumerable: true, configurable: true });
// What `import { serialize } from 'node:v8'` sees.
syncBuiltinESMExports();
