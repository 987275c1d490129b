/** `RTCDTMFSender`, webrtc-pc §7.2. */
import * as shapes from '../idl/interfaces.js';
import { assertInternal, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import type { Connection } from './connection.js';

export interface DtmfSlots {
  readonly connection: Connection;
  readonly transceiver: number;
  canInsertDtmf: boolean;
  toneBuffer: string;
}

export class RTCDTMFSender extends EventTarget {
  readonly #slots: DtmfSlots;
  declare ontonechange: EventHandler<RTCDTMFSender>;

  constructor(token: typeof internal, slots: DtmfSlots) {
    assertInternal(token);
    super();
    this.#slots = slots;
  }

  get canInsertDTMF(): boolean {
    return this.#slots.canInsertDtmf;
  }
  get toneBuffer(): string {
    return this.#slots.toneBuffer;
  }
  insertDTMF(tones: string, duration: number, interToneGap: number): void {
    const { connection, transceiver } = this.#slots;
    connection.settle(connection.native.insertDtmf(transceiver, tones, duration, interToneGap));
  }

  static {
    defineInterface(this, (o) => #slots in o, shapes.RTCDTMFSender);
  }
}
