// `import 'duologue/polyfill'` adds what a browser has and leaves what Node has.
import assert from 'node:assert/strict';
import test from 'node:test';
import { MessageChannel, MessagePort, Worker } from 'node:worker_threads';
import { event } from './helpers.mjs';

const before = Object.getOwnPropertyNames(globalThis);
const members = (prototype) => Object.getOwnPropertyDescriptors(prototype);
const node = [MessagePort.prototype, Worker.prototype, BroadcastChannel.prototype, EventTarget.prototype].map(
  (prototype) => [prototype, members(prototype)],
);
const { postMessage } = MessagePort.prototype;

await import('../dist/polyfill.js');

test('only interfaces come to the global object', () => {
  const added = Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name) && name !== 'navigator');
  assert.ok(added.includes('RTCPeerConnection'));
  for (const name of added) {
    assert.match(name, /^(RTC|Media|SFrame|InputDevice|DeviceChange|Overconstrained|Video|AudioData$)/);
    assert.equal(Object.getOwnPropertyDescriptor(globalThis, name).enumerable, false, name);
  }
});

test('ports, workers and broadcast channels are as Node has them', async (t) => {
  for (const [prototype, was] of node) assert.deepEqual(members(prototype), was);
  assert.equal(MessagePort.prototype.postMessage, postMessage);

  // As y-webrtc talks to other documents of the same process.
  const channels = [1, 2].map(() => new BroadcastChannel('room'));
  t.after(() => channels.forEach((channel) => channel.close()));
  const heard = event(channels[1], 'message');
  channels[0].postMessage(new Uint8Array([1, 2, 3]));
  assert.deepEqual((await heard).data, new Uint8Array([1, 2, 3]));

  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const received = event(port2, 'message');
  port1.postMessage('by a port');
  assert.equal(await received, 'by a port');
});
