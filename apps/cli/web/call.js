// One RTCPeerConnection with the Rust end: descriptions and candidates go over HTTP, what the
// Rust end sees and sends comes back as server-sent events.
const QUICK_MS = 200;
const STEADY_MS = 1000;

export class Call {
  // Asks for a Rust end first: both ends have its configuration.
  static async begin(board, ice) {
    const { id, configuration } = await post("api/sessions");
    return new Call(board, ice, `api/sessions/${id}`, configuration);
  }

  constructor(board, ice, base, configuration) {
    this.board = board;
    this.ice = ice;
    this.base = base;
    this.pc = new RTCPeerConnection(configuration);
    this.there = {};
    this.channels = [];
    this.started = performance.now();
    this.onopen = this.onclose = this.onstuck = this.onstats = () => {};
    this.#watch();
  }

  channel(label, options) {
    const channel = this.pc.createDataChannel(label, options);
    channel.binaryType = "arraybuffer";
    this.channels.push(channel);
    channel.addEventListener("open", () => {
      this.board.event("page", "open", label);
      if (this.channels.every((c) => c.readyState === "open")) this.#opened();
    });
    // None is closed by itself: the Rust end hung up.
    channel.addEventListener("close", () => {
      this.board.event("page", "close", label);
      this.close("The Rust end hung up.");
    });
    return channel;
  }

  async start() {
    this.events = new EventSource(`${this.base}/events`);
    this.events.onmessage = ({ data }) => this.#handle(JSON.parse(data));
    await this.#offer();
    this.#poll();
    this.pc.onnegotiationneeded = () => this.#offer();
  }

  // What does not ask for it by itself, such as another order of codecs.
  renegotiate() {
    return this.#offer();
  }

  // The Rust end sends this simulcast layer back.
  select(rid, encoding) {
    return post(`${this.base}/layer`, { rid, encoding });
  }

  // The Rust end sends its own test picture and tone, or what it gets.
  test(on) {
    return post(`${this.base}/test`, on);
  }

  // The Rust end keeps what it gets, or ends that; gives how large the file is.
  record(on) {
    return post(`${this.base}/recording`, on);
  }

  // The Rust end plays these telephone keys.
  dial(tones) {
    return post(`${this.base}/tones`, tones);
  }

  // What the Rust end decoded of what it got.
  async seen() {
    const response = await fetch(`${this.base}/seen`);
    return response.ok ? response.json() : null;
  }

  // `why` is for people; without it, they did it themselves.
  async close(why) {
    if (this.closed) return;
    this.closed = true;
    await this.#snapshot();
    this.leave();
    this.events?.close();
    this.pc.close();
    this.#show();
    // Nobody tells how the Rust end is any more.
    const unknown = Object.keys(this.there).map((name) => [name, "–"]);
    this.board.show("there", Object.fromEntries(unknown));
    this.board.event("page", "closed");
    this.onclose(why);
  }

  // Survives the page's end, unlike a fetch.
  leave() {
    navigator.sendBeacon(`${this.base}/close`);
  }

