// Media between this browser and the Rust peer, which sends back what it gets. What counts is what the
// browser decoded, by its own statistics.
import { device, devices } from "./devices.js";
import { connected, equal, pageOffers, pair, rustOffers } from "./pair.js";
import { listen, webAudio } from "./sound.js";

export const scenarios = {
  "a camera and a microphone come back and are decoded": async (test) => {
    const ends = await pair(test);
    await devices(test, ends.pc, ["audio", "video"]);
    await ends.remote.call("echo");
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["audio", "video"]);
  },

  "what the Rust peer offers to receive and send comes back and is decoded": async (test) => {
    const ends = await pair(test);
    for (const kind of ["audio", "video"]) await ends.remote.call("addTransceiver", { kind });
    await ends.remote.call("echo");
    await devices(test, ends.pc, ["audio", "video"]);
    await rustOffers(ends);
    await comesBack(test, ends.pc, ["audio", "video"]);
  },

  // With it in an answer of theirs, browsers put every packet of video into RED.
  "video in RED comes back by frames and is decoded": async (test) => {
    const ends = await pair(test);
    await ends.remote.call("addTransceiver", { kind: "video" });
    await ends.remote.call("echo", { by: "frames" });
    await devices(test, ends.pc, ["video"]);
    await rustOffers(ends);
    for (const end of ["localDescription", "remoteDescription"]) {
      equal(/ red\/90000\r\n/.test(ends.pc[end].sdp), true, `RED in the ${end}`);
    }
    await comesBack(test, ends.pc, ["video"]);
  },

  "every codec of video comes back and is decoded": (test) => everyCodecComesBack(test, "packets"),

  "every codec of video comes back by frames and is decoded": (test) => everyCodecComesBack(test, "frames"),

  "a camera and a microphone come back by frames and are decoded": async (test) => {
    const ends = await pair(test);
    await devices(test, ends.pc, ["audio", "video"]);
    await ends.remote.call("echo", { by: "frames" });
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["audio", "video"]);
  },

  "media goes on after a hold, while data flows": async (test) => {
    const ends = await pair(test);
    ends.pc.createDataChannel("data");
    await devices(test, ends.pc, ["video"]);
    await ends.remote.call("echo");
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["video"]);
    const [transceiver] = ends.pc.getTransceivers();
    transceiver.direction = "inactive";
    await pageOffers(ends);
    transceiver.direction = "sendrecv";
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["video"]);
  },

  "the Rust end's track is muted until packets come": async (test) => {
    const ends = await pair(test);
    await devices(test, ends.pc, ["audio"]);
    await pageOffers(ends);
    await ends.remote.event("unmute", (e) => e.kind === "unmute");
  },

  "media goes on through an ICE restart": async (test) => {
    const ends = await pair(test);
    await devices(test, ends.pc, ["audio", "video"]);
    await ends.remote.call("echo");
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["audio", "video"]);
    ends.pc.restartIce();
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["audio", "video"]);
  },

  // It begins with 300 kbit/s; the probes that find more are repetitions, which browsers swallow.
  "the Rust peer finds out how fast the path to this browser is": async (test) => {
    const ends = await pair(test);
    await devices(test, ends.pc, ["video"]);
    await ends.remote.call("echo");
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["video"]);
    const estimate = async () => (await ends.remote.stats()).find((s) => s.availableOutgoingBitrate)?.availableOutgoingBitrate;
    test.onFailure(async () => `the estimate: ${await estimate()}`);
    await ends.remote.event("more than 1 Mbit/s", (e) => e.kind === "targetbitrate" && e.bitrates.some((rate) => rate > 1_000_000));
    if (!((await estimate()) > 0)) throw new Error("the statistics do not tell");
    await comesBack(test, ends.pc, ["video"]);
  },

  // RFC 4733 §3.2: a low and a high tone together are a key.
  "a telephone key that the Rust peer plays is heard": async (test) => {
    const ends = await pair(test);
    const context = await webAudio(test);
    await devices(test, ends.pc, ["audio"]);
    await ends.remote.call("echo", { by: "frames" });
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["audio"]);
    play(test, ends.pc);
    const hear = listen(context, ends.pc.getReceivers()[0].track);
    let last = [];
    test.onFailure(async () => `of each key's tones were heard, in dB, ${JSON.stringify(last)}`);
    for (const [key, low, high] of [["1", 697, 1_209], ["#", 941, 1_477]]) {
      await ends.remote.call("playTones", { tones: key });
      const others = [770, 852, 1_336, 1_633];
      do {
        await new Promise((resolve) => setTimeout(resolve, 50));
        const now = hear();
        last = [low, high, ...others].map(now.at);
      } while (!(last[0] > -50 && last[1] > -50 && Math.max(...last.slice(2)) < Math.min(last[0], last[1]) - 15));
    }
  },

  "another track takes over without negotiation": async (test) => {
    const ends = await pair(test);
    await devices(test, ends.pc, ["video"]);
    await ends.remote.call("echo");
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["video"]);
    await ends.pc.getSenders()[0].replaceTrack((await device(test, { video: { width: 320, height: 240 } })).getTracks()[0]);
    await comesBack(test, ends.pc, ["video"]);
  },
};

