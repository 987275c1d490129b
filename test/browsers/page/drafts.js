// Setting up as drafts say, with a libwebrtc whose field trials are on: the DTLS handshake inside of
// checks (draft-hancke-webrtc-sped) and SCTP by the descriptions (draft-hancke-tsvwg-snap).
import { announced, exchange, SMALL } from "./exchange.js";
import { equal, once, opened, pageOffers, pair, rustOffers } from "./pair.js";

const ON = { sped: true, sctpSnap: true };

export const scenarios = {
  "the page offers SNAP and is answered": (test) => offered(test, {}),

  "both ends do all of it and the page offers": (test) => offered(test, ON),

  "both ends do all of it, with post-quantum keys, and the page offers": (test) =>
    offered(test, { ...ON, postQuantum: true }),

  "both ends do all of it and the Rust end offers": (test) => answered(test, ON),

  "both ends do all of it, with post-quantum keys, and the Rust end offers": (test) =>
    answered(test, { ...ON, postQuantum: true }),

  "channels go on after a second exchange and an ICE restart": async (test) => {
    const ends = await pair(test, { endpoint: ON });
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await opened(channel);
    const id = await announced(ends.remote, "data");
    const before = inits(ends);
    ends.pc.restartIce();
    await pageOffers(ends);
    await rustOffers(ends);
    equal(inits(ends), before, "the lines after it");
    await exchange(ends, channel, id, SMALL);
  },
};

async function offered(test, endpoint) {
  const ends = await pair(test, { endpoint });
  const channel = ends.pc.createDataChannel("data");
  await pageOffers(ends);
  equal(inits(ends).length, 2, "lines of SNAP");
  await exchange(ends, await opened(channel), await announced(ends.remote, "data"), SMALL);
}

async function answered(test, endpoint) {
  const ends = await pair(test, { endpoint });
  const { id } = await ends.remote.call("createDataChannel", { label: "data" });
  const arrived = once(ends.pc, "datachannel");
  await rustOffers(ends);
  equal(inits(ends).length, 2, "lines of SNAP");
  await exchange(ends, await opened((await arrived).channel), id, SMALL);
}

const inits = ({ pc }) =>
  [pc.localDescription, pc.remoteDescription].flatMap(({ sdp }) => sdp.match(/a=sctp-init:.*/g) ?? []);
