import assert from 'node:assert/strict';
import test from 'node:test';
import { RTCEncodedAudioFrame, RTCEncodedVideoFrame, mediaDevices } from '../index.mjs';
import { sending, vp8Delta, vp8Key } from './flow-helpers.mjs';

const text = (bytes) => new TextDecoder().decode(bytes);
const bytesOf = (string) => new TextEncoder().encode(string);

test('frames of audio that one end writes are read at the other, with what is told of them', async () => {
  const { near, far, close } = await sending('audio');
  const received = far.receiver.frames();
  const sent = [1, 2, 3].map((n) => ({ data: bytesOf(`sound ${n}`), timestamp: n * 960, audioLevel: 0.1, voiceActivity: true }));
  assert.equal(near.sender.frames().send(sent), 3);

  const frames = [];
  while (frames.length < 3) frames.push(...(await received.recvMany()));
  assert.deepEqual(frames.map(({ data }) => text(data)), ['sound 1', 'sound 2', 'sound 3']);
  assert.deepEqual(frames.map(({ timestamp }) => timestamp), [960, 1920, 2880]);
  assert.ok(frames.every((frame) => frame instanceof RTCEncodedAudioFrame));
  const metadata = frames[0].getMetadata();
  assert.equal(metadata.mimeType, 'audio/opus');
  assert.equal(metadata.rtpTimestamp, 960);
  assert.ok(Math.abs(metadata.audioLevel - 0.1) < 0.001, `${metadata.audioLevel}`);
  assert.equal(frames[1].getMetadata().sequenceNumber, (metadata.sequenceNumber + 1) % 0x1_0000);
  assert.ok(metadata.receiveTime > 0 && metadata.receiveTime <= performance.now());
  assert.equal(received.dropped, 0);
  close();
});

test('pictures come whole, key frames first, and can be iterated over until the connection is closed', async () => {
  const { near, far, close } = await sending('video');
  const received = far.receiver.frames();
  const writer = near.sender.frames();
  const pictures = [vp8Key(20_000), vp8Delta(3_000), vp8Delta(5)];
  await writer.sendAll(pictures.map((data, i) => ({ data, timestamp: i * 3_000 })));

  const seen = [];
  for await (const frame of received) {
    assert.ok(frame instanceof RTCEncodedVideoFrame);
    seen.push([frame.type, frame.data.byteLength]);
    if (seen.length === 1) {
      const { width, height, mimeType } = frame.getMetadata();
      assert.deepEqual([width, height, mimeType], [640, 480, 'video/VP8']);
    }
    if (seen.length === pictures.length) close();
  }
  assert.deepEqual(seen, [['key', 20_000], ['delta', 3_000], ['delta', 5]]);
  assert.throws(() => writer.send([{ data: vp8Delta(5), timestamp: 0 }]), { name: 'InvalidStateError' });
});

test('streams of frames and packets have back-pressure', async () => {
  const { near, far, close } = await sending('audio');
  const reader = far.receiver.packets().readable.getReader();
  const writer = near.sender.packets().writable.getWriter();
  const count = 500;
  const writing = (async () => {
    for (let i = 0; i < count; i++) {
      await writer.ready;
      await writer.write({ payload: bytesOf(`packet ${i}`), timestamp: i * 960, marker: i === 0, sequenceNumber: i });
    }
  })();
  for (let i = 0; i < count; i++) {
    const { value } = await reader.read();
    assert.equal(text(value.payload), `packet ${i}`);
    assert.deepEqual([value.sequenceNumber, value.timestamp, value.marker], [i, i * 960, i === 0]);
  }
  await writing;
  await reader.cancel();
  close();
});

test('a frame that was received goes on to another connection as it is', async () => {
  const [first, second] = await Promise.all([sending('video'), sending('video')]);
  const source = first.far.receiver.frames();
  const target = second.far.receiver.frames();
  first.near.sender.frames().send([{ data: vp8Key(9_000), timestamp: 5 }, { data: vp8Delta(700), timestamp: 3_005 }]);
  const onward = second.near.sender.frames();
  for (let sent = 0; sent < 2; ) {
    const frames = await source.recvMany();
    await onward.sendAll(frames);
    sent += frames.length;
  }
  const frames = [];
  while (frames.length < 2) frames.push(...(await target.recvMany()));
  assert.deepEqual(frames.map((frame) => [frame.type, frame.timestamp, frame.data.byteLength]), [['key', 5, 9_000], ['delta', 3_005, 700]]);
  first.close();
  second.close();
});

test('packets that were received are packets to send', async () => {
  const [first, second] = await Promise.all([sending('audio'), sending('audio')]);
  const source = first.far.receiver.packets();
  const target = second.far.receiver.packets();
  const onward = second.near.sender.packets();
  first.near.sender.packets().send([0, 1, 5].map((i) => ({ payload: bytesOf(`${i}`), timestamp: i * 960, sequenceNumber: i })));
  for (let sent = 0; sent < 3; ) {
    const packets = await source.recvMany();
    await onward.sendAll(packets);
    sent += packets.length;
  }
  const packets = [];
  while (packets.length < 3) packets.push(...(await target.recvMany(2)));
  assert.deepEqual(packets.map(({ payload, sequenceNumber }) => [text(payload), sequenceNumber]), [['0', 0], ['1', 1], ['5', 5]]);
  assert.deepEqual(packets.map(({ audioLevel, repaired }) => [audioLevel, repaired]), Array(3).fill([null, false]));
  first.close();
  second.close();
});

