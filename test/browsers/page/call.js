// From glass to glass: pictures of 1280x720, 30 a second, by their numbers; from the browser and from the Rust peer, to
// each of them. One clock is for all.
import { connected, pageOffers, pair, rustOffers } from "./pair.js";
import { Remote } from "./remote.js";

export const limit = 40_000;

const [WIDTH, HEIGHT, RATE] = [1280, 720, 30];
const AT_MOST = 2_500_000;
// Until the path is known, and what is measured.
const [WARM_MS, MEASURED_MS] = [6_000, 10_000];

export const scenarios = {
  "Chromium to Chromium": async (test) => {
    const [from, to] = [new RTCPeerConnection(), new RTCPeerConnection()];
    test.onEnd(() => [from, to].forEach((pc) => pc.close()));
    from.onicecandidate = ({ candidate }) => to.addIceCandidate(candidate ?? undefined);
    to.onicecandidate = ({ candidate }) => from.addIceCandidate(candidate ?? undefined);
    const captured = send(test, from);
    await from.setLocalDescription();
    await to.setRemoteDescription(from.localDescription);
    await to.setLocalDescription();
    await from.setRemoteDescription(to.localDescription);
    await connected(from);
    const shown = look(test, to);
    return measured(test, async () => ({ captured, shown }));
  },

  "Chromium to the Rust peer": async (test) => {
    const ends = await pair(test);
    const captured = send(test, ends.pc);
    await pageOffers(ends);
    await connected(ends.pc);
    await ends.remote.call("watchGlass");
    return measured(test, async () => ({ captured, shown: (await ends.remote.call("glass")).shown }));
  },

  "the Rust peer to Chromium": async (test) => {
    const ends = await pair(test);
    await ends.remote.call("addTransceiver", { kind: "video", maxBitrate: AT_MOST });
    await rustOffers(ends);
    await connected(ends.pc);
    ends.pc.getTransceivers()[0].direction = "recvonly";
    await ends.remote.call("watchGlass");
    const shown = look(test, ends.pc);
    return measured(test, async () => ({ captured: (await ends.remote.call("glass")).captured, shown }));
  },

  "the Rust peer to the Rust peer": async (test) => {
    const { from, to } = await remotes(test, [["video", AT_MOST]]);
    await Promise.all([from, to].map((remote) => remote.call("watchGlass")));
    return measured(test, async () => {
      const [{ captured }, { shown }] = await Promise.all([from, to].map((remote) => remote.call("glass")));
      return { captured, shown };
    });
  },
};

// Two Rust peers, connected; the first one sends.
export async function remotes(test, media) {
  const [from, to] = [await Remote.create({}, {}), await Remote.create({}, {})];
  test.onEnd(() => Promise.all([from, to].map((remote) => remote.close())));
  for (const [kind, maxBitrate] of media) await from.call("addTransceiver", { kind, maxBitrate });
  const offer = await from.call("setLocalDescription", null);
  await to.call("setRemoteDescription", offer);
  await from.call("setRemoteDescription", await to.call("setLocalDescription", null));
  for (const [of, other] of [[from, to], [to, from]]) {
    of.each("icecandidate", ({ candidate }) => other.call("addIceCandidate", candidate ?? {}));
  }
  await from.event("connected", ({ kind, state }) => kind === "connectionstatechange" && state === "connected");
  return { from, to };
}

const wall = () => performance.timeOrigin + performance.now();

// What a camera would give: a gradient that moves, and in it two rows of sixteen squares, bits and their opposites.
function send(test, pc) {
  const generator = new MediaStreamTrackGenerator({ kind: "video" });
  generator.contentHint = "detail";
  pc.addTransceiver(generator, { direction: "sendonly", sendEncodings: [{ maxBitrate: AT_MOST }] });
  const writer = generator.writable.getWriter();
  const captured = [];
  const pixels = new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128);
  const row = Uint8Array.from({ length: 2 * WIDTH }, (_, x) => 40 + ((x >> 2) % 160));
  const side = WIDTH / 16;
  let number = 0;
  const paint = () => {
    number += 1;
    for (let y = 2 * side; y < HEIGHT; y++) {
      const from = (number * 4 + y) % WIDTH;
      pixels.set(row.subarray(from, from + WIDTH), y * WIDTH);
    }
    for (let column = 0; column < 16; column++) {
      const bit = (number >> (15 - column)) & 1;
      for (let y = 0; y < 2 * side; y++) {
        const at = y * WIDTH + column * side;
        pixels.fill(y < side === (bit === 1) ? 235 : 16, at, at + side);
      }
    }
    const timestamp = Math.round(performance.now() * 1_000);
    const frame = new VideoFrame(pixels, { format: "I420", codedWidth: WIDTH, codedHeight: HEIGHT, timestamp });
    captured.push([number, wall(), WIDTH]);
    writer.write(frame).catch(() => {});
  };
  const clock = setInterval(paint, 1_000 / RATE);
  test.onEnd(() => (clearInterval(clock), generator.stop()));
  return captured;
}

// When pictures are to be shown, as who shows them is told.
function look(test, pc) {
  const [track] = pc.getReceivers().map((receiver) => receiver.track);
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  test.onEnd(() => reader.cancel());
  const shown = [];
  (async () => {
    for (;;) {
      const { value: frame, done } = await reader.read();
      if (done) return;
      const at = wall();
      const pixels = new Uint8Array(frame.allocationSize());
      const [{ offset, stride }] = await frame.copyTo(pixels);
      const width = frame.codedWidth;
      const number = numberIn((x, y) => pixels[offset + y * stride + x], frame.visibleRect.width / 16);
      if (number !== null) shown.push([number, at, width]);
      frame.close();
    }
  })().catch((error) => (shown.failed = error));
  return shown;
}

function numberIn(pixel, side) {
  let number = 0;
  for (let column = 0; column < 16; column++) {
    const [bit, opposite] = [0.5, 1.5].map((row) => pixel(Math.floor((column + 0.5) * side), Math.floor(row * side)));
    if (Math.abs(bit - opposite) < 100) return null;
    number = 2 * number + (bit > opposite ? 1 : 0);
  }
  return number;
}

async function measured(test, ends) {
  await new Promise((resolve) => setTimeout(resolve, WARM_MS));
  const began = wall();
  await new Promise((resolve) => setTimeout(resolve, MEASURED_MS));
  const { captured, shown } = await ends();
  const at = new Map(captured.map(([number, when]) => [number, when]));
  const seen = shown.filter(([number, when]) => when >= began && at.has(number));
  const failed = shown.failed ? `; reading them: ${shown.failed}` : "";
  test.onFailure(async () => `${captured.length} captured, ${shown.length} shown, ${seen.length} of them known${failed}`);
  if (seen.length < 20) throw new Error("hardly a picture came");
  const delays = seen.map(([number, when]) => when - at.get(number)).sort((a, b) => a - b);
  const widths = seen.map(([, , width]) => width).sort((a, b) => a - b);
  const quantile = (sorted, of) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))];
  return JSON.stringify({
    "median, ms": quantile(delays, 0.5),
    "95 of 100, ms": quantile(delays, 0.95),
    "pictures a second": (seen.length * 1_000) / MEASURED_MS,
    "width, median": quantile(widths, 0.5),
  });
}
