// The package under test, and what the runner's page asks of an implementation beside the W3C's names.
import frames from '../dist/media/frames.js';
import source from '../dist/media/source.js';
import track from '../dist/media/track.js';
import '../dist/transfer.js';
import duologue from '../index.mjs';
import { workerClass } from './lib/worker.mjs';

// [Exposed=DedicatedWorker]: workers of pages have these, pages have not.
const { KeyFrameRequestEvent, RTCRtpScriptTransformer, RTCTransformEvent, ...ofPages } = duologue;
export default ofPages;

function applicationTrack(kind, settings) {
  const from = new source.ApplicationSource(kind, `canvas or audio graph (${kind})`, settings);
  return { track: track.createTrack(from), push: from.push };
}

let page;
/** For the tests that transfer data channels, and those of transforms. */
export const Worker = workerClass(() => page);

export const wptHooks = {
  setup: ({ url, root }) => (page = { url, root }),
  createVideoTrack({ width, height, frameRate }) {
    const made = applicationTrack('video', { width, height, frameRate, aspectRatio: width / height, resizeMode: 'none' });
    return { track: made.track, pushFrame: ({ width, height, rgba }) => made.push({ width, height, rgba: rgba.slice() }) };
  },
  createAudioTrack({ sampleRate }) {
    const made = applicationTrack('audio', { sampleRate, channelCount: 1 });
    return { track: made.track, pushSamples: frame => made.push({ ...frame, samples: frame.samples.slice() }) };
  },
  attachVideoSink: (of, callback) => frames.attachSink(of, callback),
  attachAudioSink: (of, callback) => frames.attachSink(of, callback),
};