test('what nobody reads in time makes room for what is newer, and is counted', async () => {
  const { near, far, close } = await sending('audio');
  const received = far.receiver.frames();
  const sentinel = far.receiver.packets();
  const count = 400;
  await near.sender.frames().sendAll(Array.from({ length: count }, (_, i) => ({ data: bytesOf(`${i}`), timestamp: i * 960 })));
  // The same packets by the other door tell that all are there.
  for (let packets = 0; packets < count; ) packets += (await sentinel.recvMany()).length;
  assert.equal(received.dropped, count - 256);
  assert.equal(text(received.tryRecv().data), `${count - 256}`);
  close();
});

test('a key frame that the receiver asks for is an event at the writer', async () => {
  const { near, far, close } = await sending('video');
  const writer = near.sender.frames();
  const received = far.receiver.frames();
  writer.send([{ data: vp8Key(500), timestamp: 0 }]);
  assert.equal((await received.recvMany()).length, 1);
  const asked = new Promise((resolve) => (writer.onkeyframerequest = resolve));
  far.receiver.sendKeyFrameRequest();
  const { type, rid } = await asked;
  assert.deepEqual([type, rid], ['keyframerequest', null]);
  assert.throws(() => near.receiver.sendKeyFrameRequest(), { name: 'InvalidStateError' });
  close();
});

test('telephone keys are played in the place of audio, and are packets at the other end', async () => {
  const [track] = (await mediaDevices.getUserMedia({ audio: true })).getTracks();
  const { near, far, close } = await sending(track);
  const { dtmf } = near.sender;
  const received = far.receiver.packets();
  const tones = [];
  const over = new Promise((resolve) => (dtmf.ontonechange = ({ tone }) => tones.push(tone) && tone === '' && resolve()));
  dtmf.insertDTMF('1#', 100, 70);
  assert.equal(dtmf.toneBuffer, '1#');
  await over;
  // Both ends are told of three times.
  const named = ({ payloadType }) => far.receiver.getParameters().codecs.find((codec) => codec.payloadType === payloadType);
  const packets = [];
  const told = [];
  while (told.filter(({ end }) => end).length < 6) {
    for (const packet of await received.recvMany()) {
      // The track itself is heard before and after.
      const { mimeType, clockRate } = named(packet);
      if (mimeType !== 'audio/telephone-event') continue;
      assert.equal(clockRate, 48000);
      packets.push(packet);
      const [event, flags, high, low] = packet.payload;
      told.push({ event, end: (flags & 0x80) !== 0, duration: (high << 8) | low });
    }
  }
  assert.deepEqual(tones, ['1', '#', '']);
  assert.deepEqual(told.filter(({ end }) => end).map(({ event, duration }) => [event, duration]), [1, 1, 1, 11, 11, 11].map((event) => [event, 4800]));
  assert.equal(new Set(packets.map(({ timestamp }) => timestamp)).size, 2);
  const markers = packets.map(({ marker }, i) => (marker ? i : -1)).filter((i) => i >= 0);
  assert.deepEqual(markers, [0, packets.length / 2]);
  track.stop();
  close();
});

test('a frame can be made of another one with other metadata, and cloned data', async () => {
  const { near, far, close } = await sending('audio');
  const received = far.receiver.frames();
  near.sender.frames().send([{ data: bytesOf('original'), timestamp: 960 }]);
  const [original] = await received.recvMany();
  const copy = new RTCEncodedAudioFrame(original, { metadata: { rtpTimestamp: 7, audioLevel: 0.5 } });
  new Uint8Array(copy.data)[0] = 'O'.charCodeAt(0);
  assert.equal(text(copy.data), 'Original');
  assert.equal(text(original.data), 'original');
  assert.deepEqual([copy.getMetadata().rtpTimestamp, copy.getMetadata().audioLevel], [7, 0.5]);
  assert.equal(original.getMetadata().rtpTimestamp, 960);
  close();
});

test('arguments are checked, and a closed connection is refused', async () => {
  const { a, near, far, close } = await sending('audio');
  const writer = near.sender.frames();
  assert.throws(() => writer.send([{ timestamp: 1 }]), TypeError);
  assert.throws(() => writer.send([{ data: 'text', timestamp: 1 }]), TypeError);
  assert.throws(() => writer.send(5), TypeError);
  await assert.rejects(near.sender.packets().sendAll([{}]), TypeError);
  const waiting = far.receiver.frames().recvMany();
  close();
  assert.deepEqual(await waiting, []);
  assert.equal(a.connectionState, 'closed');
  assert.throws(() => near.sender.packets(), { name: 'InvalidStateError' });
});
