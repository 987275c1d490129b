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

  "a camera that is switched off in several ways at once comes back when all are undone": async (test) => {
    const { ends, transceiver } = await sendsCamera(test);
    const { sender } = transceiver;
    const { track } = sender;
    await Promise.all([sender.replaceTrack(null), active(sender, false)]);
    transceiver.direction = "recvonly";
    await pageOffers(ends);
    // In another order than they were done.
    transceiver.direction = "sendrecv";
    const back = sender.replaceTrack(track);
    await pageOffers(ends);
    await back;
    await active(sender, true);
    await comesBack(test, ends.pc, ["video"]);
  },

  "a camera that is removed and added again before anybody hears of it comes back": async (test) => {
    const { ends, transceiver } = await sendsCamera(test);
    const { track } = transceiver.sender;
    for (let turn = 0; turn < 3; turn++) {
      ends.pc.removeTrack(transceiver.sender);
      equal(ends.pc.addTrack(track) === transceiver.sender, false, "a sender that has sent is used again");
      await pageOffers(ends);
      await ends.pc.getTransceivers().find((it) => it.sender.track === track).sender.replaceTrack(null);
      await transceiver.sender.replaceTrack(track);
      transceiver.direction = "sendrecv";
      await pageOffers(ends);
      await comesBack(test, ends.pc, ["video"]);
    }
  },

  "a camera that stops in the turn in which another one begins makes room for it": async (test) => {
    const { ends, transceiver } = await sendsCamera(test);
    for (let turn = 0, last = transceiver; turn < 3; turn++) {
      const { track } = last.sender;
      last.stop();
      last = ends.pc.addTransceiver(track.clone());
      track.stop();
      await pageOffers(ends);
      await comesBack(test, ends.pc, ["video"]);
    }
    // One place is given up and another taken at once, or the same one after an offer in between.
    if (ends.pc.localDescription.sdp.match(/^m=/gm).length > 2) throw new Error("places are not used again");
  },
};

async function sendsCamera(test) {
  const ends = await pair(test);
  await devices(test, ends.pc, ["video"]);
  await ends.remote.call("echo");
  await pageOffers(ends);
  await comesBack(test, ends.pc, ["video"]);
  return { ends, transceiver: ends.pc.getTransceivers()[0] };
}

async function active(sender, active) {
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.active = active;
  await sender.setParameters(parameters);
}

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
