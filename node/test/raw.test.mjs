// Pictures and sound from one connection to another, as they are and not as packets.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  AudioData,
  MediaStreamTrackGenerator,
  MediaStreamTrackProcessor,
  SFrameTransform,
  VideoFrame,
  VideoTrackGenerator,
  mediaDevices,
} from '../index.mjs';
import { native } from '../dist/binding.js';
import { withPicture } from '../dist/media/video-frame.js';
import { RTCVideoSink } from '../dist/nonstandard.js';
import { event, negotiate, pair, until } from './helpers.mjs';

/** Two connections with these tracks in both directions, and the tracks that arrive at the second. */
async function call(ours, theirs = [], options = {}) {
  const { a, b, close } = pair({}, {}, options);
  for (const track of ours) a.addTrack(track);
  const arrived = [];
  b.addEventListener('track', ({ track }) => arrived.push(track));
  const back = [];
  a.addEventListener('track', ({ track }) => back.push(track));
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  for (const track of theirs) b.addTrack(track);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  return { a, b, arrived, back, close };
}

/** What a receiver tells of what comes. */
const inbound = async (receiver) => [...(await receiver.getStats()).values()].find(({ type }) => type === 'inbound-rtp');

const numberOf = (frame) => withPicture(frame, (picture) => picture.number);

/** The frames of a track until `enough` is true of what was made of them. */
async function collect(track, make, enough) {
  const seen = [];
  for await (const frame of new MediaStreamTrackProcessor({ track }).readable) {
    const made = make(frame);
    frame.close();
    if (made !== undefined && made !== null) seen.push(made);
    if (enough(seen)) return seen;
  }
  throw new Error('the track ended');
}

/** Of a tone: how often it goes from below to above in a second. */
function frequency(samples, rate) {
  let periods = 0;
  let [first, last] = [0, 0];
  for (let i = 1; i < samples.length; i++) {
    if (samples[i - 1] >= 0 || samples[i] < 0) continue;
    last = i;
    if (periods++ === 0) first = i;
  }
  return ((periods - 1) * rate) / (last - first);
}

function samplesOf(data) {
  const samples = new Float32Array(data.numberOfFrames);
  data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
  return samples;
}

const loudest = (samples) => samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

test('the counter in the pictures and the tone of fake devices are at the other end, in both directions', async (t) => {
  const devices = () => mediaDevices.getUserMedia({ audio: true, video: true });
  const [ours, theirs] = [await devices(), await devices()];
  const { arrived, back, close } = await call(ours.getTracks(), theirs.getTracks());
  t.after(() => {
    close();
    for (const track of [...ours.getTracks(), ...theirs.getTracks()]) track.stop();
  });
  const look = async (tracks) => {
    const of = (kind) => tracks.find((track) => track.kind === kind);
    const [numbers, sound] = await Promise.all([
      collect(of('video'), numberOf, (seen) => seen.length === 20),
      collect(of('audio'), samplesOf, (seen) => seen.filter((it) => loudest(it) > 0.05).length === 30),
    ]);
    const steps = numbers.slice(1).map((number, i) => number - numbers[i]);
    assert.ok(steps.every((step) => step > 0 && step < 30), `${numbers}`);
    const heard = sound.filter((it) => loudest(it) > 0.05).slice(-20).flatMap((it) => [...it]);
    const hertz = frequency(heard, 48_000);
    assert.ok(Math.abs(hertz - 440) < 5, `${hertz} Hz`);
  };
  await Promise.all([look(arrived), look(back)]);
});

test('what the application draws arrives, and a picture of it is copied in once and out once', async (t) => {
  const generator = new VideoTrackGenerator();
  const { arrived, close } = await call([generator.track]);
  t.after(close);
  const [width, height] = [160, 120];
  const writer = generator.writable.getWriter();
  const pixels = new Uint8Array((width * height * 3) / 2).fill(128);
  pixels.fill(200, 0, width * height);
  const reader = new MediaStreamTrackProcessor({ track: arrived[0] }).readable.getReader();
  const before = native.copiedPictures();
  let written = 0;
  const timer = setInterval(() => {
    const frame = new VideoFrame(pixels, { format: 'I420', codedWidth: width, codedHeight: height, timestamp: 33_333 * written++ });
    writer.write(frame);
  }, 33);
  t.after(() => clearInterval(timer));
  const { value: frame } = await reader.read();
  assert.equal(native.copiedPictures() - before, written);
  assert.deepEqual([frame.format, frame.codedWidth, frame.codedHeight], ['I420', width, height]);
  const out = new Uint8Array(frame.allocationSize());
  assert.deepEqual(await frame.copyTo(out), [
    { offset: 0, stride: width },
    { offset: width * height, stride: width / 2 },
    { offset: (width * height * 5) / 4, stride: width / 2 },
  ]);
  assert.ok(Math.abs(out[width * 60 + 80] - 200) < 4);
  frame.close();
  await reader.cancel();
});

