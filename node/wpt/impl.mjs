// The package under test, and what the runner's page asks of an implementation beside the W3C's names.
import audio from '../dist/media/audio-data.js';
import frames from '../dist/media/frames.js';
import source from '../dist/media/source.js';
import track from '../dist/media/track.js';
import video from '../dist/media/video-frame.js';
import '../dist/transfer.js';
import '../dist/transform/encoded-streams.js';
import duologue from '../index.mjs';
import { workerClass } from './lib/worker.mjs';

// [Exposed=DedicatedWorker]: workers of pages have these, pages have not.
const { KeyFrameRequestEvent, RTCRtpScriptTransformer, RTCTransformEvent, ...ofPages } = duologue;
export default ofPages;

function applicationTrack(kind, settings) {
  const from = new source.ApplicationSource(kind, `canvas or audio graph (${kind})`, settings);
  return { track: track.createTrack(from), push: frame => from.push(frame) };
}

const pictureOf = (width, height, rgba) =>
  new video.VideoFrame(rgba, { format: 'RGBA', codedWidth: width, codedHeight: height, timestamp: frames.now() });

/** Its pixels are made when somebody looks, and it may be closed by then. */
function seen(frame) {
  const { width, height } = frame.visibleRect;
  const kept = video.withPicture(frame, (picture) => picture.share());
  return {
    width,
    height,
    toRgba() {
      const rgba = new Uint8ClampedArray(4 * width * height);
      kept.copy(new Uint8Array(rgba.buffer), 'RGBA', { x: 0, y: 0, width, height }, [0, 4 * width]);
      return rgba;
    },
  };
}

const heard = data => ({ samples: audio.interleaved16(data), sampleRate: data.sampleRate, channels: data.numberOfChannels });

let page;
/** For the tests that transfer data channels, and those of transforms. */
export const Worker = workerClass(() => page);

export const wptHooks = {
  setup: ({ url, root }) => (page = { url, root }),
  createVideoTrack({ width, height, frameRate }) {
    const made = applicationTrack('video', { width, height, frameRate, aspectRatio: width / height, resizeMode: 'none' });
    return { track: made.track, pushFrame: ({ width, height, rgba }) => made.push(pictureOf(width, height, rgba)) };
  },
  createAudioTrack({ sampleRate }) {
    const made = applicationTrack('audio', { sampleRate, channelCount: 1 });
    return { track: made.track, pushSamples: ({ samples, sampleRate, channels }) => made.push(audio.soundOf(samples.slice(), sampleRate, channels, frames.now())) };
  },
  attachVideoSink: (of, callback) => frames.attachSink(of, frame => callback(seen(frame))),
  attachAudioSink: (of, callback) => frames.attachSink(of, data => callback(heard(data))),
};
