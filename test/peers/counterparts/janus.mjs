// Janus, driven by its HTTP API on loopback. It is a server: what comes to it goes to a plugin.
// textroom offers a data channel, streaming offers media and one, echotest answers.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { say } from './control.mjs';

/** The label that Janus gives to channels of its own. */
const LABEL = 'JanusDataChannel';
const STREAM = 1;
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

const [port, dataPort, audioPort, videoPort] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
const folder = mkdtempSync(join(tmpdir(), 'duologue-janus-'));
process.on('exit', () => {
  janus.kill();
  rmSync(folder, { recursive: true, force: true });
});
/** Only what is used: the others look for files of their own. */
const others = (kind, used) =>
  `disable = "${readdirSync(`${PLUGINS}/${kind}`)
    .filter((name) => name.endsWith('.so') && !used.some((u) => name === `libjanus_${u}.so`))
    .join(',')}"`;
const configure = (name, text) => writeFileSync(join(folder, `janus.${name}jcfg`), text);
configure(
  '',
  `general: { debug_level = 4 }
plugins: { ${others('plugins', ['echotest', 'streaming', 'textroom'])} }
transports: { ${others('transports', ['http'])} }
loggers: { ${others('loggers', [])} }
`,
);
configure('transport.http.', `general: { http = true, port = ${port}, ip = "127.0.0.1", json = "compact" }\n`);
configure('plugin.textroom.', 'room-1234: { description = "counterpart" }\n');
configure(
  'plugin.streaming.',
  `counterpart: {
  type = "rtp", id = ${STREAM}
  media = (
    { type = "audio", mid = "a", port = ${audioPort}, pt = 111, codec = "opus", iface = "lo" },
    { type = "video", mid = "v", port = ${videoPort}, pt = 100, codec = "vp8", iface = "lo" },
    { type = "data", mid = "d", port = ${dataPort}, datatype = "binary", iface = "lo" }
  )
}
`,
);

const janus = spawn('janus', ['--configs-folder', folder, '--disable-colors'], { stdio: ['ignore', 'pipe', 'inherit'] });
janus.on('exit', (code) => say({ error: `janus ended: ${code}` }));
await new Promise((resolve) => {
  // Read to the end: a program whose output nobody reads stops.
  createInterface({ input: janus.stdout }).on('line', (line) => {
    process.stderr.write(`${line}\n`);
    if (line.includes('transport plugin initialized')) resolve();
    // Only its log says from when on a plugin sends.
    if (line.includes('Data channel available')) say({ open: LABEL });
  });
});

const base = `http://127.0.0.1:${port}/janus`;

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
const attach = async (plugin) =>
  `${session}/${(await post(session, { janus: 'attach', plugin: `janus.plugin.${plugin}` })).data.id}`;
let handle;
let plugin;

async function use(name) {
  if (handle) return;
  plugin = name;
  handle = await attach(name);
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

async function offer({ media, restart }) {
  await use(media || plugin === 'streaming' ? 'streaming' : 'textroom');
  if (plugin === 'streaming') await request({ request: 'watch', id: STREAM, restart });
  else await request({ request: restart ? 'restart' : 'setup' });
}

async function description(jsep) {
  if (jsep.type === 'offer') {
    await use('echotest');
    await request({ audio: true, video: true }, jsep);
  } else {
    await request({ request: plugin === 'streaming' ? 'start' : 'ack' }, jsep);
  }
}

/** Datagrams that the stream passes on as messages: few at a time, for the size of its buffer. */
async function send(count, seed) {
  const all = Buffer.from(Array.from({ length: count }, (_, i) => (31 * i + seed) % 251));
  const socket = createSocket('udp4');
  for (let at = 0; at < count; at += 1024) {
    await new Promise((sent) => socket.send(all.subarray(at, at + 1024), dataPort, '127.0.0.1', sent));
    if (at % 16_384 === 0) await new Promise((later) => setTimeout(later, 10));
  }
  socket.close();
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
  if (line.do === 'offer') return offer(line);
  if (line.do === 'bytes') return send(line.count, line.seed);
  if (line.do === 'end') return post(handle, { janus: 'hangup' });
  throw new Error(`unknown line ${JSON.stringify(line)}`);
}

const info = await (await fetch(`${base}/info`)).json();
say({ hello: { name: 'Janus', version: info.version_string } });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    await obey(JSON.parse(line));
  } catch (e) {
    say({ error: String(e.stack ?? e) });
  }
}
process.exit(0);
