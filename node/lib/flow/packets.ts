/** `receiver.packets()` and `sender.packets()`: RTP packets, for who records, forwards or makes media. */
import { KeyFrameRequestEvent } from '../events/key-frame-request-event.js';
import type { NativeBatch, NativePacketReader, NativePacketWriter } from '../binding.js';
import {
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
  type EventHandler,
  eventHandler,
  type Infer,
  interfaceShape,
  internal,
  nullable,
  operation,
  optional,
  optionalArg,
  required,
  sequence,
  unsignedLong,
  unsignedShort,
} from '../webidl/index.js';
import {
  AGE,
  AUDIO_LEVEL,
  COLUMNS,
  DETAILS,
  ENCODING,
  FLAGS,
  LENGTH,
  MARKER,
  PAYLOAD_TYPE,
  REPAIRED,
  RID,
  SEQUENCE_NUMBER,
  SSRC,
  TIMESTAMP,
  VOICE,
} from './columns.js';
import { BatchReader } from './reader.js';
import { known, levelOf, linearLevel } from './values.js';
import { BatchWriter, type Outgoing } from './writer.js';

/** A packet that was received; `RTCRtpPacket` of WICG's webrtc-rtptransport is what comes nearest. */
export interface RtpPacket {
  readonly ssrc: number;
  readonly rid: string | null;
  readonly payloadType: number;
  /** The 16 bits of the packet. */
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly audioLevel: number | null;
  readonly voiceActivity: boolean | null;
  /** A view of memory that packets of a batch share. */
  readonly payload: Uint8Array;
  readonly receivedTime: number;
  readonly repaired: boolean;
  /** Who contributed to it, if a mixer made it. */
  readonly contributingSources: readonly number[];
}

const RtpPacketInit = dictionary('RtpPacketInit', {
  payload: required(bufferSource),
  timestamp: required(unsignedLong),
  marker: defaulted(boolean, false),
  encoding: defaulted(unsignedLong, 0),
  payloadType: optional(unsignedShort),
  sequenceNumber: optional(unsignedShort),
  audioLevel: defaulted(nullable(double), null),
  voiceActivity: defaulted(boolean, false),
  contributingSources: optional(sequence(unsignedLong)),
});
type RtpPacketInit = Infer<typeof RtpPacketInit>;

function packetsOf({ fields, data, rids, details, count }: NativeBatch): RtpPacket[] {
  const now = performance.now();
  const packets: RtpPacket[] = [];
  for (let i = 0, at = 0, offset = 0; i < count; i++, at += COLUMNS) {
    const length = fields[at + LENGTH] as number;
    const flags = fields[at + FLAGS] as number;
    const level = known(fields[at + AUDIO_LEVEL]);
    packets.push({
      ssrc: fields[at + SSRC] as number,
      rid: rids?.[fields[at + RID] as number] ?? null,
      payloadType: fields[at + PAYLOAD_TYPE] as number,
      sequenceNumber: (fields[at + SEQUENCE_NUMBER] as number) % 0x1_0000,
      timestamp: fields[at + TIMESTAMP] as number,
      marker: (flags & MARKER) !== 0,
      audioLevel: level === undefined ? null : linearLevel(level),
      voiceActivity: level === undefined ? null : (flags & VOICE) !== 0,
      payload: new Uint8Array(data, offset, length),
      receivedTime: now - (known(fields[at + AGE]) ?? 0),
      repaired: (flags & REPAIRED) !== 0,
      contributingSources: details?.[fields[at + DETAILS] as number]?.contributingSources ?? [],
    });
    offset += length;
  }
  return packets;
}

const outgoing = (packet: RtpPacketInit): Outgoing => ({
  bytes: bytesOf(packet.payload),
  details: packet.contributingSources && { contributingSources: packet.contributingSources },
  fill(fields, at) {
    fields[at + ENCODING] = packet.encoding;
    fields[at + PAYLOAD_TYPE] = packet.payloadType ?? -1;
    fields[at + TIMESTAMP] = packet.timestamp;
    fields[at + SEQUENCE_NUMBER] = packet.sequenceNumber ?? -1;
    fields[at + AUDIO_LEVEL] = packet.audioLevel === null ? -1 : levelOf(packet.audioLevel);
    fields[at + FLAGS] = (packet.marker ? MARKER : 0) | (packet.voiceActivity ? VOICE : 0);
  },
});

/** The packets of a receiver, in the order in which they arrived. */
export class RtpPackets {
  readonly #reader: BatchReader<RtpPacket>;

  constructor(token: typeof internal, open: (number: number) => NativePacketReader) {
    assertInternal(token);
    this.#reader = new BatchReader(open, packetsOf);
  }

  get dropped(): number {
    return this.#reader.dropped;
  }
  get readable(): ReadableStream<RtpPacket> {
    return this.#reader.stream;
  }
  tryRecv(): RtpPacket | null {
    return this.#reader.tryNext() ?? null;
  }
  recvMany(limit: number): Promise<RtpPacket[]> {
    return this.#reader.receive(Math.max(1, limit));
  }
  close(): void {
    this.#reader.close();
  }
  [Symbol.asyncIterator](): AsyncGenerator<RtpPacket, void, undefined> {
    return this.#reader.iterate();
  }
  get isEnded(): boolean {
    return this.#reader.isEnded;
  }

  static {
    defineInterface(this, (o) => #reader in o, interfaceShape('RtpPackets', {
      dropped: attribute(),
      readable: attribute(),
      tryRecv: operation(),
      recvMany: operation([[optionalArg(unsignedLong, 64)]], { isPromise: true }),
      close: operation(),
    }));
  }
}

/** Sends packets that the program has made. */
export class RtpPacketWriter extends EventTarget {
  readonly #writer: BatchWriter;
  #stream: WritableStream<RtpPacketInit> | null = null;
  declare onkeyframerequest: EventHandler<RtpPacketWriter>;

  constructor(token: typeof internal, open: (number: number) => NativePacketWriter) {
    assertInternal(token);
    super();
    this.#writer = new BatchWriter(open);
  }

  get queued(): number {
    return this.#writer.queued;
  }
  get writable(): WritableStream<RtpPacketInit> {
    return (this.#stream ??= new WritableStream<RtpPacketInit>({
      write: (packet) => this.#writer.sendAll([RtpPacketInit(packet, 'The packet')], outgoing),
    }));
  }
  send(packets: readonly RtpPacketInit[]): number {
    return this.#writer.send(packets, outgoing);
  }
  sendAll(packets: readonly RtpPacketInit[]): Promise<void> {
    return this.#writer.sendAll(packets, outgoing);
  }
  ready(): Promise<void> {
    return this.#writer.ready();
  }

  static {
    defineInterface(this, (o) => #writer in o, interfaceShape('RtpPacketWriter', {
      queued: attribute(),
      writable: attribute(),
      send: operation([[arg(sequence(RtpPacketInit))]]),
      sendAll: operation([[arg(sequence(RtpPacketInit))]], { isPromise: true }),
      ready: operation([[]], { isPromise: true }),
      onkeyframerequest: eventHandler(),
    }));
  }
}

/** The other end of what these write needs a key frame. */
export function fireKeyFrameRequest(targets: readonly (EventTarget | null)[], rid: string | null): void {
  for (const target of targets) target?.dispatchEvent(new KeyFrameRequestEvent('keyframerequest', rid ?? undefined));
}
