// What several tests need.
import { once } from 'node:events';
import { RTCPeerConnection } from '../index.mjs';

/** Two connections that pass each other their candidates; each may be on an endpoint. */
export function pair(configuration, ...endpoints) {
  const [a, b] = [0, 1].map((i) => new RTCPeerConnection(configuration, endpoints[i] && { endpoint: endpoints[i] }));
  const forward = (from, to) =>
    from.addEventListener('icecandidate', ({ candidate }) => to.signalingState !== 'closed' && to.addIceCandidate(candidate));
  forward(a, b);
  forward(b, a);
  return { a, b, close: () => [a, b].forEach((pc) => pc.close()) };
}

export async function negotiate(offerer, answerer) {
  await offerer.setLocalDescription();
  await answerer.setRemoteDescription(offerer.localDescription);
  await answerer.setLocalDescription();
  await offerer.setRemoteDescription(answerer.localDescription);
}

export async function event(target, type) {
  const [e] = await once(target, type);
  return e;
}

/** Two open ends of one data channel. */
export async function channels(options) {
  const { a, b, close } = pair();
  const near = a.createDataChannel('test', options);
  const announced = event(b, 'datachannel');
  const opened = event(near, 'open');
  await negotiate(a, b);
  const [{ channel: far }] = await Promise.all([announced, opened]);
  return { a, b, near, far, close };
}
