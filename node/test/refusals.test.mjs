// What promises a protection that there is not yet refuses: nothing goes out as if it were protected.
import assert from 'node:assert/strict';
import test from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { RTCPeerConnection, mediaDevices } from '../index.mjs';

const NOT_SUPPORTED = { name: 'NotSupportedError' };
test('a connection that has to encrypt the headers of RTP is not made', () => {
  const rtpHeaderEncryptionPolicy = 'require';
  assert.throws(() => new RTCPeerConnection({ rtpHeaderEncryptionPolicy }), NOT_SUPPORTED);
  const pc = new RTCPeerConnection({ rtpHeaderEncryptionPolicy: 'negotiate' });
  assert.equal(pc.getConfiguration().rtpHeaderEncryptionPolicy, 'negotiate');
  assert.throws(() => pc.setConfiguration({ rtpHeaderEncryptionPolicy }), NOT_SUPPORTED);
  assert.throws(() => pc.setConfiguration({ rtpHeaderEncryptionPolicy: 'perhaps' }), TypeError);
  pc.close();
});

test('a closed connection says so, whatever it is asked for', () => {
  const pc = new RTCPeerConnection();
  pc.close();
  for (const configuration of [{}, { rtcpMuxPolicy: 'negotiate' }, { peerIdentity: 'bob@example.org' }, { rtpHeaderEncryptionPolicy: 'require' }]) {
    assert.throws(() => pc.setConfiguration(configuration), { name: 'InvalidStateError' });
  }
});

test('media for one peer only is not captured', async () => {
  await assert.rejects(mediaDevices.getUserMedia({ audio: true, peerIdentity: 'bob@example.org' }), NOT_SUPPORTED);
});

test('a certificate is not copied into an empty object', async () => {
  const certificate = await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' });
  const { port1 } = new MessageChannel();
  for (const copy of [() => structuredClone(certificate), () => structuredClone({ certificate }), () => port1.postMessage(certificate)]) {
    assert.throws(copy, { name: 'DataCloneError' });
  }
  port1.close();
  assert.equal(Object.prototype.toString.call(certificate), '[object RTCCertificate]');
  const pc = new RTCPeerConnection({ certificates: [certificate] });
  assert.equal(pc.getConfiguration().certificates[0], certificate);
  pc.close();
  for (const forged of [new WeakSet(), Object.create(Object.getPrototypeOf(certificate))]) {
    assert.throws(() => new RTCPeerConnection({ certificates: [forged] }), TypeError);
  }
});
