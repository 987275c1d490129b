// A moving picture with the time in it: for people as a clock, for this page as black and white squares,
// by which a picture that came back tells how long it was away.
const SIZE = { width: 1280, height: 720 };
const RATE = 30;
const BITS = 16;
const CELL = SIZE.width / BITS;

export class Pattern {
  constructor() {
    this.canvas = Object.assign(document.createElement("canvas"), SIZE);
    this.track = this.canvas.captureStream(RATE).getVideoTracks()[0];
    // Unlike animation frames, these go on when nobody looks.
    this.timer = setInterval(() => this.#draw(), 1000 / RATE);
    this.frame = 0;
    this.#draw();
  }

  stop() {
    clearInterval(this.timer);
    this.track.stop();
  }

  #draw() {
    const { canvas, frame } = this;
    const { width, height } = SIZE;
    const g = canvas.getContext("2d");
    g.fillStyle = `hsl(${(frame * 2) % 360} 45% 26%)`;
    g.fillRect(0, 0, width, height);
    const angle = (frame / RATE) * Math.PI;
    g.fillStyle = "#fbbf24";
    g.beginPath();
    g.arc(width / 2 + Math.cos(angle) * width * 0.36, height / 2 + Math.sin(angle) * height * 0.2, 60, 0, 7);
    g.fill();
    g.fillStyle = "#ffffff";
    g.font = "600 64px ui-monospace, monospace";
    g.textAlign = "center";
    g.fillText(new Date().toISOString().slice(11, 23), width / 2, height / 2);
    g.fillText(String(frame), width / 2, height / 2 + 90);
    const now = Math.round(performance.now());
    for (let bit = 0; bit < BITS; bit++) {
      g.fillStyle = (now >> bit) & 1 ? "#ffffff" : "#000000";
      g.fillRect(bit * CELL, 0, CELL, CELL);
    }
    this.frame++;
  }
}

// How old the pattern in a picture is, in milliseconds; undefined if it has none.
export class Reader {
  constructor() {
    this.canvas = Object.assign(document.createElement("canvas"), { width: BITS, height: 1 });
  }

  // The squares of one row, the lowest bit first; undefined if there are none.
  squares(video, row) {
    const { videoWidth: width } = video;
    if (!width) return undefined;
    const cell = width / BITS;
    const g = this.canvas.getContext("2d", { willReadFrequently: true });
    // The middle of each square, where the codec left it as it was.
    for (let bit = 0; bit < BITS; bit++) g.drawImage(video, (bit + 0.4) * cell, (row + 0.4) * cell, 0.2 * cell, 0.2 * cell, bit, 0, 1, 1);
    const { data } = g.getImageData(0, 0, BITS, 1);
    let shown = 0;
    for (let bit = 0; bit < BITS; bit++) {
      const light = data[4 * bit];
      if (light > 80 && light < 175) return undefined;
      if (light >= 175) shown |= 1 << bit;
    }
    return shown;
  }

  age(video) {
    const shown = this.squares(video, 0);
    if (shown === undefined) return undefined;
    const age = (Math.round(performance.now()) - shown) & ((1 << BITS) - 1);
    // More is another picture's chance.
    return age < 5000 ? age : undefined;
  }
}

// The number in the Rust end's test picture: its bits, the highest first, and below them the opposite of each.
export function numberIn(reader, video) {
  const [bits, opposite] = [0, 1].map((row) => reader.squares(video, row));
  if (bits === undefined || opposite === undefined || (bits ^ opposite) !== (1 << BITS) - 1) return undefined;
  return Array.from({ length: BITS }, (_, at) => (bits >> at) & 1).reduce((number, bit) => number * 2 + bit, 0);
}
