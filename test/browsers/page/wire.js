// What browsers put on the wire and one would not guess, counted in the packets themselves. The facts are those
// of docs/browsers.md.
import { device, devices } from "./devices.js";
import { connected, equal, pageOffers, pair, rustOffers } from "./pair.js";

const IS_FIREFOX = navigator.userAgent.includes("Firefox");

export const scenarios = {
  "packets have their names until the first report of their stream": async (test) => {
    const ends = await captured(test);
    await devices(test, ends.pc, ["audio", "video"]);
    await negotiate(ends);
    await until(async () => (await busy(ends)).length >= 2);
    for (const { ssrc, named, namedLate } of await busy(ends)) {
      if (!(named > 0)) throw new Error(`the stream ${ssrc} has no name`);
      equal(namedLate, 0, `packets of ${ssrc} that are named though they were reported`);
    }
  },

  "once RED is agreed on every packet of video is in one block of it, and nothing is for repair": async (test) => {
    const ends = await captured(test);
    await ends.remote.call("addTransceiver", { kind: "video" });
    await ends.remote.call("watch");
    await devices(test, ends.pc, ["video"]);
    await rustOffers(ends);
    const { vp8, red } = payloadTypes(ends);
    const sent = async () => (await busy(ends)).find(({ byPayloadType }) => byPayloadType[red] >= 100);
    await until(sent);
    const { byPayloadType, firstBytes } = await sent();
    equal(Object.keys(byPayloadType), [`${red}`], "payload types");
    equal(Object.keys(firstBytes), [`${vp8}`], "blocks");
  },

  "VP8 has numbers of pictures": async (test) => {
    const { long, short } = await descriptors(test, false);
    equal([long > 0, short], [true, 0], "packets with and without");
  },

  "VP8 has no numbers of pictures once the dependency descriptor is agreed on": async (test) => {
    const { long, short } = await descriptors(test, true);
    equal([long, short > 0], [0, true], "packets with and without");
  },

  "three layers of VP9 are one stream unless each of them is to be one": async (test) => {
    if (IS_FIREFOX) test.skip("it sends all three");
    equal(await streamsOfVp9(test, {}), 1, "streams");
    const more = await streamsOfVp9(test, { scalabilityMode: "L1T1" });
    if (!(more >= 2)) throw new Error(`${more} streams`);
  },

  // A sixth of it where the event is counted on Opus' clock and ended by its own.
  "a key of half a second lasts that long by its own clock": async (test) => {
    const ends = await captured(test);
    await devices(test, ends.pc, ["audio"]);
    const [transceiver] = ends.pc.getTransceivers();
    const { sender } = transceiver;
    // With a codec of 8 kHz the event of that clock is agreed on, too, which Chromium prefers.
    const { codecs } = RTCRtpReceiver.getCapabilities("audio");
    const wanted = codecs.filter(({ mimeType }) => ["audio/opus", "audio/telephone-event"].includes(mimeType));
    if (!IS_FIREFOX) transceiver.setCodecPreferences(wanted);
    await negotiate(ends);
    const keys = async () => {
      const { streams } = await ends.remote.call("wire", { mid: 0 });
      return Object.values(streams).flatMap(({ events }) => Object.entries(events[event.payloadType] ?? {}));
    };
    const event = telephoneEvent(ends.pc.remoteDescription);
    equal(event.clock, IS_FIREFOX ? 8_000 : 48_000, "the clock of the only event in the Rust end's answer");
    await until(() => sender.dtmf.canInsertDTMF);
    sender.dtmf.insertDTMF("5", 500);
    await until(async () => (await keys()).length > 0 && sender.dtmf.toneBuffer === "");
    const [[, { duration, tookMs }]] = await settled(keys);
    const lasts = duration / event.clock;
    if (!(lasts >= 0.45 && lasts <= 0.65)) throw new Error(`it lasts ${lasts} s`);
    if (IS_FIREFOX ? tookMs > 300 : tookMs < 300) throw new Error(`it took ${tookMs} ms`);
  },

  "on hold Chromium's sound goes on in time, Firefox's says goodbye and stands still": async (test) => {
    const ends = await captured(test);
    await devices(test, ends.pc, ["audio"]);
    await negotiate(ends);
    const [transceiver] = ends.pc.getTransceivers();
    const seen = async () => (await ends.remote.call("seen"))[transceiver.mid];
    await until(async () => (await seen()).packets > 25);
    transceiver.direction = "inactive";
    await pageOffers(ends);
    const before = await settled(async () => (await seen()).packets);
    transceiver.direction = "sendonly";
    await pageOffers(ends);
    await until(async () => (await seen()).packets > before + 25);

    const { longestPause: { ms, ticks } } = await seen();
    const share = ticks / (48 * ms);
    if (!(ms >= 400 && (IS_FIREFOX ? share < 0.25 : share > 0.75))) throw new Error(`a pause of ${ms} ms is one of ${ticks} ticks`);
    const { goodbyes, streams } = await ends.remote.call("wire", { mid: 0 });
    equal(goodbyes > 0, IS_FIREFOX, "it said goodbye");
    equal(Object.values(streams).filter(({ packets }) => packets > 0).length, 1, "streams");
  },

  "ids of header extensions are those that every browser takes": async (test) => {
    const ends = await pair(test);
    for (const kind of ["audio", "video"]) await ends.remote.call("addTransceiver", { kind });
    const { type, sdp } = await ends.remote.call("setLocalDescription", null);
    const ids = [...sdp.matchAll(/^a=extmap:(\d+)/gm)].map(([, id]) => Number(id));
    if (!(ids.length && Math.max(...ids) <= 14)) throw new Error(`the Rust end offers the ids ${ids}`);
    const takes = async (id) => {
      const taking = new RTCPeerConnection();
      test.onEnd(() => taking.close());
      const renumbered = sdp.replace(/^a=extmap:\d+( .*toffset)/m, `a=extmap:${id}$1`);
      return taking.setRemoteDescription({ type, sdp: renumbered }).then(() => true, () => false);
    };
    equal([await takes(14), await takes(15)], [true, !IS_FIREFOX], "takes the ids 14 and 15");
  },
};