test('parts of pictures that are sent, and shown, are freed at once', async (t) => {
  const whole = native.testPicture(0, 16, 16);
  const prototype = Object.getPrototypeOf(whole);
  const { crop } = prototype;
  const parts = [];
  prototype.crop = function (rect) {
    const part = crop.call(this, rect);
    parts.push(part);
    return part;
  };
  t.after(() => (prototype.crop = crop));
  const generator = new VideoTrackGenerator();
  const { a, close } = await call([generator.track]);
  t.after(close);
  const sink = new RTCVideoSink(generator.track);
  const [sender] = a.getSenders();
  await until(() => sender.transport?.state === 'connected');
  const pixels = new Uint8Array((64 * 48 * 3) / 2);
  const visibleRect = { x: 0, y: 0, width: 32, height: 24 };
  const frame = new VideoFrame(pixels, { format: 'I420', codedWidth: 64, codedHeight: 48, timestamp: 0, visibleRect });
  await generator.writable.getWriter().write(frame);
  sink.stop();
  assert.equal(parts.length, 2, 'one for each who looks');
  for (const part of parts) assert.throws(() => part.width, /closed/);
});

test('clones of a remote track unmute, are read and end with it, also when it was stopped itself', async (t) => {
  const [camera] = (await mediaDevices.getUserMedia({ video: { width: 160, height: 120 } })).getTracks();
  const { a, b, arrived, close } = await call([camera]);
  t.after(close);
  t.after(() => camera.stop());
  const [track] = arrived;
  const copy = track.clone();
  assert.deepEqual([track.muted, copy.muted], [true, true]);
  await Promise.all([track, copy].map((it) => event(it, 'unmute')));
  const reader = new MediaStreamTrackProcessor({ track: copy }).readable.getReader();
  track.stop();
  const { value: frame } = await reader.read();
  assert.equal(frame.codedWidth, 160);
  frame.close();
  assert.equal(copy.readyState, 'live');
  assert.equal(track.clone().readyState, 'ended');

  const muted = event(copy, 'mute');
  a.getTransceivers()[0].direction = 'inactive';
  await negotiate(a, b);
  await muted;
  const ended = event(copy, 'ended');
  a.getTransceivers()[0].stop();
  await negotiate(a, b);
  await ended;
  await reader.cancel();
});

test('PCM of the application is heard at its pitch, at whichever rate it is written', async (t) => {
  const generator = new MediaStreamTrackGenerator({ kind: 'audio' });
  const { arrived, close } = await call([generator]);
  t.after(close);
  const rate = 16_000;
  const writer = generator.writable.getWriter();
  let stop = false;
  const speak = (async () => {
    // As fast as it is taken: the writer waits when it is ahead.
    for (let i = 0; !stop; i++) {
      const samples = Int16Array.from({ length: 320 }, (_, k) => 8000 * Math.sin((2 * Math.PI * 500 * (320 * i + k)) / rate));
      await writer.write(new AudioData({ format: 's16', sampleRate: rate, numberOfFrames: 320, numberOfChannels: 1, timestamp: 20_000 * i, data: samples }));
    }
  })();
  const sound = await collect(arrived[0], samplesOf, (seen) => seen.filter((it) => loudest(it) > 0.1).length === 40);
  stop = true;
  await speak;
  const heard = sound.filter((it) => loudest(it) > 0.1).slice(10).flatMap((it) => [...it]);
  assert.ok(Math.abs(frequency(heard, 48_000) - 500) < 5, `${frequency(heard, 48_000)}`);
});

