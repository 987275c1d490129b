// Pictures and sound that the Rust peer decodes, and others that it encodes: numbers in pictures, and
// the pitch of a tone.
import { devices } from "./devices.js";
import { comesBack, firstOfEach, play } from "./media.js";
import { pageOffers, pair } from "./pair.js";
import { listen, webAudio } from "./sound.js";

export const scenarios = {
  "numbered pictures are read here and answered by others, with each codec": async (test) => {
    const codecs = RTCRtpSender.getCapabilities("video").codecs.filter((c) => /VP8|VP9|H264|AV1/.test(c.mimeType));
    for (const codec of firstOfEach(codecs)) {
      const ends = await pair(test);
      const drawn = draw(test, ends.pc);
      const again = RTCRtpReceiver.getCapabilities("video").codecs.filter((c) => c.mimeType === "video/rtx");
      ends.pc.getTransceivers()[0].setCodecPreferences([codec, ...again]);
      await ends.remote.call("echo", { by: "raw" });
      await pageOffers(ends);
      const read = await answers(test, ends.pc, drawn, codec.mimeType);
      console.log(codec.mimeType, read);
      ends.pc.close();
      drawn.stop();
    }
  },

  "a camera and a microphone are decoded, encoded anew and come back": async (test) => {
    const ends = await pair(test);
    await devices(test, ends.pc, ["audio", "video"]);
    await ends.remote.call("echo", { by: "raw" });
    await pageOffers(ends);
    await comesBack(test, ends.pc, ["audio", "video"]);
  },

  "a tone comes back an octave higher": async (test) => {
    const ends = await pair(test);
    const context = await webAudio(test);
    const oscillator = new OscillatorNode(context, { frequency: 440 });
    const destination = context.createMediaStreamDestination();
    oscillator.connect(destination);
    oscillator.start();
    ends.pc.addTrack(destination.stream.getTracks()[0], destination.stream);
    await ends.remote.call("echo", { by: "raw" });
    await pageOffers(ends);

    play(test, ends.pc);
    const hear = listen(context, ends.pc.getReceivers()[0].track);
    let heard = 0;
    let level = 0;
    test.onFailure(async () => `the loudest was at ${heard} Hz, ${level} dB`);
    while (Math.abs(heard - 880) > 10) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const now = hear();
      level = now.level;
      heard = level > -40 ? now.loudest : 0;
    }
  },
};

const [WIDTH, HEIGHT] = [640, 360];
// What the Rust end adds to a number.
const STEP = 1_000;

// A canvas with numbers as `duologue::codec::pattern` has them: two rows of sixteen squares, bits and
// their opposites. Sends it.
function draw(test, pc) {
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext("2d");
  const drawn = { number: 0 };
  const paint = () => {
    drawn.number += 1;
    context.fillStyle = `hsl(${drawn.number % 360} 60% 50%)`;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    const side = WIDTH / 16;
    for (let column = 0; column < 16; column += 1) {
      const bit = (drawn.number >> (15 - column)) & 1;
      for (const row of [0, 1]) {
        context.fillStyle = bit === row ? "#000" : "#fff";
        context.fillRect(column * side, row * side, side, side);
      }
    }
  };
  paint();
  const clock = setInterval(paint, 50);
  const stream = canvas.captureStream(20);
  drawn.stop = () => {
    clearInterval(clock);
    stream.getTracks().forEach((track) => track.stop());
  };
  test.onEnd(drawn.stop);
  pc.addTrack(stream.getTracks()[0], stream);
  return drawn;
}

// Waits until ten pictures were read that answer pictures of ours, in their order.
async function answers(test, pc, drawn, what) {
  const player = play(test, pc);
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const read = [];
  test.onFailure(async () => `with ${what}: read ${JSON.stringify(read)}, drew ${drawn.number}`);
  while (read.length < 10) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (player.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) continue;
    context.drawImage(player, 0, 0, WIDTH, HEIGHT);
    const number = numberIn(context.getImageData(0, 0, WIDTH, HEIGHT));
    if (number === null || number === read.at(-1)) continue;
    // One whose number the Rust end could not read comes back as it was.
    if (number < STEP) continue;
    if (number - STEP < 1 || number - STEP > drawn.number || number < (read.at(-1) ?? 0)) {
      throw new Error(`${what}: ${number} after ${read}, with ${drawn.number} drawn`);
    }
    read.push(number);
  }
  return read;
}

function numberIn({ data }) {
  const side = WIDTH / 16;
  const at = (column, row) => data[4 * ((row + 0.5) * side * WIDTH + (column + 0.5) * side)];
  let number = 0;
  for (let column = 0; column < 16; column += 1) {
    const [bit, opposite] = [at(column, 0), at(column, 1)];
    if (Math.abs(bit - opposite) < 100) return null;
    number = 2 * number + (bit > opposite ? 1 : 0);
  }
  return number;
}
