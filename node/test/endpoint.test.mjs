// What servers choose: ports, interfaces, addresses (README.md, "Servers").
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'node:test';
import { networkInterfaces } from 'node:os';
import parsePrometheus from 'parse-prometheus-text-format';
import { Endpoint, RTCPeerConnection } from '../index.mjs';
import { event, negotiate, pair } from './helpers.mjs';

/** An endpoint that reaches itself wherever the tests run. */
function endpointFor(t, options) {
  const endpoint = new Endpoint({ loopback: true, onlyAddresses: ['127.0.0.1'], ...options });
  t.after(() => endpoint.close());
  return endpoint;
}

/** The candidates of a connection with a data channel, and its offer. */
async function gather(t, endpoint) {
  const pc = new RTCPeerConnection({}, { endpoint });
  t.after(() => pc.close());
  pc.createDataChannel('x');
  const candidates = [];
  pc.onicecandidate = ({ candidate }) => candidate?.candidate && candidates.push(candidate);
  await pc.setLocalDescription();
  while (pc.iceGatheringState !== 'complete') await event(pc, 'icegatheringstatechange');
  return { candidates, sdp: pc.localDescription.sdp };
}

/** A data channel between two connections on these endpoints; the candidates that were signalled. */
async function connect(t, one, other) {
  const { a, b, close } = pair({}, { endpoint: one }, { endpoint: other });
  t.after(close);
  const candidates = [];
  for (const pc of [a, b]) pc.addEventListener('icecandidate', ({ candidate }) => candidate?.candidate && candidates.push(candidate));
  const channel = a.createDataChannel('x');
  const announced = event(b, 'datachannel');
  const opened = event(channel, 'open');
  await negotiate(a, b);
  const [{ channel: far }] = await Promise.all([announced, opened]);
  const received = event(far, 'message');
  channel.send('over the endpoint');
  assert.equal((await received).data, 'over the endpoint');
  return { a, b, candidates };
}

/** Some UDP port that is free now. */
async function freePort() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

test('a peer that is on 127.0.0.1 only is reached by one that is not', async (t) => {
  const { candidates } = await connect(t, undefined, endpointFor(t, {}));
  const addresses = candidates.map(({ address }) => address);
  const onLoopback = addresses.filter((address) => address === '127.0.0.1');
  assert.ok(onLoopback.length > 0 && onLoopback.length < addresses.length, `${addresses}`);
});

test('connections take their ports from a range', async (t) => {
  const first = await freePort();
  const last = Math.min(first + 20, 65_535);
  const endpoint = endpointFor(t, { portRange: [first, last] });
  const { candidates } = await connect(t, endpoint, endpoint);
  const ports = candidates.filter(({ protocol }) => protocol === 'udp').map(({ port }) => port);
  assert.ok(ports.length >= 2);
  for (const port of ports) assert.ok(port >= first && port <= last, `${port}`);
});

test('all connections of a server share one port', async (t) => {
  const server = endpointFor(t, { sharedPort: 0 });
  assert.ok(server.sharedPort > 0);
  for (let i = 0; i < 3; i++) {
    const { a } = await connect(t, server, endpointFor(t));
    const { local } = a.sctp.transport.iceTransport.getSelectedCandidatePair();
    assert.equal(local.port, server.sharedPort);
  }
  assert.equal(typeof server.stats().unroutable, 'number');
});

test('a scraper of Prometheus reads how many connections of an endpoint there are, and what they did', async (t) => {
  const endpoint = endpointFor(t);
  const { a, b } = await connect(t, endpoint, endpoint);
  for (const pc of [a, b]) while (pc.connectionState !== 'connected') await event(pc, 'connectionstatechange');
  const read = () => new Map(parsePrometheus(endpoint.metrics()).map((family) => [family.name, family]));
  const connections = (state) => read().get('duologue_connections').metrics.find(({ labels }) => labels.state === state).value;
  assert.equal(connections('connected'), '2');
  a.close();
  assert.equal(connections('connected'), '1');
  const families = read();
  assert.equal(families.get('duologue_connections_total').type, 'COUNTER');
  assert.equal(families.get('duologue_connections_total').metrics[0].value, '2');
  for (const { name, help, metrics } of families.values()) {
    assert.match(name, /^duologue_[a-z_]+$/);
    assert.ok(help.length > 0 && metrics.every(({ value }) => Number.isSafeInteger(Number(value))), name);
  }
});

test('a server listens for TCP beside its shared port where UDP is blocked', async (t) => {
  const server = endpointFor(t, { sharedPort: 0, tcp: { passive: true } });
  const { a } = await connect(t, server, endpointFor(t, { udp: false }));
  const { local } = a.sctp.transport.iceTransport.getSelectedCandidatePair();
  assert.deepEqual([local.protocol, local.port], ['tcp', server.sharedPort]);
});

