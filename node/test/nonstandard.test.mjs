// What programs of `wrtc` and `@roamhq/wrtc` have: these values are what @roamhq/wrtc 0.10 gave for the same calls.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import nonstandard, { RTCAudioSink, RTCAudioSource, RTCVideoSink, RTCVideoSource, i420ToRgba, rgbaToI420 } from '../dist/nonstandard.js';
import { negotiate, pair } from './helpers.mjs';

test('pictures go from a source by a connection to a sink', async (t) => {
  const source = new RTCVideoSource();
  const { a, b, close } = pair();
  t.after(close);
  a.addTrack(source.createTrack());
  const arrived = once(b, 'track');
  await negotiate(a, b);
  const [{ track }] = await arrived;
  const sink = new RTCVideoSink(track);
  const picture = { width: 320, height: 240, data: new Uint8ClampedArray(115_200).fill(90) };
  const timer = setInterval(() => source.onFrame(picture), 33);
  t.after(() => clearInterval(timer));
  const { type, frame } = await new Promise((resolve) => (sink.onframe = resolve));
  assert.deepEqual([type, frame.width, frame.height, frame.rotation, frame.data.length], ['frame', 320, 240, 0, 115_200]);
  assert.ok(Math.abs(frame.data[40_000] - 90) < 3);
  assert.equal(sink.stopped, false);
  sink.stop();
  assert.equal(sink.stopped, true);
});

test('sound goes from a source by a connection to a sink', async (t) => {
  const source = new RTCAudioSource();
  const { a, b, close } = pair();
  t.after(close);
  a.addTrack(source.createTrack());
  const arrived = once(b, 'track');
  await negotiate(a, b);
  const [{ track }] = await arrived;
  const samples = Int16Array.from({ length: 480 }, (_, i) => 10_000 * Math.sin((2 * Math.PI * i) / 48));
  const timer = setInterval(() => source.onData({ samples, sampleRate: 48_000 }), 10);
  t.after(() => clearInterval(timer));
  const sink = new RTCAudioSink(track);
  const data = await new Promise((resolve) => {
    sink.ondata = (event) => Math.max(...event.samples) > 8_000 && resolve(event);
  });
  assert.deepEqual([data.type, data.sampleRate, data.bitsPerSample, data.numberOfFrames], ['data', 48_000, 16, 480]);
  assert.ok(data.samples instanceof Int16Array && data.samples.length === 480 * data.channelCount);
  sink.stop();
});

test('a sink of a source without a connection gets what was given, as it was given', async () => {
  const source = new RTCAudioSource();
  const track = source.createTrack();
  const sink = new nonstandard.RTCAudioSink(track);
  const seen = [];
  sink.ondata = ({ samples, sampleRate, bitsPerSample, channelCount, numberOfFrames }) =>
    seen.push([samples.length, samples[0], sampleRate, bitsPerSample, channelCount, numberOfFrames]);
  let events = 0;
  sink.addEventListener('data', () => events++);
  source.onData({ samples: new Int16Array(480).fill(7), sampleRate: 48_000 });
  source.onData({ samples: new Int16Array(960).fill(8), sampleRate: 48_000, channelCount: 2 });
  source.onData({ samples: new Int16Array(80).fill(9), sampleRate: 8_000 });
  assert.deepEqual(seen, [[480, 7, 48_000, 16, 1, 480], [960, 8, 48_000, 16, 2, 480], [80, 9, 8_000, 16, 1, 80]]);
  assert.equal(events, 3);

  const video = new RTCVideoSource({ isScreencast: true, needsDenoising: false });
  assert.deepEqual([video.isScreencast, video.needsDenoising], [true, false]);
  const frames = [];
  const eye = new RTCVideoSink(video.createTrack());
  eye.onframe = ({ frame }) => frames.push([frame.width, frame.height, frame.rotation, ...frame.data]);
  const data = Uint8ClampedArray.from({ length: 27 }, (_, i) => i);
  video.onFrame({ width: 5, height: 3, data, rotation: 90 });
  data.fill(0);
  assert.deepEqual(frames, [[5, 3, 90, ...Array.from({ length: 27 }, (_, i) => i)]]);
  track.stop();
  assert.deepEqual([sink.stopped, new RTCAudioSink(track).stopped], [false, false]);
});

test('what is wrong is refused in the same words', () => {
  const video = new RTCVideoSource();
  assert.deepEqual([video.isScreencast, video.needsDenoising], [false, null]);
  const audio = new RTCAudioSource();
  const frame = (data, size = {}) => () => video.onFrame({ width: 320, height: 240, data, ...size });
  const sound = (init) => () => audio.onData({ samples: new Int16Array(480), sampleRate: 48_000, ...init });
  for (const [call, message] of [
    [frame(new Uint8ClampedArray(5)), 'Expected a .byteLength of 115200, not 5'],
    [frame(new Uint8ClampedArray(22), { width: 5, height: 3 }), 'Expected a .byteLength of 27, not 22'],
    [frame(undefined), 'Expected an ArrayBuffer'],
    [() => video.onFrame(), 'Expected an object'],
    [() => new RTCVideoSink(), 'Expected an object'],
    [() => new RTCVideoSink({}), 'This is not an instance of MediaStreamTrack'],
    [() => new RTCAudioSink(video.createTrack()), 'Expected an audio MediaStreamTrack'],
    [sound({ samples: new Int16Array(960) }), 'Expected a .byteLength of 960, not 1920'],
    [sound({ numberOfFrames: 481 }), 'Expected a .numberOfFrames of 480, not 481'],
    [sound({ bitsPerSample: 8 }), 'Expected a .bitsPerSample of 16, not 8'],
    [sound({ sampleRate: undefined }), 'Expected a 16-bit unsigned integer'],
  ]) {
    assert.throws(call, { name: 'TypeError', message });
  }
});

test('pictures are converted into the data of another one', () => {
  const colour = (r, g, b) => Uint8ClampedArray.from({ length: 32 }, (_, i) => [r, g, b, 255][i % 4]);
  const yuv = { width: 4, height: 2, data: new Uint8ClampedArray(12) };
  const back = { width: 4, height: 2, data: new Uint8ClampedArray(32) };
  // Of wrtc's own values, by libyuv, none is further away than one.
  for (const [rgb, luma, chroma] of [[[200, 200, 200], 188, [128, 128]], [[255, 0, 0], 82, [90, 239]]]) {
    rgbaToI420({ width: 4, height: 2, data: colour(...rgb) }, yuv);
    const near = [...Array(8).fill(luma), chroma[0], chroma[0], chroma[1], chroma[1]];
    assert.ok(near.every((value, i) => Math.abs(value - yuv.data[i]) <= 1), `${yuv.data}`);
    i420ToRgba(yuv, back);
    assert.ok([...back.data].every((value, i) => Math.abs(value - [...rgb, 255][i % 4]) <= 2), `${back.data}`);
  }
  const wide = { width: 8, height: 2, data: new Uint8ClampedArray(24) };
  assert.throws(() => rgbaToI420(back, wide), { message: 'Dimensions must match' });
  assert.throws(() => rgbaToI420(back, { width: 4, height: 2, data: new Uint8ClampedArray(3) }), {
    message: 'Expected a .byteLength of 12, not 3',
  });
});
