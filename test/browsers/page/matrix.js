// The cells of the table in test/peers: what each of its columns means is said in test/peers/src/outcome.rs. Each tells
// what was counted at the far end.
import { device, devices } from "./devices.js";
import { announced, exchange, SMALL } from "./exchange.js";
import { comesBack } from "./media.js";
import { connected, once, opened, pageOffers, pair, pattern, rustOffers } from "./pair.js";

const RIDS = ["q", "h", "f"];
// Of each layer; a browser sends as many of them as its estimate of the network and its picture allow.
const ENOUGH_OF_A_LAYER = 10;
const MEGABYTE = [65536, 16];

export const scenarios = {
  "data, we offer": (test) => data(test, rustOffers),
  "data, they offer": (test) => data(test, pageOffers),
  "audio, we offer": (test) => media(test, rustOffers, ["audio"]),
  "audio, they offer": (test) => media(test, pageOffers, ["audio"]),
  "video, we offer": (test) => media(test, rustOffers, ["video"]),
  "video, they offer": (test) => media(test, pageOffers, ["video"]),

  "simulcast, we offer": async (test) => {
    const ends = await pair(test);
    await ends.remote.call("addTransceiver", { kind: "video", rids: RIDS });
    await rustOffers(ends);
    if (!ends.pc.remoteDescription.sdp.includes("a=simulcast:send")) throw new Error("our offer has no a=simulcast");
    if (!ends.pc.localDescription.sdp.includes("a=simulcast:")) test.skip("its answer has no a=simulcast");
  },

  "simulcast, they offer": async (test) => {
    const ends = await pair(test);
    const stream = await device(test, { video: { width: 1280, height: 720 } });
    const sendEncodings = RIDS.map((rid, at) => ({ rid, scaleResolutionDownBy: 2 ** (RIDS.length - 1 - at) }));
    const transceiver = ends.pc.addTransceiver(stream.getTracks()[0], { sendEncodings });
    await ends.remote.call("watch");
    await pageOffers(ends);
    await connected(ends.pc);
    for (;;) {
      const { layers } = (await ends.remote.call("seen"))[transceiver.mid] ?? {};
      test.onFailure(async () => `frames of each layer: ${JSON.stringify(layers)}`);
      if (RIDS.every((rid) => layers?.[rid] >= ENOUGH_OF_A_LAYER)) return `frames here: ${JSON.stringify(layers)}`;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },

  "ICE restart, we offer": (test) => restart(test, rustOffers, (ends) => ends.remote.call("restartIce")),
  "ICE restart, they offer": (test) => restart(test, pageOffers, (ends) => ends.pc.restartIce()),
  "renegotiation, we offer": (test) => renegotiate(test, rustOffers),
  "renegotiation, they offer": (test) => renegotiate(test, pageOffers),
  "close, we offer": (test) => close(test, rustOffers),
  "close, they offer": (test) => close(test, pageOffers),
};

// A connection with a channel, which who offers opens.
async function connect(test, offers) {
  const ends = await pair(test);
  if (offers === pageOffers) {
    const channel = ends.pc.createDataChannel("data");
    await offers(ends);
    return { ends, channel: await opened(channel), id: await announced(ends.remote, "data") };
  }
  const { id } = await ends.remote.call("createDataChannel", { label: "data" });
  const arrived = once(ends.pc, "datachannel");
  await offers(ends);
  return { ends, channel: await opened((await arrived).channel), id };
}

async function data(test, offers) {
  const { ends, channel, id } = await connect(test, offers);
  await exchange(ends, channel, id);
  const [size, count] = MEGABYTE;
  let got = 0;
  const back = new Promise((resolve) => {
    channel.onmessage = ({ data }) => (got += data.byteLength) === size * count && resolve();
  });
  await ends.remote.call("count", { id, on: true });
  for (let n = 0; n < count; n++) channel.send(pattern(size, n));
  await ends.remote.event("counted", (e) => e.kind === "counted" && e.id === id && e.bytes === size * count);
  await ends.remote.call("sendPattern", { id, size, count });
  await back;
  return "texts, 0 to 256 KiB byte for byte, and 1 MiB each way";
}

async function added(test, ends, offers, kinds) {
  if (offers === rustOffers) for (const kind of kinds) await ends.remote.call("addTransceiver", { kind });
  await ends.remote.call("echo", { by: "frames" });
  await devices(test, ends.pc, kinds);
  await offers(ends);
  const stats = await comesBack(test, ends.pc, kinds);
  const here = (await ends.remote.stats()).filter((s) => s.type === "inbound-rtp");
  const told = kinds.map((kind, at) => {
    const packets = Math.max(0, ...here.filter((s) => s.kind === kind).map((s) => s.packetsReceived));
    if (packets === 0) throw new Error(`no packets of ${kind} here`);
    const { framesDecoded, totalSamplesReceived, packetsReceived } = stats[at];
    const there = kind === "video" ? `${framesDecoded} decoded pictures` : `${totalSamplesReceived ?? packetsReceived * 960} decoded samples`;
    return `${kind}: ${there} there, ${packets} packets here`;
  });
  return told.join("; ");
}

const media = async (test, offers, kinds) => added(test, await pair(test), offers, kinds);

async function restart(test, offers, begin) {
  const { ends, channel, id } = await connect(test, offers);
  const fragments = () => [ends.pc.localDescription, ends.pc.remoteDescription].map(({ sdp }) => sdp.match(/a=ice-ufrag:(\S+)/)[1]);
  const before = fragments();
  await begin(ends);
  await offers(ends);
  if (fragments().some((fragment, at) => fragment === before[at])) throw new Error("an end did not restart");
  await exchange(ends, channel, id, SMALL);
  await connected(ends.pc);
  return "texts and 17 KiB each way after it, new credentials at both ends";
}

async function renegotiate(test, offers) {
  const { ends, channel, id } = await connect(test, offers);
  const counted = await added(test, ends, offers, ["audio", "video"]);
  await exchange(ends, channel, id, SMALL);
  return `${counted}; texts and 17 KiB each way after it`;
}

// A channel closed by each end, then the connection by who offered.
async function close(test, offers) {
  const { ends, channel, id } = await connect(test, offers);
  const theirs = await opened(ends.pc.createDataChannel("closed there"));
  const theirId = await announced(ends.remote, "closed there");
  await exchange(ends, theirs, theirId, SMALL);
  theirs.close();
  await ends.remote.event("close", (e) => e.kind === "close" && e.id === theirId);

  const arrived = once(ends.pc, "datachannel");
  const ours = await ends.remote.call("createDataChannel", { label: "closed here" });
  const second = await opened((await arrived).channel);
  await exchange(ends, second, ours.id, SMALL);
  const gone = once(second, "close");
  await ends.remote.call("closeChannel", { id: ours.id });
  await gone;

  if (offers === rustOffers) {
    const closed = once(channel, "close");
    await ends.remote.call("close");
    await closed;
    return "2 channels, and the whole, known there";
  }
  ends.pc.close();
  await ends.remote.event("close", (e) => e.kind === "close" && e.id === id);
  return "2 channels, and the whole, known here";
}
