// Two peers of a stack of npm in one process over loopback, with the arguments and the JSON of bench-peer:
// web.mjs STACK setup|dc|ping --key value …, by the W3C's API as each has it. (The polyfill of node-datachannel takes
// a second to connect, whatever is done here.)
import { createRequire } from "node:module";
import { join } from "node:path";

const [stack, scenario, ...words] = process.argv.slice(2);
const values = new Map();
for (let at = 0; at < words.length; at += 2) values.set(words[at].replace(/^-+/, ""), Number(words[at + 1]));
const value = (key, missing) => values.get(key) ?? missing;

// What `cargo xtask bench compare` installed.
const require = createRequire(join(process.env.DUOLOGUE_PEERS, "npm", "package.json"));
const { RTCPeerConnection } = {
  wrtc: () => require("@roamhq/wrtc"),
  "node-datachannel": () => require("node-datachannel/polyfill"),
  werift: () => require("werift"),
}[stack]();

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
const happens = (target, event) => new Promise((resolve) => { target[`on${event}`] = resolve; });

function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(part * (sorted.length - 1))];
}

const plain = ({ type, sdp }) => ({ type, sdp });

// Candidates as they come; those of before the other end has a description wait for it.
function trickle(from, to) {
  const early = [];
  let ready = false;
  const add = (candidate) => to.addIceCandidate(candidate).catch(() => {});
  from.onicecandidate = ({ candidate }) => {
    if (candidate) (ready ? add : (it) => early.push(it))(candidate);
  };
  return () => {
    ready = true;
    early.splice(0).forEach(add);
  };
}

async function connect() {
  const [a, b] = [new RTCPeerConnection({ iceServers: [] }), new RTCPeerConnection({ iceServers: [] })];
  const [offered, answered] = [trickle(a, b), trickle(b, a)];
  const ours = a.createDataChannel("bench");
  ours.binaryType = "arraybuffer";
  const opened = ours.readyState === "open" ? null : happens(ours, "open");
  const announced = happens(b, "datachannel");
  await a.setLocalDescription(await a.createOffer());
  await b.setRemoteDescription(plain(a.localDescription));
  offered();
  await b.setLocalDescription(await b.createAnswer());
  await a.setRemoteDescription(plain(b.localDescription));
  answered();
  await opened;
  const theirs = (await announced).channel;
  theirs.binaryType = "arraybuffer";
  while (theirs.readyState !== "open") await pause(0.0005);
  return { a, b, ours, theirs };
}

async function close({ a, b }) {
  await a.close();
  await b.close();
}

async function setup() {
  await close(await connect());
  const n = value("n", 50);
  const before = cpu();
  const times = [];
  for (let count = 0; count < n; count += 1) {
    const begun = performance.now();
    const pair = await connect();
    times.push(performance.now() - begun);
    await close(pair);
  }
  return { ms: quantile(times, 0.5), cpu_ms_pair: (1000 * (cpu() - before)) / n };
}

async function dc() {
  const { ours, theirs } = await connect();
  const received = { bytes: 0, messages: 0 };
  theirs.onmessage = ({ data }) => {
    received.bytes += data.byteLength ?? data.length;
    received.messages += 1;
  };
  const message = new Uint8Array(value("size", 16384));
  const send = () => {
    // As much waits as with the others; a turn of the loop is for what comes.
    for (let count = 0; count < 64 && ours.bufferedAmount < 1 << 20; count += 1) ours.send(message);
    setImmediate(send);
  };
  send();
  await pause(value("warm", 1));
  const [before, begun, first] = [cpu(), performance.now(), { ...received }];
  await pause(value("secs", 10));
  const [took, used] = [(performance.now() - begun) / 1000, cpu() - before];
  const [bytes, messages] = [received.bytes - first.bytes, received.messages - first.messages];
  return { mb_s: bytes / 1e6 / took, msgs_s: messages / took, cpu_s_gb: used / (bytes / 1e9), cpu_us_msg: (used * 1e6) / messages };
}

async function ping() {
  const { ours, theirs } = await connect();
  theirs.onmessage = ({ data }) => theirs.send(data);
  const n = value("n", 5000);
  const times = [];
  const message = new Uint8Array(64);
  for (let count = 0; count < n + n / 10; count += 1) {
    const begun = performance.now();
    const back = happens(ours, "message");
    ours.send(message);
    await back;
    if (count >= n / 10) times.push(1000 * (performance.now() - begun));
  }
  return { p50_us: quantile(times, 0.5), p99_us: quantile(times, 0.99) };
}

console.log(JSON.stringify(await { setup, dc, ping }[scenario]()));
process.exit(0);
