// What the reference pages say of members that other tests only pass by: each does what its page says.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as duologue from '../index.mjs';
import { event, negotiate, pair } from './helpers.mjs';

const { RTCPeerConnection } = duologue;

test('descriptions are pending until the exchange is over, and current from then on', async () => {
  const { a, b, close } = pair();
  a.createDataChannel('');
  const seen = () => [a, b].map((pc) => [pc.signalingState, pc.pendingLocalDescription?.type, pc.pendingRemoteDescription?.type]);
  const current = (pc) => [pc.currentLocalDescription?.type, pc.currentRemoteDescription?.type];
  assert.deepEqual([a.localDescription, a.remoteDescription, a.canTrickleIceCandidates], [null, null, null]);
  const offer = await a.createOffer();
  assert.deepEqual([offer.type, a.signalingState], ['offer', 'stable']);
  await a.setLocalDescription(offer);
  const copy = new duologue.RTCSessionDescription({ type: 'offer', sdp: a.localDescription.sdp });
  assert.deepEqual(copy.toJSON(), a.localDescription.toJSON());
  await b.setRemoteDescription(copy);
  assert.deepEqual(seen(), [['have-local-offer', 'offer', undefined], ['have-remote-offer', undefined, 'offer']]);
  assert.deepEqual(current(a), [undefined, undefined]);
  assert.equal(b.canTrickleIceCandidates, true);
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(b.localDescription);
  assert.deepEqual(seen(), [['stable', undefined, undefined], ['stable', undefined, undefined]]);
  assert.deepEqual([current(a), current(b)], [['offer', 'answer'], ['answer', 'offer']]);
  assert.deepEqual([a.remoteDescription.type, b.remoteDescription.type], ['answer', 'offer']);
  close();
});

test('states are told of by their events, in handlers and listeners', async () => {
  const { a, b, close } = pair();
  const states = ['signalingState', 'connectionState', 'iceConnectionState', 'iceGatheringState'];
  const told = Object.fromEntries(states.map((state) => [state, { handled: [], heard: [a[state]] }]));
  for (const state of states) {
    const type = `${state.toLowerCase()}change`;
    a[`on${type}`] = () => told[state].handled.push(a[state]);
    a.addEventListener(type, () => told[state].heard.push(a[state]));
  }
  a.createDataChannel('');
  await negotiate(a, b);
  while (a.connectionState !== 'connected') await event(a, 'connectionstatechange');
  while (a.iceGatheringState !== 'complete') await event(a, 'icegatheringstatechange');
  for (const { handled, heard } of Object.values(told)) assert.deepEqual(heard.slice(1), handled);
  assert.deepEqual(told.signalingState.heard, ['stable', 'have-local-offer', 'stable']);
  assert.deepEqual(told.connectionState.heard, ['new', 'connecting', 'connected']);
  assert.deepEqual(told.iceConnectionState.heard.slice(0, 3), ['new', 'checking', 'connected']);
  assert.deepEqual(told.iceGatheringState.heard, ['new', 'gathering', 'complete']);
  close();
});

test('candidates are told of, those of this end by an event and a server that gives none by another', async () => {
  const pc = new RTCPeerConnection({ iceServers: [{ urls: 'turn:127.0.0.1:1?transport=tcp', username: 'u', credential: 'c' }] });
  pc.createDataChannel('');
  const errors = new Promise((resolve) => (pc.onicecandidateerror = resolve));
  const heard = event(pc, 'icecandidateerror');
  const candidates = new Promise((resolve) => (pc.onicecandidate = resolve));
  await pc.setLocalDescription();
  const first = await candidates;
  assert.ok(first instanceof duologue.RTCPeerConnectionIceEvent);
  assert.ok(first.candidate instanceof duologue.RTCIceCandidate);
  assert.equal(first.url, null);
  const error = await errors;
  assert.ok(error instanceof duologue.RTCPeerConnectionIceErrorEvent);
  assert.deepEqual([error.url, error.errorCode], ['turn:127.0.0.1:1?transport=tcp', 701]);
  assert.equal(typeof error.errorText, 'string');
  assert.deepEqual([error.address, error.port], [null, null]);
  assert.equal((await heard).type, 'icecandidateerror');
  pc.close();
});

test('a track that is removed is sent no more, and leaves its stream at the other end', async () => {
  const { a, b, close } = pair();
  const stream = await duologue.mediaDevices.getUserMedia({ audio: true });
  const [track] = stream.getTracks();
  const needed = new Promise((resolve) => (a.onnegotiationneeded = resolve));
  const sender = a.addTrack(track, stream);
  assert.equal(sender.track, track);
  assert.equal((await needed).type, 'negotiationneeded');
  const told = new Promise((resolve) => (b.ontrack = resolve));
  await negotiate(a, b);
  const arrived = await told;
  assert.ok(arrived instanceof duologue.RTCTrackEvent);
  assert.deepEqual([arrived.receiver, arrived.transceiver], [b.getReceivers()[0], b.getTransceivers()[0]]);
  assert.equal(arrived.track, arrived.receiver.track);
  assert.deepEqual(arrived.streams[0].getTracks(), [arrived.track]);

  a.removeTrack(sender);
  assert.deepEqual([sender.track, a.getSenders()], [null, [sender]]);
  const left = event(arrived.streams[0], 'removetrack');
  await negotiate(a, b);
  assert.equal((await left).track, arrived.track);
  assert.equal(b.getTransceivers()[0].currentDirection, 'inactive');
  close();
});

