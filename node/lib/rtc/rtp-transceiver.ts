/** `RTCRtpTransceiver`, webrtc-pc §5.4, and its header extension control, webrtc-extensions §6. */
import * as shapes from '../idl/interfaces.js';
import type { RTCRtpCodec, RTCRtpHeaderExtensionCapability, RTCRtpTransceiverDirection } from '../idl/types.js';
import { assertInternal, defineInterface, internal } from '../webidl/index.js';
import type { Connection } from './connection.js';
import type { RTCRtpReceiver } from './rtp-receiver.js';
import type { RTCRtpSender } from './rtp-sender.js';

export interface TransceiverSlots {
  readonly connection: Connection;
  readonly id: number;
  readonly sender: RTCRtpSender;
  readonly receiver: RTCRtpReceiver;
  mid: string | null;
  direction: RTCRtpTransceiverDirection;
  currentDirection: RTCRtpTransceiverDirection | null;
  rtpHeaderEncryptionNegotiated: boolean;
}

export class RTCRtpTransceiver {
  readonly #slots: TransceiverSlots;

  constructor(token: typeof internal, slots: TransceiverSlots) {
    assertInternal(token);
    this.#slots = slots;
  }

  get mid(): string | null {
    return this.#slots.mid;
  }
  get sender(): RTCRtpSender {
    return this.#slots.sender;
  }
  get receiver(): RTCRtpReceiver {
    return this.#slots.receiver;
  }
  get direction(): RTCRtpTransceiverDirection {
    return this.#slots.direction;
  }
  set direction(value: RTCRtpTransceiverDirection) {
    const { connection, id } = this.#slots;
    connection.settle(connection.native.setDirection(id, value));
  }
  get currentDirection(): RTCRtpTransceiverDirection | null {
    return this.#slots.currentDirection;
  }
  get rtpHeaderEncryptionNegotiated(): boolean {
    return this.#slots.rtpHeaderEncryptionNegotiated;
  }
  /** Of the Recommendation of 2021; every browser has it. */
  get stopped(): boolean {
    return this.#slots.currentDirection === 'stopped';
  }
  get rejection(): string | null {
    const { connection, id } = this.#slots;
    return connection.native.rejection(id) ?? null;
  }

  stop(): void {
    const { connection, id } = this.#slots;
    connection.settle(connection.native.stop(id));
  }
  setCodecPreferences(codecs: RTCRtpCodec[]): void {
    const { connection, id } = this.#slots;
    connection.settle(connection.native.setCodecPreferences(id, codecs));
  }
  getHeaderExtensionsToNegotiate(): object[] {
    const { connection, id } = this.#slots;
    return connection.native.headerExtensionsToNegotiate(id);
  }
  setHeaderExtensionsToNegotiate(extensions: RTCRtpHeaderExtensionCapability[]): void {
    const { connection, id } = this.#slots;
    connection.settle(connection.native.setHeaderExtensionsToNegotiate(id, extensions));
  }
  getNegotiatedHeaderExtensions(): object[] {
    const { connection, id } = this.#slots;
    return connection.native.negotiatedHeaderExtensions(id);
  }

  static {
    defineInterface(this, (o) => #slots in o, shapes.RTCRtpTransceiver);
  }
}
