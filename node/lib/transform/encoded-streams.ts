/**
 * `createEncodedStreams()` of senders and receivers: the encoded frames as a pair of streams in the thread of the
 * connection. Chromium has it, and had it before `RTCRtpScriptTransform`; no specification does, so that it is there for
 * who imports `duologue/legacy`.
 */
import { type NativeTransform, native } from '../binding.js';
import { RTCRtpReceiver, receiverSlots } from '../rtc/rtp-receiver.js';
import { RTCRtpSender, senderSlots } from '../rtc/rtp-sender.js';
import { extendInterface, internal, operation } from '../webidl/index.js';
import { type RTCEncodedFrame, isEncodedFrame } from './encoded-frame.js';
import { RTCRtpScriptTransformer } from './transformer.js';

export interface EncodedStreams {
  readonly readable: ReadableStream<RTCEncodedFrame>;
  readonly writable: WritableStream<RTCEncodedFrame>;
}

/** Transformers live as long as their senders and receivers. */
const transformers = new WeakMap<object, RTCRtpScriptTransformer>();

function streamsOf(owner: RTCRtpSender | RTCRtpReceiver, attach: (transform: NativeTransform) => void): EncodedStreams {
  if (transformers.has(owner) || owner.transform) {
    throw new DOMException('Its frames are transformed already', 'InvalidStateError');
  }
  const transform = native.createTransform(true);
  attach(transform);
  const transformer = new RTCRtpScriptTransformer(internal, transform.token, undefined);
  transformers.set(owner, transformer);

  const writer = transformer.writable.getWriter();
  const written = new WeakSet<RTCEncodedFrame>();
  const writable = new WritableStream<RTCEncodedFrame>({
    async write(frame) {
      if (!isEncodedFrame(frame)) throw new TypeError('What is written is no encoded frame');
      if (written.has(frame)) throw new DOMException('The frame was written before', 'OperationError');
      written.add(frame);
      await writer.write(frame);
    },
  });
  return { readable: transformer.readable, writable };
}

const shape = { createEncodedStreams: operation() };

extendInterface(
  RTCRtpSender,
  {
    createEncodedStreams(this: RTCRtpSender): EncodedStreams {
      const slots = senderSlots(this);
      slots.connection.assertOpen();
      return streamsOf(this, (transform) => {
        slots.connection.native.setTransform(slots.id, 'sender', transform);
        slots.nativeTransform = transform;
      });
    },
  },
  shape,
);

extendInterface(
  RTCRtpReceiver,
  {
    createEncodedStreams(this: RTCRtpReceiver): EncodedStreams {
      const { connection, id } = receiverSlots(this);
      connection.assertOpen();
      return streamsOf(this, (transform) => connection.native.setTransform(id, 'receiver', transform));
    },
  },
  shape,
);
