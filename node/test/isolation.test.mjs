// Media for one peer alone (webrtc-identity §9), headers that are encrypted (RFC 9335), and tokens for TURN servers.
import assert from 'node:assert/strict';
import test from 'node:test';
import { MediaStreamTrackProcessor, RTCPeerConnection, mediaDevices } from '../index.mjs';
import '../dist/legacy.js';
import { connectionOf } from '../dist/rtc/peer-connection.js';
import { event, negotiate, pair, until } from './helpers.mjs';

/** Believes who it is told to be. */
const GULLIBLE = `rtcIdentityProvider.register({
  async generateAssertion(contents, origin, options) {
    return { idp: { domain: location.host, protocol: 'default' }, assertion: JSON.stringify({ contents, options }) };
  },
  async validateAssertion(assertion) {
    const { contents, options } = JSON.parse(assertion);
    return { identity: options.usernameHint, contents };
  },
});`;
const identityProviders = { load: () => GULLIBLE, origin: 'https://app.example', trust: ['idp.example'] };

/** Two of which the second is `bob@idp.example`, and the first wants to talk to him alone. */
function known() {
  const peers = pair({}, { identityProviders }, { identityProviders });
  peers.b.setIdentityProvider('idp.example', { usernameHint: 'bob@idp.example' });
  return peers;
}

/** How many pictures have left. */
async function sends(pc) {
  const report = await pc.getStats();
  return [...report.values()].find(({ type, kind }) => type === 'outbound-rtp' && kind === 'video')?.framesSent ?? 0;
}

test('what was captured for one peer is isolated, also in clones, and read by nobody', async () => {
  const stream = await mediaDevices.getUserMedia({ audio: true, video: true, peerIdentity: 'bob@idp.example' });
  for (const track of stream.getTracks()) {
    assert.equal(track.isolated, true);
    const copy = track.clone();
    assert.equal(copy.isolated, true);
    for (const isolated of [track, copy]) {
      assert.throws(() => new MediaStreamTrackProcessor({ track: isolated }), { name: 'SecurityError' });
      isolated.stop();
    }
  }
  const [open] = (await mediaDevices.getUserMedia({ video: true })).getTracks();
  assert.equal(open.isolated, false);
  open.stop();
});

test('it goes to whom it is for over a transport that keeps it, and the other end gives it to no program', async () => {
  const { a, b, close } = known();
  const stream = await mediaDevices.getUserMedia({ video: { width: 160, height: 120 }, peerIdentity: 'bob@idp.example' });
  const [track] = stream.getTracks();
  const sender = a.addTrack(track, stream);
  const announced = event(b, 'track');
  await negotiate(a, b);
  const { track: remote } = await announced;
  const copy = remote.clone();
  const changed = event(copy, 'isolationchange');
  assert.equal((await a.peerIdentity).name, 'bob@idp.example');
  await changed;
  for (const track of [remote, copy]) {
    assert.equal(track.isolated, true);
    assert.throws(() => new MediaStreamTrackProcessor({ track }), { name: 'SecurityError' });
  }
  assert.equal(sender.track.isolated, true);
  await until(async () => (await sends(a)) > 5);
  // Packets come, and none is given.
  const stats = async () => [...(await b.getStats()).values()].find(({ type }) => type === 'inbound-rtp');
  await until(async () => (await stats())?.packetsReceived > 5);
  assert.equal((await stats()).framesDecoded ?? 0, 0);
  track.stop();
  close();
});

/** No frame of a black picture of 160x120 is as large, and every one of the fake camera's is larger. Bytes. */
const BLACK = 100;

test('of it encoded streams are given black pictures', async () => {
  const { a, b, close } = known();
  const stream = await mediaDevices.getUserMedia({ video: { width: 160, height: 120 }, peerIdentity: 'bob@idp.example' });
  const [track] = stream.getTracks();
  const sender = a.addTrack(track, stream);
  const { readable, writable } = sender.createEncodedStreams();
  const announced = event(b, 'track');
  await negotiate(a, b);
  const changed = event((await announced).track, 'isolationchange');
  await a.peerIdentity;
  await changed;
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  for (let count = 0; count < 20; count++) {
    const { value: frame } = await reader.read();
    const { byteLength } = frame.data;
    assert.ok(byteLength < BLACK, `${byteLength} bytes`);
    await writer.write(frame);
  }
  track.stop();
  close();
});

