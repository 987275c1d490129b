// Messages between the two ends, checked at the far one.
import { equal, pattern } from "./pair.js";

// The largest message that every browser takes and that we announce.
const LARGE = 256 * 1024;
const SIZES = [0, 1, 1199, 16384, 65536, LARGE];
export const SMALL = SIZES.slice(0, 4);
export const TEXTS = ["", "grüße, 世界 🌍", "x".repeat(70_000)];

// Text, and binary messages of several sizes, each checked byte for byte at the far end. The Rust end begins: Chromium may lose what is sent on
// a channel that was just announced, and has not when something came by it (docs/browsers.md).
export async function exchange({ remote }, channel, id, sizes = SIZES, texts = TEXTS) {
  channel.binaryType = "arraybuffer";
  const arrived = [];
  let wake = () => {};
  channel.addEventListener("message", ({ data }) => (arrived.push(data), wake()));
  const next = async () => {
    while (!arrived.length) await new Promise((resolve) => (wake = resolve));
    return arrived.shift();
  };
  const since = remote.events.length;
  for (const text of texts) {
    await remote.call("sendText", { id, text });
    equal(await next(), text, "the text that came");
    channel.send(text);
    await remote.event("text", (e) => e.kind === "message" && e.id === id && e.text === text, since);
  }
  for (const [n, size] of sizes.entries()) {
    channel.send(pattern(size, n));
    const wanted = (e) => e.kind === "message" && e.id === id && e.binary && e.size === size && e.pattern === n;
    await remote.event(`${size} bytes`, wanted, since);
    await remote.call("sendPattern", { id, size, first: n, count: 1 });
    const back = new Uint8Array(await next());
    const expected = pattern(size, n);
    equal(back.length, size, "the size that came back");
    if (!back.every((byte, i) => byte === expected[i])) throw new Error(`${size} bytes came back changed`);
  }
}

export async function announced(remote, label) {
  const { channel } = await remote.event(label, (e) => e.kind === "datachannel" && e.channel.label === label);
  return channel.id;
}
