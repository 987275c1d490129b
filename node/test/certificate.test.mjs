// Certificates that are kept: as PEM, and by structured clone (webrtc-pc §4.10.2) after `import 'duologue/transfer'`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import test from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { MessageChannel, Worker, receiveMessageOnPort } from 'node:worker_threads';
import { RTCCertificate, RTCPeerConnection } from '../index.mjs';
import { event, negotiate } from './helpers.mjs';

const generate = (more) => RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256', ...more });
const fingerprintOf = (certificate) => certificate.getFingerprints()[0].value;

test('a certificate that is kept as PEM is the same in the next run', async () => {
  const made = await generate({ expires: 3_600_000 });
  assert.match(fingerprintOf(made), /^([0-9a-f]{2}:){31}[0-9a-f]{2}$/);
  const read = RTCCertificate.fromPem(made.toPem());
  assert.ok(read instanceof RTCCertificate);
  assert.deepEqual([read.expires, read.getFingerprints(), read.toPem()], [made.expires, made.getFingerprints(), made.toPem()]);
  const x509 = new X509Certificate(made.toPem());
  assert.equal(x509.fingerprint256.toLowerCase(), fingerprintOf(made));
  assert.equal(Math.floor(made.expires / 1000), new Date(x509.validTo).getTime() / 1000);

  const program = `
    import { RTCCertificate, RTCPeerConnection } from ${JSON.stringify(new URL('../index.mjs', import.meta.url).href)};
    const certificate = RTCCertificate.fromPem(process.env.KEPT);
    const pc = new RTCPeerConnection({ certificates: [certificate] });
    pc.createDataChannel('');
    const { sdp } = await pc.createOffer();
    pc.close();
    console.log(sdp.match(/a=fingerprint:sha-256 (.*)/)[1].toLowerCase());`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', env: { ...process.env, KEPT: made.toPem() } });
  assert.equal(said.trim(), fingerprintOf(made));
});

test('the other end sees the certificate that was read', async () => {
  const kept = await generate();
  const server = new RTCPeerConnection({ certificates: [RTCCertificate.fromPem(kept.toPem())] });
  const client = new RTCPeerConnection();
  const channel = client.createDataChannel('');
  const opened = event(channel, 'open');
  client.onicecandidate = ({ candidate }) => server.addIceCandidate(candidate);
  server.onicecandidate = ({ candidate }) => client.addIceCandidate(candidate);
  await negotiate(client, server);
  await opened;
  const [seen] = client.sctp.transport.getRemoteCertificates();
  assert.equal(new X509Certificate(Buffer.from(seen)).fingerprint256.toLowerCase(), fingerprintOf(kept));
  client.close();
  server.close();
});

