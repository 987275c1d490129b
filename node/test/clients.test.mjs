// Clients of npm, unchanged, here on this package and in Chromium on the browser's own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { WebSocket } from 'ws';
import { CHUNKS, CHUNK_BYTES, chunk, counter } from './clients/exchange.mjs';
import { openChromium } from './clients/chromium.mjs';
import { openPage } from './clients/page.mjs';
import { AudioData, MediaStreamTrackGenerator, MediaStreamTrackProcessor, RTCPeerConnection, VideoFrame, VideoTrackGenerator } from '../index.mjs';
import '../dist/polyfill.js';

const TOTAL = CHUNKS * CHUNK_BYTES;
const options = { timeout: 60_000 };

/** What the page counted; rejects when it tells of an error. */
const receivedBy = (page) =>
  new Promise((resolve, reject) => {
    page.onMessage(({ received, error }) => {
      if (received !== undefined) resolve(received);
      if (error !== undefined) reject(new Error(`the page: ${error}`));
    });
  });

/** The server of peerjs, in a thread of its own: its timers never end. */
async function startPeerServer(t) {
  const worker = new Worker(
    `import(${JSON.stringify(import.meta.resolve('peer'))}).then(({ PeerServer }) => {
      PeerServer({ port: 0, host: '127.0.0.1' }, (server) => {
        require('node:worker_threads').parentPort.postMessage(server.address().port);
      });
    });`,
    { eval: true },
  );
  t.after(() => worker.terminate());
  const [port] = await once(worker, 'message');
  return port;
}

const pageRegistered = (page) =>
  new Promise((resolve) => page.onMessage(({ registered }) => registered && resolve()));

for (const initiator of ['page', 'node']) {
  test(`simple-peer talks to simple-peer in Chromium; the initiator is: ${initiator}`, options, async (t) => {
    const { default: SimplePeer } = await import('simple-peer');
    const page = await openPage(t, 'simple-peer.html', { initiator });
    const peer = new SimplePeer({ initiator: initiator === 'node' });
    t.after(() => peer.destroy());
    page.onMessage(({ signal }) => signal && peer.signal(signal));
    peer.on('signal', (signal) => page.send(signal));
    peer.on('connect', () => {
      for (let i = 0; i < CHUNKS; i++) peer.send(chunk(i));
    });
    const received = new Promise((resolve, reject) => {
      peer.on('data', counter(resolve));
      peer.on('error', reject);
    });
    assert.deepEqual(await Promise.all([received, receivedBy(page)]), [TOTAL, TOTAL]);
  });
}

for (const caller of ['page', 'node']) {
  test(`peerjs talks to peerjs in Chromium over its own server; the caller is: ${caller}`, options, async (t) => {
    // What peerjs takes from a browser beside WebRTC.
    globalThis.WebSocket ??= WebSocket;
    const { Peer } = (await import('peerjs')).default;
    const port = await startPeerServer(t);

    const peer = new Peer('node', { host: '127.0.0.1', port, secure: false, config: { iceServers: [] } });
    t.after(() => peer.destroy());
    await once(peer, 'open');
    const page = await openPage(t, 'peerjs.html', { port, caller });
    const receivedByPage = receivedBy(page);
    const call = async () => {
      await pageRegistered(page);
      return peer.connect('page', { reliable: true });
    };
    const connection = caller === 'page' ? (await once(peer, 'connection'))[0] : await call();
    assert.deepEqual(await Promise.all([talk(connection), receivedByPage]), [TOTAL, TOTAL]);
  });
}

/** Sends everything, and counts what comes, on a connection of peerjs. */
const talk = (connection) =>
  new Promise((resolve, reject) => {
    connection.on('data', counter(resolve));
    connection.on('error', reject);
    connection.on('open', () => {
      for (let i = 0; i < CHUNKS; i++) connection.send(chunk(i));
    });
  });

/** Numbers as eight columns, and a tone of 700 Hz: tracks, until the test ends. */
function numbersAndTone(t) {
  const [pictures, sound] = [new VideoTrackGenerator(), new MediaStreamTrackGenerator({ kind: 'audio' })];
  const writer = pictures.writable.getWriter();
  let number = 0;
  const timer = setInterval(() => {
    const pixels = new Uint8Array(320 * 240 * 1.5).fill(128);
    for (let y = 0; y < 240; y++) {
      for (let bit = 0; bit < 8; bit++) pixels.fill((number >> bit) & 1 ? 235 : 16, 320 * y + 40 * bit, 320 * y + 40 * (bit + 1));
    }
    const init = { format: 'I420', codedWidth: 320, codedHeight: 240, timestamp: 33_333 * number };
    void writer.write(new VideoFrame(pixels, init));
    number++;
  }, 33);
  let stop = false;
  t.after(() => {
    clearInterval(timer);
    stop = true;
  });
  const voice = sound.writable.getWriter();
  void (async () => {
    for (let i = 0; !stop; i++) {
      const data = Float32Array.from({ length: 480 }, (_, k) => 0.3 * Math.sin((2 * Math.PI * 700 * (480 * i + k)) / 48_000));
      const init = { format: 'f32', sampleRate: 48_000, numberOfFrames: 480, numberOfChannels: 1, timestamp: 10_000 * i, data };
      await voice.write(new AudioData(init));
    }
  })();
  return [pictures.track, sound];
}

