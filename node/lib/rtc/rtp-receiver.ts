/** `RTCRtpReceiver`, webrtc-pc §5.3, webrtc-encoded-transform. */
import type { RtpContributingSource } from '../native.js';
import type { RemoteSource } from '../media/remote-source.js';
import type { MediaStreamTrack } from '../media/track.js';
import { EncodedFrames } from '../flow/frames.js';
import { ends } from '../flow/ends.js';
import { RtpPackets } from '../flow/packets.js';
import { nativeTransform } from '../transform/rtp-transform.js';
import * as shapes from '../idl/interfaces.js';
import type { RTCRtpTransform } from '../idl/types.js';
import { assertInternal, defineInterface, internal } from '../webidl/index.js';
import type { Connection } from './connection.js';
import { disableHardware } from './hardware.js';
import type { RTCDtlsTransport } from './dtls-transport.js';
import { capabilitiesOf } from './rtp-sender.js';
import type { RTCStatsReport } from './stats-report.js';

/** §5.3: "less than 0 or larger than 4000 milliseconds". */
const MAX_JITTER_BUFFER_TARGET_MS = 4000;

export interface ReceiverSlots {
  readonly connection: Connection;
  /** The transceiver's number. */
  readonly id: number;
  readonly track: MediaStreamTrack;
  readonly source: RemoteSource;
  transport: RTCDtlsTransport | null;
  transform: RTCRtpTransform | null;
  jitterBufferTarget: number | null;
  /** Who reads what it gets. */
  frames: EncodedFrames | null;
  packets: RtpPackets | null;
}

export let receiverSlots: (receiver: RTCRtpReceiver) => ReceiverSlots;

export class RTCRtpReceiver {
  readonly #slots: ReceiverSlots;

  constructor(token: typeof internal, slots: ReceiverSlots) {
    assertInternal(token);
    this.#slots = slots;
  }

  static getCapabilities(kind: string): object | null {
    return capabilitiesOf(kind, 'receive');
  }
  static disableHardwareDecoding(): void {
    disableHardware();
  }

  get track(): MediaStreamTrack {
    return this.#slots.track;
  }
  get transport(): RTCDtlsTransport | null {
    return this.#slots.transport;
  }
  get transform(): RTCRtpTransform | null {
    return this.#slots.transform;
  }
  set transform(value: RTCRtpTransform | null) {
    const { connection, id } = this.#slots;
    const made = nativeTransform(value, this, 'decrypt');
    if (!connection.isClosed) connection.native.setTransform(id, 'receiver', made);
    this.#slots.transform = value;
  }
  get jitterBufferTarget(): number | null {
    return this.#slots.jitterBufferTarget;
  }
  set jitterBufferTarget(value: number | null) {
    if (value !== null && (value < 0 || value > MAX_JITTER_BUFFER_TARGET_MS)) {
      throw new RangeError(`jitterBufferTarget is not between 0 and ${MAX_JITTER_BUFFER_TARGET_MS}`);
    }
    const { connection, id } = this.#slots;
    if (!connection.isClosed) connection.settle(connection.native.setJitterBufferTarget(id, value));
    this.#slots.jitterBufferTarget = value;
  }

  getParameters(): object {
    const { connection, id } = this.#slots;
    return connection.native.receiverParameters(id);
  }
  getContributingSources(): RtpContributingSource[] {
    return this.#sources(true);
  }
  getSynchronizationSources(): RtpContributingSource[] {
    return this.#sources(false);
  }

  /** The core tells how long ago, and not when: this clock is another one. */
  #sources(contributing: boolean): RtpContributingSource[] {
    const { connection, id, track } = this.#slots;
    if (connection.isClosed) return [];
    const now = performance.timeOrigin + performance.now();
    const sources = connection.native.sources(id, track.kind, contributing);
    return sources.map((source) => ({ ...source, timestamp: now + source.timestamp }));
  }

  frames(): EncodedFrames {
    const slots = this.#slots;
    if (slots.frames && !slots.frames.isEnded) return slots.frames;
    slots.connection.assertOpen();
    const { native: core } = slots.connection;
    // Who reads frames decodes them.
    slots.source.setIdle(false);
    slots.frames = new EncodedFrames(internal, (n) => core.readFrames(slots.id, ends.hub, n), slots.track.kind);
    return slots.frames;
  }
  packets(): RtpPackets {
    const slots = this.#slots;
    if (slots.packets && !slots.packets.isEnded) return slots.packets;
    slots.connection.assertOpen();
    const { native: core } = slots.connection;
    slots.source.setIdle(false);
    slots.packets = new RtpPackets(internal, (n) => core.readPackets(slots.id, ends.hub, n));
    return slots.packets;
  }
  sendKeyFrameRequest(encoding: number): void {
    const { connection, id } = this.#slots;
    connection.settle(connection.native.sendKeyFrameRequest(id, encoding));
  }
  getStats(): Promise<RTCStatsReport> {
    const { connection, id } = this.#slots;
    return connection.stats('receiver', id);
  }

  static {
    receiverSlots = (receiver) => receiver.#slots;
    defineInterface(this, (o) => #slots in o, shapes.RTCRtpReceiver);
  }
}
