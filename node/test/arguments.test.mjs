// Whatever is given to constructors, methods and setters: it is taken, or refused by an exception that WebIDL and the
// W3C know, and by none of our own making. What is tried follows the types of the IDL loosely, from a seed.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import * as duologue from '../index.mjs';
import { Model, missing } from '../scripts/idl/model.mjs';

const model = new Model();
const ROUNDS = 20;
const CALLS = 100;

/** Numbers from a seed: mulberry32. */
function dice(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { below: (n) => Math.floor(next() * n), one: (list) => list[Math.floor(next() * list.length)] };
}

/** What the values that are given throw themselves. */
class Thrown extends Error {}
const throws = () => {
  throw new Thrown('by a value that was given');
};

const SDP = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n';
const detached = () => {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
};
/** Of any type, each made anew. */
const ANYTHING = [
  ...[undefined, null, true, false, 0, -0, -1, 1, 0.5, 255, 65535, 65536, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 63), 1e300, NaN, Infinity]
    .map((value) => () => value),
  ...['', '0', 'x', '\0', '\ud800', 'a'.repeat(70_000), 'audio', 'video', 'offer', SDP, 'stun:x', '1'].map((value) => () => value),
  ...[() => 10n, () => Symbol('wrong'), () => () => {}, () => [], () => [[]], () => [null], () => [{}, {}]],
  ...[() => ({}), () => Object.create(null), () => new Date(NaN), () => /x/, () => new Map([['x', 1]]), () => new Proxy({}, {})],
  ...[() => new Uint8Array(3), detached, () => new SharedArrayBuffer(4), () => new DataView(new ArrayBuffer(2)), () => new Blob(['x'])],
  ...[() => new Proxy({}, { get: throws }), () => ({ valueOf: throws }), () => ({ toString: throws }), () => ({ [Symbol.iterator]: throws })],
  ...[() => ({ [Symbol.iterator]: () => ({ next: throws }) }), () => ({ get candidate() { return throws(); } })],
  ...[() => Object.freeze({}), () => new Promise(() => {}), () => globalThis, () => new AbortController().signal],
];

/** A value that fits the type more or less. */
function value(type, world, depth = 0) {
  const { below, one } = world.dice;
  if (depth > 4 || below(4) === 0) return one(ANYTHING)();
  if (type.nullable && below(4) === 0) return null;
  if (type.union) return value(one(type.idlType), world, depth + 1);
  if (type.generic) return Array.from({ length: below(4) }, () => value(type.idlType.at(-1), world, depth + 1));
  const name = type.idlType;
  if (model.typedefs.has(name)) return value(model.typedefs.get(name).idlType, world, depth + 1);
  if (model.enumerations.has(name)) return one(model.enumerations.get(name));
  if (model.callbacks.has(name)) return () => {};
  if (model.dictionaries.has(name)) return dictionary(name, world, depth);
  if (model.interfaces.has(name)) return one(world.objects.filter((it) => it.constructor.name === name).concat([{}]));
  if (name.endsWith('String')) return one(['', 'x', '0', '\ud800', SDP, 'turn:127.0.0.1:9', 'a=candidate:']);
  if (name === 'boolean') return below(2) === 0;
  if (name === 'object' || name === 'any') return one(ANYTHING)();
  return one([0, 1, -1, 1.5, 2, 100, 65535, 65536, 2 ** 40, NaN, -Infinity]);
}

function dictionary(name, world, depth) {
  const made = {};
  for (let own = model.dictionaries.get(name); own; own = model.dictionaries.get(own.inheritance)) {
    for (const member of own.members) {
      if (member.required || world.dice.below(3) === 0) made[member.name] = value(member.idlType, world, depth + 1);
    }
  }
  return made;
}

