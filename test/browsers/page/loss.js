// Media on a path that loses packets: `tests/loss.rs` makes it.
import { devices } from "./devices.js";
import { connected, pageOffers, pair } from "./pair.js";

const PICTURES = 240;

export const scenarios = {
  "a camera comes back whole over a path that loses a packet in twenty": async (test) => {
    const { pc, remote } = await pair(test).then(async (ends) => {
      await devices(test, ends.pc, ["audio", "video"]);
      await ends.remote.call("echo", { by: "frames" });
      await pageOffers(ends);
      await connected(ends.pc);
      return ends;
    });
    const player = Object.assign(document.createElement("video"), { autoplay: true });
    player.srcObject = new MediaStream(pc.getReceivers().map(({ track }) => track));
    document.body.append(player);
    test.onEnd(() => player.remove());

    const report = async (type) => [...(await pc.getStats()).values()].find((s) => s.type === type && s.kind === "video") ?? {};
    let [sent, got] = [{}, {}];
    test.onFailure(async () => JSON.stringify({ sent, got, there: await remote.stats() }));
    while (!(got.framesDecoded >= PICTURES)) {
      [sent, got] = [await report("outbound-rtp"), await report("inbound-rtp")];
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // Both ends asked for what was lost, and each got it from the other.
    if (!(sent.nackCount > 0 && sent.retransmittedPacketsSent > 0)) throw new Error("the Rust end asked for nothing");
    const there = (await remote.stats()).find((s) => s.type === "outbound-rtp" && s.kind === "video");
    if (!(got.nackCount > 0 && there.retransmittedPacketsSent > 0)) throw new Error("the page asked for nothing");
    // A picture is lost on the way there or back only if its repetitions are, too.
    const share = got.framesDecoded / sent.framesSent;
    if (!(share >= 0.95)) throw new Error(`${got.framesDecoded} of ${sent.framesSent} pictures came back`);
  },
};
