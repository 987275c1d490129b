// Curves over the last samples, on a left and a right axis.
const POINTS = 120;
const PAD = { left: 46, right: 46, top: 12, bottom: 22 };

export class Plot {
  // Of each curve the colour's name, whether its axis is the right one, whether it is filled; `least` is
  // how far each axis goes at least, `span` what the left end is called.
  constructor(canvas, curves, { least = [10, 2], span = "30 s ago" } = {}) {
    Object.assign(this, { canvas, curves, least, span });
    this.clear();
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  clear() {
    this.values = this.curves.map(() => []);
    this.draw();
  }

  // A value for each curve; undefined where there is none.
  add(...values) {
    this.values.forEach((past, at) => {
      past.push(values[at]);
      if (past.length > POINTS) past.shift();
    });
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
    const tops = this.least.map((least, side) => ceiling(this.#of(side), least));
    this.#grid(g, width, height, tops, colour("--line"), colour("--quiet"));
    this.curves.forEach(({ colour: name, right, filled }, at) => {
      this.#curve(g, width, height, this.values[at], tops[right ? 1 : 0], colour(name), filled);
    });
  }

  // All values of an axis.
  #of(side) {
    return this.values.filter((_, at) => (this.curves[at].right ? 1 : 0) === side).flat();
  }

  #grid(g, width, height, [leftTop, rightTop], line, text) {
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
      g.fillText(label((leftTop * (4 - step)) / 4), PAD.left - 8, y);
      g.textAlign = "left";
      g.fillText(label((rightTop * (4 - step)) / 4), width - PAD.right + 8, y);
    }
    g.textAlign = "left";
    g.fillText(this.span, PAD.left, height - 8);
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
