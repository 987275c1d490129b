// What ICE knows at both ends, from their statistics: this page's getStats(), the Rust end's as the
// same objects over HTTP.
const ENDS = { here: "this page", there: "Rust" };
const ORDER = ["succeeded", "in-progress", "waiting", "frozen", "failed", "cancelled"];
const MAX_PAIRS = 24;

export class IcePanel {
  constructor() {
    this.root = document.getElementById("ice");
    this.clear();
  }

  clear() {
    this.shown = {};
    this.errors = [];
    this.first = new Map();
    for (const end of Object.keys(ENDS)) {
      for (const part of ["facts", "pairs", "candidates"]) this.#fill(end, part, []);
      this.#fill(end, "errors", []);
    }
    for (const id of ["path-here", "path-there"]) document.getElementById(id).replaceChildren("–");
    document.getElementById("rtt").textContent = "–";
    document.getElementById("path").dataset.state = "none";
  }

  // `stats` are the objects of an RTCStatsReport, `states` what they do not say.
  show(end, stats, states) {
    // What nothing changed in stays as it is: a reader may have selected text.
    const text = JSON.stringify([stats.map(({ timestamp, ...rest }) => rest), states]);
    if (this.shown[end] === text) return;
    this.shown[end] = text;
    const old = (candidate, current) => this.#isOld(`${end} ${candidate?.id}`, candidate, current);
    for (const candidate of stats) {
      if (candidate.type === "local-candidate") candidate.old = old(candidate, states.local);
      if (candidate.type === "remote-candidate") candidate.old = old(candidate, states.remote);
    }
    const byId = new Map(stats.map((object) => [object.id, object]));
    const transport = stats.find(({ type }) => type === "transport");
    const pairs = stats.filter(({ type }) => type === "candidate-pair").map((pair) => ({
      ...pair,
      local: byId.get(pair.localCandidateId),
      remote: byId.get(pair.remoteCandidateId),
      old: Boolean(byId.get(pair.localCandidateId)?.old || byId.get(pair.remoteCandidateId)?.old),
      selected: transport?.selectedCandidatePairId === pair.id || pair.selected === true,
    }));
    pairs.sort((a, b) => b.selected - a.selected || a.old - b.old || rank(a) - rank(b) || (b.nominated ?? 0) - (a.nominated ?? 0));
    this.#fill(end, "facts", facts(transport, states, pairs));
    this.#fill(end, "pairs", pairRows(pairs));
    this.#fill(end, "candidates", [
      ...candidateRows("this end's", stats.filter(({ type }) => type === "local-candidate")),
      ...candidateRows("the other end's", stats.filter(({ type }) => type === "remote-candidate")),
    ]);
    if (end === "here") this.#path(pairs.find(({ selected }) => selected));
  }

  // It was there before the last ICE restart: its user name fragment is another one or, where the
  // browser does not say that, it was seen before.
  #isOld(key, { usernameFragment }, current) {
    if (!current) return false;
    if (usernameFragment) return usernameFragment !== current;
    if (!this.first.has(key)) this.first.set(key, current);
    return this.first.get(key) !== current;
  }

  // `error` has the members of RTCPeerConnectionIceErrorEvent.
  error(end, { url, errorCode, errorText }) {
    const item = element("li", {}, element("b", {}, String(errorCode)), ` ${errorText || "no reason given"} `, element("code", {}, url));
    this.root.querySelector(`[data-end=${end}] .errors`).append(item);
  }

  #path(pair) {
    const path = document.getElementById("path");
    path.dataset.state = pair ? "some" : "none";
    if (!pair) return;
    document.getElementById("path-here").replaceChildren(...address(pair.local));
    document.getElementById("path-there").replaceChildren(...address(pair.remote));
    document.getElementById("rtt").textContent = milliseconds(pair.currentRoundTripTime);
  }

  #fill(end, part, children) {
    this.root.querySelector(`[data-end=${end}] .${part}`).replaceChildren(...children);
  }
}