test('a disabled track is black and silent at the other end, and comes back', async (t) => {
  const stream = await mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  const { arrived, close } = await call(stream.getTracks());
  t.after(() => {
    close();
    for (const track of stream.getTracks()) track.stop();
  });
  const [audio, video] = ['audio', 'video'].map((kind) => arrived.find((track) => track.kind === kind));
  const brightest = async (frame) => {
    const out = new Uint8Array(frame.allocationSize({ format: 'RGBA' }));
    await frame.copyTo(out, { format: 'RGBA' });
    return out.reduce((most, x, i) => (i % 4 === 3 ? most : Math.max(most, x)), 0);
  };
  const until = async (track, is) => {
    for await (const frame of new MediaStreamTrackProcessor({ track }).readable) {
      const found = await is(frame);
      frame.close();
      if (found) return;
    }
  };
  const visible = async (frame) => (await brightest(frame)) > 100;
  const black = async (frame) => (await brightest(frame)) < 8;
  await Promise.all([until(video, visible), until(audio, (data) => loudest(samplesOf(data)) > 0.1)]);
  for (const track of stream.getTracks()) track.enabled = false;
  await Promise.all([until(video, black), until(audio, (data) => loudest(samplesOf(data)) < 0.001)]);
  for (const track of stream.getTracks()) track.enabled = true;
  await Promise.all([until(video, visible), until(audio, (data) => loudest(samplesOf(data)) > 0.1)]);
});

test('a track that is replaced goes on in the same stream, whatever clock its frames have', async (t) => {
  const stream = await mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
  const [first] = stream.getTracks();
  const { a, arrived, close } = await call([first]);
  t.after(() => {
    close();
    first.stop();
  });
  await collect(arrived[0], numberOf, (seen) => seen.length === 5);
  const generator = new VideoTrackGenerator();
  await a.getSenders()[0].replaceTrack(generator.track);
  const writer = generator.writable.getWriter();
  let number = 40_000;
  const timer = setInterval(() => {
    writer.write(drawn(number++));
  }, 33);
  t.after(() => clearInterval(timer));
  const numbers = await collect(arrived[0], numberOf, (seen) => seen.filter((it) => it >= 40_000).length === 10);
  assert.ok(numbers.length < 200);

  /** A test picture, by a clock that begins anew. */
  function drawn(of) {
    const picture = native.testPicture(of, 320, 240);
    const bytes = new Uint8Array((320 * 240 * 3) / 2);
    picture.copy(bytes, 'I420', { x: 0, y: 0, width: 320, height: 240 }, [0, 320, 76_800, 160, 96_000, 160]);
    return new VideoFrame(bytes, { format: 'I420', codedWidth: 320, codedHeight: 240, timestamp: 1_000 * (of - 40_000) });
  }
});

test('who reads slowly gets the newest frames and waits for none', async (t) => {
  const stream = await mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
  const [track] = stream.getTracks();
  t.after(() => track.stop());
  const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 2 }).readable.getReader();
  const { value: first } = await reader.read();
  const later = new MediaStreamTrackProcessor({ track }).readable.getReader();
  for (let i = 0; i < 10; i++) (await later.read()).value.close();
  const { value: second } = await reader.read();
  const step = numberOf(second) - numberOf(first);
  assert.ok(step >= 8, `${step}`);
  first.close();
  second.close();
  await Promise.all([reader.cancel(), later.cancel()]);
});

test('streams of frames end with their track, and the last track ends the stream of who makes them', async () => {
  const generator = new VideoTrackGenerator();
  const reader = new MediaStreamTrackProcessor({ track: generator.track }).readable.getReader();
  const ended = event(generator.track, 'ended');
  await generator.writable.close();
  await ended;
  assert.equal((await reader.read()).done, true);

  const other = new VideoTrackGenerator();
  const copy = other.track.clone();
  const writer = other.writable.getWriter();
  other.track.stop();
  await writer.ready;
  // A clone of what has ended has ended, and holds nothing up.
  assert.equal(other.track.clone().readyState, 'ended');
  copy.stop();
  await assert.rejects(writer.closed, { name: 'InvalidStateError' });
});

test('who mutes a generator mutes its tracks, with an event, and what is written goes nowhere', async () => {
  const generator = new VideoTrackGenerator();
  const muted = event(generator.track, 'mute');
  generator.muted = true;
  await muted;
  assert.equal(generator.track.muted, true);
  const frame = new VideoFrame(new Uint8Array(6), { format: 'I420', codedWidth: 2, codedHeight: 2, timestamp: 0 });
  const writer = generator.writable.getWriter();
  await writer.write(frame);
  assert.equal(frame.format, null);
  const unmuted = event(generator.track, 'unmute');
  generator.muted = false;
  await unmuted;
  await assert.rejects(writer.write(new AudioData({ format: 'u8', sampleRate: 8000, numberOfFrames: 1, numberOfChannels: 1, timestamp: 0, data: new Uint8Array(1) })), TypeError);
});

