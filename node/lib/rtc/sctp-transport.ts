/** `RTCSctpTransport`, webrtc-pc §6.1.1. */
import * as shapes from '../idl/interfaces.js';
import type { RTCSctpTransportState } from '../idl/types.js';
import { assertInternal, defineInterface, type EventHandler, internal } from '../webidl/index.js';
import type { RTCDtlsTransport } from './dtls-transport.js';

export interface SctpTransportSlots {
  transport: RTCDtlsTransport;
  state: RTCSctpTransportState;
  maxMessageSize: number;
  maxChannels: number | null;
}

export class RTCSctpTransport extends EventTarget {
  readonly #slots: SctpTransportSlots;
  declare onstatechange: EventHandler<RTCSctpTransport>;

  constructor(token: typeof internal, slots: SctpTransportSlots) {
    assertInternal(token);
    super();
    this.#slots = slots;
  }

  get transport(): RTCDtlsTransport {
    return this.#slots.transport;
  }
  get state(): RTCSctpTransportState {
    return this.#slots.state;
  }
  get maxMessageSize(): number {
    return this.#slots.maxMessageSize;
  }
  get maxChannels(): number | null {
    return this.#slots.maxChannels;
  }

  static {
    defineInterface(this, (o) => #slots in o, shapes.RTCSctpTransport);
  }
}
