// Transceivers that end and begin while media flows.
import { devices } from "./devices.js";
import { comesBack } from "./media.js";
import { equal, pageOffers, pair, rustOffers } from "./pair.js";

export const scenarios = {
  "a camera that the page stops makes room for another one while sound flows": async (test) => {
    const ends = await pair(test);
    await devices(test, ends.pc, ["audio", "video"]);
    await ends.remote.call("echo");
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["audio", "video"]);
    const [, { mid }] = ends.pc.getTransceivers();
    ends.pc.getTransceivers()[1].stop();
    await pageOffers(ends);
    await onlySoundIsLeft(test, ends);

    await devices(test, ends.pc, ["video"]);
    await pageOffers(ends);
    await bothFlow(test, ends, mid);
  },

  "a camera that the Rust end stops makes room for another one while sound flows": async (test) => {
    const ends = await pair(test);
    await rustOffersEcho(test, ends);
    const [, { mid }] = ends.pc.getTransceivers();
    await ends.remote.call("stopTransceiver", { mid });
    await rustOffers(ends);
    await onlySoundIsLeft(test, ends);

    await ends.remote.call("addTransceiver", { kind: "video" });
    await devices(test, ends.pc, ["video"]);
    await rustOffers(ends);
    await bothFlow(test, ends, mid);
  },

  "what one end stops the other one may begin anew": async (test) => {
    const ends = await pair(test);
    await rustOffersEcho(test, ends);
    const [, { mid }] = ends.pc.getTransceivers();
    ends.pc.getTransceivers()[1].stop();
    await pageOffers(ends);
    await onlySoundIsLeft(test, ends);

    await ends.remote.call("addTransceiver", { kind: "video" });
    await devices(test, ends.pc, ["video"]);
    await rustOffers(ends);
    await bothFlow(test, ends, mid);
  },
};

async function rustOffersEcho(test, ends) {
  for (const kind of ["audio", "video"]) await ends.remote.call("addTransceiver", { kind });
  await ends.remote.call("echo");
  await devices(test, ends.pc, ["audio", "video"]);
  await rustOffers(ends);
  await comesBack(test, ends.pc, ["audio", "video"]);
}

async function onlySoundIsLeft(test, { pc, remote }) {
  equal((await remote.state()).transceivers.map(({ kind }) => kind), ["audio"], "the Rust end's transceivers");
  equal(pc.getTransceivers().filter((it) => it.currentDirection !== "stopped").length, 1, "the page's");
  await comesBack(test, pc, ["audio"]);
}

// In the place that became free, by another name.
async function bothFlow(test, { pc, remote }, before) {
  equal(pc.localDescription.sdp.match(/^m=\w+/gm), ["m=audio", "m=video"], "sections");
  const { transceivers } = await remote.state();
  equal(transceivers.map(({ kind }) => kind), ["audio", "video"], "the Rust end's transceivers");
  equal(transceivers[1].mid === before, false, "the name of the section that was stopped is used again");
  await comesBack(test, pc, ["audio", "video"]);
}
