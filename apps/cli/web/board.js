// The states of both ends, and their events in the order in which this page saw them.
const MAX_ROWS = 500;

export class Board {
  constructor() {
    this.start = performance.now();
    this.cells = new Map();
  }

  clear() {
    this.start = performance.now();
    this.cells.clear();
    document.getElementById("states").replaceChildren();
    document.getElementById("log").replaceChildren();
    this.figure("setup", "–");
  }

  show(end, states) {
    for (const [name, value] of Object.entries(states)) {
      const cell = this.#row(name)[end];
      if (cell.textContent === value) continue;
      cell.textContent = value;
      cell.classList.add("fresh");
      requestAnimationFrame(() => requestAnimationFrame(() => cell.classList.remove("fresh")));
      if (end === "here" && name === "connectionState") {
        const pill = document.getElementById("link");
        pill.textContent = pill.dataset.state = value;
      }
    }
  }

  event(end, name, value = "") {
    const row = document.createElement("tr");
    const ms = (performance.now() - this.start).toFixed(1);
    for (const text of [ms, end, name, value]) row.insertCell().textContent = text;
    row.cells[1].className = end === "page" ? "here" : "there";
    const log = document.getElementById("log");
    log.append(row);
    if (log.rows.length > MAX_ROWS) log.deleteRow(0);
    const scroll = log.closest(".log-scroll");
    scroll.scrollTop = scroll.scrollHeight;
  }

  figure(id, text) {
    document.getElementById(id).textContent = text;
  }

  #row(name) {
    if (!this.cells.has(name)) {
      const row = document.getElementById("states").insertRow();
      const head = document.createElement("th");
      head.textContent = name;
      row.append(head);
      this.cells.set(name, { here: row.insertCell(), there: row.insertCell() });
    }
    return this.cells.get(name);
  }
}