/** One of each, of a connection that is new. */
async function newWorld(dice) {
  const [a, b] = [0, 1].map(() => new duologue.RTCPeerConnection());
  const stream = await duologue.mediaDevices.getUserMedia({ audio: true });
  const [track] = stream.getTracks();
  const transceiver = a.addTransceiver(track, { streams: [stream] });
  const objects = [
    ...[a, b, stream, track, transceiver, transceiver.sender, transceiver.receiver, a.createDataChannel('x')],
    ...[transceiver.sender.dtmf, duologue.mediaDevices, new duologue.RTCIceCandidate({ sdpMid: '0' })],
    await a.createOffer().then((it) => new duologue.RTCSessionDescription(it)),
  ];
  const end = () => {
    for (const pc of [a, b]) pc.close();
    // The stream may have lost it.
    track.stop();
  };
  return { dice, objects: objects.filter(Boolean), end };
}

/** Ends what a call has made, which would keep the process. */
function end(made) {
  for (const track of made?.getTracks?.() ?? []) track.stop();
  if (made instanceof duologue.MediaStreamTrack) made.stop();
  if (made instanceof duologue.RTCPeerConnection) made.close();
}

/** What may be thrown or be the reason of a rejection. */
const isKnown = (error) => error instanceof TypeError || error instanceof RangeError || error instanceof DOMException || error instanceof Thrown;

/** Objects and constructors, and what can be called of them. */
function targets(world) {
  const found = [];
  const has = (name, member) => !missing.has(`${name}.${member}`);
  for (const object of world.objects) {
    for (const member of model.interfaces.get(object.constructor.name)?.members ?? []) {
      const { type, name, special } = member;
      if (!name || special === 'static' || !has(object.constructor.name, name)) continue;
      // A closed world says the same to everything.
      const ends = ['close', 'stop'].includes(name) && world.dice.below(20) > 0;
      if (type === 'operation' && !ends) found.push({ object, member, call: (args) => object[name](...args) });
      if (type === 'attribute' && !member.readonly) found.push({ object, member, call: ([it]) => void (object[name] = it) });
    }
  }
  for (const { name, members } of model.present()) {
    const member = members.find(({ type }) => type === 'constructor');
    if (member && duologue[name]) found.push({ object: name, member, call: (args) => new duologue[name](...args) });
  }
  return found;
}

const describe = (target, seed) => `seed ${seed}: ${target.object.constructor.name} ${target.member.name ?? target.object}`;

test('whatever is given is taken, or refused by an exception of WebIDL or the W3C', async (t) => {
  const first = Number(process.env.DUOLOGUE_SEED ?? Date.now() % 1_000_000);
  const wrong = new Set();
  let [taken, refused] = [0, 0];
  for (let seed = first; seed < first + ROUNDS; seed++) {
    const world = await newWorld(dice(seed));
    t.after(world.end);
    for (let call = 0; call < CALLS; call++) {
      const target = world.dice.one(targets(world));
      const { member } = target;
      const types = member.type === 'attribute' ? [member.idlType] : (member.arguments ?? []).map((it) => it.idlType);
      const args = types.slice(0, types.length + 1 - world.dice.below(2)).map((type) => value(type, world));
      const check = (error) => {
        refused++;
        if (!isKnown(error)) wrong.add(`${describe(target, seed)}: ${error?.stack ?? error}`);
      };
      try {
        const result = target.call(args);
        const take = (made) => (end(made), taken++);
        if (result instanceof Promise) result.then(take, check);
        else take(result);
      } catch (error) {
        if (member.idlType?.generic === 'Promise') wrong.add(`${describe(target, seed)} throws where it should reject: ${error}`);
        check(error);
      }
      if (call % 10 === 0) await turn();
    }
    world.end();
    await turn();
  }
  assert.deepEqual([...wrong], [], 'DUOLOGUE_SEED=N lives the same again');
  assert.ok(taken > ROUNDS && refused > ROUNDS, `${taken} were taken and ${refused} refused`);
});

test('half a character in a constraint is text that no device has, and no error of ours', async () => {
  const asked = duologue.mediaDevices.getUserMedia({ audio: { deviceId: { exact: '\ud800' } } });
  await assert.rejects(asked, { name: 'OverconstrainedError', constraint: 'deviceId' });
});
