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

test('simple-peer may change descriptions before it sets them', options, async (t) => {
  const { default: SimplePeer } = await import('simple-peer');
  const bandwidth = (sdp) => sdp.replace(/(m=application.*\r\nc=.*\r\n)/, '$1b=AS:30\r\n');
  const [a, b] = [true, false].map((initiator) => new SimplePeer({ initiator, config: { iceServers: [] }, sdpTransform: bandwidth }));
  t.after(() => [a, b].forEach((peer) => peer.destroy()));
  a.on('signal', (signal) => b.signal(signal));
  b.on('signal', (signal) => a.signal(signal));
  const failed = new Promise((_, reject) => [a, b].forEach((peer) => peer.on('error', reject)));
  const received = once(b, 'data');
  a.on('connect', () => a.send('changed'));
  const [data] = await Promise.race([received, failed]);
  assert.equal(`${data}`, 'changed');
});

/** The handler of descriptions of sip.js, which otherwise needs a SIP server. */
async function sipHandler(t) {
  const { Web } = await import('sip.js');
  const silent = Object.fromEntries(['debug', 'log', 'warn', 'error'].map((level) => [level, () => {}]));
  const streams = () => navigator.mediaDevices.getUserMedia({ audio: true });
  const configuration = { iceGatheringTimeout: 5000, peerConnectionConfiguration: { iceServers: [] } };
  const handler = new Web.SessionDescriptionHandler(silent, streams, configuration);
  t.after(() => handler.close());
  return { handler, hold: Web.holdModifier };
}

test('sip.js holds a call and takes it up again', options, async (t) => {
  const { handler: caller, hold } = await sipHandler(t);
  const { handler: callee } = await sipHandler(t);
  const negotiate = async (options, modifiers) => {
    const offer = await caller.getDescription(options, modifiers);
    await callee.setDescription(offer.body);
    const answer = await callee.getDescription();
    await caller.setDescription(answer.body);
    return [caller, callee].map(({ peerConnection }) => peerConnection.getTransceivers()[0].currentDirection);
  };
  assert.deepEqual(await negotiate(), ['sendrecv', 'sendrecv']);
  assert.deepEqual(await negotiate({ hold: true }, [hold]), ['sendonly', 'recvonly']);
  assert.deepEqual(await negotiate({ hold: false }), ['sendrecv', 'sendrecv']);
});

/** What a router of mediasoup can do. */
const ROUTER = {
  codecs: [
    { kind: 'audio', mimeType: 'audio/opus', preferredPayloadType: 100, clockRate: 48000, channels: 2, parameters: {}, rtcpFeedback: [] },
    { kind: 'video', mimeType: 'video/VP8', preferredPayloadType: 101, clockRate: 90000, parameters: {}, rtcpFeedback: [] },
  ],
  headerExtensions: [
    { kind: 'audio', uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', preferredId: 1, preferredEncrypt: false, direction: 'sendrecv' },
    { kind: 'video', uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', preferredId: 1, preferredEncrypt: false, direction: 'sendrecv' },
  ],
};
/** What a transport of its server says of itself. */
const SERVER = {
  iceParameters: { usernameFragment: 'serverufrag', password: 'serverpassword0123456789', iceLite: true },
  iceCandidates: [{ foundation: 'udpcandidate', ip: '127.0.0.1', address: '127.0.0.1', port: 9, priority: 1076302079, protocol: 'udp', type: 'host' }],
  dtlsParameters: {
    role: 'auto',
    fingerprints: [{ algorithm: 'sha-256', value: Array.from({ length: 32 }, (_, i) => (0xa0 + i).toString(16).toUpperCase()).join(':') }],
  },
};

async function mediasoupDevice() {
  const { Device } = await import('mediasoup-client');
  const device = new Device({ handlerName: 'Chrome111' });
  await device.load({ routerRtpCapabilities: ROUTER });
  return device;
}

test('mediasoup-client produces: its offer names a source', options, async (t) => {
  const device = await mediasoupDevice();
  const transport = device.createSendTransport({ id: 'send', ...SERVER });
  t.after(() => transport.close());
  transport.on('connect', (_, done) => done());
  let sent;
  transport.on('produce', ({ rtpParameters }, done) => {
    sent = rtpParameters;
    done({ id: 'producer' });
  });
  const [track] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks();
  const producer = await transport.produce({ track });
  assert.equal(producer.kind, 'audio');
  assert.equal(sent.codecs[0].mimeType, 'audio/opus');
  assert.ok(sent.encodings[0].ssrc > 0 && sent.rtcp.cname.length > 0);
});

test('mediasoup-client consumes: it changes every answer', options, async (t) => {
  const device = await mediasoupDevice();
  const transport = device.createRecvTransport({ id: 'receive', ...SERVER });
  t.after(() => transport.close());
  transport.on('connect', (_, done) => done());
  const consume = (kind, payloadType, mimeType, clockRate, ssrc) =>
    transport.consume({
      id: kind,
      producerId: kind,
      kind,
      rtpParameters: {
        codecs: [{ mimeType, payloadType, clockRate, ...(kind === 'audio' ? { channels: 2 } : {}), parameters: {}, rtcpFeedback: [] }],
        encodings: [{ ssrc }],
        headerExtensions: [],
        rtcp: { cname: 'far' },
      },
    });
  const audio = await consume('audio', 100, 'audio/opus', 48_000, 1111);
  const video = await consume('video', 101, 'video/VP8', 90_000, 2222);
  assert.deepEqual([audio.track.kind, video.track.kind], ['audio', 'video']);
  assert.deepEqual([audio.track.readyState, video.track.readyState], ['live', 'live']);
});
