// Curve: how one example was learned, by runs that were trained on it and by runs that were not.
import { make, svg } from "./dom.js";
import { number, range } from "./sizes.js";

const WIDTH = 420, HEIGHT = 170, LEFT = 34, BOTTOM = 26;

export function curve(found) {
  if (found.reason) return make("p", { class: "lacking", text: found.reason });
  const { trained, leftOut, column, unit, during, atEnd } = found;
  const every = [...trained, ...leftOut].flatMap(([value, low, high]) => [value, low, high]).filter((each) => typeof each === "number");
  if (!every.length) return make("p", { class: "lacking", text: "No step was recorded for this example." });
  const least = Math.min(0, ...every), most = Math.max(1, ...every), steps = trained.length;
  const x = (step) => LEFT + (steps > 1 ? step / (steps - 1) : 1) * (WIDTH - LEFT - 12);
  const y = (value) => 8 + (1 - (Math.min(Math.max(value, least), most) - least) / (most - least)) * (HEIGHT - BOTTOM - 8);
  const drawing = svg("svg", { class: "curve", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${column} over ${steps} ${unit}s: at the end ${range(last(trained))} when trained on, ${range(last(leftOut))} when left out` });
  for (const value of [least, (least + most) / 2, most]) {
    drawing.append(svg("line", { class: "rule", x1: LEFT, x2: WIDTH - 12, y1: y(value), y2: y(value) }), svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end", text: number(value) }));
  }
  drawing.append(svg("text", { x: LEFT, y: HEIGHT - 6, text: `${unit} 1` }), svg("text", { x: WIDTH - 12, y: HEIGHT - 6, "text-anchor": "end", text: `${unit} ${steps}` }));
  series(drawing, trained, "in", x, y);
  series(drawing, leftOut, "out", x, y);
  for (const [, member, value] of atEnd) if (typeof value === "number") drawing.append(svg("circle", { class: `run ${member ? "in" : "out"}`, cx: x(steps - 1) + (member ? -5 : 5), cy: y(value), r: 2.5 }));
  const counts = [true, false].map((which) => atEnd.filter(([, member]) => member === which).length);
  return make("figure", { class: "chart" }, drawing, make("figcaption", {},
    make("span", { class: "key in", text: `${counts[0]} runs trained on it: ${range(last(trained))} at the end` }),
    make("span", { class: "key out", text: `${counts[1]} runs not trained on it: ${range(last(leftOut))}` }),
    make("span", { text: `Mean ${column} with its 90 % interval over runs; dots are single runs at the end.${during ? " Before the last step, values of runs that were trained on it are from the training pass." : ""}` })));
}

const last = (found) => [...found].reverse().find(([value]) => value !== null) || [null, null, null];

function series(drawing, found, name, x, y) {
  const known = found.map((size, step) => [step, ...size]).filter(([, value]) => typeof value === "number");
  const banded = known.filter(([, , low, high]) => typeof low === "number" && typeof high === "number");
  if (banded.length > 1) drawing.append(svg("path", { class: `band ${name}`, d: `${banded.map(([step, , low], i) => `${i ? "L" : "M"}${x(step)} ${y(low)}`).join("")}${[...banded].reverse().map(([step, , , high]) => `L${x(step)} ${y(high)}`).join("")}Z` }));
  else for (const [step, , low, high] of banded) drawing.append(svg("line", { class: `whisker ${name}`, x1: x(step), x2: x(step), y1: y(low), y2: y(high) }));
  if (known.length > 1) drawing.append(svg("path", { class: `line ${name}`, d: known.map(([step, value], i) => `${i ? "L" : "M"}${x(step)} ${y(value)}`).join("") }));
  for (const [step, value] of known.length < 40 ? known : []) drawing.append(svg("circle", { class: `mean ${name}`, cx: x(step), cy: y(value), r: 3.5 }));
}
