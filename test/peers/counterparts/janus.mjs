// Janus, driven by its HTTP API on loopback. It is a server: what comes to it goes to a plugin. textroom offers a data
// channel, echotest answers, videoroom answers who publishes and offers to who subscribes. Started with the address of a
// Janus that runs already, this is another client of that one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { say } from './control.mjs';

/** The label that Janus gives to channels of its own. */
const LABEL = 'JanusDataChannel';
const [ROOM, FEED] = [1234, 1];
/** Where Debian has them. */
const PLUGINS = `/usr/lib/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu/janus`;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Gives the address of its HTTP API. */
async function start() {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'duologue-janus-'));
  const configure = (name, text) => writeFileSync(join(folder, `janus.${name}jcfg`), text);
  configure(
    '',
    `general: { debug_level = 4 }
plugins: { ${others('plugins', ['echotest', 'textroom', 'videoroom'])} }
transports: { ${others('transports', ['http'])} }
loggers: { ${others('loggers', [])} }
`,
  );
  configure('transport.http.', `general: { http = true, port = ${port}, ip = "127.0.0.1", json = "compact" }\n`);
  configure('plugin.textroom.', `room-${ROOM}: { description = "counterpart" }\n`);
  configure('plugin.videoroom.', `room-${ROOM}: { description = "counterpart", publishers = 2, videocodec = "vp8" }\n`);
  const janus = spawn('janus', ['--configs-folder', folder, '--disable-colors'], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => {
    janus.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  janus.on('exit', (code) => say({ error: `janus ended: ${code}` }));
  await new Promise((resolve) => {
    // Read to the end: a program whose output nobody reads stops.
    createInterface({ input: janus.stdout }).on('line', (line) => {
      process.stderr.write(`${line}\n`);
      if (line.includes('transport plugin initialized')) resolve();
    });
  });
  return `http://127.0.0.1:${port}/janus`;
}

/** Only what is used: the others look for files of their own. */
function others(kind, used) {
  const unused = readdirSync(`${PLUGINS}/${kind}`).filter((name) => name.endsWith('.so') && !used.some((u) => name === `libjanus_${u}.so`));
  return `disable = "${unused.join(',')}"`;
}

const base = process.argv[2] ?? (await start());

async function post(path, body) {
  const response = await fetch(base + path, {
    method: 'POST',
    body: JSON.stringify({ transaction: 'counterpart', ...body }),
  });
  const answer = await response.json();
  if (answer.janus === 'error') throw new Error(JSON.stringify(answer));
  return answer;
}

const session = `/${(await post('', { janus: 'create' })).data.id}`;
let handle;
/** What our descriptions are to the plugin, and whether one was told already. */
let role;
let known = false;

async function use(name) {
  if (handle) return;
  role = name;
  const plugin = name === 'publisher' || name === 'subscriber' ? 'videoroom' : name;
  const attached = await post(session, { janus: 'attach', plugin: `janus.plugin.${plugin}` });
  handle = `${session}/${attached.data.id}`;
}

const request = (body, jsep) => post(handle, { janus: 'message', body, ...(jsep ? { jsep } : {}) });

function onEvent(event) {
  if (event.jsep) {
    const { type, sdp } = event.jsep;
    say({ description: { type, sdp } });
  }
  const failure = event.plugindata?.data.error;
  if (failure) say({ error: failure });
  if (event.janus === 'webrtcup') say({ state: 'connected' });
  if (event.janus === 'hangup') say({ closed: LABEL });
  if (event.janus === 'trickle' && event.candidate.candidate) say({ candidate: event.candidate });
}

async function listen() {
  for (;;) {
    const response = await fetch(`${base}${session}?maxev=10&rid=${Date.now()}`);
    for (const event of [await response.json()].flat()) onEvent(event);
  }
}
listen().catch((e) => say({ error: String(e) }));

async function offer({ mids, again, restart }) {
  if (role === 'textroom') return request({ request: restart ? 'restart' : 'setup' });
  const streams = mids.map((mid) => ({ feed: FEED, mid }));
  return request(again ? { request: 'subscribe', streams } : { request: 'join', ptype: 'subscriber', room: ROOM, streams });
}

async function description(jsep) {
  const again = known;
  known = true;
  switch (role) {
    case 'echotest':
      return request({ audio: true, video: true }, again ? { ...jsep, update: true } : jsep);
    case 'publisher':
      return request(again ? { request: 'configure' } : { request: 'joinandconfigure', ptype: 'publisher', room: ROOM, id: FEED }, jsep);
    case 'subscriber':
      return request({ request: 'start' }, jsep);
    default:
      return request({ request: 'ack' }, jsep);
  }
}

async function obey(line) {
  if (line.description) return description(line.description);
  if (line.candidate) {
    const { candidate, sdpMid, sdpMLineIndex } = line.candidate;
    const told = candidate === '' ? { completed: true } : { candidate, sdpMid, sdpMLineIndex };
    return post(handle, { janus: 'trickle', candidate: told }).catch((e) => {
      // A candidate that comes when the connection has ended is late, and nothing else.
      if (!e.message.includes('"code":471')) throw e;
    });
  }
  switch (line.do) {
    case 'use':
      return use(line.plugin);
    case 'offer':
      return offer(line);
    case 'layer':
      return request({ request: 'configure', streams: [{ mid: '0', substream: line.substream }] });
    case 'end':
      return post(handle, { janus: 'hangup' });
    default:
      throw new Error(`unknown line ${JSON.stringify(line)}`);
  }
}

const info = await (await fetch(`${base}/info`)).json();
say({ hello: { name: 'Janus', version: info.version_string, base } });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    await obey(JSON.parse(line));
  } catch (e) {
    say({ error: String(e.stack ?? e) });
  }
}
process.exit(0);
