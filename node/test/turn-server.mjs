// A TURN server over UDP on loopback (RFC 8656), as small as two connections need, with the moods of real ones.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';
const COOKIE = 0x2112a442;
const REALM = 'example.org';
export const CREDENTIALS = { username: 'ann', credential: 'secret' };
const KEY = createHash('md5').update(`${CREDENTIALS.username}:${REALM}:${CREDENTIALS.credential}`).digest();

const METHODS = { binding: 1, allocate: 3, refresh: 4, send: 6, data: 7, createPermission: 8, channelBind: 9 };
const ATTRIBUTES = { messageIntegrity: 8, errorCode: 9, channelNumber: 0xc, lifetime: 0xd, xorPeer: 0x12, data: 0x13, realm: 0x14, nonce: 0x15, xorRelayed: 0x16, xorMapped: 0x20 };
const [REQUEST, INDICATION, SUCCESS, ERROR] = [0, 0x10, 0x100, 0x110];

const u32 = (number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number >>> 0);
  return bytes;
};
const padding = (length) => (4 - (length % 4)) % 4;
const attribute = (name, value) => {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(ATTRIBUTES[name]);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc(padding(value.length))]);
};
const xorAddress = ({ address, port }) => {
  const ip = Buffer.from(address.split('.').map(Number)).readUInt32BE();
  return Buffer.concat([Buffer.from([0, 1, (port ^ 0x2112) >> 8, (port ^ 0x2112) & 0xff]), u32(ip ^ COOKIE)]);
};
const readAddress = (value) => ({
  address: [...u32(value.readUInt32BE(4) ^ COOKIE)].join('.'),
  port: value.readUInt16BE(2) ^ 0x2112,
});

function message(type, transaction, attributes, signed = false) {
  let body = Buffer.concat(attributes);
  const head = (length) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt16BE(type);
    bytes.writeUInt16BE(length, 2);
    bytes.writeUInt32BE(COOKIE, 4);
    return Buffer.concat([bytes, transaction]);
  };
  if (signed) {
    const integrity = createHmac('sha1', KEY).update(Buffer.concat([head(body.length + 24), body])).digest();
    body = Buffer.concat([body, attribute('messageIntegrity', integrity)]);
  }
  return Buffer.concat([head(body.length), body]);
}

function read(bytes) {
  const attributes = new Map();
  for (let at = 20; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    const type = bytes.readUInt16BE(at);
    if (!attributes.has(type)) attributes.set(type, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length + padding(length);
  }
  const type = bytes.readUInt16BE();
  return { method: type & 0xf, isRequest: (type & 0x110) === REQUEST, transaction: bytes.subarray(8, 20), get: (name) => attributes.get(ATTRIBUTES[name]) };
}

/** `stale`: so many authenticated requests get 438 and a new nonce; `mismatches`: so many allocations get 437. */
export async function startTurnServer(t, { stale = 0, mismatches = 0 } = {}) {
  const server = createSocket('udp4').bind(0, HOST);
  await once(server, 'listening');
  const allocations = new Map();
  const counts = { stale: 0, mismatches: 0, allocations: 0, relayed: 0 };
  t.after(() => {
    server.close();
    for (const { socket } of allocations.values()) socket.close();
  });

  const allocate = (key, reply) => {
    const socket = createSocket('udp4');
    const allocation = { socket, channels: new Map(), client: key };
    allocations.set(key, allocation);
    counts.allocations++;
    const [address, port] = key.split(' ');
    socket.on('message', (data, peer) => {
      const bound = [...allocation.channels].find(([, to]) => to.address === peer.address && to.port === peer.port);
      const framed = bound
        ? Buffer.concat([u32((bound[0] << 16) | data.length), data])
        : message(METHODS.data | INDICATION, randomBytes(12), [attribute('xorPeer', xorAddress(peer)), attribute('data', data)]);
      server.send(framed, Number(port), address);
    });
    socket.bind(0, HOST, () => reply(socket.address()));
  };

  server.on('message', (bytes, from) => {
    const key = `${from.address} ${from.port}`;
    const allocation = allocations.get(key);
    const reply = (...what) => server.send(message(...what), from.port, from.address);
    const relay = (data, to) => {
      counts.relayed++;
      allocation.socket.send(data, to.port, to.address);
    };
    if ((bytes[0] & 0xc0) === 0x40) {
      const to = allocation?.channels.get(bytes.readUInt16BE());
      if (to) relay(bytes.subarray(4, 4 + bytes.readUInt16BE(2)), to);
      return;
    }
    const { method, isRequest, transaction, get } = read(bytes);
    if (!isRequest) {
      if (method === METHODS.send && allocation) relay(get('data'), readAddress(get('xorPeer')));
      return;
    }
    if (method === METHODS.binding) return reply(SUCCESS | method, transaction, [attribute('xorMapped', xorAddress(from))]);
    const nonce = `nonce ${counts.stale}`;
    const error = (code, more = []) =>
      reply(ERROR | method, transaction, [attribute('errorCode', Buffer.from([0, 0, Math.floor(code / 100), code % 100])), ...more]);
    const challenge = (code, nonce) => error(code, [attribute('realm', Buffer.from(REALM)), attribute('nonce', Buffer.from(nonce))]);
    if (!get('messageIntegrity')) return challenge(401, nonce);
    if (counts.stale < stale) return challenge(438, `nonce ${++counts.stale}`);
    if (`${get('nonce')}` !== nonce) return challenge(438, nonce);
    if (method === METHODS.allocate) {
      if (allocation || counts.mismatches < mismatches) {
        counts.mismatches++;
        return error(437);
      }
      return allocate(key, (relayed) =>
        reply(SUCCESS | method, transaction, [attribute('xorRelayed', xorAddress(relayed)), attribute('xorMapped', xorAddress(from)), attribute('lifetime', u32(600))], true),
      );
    }
    if (!allocation) return error(437);
    if (method === METHODS.channelBind) allocation.channels.set(get('channelNumber').readUInt16BE(), readAddress(get('xorPeer')));
    const lifetime = get('lifetime');
    if (method === METHODS.refresh && lifetime?.readUInt32BE() === 0) {
      allocation.socket.close();
      allocations.delete(key);
    }
    return reply(SUCCESS | method, transaction, method === METHODS.refresh ? [attribute('lifetime', lifetime ?? u32(600))] : [], true);
  });
  return { url: `turn:${HOST}:${server.address().port}?transport=udp`, counts };
}
