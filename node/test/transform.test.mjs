import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MessageChannel, Worker } from 'node:worker_threads';
import { RTCPeerConnection, RTCRtpScriptTransform, SFrameTransform, mediaDevices } from '../index.mjs';
import { sending, vp8Delta, vp8Key } from './flow-helpers.mjs';
import { collectGarbage, until } from './helpers.mjs';

const worker = new Worker(new URL('transform-worker.mjs', import.meta.url));
test.after(() => worker.terminate());

/** A transform, and what its worker tells. */
function transform(does, of = worker) {
  const { port1, port2 } = new MessageChannel();
  const made = new RTCRtpScriptTransform(of, { does, port: port2 }, [port2]);
  const told = [];
  let waiting = null;
  port1.on('message', (message) => {
    told.push(message);
    waiting?.();
  });
  const next = async () => {
    while (told.length === 0) await new Promise((resolve) => (waiting = resolve));
    return told.shift();
  };
  const call = (name, argument) => port1.postMessage({ call: name, argument });
  return { transform: made, next, call, close: () => port1.close() };
}

test('a frame is changed by the transform of the sender and changed back by that of the receiver', async () => {
  const [there, back] = [transform('invert'), transform('invert')];
  const { near, far, close } = await sending('audio', {
    before(transceiver, other) {
      transceiver.sender.transform = there.transform;
      other.then(({ receiver }) => (receiver.transform = back.transform));
    },
  });
  assert.equal(near.sender.transform, there.transform);
  assert.deepEqual([await there.next(), await back.next()], [{ started: true }, { started: true }]);
  const [frames, packets] = [far.receiver.frames(), far.receiver.packets()];
  await near.sender.frames().sendAll([{ data: Uint8Array.of(1, 2, 3), timestamp: 960 }]);

  const [packet] = await packets.recvMany();
  assert.deepEqual([...packet.payload], [0xfe, 0xfd, 0xfc]);
  const [frame] = await frames.recvMany();
  assert.deepEqual([...new Uint8Array(frame.data)], [1, 2, 3]);
  assert.equal(frame.timestamp, 960);
  // What was written is not the worker's any more.
  assert.deepEqual(await there.next(), { type: 'audio', mimeType: 'audio/opus', first: 0xfe, left: 0 });
  assert.deepEqual(await back.next(), { type: 'audio', mimeType: 'audio/opus', first: 1, left: 0 });
  for (const each of [there, back]) each.close();
  close();
});

test('a transform sees which pictures are key frames, and a picture that is written twice is sent once', async () => {
  const twice = transform('twice');
  const { near, far, close } = await sending('video', { before: ({ sender }) => void (sender.transform = twice.transform) });
  const frames = far.receiver.frames();
  await near.sender.frames().sendAll([vp8Key(900), vp8Delta(90), vp8Delta(80)].map((data, i) => ({ data, timestamp: i * 3000 })));
  const seen = [];
  while (seen.length < 3) seen.push(...(await frames.recvMany()).map(({ type, data }) => [type, data.byteLength]));
  assert.deepEqual(seen, [['key', 900], ['delta', 90], ['delta', 80]]);
  const told = [];
  for (let i = 0; i < 4; i++) told.push(await twice.next());
  assert.deepEqual(told.slice(1).map(({ type, mimeType }) => [type, mimeType]), [['key', 'video/VP8'], ['delta', 'video/VP8'], ['delta', 'video/VP8']]);
  twice.close();
  close();
});

