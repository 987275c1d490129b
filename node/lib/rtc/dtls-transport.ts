/** `RTCDtlsTransport`, webrtc-pc §5.5. */
import * as shapes from '../idl/interfaces.js';
import type { RTCDtlsTransportState } from '../idl/types.js';
import { assertInternal, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import type { Connection } from './connection.js';
import type { RTCIceTransport } from './ice-transport.js';

export interface DtlsTransportSlots {
  readonly connection: Connection;
  readonly key: number;
  readonly iceTransport: RTCIceTransport;
  state: RTCDtlsTransportState;
}

export class RTCDtlsTransport extends EventTarget {
  readonly #slots: DtlsTransportSlots;
  declare onstatechange: EventHandler<RTCDtlsTransport>;
  declare onerror: EventHandler<RTCDtlsTransport>;

  constructor(token: typeof internal, slots: DtlsTransportSlots) {
    assertInternal(token);
    super();
    this.#slots = slots;
  }

  get iceTransport(): RTCIceTransport {
    return this.#slots.iceTransport;
  }
  get state(): RTCDtlsTransportState {
    return this.#slots.state;
  }
  get silent(): boolean {
    const { connection, key } = this.#slots;
    return connection.native.isDtlsSilent(key);
  }
  getRemoteCertificates(): ArrayBuffer[] {
    const { connection, key } = this.#slots;
    return connection.native.remoteCertificates(key);
  }

  static {
    defineInterface(this, (o) => #slots in o, shapes.RTCDtlsTransport);
  }
}
