import assert from 'node:assert/strict';
import test from 'node:test';
import { channels, event, negotiate, pair } from './helpers.mjs';

test('text, bytes and blobs arrive in the order they were sent', async () => {
  const { near, far, close } = await channels();
  const got = [];
  const all = new Promise((resolve) => {
    far.onmessage = ({ data }) => got.push(data) === 4 && resolve();
  });
  near.send('grüße \u{1f600}');
  near.send(new Blob(['blob']));
  near.send(new Uint16Array([1, 2, 3]).subarray(1));
  near.send('');
  await all;
  assert.equal(got[0], 'grüße \u{1f600}');
  assert.equal(Buffer.from(got[1]).toString(), 'blob');
  assert.deepEqual([...new Uint16Array(got[2])], [2, 3]);
  assert.equal(got[3], '');
  close();
});

test('what arrives can be transferred, however large, and a buffer that was transferred is sent as an empty message', async () => {
  const { a, near, far, close } = await channels();
  const got = [];
  const all = new Promise((resolve) => {
    far.onmessage = ({ data }) => got.push(data) === 4 && resolve();
  });
  near.send(new Uint8Array(100_000));
  const buffer = new ArrayBuffer(8);
  const views = [buffer, new Uint8Array(buffer, 2), new DataView(buffer, 2)];
  structuredClone(buffer, { transfer: [buffer] });
  for (const view of views) near.send(view);
  await all;
  assert.deepEqual(got.map(({ byteLength }) => byteLength), [100_000, 0, 0, 0]);
  for (const data of [got[0], a.sctp.transport.getRemoteCertificates()[0]]) {
    assert.ok(structuredClone(data, { transfer: [data] }).byteLength > 0);
    assert.equal(data.byteLength, 0);
  }
  close();
});

test('a Blob beside as many small messages as a channel takes is refused or arrives, as they do', async () => {
  const { near, far, close } = await channels();
  const got = [];
  let wanted = Infinity;
  const all = new Promise((resolve) => {
    far.onmessage = ({ data }) => got.push(data) >= wanted && resolve();
  });
  // Nothing leaves the queue before the next task, so that it is full in the end.
  const sent = [];
  const fill = (most) => {
    for (let i = 0; i < most; i++) {
      near.send('x');
      sent.push('x');
    }
  };
  fill(130_000);
  near.send(new Blob(['blob']));
  sent.push('blob');
  assert.throws(() => fill(1_000), { name: 'OperationError' });
  assert.throws(() => near.send(new Blob(['more'])), { name: 'OperationError' });
  wanted = sent.length;
  await all;
  assert.deepEqual(got.map((data) => (typeof data === 'string' ? data : Buffer.from(data).toString())), sent);
  close();
});

test('bufferedAmount grows in send() and falls in tasks only', async () => {
  const { near, far, close } = await channels();
  const chunk = new Uint8Array(16_384);
  let sent = 0;
  for (let i = 0; i < 64; i++) {
    near.send(chunk);
    sent += chunk.length;
    assert.equal(near.bufferedAmount, sent);
  }
  await event(near, 'bufferedamountlow');
  assert.equal(near.bufferedAmount, 0);
  far.close();
  await event(near, 'close');
  assert.equal(near.readyState, 'closed');
  close();
});

test('a channel that both ends negotiated needs no announcement', async () => {
  const { a, b, close } = pair();
  const ends = [a, b].map((pc) => pc.createDataChannel('same', { negotiated: true, id: 5 }));
  const opened = Promise.all(ends.map((end) => event(end, 'open')));
  await negotiate(a, b);
  await opened;
  ends[0].send('x');
  assert.equal((await event(ends[1], 'message')).data, 'x');
  close();
});

test('a hundred thousand small messages, as many as a second has, do not starve timers', async () => {
  const { near, far, close } = await channels();
  const COUNT = 100_000;
  const PERIOD = 5;
  let sent = 0;
  let got = 0;
  const late = [];
  let due = performance.now() + PERIOD;
  const all = new Promise((resolve) => {
    far.onmessage = () => ++got === COUNT && resolve();
  });
  const timer = setInterval(() => {
    late.push(performance.now() - due);
    due = performance.now() + PERIOD;
    for (let i = 0; i < 500 && sent < COUNT; i++, sent++) near.send('message');
  }, PERIOD);
  await all;
  clearInterval(timer);
  // Both ends are on this thread. A slow machine takes longer, but each timer has its turn.
  const typical = late.sort((a, b) => a - b)[late.length >> 1];
  assert.ok(late.length >= COUNT / 500 && typical < 50, `${late.length} ticks, typically ${typical} ms late`);
  close();
});

test('nothing is sent on a channel that is not open', async () => {
  const { a, close } = pair();
  const channel = a.createDataChannel('early');
  assert.throws(() => channel.send('x'), { name: 'InvalidStateError' });
  close();
});

test('statistics tell the path and what passed on a channel', async () => {
  const { a, near, far, close } = await channels();
  near.send('grüße');
  await event(far, 'message');
  const report = await a.getStats();
  const of = (type) => [...report.values()].find((stats) => stats.type === type);
  const { messagesSent, bytesSent, state } = of('data-channel');
  assert.deepEqual({ messagesSent, bytesSent, state }, { messagesSent: 1, bytesSent: 7, state: 'open' });
  const pair = report.get(of('transport').selectedCandidatePairId);
  assert.equal(report.get(pair.localCandidateId).candidateType, 'host');
  assert.equal(report.get(pair.transportId), of('transport'));
  assert.equal(pair.bytesSent, of('transport').bytesSent);
  assert.ok(pair.currentRoundTripTime > 0 && pair.lastPacketSentTimestamp <= pair.timestamp);
  assert.match(of('certificate').fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  close();
});
