import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import * as duologue from '../index.mjs';
import { COLUMNS } from '../dist/flow/columns.js';
import '../dist/polyfill.js';
import { RTCIdentityProviderGlobalScope, RTCIdentityProviderRegistrar } from '../dist/identity/scope.js';
import { framesOf } from '../dist/transform/encoded-frame.js';
import { WorkerScope } from '../dist/transform/worker-scope.js';
import { internal } from '../dist/webidl/index.js';
import { stale } from '../scripts/idl/generate.mjs';
import { missing } from '../scripts/idl/model.mjs';
import { event, negotiate, pair } from './helpers.mjs';
import { absentStatistics } from './statistics.mjs';
import { STATS, Surface, Taken, model, wrongStats } from './surface.mjs';

const holders = {
  ...duologue,
  Navigator: navigator,
  DedicatedWorkerGlobalScope: WorkerScope.prototype,
  RTCIdentityProviderGlobalScope,
  RTCIdentityProviderRegistrar,
};

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
    new duologue.RTCIceTransport(),
    new duologue.RTCError({ errorDetail: 'sctp-failure' }),
    new duologue.VideoFrame(new Uint8Array(6), { format: 'I420', codedWidth: 2, codedHeight: 2, timestamp: 0 }),
    new duologue.AudioData({ format: 'u8', sampleRate: 8000, numberOfFrames: 1, numberOfChannels: 1, timestamp: 0, data: new Uint8Array(1) }),
    new RTCIdentityProviderRegistrar(internal),
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
  frames(taken, of.VideoFrame);
  of.MediaStreamTrack.stop();
  of.RTCPeerConnection.close();
  of.RTCIceTransport.stop();
  assert.deepEqual(surface.wrong, []);
  assert.deepEqual([...taken.refused], []);
  const absent = new Set([...surface.absent, ...taken.absent, ...absentStatistics(model, STATS)]);
  assert.deepEqual([...absent].sort(), [...missing.keys()].sort());
});

test('statistics have the members of their dictionaries, of their types, and no others', async () => {
  const { a, b, close } = pair();
  const channel = a.createDataChannel('statistics');
  const writers = ['audio', 'video'].map((kind) => [kind, a.addTransceiver(kind).sender]);
  const stream = await duologue.mediaDevices.getUserMedia({ audio: true });
  await writers[0][1].replaceTrack(stream.getTracks()[0]);
  const opened = event(channel, 'open');
  const tracks = new Promise((resolve) => b.addEventListener('track', () => b.getReceivers().length === 2 && resolve()));
  await negotiate(a, b);
  await Promise.all([opened, tracks]);
  for (const [kind, sender] of writers) {
    const data = kind === 'video' ? Buffer.from('10020000009d012a02000200', 'hex') : Buffer.alloc(20);
    const received = b.getReceivers().find(({ track }) => track.kind === kind).packets().recvMany(1);
    await sender.frames().sendAll([{ data, timestamp: 1, type: 'key' }]);
    await received;
  }
  const all = (await Promise.all([a.getStats(), b.getStats()])).flatMap((report) => [...report.values()]);
  assert.deepEqual(all.flatMap(wrongStats), []);
  const types = ['candidate-pair', 'certificate', 'codec', 'data-channel', 'inbound-rtp', 'local-candidate', 'media-source'];
  const others = ['outbound-rtp', 'peer-connection', 'remote-candidate', 'transport'];
  const missed = [...types, ...others].filter((type) => !all.some((stats) => stats.type === type));
  assert.deepEqual(missed, []);
  close();
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

/** Frames are made of dictionaries that the IDL tells apart by the other argument. */
function frames(taken, frame) {
  const size = { format: 'I420', codedWidth: 4, codedHeight: 4, displayWidth: 1, displayHeight: 1 };
  const layout = [{ offset: 0, stride: 4 }, { offset: 16, stride: 2 }, { offset: 20, stride: 2 }];
  const visibleRect = { width: 2, height: 2 };
  const init = taken.proxy('VideoFrameBufferInit', { ...size, layout, visibleRect });
  assert.equal(new duologue.VideoFrame(new Uint8Array(24), init).codedWidth, 4);
  assert.equal(new duologue.VideoFrame(frame, taken.proxy('VideoFrameInit', { visibleRect })).timestamp, 1);
}

test('what is exported has types, and what has types is exported', () => {
  const types = readFileSync(new URL('../types/index.d.ts', import.meta.url), 'utf8');
  const typed = Array.from(types.matchAll(/^export declare (?:const|class) (\w+)/gm), ([, name]) => name);
  assert.deepEqual(typed.sort(), Object.keys(duologue).filter((name) => name !== 'default').sort());
});
