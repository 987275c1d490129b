// What an encoded frame costs on the JavaScript thread: `node bench/frames.mjs [seconds]`.
//
// A worker makes 20,000 frames a second and takes them back; this thread reads them from one
// connection and writes them to another, as a server does. CPU time is that of this thread as Linux
// counts it, so the core's threads do not count, and the loss is what did not come back.
import { readFileSync } from 'node:fs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Endpoint, RTCPeerConnection } from '../index.mjs';

const RATE = 20_000;
const ROUNDS = 3;
const SECONDS = Number(process.argv[2] ?? 1);
// Of audio, which leaves at once: how fast video leaves is up to congestion control.
const KINDS = { '120 bytes': ['audio', 120], '1,000 bytes': ['audio', 1_000] };
/** How this thread passes on what it reads. */
const WAYS = {
  'batches': async (from, to) => {
    for (let frames; (frames = await from.recvMany()).length > 0; ) await to.sendAll(frames);
  },
  'batches, data changed': async (from, to) => {
    for (let frames; (frames = await from.recvMany()).length > 0; ) {
      for (const frame of frames) {
        const data = frame.data;
        new Uint8Array(data)[data.byteLength - 1] ^= 1;
        frame.data = data;
      }
      await to.sendAll(frames);
    }
  },
  'streams': (from, to) => from.readable.pipeTo(to.writable).catch(() => {}),
};

const endpoint = new Endpoint({ loopback: true, onlyAddresses: ['127.0.0.1'] });

/** Negotiates over a port; `name` tells connections apart. */
function connection(port, name, offers) {
  const pc = new RTCPeerConnection({}, { endpoint });
  pc.onicecandidate = ({ candidate }) => port.postMessage({ name, candidate: candidate?.toJSON() });
  const answer = async ({ name: of, candidate, description }) => {
    if (of !== name || pc.signalingState === 'closed') return;
    if (candidate) await pc.addIceCandidate(candidate);
    if (!description) return;
    await pc.setRemoteDescription(description);
    if (offers) return;
    await pc.setLocalDescription();
    port.postMessage({ name, description: pc.localDescription.toJSON() });
  };
  port.on('message', answer);
  const offer = async () => {
    await pc.setLocalDescription();
    port.postMessage({ name, description: pc.localDescription.toJSON() });
  };
  const connected = new Promise((resolve) => {
    pc.onconnectionstatechange = () => pc.connectionState === 'connected' && resolve();
  });
  const close = () => {
    port.off('message', answer);
    pc.close();
  };
  return { pc, offer, connected, close };
}

/** CPU time of the main thread, in microseconds. */
const cpuTime = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e3;
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const message = (port, member) =>
  new Promise((resolve) => {
    const listen = (data) => {
      if (!(member in data)) return;
      port.off('message', listen);
      resolve(data[member]);
    };
    port.on('message', listen);
  });

async function round(worker, kind, bytes, pass) {
  worker.postMessage({ start: { kind, bytes } });
  const [inward, outward] = [connection(worker, 'in', false), connection(worker, 'out', true)];
  const { sender } = outward.pc.addTransceiver(kind, { direction: 'sendonly' });
  const tracked = new Promise((resolve) => (inward.pc.ontrack = ({ receiver }) => resolve(receiver)));
  await message(worker, 'ready');
  await outward.offer();
  const [receiver] = await Promise.all([tracked, inward.connected, outward.connected]);
  const from = receiver.frames();
  const passing = pass(from, sender.frames()).catch(() => {});
  const started = cpuTime();
  worker.postMessage({ go: true });
  const { sent, received, milliseconds } = await message(worker, 'done');
  const cost = (cpuTime() - started) / received;
  const dropped = from.dropped;
  inward.close();
  outward.close();
  await passing;
  return { cost, loss: 1 - received / sent, rate: received / milliseconds, dropped };
}

async function main() {
  const worker = new Worker(new URL(import.meta.url), { workerData: { seconds: SECONDS } });
  const rows = {};
  const results = {};
  // In turns, so that what else the machine does falls on all alike.
  for (let i = 0; i < ROUNDS; i++) {
    for (const [what, [kind, bytes]] of Object.entries(KINDS)) {
      for (const [way, pass] of Object.entries(WAYS)) {
        (results[`${what}, ${way}`] ??= []).push(await round(worker, kind, bytes, pass));
      }
    }
  }
  for (const [name, list] of Object.entries(results)) {
    const of = (member) => median(list.map((result) => result[member]));
    rows[name] = {
      'in and out': `${of('cost').toFixed(2)} µs`,
      'frames/s': Math.round(of('rate') * 1e3),
      loss: `${(of('loss') * 100).toFixed(2)} %`,
      dropped: of('dropped'),
    };
  }
  console.table(rows);
  await worker.terminate();
  process.exit();
}

/** Makes frames at the rate, in what is due each millisecond, and counts what comes back. */
async function source({ kind, bytes }) {
  const [outward, inward] = [connection(parentPort, 'in', true), connection(parentPort, 'out', false)];
  const { sender } = outward.pc.addTransceiver(kind, { direction: 'sendonly' });
  const tracked = new Promise((resolve) => (inward.pc.ontrack = ({ receiver }) => resolve(receiver)));
  const told = message(parentPort, 'go');
  parentPort.postMessage({ ready: true });
  await outward.offer();
  const [receiver] = await Promise.all([tracked, inward.connected, outward.connected]);
  const frames = receiver.frames();
  let received = 0;
  const counted = (async () => {
    for (let batch; (batch = await frames.recvMany()).length > 0; ) received += batch.length;
  })();
  await told;

  const data = new Uint8Array(bytes);
  const writer = sender.frames();
  const started = performance.now();
  let sent = 0;
  for (let elapsed = 0; elapsed < workerData.seconds * 1e3; elapsed = performance.now() - started) {
    const due = Math.min(Math.floor((elapsed * RATE) / 1e3) - sent, 400);
    const batch = Array.from({ length: due }, (_, i) => ({ data, timestamp: (sent + i) * 10 }));
    await writer.sendAll(batch);
    sent += due;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const milliseconds = performance.now() - started;
  // What is still on its way has half a second.
  await new Promise((resolve) => setTimeout(resolve, 500));
  outward.close();
  inward.close();
  await counted;
  parentPort.postMessage({ done: { sent, received, milliseconds } });
}

if (isMainThread) await main();
else parentPort.on('message', ({ start }) => start && source(start));
