import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { MediaStream, RTCPeerConnection, RTCStatsReport, mediaDevices } from '../index.mjs';
import { MediaStreamEvent, RTCIdentityErrorEvent, RTCIdentityEvent } from '../dist/legacy.js';
import { sending } from './flow-helpers.mjs';
import { collectGarbage, event, negotiate, pair } from './helpers.mjs';

const camera = () => mediaDevices.getUserMedia({ audio: true, video: true });
const called = (start) => new Promise((resolve) => start((value) => resolve({ value }), (error) => resolve({ error })));

test('a stream that is added is sent, told of once at the other end, and told of when it is removed', async () => {
  const { a, b, close } = pair();
  const stream = await camera();
  const log = [];
  b.onaddstream = (e) => log.push(`addstream ${e.stream.getTracks().length}`);
  b.ontrack = () => log.push('track');
  b.onremovestream = (e) => log.push(`removestream ${e instanceof MediaStreamEvent}`);
  a.addStream(stream);
  a.addStream(stream);
  assert.deepEqual(a.getSenders().map(({ track }) => track), stream.getTracks());
  assert.deepEqual(a.getLocalStreams(), [stream]);
  assert.equal(a.getStreamById(stream.id), stream);
  await negotiate(a, b);
  assert.deepEqual(log, ['addstream 2', 'track', 'track']);
  const [received] = b.getRemoteStreams();
  assert.equal(received.id, stream.id);
  assert.equal(b.getStreamById(stream.id), received);
  assert.deepEqual(b.getLocalStreams(), []);

  a.removeStream(stream);
  assert.deepEqual([a.getLocalStreams(), a.getStreamById(stream.id)], [[], null]);
  await negotiate(a, b);
  assert.deepEqual(log.slice(3), ['removestream true']);
  assert.deepEqual(b.getRemoteStreams(), []);

  // It comes again.
  a.addStream(stream);
  await negotiate(a, b);
  assert.equal(log[4], 'addstream 2');
  close();
});

test('a stream is told of once, also when its tracks come one after the other', async () => {
  const { a, b, close } = pair();
  const stream = await camera();
  const [audio, video] = stream.getTracks();
  let told = 0;
  b.addEventListener('addstream', () => told++);
  a.addTrack(audio, stream);
  await negotiate(a, b);
  a.addTrack(video, stream);
  await negotiate(a, b);
  assert.deepEqual([told, b.getRemoteStreams().length], [1, 1]);
  a.removeTrack(a.getSenders()[0]);
  let removed = 0;
  b.onremovestream = () => removed++;
  await negotiate(a, b);
  assert.equal(removed, 0, 'a track is left');
  close();
});

test('streams of addTransceiver() and setStreams() are local streams; of another stream only its own tracks go', async () => {
  const pc = new RTCPeerConnection();
  const [first, second] = [await camera(), await camera()];
  const { sender } = pc.addTransceiver(first.getTracks()[0], { streams: [first] });
  assert.deepEqual(pc.getLocalStreams(), [first]);
  pc.addStream(second);
  sender.setStreams(first, second);
  assert.deepEqual(pc.getLocalStreams(), [first, second]);
  sender.setStreams(first);
  pc.removeStream(second);
  pc.removeStream(new MediaStream());
  assert.deepEqual(pc.getSenders().filter(({ track }) => track), [sender]);
  pc.close();
});

test('a DTMF sender is that of the sender of a track', async () => {
  const { a, b, close } = pair();
  const stream = await camera();
  const [audio, video] = [stream.getAudioTracks()[0], stream.getVideoTracks()[0]];
  assert.throws(() => a.createDTMFSender(audio), { name: 'InvalidAccessError' });
  a.addStream(stream);
  const dtmf = a.createDTMFSender(audio);
  assert.equal(dtmf, a.getSenders()[0].dtmf);
  assert.throws(() => a.createDTMFSender(video), { name: 'InvalidAccessError' });
  assert.throws(() => a.createDTMFSender({}), TypeError);
  const connected = event(a, 'connectionstatechange');
  await negotiate(a, b);
  await connected;
  while (!dtmf.canInsertDTMF) await event(a, 'connectionstatechange');
  dtmf.insertDTMF('1');
  assert.equal(dtmf.toneBuffer, '1');
  close();
});

