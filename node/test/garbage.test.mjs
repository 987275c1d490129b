// What is collected and what is not (webrtc-pc §4.4.4 and §6.5), and what ends with what.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { MediaStreamTrackProcessor, RTCPeerConnection, mediaDevices } from '../index.mjs';
import { native } from '../dist/binding.js';
import { channels, collectGarbage as gc, event, negotiate, pair } from './helpers.mjs';

const run = promisify(execFile);
const helpers = fileURLToPath(new URL('helpers.mjs', import.meta.url));

/** Collects until the objects are gone; gives up after a while. */
async function collected(...references) {
  for (let i = 0; i < 50; i++) {
    if (references.every((reference) => reference.deref() === undefined)) return true;
    await new Promise(setImmediate);
    gc();
  }
  return false;
}

test('a closed connection and what belongs to it are collected', async () => {
  const references = await (async () => {
    const { a, b, near, far, close } = await channels();
    for (const object of [a, b, near, far]) object.addEventListener('x', () => object);
    const transport = a.sctp.transport;
    close();
    return [a, b, near, far, transport].map((object) => new WeakRef(object));
  })();
  assert.ok(await collected(...references));
});

test('a connection that was never used is collected', async () => {
  const references = [1, 2, 3].map(() => {
    const pc = new RTCPeerConnection();
    pc.createDataChannel('x').onopen = () => pc;
    pc.onnegotiationneeded = () => pc;
    return new WeakRef(pc);
  });
  assert.ok(await collected(...references));
});

test('what left a connection long ago is collected while it lives', async () => {
  const { a, b, close } = pair();
  const round = async () => {
    const all = Array.from({ length: 50 }, () => a.addTransceiver('audio'));
    await negotiate(a, b);
    const first = [a, b].map((pc) => new WeakRef(pc.getTransceivers()[0]));
    for (const transceiver of all) transceiver.stop();
    await negotiate(a, b);
    return first;
  };
  const references = await round();
  for (let i = 0; i < 6; i++) await round();
  // Looked at when the next one comes.
  const { sender } = a.addTransceiver('video');
  await negotiate(a, b);
  assert.ok(await collected(...references));

  const [camera] = (await mediaDevices.getUserMedia({ video: true })).getTracks();
  let first;
  for (let i = 0; i < 200; i++) {
    const track = camera.clone();
    first ??= new WeakRef(track);
    await sender.replaceTrack(track);
  }
  assert.ok(await collected(first));
  close();
});

test('an open connection is not collected while its events may fire', async () => {
  const { a, far, ended } = await (async () => {
    const { a, b, far } = await channels();
    // Reachable only by way of what the connection itself keeps.
    const ended = event(b, 'connectionstatechange').then(() => b.close());
    return { a, far: new WeakRef(far), ended };
  })();
  assert.equal(await collected(far), false);
  a.close();
  await ended;
  assert.ok(await collected(far));
});

test('a data channel with a listener is not collected, and holds its connection', async () => {
  const { near, heard, close } = await (async () => {
    const { near, far, close } = await channels();
    return { near, heard: event(far, 'message'), close };
  })();
  for (let i = 0; i < 5; i++) gc();
  near.send('still there');
  assert.equal((await heard).data, 'still there');
  close();
});

test('closed channels of an open connection are collected', async () => {
  const { a, b, close } = await channels();
  const references = await (async () => {
    const near = a.createDataChannel('short');
    const { channel: far } = await event(b, 'datachannel');
    if (near.readyState !== 'open') await event(near, 'open');
    near.onmessage = () => far;
    near.close();
    await Promise.all([event(near, 'close'), event(far, 'close')]);
    return [near, far].map((object) => new WeakRef(object));
  })();
  assert.ok(await collected(...references));
  close();
});

test('calls that come and go leave no memory, no file and no timer behind', async () => {
  const files = () => readdirSync('/proc/self/fd').length;
  const call = async () => {
    const { near, far, close } = await channels();
    near.send(new Uint8Array(100_000));
    await event(far, 'message');
    close();
  };
  const settled = async () => {
    for (let i = 0; i < 20; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { files: files(), heap: process.memoryUsage().heapUsed, timers: process.getActiveResourcesInfo().length };
  };
  for (let i = 0; i < 30; i++) await call();
  const before = await settled();
  for (let i = 0; i < 100; i++) await call();
  const after = await settled();
  assert.ok(after.files <= before.files + 2, `${before.files} files, then ${after.files}`);
  assert.ok(after.timers <= before.timers + 1, `${before.timers} resources, then ${after.timers}`);
  assert.ok(after.heap < before.heap + 1_000_000, `${before.heap} bytes, then ${after.heap}`);
});

/** Moments of a call, as code that ends the process there. */
const MOMENTS = {
  'before anything': 'end();',
  'in createOffer': 'a.createOffer().then(end);',
  'while gathering': 'a.setLocalDescription(); a.onicegatheringstatechange = end;',
  'at the first candidate': 'negotiate(a, b); a.onicecandidate = end;',
  'while checking': 'negotiate(a, b); a.oniceconnectionstatechange = end;',
  'in the handshake': 'negotiate(a, b); setTimeout(end, 3);',
  'at the announcement of a channel': 'negotiate(a, b); b.ondatachannel = end;',
  'at the opening of a channel': 'negotiate(a, b); near.onopen = end;',
  'in a message': 'negotiate(a, b); near.onopen = () => near.send("x"); b.ondatachannel = (e) => { e.channel.onmessage = end; };',
  'with much under way': 'negotiate(a, b); near.onopen = () => { for (let i = 0; i < 100; i++) near.send(new Uint8Array(60_000)); end(); };',
  'in getStats': 'negotiate(a, b); near.onopen = () => { a.getStats(); end(); };',
  'after close': 'negotiate(a, b); near.onopen = () => { a.close(); end(); };',
};

const script = (moment, end) => `
  import { pair, negotiate } from ${JSON.stringify(helpers)};
  const end = () => { ${end} };
  const { a, b } = pair();
  const near = a.createDataChannel('x');
  ${moment}`;

for (const [name, moment] of Object.entries(MOMENTS)) {
  test(`a process may end ${name}`, async () => {
    const program = (end) =>
      run(process.execPath, ['--input-type=module', '-e', script(moment, end)], { timeout: 20_000 });
    await program('process.exit(0);');
    await assert.rejects(program('throw new Error("on purpose");'), (error) => error.code === 1 && /on purpose/.test(error.stderr));
  });

  test(`a worker may be terminated ${name}`, async () => {
    const end = "import('node:worker_threads').then(({ parentPort }) => { parentPort.postMessage('now'); for (;;); });";
    const url = new URL(`data:text/javascript,${encodeURIComponent(script(moment, end).replace(helpers, `file://${helpers}`))}`);
    const worker = new Worker(url);
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    await worker.terminate();
  });
}

test('who reads a device hears of its end, though the track is held by nobody', async () => {
  const { deviceId } = JSON.parse(native.enumerateDevices()).find(({ kind }) => kind === 'videoinput');
  const reader = await (async () => {
    const stream = await mediaDevices.getUserMedia({ video: { deviceId: { exact: deviceId } } });
    return new MediaStreamTrackProcessor({ track: stream.getTracks()[0] }).readable.getReader();
  })();
  for (let i = 0; i < 5; i++) {
    gc();
    await new Promise(setImmediate);
  }
  native.fakeDevice(deviceId, 'unplug');
  for (let read; !(read = await reader.read()).done; ) read.value.close();
  native.fakeDevice(deviceId, 'plug');
});
