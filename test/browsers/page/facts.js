// What browsers do with media that one would not guess, and what the Rust peer makes of it. The facts
// are those of docs/browsers.md.
import { device, devices } from "./devices.js";
import { connected, equal, pageOffers, pair } from "./pair.js";
import { settled, until } from "./wire.js";

export const scenarios = {
  "repetitions and padding that nobody asked for are neither loss nor frames": async (test) => {
    const { pc, remote } = await sends(test, ["video"]);
    const [{ sender, mid }] = pc.getTransceivers();
    await until(async () => (await outbound(sender))?.framesSent >= 40);
    sender.track.stop();
    const sent = await settled(async () => (await outbound(sender))?.framesSent);
    await until(async () => (await remote.call("seen"))[mid].frames === sent);
    const { packetsLost, nackCount, framesDropped, retransmittedPacketsReceived } = await inbound(remote);
    if (!(retransmittedPacketsReceived > 0)) throw new Error("the browser no longer probes by repetitions");
    equal({ packetsLost, nackCount, framesDropped }, { packetsLost: 0, nackCount: 0, framesDropped: 0 }, "the Rust end's count");
  },

  "the padding of a call without video is no sound": async (test) => {
    const { pc, remote } = await sends(test, ["audio"]);
    const [{ mid }] = pc.getTransceivers();
    const padding = async () => (await inbound(remote)).packetsReceived - (await remote.call("seen"))[mid].packets;
    await until(async () => (await remote.call("seen"))[mid].packets > 100 && (await padding()) > 0);
    equal((await remote.call("seen"))[mid].empty, 0, "packets without sound");
    equal((await inbound(remote)).packetsLost, 0, "packets lost");
  },

  "sound after a pause goes on in RTP's time as if there was none": async (test) => {
    const { pc, remote } = await sends(test, ["audio"]);
    const [{ sender, mid }] = pc.getTransceivers();
    const { track } = sender;
    const packets = async () => (await remote.call("seen"))[mid].packets;
    await until(async () => (await packets()) > 25);
    await sender.replaceTrack(null);
    const before = await settled(packets);
    await sender.replaceTrack(track);
    await until(async () => (await packets()) > before + 25);
    const { ms, ticks } = (await remote.call("seen"))[mid].longestPause;
    if (!(ms >= 400 && ticks < 48 * ms / 4)) throw new Error(`a pause of ${ms} ms is one of ${ticks} ticks`);
  },

  "the browser's reports, which have no names, tell of the way there": async (test) => {
    const ends = await pair(test);
    await devices(test, ends.pc, ["audio", "video"]);
    await ends.remote.call("echo");
    await pageOffers(ends);
    const told = async (kind) =>
      (await ends.remote.stats()).some((s) => s.type === "remote-inbound-rtp" && s.kind === kind && s.roundTripTimeMeasurements > 0);
    await until(async () => (await told("audio")) && (await told("video")));
  },

  "a simulcast says which layers it has, and how much each may take": async (test) => {
    const { pc, remote } = await simulcast(test);
    if (!pc.localDescription.sdp.includes("video-layers-allocation00")) test.skip("it does not offer to");
    const [{ mid }] = pc.getTransceivers();
    const seen = async () => (await remote.call("seen"))[mid];
    test.onFailure(async () => JSON.stringify(await seen()));
    // Chromium's targets, of the lower two layers at least: by its first estimate the second one gets what is left.
    const grown = ([lowest, next]) => lowest >= 30 && next > lowest;
    await until(async () => grown((await seen()).allocated));
    equal((await seen()).misnumbered, 0, "allocations of another stream than their packet's");
  },

  "one request brings a key frame of every simulcast layer": async (test) => {
    const ends = await simulcast(test);
    const [transceiver] = ends.pc.getTransceivers();
    const keys = async () => (await ends.remote.call("seen"))[transceiver.mid].keyFrames;
    const both = ({ q, h }) => q && h;
    await until(async () => both(await keys()));
    const before = await settled(keys);
    await ends.remote.call("askForKeyFrame", { encoding: 0 });
    await until(async () => (await keys()).q > before.q && (await keys()).h > before.h);
  },
};

// Its camera is sent in three layers, and the Rust end counts.
async function simulcast(test) {
  const ends = await pair(test);
  const stream = await device(test, { video: { width: 1280, height: 720 } });
  const sendEncodings = [4, 2, 1].map((scaleResolutionDownBy, at) => ({ rid: "qhf"[at], scaleResolutionDownBy }));
  ends.pc.addTransceiver(stream.getTracks()[0], { sendEncodings });
  await negotiate(ends);
  return ends;
}

// The page's devices of these kinds send, and the Rust end counts.
async function sends(test, kinds) {
  const ends = await pair(test);
  await devices(test, ends.pc, kinds);
  await negotiate(ends);
  return ends;
}

async function negotiate(ends) {
  await ends.remote.call("watch");
  await pageOffers(ends);
  await connected(ends.pc);
}

async function outbound(sender) {
  const all = [...(await sender.getStats()).values()];
  return all.find((stats) => stats.type === "outbound-rtp");
}

async function inbound(remote) {
  return (await remote.stats()).find((stats) => stats.type === "inbound-rtp");
}