test('pictures in layers that pass a transform are sent as layers', async () => {
  const descriptor = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';
  const describe = (transceiver) => {
    const extensions = transceiver.getHeaderExtensionsToNegotiate();
    for (const extension of extensions) if (extension.uri === descriptor) extension.direction = 'sendrecv';
    transceiver.setHeaderExtensionsToNegotiate(extensions);
  };
  const pass = transform('pass');
  const { near, far, close } = await sending('video', {
    init: { sendEncodings: [{ scalabilityMode: 'L1T3' }] },
    before(transceiver, other) {
      transceiver.sender.transform = pass.transform;
      describe(transceiver);
      void other.then(describe);
    },
  });
  const frames = far.receiver.frames();
  const stream = await mediaDevices.getUserMedia({ video: { width: 320, height: 180 } });
  await near.sender.replaceTrack(stream.getTracks()[0]);
  const seen = [];
  while (seen.length < 12) seen.push(...(await frames.recvMany()).map((frame) => frame.getMetadata()));
  // A frame of the highest layer is one that no other needs; without the mode each would need the one before it.
  const layer = new Map(seen.map(({ frameId, temporalIndex }) => [frameId, temporalIndex]));
  assert.deepEqual([...new Set(layer.values())].sort(), [0, 1, 2]);
  for (const { frameId, dependencies } of seen) {
    for (const needed of dependencies) assert.ok((layer.get(needed) ?? 0) < 2, `${frameId} needs ${needed}: ${JSON.stringify(seen)}`);
  }
  stream.getTracks()[0].stop();
  pass.close();
  close();
});

test('a chunk that is no frame errors the stream', async () => {
  const bad = transform('bad');
  const { near, close } = await sending('audio', { before: ({ sender }) => void (sender.transform = bad.transform) });
  await near.sender.frames().sendAll([{ data: Uint8Array.of(1), timestamp: 0 }]);
  assert.deepEqual([await bad.next(), await bad.next(), await bad.next()], [{ started: true }, { null: 'TypeError' }, { frame: 'TypeError' }]);
  bad.close();
  close();
});

test('generateKeyFrame() asks who makes the frames, and resolves with the time stamp of the next key frame', async () => {
  const [there, back] = [transform('pass'), transform('pass')];
  const { near, far, close } = await sending('video', {
    before(transceiver, other) {
      transceiver.sender.transform = there.transform;
      other.then(({ receiver }) => (receiver.transform = back.transform));
    },
  });
  const writer = near.sender.frames();
  writer.onkeyframerequest = () => {
    // The one it has already.
    near.sender.transform = there.transform;
    writer.send([{ data: vp8Key(500), timestamp: 90_000 }]);
  };
  assert.deepEqual([await there.next(), await back.next()], [{ started: true }, { started: true }]);
  there.call('generateKeyFrame');
  const answers = [await there.next(), await there.next()];
  assert.ok(answers.some(({ value }) => value === 90_000), JSON.stringify(answers));

  for (const [rid, name] of [['', 'NotAllowedError'], ['!?', 'NotAllowedError'], ['foo-bar', 'NotAllowedError'], ['foo', 'NotFoundError']]) {
    there.call('generateKeyFrame', rid);
    assert.deepEqual(await there.next(), { name }, rid);
  }
  assert.equal((await back.next()).type, 'key');
  back.call('generateKeyFrame');
  assert.deepEqual(await back.next(), { name: 'InvalidStateError' });
  there.call('sendKeyFrameRequest');
  assert.deepEqual(await there.next(), { name: 'InvalidStateError' });
  for (const each of [there, back]) each.close();
  assert.equal(far.receiver.transform, back.transform);
  close();
});

test('generateKeyFrame() is refused when its sender has another transform, or comes to its end', async () => {
  for (const end of ['replaced', 'closed']) {
    const there = transform('pass');
    const { near, close } = await sending('video', { before: ({ sender }) => void (sender.transform = there.transform) });
    assert.deepEqual(await there.next(), { started: true });
    there.call('generateKeyFrame');
    // It has been asked for: the answer to this comes after.
    there.call('generateKeyFrame', '');
    assert.deepEqual(await there.next(), { name: 'NotAllowedError' });
    if (end === 'replaced') near.sender.transform = null;
    else close();
    assert.deepEqual(await there.next(), { name: 'InvalidStateError' }, end);
    there.call('generateKeyFrame');
    assert.deepEqual(await there.next(), { name: 'InvalidStateError' }, end);
    there.close();
    close();
  }
});

