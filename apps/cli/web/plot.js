// Two curves over the last thirty seconds, each with its own axis.
const POINTS = 120;
const PAD = { left: 46, right: 46, top: 12, bottom: 22 };

export class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  clear() {
    this.rates = [];
    this.rtts = [];
    this.draw();
  }

  add(rate, rtt) {
    this.rates.push(rate);
    this.rtts.push(rtt);
    if (this.rates.length > POINTS) {
      this.rates.shift();
      this.rtts.shift();
    }
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const scale = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * scale;
    canvas.height = height * scale;
    const g = canvas.getContext("2d");
    g.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name) && resolve(canvas, `var(${name})`);
    const [rateTop, rttTop] = [ceiling(this.rates, 10), ceiling(this.rtts, 2)];
    this.#grid(g, width, height, rateTop, rttTop, colour("--line"), colour("--quiet"));
    this.#curve(g, width, height, this.rates, rateTop, colour("--here"), true);
    this.#curve(g, width, height, this.rtts, rttTop, colour("--there"), false);
  }

  #grid(g, width, height, rateTop, rttTop, line, text) {
    g.font = "12px system-ui, sans-serif";
    g.textBaseline = "middle";
    for (let step = 0; step <= 4; step++) {
      const y = PAD.top + ((height - PAD.top - PAD.bottom) * step) / 4;
      g.strokeStyle = line;
      g.beginPath();
      g.moveTo(PAD.left, y);
      g.lineTo(width - PAD.right, y);
      g.stroke();
      g.fillStyle = text;
      g.textAlign = "right";
      g.fillText(label((rateTop * (4 - step)) / 4), PAD.left - 8, y);
      g.textAlign = "left";
      g.fillText(label((rttTop * (4 - step)) / 4), width - PAD.right + 8, y);
    }
    g.textAlign = "left";
    g.fillText("30 s ago", PAD.left, height - 8);
    g.textAlign = "right";
    g.fillText("now", width - PAD.right, height - 8);
  }

  #curve(g, width, height, values, top, colour, filled) {
    const inner = { w: width - PAD.left - PAD.right, h: height - PAD.top - PAD.bottom };
    const at = values
      .map((v, i) => [PAD.left + inner.w * (1 - (values.length - 1 - i) / (POINTS - 1)), v === undefined ? null : PAD.top + inner.h * (1 - v / top)])
      .filter(([, y]) => y !== null);
    if (at.length < 2) return;
    g.beginPath();
    at.forEach(([x, y], i) => (i ? g.lineTo(x, y) : g.moveTo(x, y)));
    g.strokeStyle = colour;
    g.lineWidth = 2;
    g.lineJoin = "round";
    g.stroke();
    if (!filled) return;
    g.lineTo(at.at(-1)[0], PAD.top + inner.h);
    g.lineTo(at[0][0], PAD.top + inner.h);
    g.globalAlpha = 0.12;
    g.fillStyle = colour;
    g.fill();
    g.globalAlpha = 1;
  }
}

// The next number above all values whose quarters are short.
function ceiling(values, least) {
  const max = Math.max(least, ...values.filter((v) => v !== undefined));
  const power = 10 ** Math.floor(Math.log10(max));
  return [1, 2, 4, 8, 10].map((n) => n * power).find((n) => n >= max);
}

const label = (value) => (value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1));

// A canvas does not understand light-dark(): the browser resolves it through a style.
function resolve(element, value) {
  element.style.color = value;
  const colour = getComputedStyle(element).color;
  element.style.color = "";
  return colour;
}
