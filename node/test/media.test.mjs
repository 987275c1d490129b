import assert from 'node:assert/strict';
import test from 'node:test';
import { MediaStream, OverconstrainedError, RTCPeerConnection, mediaDevices } from '../index.mjs';

test('getUserMedia gives tracks whose settings satisfy the constraints', async () => {
  const stream = await mediaDevices.getUserMedia({
    audio: { echoCancellation: { exact: 'all' } },
    video: { width: { ideal: 320 }, frameRate: { max: 15 } },
  });
  const [audio] = stream.getAudioTracks();
  const [video] = stream.getVideoTracks();
  assert.equal(audio.getSettings().echoCancellation, 'all');
  assert.equal(video.getSettings().width, 320);
  assert.ok(video.getSettings().frameRate <= 15);
});

test('an impossible constraint is named', async () => {
  const impossible = mediaDevices.getUserMedia({ video: { height: { min: 100_000 } } });
  await assert.rejects(impossible, (error) => error instanceof OverconstrainedError && error.constraint === 'height');
});

test('of two impossible constraints the first of the IDL is named', async () => {
  const impossible = mediaDevices.getUserMedia({ video: { resizeMode: { exact: 'none' }, width: { exact: 639 } } });
  await assert.rejects(impossible, { constraint: 'width' });
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
