/** `RTCEncodedVideoFrame` and `RTCEncodedAudioFrame`, webrtc-encoded-transform §4. */
import {
  ArrayBufferType,
  DOMString,
  type Infer,
  arg,
  attribute,
  convertArguments,
  defineInterface,
  dictionary,
  dictionaryArg,
  double,
  interfaceType,
  internal,
  longLong,
  octet,
  operation,
  optional,
  sequence,
  short,
  unsignedLong,
  unsignedLongLong,
  unsignedShort,
} from '../webidl/index.js';

const RTCEncodedFrameMetadata = dictionary('RTCEncodedFrameMetadata', {
  synchronizationSource: optional(unsignedLong),
  payloadType: optional(octet),
  contributingSources: optional(sequence(unsignedLong)),
  rtpTimestamp: optional(unsignedLong),
  receiveTime: optional(double),
  captureTime: optional(double),
  senderCaptureTimeOffset: optional(double),
  mimeType: optional(DOMString),
});
const RTCEncodedVideoFrameMetadata = dictionary(
  'RTCEncodedVideoFrameMetadata',
  {
    frameId: optional(unsignedLongLong),
    dependencies: optional(sequence(unsignedLongLong)),
    width: optional(unsignedShort),
    height: optional(unsignedShort),
    spatialIndex: optional(unsignedLong),
    temporalIndex: optional(unsignedLong),
    timestamp: optional(longLong),
  },
  RTCEncodedFrameMetadata,
);
const RTCEncodedAudioFrameMetadata = dictionary(
  'RTCEncodedAudioFrameMetadata',
  { sequenceNumber: optional(short), audioLevel: optional(double) },
  RTCEncodedFrameMetadata,
);
type VideoMetadata = Infer<typeof RTCEncodedVideoFrameMetadata>;
type AudioMetadata = Infer<typeof RTCEncodedAudioFrameMetadata>;

const RTCEncodedVideoFrameOptions = dictionary('RTCEncodedVideoFrameOptions', {
  metadata: optional(RTCEncodedVideoFrameMetadata),
});
const RTCEncodedAudioFrameOptions = dictionary('RTCEncodedAudioFrameOptions', {
  metadata: optional(RTCEncodedAudioFrameMetadata),
});

interface VideoSlots {
  readonly type: 'empty' | 'key' | 'delta';
  readonly metadata: VideoMetadata;
  data: ArrayBuffer;
}

export class RTCEncodedVideoFrame {
  readonly #slots: VideoSlots;

  constructor(token: typeof internal, slots: VideoSlots);
  constructor(originalFrame: RTCEncodedVideoFrame, options?: { metadata?: VideoMetadata });
  constructor(...args: unknown[]) {
    if (args[0] === internal) {
      this.#slots = args[1] as VideoSlots;
      return;
    }
    const [original, { metadata }] = convertArguments(
      'RTCEncodedVideoFrame constructor',
      [arg(RTCEncodedVideoFrameType), dictionaryArg(RTCEncodedVideoFrameOptions)],
      args,
    );
    const { type, data } = original.#slots;
    this.#slots = { type, data: data.slice(0), metadata: { ...original.getMetadata(), ...metadata } };
  }

  get type(): VideoSlots['type'] {
    return this.#slots.type;
  }
  get data(): ArrayBuffer {
    return this.#slots.data;
  }
  set data(value: ArrayBuffer) {
    this.#slots.data = value;
  }
  getMetadata(): VideoMetadata {
    return structuredClone(this.#slots.metadata);
  }

  static {
    defineInterface(
      this,
      (o) => #slots in o,
      { type: attribute(), data: attribute(ArrayBufferType), getMetadata: operation() },
      { constructorLength: 1 },
    );
  }
}
const RTCEncodedVideoFrameType = interfaceType('RTCEncodedVideoFrame', () => RTCEncodedVideoFrame);

interface AudioSlots {
  readonly metadata: AudioMetadata;
  data: ArrayBuffer;
}

export class RTCEncodedAudioFrame {
  readonly #slots: AudioSlots;

  constructor(token: typeof internal, slots: AudioSlots);
  constructor(originalFrame: RTCEncodedAudioFrame, options?: { metadata?: AudioMetadata });
  constructor(...args: unknown[]) {
    if (args[0] === internal) {
      this.#slots = args[1] as AudioSlots;
      return;
    }
    const [original, { metadata }] = convertArguments(
      'RTCEncodedAudioFrame constructor',
      [arg(RTCEncodedAudioFrameType), dictionaryArg(RTCEncodedAudioFrameOptions)],
      args,
    );
    const data = original.#slots.data.slice(0);
    this.#slots = { data, metadata: { ...original.getMetadata(), ...metadata } };
  }

  get data(): ArrayBuffer {
    return this.#slots.data;
  }
  set data(value: ArrayBuffer) {
    this.#slots.data = value;
  }
  getMetadata(): AudioMetadata {
    return structuredClone(this.#slots.metadata);
  }

  static {
    defineInterface(
      this,
      (o) => #slots in o,
      { data: attribute(ArrayBufferType), getMetadata: operation() },
      { constructorLength: 1 },
    );
  }
}
const RTCEncodedAudioFrameType = interfaceType('RTCEncodedAudioFrame', () => RTCEncodedAudioFrame);