test('what is misused is refused and changes nothing', async () => {
  const pc = new RTCPeerConnection();
  const stream = await camera();
  for (const wrong of [undefined, null, {}, stream.getTracks()[0]]) {
    assert.throws(() => pc.addStream(wrong), TypeError);
    assert.throws(() => pc.removeStream(wrong), TypeError);
  }
  assert.throws(() => pc.getStreamById(), TypeError);
  assert.throws(() => RTCPeerConnection.prototype.getLocalStreams.call({}), TypeError);
  pc.onaddstream = 5;
  assert.equal(pc.onaddstream, null);
  pc.close();
  for (const method of ['addStream', 'removeStream']) assert.throws(() => pc[method](stream), { name: 'InvalidStateError' });
  assert.throws(() => pc.createDTMFSender(stream.getTracks()[0]), { name: 'InvalidStateError' });
  assert.deepEqual([pc.getLocalStreams(), pc.getRemoteStreams(), pc.getSenders()], [[], [], []]);
  assert.throws(() => new MediaStreamEvent(), TypeError);
  assert.throws(() => new MediaStreamEvent('addstream', { stream: {} }), TypeError);
  assert.equal(new MediaStreamEvent('addstream').stream, null);
  assert.equal(new MediaStreamEvent('addstream', { stream, bubbles: true }).stream, stream);
});

test('callbacks learn of what they asked for, and of failures by their old names', async () => {
  const { a, b, close } = pair();
  const { value: offer } = await called((...f) => a.createOffer(...f));
  assert.equal(offer.type, 'offer');
  const failure = async (pc, method, ...args) => (await called((...f) => pc[method](...args, ...f))).error.name;
  assert.equal(await failure(b, 'setRemoteDescription', { type: 'offer', sdp: 'nonsense' }), 'InvalidSessionDescriptionError');
  assert.equal(await failure(b, 'setRemoteDescription', { type: 'answer', sdp: offer.sdp }), 'InvalidStateError');
  assert.equal(await failure(b, 'setLocalDescription', { type: 'rollback' }), 'InvalidStateError');
  assert.deepEqual(await called((...f) => b.setRemoteDescription(offer, ...f)), { value: undefined });
  assert.deepEqual(await called((...f) => a.setLocalDescription(offer, ...f)), { value: undefined });
  const { value: answer } = await called((...f) => b.createAnswer(...f));
  assert.deepEqual(await called((...f) => b.setLocalDescription(answer, ...f)), { value: undefined });
  assert.deepEqual(await called((...f) => a.setRemoteDescription(answer, ...f)), { value: undefined });
  assert.equal(await failure(a, 'addIceCandidate', { candidate: 'nonsense', sdpMid: '0' }), 'OperationError');
  assert.deepEqual(await called((...f) => a.addIceCandidate({}, ...f)), { value: undefined });
  close();
  assert.equal(await failure(a, 'setRemoteDescription', offer), 'InvalidStateError');
  assert.equal(await failure(a, 'createOffer'), 'InvalidStateError');
  // A promise has the names of today.
  await assert.rejects(new RTCPeerConnection().setRemoteDescription({ type: 'offer', sdp: 'nonsense' }), { name: 'OperationError' });
});

test('statistics come by a promise or a callback, of all or of a track', async () => {
  const pc = new RTCPeerConnection();
  const [track] = (await camera()).getTracks();
  pc.addTrack(track);
  const reports = [
    await pc.getStats(),
    await pc.getStats(track),
    (await called((success) => pc.getStats(success))).value,
    (await called((...f) => pc.getStats(null, ...f))).value,
    (await called((...f) => pc.getStats(track, ...f))).value,
  ];
  assert.ok(reports.every((report) => report instanceof RTCStatsReport));
  const other = (await camera()).getTracks()[0];
  assert.equal((await called((...f) => pc.getStats(other, ...f))).error.name, 'InvalidAccessError');
  await assert.rejects(pc.getStats(other), { name: 'InvalidAccessError' });
  await assert.rejects(pc.getStats({}), TypeError);
  assert.equal(await pc.getStats(null, () => {}), undefined);
  pc.close();
});

test('the example of 2014 runs', () => {
  const file = fileURLToPath(new URL('../examples/legacy.mjs', import.meta.url));
  const said = execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 20_000 });
  assert.equal(said, 'the other end sends 2 tracks\nthe other end sends 0 tracks\n');
});

