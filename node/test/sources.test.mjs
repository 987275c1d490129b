import assert from 'node:assert/strict';
import test from 'node:test';
import { sending, vp8Delta, vp8Key } from './flow-helpers.mjs';
import { until } from './helpers.mjs';

const CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
const CONTRIBUTORS_LEVELS = 'urn:ietf:params:rtp-hdrext:csrc-audio-level';

const DEPENDENCY_DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

/** Offers header extensions that are not offered by default. */
const offering = (...uris) => (transceiver) => {
  const extensions = transceiver.getHeaderExtensionsToNegotiate();
  for (const extension of extensions) if (uris.includes(extension.uri)) extension.direction = 'sendrecv';
  transceiver.setHeaderExtensionsToNegotiate(extensions);
};

/** Answers them, too. */
const both = (...uris) => async (near, far) => {
  offering(...uris)(near);
  void far.then(offering(...uris));
};

test('a receiver tells whose media it receives, how loud it is, and who contributed', async () => {
  const { near, far, close } = await sending('audio', { before: both(CONTRIBUTORS_LEVELS) });
  assert.deepEqual(far.receiver.getSynchronizationSources(), []);
  const received = far.receiver.frames();
  const before = performance.timeOrigin + performance.now();
  near.sender.frames().send([{ data: Uint8Array.of(1, 2, 3), timestamp: 960, audioLevel: 0.1, contributingSources: [7, 0xffff_ffff] }]);
  const [frame] = await received.recvMany();
  const after = performance.timeOrigin + performance.now();
  const [stream, ...others] = far.receiver.getSynchronizationSources();
  assert.deepEqual(others, []);
  const { synchronizationSource, contributingSources } = frame.getMetadata();
  assert.equal(stream.source, synchronizationSource);
  assert.deepEqual(contributingSources, [7, 0xffff_ffff]);
  assert.equal(stream.rtpTimestamp, frame.timestamp);
  assert.ok(Math.abs(stream.audioLevel - 0.1) < 0.001, `${stream.audioLevel}`);
  assert.ok(before <= stream.timestamp && stream.timestamp <= after);
  const contributing = far.receiver.getContributingSources();
  assert.deepEqual(contributing.map(({ source }) => source).sort(), [7, 0xffff_ffff].sort());
  for (const source of contributing) assert.ok(!('audioLevel' in source) && !('captureTimestamp' in source));

  const packets = far.receiver.packets();
  near.sender.packets().send([{ payload: Uint8Array.of(4), timestamp: 1_920, contributingSources: [9] }]);
  const [packet] = await packets.recvMany();
  assert.deepEqual(packet.contributingSources, [9]);
  close();
  assert.deepEqual(far.receiver.getSynchronizationSources(), []);
});

test('the time of capture arrives where its extension is negotiated', async () => {
  const { near, far, close } = await sending('video', { before: both(CAPTURE_TIME) });
  const received = far.receiver.frames();
  const captureTime = performance.now() - 5;
  near.sender.frames().send([{ data: vp8Key(3_000), timestamp: 3_000, captureTime }]);
  const [frame] = await received.recvMany();
  const metadata = frame.getMetadata();
  assert.equal(metadata.senderCaptureTimeOffset, 0);
  const [stream] = far.receiver.getSynchronizationSources();
  assert.equal(stream.senderCaptureTimeOffset, 0);
  // Since 1900.
  const captured = performance.timeOrigin + captureTime + 2_208_988_800_000;
  assert.ok(Math.abs(stream.captureTimestamp - captured) < 50, `${stream.captureTimestamp - captured}`);
  assert.ok(!('audioLevel' in stream));

  // By this end's clock once a sender report has told how the clocks are to each other.
  const reports = async () => [...(await far.receiver.getStats()).values()];
  await until(async () => (await reports()).some(({ type }) => type === 'remote-outbound-rtp'));
  const later = performance.now() - 5;
  near.sender.frames().send([{ data: vp8Delta(300), timestamp: 6_000, captureTime: later }]);
  const [second] = await received.recvMany();
  const told = second.getMetadata().captureTime;
  assert.ok(Math.abs(told - later) < 500, `${told} ${later}`);
  close();
});

test('frames tell which frames they need where that is negotiated', async () => {
  const { near, far, close } = await sending('video', { before: both(DEPENDENCY_DESCRIPTOR) });
  const received = far.receiver.frames();
  near.sender.frames().send([
    { data: vp8Key(3_000), timestamp: 0, frameId: 10 },
    { data: vp8Delta(300), timestamp: 3_000, frameId: 11, dependencies: [10] },
    { data: vp8Delta(300), timestamp: 6_000, frameId: 12, dependencies: [10] },
  ]);
  const frames = [];
  while (frames.length < 3) frames.push(...(await received.recvMany()));
  const told = frames.map((frame) => frame.getMetadata());
  const first = told[0].frameId;
  assert.deepEqual(told.map(({ frameId }) => frameId - first), [0, 1, 2]);
  assert.deepEqual(told.map(({ dependencies }) => dependencies), [[], [first], [first]]);
  assert.deepEqual(told.map(({ spatialIndex, temporalIndex }) => [spatialIndex, temporalIndex]), Array(3).fill([0, 0]));
  close();
});

test('without the extension nothing tells when it was captured', async () => {
  const { near, far, close } = await sending('video');
  const received = far.receiver.frames();
  near.sender.frames().send([{ data: vp8Key(300), timestamp: 3_000, captureTime: performance.now() }]);
  const [frame] = await received.recvMany();
  assert.ok(!('captureTime' in frame.getMetadata()) && !('senderCaptureTimeOffset' in frame.getMetadata()));
  assert.ok(!('captureTimestamp' in far.receiver.getSynchronizationSources()[0]));
  close();
});
