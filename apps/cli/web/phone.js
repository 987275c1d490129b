// Telephone keys both ways (RFC 4733), and a recording of what the Rust end gets.
const KEYS = ["123A", "456B", "789C", "*0#D"];
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
// In decibels below full scale.
const LOUD = -50;
const CLEAR = 8;
// Turns without a key between two that are the same.
const REST = 3;
const $ = (id) => document.getElementById(id);

export class Phone {
  constructor(board, media) {
    this.board = board;
    this.media = media;
    const keys = [..."123456789*0#"].map((key) => Object.assign(document.createElement("button"), { textContent: key, onclick: () => this.#try(() => this.#press(key)) }));
    $("keys").replaceChildren(...keys);
    $("dial").onclick = () => this.#try(() => this.#dial());
    $("record").onclick = () => this.#try(() => this.#record());
  }

  attach(call) {
    this.call = call;
    this.recording = false;
    for (const id of ["tones-there", "tones-here"]) $(id).textContent = "–";
    $("recording").hidden = true;
    // What was heard there is asked for with the pictures.
    this.media.onseen = ({ tones }) => tones && ($("tones-there").textContent = tones);
  }

  enable(on) {
    for (const button of document.querySelectorAll("#keys button, #dial, #record")) button.disabled = !on;
    $("record").ariaPressed = false;
    if (!on) this.#deaf();
  }

  async #try(act) {
    try {
      await act();
    } catch (error) {
      this.board.event("page", "error", `${error.name}: ${error.message}`);
      $("phone-text").textContent = error.message;
      return;
    }
    $("phone-text").textContent = "";
  }

  async #press(key) {
    const dtmf = await this.#line();
    dtmf.insertDTMF(dtmf.toneBuffer + key);
  }

  // Sound goes both ways, once that was negotiated.
  async #line() {
    const { dtmf } = await this.media.sound();
    for (let turn = 0; turn < 100 && !dtmf.canInsertDTMF; turn++) await new Promise((resolve) => setTimeout(resolve, 50));
    return dtmf;
  }

  // The Rust end plays some keys, and this page listens.
  async #dial() {
    await this.#line();
    $("tones-here").textContent = "";
    this.#listen();
    await this.call.dial("159#");
  }

  #listen() {
    this.#deaf();
    const tracks = $("theirs").srcObject?.getAudioTracks() ?? [];
    if (!tracks.length) throw new Error("No sound came from the Rust end yet.");
    this.ear = new AudioContext();
    const analyser = new AnalyserNode(this.ear, { fftSize: 2048, smoothingTimeConstant: 0 });
    this.ear.createMediaStreamSource(new MediaStream(tracks)).connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    let last = null;
    let silent = 0;
    this.listening = setInterval(() => {
      analyser.getFloatFrequencyData(bins);
      const key = keyIn(bins, this.ear.sampleRate / analyser.fftSize);
      // One that fades in and out is the same key still.
      if (key && (key !== last || silent >= REST)) $("tones-here").textContent += key;
      silent = key ? 0 : silent + 1;
      last = key ?? last;
    }, 15);
  }

  #deaf() {
    clearInterval(this.listening);
    this.ear?.close();
    this.ear = null;
  }

  async #record() {
    const on = !this.recording;
    const { bytes, ending } = await this.call.record(on);
    this.recording = on;
    $("record").ariaPressed = on;
    const link = $("recording");
    link.hidden = on || !bytes;
    link.href = `${this.call.base}/recording`;
    link.download = `duologue.${ending}`;
    link.textContent = `${link.download}, ${(bytes / 1e6).toFixed(1)} MB`;
  }
}

// Two frequencies, one of a row and one of a column, that stand out of all others.
export function keyIn(bins, width) {
  const loudness = (hertz) => Math.max(...[-1, 0, 1].map((step) => bins[Math.round(hertz / width) + step]));
  const row = strongest(ROWS.map(loudness));
  const column = strongest(COLUMNS.map(loudness));
  return row === null || column === null ? null : KEYS[row][column];
}

function strongest(levels) {
  const [first, second] = [...levels].sort((a, b) => b - a);
  return first > LOUD && first - second > CLEAR ? levels.indexOf(first) : null;
}
