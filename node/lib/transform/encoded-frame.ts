/**
 * `RTCEncodedVideoFrame` and `RTCEncodedAudioFrame`, webrtc-encoded-transform §4. Their numbers stay
 * in the batch that they came in, and so do their bytes until somebody looks at them.
 */
import {
  AGE,
  AUDIO_LEVEL,
  COLUMNS,
  DETAILS,
  FLAGS,
  HEIGHT,
  KEY,
  LENGTH,
  PAYLOAD_TYPE,
  RID,
  SEQUENCE_NUMBER,
  SSRC,
  TEMPORAL,
  TIMESTAMP,
  WIDTH,
} from '../flow/columns.js';
import { known, levelOf, linearLevel } from '../flow/values.js';
import type { Outgoing } from '../flow/writer.js';
import type { NativeBatch } from '../binding.js';
import type { NativeDetails } from '../native.js';
import * as shapes from '../idl/interfaces.js';
import type {
  RTCEncodedAudioFrameMetadata as AudioMetadata,
  RTCEncodedVideoFrameMetadata as VideoMetadata,
  RTCEncodedVideoFrameType,
} from '../idl/types.js';
import { bytesOf, constructorArguments, defineInterface, internal } from '../webidl/index.js';

/** Where frames come from: a receiver, or a transformer. */
export interface FrameSource {
  /** What a payload type means there. */
  mimeType(payloadType: number): string | undefined;
}

/** Whether this thread has ever had a frame. */
export let hasFrames = false;

/** A frame in its batch. */
class FrameSlots {
  /** The bytes, once somebody has asked for them. */
  #data: ArrayBuffer | null = null;
  /** What was said of it instead. */
  changed: VideoMetadata & AudioMetadata = {};

  constructor(
    readonly source: FrameSource,
    /** Its place among those of its source. */
    readonly counter: number,
    readonly fields: Float64Array,
    readonly at: number,
    private readonly batch: ArrayBuffer,
    private readonly offset: number,
    readonly rid: string | null,
    /** When it came, if it came from the network. */
    readonly receiveTime: number | undefined,
    readonly details: NativeDetails | undefined,
    /** When it was captured. */
    readonly captureTime: number | undefined,
  ) {
    hasFrames = true;
  }

  column(column: number): number {
    return this.fields[this.at + column] as number;
  }

