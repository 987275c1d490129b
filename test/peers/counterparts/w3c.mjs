// A counterpart whose API is the W3C's, or nearly.
import { Channels, say, serve } from './control.mjs';

/**
 * `track(kind)` makes one that is played, `hear(track, rid)` counts what comes of one, `layers(pc, track, rids)` adds one in
 * several layers or tells why that cannot be.
 */
export function serveW3c(hello, { RTCPeerConnection, track, hear, layers, configuration = {} }) {
  const pc = new RTCPeerConnection({ iceServers: [], ...configuration });
  const channels = new Channels();

  const adopt = (channel) => {
    const { label } = channel;
    channel.binaryType = 'arraybuffer';
    channels.add(label, {
      sendText: (text) => channel.send(text),
      sendBytes: (bytes) => channel.send(bytes),
      close: () => channel.close(),
    });
    channel.onmessage = ({ data }) => channels.tally(label).take(data);
    channel.onclose = () => say({ closed: label });
    channel.onopen = () => say({ open: label });
    if (channel.readyState === 'open') say({ open: label });
  };
  pc.ondatachannel = ({ channel }) => adopt(channel);
  // Candidates of a description that was not told yet wait for it.
  let waiting = [];
  const tell = (candidate) => (waiting ? waiting.push(candidate) : say({ candidate }));
  pc.onicecandidate = ({ candidate }) => {
    if (candidate) tell(candidate.toJSON ? candidate.toJSON() : candidate);
  };
  let playing;
  // Tracks for what the next offer or answer has.
  const add = () => {
    const { kinds, rids } = playing ?? { kinds: [], rids: [] };
    playing = undefined;
    for (const kind of kinds) {
      if (rids.length) layers(pc, track(kind), rids);
      else pc.addTrack(track(kind));
    }
  };
  pc.ontrack = (event) => hear(event.track, event);
  pc.onconnectionstatechange = () => say({ state: pc.connectionState });

  const set = async (description) => {
    waiting ??= [];
    await pc.setLocalDescription(description);
    const { type, sdp } = pc.localDescription;
    say({ description: { type, sdp } });
    const early = waiting;
    waiting = null;
    early.forEach(tell);
  };

  return serve(hello, channels, {
    async offer({ media, channel, restart }) {
      if (media.length) add();
      if (channel) adopt(pc.createDataChannel(channel));
      if (restart && pc.restartIce) pc.restartIce();
      await set(await pc.createOffer({ iceRestart: restart }));
    },
    async description(description) {
      await pc.setRemoteDescription(description);
      if (description.type !== 'offer') return;
      add();
      await set(await pc.createAnswer());
    },
    async candidate(candidate) {
      if (candidate.candidate !== '') await pc.addIceCandidate(candidate);
    },
    play: (line) => (playing = line),
    channel: (label) => adopt(pc.createDataChannel(label)),
    end: () => pc.close(),
  });
}
