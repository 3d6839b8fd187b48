// Main: which page this is, its theme, and the keys that all pages have.
import { $, dialog, make, say } from "./dom.js";

const PAGES = [
  [/^\/$/, "./overview.js"],
  [/^\/audit\/(\d+)$/, "./audit.js"],
  [/^\/compare\/(\d+)\/(\d+)$/, "./compare.js"],
  [/^\/language\/(\d+)$/, "./language.js"],
];

const KEYS = [
  ["↑ ↓, p n", "the row before, the next row"],
  ["Page up, Page down, Home, End", "a screen, or the whole way"],
  ["Enter, or double click", "open the example of the row; Escape closes it"],
  ["k", "keep it as it is"],
  ["r", "relabel it: choose the label, then Enter"],
  ["d", "drop it from the training set"],
  ["w", "it is wanted: it must be recalled"],
  ["t", "add or remove a tag"],
  ["u", "undo your last decision"],
  ["/", "search ids"],
  ["?", "this list"],
];

function theme() {
  const root = document.documentElement;
  const button = $("theme");
  const kept = (() => { try { return localStorage.getItem("byrote-theme"); } catch { return null; } })();
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const show = () => { // the theme that the button leads to
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Switch to the light theme" : "Switch to the dark theme");
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("byrote-theme", root.dataset.theme); } catch { /* the choice holds for this page */ }
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
}

function help() {
  if (document.querySelector("dialog[open]")) return;
  dialog("Keys", make("table", { class: "keys" }, make("tbody", {}, KEYS.map(([key, what]) => make("tr", {}, make("th", { scope: "row" }, make("kbd", { text: key })), make("td", { class: "words", text: what }))))),
    make("p", { class: "quiet", text: "The same key again takes a decision back. Decisions are saved at once." }));
}

function keys() {
  $("help").addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    help();
  });
}

async function start() {
  theme();
  keys();
  for (const [pattern, module] of PAGES) {
    const found = location.pathname.match(pattern);
    if (found) {
      const { show } = await import(module);
      await show($("main"), ...found.slice(1).map(Number));
      document.documentElement.dataset.drawn = "";
      return;
    }
  }
}

start().catch((error) => {
  $("main").replaceChildren(make("p", { class: "lacking", text: error.message }), make("p", {}, make("a", { href: "/", text: "To the overview" })));
  say(error.message, true);
  document.documentElement.dataset.drawn = "";
});