test('an external address is signalled in place of the own one, or beside it', async (t) => {
  const replaced = await gather(t, endpointFor(t, { onlyAddresses: [], externalAddresses: ['192.0.2.7'], ipv6: false }));
  // A host without a network has none that it would replace.
  const hosts = Object.values(networkInterfaces()).flat().filter(({ family, internal }) => family === 'IPv4' && !internal);
  const outside = replaced.candidates.filter(({ address, protocol }) => protocol === 'udp' && !address.startsWith('127.'));
  assert.deepEqual(outside.map(({ address, type }) => `${address} ${type}`), hosts.length > 0 ? ['192.0.2.7 host'] : []);

  const external = { address: '192.0.2.7', local: '127.0.0.1', replaces: false };
  const beside = await gather(t, endpointFor(t, { externalAddresses: [external] }));
  const udp = beside.candidates.filter(({ protocol }) => protocol === 'udp');
  assert.deepEqual(udp.map(({ address, type }) => `${address} ${type}`).sort(), ['127.0.0.1 host', '192.0.2.7 srflx']);
});

test('an endpoint says how many data channels a connection may have', async (t) => {
  const { a, b } = await connect(t, endpointFor(t, { maxChannels: 8 }), endpointFor(t, {}));
  assert.deepEqual([a, b].map((pc) => pc.sctp.maxChannels), [8, 8]);
});

test('host addresses are hidden behind names', async (t) => {
  const { candidates } = await gather(t, endpointFor(t, { hideHostAddresses: true }));
  assert.ok(candidates.length > 0);
  for (const { candidate } of candidates) assert.match(candidate, / [0-9a-f-]{36}\.local /);
});

test('only the interfaces that were chosen are used', async (t) => {
  const { candidates } = await gather(t, endpointFor(t, { onlyAddresses: [], onlyInterfaces: ['no such interface'] }));
  assert.deepEqual(candidates, []);
  const v6 = await gather(t, endpointFor(t, { onlyAddresses: [], ipv4: false }));
  for (const { address } of v6.candidates) assert.ok(address.includes(':'), address);
});

test('an ICE-lite server says so, and a full agent connects to it', async (t) => {
  const server = endpointFor(t, { iceLite: true, sharedPort: 0 });
  const { sdp } = await gather(t, server);
  assert.match(sdp, /^a=ice-lite\r$/m);
  const { a, b } = await connect(t, endpointFor(t), server);
  assert.equal(a.sctp.transport.iceTransport.role, 'controlling');
  assert.doesNotMatch(a.localDescription.sdp, /ice-lite/);
  assert.match(b.localDescription.sdp, /ice-lite/);
});

test('what an endpoint cannot be is said when it is made', () => {
  assert.throws(() => new Endpoint({ sharedPort: 1, portRange: [1, 2] }), TypeError);
  for (const portRange of [[5], [5, 4], [0, 4], [1, 2, 3]]) assert.throws(() => new Endpoint({ portRange }), RangeError);
  assert.throws(() => new Endpoint({ sharedPort: 65_536 }), TypeError);
  for (const name of ['onlyAddresses', 'exceptAddresses', 'externalAddresses']) {
    assert.throws(() => new Endpoint({ [name]: ['example.org'] }), { name: 'TypeError', message: /'example.org' is not an IP address/ });
  }
  assert.throws(() => new Endpoint({ tlsRoots: 'no certificate' }), { name: 'OperationError' });
  assert.throws(() => new Endpoint({ onlyInterfaces: 'eth0' }), TypeError);
  assert.throws(() => new RTCPeerConnection({}, { endpoint: {} }), TypeError);
});

test('a closed endpoint makes no connection, and those that it has go on', async (t) => {
  const endpoint = endpointFor(t, { sharedPort: 0 });
  const { a, b } = await connect(t, endpoint, endpointFor(t));
  endpoint.close();
  assert.equal(endpoint.closed, true);
  assert.throws(() => new RTCPeerConnection({}, { endpoint }), { name: 'InvalidStateError' });
  for (const name of ['stats', 'metrics']) assert.throws(() => endpoint[name](), { name: 'InvalidStateError' });
  const announced = event(b, 'datachannel');
  a.createDataChannel('later');
  assert.equal((await announced).channel.label, 'later');
});

test('what old pages pass behind the configuration is ignored', () => {
  for (const constraints of [null, undefined, { optional: [{ DtlsSrtpKeyAgreement: true }] }]) {
    new RTCPeerConnection({}, constraints).close();
  }
  assert.equal(RTCPeerConnection.length, 0);
});

test('a subclass puts the connections of a library on an endpoint', async (t) => {
  const endpoint = endpointFor(t, { sharedPort: 0 });
  class ServerConnection extends RTCPeerConnection {
    constructor(configuration) {
      super(configuration, { endpoint });
    }
  }
  const pc = new ServerConnection({});
  t.after(() => pc.close());
  pc.createDataChannel('x');
  await pc.setLocalDescription();
  const { candidate } = await event(pc, 'icecandidate');
  assert.equal(candidate.port, endpoint.sharedPort);
});
