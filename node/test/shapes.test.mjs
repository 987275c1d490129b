import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';
import * as esm from '../index.mjs';

const { DeviceChangeEvent, MediaStream, RTCDTMFToneChangeEvent, RTCError, RTCIceCandidate, RTCPeerConnection, RTCSessionDescription } = esm;

test('import and require give the same objects', () => {
  const cjs = createRequire(import.meta.url)('..');
  for (const [name, value] of Object.entries(cjs)) assert.equal(esm[name], value, name);
});

test('the polyfill puts the interfaces on the global object', async () => {
  await import('../dist/polyfill.js');
  assert.equal(globalThis.RTCPeerConnection, RTCPeerConnection);
  assert.equal(navigator.mediaDevices, esm.mediaDevices);
  assert.ok(!Object.keys(globalThis).includes('RTCPeerConnection'));
});

test('attributes are enumerable accessors of the prototype that know their objects', () => {
  const state = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, 'signalingState');
  assert.equal(state.get.name, 'get signalingState');
  assert.equal(state.set, undefined);
  assert.equal(state.enumerable, true);
  assert.throws(() => state.get.call({}), TypeError);
  assert.equal(Object.prototype.toString.call(new MediaStream()), '[object MediaStream]');
});

test('a method that returns a promise rejects instead of throwing', async () => {
  await assert.rejects(RTCPeerConnection.prototype.createOffer.call({}), TypeError);
  const pc = new RTCPeerConnection();
  await assert.rejects(pc.setRemoteDescription(), TypeError);
  await assert.rejects(pc.setRemoteDescription({ type: 'nonsense' }), TypeError);
  pc.close();
});

test('dictionaries and enumerations are converted as WebIDL says', () => {
  assert.throws(() => new RTCPeerConnection({ bundlePolicy: 'best' }), TypeError);
  assert.throws(() => new RTCPeerConnection({ iceCandidatePoolSize: 256 }), TypeError);
  assert.throws(() => new RTCSessionDescription({ sdp: '' }), TypeError);
  assert.deepEqual(new RTCSessionDescription({ type: 'offer' }).toJSON(), { type: 'offer', sdp: '' });
  assert.throws(() => new RTCIceCandidate({ candidate: '' }), TypeError);
  assert.throws(() => new RTCPeerConnection().addTrack({}), TypeError);
});

test('a candidate shows what its attribute says', () => {
  const candidate = new RTCIceCandidate({
    candidate: 'candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host ufrag abcd',
    sdpMid: '0',
  });
  assert.equal(candidate.address, '192.0.2.1');
  assert.equal(candidate.port, 54321);
  assert.equal(candidate.type, 'host');
  assert.equal(candidate.component, 'rtp');
});

test('errors are DOMExceptions and events are Events', () => {
  const error = new RTCError({ errorDetail: 'sctp-failure', sctpCauseCode: 12 }, 'gone');
  assert.ok(error instanceof DOMException);
  assert.deepEqual([error.name, error.sctpCauseCode, error.message], ['OperationError', 12, 'gone']);
  const event = new RTCDTMFToneChangeEvent('tonechange', { tone: '5', bubbles: true });
  assert.ok(event instanceof Event && event.bubbles && event.tone === '5');
});

test('the lists of an event are frozen, and empty when nothing is said of them', async () => {
  const devices = await esm.mediaDevices.enumerateDevices();
  const event = new DeviceChangeEvent('devicechange', { devices });
  assert.deepEqual(event.devices, devices);
  assert.deepEqual([new DeviceChangeEvent('devicechange').devices, event.userInsertedDevices], [[], []]);
  for (const list of [event.devices, event.userInsertedDevices]) assert.throws(() => list.push(devices[0]), TypeError);
  assert.equal(event.userInsertedDevices, event.userInsertedDevices);
});

test('an event handler attribute keeps its place and stops at null', () => {
  const pc = new RTCPeerConnection();
  const calls = [];
  pc.addEventListener('x', () => calls.push(1));
  pc.onnegotiationneeded = 5;
  assert.equal(pc.onnegotiationneeded, null);
  pc.onnegotiationneeded = () => calls.push('a');
  pc.addEventListener('negotiationneeded', () => calls.push('b'));
  pc.onnegotiationneeded = () => calls.push('c');
  pc.dispatchEvent(new Event('negotiationneeded'));
  assert.deepEqual(calls, ['c', 'b']);
  pc.onnegotiationneeded = null;
  pc.dispatchEvent(new Event('negotiationneeded'));
  assert.deepEqual(calls, ['c', 'b', 'b']);
  pc.close();
});
