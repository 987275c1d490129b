// SFrame (RFC 9605), webrtc-encoded-transform §6: streams and transforms that encrypt from end to end.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { SFrameDecrypterStream, SFrameEncrypterStream, SFrameTransform, SFrameTransformErrorEvent } from '../index.mjs';
import { collectGarbage, event, negotiate, pair } from './helpers.mjs';

const SUITES = ['AES_128_CTR_HMAC_SHA256_80', 'AES_128_CTR_HMAC_SHA256_64', 'AES_128_CTR_HMAC_SHA256_32', 'AES_128_GCM_SHA256_128', 'AES_256_GCM_SHA512_128'];
const importKey = (bytes) => crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits', 'deriveKey']);
const key = (byte) => importKey(new Uint8Array(16).fill(byte));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));

/** What goes in at one end and comes out at the other. */
function ends(stream) {
  const [writer, reader] = [stream.writable.getWriter(), stream.readable.getReader()];
  return { write: (chunk) => writer.write(chunk), read: async () => (await reader.read()).value, writer };
}

test('keys and frames are those of the RFC', async () => {
  const file = new URL('../../core/sframe/tests/rfc9605.json', import.meta.url);
  const { sframe } = JSON.parse(readFileSync(file, 'utf8'));
  for (const [i, cipherSuite] of SUITES.entries()) {
    const { kid, base_key, ct, pt } = sframe[i];
    const decrypter = new SFrameDecrypterStream({ cipherSuite });
    await decrypter.setEncryptionKey(await importKey(bytes(base_key)), kid);
    const { write, read } = ends(decrypter);
    // The vectors have metadata, which a stream of bytes has not: the same without it is encrypted here.
    const encrypter = new SFrameEncrypterStream({ cipherSuite });
    await encrypter.setEncryptionKey(await importKey(bytes(base_key)), BigInt(kid));
    const other = ends(encrypter);
    other.write(bytes(pt));
    const sealed = await other.read();
    assert.ok(sealed instanceof ArrayBuffer);
    assert.equal(sealed.byteLength, bytes(ct).length - 2, 'a counter of zero takes no bytes');
    write(sealed);
    assert.deepEqual(Buffer.from(await read()).toString('hex'), pt);
  }
});

test('buffers and views of them are encrypted alike, and nothing else is', async () => {
  const sealed = [];
  const plain = new Uint8Array(11).fill(3);
  for (const chunk of [plain.slice(1).buffer, plain.slice(1), plain.subarray(1), new DataView(plain.buffer, 1)]) {
    const encrypter = new SFrameEncrypterStream();
    await encrypter.setEncryptionKey(await key(1));
    const { write, read } = ends(encrypter);
    write(chunk);
    sealed.push(Buffer.from(await read()).toString('hex'));
  }
  assert.equal(new Set(sealed).size, 1);
  const { write, writer, read } = ends(new SFrameEncrypterStream());
  const all = [writer.closed, write({}), read()].map((it) => assert.rejects(it, TypeError));
  await Promise.all(all);
});

test('what cannot be decrypted is left out, and told of by an event', async () => {
  const cipherSuite = SUITES[0];
  const encrypter = new SFrameEncrypterStream({ cipherSuite });
  const decrypter = new SFrameDecrypterStream({ cipherSuite });
  const told = [];
  for (const stream of [encrypter, decrypter]) stream.onerror = (e) => told.push(e);
  const [near, far] = [ends(encrypter), ends(decrypter)];
  // Nothing is written before somebody reads.
  const first = near.read();
  const noKey = event(encrypter, 'error');
  near.write(new Uint8Array(3));
  await noKey;
  await encrypter.setEncryptionKey(await key(1), 5);
  near.write(new Uint8Array([9, 8, 7]));
  const sealed = new Uint8Array(await first);

  const wrong = sealed.with(4, sealed[4] ^ 1);
  const opened = far.read();
  for (const chunk of [new ArrayBuffer(0), sealed]) {
    const refused = event(decrypter, 'error');
    far.write(chunk);
    await refused;
  }
  await decrypter.setEncryptionKey(await key(1), 5);
  await decrypter.setEncryptionKey(await key(2), 2n ** 64n - 1n);
  for (const chunk of [wrong, sealed]) far.write(chunk);
  assert.deepEqual(new Uint8Array(await opened), new Uint8Array([9, 8, 7]));
  assert.ok(told.every((e) => e instanceof SFrameTransformErrorEvent && e.type === 'error'));
  assert.deepEqual(told.map(({ errorType, keyID }) => [errorType, keyID]), [
    ['keyID', null],
    ['syntax', null],
    ['keyID', 5],
    ['authentication', 5],
  ]);
  assert.equal(told[3].frame, wrong);
});

