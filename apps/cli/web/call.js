// One RTCPeerConnection with the Rust end: descriptions and candidates go over HTTP, what the
// Rust end sees and sends comes back as server-sent events.
export class Call {
  constructor(board) {
    this.board = board;
    this.pc = new RTCPeerConnection();
    this.channels = [];
    this.started = performance.now();
    this.onopen = this.onclose = () => {};
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
    channel.addEventListener("close", () => this.board.event("page", "close", label));
    return channel;
  }

  async start() {
    const { id } = await post("api/sessions");
    this.base = `api/sessions/${id}`;
    this.events = new EventSource(`${this.base}/events`);
    this.events.onmessage = ({ data }) => this.#handle(JSON.parse(data));
    await this.#offer();
    this.pc.onnegotiationneeded = () => this.#offer();
  }

  async close() {
    if (this.closed) return;
    this.closed = true;
    this.leave();
    this.events?.close();
    this.pc.close();
    this.#show();
    this.board.event("page", "closed");
    this.onclose();
  }

  // Survives the page's end, unlike a fetch.
  leave() {
    if (this.base) navigator.sendBeacon(`${this.base}/close`);
  }

  // What the Rust end sends waits for this: a candidate may overtake the answer it belongs to.
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
        if (name === "connectionState" && pc[name] === "failed") this.close();
      });
    }
    // Candidates found before the Rust end knows of the session wait for it in this order.
    let queue = Promise.resolve();
    pc.addEventListener("icecandidate", ({ candidate }) => {
      this.board.event("page", "icecandidate", candidate?.candidate || "end");
      if (candidate) queue = queue.then(() => post(`${this.base}/candidate`, candidate)).catch(() => {});
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

  #opened() {
    this.board.figure("setup", `${Math.round(performance.now() - this.started)} ms`);
    this.#show();
    this.onopen();
    this.#poll();
  }

  async #handle(message) {
    switch (message.kind) {
      case "candidate":
        this.board.event("rust", "icecandidate", message.candidate?.candidate ?? "end");
        await this.negotiated;
        if (message.candidate) await this.pc.addIceCandidate(message.candidate);
        break;
      case "states":
        this.board.show("there", message.states);
        break;
      case "event":
        this.board.event("rust", message.event, message.value);
        break;
    }
  }

  async #poll() {
    while (!this.closed) {
      const stats = await this.pc.getStats();
      const transport = [...stats.values()].find((s) => s.type === "transport");
      const pair = stats.get(transport?.selectedCandidatePairId) ?? [...stats.values()].find((s) => s.type === "candidate-pair" && s.nominated);
      if (pair) {
        const end = (id) => { const c = stats.get(id); return c ? `${c.candidateType} ${c.address ?? ""}:${c.port}` : "?"; };
        this.board.figure("pair", `${end(pair.localCandidateId)} ⇄ ${end(pair.remoteCandidateId)}`);
        if (pair.currentRoundTripTime !== undefined) this.board.figure("rtt", `${(pair.currentRoundTripTime * 1000).toFixed(1)} ms by ICE`);
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

async function post(path, body = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? null : response.json();
}