/** Twenty different numbers of Chromium's pictures. */
async function numbersIn(track) {
  const seen = new Set();
  for await (const frame of new MediaStreamTrackProcessor({ track }).readable) {
    const pixels = new Uint8Array(frame.allocationSize());
    await frame.copyTo(pixels);
    const { codedWidth: width, codedHeight: height } = frame;
    frame.close();
    let number = 0;
    for (let bit = 0; bit < 8; bit++) {
      if (pixels[(height / 2) * width + Math.floor(((bit + 0.5) * width) / 8)] > 127) number |= 1 << bit;
    }
    if (seen.add(number).size === 20) break;
  }
  return [...seen];
}

/** How high the tone is that comes. */
async function hertzOf(track) {
  const heard = [];
  for await (const data of new MediaStreamTrackProcessor({ track, maxBufferSize: 100 }).readable) {
    const samples = new Float32Array(data.numberOfFrames);
    data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
    data.close();
    if (heard.length > 0 || samples.some((sample) => sample > 0.1)) heard.push(...samples);
    if (heard.length > 48_000) break;
  }
  const half = heard.slice(24_000);
  const rising = half.filter((sample, i) => i > 0 && half[i - 1] < 0 && sample >= 0).length;
  return (rising * 48_000) / half.length;
}

test('numbers in pictures and tones go both ways between Chromium and tracks of this package', options, async (t) => {
  const page = await openPage(t, 'pictures.html');
  const pc = new RTCPeerConnection();
  t.after(() => pc.close());
  const told = {};
  const all = new Promise((resolve, reject) => {
    page.onMessage(({ numbers, hertz, error }) => {
      if (error) reject(new Error(`the page: ${error}`));
      Object.assign(told, numbers && { numbers }, hertz && { hertz });
      if (told.numbers && told.hertz) resolve();
    });
  });
  const [pictures, tone] = numbersAndTone(t);
  const tracks = new Promise((resolve) => {
    page.onMessage(async ({ offer, candidate }) => {
      if (candidate) await pc.addIceCandidate(candidate);
      if (!offer) return;
      await pc.setRemoteDescription(offer);
      for (const track of [pictures, tone]) pc.addTrack(track);
      await pc.setLocalDescription();
      page.send({ answer: pc.localDescription });
      resolve(pc.getReceivers().map((receiver) => receiver.track));
    });
  });
  pc.onicecandidate = ({ candidate }) => page.send({ candidate });
  const [video, audio] = ['video', 'audio'].map(async (kind) => (await tracks).find((track) => track.kind === kind));
  const [numbers, hertz] = await Promise.all([numbersIn(await video), hertzOf(await audio), all]);
  // They count: of twenty in a row all but a few lost ones are neighbours.
  for (const list of [numbers, told.numbers]) {
    const steps = list.slice(1).filter((number, i) => ((number - list[i]) & 255) <= 4);
    assert.ok(steps.length >= 15, `${list}`);
  }
  assert.ok(Math.abs(hertz - 500) < 10, `${hertz} Hz here`);
  assert.ok(Math.abs(told.hertz - 700) < 10, `${told.hertz} Hz there`);
});

test('the example talks to Chromium', options, async (t) => {
  const example = spawn(process.execPath, [fileURLToPath(new URL('../examples/browser.mjs', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => example.kill());
  const lines = createInterface(example.stdout)[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value;
  openChromium(t, await line());
  assert.equal(await line(), 'the browser says: hello from the browser');
  assert.equal(await line(), 'the browser says: I got 21 characters');
});

test('the example records the camera of Chromium', options, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'duologue-record-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'recording.ivf');
  const example = spawn(process.execPath, [fileURLToPath(new URL('../examples/record.mjs', import.meta.url)), file, '20'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => example.kill());
  const lines = createInterface(example.stdout)[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value;
  openChromium(t, await line());
  assert.match(await line(), /^recording \d+ x \d+ to /);
  assert.equal(await line(), 'key frame 0');
  let last;
  for (let next; (next = await line()) !== undefined; ) last = next;
  assert.match(last, /^20 frames, 0 dropped, [1-9]\d* packets of sound$/);

  // RFC 6386 §9.1: a key frame begins with a zero bit and a start code.
  const recorded = readFileSync(file);
  assert.equal(recorded.toString('latin1', 0, 12), 'DKIF\0\0 \0VP80');
  assert.deepEqual([...recorded.subarray(47, 50)], [0x9d, 0x01, 0x2a]);
  let [frames, at] = [0, 32];
  for (; at < recorded.length; frames++) at += 12 + recorded.readUInt32LE(at);
  assert.deepEqual([frames, at], [20, recorded.length]);
});
