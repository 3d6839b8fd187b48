// What an example looks like: its picture, some values of its row, its signal as lines, or its text.
import { make, svg } from "./dom.js";

const LINES = ["--real", "--test", "--ordinary", "--noise"];

// On the scale of the audit; a signal that reaches far beyond it has a scale of its own, which is said.
export function lines(signal, about, alt) {
  const { own } = signal;
  return own ? make("span", { class: "own-scale" }, drawing(signal, about, alt), make("small", { text: `own scale: ${own[0]} to ${own[1]}` })) : drawing(signal, about, alt);
}

function drawing({ lines: drawn, own }, about, alt) {
  const { height, time, band } = about;
  const path = (line) => line.map(([at, value], i) => `${i ? "L" : "M"}${at} ${height - value}`).join("");
  const node = svg("svg", { class: "picture lines", viewBox: `0 ${-0.03 * height} ${Math.max(time - 1, 1)} ${1.06 * height}`, preserveAspectRatio: "none", role: "img", "aria-label": alt });
  if (band && !own) node.append(svg("path", { class: "band", d: `${path(band.map(([at, low]) => [at, low]))}${path([...band].reverse().map(([at, , high]) => [at, high])).replace("M", "L")}Z` }));
  drawn.forEach((points, i) => {
    const line = svg("path", { class: "line", d: path(points) });
    line.style.stroke = `var(${LINES[i % LINES.length]})`;
    node.append(line);
  });
  return node;
}

export function picture(number, at, alt) {
  return make("img", { class: "picture", src: `/picture/${number}/${at}`, alt, loading: "lazy", decoding: "async" });
}

export function look(audit, row) {
  if (audit.kindOfData === "picture") return picture(audit.number, row.at, `${row.id}, ${row.label}`);
  if (row.look === null) return null;
  if (audit.kindOfData === "signal") return lines(row.look, audit.signal, `signal of ${row.id}`);
  if (audit.kindOfData === "text") return make("span", { class: "text", text: row.look || "(no words)" });
  return make("span", { class: "glance" }, row.look.map(([name, value, mark]) => make("span", {}, make("small", { text: name }), ` ${value}`, mark ? make("em", { text: ` ${mark}` }) : null)));
}