function facts(transport, states, pairs) {
  const checks = pairs.reduce((sum, pair) => sum + (pair.requestsSent ?? 0), 0);
  const rows = {
    role: transport?.iceRole ?? states.role,
    state: transport?.iceState ?? states.state,
    gathering: states.gathering,
    "checks sent": String(checks),
    "selected pair changed": transport?.selectedCandidatePairChanges === undefined ? undefined : `${transport.selectedCandidatePairChanges}×`,
  };
  const known = Object.entries(rows).filter(([, value]) => value !== undefined);
  return known.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)));
}

function pairRows(pairs) {
  if (!pairs.length) return [emptyRow(3, "no pairs yet")];
  const rows = pairs.slice(0, MAX_PAIRS).map((pair) =>
    element("tr", { className: `${pair.selected ? "selected" : ""} ${pair.old ? "old" : ""}` },
      element("td", {}, badge(pair.state, "state"), element("br", {}), mark(pair)),
      element("td", { className: "two" }, element("div", {}, ...address(pair.local)), element("div", {}, ...address(pair.remote))),
      element("td", { className: "number" }, milliseconds(pair.currentRoundTripTime)),
    ),
  );
  if (pairs.length > MAX_PAIRS) rows.push(emptyRow(3, `and ${pairs.length - MAX_PAIRS} more`));
  return rows;
}

function candidateRows(title, candidates) {
  const count = candidates.filter((candidate) => !candidate.old).length;
  const before = candidates.length - count ? `, and ${candidates.length - count} from before the restart` : "";
  const head = element("tr", { className: "group" }, element("th", { colSpan: 3 }, `${title}: ${count || "none yet"}${before}`));
  candidates.sort((a, b) => a.old - b.old || b.priority - a.priority);
  return [head, ...candidates.map((candidate) =>
    element("tr", { className: candidate.old ? "old" : "" },
      element("td", {}, ...address(candidate)),
      element("td", {}, origin(candidate)),
      element("td", { className: "number" }, String(candidate.priority)),
    ),
  )];
}

// The kind, the protocol, the address.
function address(candidate) {
  if (!candidate) return ["?"];
  const { candidateType, protocol, tcpType, address, port } = candidate;
  const host = address?.includes(":") ? `[${address}]` : address || "hidden";
  // A .local name is long and says nothing.
  const short = host.endsWith(".local") ? `${host.slice(0, 8)}….local` : host;
  const name = tcpType ? `${protocol} ${tcpType}` : protocol;
  const code = element("code", { title: host }, `${short}:${port}`);
  return [badge(candidateType, candidateType), element("span", { className: "protocol" }, name), code];
}

function origin({ relatedAddress, relatedPort, url, relayProtocol, old }) {
  const parts = old ? ["before the restart"] : [];
  if (relatedAddress && relatedPort) parts.push(`from ${relatedAddress.includes(":") ? `[${relatedAddress}]` : relatedAddress}:${relatedPort}`);
  if (url) parts.push(`by ${url}`);
  else if (relayProtocol) parts.push(`by ${relayProtocol}`);
  return parts.join(", ");
}

const rank = ({ state }) => ORDER.indexOf(state) + 1 || ORDER.length + 1;
const milliseconds = (seconds) => (seconds === undefined ? "–" : `${(seconds * 1000).toFixed(1)} ms`);
const badge = (text, kind) => element("span", { className: `badge ${kind === "state" ? text : kind}` }, text);
const mark = ({ selected, nominated, old }) => {
  const words = [selected ? "selected" : nominated ? "nominated" : "", old ? "before the restart" : ""];
  return element("small", {}, words.filter(Boolean).join(", "));
};
const emptyRow = (columns, text) => element("tr", {}, element("td", { colSpan: columns, className: "none" }, text));

function element(name, properties, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}
