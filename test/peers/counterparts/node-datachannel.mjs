// node-datachannel: libdatachannel for Node, by its own API.
import { readFileSync } from 'node:fs';
import { CLOCKS, Channels, counter, every, installed, rtp, say, serve } from './control.mjs';

const nodeDataChannel = installed('node-datachannel');
const { version } = JSON.parse(
  readFileSync(installed.resolve('node-datachannel').replace(/\/dist\/.*/, '/package.json'), 'utf8'),
);

const pc = new nodeDataChannel.PeerConnection('counterpart', {
  iceServers: [],
  disableAutoNegotiation: true,
  // Media is added later, which its DTLS has to know from the start.
  forceMediaTransport: true,
});
const channels = new Channels();
/**
 * Candidates found before their first description is in. libdatachannel gives ICE a description before it keeps
 * it: were there checks by then, DTLS would begin, might not find the fingerprint, and would close it all
 * (findings/libdatachannel-begins-dtls-before-it-has-the-fingerprint.sh).
 */
let held = [];
/** What is not held is collected, and ends. */
const tracks = [];

let playing;

/** Sends and counts packets: it has no codecs. */
function play(track, kind, payloadType) {
  tracks.push(track);
  const [rids, counts] = [new Map(), new Map()];
  track.onMessage((packet) => {
    // RFC 5761 §4: what is RTCP.
    if ((packet[1] & 0x7f) >= 64 && (packet[1] & 0x7f) <= 95) return;
    const ssrc = packet.readUInt32BE(8);
    if (!rids.get(ssrc)) rids.set(ssrc, ridOf(packet));
    const rid = rids.get(ssrc) ?? '';
    if (!counts.has(rid)) counts.set(rid, counter(kind, 'packets', rid));
    counts.get(rid)();
  });
  every(CLOCKS[kind].ms, (number) => {
    if (track.isOpen()) track.sendMessageBinary(rtp(kind, number, { payloadType, ssrc: SSRCS[kind] }));
  });
}

/** The layer that a packet names: an extension with one byte of header (RFC 8285 §4.2, RFC 8852). */
function ridOf(packet) {
  const wanted = Number(/a=extmap:(\d+)\S* urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id/.exec(theirs)?.[1]);
  let at = 12 + 4 * (packet[0] & 0xf);
  if (!(packet[0] & 0x10) || packet.readUInt16BE(at) !== 0xbede) return undefined;
  const end = at + 4 + 4 * packet.readUInt16BE(at + 2);
  for (at += 4; at < end; ) {
    const [id, length] = [packet[at] >> 4, (packet[at] & 0xf) + 1];
    if (packet[at] === 0) at += 1;
    else if (id === wanted) return packet.toString('latin1', at + 1, at + 1 + length);
    else at += 1 + length;
  }
  return undefined;
}

const SSRCS = { audio: 1001, video: 1002 };

const added = {
  audio() {
    const audio = new nodeDataChannel.Audio('audio', 'SendRecv');
    audio.addOpusCodec(111);
    return [audio, 111];
  },
  video() {
    const video = new nodeDataChannel.Video('video', 'SendRecv');
    video.addVP8Codec(96);
    return [video, 96];
  },
};

function addTracks() {
  if (playing.rids.length) {
    const has = Object.getOwnPropertyNames(Object.getPrototypeOf(added.video()[0]));
    if (has.some((name) => /rid|simulcast/i.test(name))) throw new Error(`it may have simulcast now: ${has}`);
    return say({ cannot: `its Video has no rid and no simulcast, only ${has.filter((name) => /^add/.test(name)).join(', ')}` });
  }
  for (const kind of playing.kinds) {
    const [media, payloadType] = added[kind]();
    media.addSSRC(SSRCS[kind], 'counterpart', 'stream', kind);
    play(pc.addTrack(media), kind, payloadType);
  }
}

/** The payload type of a codec in the last description of the other end. */
const payloadTypeOf = (codec) => Number(new RegExp(`a=rtpmap:(\\d+) ${codec}/`, 'i').exec(theirs)[1]);
let theirs;

pc.onTrack((track) => {
  const kind = track.type();
  play(track, kind, payloadTypeOf(kind === 'audio' ? 'opus' : playing.codec));
});

function adopt(channel) {
  const label = channel.getLabel();
  channels.add(label, {
    sendText: (text) => channel.sendMessage(text),
    sendBytes: (bytes) => channel.sendMessageBinary(bytes),
    close: () => channel.close(),
  });
  channel.onMessage((data) => channels.tally(label).take(data));
  channel.onClosed(() => say({ closed: label }));
  channel.onOpen(() => say({ open: label }));
  if (channel.isOpen()) say({ open: label });
}
pc.onDataChannel(adopt);
pc.onLocalDescription((sdp, type) => say({ description: { type, sdp } }));
pc.onLocalCandidate((candidate, sdpMid) => {
  const line = { candidate: { candidate, sdpMid } };
  if (held) held.push(line);
  else say(line);
});
pc.onStateChange((state) => say({ state }));

await serve({ name: 'node-datachannel', version }, channels, {
  offer({ media, channel, restart }) {
    if (restart) return say({ cannot: `its PeerConnection has no restartIce, and setLocalDescription takes a type and nothing else` });
    if (media.length) addTracks();
    if (channel) adopt(pc.createDataChannel(channel));
    pc.setLocalDescription('offer');
  },
  description({ type, sdp }) {
    theirs = sdp;
    try {
      pc.setRemoteDescription(sdp, type);
    } catch (e) {
      return say({ refused: String(e) });
    }
    held?.forEach(say);
    held = undefined;
    if (type === 'offer') pc.setLocalDescription('answer');
  },
  candidate({ candidate, sdpMid }) {
    if (candidate !== '') pc.addRemoteCandidate(candidate, sdpMid);
  },
  play: (line) => (playing = line),
  channel: (label) => adopt(pc.createDataChannel(label)),
  end: () => pc.close(),
});
