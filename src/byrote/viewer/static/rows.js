// Rows: a table of any length, of which only what is on the screen is drawn and fetched.
import { make } from "./dom.js";

const PAGE = 60;
const AROUND = 6;
const TALLEST = 12_000_000; // browsers do not draw higher elements; longer tables are scrolled in larger steps

export class Rows {
  // `fetchPage(start, count, signal)` gives {total, rows}; `draw(row, index)` gives the cells; `moved(row, index)` is told of the active row.
  constructor(node, { label, fetchPage, draw, moved, failed }) {
    Object.assign(this, { node, fetchPage, draw, moved, failed, pages: new Map(), before: new Map(), drawn: new Map(), total: 0, active: 0 });
    this.head = make("div", { class: "row head", role: "row", "aria-rowindex": "1" });
    this.body = make("div", { class: "body", role: "rowgroup" });
    node.setAttribute("role", "grid");
    node.setAttribute("aria-label", label);
    node.tabIndex = 0;
    node.append(this.head, this.body);
    node.addEventListener("scroll", () => this.later());
    new ResizeObserver(() => this.later()).observe(node);
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("[role=row]");
      if (row) this.go(Number(row.dataset.index), true);
    });
  }

  get height() { return matchMedia("(max-width: 44rem)").matches ? 128 : 68; }
  get room() { return Math.max(this.node.clientHeight - this.head.offsetHeight, this.height); }
  get whole() { return Math.min(this.total * this.height, TALLEST); }
  get most() { return Math.max(this.total - Math.floor(this.room / this.height), 0); }

  // The row at the top for a scroll position, and back; a straight line also where the table is too tall.
  first(top) { const way = this.whole - this.room; return way <= 0 ? 0 : Math.min(top / way, 1) * (this.total - this.room / this.height); }
  top(index) { const rows = this.total - this.room / this.height; return rows <= 0 ? 0 : (index / rows) * (this.whole - this.room); }

  // With `keep`, the rows that are on the screen hold until the new ones are here.
  async reload({ keep = false } = {}) {
    this.before = new Map(keep ? [...this.before, ...[...this.pages].filter(([, page]) => Array.isArray(page))] : []);
    this.pages.clear();
    if (this.asking) this.asking.abort();
    const asking = this.asking = new AbortController();
    if (!keep) { this.active = 0; this.node.scrollTop = 0; }
    const start = Math.floor(this.active / PAGE) * PAGE;
    await this.page(keep ? start : 0);
    if (asking !== this.asking) return;
    this.before.clear();
    this.paint(true);
    this.tell();
  }

  page(start) {
    const kept = this.pages.get(start);
    if (kept) return kept instanceof Promise ? kept : Promise.resolve(kept);
    const signal = this.asking.signal;
    const asked = this.fetchPage(start, PAGE, signal).then((found) => {
      if (signal.aborted) return [];
      this.pages.set(start, found.rows);
      this.total = found.total;
      this.node.setAttribute("aria-rowcount", String(found.total + 1));
      this.body.style.height = `${this.whole}px`;
      this.active = Math.min(this.active, Math.max(found.total - 1, 0));
      return found.rows;
    }).catch((error) => {
      if (this.pages.get(start) === asked) this.pages.delete(start);
      if (error.name !== "AbortError") this.failed(error);
      return [];
    });
    this.pages.set(start, asked);
    return asked;
  }

  // The row that is marked now, also while its page is on its way; undefined where the mark moves meanwhile.
  async current() {
    const index = this.active;
    const shown = this.row(index);
    if (shown) return shown;
    for (;;) {
      const { asking } = this;
      const rows = await this.page(Math.floor(index / PAGE) * PAGE);
      if (this.active !== index) return undefined;
      if (asking === this.asking) return rows[index % PAGE];
    }
  }

  row(index) {
    const start = Math.floor(index / PAGE) * PAGE;
    const page = this.pages.get(start);
    return Array.isArray(page) ? page[index % PAGE] : this.before.get(start)?.[index % PAGE];
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.paint(); });
  }

  paint(anew = false) {
    const top = this.node.scrollTop;
    const first = this.first(top);
    const from = Math.max(Math.floor(first) - AROUND, 0);
    const to = Math.min(Math.ceil(first + this.room / this.height) + AROUND, this.total);
    for (const [index, node] of this.drawn) if (anew || index < from || index >= to) { node.remove(); this.drawn.delete(index); }
    const missing = new Set();
    for (let index = from; index < to; index += 1) {
      const row = this.row(index);
      if (!row) missing.add(Math.floor(index / PAGE) * PAGE);
      let node = this.drawn.get(index);
      if (node && row && node.dataset.empty) { node.remove(); node = undefined; }
      if (!node) {
        node = make("div", { class: "row", role: "row", id: `row-${index}`, "aria-rowindex": String(index + 2), data: { index } }, row ? this.draw(row, index) : make("span", { class: "quiet", role: "gridcell", text: "..." }));
        if (!row) node.dataset.empty = "1";
        this.drawn.set(index, node);
        this.body.append(node);
      }
      node.style.top = `${top + (index - first) * this.height}px`;
      node.setAttribute("aria-selected", String(index === this.active));
    }
    this.node.setAttribute("aria-activedescendant", `row-${this.active}`);
    if (missing.size) this.fetchSoon(missing);
  }

  // While one scrolls fast, only where one stops is fetched.
  fetchSoon(missing) {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => { await Promise.all([...missing].map((start) => this.page(start))); this.paint(); this.tell(); }, 40);
  }

  async go(index, focus = false) {
    if (!this.total) return;
    this.active = Math.min(Math.max(index, 0), this.total - 1);
    const first = this.first(this.node.scrollTop);
    const shown = Math.floor(this.room / this.height);
    if (this.active < first) this.node.scrollTop = Math.floor(this.top(this.active));
    else if (this.active + 1 > first + this.room / this.height) this.node.scrollTop = Math.ceil(this.top(Math.min(this.active - shown + 1, this.most + 1)));
    if (focus) this.node.focus({ preventScroll: true });
    this.paint();
    await this.page(Math.floor(this.active / PAGE) * PAGE);
    this.paint();
    this.tell();
  }

  tell() {
    const row = this.row(this.active);
    if (row) this.moved(row, this.active);
  }

  // Draw one row again, after a decision about it.
  change(index, row) {
    const page = this.pages.get(Math.floor(index / PAGE) * PAGE);
    if (Array.isArray(page)) page[index % PAGE] = row;
    const node = this.drawn.get(index);
    if (node) node.replaceChildren(...[this.draw(row, index)].flat());
  }

  key(event) {
    const screen = Math.max(Math.floor(this.room / this.height) - 1, 1);
    const way = { ArrowDown: 1, n: 1, ArrowUp: -1, p: -1, PageDown: screen, PageUp: -screen, Home: -this.total, End: this.total }[event.key];
    if (way === undefined) return false;
    this.go(this.active + way, true);
    return true;
  }
}
