// Libraries of npm, unchanged, at both ends; `clients.test.mjs` has those that talk to Chromium.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import '../dist/polyfill.js';

const options = { timeout: 60_000 };

/** A signalling server of y-webrtc: who subscribed to a topic gets what is published there. */
async function startSignaling(t) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const topics = new Map();
  let subscribe;
  const subscribed = new Promise((resolve) => (subscribe = resolve));
  server.on('connection', (socket) => {
    socket.on('message', (text) => {
      const message = JSON.parse(text);
      if (message.type === 'subscribe') {
        for (const topic of message.topics) topics.set(topic, (topics.get(topic) ?? new Set()).add(socket));
        subscribe();
      } else if (message.type === 'publish') {
        for (const other of topics.get(message.topic) ?? []) other.send(`${text}`);
      } else if (message.type === 'ping') {
        socket.send('{"type":"pong"}');
      }
    });
  });
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${server.address().port}`, subscribed };
}

test('y-webrtc shares a document between two processes, and posts to broadcast channels', options, async (t) => {
  const { url, subscribed } = await startSignaling(t);
  const program = fileURLToPath(new URL('clients/y-webrtc.mjs', import.meta.url));
  const start = (name) => fork(program, [url, name, name.toUpperCase()]);
  const first = start('a');
  // Two that announce themselves at once both offer, and neither listens for the other's channel.
  await subscribed;
  const ends = [first, start('b')];
  t.after(() => ends.forEach((end) => end.connected && end.disconnect()));
  const told = await Promise.all(ends.map((end) => Promise.race([once(end, 'message'), once(end, 'exit')])));
  assert.deepEqual(told.map(([message]) => message), [{ from: 'b', right: true }, { from: 'a', right: true }]);
});
