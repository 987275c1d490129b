// What several tests need.
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RTCPeerConnection } from '../index.mjs';

/** Two connections that pass each other their candidates; each may have options of its own. */
export function pair(configuration, ...options) {
  const [a, b] = [0, 1].map((i) => new RTCPeerConnection(configuration, options[i]));
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

/** Looks until it is so: for what no event tells of. */
export async function until(is) {
  while (!(await is())) await new Promise((resolve) => setTimeout(resolve, 50));
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

/** Collects whatever nobody holds. */
export function collectGarbage() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