test('pictures are of the formats that they say, and parts of them are copied to where they are wanted', async () => {
  // Four pixels in a row: red, green, blue, white.
  const rgba = Uint8Array.of(255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255, 255, 255, 255);
  const frame = new VideoFrame(rgba, { format: 'RGBA', codedWidth: 4, codedHeight: 1, timestamp: 7, duration: 9, displayWidth: 8, displayHeight: 2 });
  assert.deepEqual([frame.format, frame.timestamp, frame.duration, frame.displayWidth], ['RGBA', 7, 9, 8]);
  assert.equal(frame.allocationSize(), 16);
  const out = new Uint8Array(12).fill(9);
  const layout = await frame.copyTo(out, { rect: { x: 1, width: 2, height: 1 }, layout: [{ offset: 2, stride: 8 }], format: 'BGRX' });
  assert.deepEqual(layout, [{ offset: 2, stride: 8 }]);
  assert.deepEqual([...out], [9, 9, 0, 255, 0, 255, 255, 0, 0, 255, 9, 9]);
  const part = new VideoFrame(frame, { visibleRect: { x: 3, y: 0, width: 1, height: 1 }, timestamp: 8 });
  const clone = part.clone();
  frame.close();
  part.close();
  assert.deepEqual([frame.format, frame.codedWidth, frame.visibleRect], [null, 0, null]);
  const last = new Uint8Array(4);
  await clone.copyTo(last);
  assert.deepEqual([...last], [255, 255, 255, 255]);
  assert.deepEqual([clone.timestamp, clone.codedWidth, clone.visibleRect.width], [8, 4, 1]);
  assert.throws(() => frame.clone(), { name: 'InvalidStateError' });
  await assert.rejects(frame.copyTo(last), { name: 'InvalidStateError' });
  const bad = (init, data = new Uint8Array(64)) => () => new VideoFrame(data, { format: 'I420', codedWidth: 4, codedHeight: 4, timestamp: 0, ...init });
  assert.throws(bad({}, new Uint8Array(23)), TypeError);
  assert.throws(bad({ codedWidth: 0 }), TypeError);
  assert.throws(bad({ visibleRect: { x: 1, width: 2, height: 2 } }), TypeError);
  assert.throws(bad({ visibleRect: { width: 6, height: 2 } }), TypeError);
  assert.throws(bad({ layout: [{ offset: 0, stride: 4 }] }), TypeError);
  assert.throws(bad({ layout: [{ offset: 0, stride: 3 }, { offset: 20, stride: 2 }, { offset: 24, stride: 2 }] }), TypeError);
  assert.throws(bad({ layout: [{ offset: 0, stride: 4 }, { offset: 8, stride: 2 }, { offset: 24, stride: 2 }] }), TypeError);
  assert.throws(bad({ codedWidth: 20_000, codedHeight: 20_000 }), TypeError);
  assert.throws(bad({ format: 'I444' }), { name: 'NotSupportedError' });
  assert.throws(() => new VideoFrame({}, {}), TypeError);
});

test('pictures and sound are read from and copied to shared memory, and pictures to their rows alone', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(24)).fill(7);
  const init = { format: 'I420', codedWidth: 4, codedHeight: 4, timestamp: 0 };
  for (const source of [shared, shared.buffer]) {
    const frame = new VideoFrame(source, init);
    const out = new Uint8Array(new SharedArrayBuffer(64)).fill(9);
    const layout = [{ offset: 1, stride: 5 }, { offset: 30, stride: 3 }, { offset: 40, stride: 2 }];
    assert.deepEqual(await frame.copyTo(out, { layout }), layout);
    const row = (n) => Array(n).fill(7);
    const expected = [9, ...row(4), 9, ...row(4), 9, ...row(4), 9, ...row(4)];
    assert.deepEqual([...out.slice(0, 20)], expected);
    assert.deepEqual([...out.slice(29, 45)], [9, ...row(2), 9, ...row(2), 9, 9, 9, 9, 9, ...row(4), 9]);
    frame.close();
  }
  const data = new AudioData({ format: 'u8', sampleRate: 8000, numberOfFrames: 3, numberOfChannels: 1, timestamp: 0, data: Uint8Array.of(1, 2, 3) });
  const heard = new SharedArrayBuffer(3);
  data.copyTo(heard, { planeIndex: 0 });
  assert.deepEqual([...new Uint8Array(heard)], [1, 2, 3]);
  const growing = new SharedArrayBuffer(24, { maxByteLength: 48 });
  for (const bad of [growing, new Uint8Array(growing)]) assert.throws(() => new VideoFrame(bad, init), TypeError);
});

