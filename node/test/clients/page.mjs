// A page in Chromium and a WebSocket between it and the test.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { WebSocketServer } from 'ws';
import { openChromium } from './chromium.mjs';

const { resolve } = createRequire(import.meta.url);
const here = (name) => new URL(name, import.meta.url);

/** What the pages load, beside themselves: the browser builds as npm has them. */
const FILES = {
  '/exchange.mjs': here('exchange.mjs'),
  '/simplepeer.min.js': resolve('simple-peer/simplepeer.min.js'),
  '/peerjs.min.js': resolve('peerjs/dist/peerjs.min.js'),
};

/**
 * Opens `name` of this folder, whose script opens a WebSocket to its host, until the test `t` ends.
 * Messages are JSON.
 */
export async function openPage(t, name, parameters) {
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, 'http://page');
    const file = pathname === '/' ? here(name) : FILES[pathname];
    if (!file) return response.writeHead(404).end();
    const type = pathname === '/' ? 'text/html' : 'text/javascript';
    response.writeHead(200, { 'content-type': type }).end(await readFile(file));
  });
  t.after(() => server.close() && server.closeAllConnections());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const sockets = new WebSocketServer({ server });
  const connected = once(sockets, 'connection');
  const query = new URLSearchParams(parameters);
  openChromium(t, `http://127.0.0.1:${server.address().port}/?${query}`);
  const [socket] = await connected;
  // Of a test that takes too long this tells whether it was the browser that did not come.
  t.diagnostic('the page is connected');
  return {
    send: (message) => socket.send(JSON.stringify(message)),
    onMessage: (listener) => socket.on('message', (text) => listener(JSON.parse(text))),
  };
}
