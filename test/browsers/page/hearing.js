// Sound whose packets are late and lost, the same ones for the browser and for the Rust peer: how long each holds it back,
// and how much of it each makes up.
import { connected, pair, rustOffers } from "./pair.js";
import { remotes } from "./call.js";

export const limit = 44_000;

// Until the delay has settled, and what is measured.
const [WARM, MEASURED] = [8, 25];
const NETWORKS = [5, 50, 150].flatMap((jitterMs) => [0.01, 0.05, 0.1].map((loss) => ({ jitterMs, loss, fec: false })));
NETWORKS.push({ jitterMs: 5, loss: 0.1, fec: true });

export const scenarios = {
  "the same packets to Chromium and to the Rust peer": async (test) => {
    const ends = await pair(test);
    for (const _ of NETWORKS) await ends.remote.call("addTransceiver", { kind: "audio" });
    await rustOffers(ends);
    await connected(ends.pc);
    for (const { track } of ends.pc.getReceivers()) {
      const player = new Audio();
      Object.assign(player, { srcObject: new MediaStream([track]), autoplay: true });
      document.body.append(player);
      test.onEnd(() => player.remove());
    }
    const { from, to } = await remotes(test, NETWORKS.map(() => ["audio"]));
    await to.call("listen");

    const seed = Math.floor(Math.random() * 2 ** 31);
    const words = { networks: NETWORKS, seed, seconds: WARM + MEASURED + 2 };
    await Promise.all([ends.remote, from].map((remote) => remote.call("speak", words)));
    const theirs = async () => [...(await ends.pc.getStats()).values()];
    const all = async () => Promise.all([theirs(), to.stats()].map(async (stats) => heard(await stats)));
    await new Promise((resolve) => setTimeout(resolve, WARM * 1_000));
    const before = await all();
    await new Promise((resolve) => setTimeout(resolve, MEASURED * 1_000));
    const after = await all();
    test.onFailure(async () => JSON.stringify({ before, after }));
    const table = {};
    for (const [at, { jitterMs, loss, fec }] of NETWORKS.entries()) {
      const name = `jitter ${jitterMs} ms, loss ${100 * loss} %${fec ? ", FEC" : ""}`;
      for (const [end, who] of ["Chromium", "duologue"].entries()) {
        const [from, to] = [before[end][at], after[end][at]];
        const grown = (member) => to[member] - from[member];
        table[`${name}: ${who}, delay ms`] = (1_000 * grown("jitterBufferDelay")) / grown("jitterBufferEmittedCount");
        table[`${name}: ${who}, concealed %`] = (100 * grown("concealedSamples")) / grown("totalSamplesReceived");
      }
    }
    return JSON.stringify(table);
  },
};

// What each receiver of sound tells, in the order of their m-lines.
function heard(stats) {
  const sound = stats.filter(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
  return sound.sort((a, b) => Number(a.mid) - Number(b.mid));
}
