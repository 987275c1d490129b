import assert from 'node:assert/strict';
import test from 'node:test';
import * as duologue from '../index.mjs';
import { COLUMNS } from '../dist/flow/columns.js';
import '../dist/polyfill.js';
import { framesOf } from '../dist/transform/encoded-frame.js';
import { WorkerScope } from '../dist/transform/worker-scope.js';
import { stale } from '../scripts/idl/generate.mjs';
import { missing } from '../scripts/idl/model.mjs';
import { Surface, Taken } from './surface.mjs';

const holders = { ...duologue, Navigator: navigator, DedicatedWorkerGlobalScope: WorkerScope.prototype };

/** One object of each interface whose methods take dictionaries, or that members of those are. */
async function objects() {
  const pc = new duologue.RTCPeerConnection();
  const transceiver = pc.addTransceiver('audio');
  const stream = await duologue.mediaDevices.getUserMedia({ audio: true });
  const batch = { fields: new Float64Array(COLUMNS), data: new ArrayBuffer(0), count: 1, ended: false };
  const frame = (kind) => framesOf(batch, kind, { mimeType: () => undefined })[0];
  const inputs = await duologue.mediaDevices.enumerateDevices();
  const all = [
    pc,
    transceiver,
    transceiver.sender,
    transceiver.receiver,
    stream,
    stream.getTracks()[0],
    pc.createDataChannel(''),
    frame('audio'),
    frame('video'),
    inputs.at(-1),
    duologue.mediaDevices,
    await duologue.RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' }),
    new duologue.RTCIceCandidate({ sdpMid: '0' }),
    new duologue.RTCError({ errorDetail: 'sctp-failure' }),
  ];
  return Object.fromEntries(all.map((it) => [it.constructor.name, it]));
}

test('the files that are made of the IDL are those that the IDL makes', () => {
  assert.deepEqual(stale(), [], 'npm run idl');
});

test('what the documents have is here, or said to be missing with a reason', async () => {
  const surface = new Surface(holders);
  const of = await objects();
  const taken = new Taken(of, (key) => missing.has(key) || missing.has(key.split('.')[0]));
  await taken.callAll(holders);
  await certificates(taken);
  of.RTCPeerConnection.close();
  assert.deepEqual(surface.wrong, []);
  assert.deepEqual([...taken.refused], []);
  assert.deepEqual([...surface.absent, ...taken.absent].sort(), [...missing.keys()].sort());
});

/** `keygenAlgorithm` is an `object`: its `name` says which dictionary it is. */
async function certificates(taken) {
  const generate = (algorithm) => duologue.RTCPeerConnection.generateCertificate(algorithm);
  const joined = (...parts) => new Proxy({}, { get: (_, key) => parts.map((part) => part[key]).find((it) => it !== undefined) });
  const expiration = taken.proxy('RTCCertificateExpiration');
  const ec = taken.proxy('EcKeyGenParams', { name: 'ECDSA', namedCurve: 'P-256' });
  assert.ok((await generate(joined(ec, expiration))) instanceof duologue.RTCCertificate);
  const exponent = Uint8Array.of(1, 0, 1);
  const rsa = taken.proxy('RsaHashedKeyGenParams', { name: 'RSASSA-PKCS1-v1_5', publicExponent: exponent, hash: 'MD5' });
  await assert.rejects(generate(rsa), { name: 'NotSupportedError' });
}
