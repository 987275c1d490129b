// The board of a relay: who publishes, who watches, how much, and a player.
import { Viewer } from "/watch.js";

const SECONDS = 60;
const $ = (id) => document.getElementById(id);
const token = () => sessionStorage.getItem("token") ?? "";
let before = null;
let viewer = null;
const histories = new Map();

$("ask").onsubmit = (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value);
  $("ask").hidden = true;
};
$("stop").onclick = stop;
$("hint").textContent = `duologue whip publish ${location.origin}/whip/live FILE --loop`;

async function look() {
  const headers = token() ? { Authorization: `Bearer ${token()}` } : {};
  const answer = await fetch("/api/overview", { headers, signal: AbortSignal.timeout(3000) });
  $("ask").hidden = answer.status !== 401;
  if (!answer.ok) return;
  const now = await answer.json();
  show(now, before ?? now);
  before = now;
}

function show(now, before) {
  const seconds = now.time - before.time;
  const rate = (now, before) => (seconds > 0 ? (8 * Math.max(now - before, 0)) / seconds : 0);
  $("node").textContent = now.node ? `node ${now.node}` : "one node, alone";
  $("streams").textContent = now.streams.length;
  $("viewers").textContent = now.streams.reduce((sum, stream) => sum + stream.viewers, 0);
  $("in").textContent = bits(rate(now.received_bytes, before.received_bytes));
  $("out").textContent = bits(rate(now.sent_bytes, before.sent_bytes));
  $("none").hidden = now.streams.length > 0;

  const rows = now.streams.map((stream) => {
    const known = before.streams.find(({ name }) => name === stream.name);
    const came = rate(bytes(stream), bytes(known ?? stream));
    const history = histories.get(stream.name) ?? [];
    histories.set(stream.name, [...history, came].slice(-SECONDS));
    return row(stream, came);
  });
  $("rows").replaceChildren(...rows);
  $("others").hidden = now.nodes.length === 0;
  $("nodes").replaceChildren(...now.nodes.map((node) => {
    const link = Object.assign(document.createElement("a"), { href: node.url, textContent: node.url });
    const streams = document.createElement("div");
    streams.className = "row";
    for (const name of node.streams) streams.append(name, watchButton(name));
    return cells([link, node.streams.length > 0 ? streams : "none"]);
  }));
}

function row(stream, came) {
  const tracks = stream.tracks.map(({ codec, layers }) => (layers > 1 ? `${codec} × ${layers}` : codec));
  const lost = stream.tracks.reduce((sum, track) => sum + track.lost, 0);
  const line = cells([stream.name, tracks.join(", "), bits(came), plot(histories.get(stream.name)), lost, stream.viewers, watchButton(stream.name)]);
  for (const at of [2, 4, 5]) line.cells[at].className = "number";
  return line;
}

function watchButton(name) {
  const button = Object.assign(document.createElement("button"), { textContent: "watch", className: "primary" });
  button.onclick = () => watch(name);
  return button;
}

function cells(contents) {
  const line = document.createElement("tr");
  for (const content of contents) line.insertCell().append(content);
  return line;
}

function plot(values) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 150 30");
  const line = document.createElementNS(svg.namespaceURI, "polyline");
  const most = Math.max(...values, 1);
  const points = values.map((value, at) => `${150 - (values.length - 1 - at) * (150 / (SECONDS - 1))},${28 - (26 * value) / most}`);
  line.setAttribute("points", points.join(" "));
  svg.append(line);
  return svg;
}

async function watch(name) {
  await stop();
  const own = new Viewer(`/whep/${encodeURIComponent(name)}`, token());
  viewer = own;
  $("player").hidden = false;
  $("title").textContent = name;
  own.onstate = (state, url) => {
    $("state").textContent = $("state").dataset.state = state;
    $("from").textContent = new URL(url).host;
  };
  own.onstream = (stream) => { $("video").srcObject = stream; };
  own.onfigures = ({ width, height, rate }) => {
    $("picture").textContent = width ? `${width} × ${height}` : "–";
    $("rate").textContent = bits(rate);
  };
  await own.run();
}

async function stop() {
  const own = viewer;
  viewer = null;
  $("player").hidden = true;
  $("video").srcObject = null;
  await own?.stop();
}

const bytes = (stream) => stream.tracks.reduce((sum, track) => sum + track.bytes, 0);

function bits(rate) {
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"];
  const at = Math.min(Math.floor(Math.log10(Math.max(rate, 1)) / 3), units.length - 1);
  const value = rate / 1000 ** at;
  return `${value < 10 && at > 0 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

for (;;) {
  try {
    await look();
    $("notice").hidden = true;
  } catch {
    $("notice").textContent = "The relay does not answer.";
    $("notice").hidden = false;
  }
  // Rates are what came between two looks: one a second, as many as a plot has.
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
