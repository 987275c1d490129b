// A data channel beside the other packages of npm: `npm ci` in bench/peers, then
// `node bench/throughput.mjs [seconds] [rounds]`.
//
// Both ends are in one process; each measurement is a process of its own, and the packages take
// turns. Medians of the rounds.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const MESSAGE_BYTES = 16_384;
const HIGH = 1 << 20;
const LOW = HIGH / 4;
/** Sent without a turn of the event loop between them. */
const BURST = 64;

const require = createRequire(new URL('peers/', import.meta.url));

/** What is measured: a pair of channels, each with `send`, `buffered`, `onLow` and `onMessage`. */
const PACKAGES = {
  duologue: async () => w3c((await import('../index.mjs')).RTCPeerConnection),
  '@roamhq/wrtc': () => w3c(require('@roamhq/wrtc').RTCPeerConnection),
  'node-datachannel': () => libdatachannel(require('node-datachannel')),
};

async function w3c(RTCPeerConnection) {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  for (const [from, to] of [[a, b], [b, a]]) from.onicecandidate = ({ candidate }) => candidate && to.addIceCandidate(candidate);
  const near = a.createDataChannel('bench');
  const far = new Promise((resolve) => (b.ondatachannel = ({ channel }) => resolve(channel)));
  const opened = new Promise((resolve) => (near.onopen = resolve));
  await a.setLocalDescription(await a.createOffer());
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(b.localDescription);
  await opened;
  const end = (channel) => {
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = LOW;
    return {
      send: (data) => channel.send(data),
      buffered: () => channel.bufferedAmount,
      onLow: (listener) => (channel.onbufferedamountlow = listener),
      onMessage: (listener) => (channel.onmessage = ({ data }) => listener(data.byteLength)),
    };
  };
  return [near, await far].map(end);
}

async function libdatachannel({ PeerConnection }) {
  const [a, b] = ['a', 'b'].map((name) => new PeerConnection(name, { iceServers: [] }));
  a.onLocalDescription((sdp, type) => b.setRemoteDescription(sdp, type));
  b.onLocalDescription((sdp, type) => a.setRemoteDescription(sdp, type));
  a.onLocalCandidate((candidate, mid) => b.addRemoteCandidate(candidate, mid));
  b.onLocalCandidate((candidate, mid) => a.addRemoteCandidate(candidate, mid));
  const far = new Promise((resolve) => b.onDataChannel(resolve));
  const near = a.createDataChannel('bench');
  await new Promise((resolve) => near.onOpen(resolve));
  const end = (channel) => {
    channel.setBufferedAmountLowThreshold(LOW);
    return {
      send: (data) => channel.sendMessageBinary(data),
      buffered: () => channel.bufferedAmount(),
      onLow: (listener) => channel.onBufferedAmountLow(listener),
      onMessage: (listener) => channel.onMessage((data) => listener(data.byteLength)),
    };
  };
  // Who collects a connection closes it.
  globalThis.kept = [a, b];
  return [near, await far].map(end);
}

async function measure(name, seconds) {
  const [near, far] = await PACKAGES[name]();
  const data = new Uint8Array(MESSAGE_BYTES).fill(0x5a);
  let bytes = 0;
  far.onMessage((length) => (bytes += length));
  let low = () => {};
  near.onLow(() => low());
  const pump = async () => {
    for (;;) {
      for (let i = 0; i < BURST && near.buffered() < HIGH; i++) near.send(data);
      // The timer covers an event that came before the wait.
      if (near.buffered() < HIGH) await new Promise(setImmediate);
      else await new Promise((resolve) => setTimeout((low = resolve), 20));
    }
  };
  pump();
  const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  await after(500);
  const [started, before, cpu] = [performance.now(), bytes, process.cpuUsage()];
  await after(seconds * 1e3);
  const [elapsed, moved, used] = [performance.now() - started, bytes - before, process.cpuUsage(cpu)];
  return { MBps: moved / 1e3 / elapsed, cpuSecondsPerGB: (used.user + used.system) / 1e6 / (moved / 1e9) };
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

if (process.argv[2] === '--measure') {
  console.log(JSON.stringify(await measure(process.argv[3], Number(process.argv[4]))));
  process.exit();
}
const [seconds = '3', rounds = '3'] = process.argv.slice(2);
const results = Object.fromEntries(Object.keys(PACKAGES).map((name) => [name, []]));
for (let round = 0; round < Number(rounds); round++) {
  for (const name in PACKAGES) {
    const args = [fileURLToPath(import.meta.url), '--measure', name, seconds];
    results[name].push(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })));
  }
}
const medians = Object.entries(results).map(([name, runs]) => {
  const of = (key) => median(runs.map((run) => run[key]));
  return { name, MBps: of('MBps'), cpu: of('cpuSecondsPerGB') };
});
const [ours] = medians;
console.table(
  Object.fromEntries(
    medians.map(({ name, MBps, cpu }) => [
      name,
      { 'MB/s': MBps.toFixed(1), 'CPU s/GB': cpu.toFixed(1), 'duologue is': `${(ours.MBps / MBps).toFixed(1)} ×` },
    ]),
  ),
);
