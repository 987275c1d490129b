// What a method and an event cost on the JavaScript thread with many transceivers:
// `node bench/mirror.mjs [package]`. Each end has ten remote candidates. The time is the median of
// single calls.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const CALLS = 500;
const entry = process.argv[2] ?? new URL('../index.mjs', import.meta.url).href;
const { RTCPeerConnection } = await import(entry.startsWith('file:') ? entry : pathToFileURL(path.resolve(entry)));

/** Two ends that have agreed on so many transceivers. */
async function negotiated(count) {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  for (let i = 0; i < count; i++) a.addTransceiver(i % 2 ? 'audio' : 'video', { direction: 'sendrecv' });
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  const { usernameFragment } = { usernameFragment: /a=ice-ufrag:(\S+)/.exec(b.localDescription.sdp)[1] };
  for (let i = 0; i < 10; i++) {
    const candidate = `candidate:${i} 1 udp ${2_113_937_151 - i} 192.0.2.${i + 1} 9 typ host`;
    await a.addIceCandidate({ candidate, sdpMLineIndex: 0, usernameFragment });
  }
  return [a, b];
}

function median(work) {
  const times = [];
  for (let i = 0; i < CALLS; i++) {
    const started = performance.now();
    work(i);
    times.push((performance.now() - started) * 1e3);
  }
  return times.sort((x, y) => x - y)[CALLS >> 1];
}

const rows = {};
for (const count of [2, 10, 50, 100]) {
  const [a, b] = await negotiated(count);
  const [transceiver] = a.getTransceivers();
  rows[count] = {
    'nothing changes (getParameters)': median(() => transceiver.sender.getParameters()),
    'one transceiver changes (direction)': median((i) => (transceiver.direction = i % 2 ? 'sendonly' : 'sendrecv')),
    'a description is read': median(() => a.localDescription),
  };
  a.close();
  b.close();
}
for (const row of Object.values(rows)) for (const name in row) row[name] = `${row[name].toFixed(1)} µs`;
console.table(rows);
