// @roamhq/wrtc: libwebrtc for Node, with its encoders and decoders.
import { counter, every, installed } from './control.mjs';
import { serveW3c } from './w3c.mjs';

const { RTCPeerConnection, nonstandard } = installed('@roamhq/wrtc');
const { version } = installed('@roamhq/wrtc/package.json');
const { RTCAudioSource, RTCAudioSink, RTCVideoSource, RTCVideoSink } = nonstandard;

/** Three layers need so large a picture. */
const [WIDTH, HEIGHT] = [1280, 720];
const RATE = 48_000;
/** What is not silence, of 16 bits. */
const LOUD = 1_000;

const sources = {
  audio() {
    const source = new RTCAudioSource();
    every(10, (number) => {
      const samples = Int16Array.from({ length: RATE / 100 }, (_, i) => {
        const at = (number * RATE) / 100 + i;
        return 10_000 * Math.sin((2 * Math.PI * 440 * at) / RATE);
      });
      source.onData({ samples, sampleRate: RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: samples.length });
    });
    return source.createTrack();
  },
  video() {
    const source = new RTCVideoSource();
    every(50, (number) => {
      const data = new Uint8ClampedArray((WIDTH * HEIGHT * 3) / 2).fill(128);
      // A bar that moves.
      for (let y = 0; y < HEIGHT; y++) data.fill(235, y * WIDTH + number % 600, y * WIDTH + (number % 600) + 100);
      source.onFrame({ width: WIDTH, height: HEIGHT, data });
    });
    return source.createTrack();
  },
};

await serveW3c(
  { name: '@roamhq/wrtc', version },
  {
    RTCPeerConnection,
    track: (kind) => sources[kind](),
    hear(track) {
      if (track.kind === 'video') {
        new RTCVideoSink(track).onframe = counter('video', 'decoded pictures');
        return;
      }
      const count = counter('audio', 'decoded pieces of 10 ms that are not silent');
      new RTCAudioSink(track).ondata = ({ samples }) => samples.some((sample) => sample > LOUD) && count();
    },
    layers(pc, track, rids) {
      const sendEncodings = rids.map((rid, at) => ({ rid, scaleResolutionDownBy: 2 ** (rids.length - 1 - at) }));
      pc.addTransceiver(track, { direction: 'sendonly', sendEncodings });
    },
  },
);
