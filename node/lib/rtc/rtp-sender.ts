/** `RTCRtpSender`, webrtc-pc §5.2, webrtc-encoded-transform. */
import type { MediaStream } from '../media/stream.js';
import type { MediaStreamTrack } from '../media/track.js';
import { EncodedFrameWriter } from '../flow/frames.js';
import { ends } from '../flow/ends.js';
import { RtpPacketWriter, fireKeyFrameRequest } from '../flow/packets.js';
import { type NativeTransform, native } from '../binding.js';
import { nativeTransform } from '../transform/rtp-transform.js';
import * as shapes from '../idl/interfaces.js';
import type { RTCRtpSendParameters, RTCRtpTransform, RTCSetParameterOptions } from '../idl/types.js';
import { assertInternal, defineInterface, internal } from '../webidl/index.js';
import type { Connection } from './connection.js';
import { disableHardware } from './hardware.js';
import type { RTCDtlsTransport } from './dtls-transport.js';
import type { RTCDTMFSender } from './dtmf-sender.js';
import type { TrackEncoder } from './encoder.js';
import type { RTCStatsReport } from './stats-report.js';

export interface SenderSlots {
  readonly connection: Connection;
  /** The transceiver's number. */
  readonly id: number;
  readonly kind: 'audio' | 'video';
  readonly dtmf: RTCDTMFSender | null;
  /** `[[AssociatedMediaStreams]]` */
  streams: readonly MediaStream[];
  track: MediaStreamTrack | null;
  transport: RTCDtlsTransport | null;
  transform: RTCRtpTransform | null;
  nativeTransform: NativeTransform | null;
  /** Who writes what it sends. */
  frames: EncodedFrameWriter | null;
  packets: RtpPacketWriter | null;
  /** Who encodes its track, once it has sent one. */
  encoder: TrackEncoder | null;
}

/** The other end needs a key frame: a transform hears it first, else who makes what is sent. */
export function requestKeyFrame(slots: SenderSlots, encoding: number, rid: string | null): void {
  if (slots.nativeTransform) slots.nativeTransform.wantKeyFrame(encoding);
  else {
    if (slots.encoder) slots.connection.native.wantKeyFrame(slots.id, encoding);
    fireKeyFrameRequest([slots.frames, slots.packets], rid);
  }
}

export function capabilitiesOf(kind: string, side: 'send' | 'receive'): object | null {
  return kind === 'audio' || kind === 'video' ? native.capabilities(kind, side) : null;
}

export let senderSlots: (sender: RTCRtpSender) => SenderSlots;

export class RTCRtpSender {
  readonly #slots: SenderSlots;

  constructor(token: typeof internal, slots: SenderSlots) {
    assertInternal(token);
    this.#slots = slots;
  }

  static getCapabilities(kind: string): object | null {
    return capabilitiesOf(kind, 'send');
  }
  static disableHardwareEncoding(): void {
    disableHardware();
  }

  get track(): MediaStreamTrack | null {
    return this.#slots.track;
  }
  get transport(): RTCDtlsTransport | null {
    return this.#slots.transport;
  }
  get dtmf(): RTCDTMFSender | null {
    return this.#slots.dtmf;
  }
  get transform(): RTCRtpTransform | null {
    return this.#slots.transform;
  }
  set transform(value: RTCRtpTransform | null) {
    const slots = this.#slots;
    const { connection, id } = slots;
    const made = nativeTransform(value, this, 'encrypt');
    if (!connection.isClosed) connection.native.setTransform(id, 'sender', made);
    slots.transform = value;
    slots.nativeTransform = made;
  }

  getParameters(): object {
    const { connection, id } = this.#slots;
    return connection.settle(connection.native.parameters(id));
  }
  /** webrtc-extensions §5.3: what is asked of encodings once. */
  setParameters(parameters: RTCRtpSendParameters, { encodingOptions }: RTCSetParameterOptions): Promise<void> {
    const { connection, id, kind } = this.#slots;
    const fits = encodingOptions.length === 0 || encodingOptions.length === parameters.encodings.length;
    const keys = encodingOptions.flatMap(({ keyFrame }, encoding) => (keyFrame ? [encoding] : []));
    if (!fits || (kind === 'audio' && keys.length > 0)) {
      throw new DOMException('encodingOptions do not fit the encodings', 'InvalidModificationError');
    }
    const done = connection.operation<undefined>(() => connection.native.setParameters(id, parameters));
    if (keys.length === 0) return done;
    return done.then(() => {
      for (const encoding of keys) requestKeyFrame(this.#slots, encoding, parameters.encodings[encoding]?.rid ?? null);
    });
  }
  replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    const { connection, id } = this.#slots;
    return connection.operation(() => connection.native.replaceTrack(id, track && connection.adopt(track)));
  }
  setStreams(...streams: MediaStream[]): void {
    const { connection, id } = this.#slots;
    connection.settle(connection.native.setStreams(id, streams.map((s) => s.id)));
    this.#slots.streams = streams;
  }
  frames(): EncodedFrameWriter {
    const slots = this.#slots;
    slots.connection.assertOpen();
    const { native: core } = slots.connection;
    slots.frames ??= new EncodedFrameWriter(internal, (n) => core.writeFrames(slots.id, ends.hub, n));
    // Who writes frames encodes them.
    slots.encoder?.update(false);
    return slots.frames;
  }
  packets(): RtpPacketWriter {
    const slots = this.#slots;
    slots.connection.assertOpen();
    const { native: core } = slots.connection;
    slots.packets ??= new RtpPacketWriter(internal, (n) => core.writePackets(slots.id, ends.hub, n));
    slots.encoder?.update(false);
    return slots.packets;
  }
  getStats(): Promise<RTCStatsReport> {
    const { connection, id } = this.#slots;
    return connection.stats('sender', id);
  }

  static {
    senderSlots = (sender) => sender.#slots;
    defineInterface(this, (o) => #slots in o, shapes.RTCRtpSender);
  }
}