async function everyCodecComesBack(test, by) {
  const codecs = RTCRtpSender.getCapabilities("video").codecs.filter((c) => /VP8|VP9|H264|AV1/.test(c.mimeType));
  for (const codec of firstOfEach(codecs)) {
    const ends = await pair(test);
    await devices(test, ends.pc, ["video"]);
    const again = RTCRtpReceiver.getCapabilities("video").codecs.filter((c) => c.mimeType === "video/rtx");
    ends.pc.getTransceivers()[0].setCodecPreferences([codec, ...again]);
    await ends.remote.call("echo", { by });
    await pageOffers(ends);
    test.onFailure(async () => `with ${codec.mimeType} by ${by}`);
    const [inbound] = await comesBack(test, ends.pc, ["video"]);
    const used = (await ends.pc.getStats()).get(inbound.codecId);
    equal(used.mimeType, codec.mimeType, "the codec that came back");
  }
}

// Waits until so much more of each kind was decoded here; gives the statistics of the streams.
export async function comesBack(test, pc, kinds) {
  test.onFailure(async () => `decoded here: ${JSON.stringify(await decoded(pc))}`);
  play(test, pc);
  await connected(pc);
  const before = await decoded(pc);
  for (;;) {
    const now = await decoded(pc);
    const enough = kinds.every((kind) => (now[kind]?.units ?? 0) - (before[kind]?.units ?? 0) >= (kind === "video" ? 20 : 50));
    if (enough) return kinds.map((kind) => now[kind].stats);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// Nothing is decoded that nobody plays.
export function play(test, pc) {
  const player = document.createElement("video");
  const tracks = pc.getReceivers().map((receiver) => receiver.track);
  Object.assign(player, { srcObject: new MediaStream(tracks), autoplay: true });
  document.body.append(player);
  test.onEnd(() => player.remove());
  return player;
}

async function decoded(pc) {
  const found = {};
  for (const stats of (await pc.getStats()).values()) {
    if (stats.type !== "inbound-rtp") continue;
    // Audio is decoded in packets of 20 ms.
    const units = stats.kind === "video" ? (stats.framesDecoded ?? 0) : Math.floor((stats.totalSamplesReceived ?? stats.packetsReceived * 960) / 960);
    if ((found[stats.kind]?.units ?? -1) < units) found[stats.kind] = { units, stats };
  }
  return found;
}

export function firstOfEach(codecs) {
  return codecs.filter((codec, at) => codecs.findIndex((c) => c.mimeType === codec.mimeType) === at);
}