test('identities are told of by the events that they had before they were promises', async () => {
  const provider = (fails) => `rtcIdentityProvider.register({
    async generateAssertion(contents) {
      if (${fails}) throw { errorDetail: 'idp-need-login', idpLoginUrl: 'https://idp.example/login' };
      return { idp: { domain: 'idp.example' }, assertion: contents };
    },
    async validateAssertion(contents) {
      if (${fails}) throw new Error('no');
      return { identity: 'alice@idp.example', contents };
    },
  });`;
  const end = (fails) => new RTCPeerConnection({}, { identityProviders: { trust: ['idp.example'], load: () => provider(fails) } });
  const [a, b, c] = [end(false), end(false), end(true)];
  a.setIdentityProvider('idp.example');
  a.createDataChannel('');
  const results = [];
  a.onidentityresult = (e) => results.push(e);
  const assertion = await a.getIdentityAssertion();
  assert.ok(results[0] instanceof RTCIdentityEvent);
  assert.equal(results[0].assertion, assertion);

  const offer = await a.createOffer();
  const known = new Promise((resolve) => (b.onpeeridentity = resolve));
  await b.setRemoteDescription(offer);
  assert.equal((await known).type, 'peeridentity');
  assert.equal((await b.peerIdentity).name, 'alice@idp.example');

  const errors = [];
  const both = new Promise((resolve) => {
    c.onidpassertionerror = c.onidpvalidationerror = (e) => errors.push(e) === 2 && resolve();
  });
  c.setIdentityProvider('idp.example', { protocol: 'p' });
  await assert.rejects(c.getIdentityAssertion());
  await c.setRemoteDescription(offer);
  await both;
  assert.ok(errors.every((e) => e instanceof RTCIdentityErrorEvent));
  assert.deepEqual(errors.map(({ type, idp, protocol, loginUrl }) => [type, idp, protocol, loginUrl]), [
    ['idpassertionerror', 'idp.example', 'p', 'https://idp.example/login'],
    ['idpvalidationerror', 'idp.example', 'default', null],
  ]);
  for (const pc of [a, b, c]) pc.close();
});

test('createEncodedStreams() changes frames in this thread, each written once', async () => {
  const invert = async ({ readable, writable }) => {
    const writer = writable.getWriter();
    for await (const frame of readable) {
      new Uint8Array(frame.data).forEach((byte, i, bytes) => (bytes[i] = ~byte));
      await writer.write(frame);
    }
  };
  let streams;
  const { near, far, close } = await sending('audio', {
    before(transceiver, other) {
      streams = transceiver.sender.createEncodedStreams();
      other.then(({ receiver }) => invert(receiver.createEncodedStreams()));
    },
  });
  for (const it of [near.sender, far.receiver]) assert.throws(() => it.createEncodedStreams(), { name: 'InvalidStateError' });
  const [frames, packets] = [far.receiver.frames(), far.receiver.packets()];
  await near.sender.frames().sendAll([{ data: Uint8Array.of(1, 2, 3), timestamp: 960 }]);

  const writer = streams.writable.getWriter();
  const { value: frame } = await streams.readable.getReader().read();
  await writer.write(frame);
  const [packet] = await packets.recvMany();
  assert.deepEqual([...packet.payload], [1, 2, 3]);
  const [received] = await frames.recvMany();
  assert.deepEqual([...new Uint8Array(received.data)], [0xfe, 0xfd, 0xfc]);
  await assert.rejects(writer.write(frame), { name: 'OperationError' });
  close();
  assert.throws(() => near.receiver.createEncodedStreams(), { name: 'InvalidStateError' });
});

test('createEncodedStreams() goes on when garbage was collected, and holds nobody up when its stream is cancelled', async () => {
  let streams;
  const { near, close } = await sending('audio', {
    before: ({ sender }) => void (streams = sender.createEncodedStreams()),
  });
  const sound = (timestamp) => ({ data: Uint8Array.of(1, 2, 3), timestamp });
  const frames = near.sender.frames();
  const reader = streams.readable.getReader();
  for (const timestamp of [960, 1920]) {
    const read = reader.read();
    collectGarbage();
    await new Promise(setImmediate);
    await frames.sendAll([sound(timestamp)]);
    assert.equal((await read).value.timestamp, timestamp);
  }
  // While one waits; what comes then goes nowhere, and there is room for more than ever waits.
  const read = reader.read();
  await reader.cancel();
  assert.equal((await read).done, true);
  for (let i = 0; i < 20; i++) await frames.sendAll(Array.from({ length: 64 }, (_, j) => sound(960 * (64 * i + j + 3))));
  close();
});
