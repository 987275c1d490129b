// Host addresses behind mDNS names, as browsers have them unless they are told otherwise.
import { announced, exchange, SMALL } from "./exchange.js";
import { connected, equal, opened, pageOffers, pair, rustOffers } from "./pair.js";

export const scenarios = {
  "the page hides its addresses and offers": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await exchange(ends, await opened(channel), await announced(ends.remote, "data"), SMALL);
    allNames(pageCandidates(ends), "the page's candidates");
    await found(ends);
  },

  "both ends hide their addresses and the page offers": async (test) => {
    const ends = await pair(test, { endpoint: { hideHostAddresses: true } });
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await exchange(ends, await opened(channel), await announced(ends.remote, "data"), SMALL);
    allNames(pageCandidates(ends), "the page's candidates");
    allNames(rustCandidates(ends), "the Rust end's candidates");
  },

  "both ends hide their addresses and the Rust end offers": async (test) => {
    const ends = await pair(test, { endpoint: { hideHostAddresses: true } });
    const { id } = await ends.remote.call("createDataChannel", { label: "data" });
    const arrived = new Promise((resolve) => (ends.pc.ondatachannel = resolve));
    await rustOffers(ends);
    await exchange(ends, await opened((await arrived).channel), id, SMALL);
    allNames(pageCandidates(ends), "the page's candidates");
    allNames(rustCandidates(ends), "the Rust end's candidates");
  },

  "both ends hide their addresses and the page restarts ICE": (test) =>
    restarted(test, async (ends) => {
      ends.pc.restartIce();
      await pageOffers(ends);
    }),

  "both ends hide their addresses and the Rust end restarts ICE": (test) =>
    restarted(test, async (ends) => {
      await ends.remote.call("restartIce");
      await rustOffers(ends);
    }),
};

async function restarted(test, restart) {
  const ends = await pair(test, { endpoint: { hideHostAddresses: true } });
  const channel = ends.pc.createDataChannel("data");
  await pageOffers(ends);
  await opened(channel);
  const id = await announced(ends.remote, "data");
  const fragments = () => [ends.pc.localDescription, ends.pc.remoteDescription].map((d) => d.sdp.match(/a=ice-ufrag:(.*)/)[1]);
  const before = fragments();
  await restart(ends);
  if (fragments().some((fragment) => before.includes(fragment))) throw new Error("ICE did not restart");
  await exchange(ends, channel, id, SMALL);
  await connected(ends.pc);
  equal((await ends.remote.state()).connectionState, "connected", "the Rust end");
  allNames(pageCandidates(ends), "the page's candidates");
  allNames(rustCandidates(ends), "the Rust end's candidates");
}

const pageCandidates = ({ pc }) => pc.localDescription.sdp.match(/(?<=a=)candidate:.*/g);

const rustCandidates = ({ remote }) =>
  remote.events.filter((e) => e.kind === "icecandidate" && e.candidate?.candidate).map((e) => e.candidate.candidate);

function allNames(candidates, what) {
  const hosts = candidates.filter((c) => c.includes(" typ host"));
  if (!hosts.length) throw new Error(`${what}: none`);
  const addresses = hosts.map((c) => c.split(" ")[4]).filter((address) => !address.endsWith(".local"));
  equal(addresses, [], what);
}

// The Rust end resolved a name: it knows a host candidate, which only signalling can have told.
async function found({ pc, remote }) {
  const ports = pageCandidates({ pc }).map((c) => Number(c.split(" ")[5]));
  for (;;) {
    const stats = await remote.stats();
    const hosts = stats.filter((s) => s.type === "remote-candidate" && s.candidateType === "host");
    if (hosts.some((s) => ports.includes(s.port))) return;
  }
}
