// What a browser's worker would do in the same words, were it not for `import`.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { RTCEncodedVideoFrame, workerScope } from 'duologue';

const IV = 12;
const TAG = 16;

/** What packetizers and servers read stays in the clear: of VP8 its header, of Opus its first byte. */
const clearBytes = (frame) => (frame instanceof RTCEncodedVideoFrame ? (frame.type === 'key' ? 10 : 3) : 1);

function encrypt(frame, key) {
  const data = Buffer.from(frame.data);
  const clear = data.subarray(0, clearBytes(frame));
  const iv = randomBytes(IV);
  const cipher = createCipheriv('aes-128-gcm', key, iv).setAAD(clear);
  const secret = Buffer.concat([cipher.update(data.subarray(clear.length)), cipher.final()]);
  return Buffer.concat([clear, secret, cipher.getAuthTag(), iv]);
}

function decrypt(frame, key) {
  const data = Buffer.from(frame.data);
  const end = data.length - IV - TAG;
  const clear = data.subarray(0, clearBytes(frame));
  const decipher = createDecipheriv('aes-128-gcm', key, data.subarray(end + TAG)).setAAD(clear);
  decipher.setAuthTag(data.subarray(end, end + TAG));
  return Buffer.concat([clear, decipher.update(data.subarray(clear.length, end)), decipher.final()]);
}

workerScope.onrtctransform = ({ transformer }) => {
  const { operation, key } = transformer.options;
  const apply = operation === 'encrypt' ? encrypt : decrypt;
  const change = new TransformStream({
    transform(frame, controller) {
      try {
        const { buffer, byteOffset, byteLength } = apply(frame, key);
        frame.data = buffer.slice(byteOffset, byteOffset + byteLength);
        controller.enqueue(frame);
      } catch {
        // It was changed on the way: nobody gets it.
      }
    },
  });
  transformer.readable.pipeThrough(change).pipeTo(transformer.writable);
};
