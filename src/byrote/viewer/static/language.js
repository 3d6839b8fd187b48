// Language: the passages of a language audit, coloured by what the model would have said.
import { $, make } from "./dom.js";
import { get } from "./server.js";
import { tiles } from "./sizes.js";

const AT_ONCE = 20;
const KINDS = { recite: "recited: repeated in the training text", reconstruct: "reconstructed: predictable without it", recollect: "recollected: neither repeated nor predictable by the checks made" };

export async function show(main, number) {
  const found = await get(`/api/passages/${number}`);
  document.title = `${found.name} · byrote view`;
  $("about").textContent = `language audit ${number}`;
  const list = make("div");
  const search = make("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", on: { input: () => draw(AT_ONCE) } });
  const count = make("p", { class: "count", role: "status" });
  const more = make("button", { type: "button", text: "Show more", on: { click: () => draw(list.children.length + AT_ONCE) } });
  const passing = () => {
    const wanted = search.value.toLowerCase();
    return found.passages.filter((each) => !wanted || each.document.toLowerCase().includes(wanted) || each.tokens.map(([text]) => text).join("").toLowerCase().includes(wanted));
  };
  const draw = (most) => {
    const every = passing();
    list.replaceChildren(...every.slice(0, most).map(passage));
    count.textContent = `${Math.min(most, every.length)} of ${every.length} passages${found.redacted ? "; their text is hidden" : ""}.`;
    more.hidden = every.length <= most;
  };
  main.replaceChildren(
    make("p", { class: "eyebrow", text: found.directory }),
    make("h1", {}, found.name, " ", found.page ? make("a", { class: "small", href: `/report/${number}`, target: "_blank", rel: "noopener", text: "report" }) : null),
    tiles(found.tiles), make("ul", { class: "verdict" }, found.sentences.map((text) => make("li", { text }))),
    make("h2", { text: "The passages" }),
    make("p", { class: "quiet" }, "Recited ones first, else those nearest to it. What the model was given is grey. Each token behind it is coloured by the probability that the model gave it: ", token(["little", 0.05, true]), " ", token(["half", 0.5, true]), " ", token(["certain", 1, true]), "; a token with a dotted line is not the most probable one."),
    make("form", { class: "filters", on: { submit: (event) => event.preventDefault() } }, make("label", { class: "grow" }, "Search passages ", make("kbd", { text: "/" }), " ", search)),
    count, list, make("p", { class: "more" }, more));
  document.addEventListener("keydown", (event) => { if (event.key === "/" && !event.target.closest("input")) { event.preventDefault(); search.focus(); } });
  draw(AT_ONCE);
}

function token([text, probability, greedy]) {
  if (probability === null) return make("span", { class: "given", text });
  const node = make("span", { class: greedy ? "tok" : "tok missed", text });
  node.style.setProperty("--p", probability.toFixed(2));
  return node;
}

function passage(each) {
  const source = each.source && each.source !== each.document ? ` · ${each.source}` : "";
  const kind = each.recited ? KINDS[each.kind] || "recited" : "not recited";
  return make("article", { class: "passage" },
    make("p", { class: "eyebrow", text: `${kind} · ${each.document}${source} · the suffix stands ${each.copies} in the training text · drawn once in about ${each.samples} samples` }),
    make("p", { class: "text" }, each.tokens.map(token)));
}