test('what is no certificate with its key is refused, with the reason', async () => {
  const pem = (await generate()).toPem();
  const [certificate, key] = pem.split(/(?<=END CERTIFICATE-----\r?\n)/);
  const other = (await generate()).toPem().split(/(?<=END CERTIFICATE-----\r?\n)/)[1];
  for (const [text, reason] of [
    ['', /CERTIFICATE/],
    ['nonsense', /CERTIFICATE/],
    [certificate, /PRIVATE KEY/],
    [key, /CERTIFICATE/],
    [certificate + other, /not the certificate's/],
    [certificate + key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'), /encrypted/],
    ['x'.repeat(1 << 20), /too long/],
  ]) {
    assert.throws(() => RTCCertificate.fromPem(text), { name: 'DataError', message: reason });
  }
  assert.throws(() => RTCCertificate.fromPem(), TypeError);
  assert.throws(() => RTCCertificate.prototype.toPem.call({}), TypeError);
});

test('one that has expired is read, and not used', async () => {
  const certificate = RTCCertificate.fromPem((await generate({ expires: 0 })).toPem());
  assert.ok(certificate.expires <= Date.now());
  assert.throws(() => new RTCPeerConnection({ certificates: [certificate] }), { name: 'InvalidAccessError' });
});

test('without the import a certificate is not cloned into something else', async () => {
  const certificate = await generate();
  for (const clone of [structuredClone, (it) => structuredClone({ it })]) {
    assert.throws(() => clone(certificate), { name: 'DataCloneError' });
  }
  assert.throws(() => serialize(certificate), /could not be cloned/);
});

test('with it certificates are cloned wherever they are in what is cloned', async (t) => {
  await import('../dist/transfer.js');
  const [one, two] = [await generate(), await generate()];
  const same = (copy, certificate) => {
    assert.ok(copy instanceof RTCCertificate);
    assert.notEqual(copy, certificate);
    assert.deepEqual([copy.expires, copy.getFingerprints()], [certificate.expires, certificate.getFingerprints()]);
  };
  same(structuredClone(one), one);
  const bytes = new Uint8Array([1, 2]);
  const copy = structuredClone({ all: [one, two, one], map: new Map([['two', two]]), bytes }, { transfer: [bytes.buffer] });
  same(copy.all[0], one);
  same(copy.map.get('two'), two);
  assert.equal(copy.all[0], copy.all[2]);
  assert.equal(copy.all[1], copy.map.get('two'));
  assert.deepEqual([copy.bytes, bytes.length], [new Uint8Array([1, 2]), 0]);

  // As a file keeps it.
  same(deserialize(serialize({ one })).one, one);
  assert.deepEqual(deserialize(serialize({ a: [1] })), { a: [1] });

  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  port1.postMessage({ one });
  same(receiveMessageOnPort(port2).message.one, one);
  assert.equal(receiveMessageOnPort(port2), undefined);
  const received = event(port2, 'message');
  port1.postMessage([two]);
  same((await received)[0], two);

  const [near, far] = [1, 2].map(() => new BroadcastChannel('certificates'));
  t.after(() => [near, far].forEach((it) => it.close()));
  const heard = event(far, 'message');
  near.postMessage({ one });
  same((await heard).data.one, one);

  // What cannot be cloned still cannot.
  for (const wrong of [() => {}, { one, f() {} }, new WeakSet(), Object.create(RTCCertificate.prototype, { x: { value: () => {}, enumerable: true } })]) {
    assert.throws(() => structuredClone(wrong), { name: 'DataCloneError' });
  }
});

test('a thread begins with a certificate', async (t) => {
  await import('../dist/transfer.js');
  const certificate = await generate();
  const code = `
    import ${JSON.stringify(new URL('../dist/transfer.js', import.meta.url).href)};
    import { parentPort, workerData } from 'node:worker_threads';
    parentPort.postMessage(workerData.kept.getFingerprints());`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: { kept: certificate } });
  t.after(() => worker.terminate());
  assert.deepEqual(await event(worker, 'message'), certificate.getFingerprints());
});

test('a certificate goes to a worker, with a channel and alone, and is used there', async (t) => {
  await import('../dist/transfer.js');
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
    const { RTCPeerConnection } = require(${JSON.stringify(new URL('../dist/index.js', import.meta.url).pathname)});
    require(${JSON.stringify(new URL('../dist/transfer.js', import.meta.url).pathname)});
    parentPort.on('message', async ({ certificate, channel }) => {
      const pc = new RTCPeerConnection({ certificates: [certificate] });
      pc.createDataChannel('');
      const { sdp } = await pc.createOffer();
      pc.close();
      parentPort.postMessage({ sdp, certificate, label: channel?.label });
    });`,
    { eval: true },
  );
  t.after(() => worker.terminate());
  const certificate = await generate();
  const pc = new RTCPeerConnection();
  t.after(() => pc.close());
  for (const label of [undefined, 'beside it']) {
    const answer = event(worker, 'message');
    const channels = label ? [pc.createDataChannel(label)] : [];
    worker.postMessage({ certificate, channel: channels[0] }, channels);
    const { sdp, certificate: back, ...rest } = await answer;
    assert.equal(rest.label, label);
    assert.ok(sdp.toLowerCase().includes(fingerprintOf(certificate)));
    assert.deepEqual(back.getFingerprints(), certificate.getFingerprints());
  }
});
