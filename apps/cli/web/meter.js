// Throughput of one reliable channel and round trips of an unreliable one, as a live plot.

const CHUNK = new Uint8Array(64 * 1024).fill(0x64);
const HIGH_WATER = 1024 * 1024;
const SAMPLE_MS = 250;
const PING_MS = 100;
const $ = (id) => document.getElementById(id);

export class Meter {
  constructor(data, ping, plot) {
    this.data = data;
    this.ping = ping;
    this.bytes = 0;
    this.plot = plot;
    plot.clear();
    data.bufferedAmountLowThreshold = HIGH_WATER / 2;
    data.onbufferedamountlow = () => this.#fill();
    data.onmessage = ({ data }) => {
      if (typeof data === "string") this.bytes += JSON.parse(data).counted;
      else this.bytes += data.byteLength;
    };
    ping.onmessage = ({ data }) => {
      this.rtt = performance.now() - new Float64Array(data)[0];
    };
    $("meter-up").onclick = () => this.#run("sink");
    $("meter-down").onclick = () => this.#run("source");
    $("meter-stop").onclick = () => this.#run("stop");
  }

  enable(on) {
    for (const id of ["meter-up", "meter-down"]) $(id).disabled = !on;
    clearInterval(this.sampler);
    clearInterval(this.pinger);
    this.#mode("stop");
    if (!on) {
      for (const id of ["rate", "ping"]) $(id).textContent = "–";
      return;
    }
    this.last = performance.now();
    this.sampler = setInterval(() => this.#sample(), SAMPLE_MS);
    this.pinger = setInterval(() => {
      if (this.ping.readyState === "open") this.ping.send(new Float64Array([performance.now()]));
    }, PING_MS);
  }

  #run(op) {
    if (this.data.readyState !== "open") return;
    this.#mode(op);
    this.data.send(JSON.stringify({ op }));
    this.#fill();
  }

  #mode(op) {
    this.sending = op === "sink";
    $("meter-up").ariaPressed = op === "sink";
    $("meter-down").ariaPressed = op === "source";
    $("meter-stop").disabled = op === "stop";
  }

  #fill() {
    while (this.sending && this.data.readyState === "open" && this.data.bufferedAmount < HIGH_WATER) this.data.send(CHUNK);
  }

  #sample() {
    const now = performance.now();
    const rate = this.bytes / 1e6 / ((now - this.last) / 1000);
    this.bytes = 0;
    this.last = now;
    $("rate").textContent = rate.toFixed(rate < 10 ? 1 : 0);
    if (this.rtt !== undefined) $("ping").textContent = this.rtt.toFixed(1);
    this.plot.add(rate, this.rtt);
  }
}
