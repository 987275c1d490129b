// Every method of every interface, misused: the W3C's exception comes, and nothing has changed. The methods and the
// types of their parameters are read from the IDL.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as duologue from '../index.mjs';
import { Model, missing } from '../scripts/idl/model.mjs';
import { event, negotiate, pair } from './helpers.mjs';

const model = new Model();

/** Of a connected pair, one object of each interface that has methods. */
async function connected() {
  const { a, b, close } = pair();
  const stream = await duologue.mediaDevices.getUserMedia({ audio: true });
  const [track] = stream.getTracks();
  const transceiver = a.addTransceiver(track, { streams: [stream] });
  const channel = a.createDataChannel('');
  const opened = event(channel, 'open');
  await negotiate(a, b);
  await opened;
  // No candidate comes any more.
  while (a.iceConnectionState !== 'completed') await event(a, 'iceconnectionstatechange');
  const dtls = a.sctp.transport;
  const all = [
    ...[a, transceiver, transceiver.sender, transceiver.receiver, transceiver.sender.dtmf, channel, stream, track],
    ...[a.sctp, dtls, dtls.iceTransport, dtls.iceTransport.getSelectedCandidatePair(), duologue.mediaDevices, a.localDescription, await a.getStats()],
    new duologue.RTCIceCandidate({ sdpMid: '0' }),
    await duologue.RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' }),
  ];
  const objects = Object.fromEntries(all.map((it) => [it.constructor.name, it]));
  return { a, objects, close };
}

/** What a method must not change. Statistics and candidates move by themselves. */
const snapshot = (pc) =>
  JSON.stringify([
    [pc.signalingState, pc.connectionState, pc.iceConnectionState, pc.localDescription, pc.remoteDescription],
    pc.getConfiguration(),
    pc.getTransceivers().map(({ mid, direction, currentDirection, sender, receiver }) => [
      ...[mid, direction, currentDirection, sender.track?.id, sender.dtmf?.toneBuffer, receiver.jitterBufferTarget],
      ...[sender.getParameters().encodings, receiver.getParameters(), receiver.track.readyState],
    ]),
  ]);

const operationsOf = (name) =>
  model.interfaces
    .get(name)
    .members.filter((it) => it.type === 'operation' && it.special !== 'static' && it.name && !missing.has(`${name}.${it.name}`));

/** A symbol is converted to nothing but these. */
const takesAnything = (idlType) => ['any', 'boolean'].includes(idlType.idlType);

/** A value that a parameter takes; none for those that nothing here is. */
function sample(idlType, objects) {
  if (idlType.union) return idlType.idlType.map((it) => sample(it, objects)).find((it) => it !== undefined);
  if (idlType.generic) return [];
  const name = idlType.idlType;
  if (model.interfaces.has(name)) return objects[name];
  if (model.callbacks.has(name)) return () => {};
  if (model.enumerations.has(name)) return model.enumerations.get(name)[0];
  if (model.dictionaries.has(name) || name === 'object') return {};
  return name.endsWith('String') ? 'x' : 1;
}

/** What calling it throws or rejects with. */
async function failure(object, member, args) {
  const method = object[member.name] ?? Object.getPrototypeOf(object)[member.name];
  let result;
  try {
    result = Reflect.apply(method, object, args);
  } catch (error) {
    assert.notEqual(member.idlType.generic, 'Promise', `${member.name} throws where it should reject`);
    return error;
  }
  return Promise.resolve(result).then(() => null, (error) => error);
}

test('wrong receivers, too few arguments and wrong types are a TypeError', async () => {
  const { a, objects, close } = await connected();
  const before = snapshot(a);
  let calls = 0;
  for (const [name, object] of Object.entries(objects)) {
    for (const member of operationsOf(name)) {
      const method = object[member.name];
      const stray = await failure(Object.create(null, { [member.name]: { value: method } }), member, member.arguments.map(() => 'x'));
      assert.ok(stray instanceof TypeError, `${name}.${member.name} of another object: ${stray}`);
      const overloads = operationsOf(name).filter((it) => it.name === member.name);
      const required = Math.min(...overloads.map((it) => it.arguments.filter(({ optional, variadic }) => !optional && !variadic).length));
      if (required > 0) {
        const none = await failure(object, member, []);
        assert.ok(none instanceof TypeError, `${name}.${member.name}(): ${none}`);
      }
      for (const [i, parameter] of member.arguments.entries()) {
        if (takesAnything(parameter.idlType)) continue;
        const args = member.arguments.slice(0, i).map((it) => sample(it.idlType, objects));
        const rest = member.arguments.slice(i + 1).map((it) => sample(it.idlType, objects));
        const wrong = await failure(object, member, [...args, Symbol('wrong'), ...rest]);
        assert.ok(wrong instanceof TypeError, `${name}.${member.name}, argument ${i + 1}: ${wrong}`);
        calls++;
      }
    }
  }
  assert.ok(calls >= 45, `${calls} calls`);
  assert.ok(snapshot(a) === before, 'something has changed');
  close();
});