// A connection whose packets the Rust end writes down.
function captured(test) {
  return pair(test, { endpoint: { capture: true } });
}

async function negotiate(ends) {
  await ends.remote.call("watch");
  await pageOffers(ends);
  await connected(ends.pc);
}

// The streams of which there is something to see.
async function busy({ pc, remote }) {
  const mid = Number(pc.localDescription.sdp.match(/^a=extmap:(\d+)\S* urn:ietf:params:rtp-hdrext:sdes:mid/m)[1]);
  const { streams } = await remote.call("wire", { mid });
  return Object.entries(streams).map(([ssrc, stream]) => ({ ssrc, ...stream })).filter(({ packets }) => packets >= 100);
}

// Three layers of VP8: how many packets have a descriptor of more than one byte, and of one.
async function descriptors(test, agreed) {
  const ends = await captured(test);
  const stream = await device(test, { video: { width: 1280, height: 720 } });
  const sendEncodings = [4, 2, 1].map((scaleResolutionDownBy, at) => ({ rid: "qhf"[at], scaleResolutionDownBy }));
  const transceiver = ends.pc.addTransceiver(stream.getTracks()[0], { direction: "sendonly", sendEncodings });
  // Not in RED.
  const { codecs } = RTCRtpReceiver.getCapabilities("video");
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === "video/VP8"));
  if (agreed) await ends.remote.call("describeDependencies");
  await negotiate(ends);
  equal(ends.pc.remoteDescription.sdp.includes("dependency-descriptor"), agreed, "the dependency descriptor is agreed on");
  const { vp8 } = payloadTypes(ends);
  const media = async () => (await busy(ends)).filter(({ byPayloadType }) => byPayloadType[vp8] > 60);
  await until(async () => (await media()).length > 0);
  // The Rust end tells frames from each other by either.
  await until(async () => (await ends.remote.call("seen"))[transceiver.mid].frames > 60);
  const found = { long: 0, short: 0 };
  for (const { firstBytes } of await media()) {
    for (const [first, packets] of Object.entries(firstBytes)) found[first & 0x80 ? "long" : "short"] += packets;
  }
  return found;
}

async function streamsOfVp9(test, each) {
  const ends = await captured(test);
  const stream = await device(test, { video: { width: 1280, height: 720 } });
  const sendEncodings = [4, 2, 1].map((scaleResolutionDownBy, at) => ({ rid: "qhf"[at], scaleResolutionDownBy, ...each }));
  const transceiver = ends.pc.addTransceiver(stream.getTracks()[0], { direction: "sendonly", sendEncodings });
  const { codecs } = RTCRtpReceiver.getCapabilities("video");
  transceiver.setCodecPreferences(codecs.filter(({ mimeType, sdpFmtpLine }) => mimeType === "video/VP9" && /profile-id=0/.test(sdpFmtpLine)));
  await negotiate(ends);
  const layers = async () => Object.keys((await ends.remote.call("seen"))[transceiver.mid].layers).length;
  await until(async () => (await ends.remote.call("seen"))[transceiver.mid].frames > 60);
  const count = await layers();
  ends.pc.close();
  return count;
}

function payloadTypes({ pc }) {
  const of = (name) => Number(pc.localDescription.sdp.match(new RegExp(`^a=rtpmap:(\\d+) ${name}/90000`, "mi"))?.[1]);
  return { vp8: of("VP8"), red: of("red") };
}

function telephoneEvent({ sdp }) {
  const all = [...sdp.matchAll(/^a=rtpmap:(\d+) telephone-event\/(\d+)/gm)];
  equal(all.length, 1, "events");
  const [[, payloadType, clock]] = all;
  return { payloadType, clock: Number(clock) };
}

// What it is once it has been the same for half a second.
export async function settled(value) {
  for (let [last, since] = [null, 0]; ; await pause(50)) {
    const now = JSON.stringify(await value());
    if (now !== last) [last, since] = [now, performance.now()];
    else if (performance.now() - since > 500) return JSON.parse(now);
  }
}

export async function until(holds) {
  while (!(await holds())) await pause(50);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
