// What is heard, by its pitch.
const RATE = 48_000;
const BINS = 16_384;

// Web Audio, where it runs; the test is skipped elsewhere.
export async function webAudio(test) {
  const context = new AudioContext({ sampleRate: RATE });
  test.onEnd(() => context.close());
  await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, 2_000))]);
  if (context.state !== "running") test.skip("its Web Audio needs a sound device, and this machine has none");
  return context;
}

// Gives a function that tells how loud a track is now, in dB: at a pitch, and the loudest of all.
export function listen(context, track) {
  const analyser = new AnalyserNode(context, { fftSize: BINS, smoothingTimeConstant: 0 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const levels = new Float32Array(analyser.frequencyBinCount);
  return () => {
    analyser.getFloatFrequencyData(levels);
    const loudest = levels.reduce((best, level, at) => (level > levels[best] ? at : best), 0);
    const at = (hertz) => {
      const bin = Math.round((hertz * BINS) / RATE);
      return Math.max(...levels.slice(bin - 3, bin + 4));
    };
    return { at, loudest: (loudest * RATE) / BINS, level: levels[loudest] };
  };
}