  get data(): ArrayBuffer {
    return (this.#data ??= this.batch.slice(this.offset, this.offset + this.column(LENGTH)));
  }
  set data(data: ArrayBuffer) {
    this.#data = data;
  }

  /** Its bytes where they are. */
  get bytes(): Uint8Array {
    return this.#data ? bytesOf(this.#data) : new Uint8Array(this.batch, this.offset, this.column(LENGTH));
  }

  /** The bytes are somebody else's now: `data` is a detached buffer. */
  detach(): void {
    const data = this.#data ?? new ArrayBuffer(0);
    structuredClone(data, { transfer: [data] });
    this.#data = data;
  }

  clone(changes: VideoMetadata & AudioMetadata | undefined): FrameSlots {
    const { source, counter, fields, at, batch, offset, rid, receiveTime, details, captureTime } = this;
    const times = [receiveTime, details, captureTime] as const;
    const made = new FrameSlots(source, counter, fields, at, batch, offset, rid, ...times);
    if (this.#data) made.data = this.#data.slice(0);
    made.changed = { ...this.changed, ...changes };
    return made;
  }

  get mimeType(): string | undefined {
    const payloadType = known(this.column(PAYLOAD_TYPE));
    return payloadType === undefined ? undefined : this.source.mimeType(payloadType);
  }

  /** What frames of both kinds tell. */
  get metadata(): VideoMetadata & AudioMetadata {
    return present({
      synchronizationSource: known(this.column(SSRC)),
      payloadType: known(this.column(PAYLOAD_TYPE)),
      rtpTimestamp: this.column(TIMESTAMP),
      receiveTime: this.receiveTime,
      contributingSources: [...(this.details?.contributingSources ?? [])],
      captureTime: this.captureTime,
      senderCaptureTimeOffset: this.details?.senderCaptureTimeOffset,
      mimeType: this.mimeType,
    });
  }
}

/** Without the members that are not known. */
export function present<T extends object>(members: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}

let videoSlots: (frame: RTCEncodedVideoFrame) => FrameSlots;
let audioSlots: (frame: RTCEncodedAudioFrame) => FrameSlots;

export class RTCEncodedVideoFrame {
  readonly #slots: FrameSlots;

  constructor(token: typeof internal, slots: FrameSlots);
  constructor(originalFrame: RTCEncodedVideoFrame, options?: { metadata?: VideoMetadata });
  constructor(...args: unknown[]) {
    if (args[0] === internal) {
      this.#slots = args[1] as FrameSlots;
      return;
    }
    const [original, { metadata }] = constructorArguments(shapes.RTCEncodedVideoFrame, args);
    this.#slots = original.#slots.clone(metadata);
  }

  get type(): RTCEncodedVideoFrameType {
    const slots = this.#slots;
    if (slots.column(LENGTH) === 0) return 'empty';
    return (slots.column(FLAGS) & KEY) !== 0 ? 'key' : 'delta';
  }
  get timestamp(): number {
    return this.#slots.column(TIMESTAMP);
  }
  get data(): ArrayBuffer {
    return this.#slots.data;
  }
  set data(value: ArrayBuffer) {
    this.#slots.data = value;
  }
  getMetadata(): VideoMetadata {
    const slots = this.#slots;
    return {
      ...slots.metadata,
      ...present<VideoMetadata>({
        width: known(slots.column(WIDTH)),
        height: known(slots.column(HEIGHT)),
        temporalIndex: known(slots.column(TEMPORAL)),
        spatialIndex: slots.details?.spatial,
        frameId: slots.details?.frameId,
        dependencies: slots.details?.frameId === undefined ? undefined : [...(slots.details.dependencies ?? [])],
      }),
      ...structuredClone(slots.changed),
    };
  }
  setMetadata(metadata: VideoMetadata): void {
    this.#slots.changed = metadata;
  }

  static {
    videoSlots = (frame) => frame.#slots;
    defineInterface(this, (o) => #slots in o, shapes.RTCEncodedVideoFrame);
  }
}

export class RTCEncodedAudioFrame {
  readonly #slots: FrameSlots;

  constructor(token: typeof internal, slots: FrameSlots);
  constructor(originalFrame: RTCEncodedAudioFrame, options?: { metadata?: AudioMetadata });
  constructor(...args: unknown[]) {
    if (args[0] === internal) {
      this.#slots = args[1] as FrameSlots;
      return;
    }
    const [original, { metadata }] = constructorArguments(shapes.RTCEncodedAudioFrame, args);
    this.#slots = original.#slots.clone(metadata);
  }

  get timestamp(): number {
    return this.#slots.column(TIMESTAMP);
  }
  get data(): ArrayBuffer {
    return this.#slots.data;
  }
  set data(value: ArrayBuffer) {
    this.#slots.data = value;
  }
  getMetadata(): AudioMetadata {
    const slots = this.#slots;
    const [number, level] = [known(slots.column(SEQUENCE_NUMBER)), known(slots.column(AUDIO_LEVEL))];
    return {
      ...slots.metadata,
      ...present<AudioMetadata>({
        sequenceNumber: number === undefined ? undefined : number % 0x1_0000,
        audioLevel: level === undefined ? undefined : linearLevel(level),
      }),
      ...structuredClone(slots.changed),
    };
  }
  setMetadata(metadata: AudioMetadata): void {
    this.#slots.changed = metadata;
  }

  static {
    audioSlots = (frame) => frame.#slots;
    defineInterface(this, (o) => #slots in o, shapes.RTCEncodedAudioFrame);
  }
}

export type RTCEncodedFrame = RTCEncodedVideoFrame | RTCEncodedAudioFrame;

export const isEncodedFrame = (value: unknown): value is RTCEncodedFrame =>
  value instanceof RTCEncodedVideoFrame || value instanceof RTCEncodedAudioFrame;

export const frameSlots = (frame: RTCEncodedFrame): FrameSlots =>
  frame instanceof RTCEncodedVideoFrame ? videoSlots(frame) : audioSlots(frame);

/** What a copy of a frame is made of: webrtc-encoded-transform §4, "serialization steps". */
export interface SealedFrame {
  readonly kind: 'audio' | 'video';
  readonly counter: number;
  readonly fields: Float64Array;
  readonly data: ArrayBuffer;
  readonly rid: string | null;
  readonly receiveTime: number | undefined;
  readonly details: NativeDetails | undefined;
  readonly captureTime: number | undefined;
  readonly mimeType: string | undefined;
  readonly changed: VideoMetadata & AudioMetadata;
}

export function sealFrame(frame: RTCEncodedFrame): SealedFrame {
  const slots = frameSlots(frame);
  const { counter, rid, receiveTime, details, captureTime, mimeType, changed } = slots;
  const fields = slots.fields.slice(slots.at, slots.at + COLUMNS);
  const bytes = slots.bytes.slice();
  fields[LENGTH] = bytes.length;
  const kind = frame instanceof RTCEncodedVideoFrame ? 'video' : 'audio';
  return { kind, counter, fields, data: bytes.buffer, rid, receiveTime, details, captureTime, mimeType, changed };
}

export function unsealFrame({ kind, counter, fields, data, rid, receiveTime, details, captureTime, mimeType, changed }: SealedFrame): RTCEncodedFrame {
  const source: FrameSource = { mimeType: () => mimeType };
  const slots = new FrameSlots(source, counter, fields, 0, data, 0, rid, receiveTime, details, captureTime);
  slots.changed = changed;
  return kind === 'video' ? new RTCEncodedVideoFrame(internal, slots) : new RTCEncodedAudioFrame(internal, slots);
}

/** The frames of a batch; `counter` is that of the first. */
export function framesOf(
  { fields, data, rids, details, count }: NativeBatch,
  kind: 'audio' | 'video',
  source: FrameSource,
  counter = 0,
): RTCEncodedFrame[] {
  const now = performance.now();
  const Frame = kind === 'audio' ? RTCEncodedAudioFrame : RTCEncodedVideoFrame;
  const frames: RTCEncodedFrame[] = [];
  for (let i = 0, at = 0, offset = 0; i < count; i++, at += COLUMNS) {
    const age = known(fields[at + AGE]);
    const rid = rids?.[fields[at + RID] as number] ?? null;
    const receiveTime = age === undefined ? undefined : now - age;
    const more = details?.[fields[at + DETAILS] as number];
    const captureTime = more?.captureAge === undefined ? undefined : now - more.captureAge;
    const times = [receiveTime, more, captureTime] as const;
    frames.push(new Frame(internal, new FrameSlots(source, counter + i, fields, at, data, offset, rid, ...times)));
    offset += fields[at + LENGTH] as number;
  }
  return frames;
}

/** A frame as it is sent, under this payload type. */
export function outgoingFrame(slots: FrameSlots, payloadType: number | undefined): Outgoing {
  return {
    bytes: slots.bytes,
    details: outgoingDetails(slots),
    fill(fields, at) {
      const { changed } = slots;
      for (let column = 0; column < COLUMNS; column++) fields[at + column] = slots.column(column);
      fields[at + PAYLOAD_TYPE] = changed.payloadType ?? payloadType ?? -1;
      fields[at + TIMESTAMP] = changed.rtpTimestamp ?? slots.column(TIMESTAMP);
      fields[at + TEMPORAL] = changed.temporalIndex ?? slots.column(TEMPORAL);
      if (changed.audioLevel !== undefined) fields[at + AUDIO_LEVEL] = levelOf(changed.audioLevel);
    },
  };
}

function outgoingDetails({ details, changed, captureTime }: FrameSlots): NativeDetails | undefined {
  const { contributingSources: contributors, frameId, dependencies } = changed;
  if (!details && !contributors && frameId === undefined) return undefined;
  const captureAge = captureTime === undefined ? undefined : performance.now() - captureTime;
  return {
    ...details,
    ...present<NativeDetails>({ captureAge }),
    ...(frameId !== undefined && present<NativeDetails>({ frameId, dependencies })),
    ...(contributors && { contributingSources: contributors, contributingLevels: [] }),
  };
}
