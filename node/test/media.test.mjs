import assert from 'node:assert/strict';
import test from 'node:test';
import { MediaStream, MediaStreamTrackProcessor, OverconstrainedError, RTCPeerConnection, mediaDevices } from '../index.mjs';
import { native } from '../dist/binding.js';
import { withPicture } from '../dist/media/video-frame.js';
import { event } from './helpers.mjs';

test('getUserMedia gives tracks whose settings satisfy the constraints', async () => {
  const stream = await mediaDevices.getUserMedia({
    audio: { channelCount: { exact: 2 } },
    video: { width: { ideal: 320 }, frameRate: { max: 15 } },
  });
  const [audio] = stream.getAudioTracks();
  const [video] = stream.getVideoTracks();
  assert.equal(audio.getSettings().channelCount, 2);
  assert.equal(video.getSettings().width, 320);
  assert.ok(video.getSettings().frameRate <= 15);
});

test('what nothing here does is told as false, and not promised', async () => {
  const [camera, microphone] = [{ video: true }, { audio: { voiceIsolation: true, echoCancellation: { exact: 'all' } } }];
  const [video] = (await mediaDevices.getUserMedia(camera)).getTracks();
  const [audio] = (await mediaDevices.getUserMedia(microphone)).getTracks();
  assert.deepEqual([video.getSettings().backgroundBlur, audio.getSettings().voiceIsolation], [false, false]);
  // There is no echo in sound that is made up.
  assert.equal(audio.getSettings().echoCancellation, 'all');
  for (const [of, name] of [['video', 'backgroundBlur'], ['audio', 'voiceIsolation']]) {
    const promised = mediaDevices.getUserMedia({ [of]: { [name]: { exact: true } } });
    await assert.rejects(promised, { name: 'OverconstrainedError', constraint: name });
  }
  await assert.rejects(video.applyConstraints({ backgroundBlur: { exact: true } }), { constraint: 'backgroundBlur' });
  video.stop();
  audio.stop();
});

test('an impossible constraint is named', async () => {
  const impossible = mediaDevices.getUserMedia({ video: { height: { min: 100_000 } } });
  await assert.rejects(impossible, (error) => error instanceof OverconstrainedError && error.constraint === 'height');
});

test('of constraints that are impossible together the first is named without which the others are possible', async () => {
  const impossible = mediaDevices.getUserMedia({ video: { resizeMode: { exact: 'none' }, width: { exact: 639 } } });
  await assert.rejects(impossible, { name: 'OverconstrainedError', constraint: 'width' });
});

test('an advanced set counts only when it can be satisfied', async () => {
  const { width } = (
    await mediaDevices.getUserMedia({ video: { advanced: [{ width: 100_000 }, { width: 800 }] } })
  ).getVideoTracks()[0].getSettings();
  assert.equal(width, 800);
});

test('a stream is active while one of its tracks lives', async () => {
  const stream = await mediaDevices.getUserMedia({ audio: true, video: true });
  const copy = stream.clone();
  for (const track of stream.getTracks()) track.stop();
  assert.deepEqual([stream.active, copy.active], [false, true]);
  assert.equal(new MediaStream(copy).getTracks().length, 2);
});

test('setParameters takes a dictionary with required members only', async () => {
  const pc = new RTCPeerConnection();
  const { sender } = pc.addTransceiver('video', { sendEncodings: [{ rid: 'a' }, { rid: 'b' }] });
  const bare = { transactionId: 'x', encodings: [{}], codecs: [], headerExtensions: [], rtcp: {} };
  await assert.rejects(sender.setParameters(bare), { name: 'InvalidStateError' });
  sender.getParameters();
  await assert.rejects(sender.setParameters(bare), { name: 'InvalidModificationError' });
  pc.close();
});

/** Devices that nobody reads let the process end. */
function stayAlive(t) {
  const timer = setInterval(() => {}, 60_000);
  t.after(() => clearInterval(timer));
}

/** The size of the next picture of a track, of those that are as wide as this. */
async function pictureOfWidth(track, width) {
  for await (const frame of new MediaStreamTrackProcessor({ track }).readable) {
    const [is, height, number] = [frame.codedWidth, frame.codedHeight, withPicture(frame, (picture) => picture.number)];
    frame.close();
    if (is === width) return { height, number };
  }
  return null;
}

test('constraints that are applied change the pictures, of this track and not of its clone', async () => {
  const [track] = (await mediaDevices.getUserMedia({ video: true })).getTracks();
  const copy = track.clone();
  assert.notEqual(copy.id, track.id);
  await track.applyConstraints({ width: { exact: 320 } });
  assert.deepEqual([track.getSettings().width, track.getConstraints().width.exact, copy.getSettings().width], [320, 320, 640]);
  assert.equal((await pictureOfWidth(track, 320)).height, 240);
  assert.equal((await pictureOfWidth(copy, 640)).height, 480);
  await assert.rejects(track.applyConstraints({ width: { exact: 100_000 } }), { name: 'OverconstrainedError', constraint: 'width' });
  assert.equal(track.getSettings().width, 320);
  copy.stop();
  assert.deepEqual([track.readyState, copy.readyState], ['live', 'ended']);
  track.stop();
});

test('a device that gives nothing for a while mutes its tracks, with events', async (t) => {
  stayAlive(t);
  const [track] = (await mediaDevices.getUserMedia({ video: true })).getTracks();
  const { deviceId } = track.getSettings();
  const muted = event(track, 'mute');
  native.fakeDevice(deviceId, 'mute');
  await muted;
  assert.equal(track.muted, true);
  const unmuted = event(track, 'unmute');
  native.fakeDevice(deviceId, 'unmute');
  await unmuted;
  assert.equal(track.muted, false);
  assert.ok((await pictureOfWidth(track, 640)).number >= 0);
  track.stop();
});

test('a device that goes ends its tracks, and the list of devices is told to have changed, and again when it comes back', async (t) => {
  stayAlive(t);
  const [track] = (await mediaDevices.getUserMedia({ video: true })).getTracks();
  const { deviceId } = track.getSettings();
  const known = (await mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
  assert.deepEqual(known.map((it) => [it.deviceId, it.label !== '']), [[deviceId, true]]);
  const [gone, ended] = [event(mediaDevices, 'devicechange'), event(track, 'ended')];
  native.fakeDevice(deviceId, 'unplug');
  const [{ devices }] = await Promise.all([gone, ended]);
  assert.equal(devices.some(({ kind }) => kind === 'videoinput'), false);
  assert.equal(track.readyState, 'ended');
  await assert.rejects(mediaDevices.getUserMedia({ video: true }), { name: 'NotFoundError' });

  const back = event(mediaDevices, 'devicechange');
  native.fakeDevice(deviceId, 'plug');
  const { userInsertedDevices } = await back;
  assert.deepEqual(userInsertedDevices.map((it) => it.deviceId), [deviceId]);
  assert.equal(known[0].getCapabilities().deviceId, deviceId);
});
