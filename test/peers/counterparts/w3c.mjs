// A counterpart whose API is the W3C's, or nearly.
import { Channels, say, serve } from './control.mjs';

/** `addMedia(pc)`: makes the next offer one of media. */
export function serveW3c(hello, { RTCPeerConnection, addMedia, configuration = {} }) {
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
      if (media) addMedia(pc);
      if (channel) adopt(pc.createDataChannel(channel));
      if (restart && pc.restartIce) pc.restartIce();
      await set(await pc.createOffer({ iceRestart: restart }));
    },
    async description(description) {
      await pc.setRemoteDescription(description);
      if (description.type === 'offer') await set(await pc.createAnswer());
    },
    async candidate(candidate) {
      if (candidate.candidate !== '') await pc.addIceCandidate(candidate);
    },
    channel: (label) => adopt(pc.createDataChannel(label)),
    end: () => pc.close(),
  });
}
