// What a message costs on the JavaScript thread: `node bench/js-thread.mjs [package]`.
//
// The other end is in a worker. CPU time is that of the main thread as Linux counts it; "bare" is
// the dispatch of an event of the same kind, with the same data, at an EventTarget.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

const MESSAGES = 200_000;
const ROUNDS = 3;
/** Bytes that may wait in a channel. */
const HIGH = 1 << 20;
const LOW = 256 << 10;

const entry = isMainThread ? (process.argv[2] ?? new URL('../index.mjs', import.meta.url).href) : workerData.entry;
const { RTCPeerConnection } = await import(entry.startsWith('file:') ? entry : pathToFileURL(path.resolve(entry)));

/** An open channel to the other thread. */
async function connect(port, offers) {
  const pc = new RTCPeerConnection();
  const channel = pc.createDataChannel('bench', { negotiated: true, id: 0 });
  pc.onicecandidate = ({ candidate }) => port.postMessage({ candidate: candidate?.toJSON() });
  port.on('message', async ({ candidate, description }) => {
    if (candidate !== undefined) await pc.addIceCandidate(candidate ?? undefined);
    if (!description) return;
    await pc.setRemoteDescription(description);
    if (offers) return;
    await pc.setLocalDescription();
    port.postMessage({ description: pc.localDescription.toJSON() });
  });
  if (offers) {
    await pc.setLocalDescription();
    port.postMessage({ description: pc.localDescription.toJSON() });
  }
  await new Promise((resolve) => (channel.onopen = resolve));
  return channel;
}

/** Sends `count` times, as fast as the channel takes it. */
async function send(channel, data, count) {
  channel.bufferedAmountLowThreshold = LOW;
  for (let i = 0; i < count; i++) {
    channel.send(data);
    if (channel.bufferedAmount > HIGH) await new Promise((resolve) => (channel.onbufferedamountlow = resolve));
  }
}

const receive = (channel, count) =>
  new Promise((resolve) => {
    let got = 0;
    channel.onmessage = () => ++got === count && resolve();
  });

/** CPU time of the main thread, in microseconds. */
const cpuTime = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e3;

async function costOf(work) {
  const started = cpuTime();
  await work();
  return (cpuTime() - started) / MESSAGES;
}

function bare(data) {
  const target = new EventTarget();
  let got = 0;
  target.addEventListener('message', () => got++);
  return costOf(() => {
    for (let i = 0; i < MESSAGES; i++) target.dispatchEvent(new MessageEvent('message', { data }));
  });
}

const KINDS = {
  '64 B': new Uint8Array(64),
  '16 characters': 'sixteen letters.',
};

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { entry } });
  const channel = await connect(worker, true);
  const rows = {};
  for (const [kind, data] of Object.entries(KINDS)) {
    const costs = { bare: [], receive: [], send: [] };
    for (let round = 0; round < ROUNDS; round++) {
      costs.bare.push(await bare(data));
      worker.postMessage({ send: kind });
      costs.receive.push(await costOf(() => receive(channel, MESSAGES)));
      const received = new Promise((resolve) => worker.on('message', (m) => m.received && resolve()));
      worker.postMessage({ receive: true });
      costs.send.push(await costOf(() => send(channel, data, MESSAGES)));
      await received;
    }
    const row = Object.fromEntries(Object.entries(costs).map(([name, list]) => [name, median(list)]));
    rows[kind] = { ...row, 'receive above bare': row.receive - row.bare };
  }
  for (const row of Object.values(rows)) for (const name in row) row[name] = `${row[name].toFixed(2)} µs`;
  console.table(rows);
  await worker.terminate();
  process.exit();
} else {
  const channel = await connect(parentPort, false);
  parentPort.on('message', async (message) => {
    if (message.send) await send(channel, KINDS[message.send], MESSAGES);
    if (message.receive) {
      await receive(channel, MESSAGES);
      parentPort.postMessage({ received: true });
    }
  });
}
