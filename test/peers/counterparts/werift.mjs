// werift: WebRTC in TypeScript. It has no codecs: what it sends and counts are packets.
import { readFileSync } from 'node:fs';
import { CLOCKS, counter, every, installed, rtp, say } from './control.mjs';
import { serveW3c } from './w3c.mjs';

const { MediaStreamTrack, RTCPeerConnection, useSdesMid, useSdesRTPStreamId } = installed('werift');
const folder = installed.resolve('werift').replace(/\/lib\/.*/, '');
const { version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));

await serveW3c(
  { name: 'werift', version },
  {
    RTCPeerConnection,
    // What names layers is not negotiated by default.
    configuration: { headerExtensions: { audio: [useSdesMid()], video: [useSdesMid(), useSdesRTPStreamId()] } },
    track(kind) {
      const track = new MediaStreamTrack({ kind });
      every(CLOCKS[kind].ms, (number) => track.writeRtp(rtp(kind, number)));
      return track;
    },
    hear(_, { transceiver }) {
      // The layers of one are tracks of their own.
      for (const track of transceiver.receiver.tracks) {
        const count = counter(track.kind, 'packets', track.rid);
        track.onReceiveRtp.subscribe((packet) => packet.payload.length && count());
      }
    },
    layers() {
      const [said] = readFileSync(`${folder}/lib/index.mjs`, 'utf8').match(/\/\/ todo : sender simulcast.*/) ?? [];
      if (!said) throw new Error('what it says of simulcast is gone: it may have it now');
      say({ cannot: `its source says "${said.slice(3)}"` });
    },
  },
);