  // Candidates of both ends wait for this: they may overtake the description they belong to.
  #offer() {
    this.negotiated = this.#negotiate();
    return this.negotiated;
  }

  async #negotiate() {
    await this.pc.setLocalDescription();
    const answer = await post(`${this.base}/description`, this.pc.localDescription);
    if (this.pc.signalingState === "have-local-offer") await this.pc.setRemoteDescription(answer);
  }

  #watch() {
    const { pc } = this;
    const states = ["signalingState", "iceGatheringState", "iceConnectionState", "connectionState"];
    for (const name of states) {
      const event = name.toLowerCase() + "change";
      pc.addEventListener(event, () => {
        this.board.event("page", event, pc[name]);
        this.#show();
        if (name === "connectionState" && pc[name] === "failed") this.close(this.#failure());
      });
    }
    pc.addEventListener("icecandidateerror", (error) => {
      this.board.event("page", "icecandidateerror", `${error.url}: ${error.errorCode} ${error.errorText}`);
      this.ice.error("here", error);
    });
    // The Rust end takes candidates once it has the description they belong to; they wait for that, in
    // this order.
    let queue = Promise.resolve();
    let found = 0;
    pc.addEventListener("icecandidate", ({ candidate }) => {
      this.board.event("page", "icecandidate", candidateText(candidate));
      if (candidate?.candidate) found++;
      if (!candidate && !found) this.onstuck("This page has no candidate to be reached at; the reasons are under ICE.");
      if (candidate) queue = queue.then(() => this.negotiated).then(() => post(`${this.base}/candidate`, candidate)).catch(() => {});
    });
    this.#show();
  }

  #show() {
    const { pc } = this;
    this.board.show("here", {
      signalingState: pc.signalingState,
      iceGatheringState: pc.iceGatheringState,
      iceConnectionState: pc.iceConnectionState,
      connectionState: pc.connectionState,
      "dtls transport": pc.sctp?.transport.state ?? "–",
      "sctp transport": pc.sctp?.state ?? "–",
    });
  }

  #failure() {
    return this.opened
      ? "The Rust end has not answered for so long that the call is given up."
      : "No way to the Rust end was found. The pairs under ICE are what was tried.";
  }

  #opened() {
    this.opened = true;
    this.board.figure("setup", `${Math.round(performance.now() - this.started)} ms`);
    this.#show();
    this.onopen();
    this.#snapshot();
  }

  async #handle(message) {
    switch (message.kind) {
      case "candidate":
        this.board.event("rust", "icecandidate", candidateText(message.candidate));
        await this.negotiated;
        if (message.candidate) await this.pc.addIceCandidate(message.candidate);
        break;
      case "candidateerror":
        this.board.event("rust", "icecandidateerror", `${message.url}: ${message.errorCode} ${message.errorText}`);
        this.ice.error("there", message);
        break;
      case "states":
        this.there = message.states;
        this.board.show("there", message.states);
        break;
      case "event":
        this.board.event("rust", message.event, message.value);
        break;
    }
  }

  async #poll() {
    while (!this.closed) {
      await this.#snapshot();
      const quick = this.pc.connectionState !== "connected";
      await new Promise((resolve) => setTimeout(resolve, quick ? QUICK_MS : STEADY_MS));
    }
  }

  // Both ends' statistics. One that cannot be had, because the call is over, leaves what was shown.
  async #snapshot() {
    const transport = this.pc.sctp?.transport.iceTransport;
    const { iceConnectionState: state, iceGatheringState: gathering } = this.pc;
    const [ours, theirs] = [this.pc.localDescription, this.pc.remoteDescription].map(fragment);
    const stats = { here: [], there: [] };
    const here = this.pc.getStats().then((report) => {
      stats.here = [...report.values()];
      this.ice.show("here", stats.here, { state, gathering, role: transport?.role, local: ours, remote: theirs });
    });
    const there = fetch(`${this.base}/stats`).then(async (response) => {
      const { iceConnectionState: state, iceGatheringState: gathering } = this.there;
      if (!response.ok) return;
      stats.there = await response.json();
      this.ice.show("there", stats.there, { state, gathering, local: theirs, remote: ours });
    });
    await Promise.allSettled([here, there]);
    this.onstats(stats);
  }
}

// What ICE calls an end since its last restart.
const fragment = (description) => /^a=ice-ufrag:(\S+)/m.exec(description?.sdp)?.[1];

// An empty candidate ends a generation, none at all the gathering.
const candidateText = (candidate) => (candidate ? candidate.candidate || "end of this generation" : "end");

async function post(path, body = {}) {
  const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, request).catch(() => {
    throw new Error("The program does not answer: start it again, then connect.");
  });
  if (!response.ok) throw new Error(`The program refused (${response.status}): ${await response.text()}`);
  return response.status === 204 ? null : response.json();
}
