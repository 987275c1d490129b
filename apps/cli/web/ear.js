// Hears telephone keys (RFC 4733 §3.2: a low and a high tone together) on the thread that makes the sound: each
// sample is looked at, however late the page is.
const KEYS = ["123A", "456B", "789C", "*0#D"];
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
// Of a window that is looked at, and from one to the next, in seconds.
const WINDOW = 0.021;
const HOP = 0.005;
// Below full scale, as a share of its square: 50 dB.
const LOUD = 1e-5;
// How much of a window's energy its two tones have.
const SHARE = 0.7;
// Windows in a row that make a key, and those without it that make the next one another.
const HELD = 3;
const REST = 3;

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    const size = Math.round(WINDOW * sampleRate);
    this.hop = Math.round(HOP * sampleRate);
    this.shape = Float32Array.from({ length: size }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / size));
    this.ring = new Float32Array(size);
    this.written = 0;
    this.heard = { key: null, windows: 0, silent: REST, told: null };
  }

  process([[samples]]) {
    for (const sample of samples ?? []) {
      this.ring[this.written++ % this.ring.length] = sample;
      if (this.written >= this.ring.length && this.written % this.hop === 0) this.#hear(this.#key());
    }
    return true;
  }

  // A key that is heard for some windows is told once, until there was none for some.
  #hear(key) {
    const { heard } = this;
    heard.windows = key !== null && key === heard.key ? heard.windows + 1 : 1;
    heard.key = key;
    heard.silent = key === null ? heard.silent + 1 : 0;
    if (heard.silent >= REST) heard.told = null;
    if (key === null || heard.windows < HELD || key === heard.told) return;
    heard.told = key;
    this.port.postMessage(key);
  }

  #key() {
    const size = this.ring.length;
    const from = this.written % size;
    const windowed = this.shape.map((weight, at) => weight * this.ring[(from + at) % size]);
    const energy = windowed.reduce((sum, value) => sum + value * value, 0);
    if (energy < (LOUD * size) / 8) return null;
    const [row, column] = [ROWS, COLUMNS].map((tones) => strongest(tones.map((hertz) => power(windowed, hertz))));
    // A tone of amplitude a has a power of (a Σw / 2)² here, and an energy of a² Σw² / 2: of this window Σw is
    // size / 2, Σw² is 3 size / 8.
    const amplitudes = (16 * (row.power + column.power)) / size ** 2;
    const clear = amplitudes > LOUD && ((amplitudes * 3) / 16) * size > SHARE * energy;
    return clear ? KEYS[row.at][column.at] : null;
  }
}

// Goertzel's algorithm.
function power(samples, hertz) {
  const twice = 2 * Math.cos((2 * Math.PI * hertz) / sampleRate);
  let [last, before] = [0, 0];
  for (const sample of samples) [last, before] = [sample + twice * last - before, last];
  return last * last + before * before - twice * last * before;
}

function strongest(powers) {
  const most = Math.max(...powers);
  return { at: powers.indexOf(most), power: most };
}

registerProcessor("ear", Ear);