test('sound is of the formats that it says, and copied as another', () => {
  const data = new AudioData({
    format: 's16-planar',
    sampleRate: 8000,
    numberOfFrames: 3,
    numberOfChannels: 2,
    timestamp: 5,
    data: Int16Array.of(0, 16_384, -32_768, 1, 2, 3),
  });
  assert.deepEqual([data.format, data.numberOfFrames, data.numberOfChannels, data.duration], ['s16-planar', 3, 2, 375]);
  assert.equal(data.allocationSize({ planeIndex: 0, format: 'f32' }), 24);
  const plane = new Float32Array(2);
  data.copyTo(plane, { planeIndex: 0, frameOffset: 1, format: 'f32-planar' });
  assert.deepEqual([...plane], [0.5, -1]);
  const turns = new Int16Array(6);
  data.copyTo(turns, { planeIndex: 0, format: 's16' });
  assert.deepEqual([...turns], [0, 1, 16_384, 2, -32_768, 3]);
  assert.throws(() => data.copyTo(turns, { planeIndex: 2 }), RangeError);
  assert.throws(() => data.copyTo(turns, { planeIndex: 0, frameOffset: 3 }), RangeError);
  assert.throws(() => data.copyTo(new Int16Array(1), { planeIndex: 0 }), RangeError);
  const clone = data.clone();
  data.close();
  assert.deepEqual([data.format, data.numberOfFrames, clone.numberOfFrames], [null, 0, 3]);
  assert.throws(() => data.clone(), { name: 'InvalidStateError' });
});

for (const [name, said] of [
  ['video', 'the negative came back with its square in 2 places\n'],
  ['voice-agent', /^400 Hz was asked, (79|80)\d Hz was answered\n500 Hz was asked, (99\d|100\d) Hz was answered\n$/],
]) {
  test(`the example ${name} runs`, async () => {
    const file = fileURLToPath(new URL(`../examples/${name}.mjs`, import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 60_000 });
    assert.match(stdout, typeof said === 'string' ? new RegExp(`^${said}$`) : said);
  });
}

test('hardware is disabled before there is a connection, or not at all', async () => {
  const program = `
    import { RTCPeerConnection, RTCRtpReceiver, RTCRtpSender } from ${JSON.stringify(new URL('../index.mjs', import.meta.url))};
    RTCRtpSender.disableHardwareEncoding();
    RTCRtpReceiver.disableHardwareDecoding();
    new RTCPeerConnection().close();
    try { RTCRtpSender.disableHardwareEncoding(); } catch ({ name }) { console.log(name); }`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  assert.equal(stdout, 'InvalidStateError\n');
});

test('a key frame is made when the parameters ask for it, and they ask only for encodings that there are', async (t) => {
  const stream = await mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
  const { a, close } = await call(stream.getTracks());
  t.after(() => {
    close();
    stream.getTracks()[0].stop();
  });
  const [sender] = a.getSenders();
  const keyFrames = async () => [...(await sender.getStats()).values()].find(({ type }) => type === 'outbound-rtp')?.keyFramesEncoded ?? 0;
  await until(async () => (await keyFrames()) >= 1);
  const first = await keyFrames();
  await sender.setParameters(sender.getParameters(), { encodingOptions: [{ keyFrame: true }] });
  await until(async () => (await keyFrames()) > first);
  const two = { encodingOptions: [{}, { keyFrame: true }] };
  await assert.rejects(sender.setParameters(sender.getParameters(), two), { name: 'InvalidModificationError' });
});