test('a picture of it that is being encoded when a transform is set is not shown to that', async () => {
  const { a, b, close } = known();
  const stream = await mediaDevices.getUserMedia({ video: { width: 160, height: 120 }, peerIdentity: 'bob@idp.example' });
  const [track] = stream.getTracks();
  const sender = a.addTrack(track, stream);
  const core = connectionOf(a).native;
  const { writeVideo } = core;
  const streams = new Promise((resolve) => {
    core.writeVideo = (...args) => {
      const writer = writeVideo.apply(core, args);
      const { write } = writer;
      writer.write = (picture, timestamp) => {
        const goes = write.call(writer, picture, timestamp);
        // Those of the camera have a number. The first has gone to the encoder, and no further.
        if (picture.number !== null) resolve(sender.createEncodedStreams());
        delete writer.write;
        return goes;
      };
      return writer;
    };
  });
  await negotiate(a, b);
  const { readable, writable } = await streams;
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  for (let count = 0; count < 5; count++) {
    const { value: frame } = await reader.read();
    const { byteLength } = frame.data;
    assert.ok(byteLength < BLACK, `${byteLength} bytes`);
    await writer.write(frame);
  }
  track.stop();
  close();
});

test('a connection that everybody may hear isolates nothing', async () => {
  const { a, b, close } = pair();
  const stream = await mediaDevices.getUserMedia({ video: { width: 160, height: 120 } });
  const [track] = stream.getTracks();
  a.addTrack(track, stream);
  const announced = event(b, 'track');
  await negotiate(a, b);
  const { track: remote } = await announced;
  const reader = new MediaStreamTrackProcessor({ track: remote }).readable.getReader();
  const { value: frame } = await reader.read();
  assert.equal(frame.displayWidth, 160);
  frame.close();
  assert.equal(remote.isolated, false);
  await reader.cancel();
  track.stop();
  close();
});

test('headers are encrypted where both ends take that, and an end may insist', async () => {
  assert.equal(new RTCPeerConnection().getConfiguration().rtpHeaderEncryptionPolicy, 'negotiate');
  const { a, b, close } = pair({ rtpHeaderEncryptionPolicy: 'require' });
  const transceiver = a.addTransceiver('audio');
  assert.equal(transceiver.rtpHeaderEncryptionNegotiated, false);
  await negotiate(a, b);
  for (const pc of [a, b]) assert.equal(pc.getTransceivers()[0].rtpHeaderEncryptionNegotiated, true);
  assert.throws(() => a.setConfiguration({ rtpHeaderEncryptionPolicy: 'negotiate' }), { name: 'InvalidModificationError' });
  assert.throws(() => a.setConfiguration({ rtpHeaderEncryptionPolicy: 'perhaps' }), TypeError);
  close();

  const silent = new RTCPeerConnection({ rtpHeaderEncryptionPolicy: 'disable' });
  const insisting = new RTCPeerConnection({ rtpHeaderEncryptionPolicy: 'require' });
  silent.addTransceiver('audio');
  await assert.rejects(insisting.setRemoteDescription(await silent.createOffer()), { name: 'InvalidAccessError' });
  for (const pc of [silent, insisting]) pc.close();
});

test('the credential of a TURN server is what its type says', () => {
  const urls = 'turns:turn.example.org';
  const token = { macKey: 'WmtzanB3ZW9peFhtdm42NzUzNG0=', accessToken: 'AAwg3kPHWPfvk9bDFL936wYvkoctMADzQw==' };
  const made = (server) => new RTCPeerConnection({ iceServers: [{ urls, username: 'kid', ...server }] });
  const pc = made({ credentialType: 'oauth', credential: token });
  const [server] = pc.getConfiguration().iceServers;
  assert.deepEqual([server.credentialType, server.credential], ['oauth', token]);
  pc.close();
  for (const server of [
    { credentialType: 'oauth', credential: 'a password' },
    { credential: token },
    { credentialType: 'password', credential: token },
    { credentialType: 'oauth', credential: { ...token, macKey: 'no base64!' } },
  ]) {
    assert.throws(() => made(server), { name: 'InvalidAccessError' });
  }
  assert.throws(() => made({ credentialType: 'oauth', credential: { macKey: 'AA==' } }), TypeError);
});
