// Data channels that go to another thread (webrtc-pc §6.2, "Transferring data channel").
import assert from 'node:assert/strict';
import test from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import '../dist/transfer.js';
import { sending, vp8Key } from './flow-helpers.mjs';
import { channels, event, negotiate, pair } from './helpers.mjs';

/** A worker that says what happens on the channel it gets, and does what it is told. */
function startWorker(t) {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
    require(${JSON.stringify(new URL('../dist/transfer.js', import.meta.url).pathname)});
    let channel;
    parentPort.on('message', (message) => {
      if (message.channel) {
        channel = message.channel;
        const { label, id, readyState } = channel;
        parentPort.postMessage({ type: 'arrived', label, readyState, isChannel: channel.constructor.name });
        for (const type of message.quiet ? [] : ['open', 'message', 'closing', 'close', 'bufferedamountlow']) {
          channel.addEventListener(type, ({ data }) => {
            parentPort.postMessage({ type, data, readyState: channel.readyState, bufferedAmount: channel.bufferedAmount });
          });
        }
      }
      if (message.send) channel.send(message.send);
      if (message.fill !== undefined) {
        let sent = 0;
        try {
          for (; sent < 1e6; sent++) channel.send(message.fill);
        } catch ({ name }) {
          parentPort.postMessage({ type: 'filled', sent, name });
        }
      }
      if (message.close) channel.close();
      if (message.count) {
        let bytes = 0;
        channel.onmessage = ({ data }) => (bytes += data.byteLength) === message.count && parentPort.postMessage({ type: 'counted' });
        // Busy until it is told to go on.
        Atomics.wait(message.busy, 0, 0);
      }
      if (message.untilClosed) {
        // No event tells it, and what comes by the channel's own port is in no order with this.
        const look = () => (channel.readyState === 'closed' ? parentPort.postMessage({ type: 'closed' }) : setImmediate(look));
        look();
      }
    });`,
    { eval: true },
  );
  t.after(() => worker.terminate());
  const queue = [];
  const waiting = [];
  worker.on('message', (message) => (waiting.shift() ?? ((m) => queue.push(m)))(message));
  /** The next message of this type; what comes before it is dropped. */
  worker.next = async (type) => {
    for (;;) {
      const message = queue.shift() ?? (await new Promise((resolve) => waiting.push(resolve)));
      if (message.type === type) return message;
    }
  };
  return worker;
}

test('ports, workers and broadcast channels post as before', async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const bytes = new Uint8Array([1, 2, 3]).buffer;
  const received = event(port2, 'message');
  port1.postMessage({ bytes }, [bytes]);
  assert.deepEqual(new Uint8Array((await received).bytes), new Uint8Array([1, 2, 3]));
  assert.equal(bytes.byteLength, 0);

  const channels = [1, 2].map(() => new BroadcastChannel('as y-webrtc does'));
  t.after(() => channels.forEach((channel) => channel.close()));
  const heard = event(channels[1], 'message');
  assert.equal(channels[0].postMessage({ type: 'announce', from: 1 }), undefined);
  assert.deepEqual((await heard).data, { type: 'announce', from: 1 });

  const echo = new Worker(`require('node:worker_threads').parentPort.on('message', (message) => {
    require('node:worker_threads').parentPort.postMessage(message);
  });`, { eval: true });
  t.after(() => echo.terminate());
  const answer = event(echo, 'message');
  assert.equal(echo.postMessage(new Map([[1, 'x']])), undefined);
  assert.deepEqual(await answer, new Map([[1, 'x']]));
});

test('a channel goes to a worker before it opens', async (t) => {
  const worker = startWorker(t);
  const { a, b, close } = pair();
  t.after(close);
  const channel = a.createDataChannel('to the worker');
  worker.postMessage({ channel }, [channel]);
  assert.equal(channel.readyState, 'closed');
  assert.throws(() => channel.send('x'), { name: 'InvalidStateError' });
  const announced = event(b, 'datachannel');
  await negotiate(a, b);
  const { label, isChannel } = await worker.next('arrived');
  assert.deepEqual([label, isChannel], ['to the worker', 'RTCDataChannel']);
  assert.equal((await worker.next('open')).readyState, 'open');
  const { channel: far } = await announced;
  far.send('hello');
  far.send(new Uint8Array([1, 2, 3]));
  assert.equal((await worker.next('message')).data, 'hello');
  assert.deepEqual([...new Uint8Array((await worker.next('message')).data)], [1, 2, 3]);
  worker.postMessage({ send: new Uint8Array(100_000) });
  assert.equal((await event(far, 'message')).data.byteLength, 100_000);
  assert.equal((await worker.next('bufferedamountlow')).bufferedAmount, 0);
  far.close();
  assert.equal((await worker.next('closing')).readyState, 'closing');
  assert.equal((await worker.next('close')).readyState, 'closed');
});

test('a channel goes to a worker when it is announced, and no message is lost', async (t) => {
  const worker = startWorker(t);
  const { a, b, close } = pair();
  t.after(close);
  const near = a.createDataChannel('x');
  near.onopen = () => {
    for (let i = 0; i < 100; i++) near.send(`${i}`);
  };
  b.ondatachannel = ({ channel }) => worker.postMessage({ channel, more: new Map([[1, channel]]) }, [channel]);
  await negotiate(a, b);
  assert.equal((await worker.next('arrived')).readyState, 'open');
  for (let i = 0; i < 100; i++) assert.equal((await worker.next('message')).data, `${i}`);
  worker.postMessage({ send: 'answer' });
  assert.equal((await event(near, 'message')).data, 'answer');
  worker.postMessage({ close: true });
  await event(near, 'close');
  await worker.next('close');
});

test('only a new channel can be transferred', async (t) => {
  const { a, near, close } = await channels();
  t.after(close);
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const refused = (channel) =>
    assert.throws(() => port1.postMessage(channel, [channel]), { name: 'DataCloneError', code: DOMException.DATA_CLONE_ERR });
  refused(near);
  const used = a.createDataChannel('used');
  assert.throws(() => used.send('x'));
  refused(used);
  const late = a.createDataChannel('late');
  await new Promise(setImmediate);
  refused(late);
  const channel = a.createDataChannel('twice');
  assert.throws(() => port1.postMessage(null, [channel, channel]), { name: 'DataCloneError' });
  assert.throws(() => port1.postMessage(() => {}, [channel]), { name: 'DataCloneError' });
  assert.equal(channel.readyState, 'connecting');
  const received = event(port2, 'message');
  port1.postMessage([channel], { transfer: [channel] });
  refused(channel);
  const [arrived] = await received;
  assert.equal(arrived.label, 'twice');
  assert.notEqual(arrived, channel);
  await event(arrived, 'open');
});

test('a channel closes with the worker that has it, and with its connection', async (t) => {
  for (const end of ['worker', 'connection']) {
    const worker = startWorker(t);
    const { a, b, close } = pair();
    t.after(close);
    const channel = a.createDataChannel('x');
    worker.postMessage({ channel }, [channel]);
    const announced = event(b, 'datachannel');
    await negotiate(a, b);
    const { channel: far } = await announced;
    await worker.next('open');
    const closed = event(far, 'close');
    if (end === 'worker') await worker.terminate();
    else a.close();
    await closed;
    if (end === 'worker') continue;
    worker.postMessage({ untilClosed: true });
    await worker.next('closed');
  }
});

test('a worker that sends small messages without end is refused what its connection has no room for', async (t) => {
  const worker = startWorker(t);
  const { a, b, close } = pair();
  t.after(close);
  const channel = a.createDataChannel('small');
  worker.postMessage({ channel }, [channel]);
  const announced = event(b, 'datachannel');
  await negotiate(a, b);
  const { channel: far } = await announced;
  await worker.next('open');
  let got = 0;
  let wanted = Infinity;
  const all = new Promise((resolve) => {
    far.onmessage = () => ++got >= wanted && resolve();
  });
  worker.postMessage({ fill: 'x' });
  const { sent, name } = await worker.next('filled');
  assert.equal(name, 'OperationError');
  wanted = sent;
  await all;
  // There is room again.
  assert.equal((await worker.next('bufferedamountlow')).bufferedAmount, 0);
  worker.postMessage({ send: 'room' });
  assert.equal((await event(far, 'message')).data, 'room');
});

test('a worker that is busy makes an end wait that sends nothing but empty messages', async (t) => {
  const worker = startWorker(t);
  const { a, b, close } = pair();
  t.after(close);
  const near = a.createDataChannel('x');
  b.ondatachannel = ({ channel }) => worker.postMessage({ channel, quiet: true }, [channel]);
  await negotiate(a, b);
  if (near.readyState !== 'open') await event(near, 'open');
  await worker.next('arrived');
  const busy = new Int32Array(new SharedArrayBuffer(4));
  worker.postMessage({ count: 1, busy });
  // An end that the other keeps waiting keeps its queue: it fills up. One that is not never ends.
  const patience = performance.now() + 60_000;
  let full = 0;
  while (full < 100 && performance.now() < patience) {
    full++;
    try {
      for (let i = 0; i < 1000; i++, full = 0) near.send('');
    } catch ({ name }) {
      assert.equal(name, 'OperationError');
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(full, 100, 'the other end took empty messages without end');
  Atomics.store(busy, 0, 1);
  Atomics.notify(busy, 0);
});

test('a worker that is busy makes the other end wait', async (t) => {
  const worker = startWorker(t);
  const { a, b, close } = pair();
  t.after(close);
  const near = a.createDataChannel('x');
  b.ondatachannel = ({ channel }) => worker.postMessage({ channel, quiet: true }, [channel]);
  await negotiate(a, b);
  if (near.readyState !== 'open') await event(near, 'open');
  await worker.next('arrived');
  const busy = new Int32Array(new SharedArrayBuffer(4));
  const chunk = new Uint8Array(64_000);
  const CHUNKS = 1000;
  worker.postMessage({ count: CHUNKS * chunk.length, busy });
  let sent = 0;
  let moved = performance.now();
  /** Sends until nothing leaves the queue any more, or everything is sent. */
  const pump = async () => {
    while (sent < CHUNKS && performance.now() - moved < 1000) {
      if (near.bufferedAmount < 4_000_000) {
        near.send(chunk);
        sent++;
        moved = performance.now();
      } else {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  };
  await pump();
  assert.ok(sent < CHUNKS, 'all of 64 MB went to a worker that takes nothing');
  Atomics.store(busy, 0, 1);
  Atomics.notify(busy, 0);
  moved = performance.now();
  await pump();
  await worker.next('counted');
  assert.equal(near.readyState, 'open');
});

test('encoded frames are cloned with their bytes and what is known of them', async () => {
  const { near, far, close } = await sending('video');
  const received = far.receiver.frames();
  near.sender.frames().send([{ data: vp8Key(100), timestamp: 9_000 }]);
  const [frame] = await received.recvMany();
  frame.setMetadata({ ...frame.getMetadata(), frameId: 7 });
  const [copy, { nested }] = [structuredClone(frame), structuredClone({ nested: [frame, frame] })];
  assert.equal(nested[0], nested[1]);
  for (const made of [copy, nested[0]]) {
    assert.equal(made.constructor, frame.constructor);
    assert.deepEqual(made.getMetadata(), frame.getMetadata());
    assert.deepEqual([made.type, made.timestamp, made.data], [frame.type, frame.timestamp, frame.data]);
    assert.notEqual(made.data, frame.data);
  }
  close();
});
