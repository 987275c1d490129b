// node-datachannel: libdatachannel for Node, by its own API.
import { readFileSync } from 'node:fs';
import { Channels, installed, say, serve } from './control.mjs';

const nodeDataChannel = installed('node-datachannel');
const { version } = JSON.parse(
  readFileSync(installed.resolve('node-datachannel').replace(/\/dist\/.*/, '/package.json'), 'utf8'),
);

const pc = new nodeDataChannel.PeerConnection('counterpart', { iceServers: [], disableAutoNegotiation: true });
const channels = new Channels();
/** What is not held is collected, and ends. */
const tracks = [];

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
pc.onLocalCandidate((candidate, sdpMid) => say({ candidate: { candidate, sdpMid } }));
pc.onStateChange((state) => say({ state }));

await serve({ name: 'node-datachannel', version }, channels, {
  offer({ media, channel, restart }) {
    if (restart) return say({ cannot: 'restart' });
    if (media) {
      const audio = new nodeDataChannel.Audio('audio', 'SendRecv');
      audio.addOpusCodec(111);
      tracks.push(pc.addTrack(audio));
      const video = new nodeDataChannel.Video('video', 'SendRecv');
      video.addVP8Codec(96);
      tracks.push(pc.addTrack(video));
    }
    if (channel) adopt(pc.createDataChannel(channel));
    pc.setLocalDescription('offer');
  },
  description({ type, sdp }) {
    try {
      pc.setRemoteDescription(sdp, type);
    } catch (e) {
      return say({ refused: String(e) });
    }
    if (type === 'offer') pc.setLocalDescription('answer');
  },
  candidate({ candidate, sdpMid }) {
    if (candidate !== '') pc.addRemoteCandidate(candidate, sdpMid);
  },
  channel: (label) => adopt(pc.createDataChannel(label)),
  end: () => pc.close(),
});