test('generateKeyFrame() is refused when nobody reads the frames any more', async () => {
  const there = transform('pass');
  const { near, close } = await sending('video', { before: ({ sender }) => void (sender.transform = there.transform) });
  assert.deepEqual(await there.next(), { started: true });
  there.call('generateKeyFrame');
  there.call('cancel');
  const answers = [await there.next(), await there.next()];
  assert.ok(answers.some(({ name }) => name === 'InvalidStateError'), JSON.stringify(answers));
  assert.ok(answers.some((answer) => 'value' in answer && answer.value === undefined), JSON.stringify(answers));
  there.call('generateKeyFrame');
  assert.deepEqual(await there.next(), { name: 'InvalidStateError' });
  assert.equal(near.sender.transform, there.transform);
  there.close();
  close();
});

test('a worker in which nobody listens keeps so many transforms, and nobody waits for older ones', async () => {
  const code = `
    import { parentPort } from 'node:worker_threads';
    import { workerScope } from ${JSON.stringify(new URL('../index.mjs', import.meta.url))};
    const told = [];
    const options = ({ transformer }) => told.push(transformer.options);
    parentPort.on('message', (message) => {
      if (message === 'listen') workerScope.onrtctransform = options;
      parentPort.postMessage(told);
    });`;
  const own = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const { near, close } = await sending('audio', {
    before: ({ sender }) => void (sender.transform = new RTCRtpScriptTransform(own, 0)),
  });
  for (let i = 1; i <= 256; i++) new RTCRtpScriptTransform(own, i);
  own.postMessage('listen');
  await once(own, 'message');
  // More than a transform holds.
  const frames = Array.from({ length: 1000 }, (_, i) => ({ data: Uint8Array.of(1), timestamp: i * 960 }));
  await near.sender.frames().sendAll(frames);
  own.postMessage('tell');
  const [told] = await once(own, 'message');
  assert.deepEqual([told.length, told[0], told.at(-1)], [256, 1, 256]);
  close();
  await own.terminate();
});

test("a transform is no message of the worker's program, whose listeners cannot take it away", async () => {
  const code = `
    import { parentPort } from 'node:worker_threads';
    const { workerScope } = await import(${JSON.stringify(new URL('../index.mjs', import.meta.url))});
    parentPort.on('message', (message) => parentPort.postMessage({ message }));
    parentPort.once('message', () => {
      workerScope.onrtctransform = ({ transformer }) => parentPort.postMessage({ transform: transformer.options });
    });
    parentPort.addEventListener('message', (event) => event.stopImmediatePropagation());
    parentPort.postMessage({ message: 'begun' });`;
  const own = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const told = [];
  own.on('message', (message) => told.push(message));
  await once(own, 'message');
  new RTCRtpScriptTransform(own, 1);
  own.postMessage('listen');
  new RTCRtpScriptTransform(own, 2);
  while (told.length < 4) await once(own, 'message');
  assert.deepEqual(told, [{ message: 'begun' }, { message: 'listen' }, { transform: 1 }, { transform: 2 }]);
  await own.terminate();
});

test('a worker keeps no transform that is over', async () => {
  const code = `
    import { parentPort } from 'node:worker_threads';
    import { setFlagsFromString } from 'node:v8';
    import { runInNewContext } from 'node:vm';
    import { workerScope } from ${JSON.stringify(new URL('../index.mjs', import.meta.url))};
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc');
    const all = [];
    workerScope.onrtctransform = ({ transformer }) => all.push(new WeakRef(transformer));
    parentPort.on('message', async () => {
      gc();
      parentPort.postMessage({ seen: all.length, alive: all.filter((it) => it.deref()).length });
    });`;
  const own = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const held = new RTCPeerConnection();
  const { sender } = held.addTransceiver('audio');
  sender.transform = new RTCRtpScriptTransform(own);
  (() => {
    for (let i = 0; i < 20; i++) {
      const pc = new RTCPeerConnection();
      pc.addTransceiver('audio').sender.transform = new RTCRtpScriptTransform(own);
      pc.close();
      // And one that nobody ever attaches.
      new RTCRtpScriptTransform(own);
    }
  })();
  await until(async () => {
    collectGarbage();
    own.postMessage(null);
    const [{ seen, alive }] = await once(own, 'message');
    return seen === 41 && alive === 1;
  });
  assert.ok(sender.transform);
  held.close();
  await own.terminate();
});

