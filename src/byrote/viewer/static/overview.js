// Overview: everything that is open, each with its main numbers, its page, and a form that compares two audits.
import { make, option } from "./dom.js";
import { get } from "./server.js";
import { tiles } from "./sizes.js";

const KINDS = { audit: "audit", comparison: "comparison", language: "language audit" };

// How many of each kind there are: "2 audits, 1 comparison and 1 language audit".
function counted(each) {
  const parts = Object.entries(KINDS).map(([kind, name]) => [each.filter((one) => one.kind === kind).length, name]).filter(([n]) => n).map(([n, name]) => `${n} ${name}${n === 1 ? "" : "s"}`);
  return [parts.slice(0, -1).join(", "), parts.at(-1)].filter(Boolean).join(" and ");
}

export async function show(main) {
  const found = await get("/api/open");
  document.title = "byrote view";
  const alone = found.filter((each) => each.whole === null);
  main.replaceChildren(
    make("h1", { text: counted(alone) }),
    ...compareForm(found),
    ...alone.map((each) => card(each, found)));
}

function card(each, found) {
  const numbers = make("div", { class: "numbers" }, each.kind === "comparison" ? null : make("p", { class: "quiet", text: "Reading ..." }));
  const where = each.kind === "comparison" ? null : each.kind === "audit" ? `/audit/${each.number}` : `/language/${each.number}`;
  const title = where ? make("a", { href: where, text: each.name }) : each.name;
  const links = make("p", { class: "links" },
    where ? make("a", { href: where, text: each.kind === "audit" ? "Look at its examples" : "Read its passages" }) : null,
    each.page ? make("a", { href: `/report/${each.number}`, target: "_blank", rel: "noopener", text: "Its report" }) : make("span", { class: "quiet", text: "No report was written yet." }));
  if (each.kind !== "comparison") {
    get(`/api/numbers/${each.number}`).then((one) => numbers.replaceChildren(make("p", { class: "quiet", text: one.about }), tiles(one.tiles)),
      (error) => numbers.replaceChildren(make("p", { class: "lacking", text: error.message })));
  } else if (each.sentences.length) {
    numbers.append(make("ul", { class: "verdict" }, each.sentences.map((text) => make("li", { text }))));
  }
  return make("section", { class: "opened", "aria-label": each.name },
    make("p", { class: "eyebrow", text: `${KINDS[each.kind]} ${each.number} · ${each.directory}` }),
    make("h2", {}, title), links, numbers, parts(each, found));
}

function parts(each, found) {
  if (!each.parts.length) return null;
  const audits = found.filter((one) => each.parts.includes(one.number));
  return make("details", {}, make("summary", { text: `The audits of its ${audits.length} ways of training` }),
    make("ul", {}, audits.map((one) => make("li", {}, make("a", { href: `/audit/${one.number}`, text: one.name })))));
}

function compareForm(found) {
  const audits = found.filter((each) => each.kind === "audit");
  if (audits.length < 2) return [];
  const choices = (chosen) => audits.map((each, i) => option(each.number, `${each.number}: ${each.name} (${each.directory.split("/").pop()})`, i === chosen));
  const first = make("select", {}, choices(0));
  const second = make("select", {}, choices(1));
  const form = make("form", { class: "filters", "aria-label": "Compare two audits", on: { submit: (event) => { event.preventDefault(); location.assign(`/compare/${first.value}/${second.value}`); } } },
    make("label", {}, "Compare, before ", first), make("label", {}, "after ", second), make("button", { type: "submit", text: "Compare" }));
  return [form];
}
