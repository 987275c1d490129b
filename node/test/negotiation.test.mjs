import assert from 'node:assert/strict';
import test from 'node:test';
import { RTCPeerConnection, mediaDevices } from '../index.mjs';
import { event, negotiate, pair } from './helpers.mjs';

test('an offer is answered and both ends connect', async () => {
  const { a, b, close } = pair();
  a.createDataChannel('x');
  const connected = [a, b].map(
    (pc) =>
      new Promise((resolve) => {
        pc.onconnectionstatechange = () => pc.connectionState === 'connected' && resolve();
      }),
  );
  await negotiate(a, b);
  await Promise.all(connected);
  assert.deepEqual([a.signalingState, b.signalingState], ['stable', 'stable']);
  assert.equal(a.sctp.transport.state, 'connected');
  assert.equal(a.sctp.transport.iceTransport.getSelectedCandidatePair().remote.protocol, 'udp');
  assert.equal(a.sctp.transport.getRemoteCertificates().length, 1);
  // Nothing is wrong.
  assert.deepEqual([a.sctp.transport.silent, a.sctp.transport.iceTransport.failure], [false, null]);
  close();
  assert.deepEqual([a.connectionState, a.iceConnectionState, a.signalingState], ['closed', 'closed', 'closed']);
});

test('the forms with callbacks settle as the promises do', async () => {
  const { a, b, close } = pair();
  a.createDataChannel('x');
  const offer = await new Promise((resolve, reject) => a.createOffer(resolve, reject));
  await new Promise((resolve, reject) => a.setLocalDescription(offer, resolve, reject));
  await new Promise((resolve, reject) => b.setRemoteDescription(offer, resolve, reject));
  const error = await new Promise((resolve) => b.setRemoteDescription({ type: 'answer', sdp: '' }, () => {}, resolve));
  assert.equal(error.name, 'InvalidStateError');
  close();
});

test('tracks and streams are announced with the remote description', async () => {
  const { a, b, close } = pair();
  const stream = await mediaDevices.getUserMedia({ audio: true, video: true });
  for (const track of stream.getTracks()) a.addTrack(track, stream);
  const events = [];
  b.ontrack = (e) => events.push(e);
  await negotiate(a, b);
  assert.deepEqual(events.map((e) => e.track.kind), ['audio', 'video']);
  assert.equal(events[0].streams[0], events[1].streams[0]);
  assert.equal(events[0].streams[0].id, stream.id);
  assert.equal(events[0].streams[0].getTracks().length, 2);
  assert.equal(events[0].receiver, b.getReceivers()[0]);
  assert.deepEqual(b.getTransceivers().map((t) => t.currentDirection), ['recvonly', 'recvonly']);
  close();
});

test('a track that was taken out of a remote stream is put back when it is sent again', async () => {
  const { a, b, close } = pair();
  const stream = await mediaDevices.getUserMedia({ audio: true });
  a.addTrack(stream.getTracks()[0], stream);
  const [transceiver] = a.getTransceivers();
  const announced = event(b, 'track');
  await negotiate(a, b);
  const { streams, track } = await announced;
  streams[0].removeTrack(track);
  transceiver.direction = 'inactive';
  await negotiate(a, b);
  const added = event(streams[0], 'addtrack');
  transceiver.direction = 'sendonly';
  await negotiate(a, b);
  assert.equal((await added).track, track);
  assert.deepEqual(streams[0].getTracks(), [track]);
  close();
});

test('perfect negotiation settles a glare', async () => {
  const failures = [];
  const peers = [true, false].map((polite) => ({ polite, pc: new RTCPeerConnection() }));
  const receive = async (self, other, { description, candidate }) => {
    const { pc } = self;
    if (candidate !== undefined) {
      await pc.addIceCandidate(candidate).catch((error) => self.ignoring || failures.push(error));
      return;
    }
    const collision = description.type === 'offer' && (self.making || pc.signalingState !== 'stable');
    self.ignoring = collision && !self.polite;
    if (self.ignoring) return;
    await pc.setRemoteDescription(description);
    if (description.type !== 'offer') return;
    await pc.setLocalDescription();
    void receive(other, self, { description: pc.localDescription });
  };
  for (const [self, other] of [peers, peers.toReversed()]) {
    self.pc.onicecandidate = ({ candidate }) => receive(other, self, { candidate });
    self.pc.onnegotiationneeded = async () => {
      self.making = true;
      await self.pc.setLocalDescription().catch((error) => failures.push(error));
      void receive(other, self, { description: self.pc.localDescription });
      self.making = false;
    };
  }
  const [x, y] = peers.map(({ pc }, i) => pc.createDataChannel(`${i}`));
  await Promise.all([event(x, 'open'), event(y, 'open')]);
  assert.deepEqual(failures, []);
  for (const { pc } of peers) pc.close();
});

test('a rollback leaves what the application wants', async () => {
  const pc = new RTCPeerConnection();
  const transceiver = pc.addTransceiver('audio');
  await pc.setLocalDescription();
  assert.equal(typeof transceiver.mid, 'string');
  await pc.setLocalDescription({ type: 'rollback' });
  assert.equal(transceiver.mid, null);
  assert.deepEqual(pc.getTransceivers(), [transceiver]);
  assert.equal(pc.signalingState, 'stable');
  pc.close();
});

test('what text is not SDP is told with its line', async () => {
  const pc = new RTCPeerConnection();
  const sdp = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio\r\n';
  await assert.rejects(pc.setRemoteDescription({ type: 'offer', sdp }), (error) => {
    assert.equal(error.errorDetail, 'sdp-syntax-error');
    return error.sdpLineNumber === 5;
  });
  pc.close();
});

test('a transceiver whose section is rejected says why', async () => {
  const { a, b, close } = pair();
  const transceiver = a.addTransceiver('audio');
  await a.setLocalDescription();
  const sdp = a.localDescription.sdp.replaceAll(/(a=rtpmap:\d+) .*/g, '$1 unheard/1');
  await b.setRemoteDescription({ type: 'offer', sdp });
  const [theirs] = b.getTransceivers();
  assert.equal(theirs.rejection, null);
  await b.setLocalDescription();
  assert.deepEqual([theirs.currentDirection, theirs.rejection], ['stopped', 'no codec in common']);
  const answer = b.localDescription.sdp.replaceAll('unheard/1', 'PCMU/8000');
  await a.setRemoteDescription({ type: 'answer', sdp: answer });
  assert.equal(transceiver.rejection, 'the other end does not take it');
  close();
});
