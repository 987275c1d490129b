// The Rust peer, driven from the page: its W3C methods by HTTP, its events by server-sent events.
export class Remote {
  static async create(configuration, endpoint) {
    const remote = new Remote();
    remote.id = (await post("/peers", { configuration, endpoint })).id;
    remote.events = [];
    remote.waiters = new Set();
    remote.unanswered = new Set();
    remote.source = new EventSource(`/peers/${remote.id}/events`);
    remote.source.onmessage = ({ data }) => {
      remote.events.push(JSON.parse(data));
      for (const wake of remote.waiters) wake();
    };
    return remote;
  }

  async call(method, params = {}) {
    const call = { method };
    this.unanswered.add(call);
    try {
      return await post(`/peers/${this.id}/call`, { method, params });
    } finally {
      this.unanswered.delete(call);
    }
  }

  // Like [...(await pc.getStats()).values()].
  stats() {
    return this.call("stats");
  }

  state() {
    return this.call("state");
  }

  // The first event from `after` on that `wanted` accepts; those before it stay for other waiters.
  async event(what, wanted, after = 0) {
    for (let at = after; ; ) {
      for (; at < this.events.length; at++) if (wanted(this.events[at])) return this.events[at];
      await new Promise((resolve) => {
        const wake = () => (this.waiters.delete(wake), resolve());
        this.waiters.add(wake);
        wake.what = what;
      });
    }
  }

  each(kind, handler) {
    let chain = Promise.resolve();
    let at = 0;
    const drain = () => {
      for (; at < this.events.length; at++) {
        const event = this.events[at];
        if (event.kind === kind) chain = chain.then(() => handler(event));
      }
    };
    this.waiters.add(drain);
    drain();
  }

  async close() {
    await this.call("close");
    this.source.close();
  }
}

export async function get(path) {
  return (await fetch(path)).json();
}

export async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) {
    const failure = text.startsWith("{") ? JSON.parse(text) : { name: "Error", message: text };
    throw Object.assign(new Error(`Rust peer: ${failure.name}: ${failure.message}`), { remote: failure.name });
  }
  return text ? JSON.parse(text) : null;
}
