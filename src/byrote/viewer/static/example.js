// Example: one example through all scores, through the steps, among its neighbours, and in the other audits.
import { curve } from "./curve.js";
import { make, say } from "./dom.js";
import { CHOICES } from "./deciding.js";
import { lines, look, picture } from "./looks.js";
import { get } from "./server.js";
import { number, range, table } from "./sizes.js";

export class Example {
  constructor(node, audit, deciding, others) {
    Object.assign(this, { node, audit, deciding, others, row: null, suggestion: null });
  }

  show(row) {
    if (this.row && this.row.id === row.id) return;
    Object.assign(this, { row, suggestion: null });
    if (this.asking) this.asking.abort();
    this.asking = new AbortController();
    const signal = this.asking.signal;
    this.heading = make("h2", { tabindex: "-1", text: row.id });
    this.decided = make("div", { class: "decide" });
    this.why = make("div", { class: "why" });
    this.scores = make("tbody");
    this.steps = make("div", {}, make("p", { class: "quiet", text: "Reading ..." }));
    this.beside = make("div", { class: "beside" });
    this.elsewhere = make("div");
    const { kindOfData, words } = this.audit;
    this.node.replaceChildren(
      make("button", { type: "button", class: "close", text: "Close", "aria-label": "close the example", on: { click: () => this.closed() } }),
      make("p", { class: "eyebrow", text: row.canary ? `canary: ${row.canary}` : `${row.split} example` }),
      this.heading,
      make("div", { class: "intro" }, kindOfData === "table" ? null : look(this.audit, row), make("p", {}, `${words.target}: `, make("strong", { text: row.label }))),
      this.decided, this.why,
      make("h3", { text: "How it was learned" }), this.steps,
      make("h3", { text: "All scores" }),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "All scores" }, make("table", {}, make("thead", {}, make("tr", {}, ["Score", "Value, 90 % interval", "Rank", "High means"].map((text) => make("th", { scope: "col", text })))), this.scores)),
      make("p", { class: "quiet", text: "Rank: the share of the training examples that are less memorized, or easier, by this score." }),
      this.beside, this.elsewhere);
    this.update(row);
    this.load(signal).catch((error) => { if (error.name !== "AbortError") say(error.message, true); });
  }

  update(row) {
    if (!this.row || row.id !== this.row.id) return;
    this.row = row;
    const { classes, choices } = this.audit;
    const now = row.choice === "relabel" ? `relabel as ${classes.length ? classes[row.new] : row.new}` : row.choice || "undecided";
    this.decided.replaceChildren(
      make("p", { class: "choices", role: "group", "aria-label": "Decide" },
        choices.map((name) => make("button", { type: "button", "aria-pressed": String(row.choice === name), on: { click: () => this.deciding.choose(this.row, name, this.suggestion) } }, `${CHOICES[name][1]} `, make("kbd", { text: CHOICES[name][0] }))),
        make("button", { type: "button", on: { click: () => this.deciding.tag(this.row) } }, "Tag ", make("kbd", { text: "t" }))),
      make("p", { class: "quiet" }, `Decided: ${now}. `, row.tags.map((tag) => make("span", { class: "tag", text: tag }))));
  }

  async load(signal) {
    const { number: audit, scores, quick } = this.audit;
    const at = this.row.at;
    const ask = (what, given = {}) => get(`/api/${what}/${audit}`, { at, ...given }, signal);
    await Promise.all([
      ask("curve").then((found) => this.steps.replaceChildren(curve(found))),
      quick ? this.look(ask) : Promise.resolve(this.offer(ask)),
      this.others ? ask("elsewhere").then((found) => this.there(found)) : Promise.resolve(),
      (async () => {
        for (const score of scores) {
          const slow = !quick && score.name === "shrunk_memorization";
          const cells = slow ? make("button", { type: "button", text: "Compute (a minute)", on: { click: (event) => this.fill(ask, score, event.target.closest("tr")) } }) : make("span", { class: "quiet", text: "..." });
          const row = make("tr", {}, make("th", { scope: "row", title: score.meaning, text: score.name }), make("td", {}, cells), make("td"), make("td", { class: "words", text: score.high }));
          this.scores.append(row);
          if (!slow) await this.fill(ask, score, row);
        }
      })(),
    ]);
  }

  async fill(ask, score, row) {
    row.children[1].replaceChildren(make("span", { class: "quiet", text: "..." }));
    const found = await ask("score", { name: score.name });
    row.children[1].replaceChildren(found.reason ? make("span", { class: "none", text: found.reason }) : range(found.size));
    row.children[1].classList.toggle("words", Boolean(found.reason));
    row.children[2].textContent = found.reason || found.rank === null ? "–" : `${(100 * found.rank).toFixed(0)} %`;
  }

  offer(ask) {
    this.beside.replaceChildren(make("h3", { text: "Neighbours and cause" }), make("p", {}, make("button", { type: "button", text: "Look for them", on: { click: () => this.look(ask) } }), make("span", { class: "quiet", text: " In an audit of this size the first time takes a minute or more." })));
  }

  async look(ask) {
    this.beside.replaceChildren(make("h3", { text: "Neighbours and cause" }), make("p", { class: "quiet", text: "Comparing with all other examples ..." }));
    const found = await ask("neighbours").catch((error) => { if (error.name === "AbortError") throw error; return { reason: error.message }; });
    if (found.reason) {
      this.beside.replaceChildren(make("h3", { text: "Neighbours and cause" }), make("p", { class: "lacking", text: found.reason }));
      return;
    }
    this.suggestion = found.alternativeLabel;
    this.why.replaceChildren(found.real ? make("p", {}, make("span", { class: "badge", text: found.cause }), ` ${found.evidence}`) : make("p", { text: found.evidence }));
    const { words } = this.audit;
    this.beside.replaceChildren(...[
      found.row ? make("h3", { text: "Its row" }) : null, found.row ? rowTable(found) : null,
      ...this.list("Near-duplicates", found.duplicates, found),
      ...this.list("Nearest training examples", found.neighbours, found),
      ...this.list("Nearest test examples", found.testNeighbours, found),
      ...this.list("Test examples that depend on it", found.dependents, found),
      found.votes.length ? make("h3", { text: `What ${found.outModels} models that were not trained on it predict` }) : null,
      found.votes.length ? make("ul", { class: "plain" }, found.votes.map(([name, count]) => make("li", { text: `${name}: ${count}` }))) : null,
      found.table ? table(found.table.columns, found.table.rows, `Predicted ${words.targets}`) : null,
    ].filter(Boolean));
  }

  list(title, others, found) {
    if (!others.length) return [];
    return [make("h3", { text: title }), make("ul", { class: "others" }, others.map((other) => make("li", {},
      make("a", { href: `#${encodeURIComponent(other.id)}` },
        found.lines[other.id] ? lines(found.lines[other.id], this.audit.signal, `signal of ${other.id}`) : found.pictures[other.id] ? make("img", { class: "picture", src: found.pictures[other.id], alt: "" }) : found.texts[other.id] !== undefined ? make("span", { class: "text", text: found.texts[other.id] }) : null,
        make("small", { text: other.id })),
      make("span", { class: other.differs ? "differs" : "", text: other.label }),
      make("small", { text: other.influence ? `influence ${range(other.influence)}` : `distance ${number(other.distance)}${other.change ? `, ${other.change}` : ""}` }))))];
  }

  there(found) {
    if (!found.length) return;
    this.elsewhere.replaceChildren(make("h3", { text: "In the other audits" }), table(["Audit", "memorization"], found.map((each) => {
      const about = this.others.find((one) => one.number === each.number);
      const name = `${each.number}: ${about.name} (${about.directory.split("/").pop()})`;
      return [each.at === null ? name : make("a", { href: `/audit/${each.number}#${encodeURIComponent(this.row.id)}`, text: name }), each.at === null ? "not in it" : each.reason || range(each.size)];
    }), "The same id in the other audits"));
  }

  closed() {
    this.node.hidden = true;
    this.onClose();
  }
}

function rowTable(found) {
  const others = found.neighbours.slice(0, found.row.others).map((each) => each.id);
  return table(["Column", "Value", "Usual", ...others], found.row.rows.map(([at, cells]) => [found.columns[at][0], ...[cells[0], [found.columns[at][1], ""], ...cells.slice(1)].map(([value, mark]) => make("span", { class: mark === "differs" ? "differs" : "" }, value, mark && mark !== "differs" ? make("em", { text: ` ${mark}` }) : null))]), "Its row beside those of its nearest examples");
}
