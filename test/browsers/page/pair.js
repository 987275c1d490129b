// One browser connection and one Rust peer, joined by trickled candidates.
import { Remote } from "./remote.js";

// `page` and `rust` are their configurations, `endpoint` the options of the Rust end's endpoint.
export async function pair({ onEnd, onFailure }, { page = {}, rust = {}, endpoint = {} } = {}) {
  const remote = await Remote.create(rust, endpoint);
  const pc = new RTCPeerConnection(page);
  onEnd(() => remote.close());
  onEnd(() => pc.close());
  const announced = [];
  pc.addEventListener("datachannel", ({ channel }) => announced.push(channel.label));
  onFailure(async () => {
    const { signalingState, iceConnectionState, connectionState } = pc;
    const transceivers = pc.getTransceivers().map((t) => [t.mid, t.currentDirection]);
    const here = JSON.stringify({ signalingState, iceConnectionState, connectionState, transceivers, sctp: pc.sctp?.state });
    const lines = (d) => d?.sdp.match(/^(m=|a=mid|a=group|a=setup|a=ice-ufrag|a=bundle-only|a=sctp).*/gm).join("\n");
    const unanswered = [...remote.unanswered].map(({ method }) => method);
    const waits = [...remote.waiters].flatMap(({ what }) => what ?? []);
    const told = remote.events.filter(({ kind }) => !kind.startsWith("icecandidate"));
    const channels = (stats) => JSON.stringify(stats.filter(({ type }) => type === "data-channel"));
    return [
      `page: ${here}`,
      `local:\n${lines(pc.localDescription)}`,
      `remote:\n${lines(pc.remoteDescription)}`,
      `Rust: ${JSON.stringify(await remote.state())}`,
      `calls of the Rust end without an answer: ${unanswered}; waits for its events: ${waits}`,
      `the Rust end told, last: ${JSON.stringify(told.slice(-5))}`,
      `announced to the page: ${announced}`,
      `channels of the page: ${channels([...(await pc.getStats()).values()])}`,
      `channels of the Rust end: ${channels(await remote.stats())}`,
    ].join("\n");
  });
  // A candidate waits for the description that it belongs to.
  const ready = { here: gate(), there: gate() };
  pc.onicecandidate = async ({ candidate }) => {
    await ready.there.open;
    if (isOf(pc.localDescription, candidate)) await remote.call("addIceCandidate", candidate ?? {});
  };
  remote.each("icecandidate", async ({ candidate }) => {
    await ready.here.open;
    if (isOf(pc.remoteDescription, candidate)) await pc.addIceCandidate(candidate ?? undefined);
  });
  return { pc, remote, ready };
}

// A candidate of an offer that was rolled back is for nobody.
function isOf({ sdp }, candidate) {
  return !candidate?.usernameFragment || sdp.includes(`a=ice-ufrag:${candidate.usernameFragment}\r\n`);
}

// Candidates of what is negotiated now wait again.
function close(ready) {
  ready.here = gate();
  ready.there = gate();
}

export async function pageOffers({ pc, remote, ready }) {
  close(ready);
  await pc.setLocalDescription();
  await remote.call("setRemoteDescription", pc.localDescription);
  ready.there.pass();
  await pc.setRemoteDescription(await remote.call("setLocalDescription", null));
  ready.here.pass();
}

export async function rustOffers({ pc, remote, ready }) {
  close(ready);
  const offer = await remote.call("setLocalDescription", null);
  try {
    await pc.setRemoteDescription(offer);
  } catch (error) {
    throw new Error(`${error.name}: ${error.message}, in\n${offer.sdp}`);
  }
  ready.here.pass();
  await pc.setLocalDescription();
  await remote.call("setRemoteDescription", pc.localDescription);
  ready.there.pass();
}

export function gate() {
  let pass;
  const open = new Promise((resolve) => (pass = resolve));
  return { open, pass };
}

export function once(target, name) {
  return new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
}

export async function opened(channel) {
  if (channel.readyState !== "open") await once(channel, "open");
  return channel;
}

export async function connected(pc) {
  while (pc.connectionState !== "connected") {
    await once(pc, "connectionstatechange");
    if (pc.connectionState === "failed") throw new Error("the connection failed");
  }
}

// The selected pair of a statistics report, with its candidates.
export function selected(report) {
  const all = [...report.values()];
  const transport = all.find((s) => s.type === "transport");
  const pair = report.get(transport?.selectedCandidatePairId) ?? all.find((s) => s.type === "candidate-pair" && s.selected);
  return { local: report.get(pair?.localCandidateId), remote: report.get(pair?.remoteCandidateId), nominated: pair?.nominated };
}

export function equal(actual, expected, what) {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`${what}: expected ${e}, got ${a}`);
}

// The pattern both ends make and check: byte i of message n is (i * 31 + n) mod 251.
export function pattern(size, n) {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + n) % 251;
  return bytes;
}
