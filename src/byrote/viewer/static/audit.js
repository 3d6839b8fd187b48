// Audit: all its examples in a table, filtered and sorted, with one of them beside it, and decisions by the keyboard.
import { Deciding } from "./deciding.js";
import { $, make, option, say } from "./dom.js";
import { Example } from "./example.js";
import { look } from "./looks.js";
import { Rows } from "./rows.js";
import { get } from "./server.js";
import { bar, range } from "./sizes.js";

export async function show(main, number) {
  const [audit, open] = await Promise.all([get(`/api/audit/${number}`), get("/api/open")]);
  document.title = `${audit.name} · byrote view`;
  $("about").textContent = `audit ${number}`;
  new Audit(main, audit, open.filter((each) => each.kind === "audit" && each.number !== number));
}

// A name may break behind its underscores.
const breakable = (text) => text.split(/(?<=_)/).flatMap((part, i) => (i ? [make("wbr"), part] : [part]));

class Audit {
  constructor(main, audit, others) {
    Object.assign(this, { audit, changes: 0, columns: [...audit.columns], empty: [], hasCauses: false, query: { split: "train", sort: audit.columns[0] || "" } });
    this.deciding = new Deciding(audit, (id, decision) => this.decided(id, decision));
    this.count = make("p", { class: "count", role: "status" });
    this.summary = make("p", { class: "decided quiet" });
    this.skipped = make("p", { class: "lacking", role: "status" });
    const grid = make("div", { class: `grid of-${audit.kindOfData || "other"}` });
    const aside = make("aside", { class: "example", "aria-label": "The example", hidden: true });
    this.form = this.filters();
    main.classList.add("wide");
    main.replaceChildren(
      make("p", { class: "eyebrow", text: `${audit.directory} · ${audit.runs} runs · ${audit.objective}` }),
      make("h1", {}, audit.name, " ", audit.page ? make("a", { class: "small", href: `/report/${audit.number}`, target: "_blank", rel: "noopener", text: "report" }) : null),
      this.form,
      make("div", { class: "bar-above" }, this.count, this.summary, make("button", { type: "button", text: "Files of the decisions", on: { click: () => this.deciding.export() } })),
      this.skipped,
      make("div", { class: "panes" }, make("div", { class: "holder" }, grid), aside));
    this.rows = new Rows(grid, {
      label: `Examples of ${audit.name}`,
      fetchPage: (start, count, signal) => this.fetchPage(start, count, signal),
      draw: (row) => this.cells(row),
      moved: (row) => this.moved(row),
      failed: (error) => { this.count.textContent = error.message; say(error.message, true); },
    });
    this.example = new Example(aside, audit, this.deciding, others.length ? others : null);
    this.example.onClose = () => { document.body.classList.remove("with-example"); grid.focus(); };
    this.rows.head.addEventListener("click", (event) => { const button = event.target.closest("button"); if (button) this.sortBy(button.dataset.sort); });
    this.rows.body.addEventListener("dblclick", () => this.open());
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("focus", () => this.refresh());
    addEventListener("hashchange", () => this.toHash());
    this.heads();
    this.counts(audit.decided);
    this.start(grid);
  }

  async start(grid) {
    await this.rows.reload();
    grid.focus({ preventScroll: true });
    if (this.audit.quick && this.audit.runs) this.causes();
    await this.toHash();
    document.documentElement.dataset.rows = String(this.rows.total);
  }

