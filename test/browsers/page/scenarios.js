// Each scenario is one sentence about this browser and the Rust peer.
import { announced, exchange, SMALL, TEXTS } from "./exchange.js";
import { connected, equal, once, opened, pageOffers, pair, pattern, rustOffers } from "./pair.js";

export const scenarios = {
  "the page offers and data flows both ways": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await exchange(ends, await opened(channel), await announced(ends.remote, "data"));
  },

  "the Rust peer offers and data flows both ways": async (test) => {
    const ends = await pair(test);
    const { id } = await ends.remote.call("createDataChannel", { label: "data" });
    const arrived = once(ends.pc, "datachannel");
    await rustOffers(ends);
    await exchange(ends, await opened((await arrived).channel), id);
  },

  "a channel's properties arrive unchanged in both directions": async (test) => {
    const ends = await pair(test);
    const kinds = [
      { label: "ordered" },
      { label: "unordered", ordered: false },
      { label: "retransmits", ordered: false, maxRetransmits: 3 },
      { label: "lifetime", ordered: true, maxPacketLifeTime: 500, protocol: "söme/proto" },
    ];
    for (const { label, ...init } of kinds) ends.pc.createDataChannel(label, init);
    await pageOffers(ends);
    for (const { label, ...init } of kinds) {
      const { channel } = await ends.remote.event(label, (e) => e.kind === "datachannel" && e.channel.label === label);
      equal(properties(channel), properties({ ...init, label }), `the Rust end's ${label}`);
      const back = once(ends.pc, "datachannel");
      await ends.remote.call("createDataChannel", { label: `${label}-back`, init });
      equal(properties((await back).channel), properties({ ...init, label: `${label}-back` }), `the page's ${label}`);
    }
  },

  "a negotiated channel works without announcement": async (test) => {
    const ends = await pair(test);
    const init = { negotiated: true, id: 7 };
    const channel = ends.pc.createDataChannel("agreed", init);
    const { id } = await ends.remote.call("createDataChannel", { label: "agreed", init });
    await pageOffers(ends);
    await exchange(ends, await opened(channel), id);
  },

  "partially reliable and unordered channels deliver on a clean path": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("lossy", { ordered: false, maxRetransmits: 0 });
    await pageOffers(ends);
    // Sizes that no socket buffer between the two can overflow: nothing is sent again here.
    await exchange(ends, await opened(channel), await announced(ends.remote, "lossy"), SMALL, TEXTS.slice(0, 2));
  },

  "the page closes a channel and the Rust end hears of it": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await opened(channel);
    const id = await announced(ends.remote, "data");
    const closed = once(channel, "close");
    channel.close();
    await ends.remote.event("close", (e) => e.kind === "close" && e.id === id);
    await closed;
    equal(channel.readyState, "closed", "the page's channel");
    const again = await opened(ends.pc.createDataChannel("again"));
    await exchange(ends, again, await announced(ends.remote, "again"), [16384]);
  },

  "the Rust end closes a channel and the page hears of it": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await opened(channel);
    const id = await announced(ends.remote, "data");
    const closed = once(channel, "close");
    await ends.remote.call("closeChannel", { id });
    await closed;
    await ends.remote.event("close", (e) => e.kind === "close" && e.id === id);
  },

  "the Rust end closes the connection and the page's channel closes": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await opened(channel);
    const closed = once(channel, "close");
    await ends.remote.call("close");
    await closed;
  },

  "the page closes the connection and the Rust end's channel closes": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await opened(channel);
    const id = await announced(ends.remote, "data");
    ends.pc.close();
    await ends.remote.event("close", (e) => e.kind === "close" && e.id === id);
  },

  "the page restarts ICE while data flows": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await opened(channel);
    const id = await announced(ends.remote, "data");
    const before = fragment(ends.pc.localDescription);
    ends.pc.restartIce();
    await pageOffers(ends);
    if (fragment(ends.pc.localDescription) === before) throw new Error("the page did not restart");
    await exchange(ends, channel, id);
    await connected(ends.pc);
    equal((await ends.remote.state()).connectionState, "connected", "the Rust end");
  },

  "the Rust end restarts ICE while data flows": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await opened(channel);
    const id = await announced(ends.remote, "data");
    const before = fragment(ends.pc.remoteDescription);
    await ends.remote.call("restartIce");
    await rustOffers(ends);
    if (fragment(ends.pc.remoteDescription) === before) throw new Error("the Rust end did not restart");
    await exchange(ends, channel, id);
    await connected(ends.pc);
  },

  "both offer at once and the polite page rolls back": async (test) => {
    const ends = await pair(test);
    // No channel of the page's own: Chromium rejects data sections once it rolled one back.
    ends.pc.addTransceiver("audio");
    await ends.remote.call("addTransceiver", { kind: "audio" });
    await ends.remote.call("createDataChannel", { label: "data" });
    const arrived = once(ends.pc, "datachannel");
    await ends.pc.setLocalDescription();
    await rustOffers(ends);
    await opened((await arrived).channel);
    equal(ends.pc.signalingState, "stable", "the page");
  },

  "both offer at once and the polite Rust end rolls back": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await ends.remote.call("addTransceiver", { kind: "video" });
    await ends.remote.call("setLocalDescription", null);
    await pageOffers(ends);
    await opened(channel);
    await announced(ends.remote, "data");
    const state = await ends.remote.state();
    equal(state.signalingState, "stable", "the Rust end");
    equal(state.transceivers.map((t) => t.mid), [null], "the Rust transceiver is unassociated again");
    await rustOffers(ends);
    await connected(ends.pc);
  },

  "the Rust end's explicit rollback leaves the connection as it was": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    await pageOffers(ends);
    await opened(channel);
    const id = await announced(ends.remote, "data");
    await ends.remote.call("addTransceiver", { kind: "audio" });
    await ends.remote.call("setLocalDescription", null);
    equal((await ends.remote.state()).signalingState, "have-local-offer", "with an offer");
    await ends.remote.call("setLocalDescription", { type: "rollback" });
    equal((await ends.remote.state()).signalingState, "stable", "rolled back");
    await exchange(ends, channel, id, [1, 65536]);
  },

  "audio and video that the page offers are rolled back at both ends and offered again": async (test) => {
    const ends = await pair(test);
    const { pc, remote } = ends;
    for (const kind of KINDS) pc.addTransceiver(kind);
    await pc.setLocalDescription();
    await remote.call("setRemoteDescription", pc.localDescription);
    equal((await remote.state()).transceivers.length, 2, "the Rust end's transceivers with the offer");
    await remote.call("setRemoteDescription", { type: "rollback" });
    await pc.setLocalDescription({ type: "rollback" });
    const { signalingState, transceivers } = await remote.state();
    equal([signalingState, transceivers.length], ["stable", 0], "the Rust end, rolled back");
    equal(pc.getTransceivers().map((t) => t.mid), [null, null], "the page's mids, rolled back");
    await pageOffers(ends);
    await connected(pc);
    equal((await remote.state()).transceivers.map((t) => t.currentDirection), ["recvonly", "recvonly"], "directions");
  },

  "audio and video that the Rust end offers are rolled back at both ends and offered again": async (test) => {
    const ends = await pair(test);
    const { pc, remote } = ends;
    for (const kind of KINDS) await remote.call("addTransceiver", { kind });
    await pc.setRemoteDescription(await remote.call("setLocalDescription", null));
    equal(pc.getTransceivers().length, 2, "the page's transceivers with the offer");
    await pc.setRemoteDescription({ type: "rollback" });
    await remote.call("setLocalDescription", { type: "rollback" });
    equal([pc.signalingState, pc.getTransceivers().length], ["stable", 0], "the page, rolled back");
    equal((await remote.state()).transceivers.map((t) => t.mid), [null, null], "the Rust end's mids, rolled back");
    await rustOffers(ends);
    await connected(pc);
    equal(pc.getTransceivers().map((t) => t.currentDirection), ["recvonly", "recvonly"], "directions");
  },

  "the page offers audio and its transport comes up": (test) => pageOffersMedia(test, ["audio"]),
  "the page offers video and its transport comes up": (test) => pageOffersMedia(test, ["video"]),
  "the page offers audio and video on one transport": (test) => pageOffersMedia(test, ["audio", "video"]),

  "the Rust peer offers audio and its transport comes up": (test) => rustOffersMedia(test, ["audio"]),
  "the Rust peer offers video and its transport comes up": (test) => rustOffersMedia(test, ["video"]),
  "the Rust peer offers audio and video on one transport": (test) => rustOffersMedia(test, ["audio", "video"]),

  "without BUNDLE each m-line gets its own transport": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    ends.pc.addTransceiver("audio");
    await ends.pc.setLocalDescription();
    const unbundled = ends.pc.localDescription.sdp.replace(/a=group:BUNDLE [^\r]*\r\n/, "");
    await ends.remote.call("setRemoteDescription", { type: "offer", sdp: unbundled });
    ends.ready.there.pass();
    await ends.pc.setRemoteDescription(await ends.remote.call("setLocalDescription", null));
    ends.ready.here.pass();
    await opened(channel);
    await connected(ends.pc);
    const transports = new Set([ends.pc.sctp.transport, ends.pc.getReceivers()[0].transport]);
    equal(transports.size, 2, "transports");
  },

  "the page adds m-lines to a group that the Rust end offered": async (test) => {
    for (const bundlePolicy of ["balanced", "max-compat", "max-bundle"]) {
      const ends = await pair(test, { rust: { bundlePolicy } });
      for (const kind of ["audio", "video", "audio", "video"]) await ends.remote.call("addTransceiver", { kind });
      const { id } = await ends.remote.call("createDataChannel", { label: "data" });
      const arrived = new Promise((resolve) => (ends.pc.ondatachannel = resolve));
      await rustOffers(ends);
      const channel = await opened((await arrived).channel);
      for (const kind of ["audio", "video"]) ends.pc.addTransceiver(kind);
      await pageOffers(ends);
      await exchange(ends, channel, id, SMALL);
      equal((await ends.remote.state()).transceivers.length, 6, `${bundlePolicy}: the Rust end's transceivers`);
    }
  },

  "an m-line is stopped, rejected and recycled, and data flows on": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("data");
    const audio = ends.pc.addTransceiver("audio");
    await pageOffers(ends);
    await opened(channel);
    const id = await announced(ends.remote, "data");
    audio.stop();
    await pageOffers(ends);
    await exchange(ends, channel, id, SMALL);
    equal((await ends.remote.state()).transceivers.length, 0, "the Rust end's transceivers after stop");
    const next = ends.pc.addTransceiver("audio");
    await pageOffers(ends);
    const sections = ends.pc.localDescription.sdp.match(/^m=.*/gm);
    equal(sections.length, 2, "sections");
    equal((await ends.remote.state()).transceivers.map((t) => t.mid), [next.mid], "the recycled section");
    await exchange(ends, channel, id, SMALL);
  },

  "the Rust end stops and recycles the m-line that leads the group, and data flows on": async (test) => {
    const ends = await pair(test);
    await ends.remote.call("addTransceiver", { kind: "audio" });
    const { id } = await ends.remote.call("createDataChannel", { label: "data" });
    const arrived = new Promise((resolve) => (ends.pc.ondatachannel = resolve));
    await rustOffers(ends);
    const channel = await opened((await arrived).channel);
    await ends.remote.call("stopTransceiver", { mid: "0" });
    await rustOffers(ends);
    await exchange(ends, channel, id, SMALL);
    await ends.remote.call("addTransceiver", { kind: "video" });
    await rustOffers(ends);
    const sections = ends.pc.remoteDescription.sdp.match(/^m=.*/gm);
    equal(sections.map((line) => line.split(" ")[0]), ["m=video", "m=application"], "sections");
    await exchange(ends, channel, id, SMALL);
  },

  "all m-lines of the Rust end are accepted with each bundle policy": async (test) => {
    for (const bundlePolicy of ["balanced", "max-compat", "max-bundle"]) {
      const ends = await pair(test, { rust: { bundlePolicy } });
      for (const kind of [...KINDS, ...KINDS]) await ends.remote.call("addTransceiver", { kind });
      const { id } = await ends.remote.call("createDataChannel", { label: "data" });
      const arrived = once(ends.pc, "datachannel");
      await rustOffers(ends);
      equal(ends.pc.getTransceivers().map((t) => t.currentDirection), Array(4).fill("recvonly"), bundlePolicy);
      await exchange(ends, await opened((await arrived).channel), id, [1]);
    }
  },

  "a hundred channels open, speak and close": async (test) => {
    const ends = await pair(test);
    const channels = Array.from({ length: 100 }, (_, n) => ends.pc.createDataChannel(`c${n}`));
    await pageOffers(ends);
    await Promise.all(channels.map(opened));
    await Promise.all(
      channels.map(async (channel, n) => {
        const id = await announced(ends.remote, `c${n}`);
        channel.send(`hello ${n}`);
        await ends.remote.event("text", (e) => e.kind === "message" && e.id === id && e.text === `hello ${n}`);
        const closed = once(channel, "close");
        channel.close();
        await closed;
      }),
    );
  },

  "thirty-two megabytes flow each way and every byte is counted": async (test) => {
    const ends = await pair(test);
    const channel = ends.pc.createDataChannel("bulk");
    channel.binaryType = "arraybuffer";
    await pageOffers(ends);
    await opened(channel);
    const id = await announced(ends.remote, "bulk");
    const [size, count] = [65536, 512];
    let got = 0;
    const back = new Promise((resolve) => {
      channel.onmessage = ({ data }) => (got += data.byteLength) === size * count && resolve();
    });
    await ends.remote.call("count", { id, on: true });
    channel.bufferedAmountLowThreshold = size * 4;
    for (let n = 0; n < count; n++) {
      while (channel.bufferedAmount > size * 8) await once(channel, "bufferedamountlow");
      channel.send(pattern(size, n));
    }
    await ends.remote.event("counted", (e) => e.kind === "counted" && e.id === id && e.bytes === size * count);
    await ends.remote.call("sendPattern", { id, size, count });
    await back;
    equal(got, size * count, "bytes at the page");
  },
};

