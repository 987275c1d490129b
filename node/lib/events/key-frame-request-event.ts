/** webrtc-encoded-transform §5: who receives what is sent cannot decode it without a key frame. */
import * as shapes from '../idl/interfaces.js';
import { constructorArguments, defineInterface, internal } from '../webidl/index.js';

export class KeyFrameRequestEvent extends Event {
  readonly #rid: string | null;

  constructor(type: string, rid?: string);
  /** One that may be canceled: then the encoder is not told. */
  constructor(type: string, rid: string | undefined, token: typeof internal);
  constructor(...args: unknown[]) {
    const [type, rid] = constructorArguments(shapes.KeyFrameRequestEvent, args);
    super(type, { cancelable: args[2] === internal });
    this.#rid = rid ?? null;
  }

  get rid(): string | null {
    return this.#rid;
  }

  static {
    defineInterface(this, (o) => #rid in o, shapes.KeyFrameRequestEvent);
  }
}
