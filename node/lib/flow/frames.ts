/** `receiver.frames()` and `sender.frames()`: encoded frames, for who encodes, decodes, records or plays. */
import type { NativeFrameReader, NativeFrameWriter } from '../binding.js';
import type { NativeDetails } from '../native.js';
import { type RTCEncodedFrame, frameSlots, framesOf, isEncodedFrame, outgoingFrame, present } from '../transform/encoded-frame.js';
import {
  any,
  arg,
  assertInternal,
  attribute,
  boolean,
  bufferSource,
  bytesOf,
  defaulted,
  defineInterface,
  dictionary,
  double,
  enumeration,
  type EventHandler,
  eventHandler,
  type Infer,
  interfaceShape,
  internal,
  operation,
  optional,
  optionalArg,
  required,
  sequence,
  unsignedLong,
  unsignedShort,
} from '../webidl/index.js';
import { AUDIO_LEVEL, DISCARDABLE, ENCODING, FLAGS, KEY, PAYLOAD_TYPE, TEMPORAL, TIMESTAMP, VOICE } from './columns.js';
import { fireKeyFrameRequest } from './packets.js';
import { BatchReader } from './reader.js';
import { levelOf } from './values.js';
import { BatchWriter, type Outgoing } from './writer.js';

const EncodedFrameInit = dictionary('EncodedFrameInit', {
  data: required(bufferSource),
  timestamp: required(unsignedLong),
  type: optional(enumeration('RTCEncodedVideoFrameType', ['empty', 'key', 'delta'])),
  encoding: defaulted(unsignedLong, 0),
  payloadType: optional(unsignedShort),
  audioLevel: optional(double),
  voiceActivity: defaulted(boolean, false),
  temporalIndex: optional(unsignedLong),
  discardable: defaulted(boolean, false),
  contributingSources: optional(sequence(unsignedLong)),
  captureTime: optional(double),
  frameId: optional(unsignedLong),
  dependencies: optional(sequence(unsignedLong)),
});
type EncodedFrameInit = Infer<typeof EncodedFrameInit>;

function detailsOf({ contributingSources, captureTime, frameId, dependencies }: EncodedFrameInit): NativeDetails | undefined {
  if (!contributingSources && captureTime === undefined && frameId === undefined) return undefined;
  const captureAge = captureTime === undefined ? undefined : performance.now() - captureTime;
  return present<NativeDetails>({ contributingSources, captureAge, frameId, dependencies });
}

const outgoing = (frame: EncodedFrameInit): Outgoing => ({
  bytes: bytesOf(frame.data),
  details: detailsOf(frame),
  fill(fields, at) {
    const { type, audioLevel, voiceActivity, discardable } = frame;
    fields[at + ENCODING] = frame.encoding;
    fields[at + PAYLOAD_TYPE] = frame.payloadType ?? -1;
    fields[at + TIMESTAMP] = frame.timestamp;
    fields[at + TEMPORAL] = frame.temporalIndex ?? -1;
    fields[at + AUDIO_LEVEL] = audioLevel === undefined ? -1 : levelOf(audioLevel);
    fields[at + FLAGS] = (type === 'key' ? KEY : 0) | (discardable ? DISCARDABLE : 0) | (voiceActivity ? VOICE : 0);
  },
});

/** What `sender.frames()` takes. */
export type OutgoingFrame = RTCEncodedFrame | EncodedFrameInit;

/** The frames of a receiver, behind its transform if it has one. */
export class EncodedFrames {
  readonly #reader: BatchReader<RTCEncodedFrame>;

  constructor(token: typeof internal, open: (number: number) => NativeFrameReader, kind: 'audio' | 'video') {
    assertInternal(token);
    let native: NativeFrameReader;
    const source = { mimeType: (payloadType: number) => native.mimeType(payloadType) ?? undefined };
    this.#reader = new BatchReader(
      (number) => (native = open(number)),
      (batch) => framesOf(batch, kind, source),
    );
  }

  get dropped(): number {
    return this.#reader.dropped;
  }
  get readable(): ReadableStream<RTCEncodedFrame> {
    return this.#reader.stream;
  }
  tryRecv(): RTCEncodedFrame | null {
    return this.#reader.tryNext() ?? null;
  }
  recvMany(limit: number): Promise<RTCEncodedFrame[]> {
    return this.#reader.receive(Math.max(1, limit));
  }
  close(): void {
    this.#reader.close();
  }
  [Symbol.asyncIterator](): AsyncGenerator<RTCEncodedFrame, void, undefined> {
    return this.#reader.iterate();
  }
  get isEnded(): boolean {
    return this.#reader.isEnded;
  }

  static {
    defineInterface(this, (o) => #reader in o, interfaceShape('EncodedFrames', {
      dropped: attribute(),
      readable: attribute(),
      tryRecv: operation(),
      recvMany: operation([[optionalArg(unsignedLong, 64)]], { isPromise: true }),
      close: operation(),
    }));
  }
}

/** Sends frames that the program has encoded, or received from elsewhere. */
export class EncodedFrameWriter extends EventTarget {
  readonly #writer: BatchWriter;
  readonly #native: NativeFrameWriter;
  #stream: WritableStream<OutgoingFrame> | null = null;
  declare onkeyframerequest: EventHandler<EncodedFrameWriter>;

  constructor(token: typeof internal, open: (number: number) => NativeFrameWriter) {
    assertInternal(token);
    super();
    const changed = (): void => this.#tellOfKeyFrames();
    this.#writer = new BatchWriter(open, changed);
    this.#native = this.#writer.native as NativeFrameWriter;
  }

  get queued(): number {
    return this.#writer.queued;
  }
  get writable(): WritableStream<OutgoingFrame> {
    return (this.#stream ??= new WritableStream<OutgoingFrame>({ write: (frame) => this.sendAll([frame]) }));
  }
  send(frames: readonly OutgoingFrame[]): number {
    return this.#writer.send(frames, this.#converter());
  }
  sendAll(frames: readonly OutgoingFrame[]): Promise<void> {
    return this.#writer.sendAll(frames, this.#converter());
  }
  ready(): Promise<void> {
    return this.#writer.ready();
  }

  /** A transform asks for them. */
  #tellOfKeyFrames(): void {
    for (const encoding of this.#native.takeKeyFramesWanted()) {
      fireKeyFrameRequest([this], this.#native.rid(encoding) ?? null);
    }
  }

  /** A frame that came from elsewhere goes by this sender's number for its codec. */
  #converter(): (frame: OutgoingFrame) => Outgoing {
    const payloadTypes = new Map<string | undefined, number | undefined>([[undefined, undefined]]);
    return (frame) => {
      if (!isEncodedFrame(frame)) return outgoing(EncodedFrameInit(frame, 'The frame'));
      const slots = frameSlots(frame);
      const mimeType = slots.mimeType;
      if (!payloadTypes.has(mimeType)) {
        payloadTypes.set(mimeType, this.#native.payloadType(mimeType as string) ?? undefined);
      }
      return outgoingFrame(slots, payloadTypes.get(mimeType));
    };
  }

  static {
    defineInterface(this, (o) => #writer in o, interfaceShape('EncodedFrameWriter', {
      queued: attribute(),
      writable: attribute(),
      send: operation([[arg(sequence(any))]]),
      sendAll: operation([[arg(sequence(any))]], { isPromise: true }),
      ready: operation([[]], { isPromise: true }),
      onkeyframerequest: eventHandler(),
    }));
  }
}
