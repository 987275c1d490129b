// The camera, a test picture and the microphone, sent to the Rust end and back.
import { Pattern, Reader, numberIn } from "./pattern.js";
import { Plot } from "./plot.js";
import { rows, summary } from "./streams.js";

const LAYERS = ["q", "h", "f"];
const CURVES = [{ colour: "--here", filled: true }, { colour: "--there" }, { colour: "--good" }, { colour: "--quiet", right: true }];
const $ = (id) => document.getElementById(id);

export class Media {
  constructor(board) {
    this.board = board;
    const rest = { span: "2 min ago" };
    this.rates = new Plot($("rates"), CURVES, { least: [100, 10], ...rest });
    const [sent, back, lost, jitter] = CURVES;
    this.frames = new Plot($("frames"), [sent, back, { ...lost, right: true }, jitter], { least: [30, 10], ...rest });
    this.reader = new Reader();
    for (const kind of ["camera", "pattern"]) $(kind).onclick = () => this.#try(() => this.#picture(this.source === kind ? null : kind));
    $("microphone").onclick = () => this.#try(() => this.#microphone());
    $("codec").onchange = () => this.#try(() => this.#prefer());
    $("layers").onchange = () => this.#try(() => this.#again());
    $("layer").onchange = () => this.#try(() => this.#select());
    $("limit").onchange = () => this.#try(() => this.#limit());
    $("mute").onclick = () => this.#mute(!this.muted);
    $("test").onclick = () => this.#try(() => this.#test(!this.testing));
    this.#codecs();
    this.#watch();
  }

  attach(call) {
    this.call = call;
    this.video = this.audio = this.source = null;
    this.muted = this.testing = false;
    this.before = null;
    for (const plot of [this.rates, this.frames]) plot.clear();
    call.pc.addEventListener("track", ({ track, transceiver }) => this.#shows(track, transceiver));
    call.onstats = (stats) => this.#stats(stats);
  }

  enable(on) {
    this.live = on;
    if (!on) this.#end();
    this.#buttons();
  }

  // The person may say no, and there may be no camera.
  async #try(act) {
    try {
      await act();
    } catch (error) {
      this.board.event("page", "error", `${error.name}: ${error.message}`);
      $("mine-size").textContent = error.message;
    }
    this.#buttons();
  }

  async #picture(kind) {
    const track = kind && (await this.#source(kind));
    this.stop?.();
    this.stop = track && (() => (this.pattern?.stop(), track.stop(), (this.pattern = null)));
    if (kind === "pattern") this.pattern = this.made;
    this.made = null;
    this.source = kind;
    $("mine").srcObject = track && new MediaStream([track]);
    $("mine-size").textContent = "";
    if (track) track.enabled = !this.muted;
    if (this.video) await this.video.sender.replaceTrack(track);
    else if (track) this.#addVideo(track);
  }