  filters() {
    const { audit } = this;
    const change = (name) => (event) => { this.query[name] = event.target.value; this.reload(); };
    const select = (name, label, choices) => make("label", {}, `${label} `, make("select", { name, on: { change: change(name) } }, choices));
    const splits = { train: "training", test: "test", canary: "canaries", all: "all" };
    const timer = {};
    const search = make("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", on: { input: (event) => {
      clearTimeout(timer.at);
      timer.at = setTimeout(() => change("text")(event), 150);
    }, keydown: (event) => { if (event.key === "Enter" || event.key === "Escape" || event.key === "ArrowDown") { event.preventDefault(); event.stopPropagation(); this.rows.node.focus(); } } } });
    this.causeFilter = make("select", { name: "cause", on: { change: change("cause") } }, option("", "every cause"));
    this.tagFilter = make("select", { name: "tag", on: { change: change("tag") } });
    this.sort = make("select", { name: "sort", on: { change: (event) => this.sortBy(event.target.value) } });
    this.turn = make("button", { type: "button", "aria-pressed": "false", text: "Turn", title: "the reverse order", on: { click: () => this.sortBy(this.query.sort, !this.query.turned) } });
    this.surely = make("input", { type: "checkbox", on: { change: (event) => { this.query.surely = event.target.checked ? "1" : ""; this.reload(); } } });
    this.more = make("button", { type: "button", class: "more-filters", "aria-expanded": "false", "aria-controls": "filters", text: "Filter and sort", on: { click: () => this.more.setAttribute("aria-expanded", String(this.more.getAttribute("aria-expanded") === "false")) } });
    return make("form", { class: "filters", "aria-label": "Filter and sort", on: { submit: (event) => event.preventDefault() } },
      make("label", { class: "grow" }, "Search ids ", make("kbd", { text: "/" }), " ", search), this.more,
      make("div", { id: "filters", class: "rest" },
      select("split", "Split", Object.entries(audit.splits).filter(([, n]) => n).map(([name, n]) => option(name, `${splits[name]} (${n.toLocaleString("en")})`, name === "train"))),
      audit.classes.length ? select("label", audit.words.target[0].toUpperCase() + audit.words.target.slice(1), [option("", `every ${audit.words.target}`), ...audit.classes.map((name, i) => option(i, name))]) : null,
      make("label", {}, "Cause ", this.causeFilter),
      select("decision", "Decision", [option("", "any"), option("undecided"), ...audit.choices.map((name) => option(name))]),
      make("label", {}, "Tag ", this.tagFilter),
      make("label", {}, "Sort by ", this.sort), this.turn,
      make("label", { title: "by the end of the interval that is nearer to not memorized: with few runs, the largest values are large by luck" }, this.surely, " surest first"),
      make("details", { class: "columns-menu" }, make("summary", { text: "Scores shown" }), make("ul", { class: "plain" }, audit.scores.map((score) => make("li", {}, make("label", {}, make("input", { type: "checkbox", value: score.name, checked: this.columns.includes(score.name), on: { change: (event) => this.choose(score.name, event.target.checked) } }), ` ${score.name} `, make("small", { text: `high: ${score.high}. ${score.meaning}` }))))))));
  }

  // The scores that are shown: the chosen ones, but for those that no example of the split has.
  get shown() { return this.columns.filter((name) => !this.empty.includes(name)); }

  choose(name, wanted) {
    this.columns = this.audit.scores.map((score) => score.name).filter((each) => (each === name ? wanted : this.columns.includes(each)));
    this.heads();
    this.rows.reload({ keep: true });
  }

  sortBy(name, turned = name === this.query.sort ? !this.query.turned : false) {
    Object.assign(this.query, { sort: name, turned: turned ? "1" : "" });
    this.heads();
    this.reload();
  }

  reload() {
    say("");
    const set = ["label", "cause", "decision", "tag", "surely"].filter((name) => this.query[name]).length + (this.query.split !== "train");
    this.more.textContent = `Filter and sort${set ? ` (${set} set)` : ""}`;
    return this.rows.reload();
  }

  async fetchPage(start, count, signal) {
    const slow = setTimeout(() => { this.count.textContent = "Computing ..."; }, 400);
    try {
      let found, since;
      do { // rows that were on their way while a decision was saved may not show it
        since = this.changes;
        found = await get(`/api/rows/${this.audit.number}`, { ...this.query, start, count, columns: this.columns.join("\n") }, signal);
      } while (since !== this.changes);
      if (JSON.stringify([found.empty, found.hasCauses]) !== JSON.stringify([this.empty, this.hasCauses])) {
        Object.assign(this, { empty: found.empty, hasCauses: found.hasCauses });
        this.heads();
      }
      const undefinedHere = found.empty.filter((name) => !(name in found.reasons));
      const why = (undefinedHere.length ? ` Not shown, since no ${this.query.split === "train" ? "training" : this.query.split} example has ${undefinedHere.length === 1 ? "it" : "them"}: ${undefinedHere.join(", ")}.${this.shown.length ? "" : " Choose others under Scores shown."}` : "")
        + Object.entries(found.reasons).map(([name, reason]) => ` ${name}: ${reason}`).join("");
      this.count.textContent = `${found.total.toLocaleString("en")} ${found.total === 1 ? "example" : "examples"}${found.total ? "" : ": none passes these filters"}.${why}`;
      return found;
    } finally {
      clearTimeout(slow);
    }
  }

  heads() {
    const { sort, turned } = this.query;
    const high = Object.fromEntries(this.audit.scores.map((score) => [score.name, score.high]));
    const head = (name, text, note = "", kind = "") => make("span", { role: "columnheader", class: kind, "aria-sort": sort === name ? (turned ? "ascending" : "descending") : "none" },
      make("button", { type: "button", data: { sort: name }, title: "sort by it; again: the reverse order" }, breakable(text), sort === name ? (turned ? " ▴" : " ▾") : ""), note ? make("small", { text: note }) : null);
    const { shown, hasCauses } = this;
    this.rows.node.style.setProperty("--columns", shown.length);
    this.rows.node.style.setProperty("--causes", Number(hasCauses));
    this.rows.node.style.setProperty("--template", ["var(--look)", "minmax(var(--name), 1.2fr)", "minmax(var(--choice), 0.8fr)", ...shown.map(() => "minmax(var(--score), 1fr)"), ...(hasCauses ? ["minmax(var(--cause), 0.8fr)"] : [])].join(" "));
    this.rows.head.replaceChildren(make("span", { role: "columnheader", class: "look" }, make("span", { class: "unseen", text: "looks" })), head("id", "example", "", "name"), make("span", { role: "columnheader", class: "choice", text: "decision" }),
      ...shown.map((name) => head(name, name, `high: ${high[name]}`, "score")), ...(hasCauses ? [make("span", { role: "columnheader", class: "cause", text: "cause" })] : []));
    this.sort.replaceChildren(...[["id", "id"], ["label", this.audit.words.target], ...this.audit.scores.map((score) => [score.name, score.name])].map(([value, text]) => option(value, text, value === sort)));
    this.turn.setAttribute("aria-pressed", String(Boolean(turned)));
  }

  cells(row) {
    const { classes } = this.audit, none = [null, null, null]; // a score that was chosen after the row was fetched
    const choice = row.choice === "relabel" ? `relabel: ${classes.length ? classes[row.new] : row.new}` : row.choice;
    return [
      make("span", { role: "gridcell", class: "look" }, look(this.audit, row)),
      make("span", { role: "gridcell", class: "name" }, make("span", { class: "id", title: row.id, text: row.id }), make("small", { text: row.canary ? `canary: ${row.canary} · ${row.label}` : row.label })),
      make("span", { role: "gridcell", class: "choice" }, choice ? make("strong", { text: choice }) : null, row.tags.map((tag) => make("span", { class: "tag", text: tag }))),
      ...this.shown.map((name) => [name, row.scores[name] ?? none]).map(([name, score]) => make("span", { role: "gridcell", class: "score", "aria-label": `${name} ${range(score)}` }, make("small", { class: "narrow", text: name }), name.includes("memorization") ? bar(score) : null, make("span", { class: "number", text: range(score) }))),
      ...(this.hasCauses ? [make("span", { role: "gridcell", class: "cause" }, row.cause ? make("span", { class: "badge", text: row.cause }) : null)] : []),
    ];
  }

  moved(row) {
    if (!this.example.node.hidden) { clearTimeout(this.showing); this.showing = setTimeout(() => this.example.show(row), 120); }
  }

  async open() {
    const row = await this.rows.current();
    if (!row) return;
    this.example.node.hidden = false;
    document.body.classList.add("with-example");
    this.example.show(row);
    if (matchMedia("(max-width: 64rem)").matches) this.example.heading.focus();
  }

  decided(id, decision) {
    this.changes += 1;
    const row = this.rows.row(this.rows.active);
    for (const [index] of this.rows.drawn) {
      const each = this.rows.row(index);
      if (each && each.id === id) this.rows.change(index, Object.assign(each, { choice: decision.choice, new: decision.new, tags: decision.tags }));
    }
    if (row && row.id === id) this.example.update(row);
    this.counts(decision.decided);
    for (const tag of decision.tags) if (!this.audit.tags.includes(tag)) this.audit.tags.push(tag);
    this.tagChoices();
  }

  counts(found) {
    const parts = Object.entries(found).filter(([, n]) => n).map(([name, n]) => `${n} ${name}`);
    this.summary.textContent = parts.length ? `Decided: ${parts.join(", ")}.` : this.audit.where ? "Nothing decided yet." : "This audit is far away: decisions need a copy on this machine.";
    const { skipped, where } = this.audit, one = skipped.length === 1;
    this.skipped.hidden = !skipped.length;
    this.skipped.textContent = `${one ? "Line" : "Lines"} ${skipped.join(", ")} of ${where} ${one ? "is no decision and was" : "are no decisions and were"} skipped. byrote leaves ${one ? "it" : "them"} in the file: mend or remove ${one ? "it" : "them"}.`;
    this.tagChoices();
  }

  tagChoices() {
    this.tagFilter.replaceChildren(option("", "any"), ...this.audit.tags.map((tag) => option(tag, tag, tag === this.query.tag)));
    this.tagFilter.parentElement?.toggleAttribute("hidden", !this.audit.tags.length);
  }

  async causes() {
    const { counts } = await get(`/api/causes/${this.audit.number}`).catch(() => ({ counts: {} }));
    this.causeFilter.replaceChildren(option("", "every cause"), ...Object.entries(counts).map(([name, n]) => option(name, `${name} (${n})`)));
    this.rows.reload({ keep: true });
  }

  // Another tab, or another program, may have decided since.
  async refresh() {
    const found = await get(`/api/audit/${this.audit.number}`).catch(() => null);
    const known = (audit) => JSON.stringify([audit.decided, audit.tags, audit.skipped]);
    if (!found || known(found) === known(this.audit)) return;
    Object.assign(this.audit, { decided: found.decided, tags: found.tags, skipped: found.skipped });
    this.counts(found.decided);
    this.rows.reload({ keep: true });
  }

  async toHash() {
    const id = decodeURIComponent(location.hash.slice(1));
    if (!id || id === "main") return;
    try {
      const { number } = this.audit;
      let found = await get(`/api/find/${number}`, { ...this.query, id });
      if (found.index < 0) {
        this.query = { split: "all", sort: this.query.sort };
        this.surely.checked = false;
        this.form.querySelectorAll("select[name], #search").forEach((each) => { if (each.name !== "sort") each.value = each.name === "split" ? "all" : ""; });
        await this.rows.reload();
        found = await get(`/api/find/${number}`, { ...this.query, id });
      }
      await this.rows.go(found.index, true);
      this.open();
    } catch (error) {
      say(error.message, true);
    }
  }

  // Decide about the row that is marked, or without a choice tag it.
  async decide(choice) {
    this.opening = !choice || choice === "relabel";
    const row = await this.rows.current();
    this.opening = false;
    if (!row) return;
    if (!choice) this.deciding.tag(row);
    else this.deciding.choose(row, choice, this.example.row?.id === row.id ? this.example.suggestion : null);
  }

  key(event) {
    if (this.opening) { event.preventDefault(); return; } // a dialog is about to open: what is typed for it decides nothing
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || event.target.closest("input, select, textarea, summary")) return;
    if (event.key === "Escape" && !this.example.node.hidden) { event.preventDefault(); this.example.closed(); return; }
    if (event.key === "/") { event.preventDefault(); $("search").focus(); return; }
    const choice = { k: "keep", r: "relabel", d: "drop", w: "wanted" }[event.key];
    const inside = event.target.closest("aside");
    if (event.key === "Enter" && event.target === this.rows.node) { event.preventDefault(); this.open(); return; }
    if (choice || event.key === "t") { event.preventDefault(); this.decide(choice); return; }
    if (event.key === "u") { event.preventDefault(); this.deciding.undo(); return; }
    if (!inside || event.key === "n" || event.key === "p") if (!event.target.closest("button, a") || event.key === "n" || event.key === "p") if (this.rows.key(event)) event.preventDefault();
  }
}