test('a key may be set again, and no counter comes twice', async () => {
  const encrypter = new SFrameEncrypterStream();
  const { write, read } = ends(encrypter);
  const seen = new Set();
  for (let i = 0; i < 3; i++) {
    await encrypter.setEncryptionKey(await key(1));
    write(new Uint8Array(8));
    seen.add(Buffer.from(await read()).toString('hex'));
  }
  assert.equal(seen.size, 3);
});

test('misuse is refused and changes nothing', async () => {
  for (const Interface of [SFrameTransform, SFrameEncrypterStream, SFrameDecrypterStream]) {
    assert.throws(() => new Interface({ cipherSuite: 'ROT_13' }), TypeError);
    assert.throws(() => new Interface({}), TypeError);
    const object = new Interface();
    for (const wrong of [undefined, null, {}, 'no key']) await assert.rejects(object.setEncryptionKey(wrong), TypeError);
    await assert.rejects(object.setEncryptionKey(await key(1), 2n ** 64n), RangeError);
    const other = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, false, ['encrypt']);
    await assert.rejects(object.setEncryptionKey(other), { name: 'InvalidAccessError' });
    await object.setEncryptionKey(await key(1), 2n ** 64n - 1n);
  }
});

/** A connection that sends this, and what reads at the other end. */
async function call(kind) {
  const { a, b, close } = pair();
  const { sender } = a.addTransceiver(kind);
  const track = event(b, 'track');
  await negotiate(a, b);
  const { receiver } = await track;
  return { sender, receiver, close };
}

const SOUND = new Uint8Array(120).fill(0x5a);
const PICTURE = new Uint8Array([0x10, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1, ...new Uint8Array(500).fill(0x5a)]);

for (const [kind, data, clear] of [['audio', SOUND, 0], ['video', PICTURE, 10]]) {
  test(`an SFrameTransform encrypts ${kind} from end to end`, async () => {
    const { sender, receiver, close } = await call(kind);
    const [ours, theirs] = [new SFrameTransform(), new SFrameTransform()];
    for (const transform of [ours, theirs]) await transform.setEncryptionKey(await key(1), 300);
    sender.transform = ours;
    receiver.transform = theirs;
    assert.throws(() => (receiver.transform = ours), { name: 'InvalidStateError' });
    const [frames, packets] = [receiver.frames(), receiver.packets()];
    for (const timestamp of [1, 2]) {
      await sender.frames().sendAll([{ data, timestamp, type: 'key' }]);
      const [frame] = await frames.recvMany(1);
      assert.deepEqual(new Uint8Array(frame.data), data);
      // What waits for frames is not garbage.
      collectGarbage();
      await new Promise(setImmediate);
    }
    const [packet] = await packets.recvMany(1);
    const sealed = Buffer.from(packet.payload);
    assert.ok(!sealed.includes(Buffer.from(data.slice(clear, clear + 16))), 'it is not on the wire');
    assert.ok(sealed.length > data.length);
    close();
  });
}

test('without a key, or with another, nothing passes', async () => {
  const { sender, receiver, close } = await call('audio');
  const [ours, theirs] = [new SFrameTransform(), new SFrameTransform()];
  await theirs.setEncryptionKey(await key(1), 1);
  [sender.transform, receiver.transform] = [ours, theirs];
  const writer = sender.frames();
  const frames = receiver.frames();
  const noKey = event(ours, 'error');
  await writer.sendAll([{ data: SOUND, timestamp: 1 }]);
  assert.equal((await noKey).errorType, 'keyID');

  await ours.setEncryptionKey(await key(2), 1);
  const forged = event(theirs, 'error');
  await writer.sendAll([{ data: SOUND, timestamp: 2 }]);
  const { errorType, keyID, frame } = await forged;
  assert.deepEqual([errorType, keyID, frame.constructor.name], ['authentication', 1, 'RTCEncodedAudioFrame']);

  await ours.setEncryptionKey(await key(1), 1);
  await writer.sendAll([{ data: SOUND, timestamp: 3 }]);
  const [first] = await frames.recvMany(1);
  assert.equal(first.timestamp, 3);
  close();
});

test('what is encrypted can be transferred', async () => {
  const encrypter = new SFrameEncrypterStream();
  await encrypter.setEncryptionKey(await key(1));
  const { write, read } = ends(encrypter);
  write(new Uint8Array(100_000));
  const sealed = await read();
  assert.ok(structuredClone(sealed, { transfer: [sealed] }).byteLength > 100_000);
  assert.equal(sealed.byteLength, 0);
});