  async #source(kind) {
    if (kind === "pattern") {
      this.made = new Pattern();
      return this.made.track;
    }
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 } });
    return stream.getVideoTracks()[0];
  }

  #addVideo(track) {
    const three = $("layers").value === "3";
    const sendEncodings = three ? LAYERS.map((rid, at) => ({ rid, scaleResolutionDownBy: 4 / 2 ** at })) : [{}];
    this.video = this.call.pc.addTransceiver(track, { direction: "sendrecv", sendEncodings, streams: [new MediaStream([track])] });
    this.#order();
  }

  // Layers are settled when a transceiver is made.
  async #again() {
    if (!this.video) return;
    const { track } = this.video.sender;
    this.video.stop();
    this.video = null;
    if (track) this.#addVideo(track);
    await this.#select();
  }

  async #microphone() {
    if (this.audio?.sender.track) {
      this.audio.sender.track.stop();
      await this.audio.sender.replaceTrack(null);
      return;
    }
    const constraints = { audio: { echoCancellation: true } };
    const [track] = (await navigator.mediaDevices.getUserMedia(constraints)).getAudioTracks();
    track.enabled = !this.muted;
    if (this.audio) await this.audio.sender.replaceTrack(track);
    else this.audio = this.call.pc.addTransceiver(track, { direction: "sendrecv" });
  }

  // The sender of the microphone's sound, which is captured first if it is not.
  async sound() {
    if (!this.audio?.sender.track) await this.#microphone();
    this.#buttons();
    return this.audio?.sender;
  }

  #mute(on) {
    this.muted = on;
    for (const transceiver of [this.video, this.audio]) if (transceiver?.sender.track) transceiver.sender.track.enabled = !on;
    this.#buttons();
  }

  async #test(on) {
    await this.call.test(on);
    this.testing = on;
  }

  async #prefer() {
    if (!this.video) return;
    this.#order();
    await this.call.renegotiate();
  }

  #order() {
    const all = RTCRtpReceiver.getCapabilities("video").codecs;
    const first = all.filter(({ mimeType }) => mimeType === $("codec").value);
    const helpers = all.filter(({ mimeType }) => /\/(rtx|red|ulpfec|flexfec-03)$/.test(mimeType));
    this.video.setCodecPreferences([...first, ...helpers]);
  }

  #codecs() {
    const all = RTCRtpReceiver.getCapabilities("video").codecs.map(({ mimeType }) => mimeType);
    const names = [...new Set(all)].filter((name) => /VP8|VP9|H264|H265|AV1/.test(name));
    $("codec").replaceChildren(...names.map((name) => new Option(name.slice(6), name)));
  }

  async #select() {
    const encoding = $("layers").value === "3" ? LAYERS.indexOf($("layer").value) : 0;
    await this.call.select($("layers").value === "3" ? LAYERS[encoding] : "", encoding);
  }

  async #limit() {
    if (!this.video) return;
    const parameters = this.video.sender.getParameters();
    const limit = Number($("limit").value) * 1000;
    for (const encoding of parameters.encodings) {
      if (limit) encoding.maxBitrate = Math.round(limit / parameters.encodings.length);
      else delete encoding.maxBitrate;
    }
    await this.video.sender.setParameters(parameters);
  }

  #shows(track) {
    const shown = $("theirs").srcObject ?? new MediaStream();
    for (const old of shown.getTracks()) if (old.kind === track.kind) shown.removeTrack(old);
    shown.addTrack(track);
    $("theirs").srcObject = shown;
  }

  // Each picture that is shown tells how old it is.
  #watch() {
    const video = $("theirs");
    const look = () => {
      if (this.testing) this.number = numberIn(this.reader, video);
      else if (this.source === "pattern") this.age = this.reader.age(video);
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback?.(look);
  }

  #end() {
    this.stop?.();
    this.audio?.sender.track?.stop();
    this.stop = this.video = this.audio = this.source = null;
    for (const id of ["mine", "theirs"]) $(id).srcObject = null;
    for (const id of ["mine-size", "theirs-size", "way", "seen-text"]) $(id).textContent = "";
    $("seen").removeAttribute("src");
    $("level").value = 0;
  }

  #buttons() {
    const { live } = this;
    for (const id of ["camera", "pattern", "microphone", "codec", "layers", "limit", "mute", "test"]) $(id).disabled = !live;
    $("layer").disabled = !live || $("layers").value !== "3";
    for (const id of ["camera", "pattern"]) $(id).ariaPressed = this.source === id;
    $("microphone").ariaPressed = Boolean(this.audio?.sender.track);
    $("mute").ariaPressed = Boolean(this.muted);
    $("test").ariaPressed = Boolean(this.testing);
  }

  #stats(stats) {
    if (!this.live || !(this.video || this.audio)) return;
    const now = summary(stats);
    const before = this.before;
    this.before = now;
    if (!before) return;
    const table = rows(now, before);
    $("streams").replaceChildren(...table.map(row));
    // A browser sends the layers that its estimate of the network has room for.
    for (const option of $("layer").options) option.disabled = !now.sent.video?.layers.includes(option.value);
    const { rates, frames } = plotted(now, before);
    this.rates.add(...rates);
    this.frames.add(...frames);
    const size = ({ videoWidth, videoHeight }) => (videoWidth ? `${videoWidth} × ${videoHeight}` : "");
    for (const id of ["mine", "theirs"]) $(`${id}-size`).textContent = size($(id));
    $("way").textContent = this.#way();
    this.#seen();
  }

  #way() {
    if (this.testing) return this.number === undefined ? "" : `picture ${this.number}`;
    return this.source === "pattern" && this.age !== undefined ? `${this.age} ms there and back` : "";
  }

  // What the Rust end decoded; it is asked again when it has answered.
  async #seen() {
    if (this.asking) return;
    this.asking = true;
    try {
      const { call } = this;
      const seen = await call.seen();
      if (!seen || !this.live || call !== this.call) return;
      const { pictures, width, height, number, level } = seen;
      this.onseen?.(seen);
      $("level").value = level;
      if (!pictures) return;
      // The number is the time when this page drew the picture.
      const age = number === null ? "" : `, ${(Math.round(performance.now()) - number) & 0xffff} ms ago`;
      $("seen-text").textContent = `${pictures} pictures, ${width} × ${height}${age}`;
      $("seen").src = `${call.base}/picture?${pictures}`;
    } catch {
      // The Rust end is gone; the call says so.
    } finally {
      this.asking = false;
    }
  }
}

// A name and a text for each of the three places; a name alone is a heading.
function row([name, ...texts]) {
  const row = document.createElement("tr");
  const head = Object.assign(document.createElement("th"), { textContent: name, scope: "row" });
  row.append(head);
  if (!texts.length) {
    row.className = "group";
    Object.assign(head, { colSpan: 4, scope: "rowgroup" });
  }
  for (const text of texts) row.insertCell().textContent = text;
  return row;
}

function plotted(now, before) {
  const rate = (place) => now[place].video?.rate(before[place].video);
  const perSecond = (place) => now[place].video?.perSecond("frames", before[place].video);
  const { lost, jitter } = now.back.video ?? {};
  const { roundTrip, estimate } = now;
  const share = lost === undefined ? undefined : now.back.video.share("lost", before.back.video);
  return { rates: [rate("sent"), rate("back"), estimate, roundTrip], frames: [perSecond("sent"), perSecond("back"), share, jitter] };
}
