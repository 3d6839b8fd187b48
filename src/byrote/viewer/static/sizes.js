// How numbers are written: with their interval, as in the report.
import { make } from "./dom.js";

export function number(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value.startsWith("-") ? "−∞" : "∞";
  if (value !== 0 && Math.abs(value) < 0.0001) return value > 0 ? "<0.0001" : ">−0.0001";
  if (value !== 0 && Math.abs(value) < 0.005) return value.toPrecision(1);
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
}

export const range = ([value, low, high]) => (low === null || high === null ? number(value) : `${number(value)} [${number(low)},\u00a0${number(high)}]`); // an interval is not broken

const place = (value) => `${100 * Math.min(Math.max(value, 0), 1)}%`;

// The small bar of the report, for values from 0 to 1: the dot is the value, the line its interval.
export function bar([value, low, high]) {
  const node = make("span", { class: "bar", "aria-hidden": "true" });
  if (typeof value !== "number") return node;
  if (typeof low === "number" && typeof high === "number") {
    const line = make("i");
    line.style.left = place(low);
    line.style.width = `calc(${place(high)} - ${place(low)})`;
    node.append(line);
  }
  const dot = make("b");
  dot.style.left = place(value);
  node.append(dot);
  return node;
}

export function tiles(found) {
  return make("dl", { class: "tiles" }, found.map((each) => make("div", { class: "tile" },
    make("dt", { text: each.name }),
    make("dd", { class: "value", text: each.value || "–" }),
    make("dd", { class: "note" }, each.range, each.range ? make("br") : null, each.note))));
}

export function table(columns, rows, caption) {
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make("table", {}, make("thead", {}, make("tr", {}, columns.map((text) => make("th", { scope: "col", text })))),
      make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell, i) => (i ? make("td", { class: "words" }, cell) : make("th", { scope: "row" }, cell))))))));
}
