// What every counterpart in JavaScript shares: JSON lines in and out, and the count of what came.
// The lines are described in test/peers/src/process.rs.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** `require` for what `cargo xtask test peers` installed. */
export const installed = createRequire(join(process.env.DUOLOGUE_PEERS, 'npm/'));

export const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Bytes that came on a channel since the last report, and how many are awaited. */
class Tally {
  constructor(label) {
    this.label = label;
    this.restart();
  }

  restart() {
    this.bytes = 0;
    this.hash = createHash('sha256');
    this.expected = Infinity;
  }

  take(data) {
    const bytes = Buffer.from(data);
    this.bytes += bytes.length;
    this.hash.update(bytes);
    this.report();
  }

  expect(bytes) {
    this.expected = bytes;
    this.report();
  }

  report() {
    if (this.bytes < this.expected) return;
    say({ received: { label: this.label, bytes: this.bytes, sha256: this.hash.digest('hex') } });
    this.restart();
  }
}

/** The channels of a connection: `{ sendText, sendBytes, close }` by label. */
export class Channels {
  #channels = new Map();
  #tallies = new Map();

  add(label, channel) {
    this.#channels.set(label, channel);
  }

  get(label) {
    const channel = this.#channels.get(label);
    if (channel === undefined) throw new Error(`no channel ${label}`);
    return channel;
  }

  tally(label) {
    if (!this.#tallies.has(label)) this.#tallies.set(label, new Tally(label));
    return this.#tallies.get(label);
  }
}

/** Gives what counts media of a kind, and of a layer; tells now and then. */
export function counter(kind, unit, rid = '') {
  let [count, told] = [0, 0];
  return () => {
    count += 1;
    if (count - told < 10) return;
    told = count;
    say({ counted: { kind, rid, count, unit } });
  };
}

/** Calls with 0, 1, 2, … every so many milliseconds on the average, also where timers are late. */
export function every(ms, act) {
  const begun = performance.now();
  let next = 0;
  setInterval(() => {
    while (performance.now() - begun >= next * ms) act(next++);
  }, ms);
}

/** How often pictures and packets of sound are sent, and how much that is by the clocks of RTP. */
export const CLOCKS = { audio: { ms: 20, ticks: 960 }, video: { ms: 50, ticks: 4_500 } };

/** Packet `number` of a stream: silence in Opus, or a picture of VP8 by its header (RFC 7741 §4.2, RFC 6386 §9.1). */
export function rtp(kind, number, { payloadType = 96, ssrc = 1 } = {}) {
  const payload = kind === 'audio' ? Buffer.from([0xf8, 0xff, 0xfe]) : Buffer.alloc(700, 0x5a);
  if (kind === 'video') payload.set([0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = payloadType | (kind === 'video' ? 0x80 : 0);
  header.writeUInt16BE(number & 0xffff, 2);
  header.writeUInt32BE((number * CLOCKS[kind].ticks) >>> 0, 4);
  header.writeUInt32BE(ssrc, 8);
  return Buffer.concat([header, payload]);
}

/** Byte i of what is sent. */
const pattern = (count, seed) => Buffer.from(Array.from({ length: count }, (_, i) => (31 * i + seed) % 251));

const MESSAGE = 16_384;

function sendPattern(channel, count, seed) {
  const all = pattern(count, seed);
  for (let at = 0; at < count; at += MESSAGE) channel.sendBytes(all.subarray(at, at + MESSAGE));
}

/**
 * Obeys the lines of standard input, one after another, until it ends.
 * `peer`: `{ offer, description, candidate, channel, play, end }`.
 */
export async function serve(hello, channels, peer) {
  const obey = async (line) => {
    if (line.description) return peer.description(line.description);
    if (line.candidate) return peer.candidate(line.candidate);
    switch (line.do) {
      case 'offer':
        return peer.offer(line);
      case 'channel':
        return peer.channel(line.label);
      case 'text':
        return channels.get(line.label).sendText(line.text);
      case 'bytes':
        return sendPattern(channels.get(line.label), line.count, line.seed);
      case 'expect':
        return channels.tally(line.label).expect(line.bytes);
      case 'play':
        return peer.play(line);
      case 'close':
        return channels.get(line.label).close();
      case 'end':
        return peer.end();
      default:
        throw new Error(`unknown line ${JSON.stringify(line)}`);
    }
  };
  say({ hello });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      await obey(JSON.parse(line));
    } catch (e) {
      say({ error: String(e.stack ?? e) });
    }
  }
  process.exit(0);
}
