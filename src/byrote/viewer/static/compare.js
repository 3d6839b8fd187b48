// Compare: what has changed from one audit to another, one score in both as a picture, and the examples that changed most.
import { $, make, option, svg } from "./dom.js";
import { get } from "./server.js";
import { number, range, table } from "./sizes.js";

const SIZE = 420, EDGE = 54, PAGE = 60;

export async function show(main, first, second) {
  const [found, open, audit] = await Promise.all([get(`/api/change/${first}/${second}`, { count: PAGE }), get("/api/open"), get(`/api/audit/${first}`)]);
  const [before, after] = [first, second].map((at) => open.find((each) => each.number === at));
  $("about").textContent = `audits ${first} and ${second}`;
  document.title = `${before.name}, ${after.name} · byrote view`;
  const drawing = make("div", {}, make("p", { class: "quiet", text: "Reading ..." }));
  const draw = (name) => get(`/api/both/${first}/${second}`, { name }).then((both) => drawing.replaceChildren(scatter(both, first, before, after)), (error) => drawing.replaceChildren(make("p", { class: "lacking", text: error.message })));
  const score = make("select", { on: { change: (event) => draw(event.target.value) } }, audit.scores.map((each) => option(each.name, each.name, each.name === "memorization")));
  main.replaceChildren(
    make("p", { class: "eyebrow", text: `before: ${before.directory} · after: ${after.directory}` }),
    make("h1", { text: `From ${before.name} to ${after.name}` }),
    make("p", { class: "links" }, make("a", { href: `/compare/${second}/${first}`, text: "The other way round" })),
    make("ul", { class: "verdict" }, found.sentences.map((text) => make("li", { text }))),
    make("h2", { text: "In numbers" }),
    table(["Measure", "Before", "After", "Change, 90 % interval over runs"], found.measures.map((row) => [row.measure, number(row.before), number(row.after), range([row.change, row["change low"], row["change high"]])]), "Measures before and after"),
    make("h2", { text: "One score in both" }), make("form", { class: "filters" }, make("label", {}, "Score ", score)), drawing,
    make("h2", { text: "Differences" }),
    make("p", { class: "quiet", text: `${found.listed} of ${found.total.toLocaleString("en")} training examples have changed, at a false-discovery rate of ${100 * found.fdr} %; they come first, and then the others by the size of the change.` }),
    list(found, first, second));
  draw("memorization");
}

function list(found, first, second) {
  const body = make("tbody");
  const add = (rows) => body.append(...rows.map((row) => make("tr", {},
    make("th", { scope: "row" }, make("a", { href: `/audit/${first}#${encodeURIComponent(row.id)}`, text: row.id }), row.label ? make("small", { text: ` ${row.label}` }) : null),
    make("td", { text: number(row.before) }), make("td", {}, make("a", { href: `/audit/${second}#${encodeURIComponent(row.id)}`, text: number(row.after) })), make("td", { text: number(row.change) }), make("td", { text: number(row.p_value) }),
    make("td", { class: "words", text: row.no_longer ? "no longer memorized" : row.newly ? "newly memorized" : row.listed ? "changed" : "not shown" }))));
  add(found.rows);
  const more = make("button", { type: "button", text: "Show more", hidden: found.rows.length >= found.total, on: { click: async () => {
    const next = await get(`/api/change/${first}/${second}`, { start: body.children.length, count: PAGE });
    add(next.rows);
    more.hidden = body.children.length >= found.total;
  } } });
  return make("div", {}, make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Examples that changed" }, make("table", {}, make("thead", {}, make("tr", {}, ["Example", "Before", "After", "Change", "p-value", "Shown"].map((text) => make("th", { scope: "col", text })))), body)), make("p", { class: "more" }, more));
}

// As many examples as the area of a circle says; a circle of one example leads to it.
function scatter(found, first, before, after) {
  if (found.reason) return make("p", { class: "lacking", text: found.reason });
  const { low, high, cells, points, examples } = found;
  const step = (SIZE - EDGE - 10) / cells;
  const x = (cell) => EDGE + (cell + 0.5) * step, y = (cell) => SIZE - EDGE - (cell + 0.5) * step;
  const most = Math.max(...points.map(([, , n]) => n));
  const drawing = svg("svg", { class: "scatter", viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": `${found.name} of ${examples} examples before and after; correlation ${number(found.correlation)}` },
    svg("rect", { class: "frame-line", x: EDGE, y: 10, width: SIZE - EDGE - 10, height: SIZE - EDGE - 10 }),
    svg("line", { class: "rule", x1: EDGE, y1: SIZE - EDGE, x2: SIZE - 10, y2: 10 }),
    ...[[low, 0], [(low + high) / 2, cells / 2 - 0.5], [high, cells - 1]].flatMap(([value, cell]) => [svg("text", { x: x(cell), y: SIZE - EDGE + 16, "text-anchor": "middle", text: number(value) }), svg("text", { x: EDGE - 6, y: y(cell) + 4, "text-anchor": "end", text: number(value) })]),
    svg("text", { x: SIZE / 2, y: SIZE - 6, "text-anchor": "middle", text: `before (${before.number})` }),
    svg("text", { x: 12, y: SIZE / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${SIZE / 2})`, text: `after (${after.number})` }),
    ...points.map(([a, b, n, id]) => {
      const dot = svg("circle", { class: "dot-of", cx: x(a), cy: y(b), r: Math.max(13 * Math.sqrt(n / most), 2.6) }, svg("title", { text: n === 1 ? id : `${n} examples` }));
      return n === 1 ? svg("a", { href: `/audit/${first}#${encodeURIComponent(id)}`, "aria-label": id, tabindex: "-1" }, dot) : dot;
    }));
  return make("figure", { class: "chart narrow-chart" }, drawing, make("figcaption", { text: `${examples.toLocaleString("en")} training examples that both audits have. On the line, nothing has changed; the area of a circle is how many examples are there. A circle of one example leads to it. Correlation: ${number(found.correlation)}.` }));
}