test('a channel of the other end comes by its event, by a transport that tells of itself', async () => {
  const { a, b, close } = pair();
  assert.equal(a.sctp, null);
  a.createDataChannel('chat', { protocol: 'p' });
  const announced = event(b, 'datachannel');
  await negotiate(a, b);
  const told = await announced;
  assert.ok(told instanceof duologue.RTCDataChannelEvent);
  assert.deepEqual([told.channel.label, told.channel.protocol, told.channel.readyState], ['chat', 'p', 'open']);
  assert.ok(a.sctp instanceof duologue.RTCSctpTransport);
  assert.equal(a.sctp.transport.iceTransport.getSelectedCandidatePair().local.component, 'rtp');
  close();
});

test('errors of channels are events with an RTCError', async () => {
  const { a, b, close } = pair();
  const channel = a.createDataChannel('');
  const opened = event(channel, 'open');
  await negotiate(a, b);
  await opened;
  assert.throws(() => new duologue.RTCErrorEvent('error'), TypeError);
  const error = new duologue.RTCError({ errorDetail: 'sdp-syntax-error', sdpLineNumber: 3 }, 'said');
  const made = new duologue.RTCErrorEvent('error', { error });
  assert.deepEqual([made.error, error.errorDetail, error.sdpLineNumber, error.name], [error, 'sdp-syntax-error', 3, 'OperationError']);
  const refused = await b.setRemoteDescription({ type: 'offer', sdp: 'v=0\r\nnonsense\r\n' }).catch((it) => it);
  assert.ok(refused instanceof duologue.RTCError);
  assert.deepEqual([refused.errorDetail, refused.sdpLineNumber], ['sdp-syntax-error', 2]);
  close();
});

test('a report of statistics is a map, of all or of a track', async () => {
  const pc = new RTCPeerConnection();
  const [track] = (await duologue.mediaDevices.getUserMedia({ audio: true })).getTracks();
  pc.addTrack(track);
  const report = await pc.getStats();
  assert.ok(report instanceof duologue.RTCStatsReport);
  const ids = [...report.keys()];
  assert.deepEqual(ids, Array.from(report, ([id]) => id));
  assert.deepEqual([...report.values()], ids.map((id) => report.get(id)));
  assert.deepEqual([report.size, report.has(ids[0]), report.has('none')], [ids.length, true, false]);
  const each = [];
  report.forEach((stats, id) => each.push([id, stats]));
  assert.deepEqual(each, [...report.entries()]);
  const ofTrack = await pc.getStats(track);
  assert.ok(ofTrack instanceof duologue.RTCStatsReport);
  assert.ok(![...ofTrack.values()].some(({ type }) => type === 'peer-connection'));
  pc.close();
});

test('senders and receivers tell what they send and receive', async () => {
  const { a, b, close } = pair();
  const { sender, receiver } = a.addTransceiver('audio');
  assert.deepEqual([sender.track, sender.transport, sender.transform], [null, null, null]);
  assert.deepEqual([receiver.track.kind, receiver.transport, receiver.transform], ['audio', null, null]);
  await negotiate(a, b);
  assert.ok(sender.transport instanceof duologue.RTCDtlsTransport);
  assert.equal(receiver.transport, sender.transport);
  assert.equal(sender.getParameters().codecs.length > 0, true);
  assert.ok(Array.isArray(receiver.getContributingSources()));
  close();
});

test('telephone keys are played by the sender of a track, which tells when each begins', async () => {
  const { a, b, close } = pair();
  const stream = await duologue.mediaDevices.getUserMedia({ audio: true });
  const { dtmf } = a.addTrack(stream.getTracks()[0], stream);
  assert.deepEqual([dtmf.canInsertDTMF, dtmf.toneBuffer], [false, '']);
  await negotiate(a, b);
  while (a.connectionState !== 'connected') await event(a, 'connectionstatechange');
  while (!dtmf.canInsertDTMF) await event(a, 'connectionstatechange');
  const tone = event(dtmf, 'tonechange');
  dtmf.insertDTMF('1', 40, 30);
  const told = await tone;
  assert.ok(told instanceof duologue.RTCDTMFToneChangeEvent);
  assert.equal(told.tone, '1');
  assert.equal(dtmf.toneBuffer, '');
  close();
});

test('a certificate is made as it is asked for', async () => {
  const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256', expires: 60_000 });
  assert.ok(certificate instanceof duologue.RTCCertificate);
  assert.ok(certificate.expires > Date.now() && certificate.expires <= Date.now() + 60_000);
  assert.equal(certificate.getFingerprints()[0].algorithm, 'sha-256');
  await assert.rejects(RTCPeerConnection.generateCertificate('ECDSA'), TypeError);
  await assert.rejects(RTCPeerConnection.generateCertificate('none'), { name: 'NotSupportedError' });
});

test('devices are listed and captured', async () => {
  const { mediaDevices } = duologue;
  const kinds = (await mediaDevices.enumerateDevices()).map(({ kind }) => kind);
  assert.ok(kinds.includes('audioinput') && kinds.includes('videoinput'));
  assert.equal(mediaDevices.getSupportedConstraints().width, true);
  const stream = await mediaDevices.getUserMedia({ video: true });
  assert.ok(stream instanceof duologue.MediaStream);
  assert.equal(stream.getVideoTracks()[0].readyState, 'live');
  stream.getTracks().forEach((track) => track.stop());
});