/** Refused as well, but later. */
const NO_TOKEN = { urls: 'turn:turn.example', username: 'kid', credential: 'a password', credentialType: 'oauth' };
const INVALID_STATE = 'InvalidStateError';
/** What each method of a closed connection's objects does: throws this, or nothing. */
const CLOSED = {
  RTCPeerConnection: {
    createOffer: [INVALID_STATE],
    createAnswer: [INVALID_STATE],
    setLocalDescription: [INVALID_STATE],
    setRemoteDescription: [INVALID_STATE, { type: 'offer', sdp: '' }],
    addIceCandidate: [INVALID_STATE, { candidate: '', sdpMid: '0' }],
    setConfiguration: [INVALID_STATE, { iceServers: [NO_TOKEN] }],
    addTrack: [INVALID_STATE, 'MediaStreamTrack'],
    removeTrack: [INVALID_STATE, 'RTCRtpSender'],
    addTransceiver: [INVALID_STATE, 'audio'],
    createDataChannel: [INVALID_STATE, ''],
    setIdentityProvider: [INVALID_STATE, 'idp.example'],
    getIdentityAssertion: [INVALID_STATE],
    restartIce: [null],
    getConfiguration: [null],
    close: [null],
    getSenders: [null],
    getReceivers: [null],
    getTransceivers: [null],
    getStats: [null],
  },
  RTCRtpTransceiver: {
    stop: [INVALID_STATE],
    setCodecPreferences: [null, []],
    getHeaderExtensionsToNegotiate: [null],
    getNegotiatedHeaderExtensions: [null],
  },
  RTCRtpSender: {
    replaceTrack: [INVALID_STATE, null],
    setStreams: [INVALID_STATE],
    frames: [INVALID_STATE],
    packets: [INVALID_STATE],
    getParameters: [null],
    getStats: [null],
  },
  RTCRtpReceiver: {
    sendKeyFrameRequest: [INVALID_STATE],
    frames: [INVALID_STATE],
    packets: [INVALID_STATE],
    getParameters: [null],
    getContributingSources: [null],
    getSynchronizationSources: [null],
    getStats: [null],
  },
  RTCDTMFSender: { insertDTMF: [INVALID_STATE, '1'] },
  RTCDataChannel: { send: [INVALID_STATE, 'x'], close: [null] },
  RTCDtlsTransport: { getRemoteCertificates: [null] },
  RTCIceTransport: {
    getLocalCandidates: [null],
    getRemoteCandidates: [null],
    getSelectedCandidatePair: [null],
    getLocalParameters: [null],
    getRemoteParameters: [null],
    selectCandidatePair: [INVALID_STATE, 'RTCIceCandidatePair'],
    removeCandidatePair: [INVALID_STATE, 'RTCIceCandidatePair'],
    gather: [INVALID_STATE],
    start: [INVALID_STATE],
    stop: [INVALID_STATE],
    addRemoteCandidate: [INVALID_STATE],
  },
};
/** What depends on more than that the connection is closed: tests of their own have them. */
const ELSEWHERE = ['RTCRtpSender.setParameters', 'RTCRtpTransceiver.setHeaderExtensionsToNegotiate'];

test('a closed connection refuses what would change it, and answers the rest', async () => {
  const { a, objects, close } = await connected();
  const ended = event(objects.RTCRtpReceiver.track, 'ended');
  close();
  await ended;
  const before = snapshot(a);
  for (const [name, methods] of Object.entries(CLOSED)) {
    for (const member of operationsOf(name)) {
      if (ELSEWHERE.includes(`${name}.${member.name}`)) continue;
      const row = methods[member.name];
      assert.ok(row, `${name}.${member.name} has no row`);
      const [expected, ...args] = row;
      const given = args.map((it) => (typeof it === 'string' && it in objects ? objects[it] : it));
      const error = await failure(objects[name], member, given);
      assert.equal(error?.name ?? null, expected, `${name}.${member.name}: ${error}`);
    }
  }
  assert.ok(snapshot(a) === before, 'something has changed');
});

test('a method in the wrong state is an InvalidStateError and changes nothing', async () => {
  const pc = new duologue.RTCPeerConnection();
  const other = new duologue.RTCPeerConnection();
  pc.addTransceiver('audio');
  const offer = await pc.createOffer();
  other.addTransceiver('audio');
  await other.setLocalDescription();
  while (other.iceGatheringState !== 'complete') await event(other, 'icegatheringstatechange');
  const wrong = [
    [pc, 'createAnswer'],
    [pc, 'setLocalDescription', { type: 'answer', sdp: '' }],
    [pc, 'setLocalDescription', { type: 'rollback' }],
    [pc, 'setRemoteDescription', { type: 'answer', sdp: offer.sdp }],
    [pc, 'setRemoteDescription', { type: 'rollback' }],
    [pc, 'addIceCandidate', { candidate: '', sdpMid: '0' }],
    [other, 'createAnswer'],
    [other, 'setRemoteDescription', { type: 'rollback' }],
  ];
  for (const [target, method, ...args] of wrong) {
    const before = snapshot(target);
    await assert.rejects(target[method](...args), { name: INVALID_STATE }, `${method} ${JSON.stringify(args)}`);
    assert.equal(snapshot(target), before, method);
  }
  for (const it of [pc, other]) it.close();
});
