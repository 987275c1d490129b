// A file to the Rust end and back, with its SHA-256 taken at each station.
import { sha256 } from "./sha256.js";

const CHUNK = 64 * 1024;
const HIGH_WATER = 1024 * 1024;
const SAMPLE = 16 * 1024 * 1024;
const $ = (id) => document.getElementById(id);

export class Files {
  constructor(channel) {
    this.channel = channel;
    channel.bufferedAmountLowThreshold = HIGH_WATER / 2;
    channel.onmessage = ({ data }) => (typeof data === "string" ? this.#control(JSON.parse(data)) : this.#chunk(data));
    $("pick").onchange = async ({ target }) => {
      const [file] = target.files;
      target.value = "";
      if (file) this.send(file.name, await file.arrayBuffer());
    };
    $("sample").onclick = () => this.send("noise.bin", noise(SAMPLE));
    for (const id of ["up", "down"]) progress(id, 0, 1, "–");
    for (const id of ["sum-sent", "sum-there", "sum-back", "verdict"]) $(id).textContent = id === "verdict" ? "" : "–";
  }

  enable(on) {
    if (!on && this.busy) verdict("bad", "✗ the call ended before the file was back");
    this.busy = false;
    $("pick").disabled = $("sample").disabled = !on;
  }

  async send(name, buffer) {
    this.enable(false);
    this.busy = true;
    verdict("", "");
    for (const id of ["sum-there", "sum-back"]) $(id).textContent = "–";
    progress("down", 0, 1, "–");
    this.sent = await sha256(buffer);
    $("sum-sent").textContent = this.sent;
    this.size = buffer.byteLength;
    this.began = performance.now();
    this.channel.send(JSON.stringify({ op: "put", name, size: this.size }));
    for (let at = 0; at < this.size; at += CHUNK) {
      while (this.channel.bufferedAmount > HIGH_WATER) await this.#drained();
      if (!this.busy || this.channel.readyState !== "open") return;
      this.channel.send(buffer.slice(at, at + CHUNK));
    }
    this.channel.send(JSON.stringify({ op: "end" }));
  }

  #control(message) {
    switch (message.op) {
      case "progress":
        progress("up", message.received, this.size, rate(message.received, this.began));
        break;
      case "stored":
        progress("up", 1, 1, rate(message.bytes, this.began));
        $("sum-there").textContent = message.sha256;
        this.there = message.sha256;
        this.channel.send(JSON.stringify({ op: "get" }));
        break;
      case "file":
        this.back = new Uint8Array(message.size);
        this.got = 0;
        this.began = performance.now();
        break;
      case "end":
        this.#finish();
        break;
      case "error":
        this.enable(true);
        verdict("bad", `✗ the Rust end says: ${message.text}`);
        break;
    }
  }

  #chunk(data) {
    if (!this.back || this.got + data.byteLength > this.back.length) return;
    this.back.set(new Uint8Array(data), this.got);
    this.got += data.byteLength;
    progress("down", this.got, this.back.length, rate(this.got, this.began));
  }

  async #finish() {
    progress("down", 1, 1, rate(this.got, this.began));
    const sum = await sha256(this.back.subarray(0, this.got));
    $("sum-back").textContent = sum;
    const same = sum === this.sent && sum === this.there;
    verdict(same ? "good" : "bad", same ? "✓ the same file on both ends" : "✗ the checksums differ");
    this.back = null;
    this.enable(true);
  }

  #drained() {
    return new Promise((resolve) => {
      const done = () => {
        for (const name of ["bufferedamountlow", "close"]) this.channel.removeEventListener(name, done);
        resolve();
      };
      for (const name of ["bufferedamountlow", "close"]) this.channel.addEventListener(name, done);
    });
  }
}

function progress(id, value, max, text) {
  $(id).value = max ? value / max : 1;
  $(`${id}-text`).textContent = text;
}

function verdict(kind, text) {
  $("verdict").className = `verdict ${kind}`;
  $("verdict").textContent = text;
}

function rate(bytes, began) {
  const seconds = (performance.now() - began) / 1000;
  return `${(bytes / 1e6).toFixed(1)} MB, ${(bytes / 1e6 / seconds).toFixed(1)} MB/s`;
}

function noise(size) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes.buffer;
}
