// What promises a protection that there is not yet refuses: nothing goes out as if it were protected.
import assert from 'node:assert/strict';
import test from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { RTCPeerConnection } from '../index.mjs';

test('a closed connection says so, whatever it is asked for', () => {
  const pc = new RTCPeerConnection();
  pc.close();
  for (const configuration of [{}, { rtcpMuxPolicy: 'negotiate' }, { peerIdentity: 'bob@example.org' }, { rtpHeaderEncryptionPolicy: 'require' }]) {
    assert.throws(() => pc.setConfiguration(configuration), { name: 'InvalidStateError' });
  }
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
