// Ways to each other: through TURN servers, over TCP, with candidates from a pool.
import { announced, exchange, SMALL } from "./exchange.js";
import { equal, once, opened, pageOffers, pair, rustOffers, selected } from "./pair.js";
import { get } from "./remote.js";

const SIZES = [...SMALL, 65536];

export const scenarios = {
  "the page uses only relayed candidates": (test) => relayed(test, { page: "udp" }),
  "the page uses only candidates relayed over TCP": (test) => relayed(test, { page: "tcp" }),
  "the Rust end uses only relayed candidates": (test) => relayed(test, { rust: "udp" }),
  "the Rust end uses only candidates relayed over TCP": (test) => relayed(test, { rust: "tcp" }),
  "the Rust end uses only candidates relayed over TLS": (test) => relayed(test, { rust: "tls" }),
  "both ends use only relayed candidates": (test) => relayed(test, { page: "udp", rust: "udp" }),

  "without UDP the page connects to where the Rust end listens": async (test) => {
    const ends = await pair(test, { endpoint: { tcpOnly: true } });
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await exchange(ends, await opened(channel), await announced(ends.remote, "data"), SIZES);
    await byTcp(ends);
  },

  "without UDP the Rust end offers and data flows over TCP": async (test) => {
    const ends = await pair(test, { endpoint: { tcpOnly: true } });
    const { id } = await ends.remote.call("createDataChannel", { label: "data" });
    const arrived = new Promise((resolve) => (ends.pc.ondatachannel = resolve));
    await rustOffers(ends);
    await exchange(ends, await opened((await arrived).channel), id, SIZES);
    await byTcp(ends);
  },

  "the page controls a lite Rust end that answers": async (test) => {
    const ends = await pair(test, { endpoint: { iceLite: true } });
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await exchange(ends, await opened(channel), await announced(ends.remote, "data"), SIZES);
    equal(await rustRole(ends.remote), "controlled", "the Rust end's role");
  },

  "the page controls a lite Rust end that offers": async (test) => {
    const ends = await pair(test, { endpoint: { iceLite: true } });
    const { id } = await ends.remote.call("createDataChannel", { label: "data" });
    const arrived = new Promise((resolve) => (ends.pc.ondatachannel = resolve));
    await rustOffers(ends);
    await exchange(ends, await opened((await arrived).channel), id, SIZES);
    equal(await rustRole(ends.remote), "controlled", "the Rust end's role");
  },

  "the Rust end nominates again when it finds a better path": (test) => renominated(test, false),
  "the page nominates again when it finds a better path": (test) => renominated(test, true),

  "a wrong password is an error at the page and at the Rust end": async (test) => {
    const { udp } = await get("/ice-servers");
    const configuration = relayOnly({ ...udp, credential: "wrong" });
    const ends = await pair(test, { page: configuration, rust: configuration });
    ends.pc.createDataChannel("data");
    const error = new Promise((resolve) => (ends.pc.onicecandidateerror = resolve));
    await pageOffers(ends);
    equal((await error).errorCode, 401, "the page's error code");
    const { errorCode, url } = await ends.remote.event("an error", (e) => e.kind === "icecandidateerror");
    equal([errorCode, url], [401, udp.urls[0]], "the Rust end's error");
  },

  "both ends take their first candidates from a pool": async (test) => {
    const configuration = { iceCandidatePoolSize: 2 };
    const ends = await pair(test, { page: configuration, rust: configuration });
    const { id } = await ends.remote.call("createDataChannel", { label: "data" });
    const arrived = new Promise((resolve) => (ends.pc.ondatachannel = resolve));
    await rustOffers(ends);
    await exchange(ends, await opened((await arrived).channel), id, SIZES);
  },
};

async function byTcp({ pc, remote }) {
  const ends = [selected(await pc.getStats()), selected(await rustReport(remote))];
  equal(ends.map(({ local, remote }) => [local.protocol, remote.protocol]), [["tcp", "tcp"], ["tcp", "tcp"]], "protocols");
}

async function rustRole(remote) {
  const transports = (await remote.stats()).filter(({ type }) => type === "transport");
  return transports[0].iceRole;
}

async function rustReport(remote) {
  return new Map((await remote.stats()).map((s) => [s.id, s]));
}

// Chromium has renomination and no way to ask for it but in the description. The Rust end's better
// address is told once data flows to the other one; of the page's it learns by checks.
async function renominated(test, pageControls) {
  if (navigator.userAgent.includes("Firefox")) test.skip("Firefox has no renomination");
  const { pc, remote } = await pair(test, { endpoint: { iceRenomination: true } });
  pc.onicecandidate = null;
  const says = ({ type, sdp }) => ({ type, sdp: sdp.replaceAll("a=ice-options:trickle", "$& renomination") });
  const rustDescribes = async () => {
    const { type, sdp } = await remote.call("setLocalDescription", null);
    if (!sdp.includes("a=ice-options:trickle ice2 renomination\r\n")) throw new Error(`no renomination in\n${sdp}`);
    await pc.setRemoteDescription({ type, sdp: sdp.replace(/a=(candidate|end-of-candidates).*\r\n/g, "") });
  };
  const pageDescribes = async (made) => {
    await pc.setLocalDescription(says(made));
    await remote.call("setRemoteDescription", says(made));
  };
  const opens = [];
  if (pageControls) {
    opens.push(pc.createDataChannel("data"), announced(remote, "data"));
    await pageDescribes(await pc.createOffer());
    await rustDescribes();
  } else {
    opens.push(new Promise((resolve) => (pc.ondatachannel = ({ channel }) => resolve(channel))));
    opens.push(remote.call("createDataChannel", { label: "data" }).then(({ id }) => id));
    await opens[1];
    await rustDescribes();
    await pageDescribes(await pc.createAnswer());
  }
  for (const address of ["127.0.0.1", "::1"]) {
    const words = ({ candidate }) => candidate.split(" ");
    const host = (candidate) => words(candidate)[2] === "udp" && words(candidate)[4] === address;
    const { candidate } = await remote.event(address, (e) => e.kind === "icecandidate" && e.candidate && host(e.candidate));
    await pc.addIceCandidate(candidate);
    const ice = pc.sctp.transport.iceTransport;
    const uses = (pair) => pair && words(pair.remote)[4] === address;
    while (!uses(ice.getSelectedCandidatePair())) await once(ice, "selectedcandidatepairchange");
    for (;;) {
      const { local, nominated } = selected(await rustReport(remote));
      if (local?.address === address && nominated) break;
    }
    await exchange({ remote }, await opened(await opens[0]), await opens[1], SMALL);
  }
}

// Each end that is named uses the TURN server by that transport, and nothing else.
async function relayed(test, { page, rust }) {
  const servers = await get("/ice-servers");
  const configuration = (transport) => (transport ? relayOnly(servers[transport]) : {});
  const ends = await pair(test, { page: configuration(page), rust: configuration(rust) });
  const channel = ends.pc.createDataChannel("data");
  await pageOffers(ends);
  await exchange(ends, await opened(channel), await announced(ends.remote, "data"), SIZES);
  if (page) {
    const { local } = selected(await ends.pc.getStats());
    equal([local.candidateType, local.relayProtocol], ["relay", page], "the page's candidate");
  }
  if (rust) {
    const { local } = selected(await rustReport(ends.remote));
    equal([local.candidateType, local.relayProtocol], ["relay", rust], "the Rust end's candidate");
  }
}

function relayOnly(server) {
  return { iceServers: [server], iceTransportPolicy: "relay" };
}
