// Streams of spatial and temporal layers, of which the Rust end sends back what a path carries.
import { device } from "./devices.js";
import { comesBack } from "./media.js";
import { pageOffers, pair } from "./pair.js";

export const scenarios = {
  "of VP9 in layers as many come back as a path carries": (test) => layered(test, "video/VP9"),
  "of AV1 in layers as many come back as a path carries": (test) => layered(test, "video/AV1"),
};

// Encoding AV1 in layers is slow where two cores do all.
export const limit = 40_000;

const [ALL, LEAST] = [100_000_000, 1];

async function layered(test, mimeType) {
  if (navigator.userAgent.includes("Firefox")) test.skip("it sends no layers in one stream");
  const ends = await pair(test);
  const stream = await device(test, { video: { width: 640, height: 360 } });
  const transceiver = ends.pc.addTransceiver(stream.getTracks()[0], {
    sendEncodings: [{ scalabilityMode: "L2T3", maxBitrate: 1_000_000 }],
  });
  const { codecs } = RTCRtpReceiver.getCapabilities("video");
  const wanted = codecs.filter((codec) => codec.mimeType === mimeType && !/profile(-id)?=[1-9]/.test(codec.sdpFmtpLine));
  transceiver.setCodecPreferences([...wanted, ...codecs.filter((codec) => codec.mimeType === "video/rtx")]);
  await ends.remote.call("describeDependencies");
  await ends.remote.call("forward", { bitrate: ALL });
  await pageOffers(ends);

  let [sent, got, layers] = [{}, {}, []];
  test.onFailure(async () => JSON.stringify({ sent, got, layers }));
  const look = async () => {
    const report = [...(await ends.pc.getStats()).values()].filter(({ kind }) => kind === "video");
    sent = report.find(({ type }) => type === "outbound-rtp") ?? {};
    got = report.find(({ type }) => type === "inbound-rtp") ?? {};
    layers = await ends.remote.call("forwarded");
  };
  const until = async (holds) => {
    for (await look(); !holds(); await look()) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  await comesBack(test, ends.pc, ["video"]);
  await until(() => got.frameWidth === sent.frameWidth && layers[0]?.spatial === 1 && layers[0]?.temporal === 2);

  // The small picture, of which every fourth has no higher layer.
  const whole = got.frameWidth;
  await ends.remote.call("forward", { bitrate: LEAST });
  await until(() => got.frameWidth <= whole / 2 && layers[0].temporal === 0);
  const [before, from] = [sent.framesSent, got.framesDecoded];
  await until(() => sent.framesSent >= before + 40);
  const share = (got.framesDecoded - from) / (sent.framesSent - before);
  if (!(share > 0.1 && share < 0.4)) throw new Error(`${share} of the pictures came back`);

  await ends.remote.call("forward", { bitrate: ALL });
  await until(() => got.frameWidth === whole && layers[0].temporal === 2);
  await comesBack(test, ends.pc, ["video"]);
}