for (const [does, passed] of [['pass', true], ['refuse', false]]) {
  test(`a key frame that the receiver asks for is an event at the transformer, and reaches the writer: ${passed}`, async () => {
    const [there, back] = [transform(does), transform('pass')];
    const { near, close } = await sending('video', {
      before(transceiver, other) {
        transceiver.sender.transform = there.transform;
        other.then(({ receiver }) => (receiver.transform = back.transform));
      },
    });
    const writer = near.sender.frames();
    let asked = 0;
    writer.onkeyframerequest = () => asked++;
    writer.send([{ data: vp8Key(500), timestamp: 0 }]);
    assert.deepEqual([await back.next(), (await back.next()).type], [{ started: true }, 'key']);
    back.call('sendKeyFrameRequest');
    assert.deepEqual(await back.next(), { value: undefined });
    for (let told; (told = await there.next()).keyframerequest === undefined; ) assert.ok(told.started || told.type);
    // What the worker does with the event comes before what it answers next.
    there.call('sendKeyFrameRequest');
    assert.deepEqual(await there.next(), { name: 'InvalidStateError' });
    await new Promise(setImmediate);
    assert.equal(asked, passed ? 1 : 0);
    for (const each of [there, back]) each.close();
    close();
  });
}

test('a transform belongs to whom it was given first', () => {
  const pc = new RTCPeerConnection();
  const [one, two] = [pc.addTransceiver('audio'), pc.addTransceiver('audio')];
  const { transform: made, close } = transform('pass');
  one.sender.transform = made;
  one.sender.transform = made;
  assert.throws(() => (two.sender.transform = made), { name: 'InvalidStateError' });
  assert.throws(() => (one.receiver.transform = made), { name: 'InvalidStateError' });
  one.sender.transform = null;
  assert.throws(() => (two.receiver.transform = made), { name: 'InvalidStateError' });
  assert.throws(() => new RTCRtpScriptTransform({}), TypeError);
  const sframe = new SFrameTransform();
  two.sender.transform = sframe;
  assert.throws(() => (one.receiver.transform = sframe), { name: 'InvalidStateError' });
  pc.close();
  close();
});

test('nothing passes when the worker has ended, nor through an SFrame transform, which is not there', async () => {
  const mortal = new Worker(new URL('transform-worker.mjs', import.meta.url));
  const dying = transform('pass', mortal);
  const { near, far, close } = await sending('audio', { before: ({ sender }) => void (sender.transform = dying.transform) });
  const packets = far.receiver.packets();
  const writer = near.sender.frames();
  const frame = (byte) => ({ data: Uint8Array.of(byte), timestamp: byte * 960 });
  await writer.sendAll([frame(1)]);
  assert.deepEqual([...(await packets.recvMany())[0].payload], [1]);
  await mortal.terminate();
  if (mortal.threadId !== -1) await once(mortal, 'exit');
  // More than any queue holds: nobody waits for a worker that is gone.
  await writer.sendAll(Array.from({ length: 2000 }, () => frame(2)));

  near.sender.transform = new SFrameTransform();
  await writer.sendAll([frame(3)]);
  near.sender.transform = null;
  await writer.sendAll([frame(4)]);
  assert.deepEqual([...(await packets.recvMany())[0].payload], [4]);
  dying.close();
  close();
});

test('the polyfill makes onrtctransform a name of the worker', async () => {
  const script = `
    require(${JSON.stringify(fileURLToPath(new URL('../dist/polyfill.js', import.meta.url)))});
    onrtctransform = (event) => require('node:worker_threads').parentPort.postMessage([
      event instanceof RTCTransformEvent, event.transformer instanceof RTCRtpScriptTransformer, event.transformer.options,
    ]);`;
  const thread = new Worker(script, { eval: true });
  new RTCRtpScriptTransform(thread, 'options');
  const [message] = await once(thread, 'message');
  assert.deepEqual(message, [true, true, 'options']);
  await thread.terminate();
});

test('the example of end-to-end encryption', async () => {
  const example = fileURLToPath(new URL('../examples/e2ee.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [example], { timeout: 30_000 });
  assert.equal(stdout, 'first: opus with a secret 0\n100 frames received, 0 of them readable on the way\n');
});
