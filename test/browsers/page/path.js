// How the estimate of a path follows it when it falls from 20 Mbit/s to 500 kbit/s and is 20 Mbit/s again:
// `examples/path.rs` makes the path. What is sent wants 3.5 Mbit/s, as in the simulated case of the same name.
import { connected, pair, rustOffers } from "./pair.js";
import { Remote } from "./remote.js";
import { play } from "./media.js";

export const limit = 60_000;

const [FULL, NARROW] = [20_000, 500];
const AT_MOST = 3_500_000;

export const scenarios = {
  "the Rust peer sends": async (test) => {
    const ends = await pair(test);
    await ends.remote.call("setPath", { kbps: FULL });
    await ends.remote.call("addTransceiver", { kind: "video", maxBitrate: AT_MOST });
    await ends.remote.call("fill");
    await rustOffers(ends);
    await connected(ends.pc);
    play(test, ends.pc);
    return follow(test, ends.remote, () => ends.remote.stats());
  },

  "the browser sends": async (test) => {
    // Of it only the path is wanted.
    const remote = await Remote.create({}, {});
    test.onEnd(() => remote.close());
    await remote.call("setPath", { kbps: FULL });
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    test.onEnd(() => [from, to].forEach((pc) => pc.close()));
    from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate ?? undefined);
    to.onicecandidate = ({ candidate }) => from.addIceCandidate(candidate ?? undefined);
    const track = noise(test);
    from.addTransceiver(track, { direction: "sendonly", sendEncodings: [{ maxBitrate: AT_MOST }] });
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription);
    await connected(from);
    play(test, to);
    return follow(test, remote, async () => [...(await from.getStats()).values()]);
  },
};

// What cannot be compressed: any bitrate is too little for it.
function noise(test) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
  const context = canvas.getContext("2d");
  const tiles = Array.from({ length: 8 }, () => {
    const tile = context.createImageData(320, 180);
    for (let i = 0; i < tile.data.length; i++) tile.data[i] = Math.random() * 256;
    return tile;
  });
  let picture = 0;
  const drawing = setInterval(() => {
    for (let i = 0; i < 16; i++) context.putImageData(tiles[(picture * 5 + i * 3) % 8], (i % 4) * 320, (i >> 2) * 180);
    picture += 1;
  }, 33);
  test.onEnd(() => clearInterval(drawing));
  const [track] = canvas.captureStream(30).getTracks();
  test.onEnd(() => track.stop());
  return track;
}

async function follow(test, remote, stats) {
  // In Mbit/s.
  const estimate = async () => Math.max(0, ...(await stats()).map((s) => s.availableOutgoingBitrate ?? 0)) / 1e6;
  const seen = [];
  test.onFailure(async () => JSON.stringify(seen));
  // Seconds since `began`, and the estimate.
  const watch = async (began, seconds) => {
    const samples = [];
    for (;;) {
      const rate = await estimate();
      const at = (performance.now() - began) / 1_000;
      samples.push([at, rate]);
      seen.push([at.toFixed(2), rate.toFixed(3)]);
      if (at >= seconds) return samples;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const before = (await watch(performance.now(), 10)).at(-1)[1];

  if (!(before > 1)) throw new Error(`the path is estimated at ${before} Mbit/s before anything happens`);
  await remote.call("setPath", { kbps: NARROW });
  const fall = await watch(performance.now(), 15);
  await remote.call("setPath", { kbps: FULL });
  const rise = await watch(performance.now(), 10);
  const first = (samples, wanted) => samples.find(([, rate]) => wanted(rate))?.[0] ?? null;
  const last = (samples, at) => samples.filter(([time]) => time <= at).at(-1)[1];
  return JSON.stringify({
    "20 Mbit/s: estimate, Mbit/s": before,
    "500 kbit/s: below it after, s": first(fall, (rate) => rate < 0.5),
    "500 kbit/s: lowest, Mbit/s": Math.min(...fall.map(([, rate]) => rate)),
    "500 kbit/s: after 15 s, Mbit/s": last(fall, 15),
    "20 Mbit/s again: 3.0 Mbit/s after, s": first(rise, (rate) => rate >= 3),
    "20 Mbit/s again: after 5 s, Mbit/s": last(rise, 5),
    "20 Mbit/s again: after 10 s, Mbit/s": last(rise, 10),
  });
}
