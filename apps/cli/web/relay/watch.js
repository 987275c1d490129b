// A viewer by WHEP that goes to another node when its own is gone.

/// No packet for so long is a loss.
const SILENCE = 1000;
/// How often the packets are counted: browsers have no event for one, nor for its absence.
const LOOK = 200;
/// Between two rounds over all addresses.
const PAUSE = 500;
const CONNECT = 3000;

export class Viewer {
  #url;
  #others = [];
  #authorization;
  #pc = null;
  #session = null;
  #stopped = false;
  onstate = () => {};
  onstream = () => {};
  onfigures = () => {};

  constructor(url, token) {
    this.#url = new URL(url, location.href).href;
    this.#authorization = token ? { Authorization: `Bearer ${token}` } : {};
  }

  /// Until stop() is called.
  async run() {
    let places = [this.#url];
    let failed = 0;
    while (!this.#stopped) {
      const [url] = places;
      try {
        await this.#watch(url);
        failed = 0;
      } catch (error) {
        console.warn(`${url}: ${error.message}`);
        failed += 1;
      }
      await this.#close();
      if (this.#stopped) return;
      this.onstate("lost", url);
      // The others come first, and this one once more when its turn is there.
      const others = new Set([...this.#others, ...places]);
      others.delete(url);
      places = [...others, url];
      if (failed > 0 && failed % places.length === 0) await wait(PAUSE);
    }
  }

  async stop() {
    this.#stopped = true;
    await this.#close();
  }

  /// From an address, until it sends no more.
  async #watch(url) {
    this.onstate("connecting", url);
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#pc = pc;
    const stream = new MediaStream();
    pc.ontrack = ({ track }) => stream.addTrack(track);
    for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
    await pc.setLocalDescription();
    await gathered(pc);
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...this.#authorization },
      body: pc.localDescription.sdp,
      signal: AbortSignal.timeout(CONNECT),
    });
    if (answer.status !== 201) throw new Error((await answer.json().catch(() => ({}))).detail ?? answer.statusText);
    this.#session = new URL(answer.headers.get("Location"), answer.url).href;
    this.#others = alternates(answer.headers.get("Link"), url);
    await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    this.onstream(stream);
    await this.#comes(pc, url);
  }

  async #comes(pc, url) {
    let before = { packets: 0, bytes: 0, at: performance.now() };
    let last = performance.now() + CONNECT - SILENCE;
    let playing = false;
    while (!this.#stopped && performance.now() - last < SILENCE) {
      await wait(LOOK);
      const now = { ...(await received(pc)), at: performance.now() };
      if (now.packets > before.packets) {
        last = now.at;
        if (!playing) this.onstate("playing", url);
        playing = true;
      }
      this.onfigures({ ...now, rate: (8000 * (now.bytes - before.bytes)) / (now.at - before.at) });
      before = now;
    }
  }

  async #close() {
    this.#pc?.close();
    this.#pc = null;
    const session = this.#session;
    this.#session = null;
    if (!session) return;
    const signal = AbortSignal.timeout(SILENCE);
    await fetch(session, { method: "DELETE", headers: this.#authorization, signal, keepalive: true }).catch(() => {});
  }
}

async function received(pc) {
  const sums = { packets: 0, bytes: 0, width: 0, height: 0 };
  for (const entry of (await pc.getStats()).values()) {
    if (entry.type !== "inbound-rtp") continue;
    sums.packets += entry.packetsReceived;
    sums.bytes += entry.bytesReceived;
    if (entry.frameWidth) Object.assign(sums, { width: entry.frameWidth, height: entry.frameHeight });
  }
  return sums;
}

/// The same stream at other nodes (RFC 8288).
function alternates(link, base) {
  const found = [...(link ?? "").matchAll(/<([^>]*)>\s*;\s*rel="?alternate"?/g)];
  return found.map(([, url]) => new URL(url, base).href);
}

async function gathered(pc) {
  const done = new Promise((resolve) => {
    pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && resolve();
  });
  if (pc.iceGatheringState !== "complete") await Promise.race([done, wait(PAUSE)]);
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
