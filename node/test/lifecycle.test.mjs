import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { RTCPeerConnection } from '../index.mjs';
import { channels, event } from './helpers.mjs';

const run = promisify(execFile);
const entry = fileURLToPath(new URL('../index.mjs', import.meta.url));
const peerConnection = fileURLToPath(new URL('../dist/rtc/peer-connection.js', import.meta.url));
const helpers = fileURLToPath(new URL('helpers.mjs', import.meta.url));

/** Runs a module in a process of its own, which has to end by itself. */
const program = (code) => run(process.execPath, ['--input-type=module', '-e', code], { timeout: 10_000 });

test('a process ends when its connections are closed', async () => {
  await program(`
    import { channels } from ${JSON.stringify(helpers)};
    const { near, close } = await channels();
    near.send('x');
    close();`);
});

test('a connection that closes because the core lost reports says so, and does not keep the process', async () => {
  const { stdout } = await program(`
    import { channels } from ${JSON.stringify(helpers)};
    import { connectionOf } from ${JSON.stringify(peerConnection)};
    const { a, b, far } = await channels();
    a.onconnectionstatechange = () => console.log(a.connectionState);
    const core = connectionOf(a).native;
    // As when more reports waited than there is room for: it closes, and tells so with the next turn.
    let turn = null;
    core.receive = () => {
      core.receive = () => 0;
      const { mirror, timeout } = core.close();
      turn = { mirror, timeout, ofChannels: [], effects: [], left: 0, tasks: 0 };
      return 1;
    };
    core.next = () => [turn, (turn = null)][0];
    far.send('x');
    b.close();`);
  assert.equal(stdout, 'closed\n');
});

test('a connection without transports does not keep the process', async () => {
  await program(`
    import { RTCPeerConnection } from ${JSON.stringify(entry)};
    new RTCPeerConnection().createDataChannel('x');`);
});

test('a process may exit in the middle of anything', async () => {
  await program(`
    import { channels, pair, negotiate } from ${JSON.stringify(helpers)};
    const { near } = await channels();
    for (let i = 0; i < 100; i++) near.send(new Uint8Array(60_000));
    const { a, b } = pair();
    a.createDataChannel('y');
    negotiate(a, b);
    setTimeout(() => process.exit(0), 5);`);
});

test('workers have connections of their own', async () => {
  const worker = new Worker(
    `import(${JSON.stringify(helpers)}).then(async ({ channels, event }) => {
      const { near, far, close } = await channels();
      near.send('from a worker');
      const { data } = await event(far, 'message');
      close();
      require('node:worker_threads').parentPort.postMessage(data);
    });`,
    { eval: true },
  );
  const message = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  assert.equal(message, 'from a worker');
  const killed = new Worker(
    `import(${JSON.stringify(helpers)}).then(async ({ channels }) => {
      const { near } = await channels();
      require('node:worker_threads').parentPort.postMessage('open');
      setInterval(() => near.send('x'), 0);
    });`,
    { eval: true },
  );
  await new Promise((resolve) => killed.once('message', resolve));
  await killed.terminate();
});

test('a handler that throws breaks nothing else', async () => {
  const { near, far, close } = await channels();
  const thrown = new Promise((resolve) => {
    const listeners = process.rawListeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => {
      for (const listener of listeners) process.on('uncaughtException', listener);
      resolve(error);
    });
  });
  const both = [];
  far.addEventListener('message', ({ data }) => {
    both.push(data);
    if (data === 'first') throw new Error('in the handler');
  });
  const second = new Promise((resolve) => far.addEventListener('message', ({ data }) => data === 'second' && resolve()));
  near.send('first');
  near.send('second');
  assert.equal((await thrown).message, 'in the handler');
  await second;
  assert.deepEqual(both, ['first', 'second']);
  close();
});

test('a connection may be closed inside an event', async () => {
  const { a, near, far, close } = await channels();
  far.onmessage = ({ data }) => far.send(data);
  let got = 0;
  near.onmessage = () => {
    got++;
    a.close();
  };
  for (let i = 0; i < 10; i++) near.send('x');
  await event(far, 'close');
  assert.equal(got, 1);
  close();
});

test('promise reactions run between two events of one task', async () => {
  const { a, b, near, close } = await channels();
  const order = [];
  for (const type of ['iceconnectionstatechange', 'connectionstatechange']) {
    b.addEventListener(type, () => {
      order.push(type);
      Promise.resolve().then(() => order.push('reaction'));
    });
  }
  near.onclose = () => {};
  a.close();
  await event(b, 'connectionstatechange');
  await new Promise(setImmediate);
  for (const [i, name] of order.entries()) assert.equal(name === 'reaction', i % 2 === 1, order.join());
  close();
});

test('a thousand connections come and go', async () => {
  for (let i = 0; i < 1000; i++) {
    const pc = new RTCPeerConnection();
    pc.createDataChannel('x');
    await pc.setLocalDescription();
    pc.close();
  }
});
