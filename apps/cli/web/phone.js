// Telephone keys both ways (RFC 4733), and a recording of what the Rust end gets.
// How long a sound device may take.
const PATIENCE_MS = 2_000;
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
    await this.#listen();
    await this.call.dial("159#");
  }

  async #listen() {
    this.#deaf();
    const tracks = $("theirs").srcObject?.getAudioTracks() ?? [];
    if (!tracks.length) throw new Error("No sound came from the Rust end yet.");
    const context = new AudioContext();
    this.ear = context;
    await context.audioWorklet.addModule("/ear.js");
    // Firefox's begins when a sound device does.
    await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    if (context.state !== "running") throw new Error("This browser hears nothing: it has no sound device to play to.");
    const ear = new AudioWorkletNode(context, "ear", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    ear.port.onmessage = ({ data }) => ($("tones-here").textContent += data);
    context.createMediaStreamSource(new MediaStream(tracks)).connect(ear);
  }

  #deaf() {
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