test('what comes is decoded and told of though nobody looks, and not where the application reads the frames itself', async (t) => {
  const stream = await mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  const { b, close } = await call(stream.getTracks());
  t.after(() => {
    close();
    for (const track of stream.getTracks()) track.stop();
  });
  const [audio, video] = ['audio', 'video'].map((kind) => b.getReceivers().find(({ track }) => track.kind === kind));
  await until(async () => (await inbound(video))?.framesDecoded > 5 && (await inbound(audio))?.totalAudioEnergy > 0);
  const [source] = audio.getSynchronizationSources();
  assert.equal(source.source, (await inbound(audio)).ssrc);
  assert.ok(source.audioLevel > 0.05 && source.audioLevel <= 1, `${source.audioLevel}`);
  const age = performance.timeOrigin + performance.now() - source.timestamp;
  assert.ok(age >= 0 && age < 5_000, `${age}`);

  const frames = video.frames();
  await frames.recvMany();
  const { framesDecoded } = await inbound(video);
  for (let read = 0; read < 20; ) read += (await frames.recvMany()).length;
  const after = await inbound(video);
  assert.ok(after.framesDecoded - framesDecoded < 10, `${framesDecoded} ${after.framesDecoded}`);
  frames.close();
});

test('where it is asked for, a track is decoded from when it is read on', async (t) => {
  const stream = await mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
  const { b, arrived, close } = await call(stream.getTracks(), [], { decodeUnread: false });
  t.after(() => {
    close();
    stream.getTracks()[0].stop();
  });
  const [receiver] = b.getReceivers();
  await until(async () => (await inbound(receiver))?.packetsReceived > 30);
  assert.ok(!('framesDecoded' in (await inbound(receiver))), 'there is a decoder');
  await collect(arrived[0], numberOf, (seen) => seen.length === 3);
  // What is told of it is up to date within 100 ms.
  await until(async () => (await inbound(receiver)).framesDecoded >= 3);
});

test('pictures that nobody closes are collected, and those that are closed free their pixels at once', async () => {
  const pixels = new Uint8Array(1280 * 720 * 1.5);
  const frame = (timestamp) => new VideoFrame(pixels, { format: 'I420', codedWidth: 1280, codedHeight: 720, timestamp });
  const megabytes = () => process.memoryUsage.rss() / 2 ** 20;
  const before = megabytes();
  for (let i = 0; i < 1_000; i++) frame(i).close();
  assert.ok(megabytes() - before < 100, `${megabytes() - before} MB of closed ones`);
  // Of 1.4 GB, a part waits for the collector.
  for (let i = 0; i < 1_000; i++) {
    frame(i);
    if (i % 50 === 0) await new Promise(setImmediate);
  }
  assert.ok(megabytes() - before < 600, `${megabytes() - before} MB of those that are not`);
});

const CORRUPTION = 'http://www.webrtc.org/experiments/rtp-hdrext/corruption-detection';

/** Asks for the extension by which pictures are compared with samples of what was encoded. */
function comparing(pc) {
  for (const transceiver of pc.getTransceivers()) {
    const extensions = transceiver.getHeaderExtensionsToNegotiate();
    for (const extension of extensions) if (extension.uri === CORRUPTION) extension.direction = 'sendrecv';
    transceiver.setHeaderExtensionsToNegotiate(extensions);
  }
}

for (const encrypted of [false, true]) {
  const title = encrypted
    ? 'samples of what is encrypted from end to end are not sent'
    : 'pictures are compared with samples of what was encoded where that is negotiated';
  test(title, async (t) => {
    const { a, b, close } = pair();
    t.after(close);
    const [camera] = (await mediaDevices.getUserMedia({ video: { width: 320, height: 240 } })).getTracks();
    t.after(() => camera.stop());
    const sender = a.addTrack(camera);
    comparing(a);
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    comparing(b);
    const [receiver] = b.getReceivers();
    if (encrypted) {
      const [ours, theirs] = [new SFrameTransform(), new SFrameTransform()];
      const key = await crypto.subtle.importKey('raw', new Uint8Array(16), 'HKDF', false, ['deriveBits']);
      for (const transform of [ours, theirs]) await transform.setEncryptionKey(key);
      sender.transform = ours;
      receiver.transform = theirs;
    }
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);
    const { headerExtensions } = receiver.getParameters();
    assert.ok(headerExtensions.some(({ uri }) => uri === CORRUPTION));
    await until(async () => (await inbound(receiver))?.framesDecoded >= 5);
    const { corruptionMeasurements, totalCorruptionProbability, totalSquaredCorruptionProbability } = await inbound(receiver);
    if (encrypted) {
      assert.equal(corruptionMeasurements, undefined);
      return;
    }
    assert.ok(corruptionMeasurements >= 1);
    assert.ok(totalCorruptionProbability < 0.1 * corruptionMeasurements, `${totalCorruptionProbability}`);
    assert.ok(totalSquaredCorruptionProbability <= totalCorruptionProbability);
  });
}
