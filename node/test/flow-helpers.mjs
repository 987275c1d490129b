// Two connections of one process whose first transceivers carry media.
import { Endpoint, RTCPeerConnection } from '../index.mjs';
import { negotiate } from './helpers.mjs';

/** A VP8 key frame of this size, filled up with bytes that nobody decodes (RFC 6386 §9.1). */
export function vp8Key(bytes, width = 640, height = 480) {
  const frame = new Uint8Array(bytes).fill(7);
  frame.set([0x10, 0, 0, 0x9d, 0x01, 0x2a, width & 0xff, width >> 8, height & 0xff, height >> 8]);
  return frame;
}

/** Its delta frame. */
export function vp8Delta(bytes) {
  const frame = new Uint8Array(bytes).fill(9);
  frame.set([0x11, 0, 0]);
  return frame;
}

/** `a` sends what it makes to `b`: their transceivers, once they are connected. `options`: of their endpoint. */
export async function sending(kind, { before, init, options } = {}) {
  const endpoint = new Endpoint({ loopback: true, onlyAddresses: ['127.0.0.1'], ...options });
  const [a, b] = [0, 1].map(() => new RTCPeerConnection({}, { endpoint }));
  for (const [from, to] of [[a, b], [b, a]]) {
    from.onicecandidate = ({ candidate }) => to.signalingState !== 'closed' && to.addIceCandidate(candidate);
  }
  const near = a.addTransceiver(kind, init);
  const far = new Promise((resolve) => (b.ontrack = ({ transceiver }) => resolve(transceiver)));
  await before?.(near, far);
  const connected = Promise.all([a, b].map((pc) => new Promise((resolve) => {
    pc.onconnectionstatechange = () => pc.connectionState === 'connected' && resolve();
  })));
  await negotiate(a, b);
  await connected;
  const close = () => { for (const each of [a, b, endpoint]) each.close(); };
  return { a, b, near, far: await far, close };
}