const KINDS = ["audio", "video"];

async function pageOffersMedia(test, kinds) {
  const ends = await pair(test);
  for (const kind of kinds) ends.pc.addTransceiver(kind, { direction: "sendrecv" });
  await pageOffers(ends);
  await connected(ends.pc);
  const { transceivers } = await ends.remote.state();
  equal(transceivers.map((t) => t.kind), kinds, "the Rust end's transceivers");
  equal(transceivers.map((t) => t.mid), ends.pc.getTransceivers().map((t) => t.mid), "mids");
  equal(ends.pc.getTransceivers().map((t) => t.currentDirection), kinds.map(() => "sendonly"), "directions");
  equal(transceivers.map((t) => t.currentDirection), kinds.map(() => "recvonly"), "directions at the Rust end");
}

async function rustOffersMedia(test, kinds) {
  const ends = await pair(test);
  for (const kind of kinds) await ends.remote.call("addTransceiver", { kind });
  await rustOffers(ends);
  await connected(ends.pc);
  equal(ends.pc.getTransceivers().map((t) => t.receiver.track.kind), kinds, "the page's transceivers");
  equal(ends.pc.getTransceivers().map((t) => t.currentDirection), kinds.map(() => "recvonly"), "directions");
  const first = ends.pc.getReceivers().map((r) => r.getParameters().codecs[0]?.mimeType.toLowerCase());
  const expected = { audio: "audio/opus", video: "video/vp8" };
  equal(first, kinds.map((kind) => expected[kind]), "the first codecs");
}

function properties({ label, ordered = true, maxRetransmits = null, maxPacketLifeTime = null, protocol = "" }) {
  return { label, ordered, maxRetransmits, maxPacketLifeTime, protocol };
}

const fragment = ({ sdp }) => sdp.match(/a=ice-ufrag:(\S+)/)[1];
