"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = new Map(data.items.map((item, index) => [item.id, index]));
  const $ = (id) => document.getElementById(id);

  // Every text from the data enters the page through here, as text.
  function make(tag, options = {}, ...children) {
    const node = document.createElement(tag);
    const { text, data: attached, ...rest } = options;
    if (text !== undefined) node.textContent = text;
    for (const [name, value] of Object.entries(attached || {})) node.dataset[name] = value;
    for (const [name, value] of Object.entries(rest)) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  const number = (value) => (value === null ? "–" : value.toFixed(2));
  const range = ([value, low, high]) => (low === null ? number(value) : `${number(value)} [${number(low)}, ${number(high)}]`);
  const place = (value) => `${100 * Math.min(Math.max(value / data.most, 0), 1)}%`;

  // What an example looks like: a picture, lines of a signal, or a text; nothing for rows of a table.
  const pictured = Object.keys(data.pictures).length > 0;
  const hasLooks = pictured || Object.keys(data.lines).length > 0 || Object.keys(data.texts).length > 0;
  function look(id, alt) {
    if (data.lines[id]) return lines(id, alt);
    if (data.texts[id] !== undefined) return make("span", { class: "text", text: data.texts[id] || "(no words)" });
    if (data.pictures[id]) return make("img", { class: "picture", src: data.pictures[id], alt, loading: "lazy" });
    return hasLooks ? make("span", { class: "picture absent", text: "left out" }) : null;
  }

  function svg(tag, options, ...children) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(options)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }
  const LINES = ["--real", "--test", "--ordinary", "--noise"];
  // On the scale of the page; one that reaches far beyond it has a scale of its own, which is said.
  function lines(id, alt) {
    const { own } = data.lines[id];
    return own ? make("span", { class: "own-scale" }, drawing(id, alt), make("small", { text: `own scale: ${own[0]} to ${own[1]}` })) : drawing(id, alt);
  }
  function drawing(id, alt) {
    const { height, time, band } = data.signal;
    const { lines: drawn, own } = data.lines[id];
    const path = (points) => points.map(([at, value], i) => `${i ? "L" : "M"}${at} ${height - value}`).join("");
    const node = svg("svg", { class: "picture lines", viewBox: `0 ${-0.03 * height} ${Math.max(time - 1, 1)} ${1.06 * height}`, preserveAspectRatio: "none" });
    if (alt) { node.setAttribute("role", "img"); node.setAttribute("aria-label", alt); } else node.setAttribute("aria-hidden", "true");
    if (band && !own) node.append(svg("path", { class: "band", d: `${path(band.map(([at, low]) => [at, low]))}${path([...band].reverse().map(([at, , high]) => [at, high])).replace("M", "L")}Z` }));
    drawn.forEach((points, i) => {
      const line = svg("path", { class: "line", d: path(points) });
      line.style.stroke = `var(${LINES[i]})`;
      node.append(line);
    });
    return node;
  }
  // The same with axes, where there is room for them: values upwards, time steps to the right.
  function chart(id, alt) {
    if (!data.lines[id]) return look(id, alt);
    const { low, high, time } = data.signal;
    const { own } = data.lines[id];
    const [bottom, top] = own || [low, high];
    const ends = (name, ...texts) => make("span", { class: name, "aria-hidden": "true" }, ...texts.map((text) => make("span", { text })));
    return make("span", { class: "axes" }, ends("up", top, bottom), drawing(id, alt), ends("right", 0, "time steps", time - 1), own ? make("small", { text: "own scale" }) : null);
  }
  if ($("legend")) $("legend").replaceWith(legend());
  function legend() {
    const { low, high, time, names, channels, band } = data.signal;
    const node = make("p", { class: "quiet legend" });
    if (channels > 1) {
      names.forEach((name, i) => {
        const dot = make("span", { class: "dot" });
        dot.style.background = `var(${LINES[i]})`;
        node.append(make("span", {}, dot, name));
      });
      if (channels > names.length) node.append(make("span", { text: `${channels - names.length} more channels are not drawn.` }));
    }
    node.append(make("span", { text: `From left to right: ${time} time steps. From bottom to top: ${low} to ${high}; a signal that reaches far beyond has its own scale, which is written below it.` }));
    if (band) node.append(make("span", { text: "Darker band: where 90 % of the training examples lie at each time step." }));
    return node;
  }

  function bar(size) {
    const [value, low, high] = size;
    const node = make("span", { class: "bar", "aria-hidden": "true" });
    if (low !== null) {
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

  // Theme: that of the system, unless the button was used.
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  function showTheme() {
    $("theme").textContent = isDark() ? "Light" : "Dark";
    $("theme").setAttribute("aria-label", isDark() ? "Switch to the light theme" : "Switch to the dark theme");
    $("theme").setAttribute("aria-pressed", String(isDark()));
  }
  $("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
    drawAll();
  });
  dark.addEventListener("change", () => { showTheme(); drawAll(); });

  // Charts: colours named var(--x) in a specification are read from the theme.
  function themed(value, style) {
    if (typeof value === "string") return value.startsWith("var(--") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    if (Array.isArray(value)) return value.map((each) => themed(each, style));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, k === "datasets" ? v : themed(v, style)]));
    return value;
  }
  const shades = {};
  const views = new Map();
  const tip = $("tip");
  function tooltip(handler, event, item, value) {
    if (value === null || value === undefined || value === "") { tip.hidden = true; return; }
    const list = make("dl");
    const fields = typeof value === "object" ? Object.entries(value) : [["", value]];
    for (const [name, text] of fields) list.append(make("dt", { text: name }), make("dd", { text: String(text) }));
    tip.replaceChildren(...([data.pictures, data.lines, data.texts].some((kept) => kept[value.id] !== undefined) ? [look(value.id, "")] : []), list);
    tip.hidden = false;
    const gap = 14, box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + gap, innerWidth - box.width - 4))}px`;
    tip.style.top = `${event.clientY + gap + box.height > innerHeight ? Math.max(4, event.clientY - gap - box.height) : event.clientY + gap}px`;
  }
  function config(style) {
    const [text, muted, line] = ["--text", "--muted", "--line"].map((name) => style.getPropertyValue(name).trim());
    const font = getComputedStyle(document.body).fontFamily;
    return {
      background: "transparent", font,
      view: { stroke: null },
      axis: { labelColor: muted, titleColor: muted, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400, titlePadding: 10, labelPadding: 6 },
      legend: { labelColor: text, titleColor: muted, labelFontSize: 12, symbolStrokeColor: "transparent", symbolFillColor: muted, layout: { bottom: { anchor: "start", direction: "vertical", margin: 6 } } },
      text: { fill: text },
    };
  }
  async function draw(name) {
    const holder = $(`chart-${name}`);
    if (!holder) return;
    const style = getComputedStyle(document.documentElement);
    views.get(name)?.finalize();
    const result = await vegaEmbed(holder, themed(data.charts[name], style), { actions: false, renderer: "svg", ast: true, tooltip, config: config(style) });
    views.set(name, result);
    if (shades[name]) await result.view.signal("shade", shades[name]).runAsync();
    result.view.addEventListener("click", (event, item) => {
      const id = item && item.datum && item.datum.id;
      if (id && byId.has(id)) open(byId.get(id));
    });
  }
  async function drawAll() {
    for (const name of Object.keys(data.charts)) await draw(name);
    document.documentElement.dataset.drawn = String(Object.keys(data.charts).length);
  }
  for (const button of document.querySelectorAll("[data-shade]")) {
    button.addEventListener("click", async () => {
      const { chart, shade } = button.dataset;
      shades[chart] = shade;
      for (const other of button.parentElement.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
      await views.get(chart)?.view.signal("shade", shade).runAsync();
    });
  }

  // Gallery.
  const PAGE = 24;
  let limit = PAGE, listed = [];
  function matches(item) {
    return (!$("filter-cause").value || item.cause === $("filter-cause").value)
      && (!$("filter-label")?.value || item.label === $("filter-label").value)
      && item.id.toLowerCase().includes($("filter-id").value.trim().toLowerCase())
      && (Number($("filter-least").value) === 0 || item.memorization[0] >= Number($("filter-least").value) - 1e-9);
  }
  const orders = {
    memorization: (a, b) => b.memorization[0] - a.memorization[0],
    low: (a, b) => (b.memorization[1] ?? -1) - (a.memorization[1] ?? -1),
    dependents: (a, b) => b.dependents.length - a.dependents.length,
    label: (a, b) => (Number(a.label) - Number(b.label)) || a.label.localeCompare(b.label),
    cause: (a, b) => a.cause.localeCompare(b.cause),
    id: (a, b) => a.id.localeCompare(b.id, undefined, { numeric: true }),
  };
  const models = (count) => `${count} model${count === 1 ? "" : "s"}`;
  const runs = (item) => `${models(item.runsIn)} trained on it, ${item.runsOut} left it out`;
  const marked = (text, mark) => make("b", { class: mark }, text, ...(["high", "low", "rare"].includes(mark) ? [make("small", { text: ` ${mark}` })] : []));
  function card(item) {
    const prediction = item.predicted ? `predicted: ${item.predicted}` : "";
    const button = make("button", { type: "button", class: pictured ? "card" : "card plain", data: { cause: item.cause, id: item.id } },
      chart(item.id, ""),
      make("span", { class: "spine" },
        make("span", { class: "badge", text: item.cause }), make("br"),
        make("strong", { text: item.label }), make("br"),
        make("span", { class: "prediction", text: prediction }),
        bar(item.memorization),
        make("span", { class: "number", text: range(item.memorization) })),
      item.glance && make("span", { class: "glance" }, ...item.glance.map(([name, value, mark, usual]) => make("span", {}, make("span", {}, name, make("small", { text: ` usual: ${usual}` })), marked(value, mark)))),
      make("span", { class: "evidence", text: item.evidence }),
      make("span", { class: "runs", text: runs(item) }),
      make("span", { class: "id", text: item.id }));
    button.setAttribute("aria-label", `${item.id}, ${data.words.target} ${item.label}, ${data.estimator} ${range(item.memorization)}, ${item.cause}: ${item.evidence} Show details.`);
    button.addEventListener("click", () => open(byId.get(item.id)));
    return make("li", {}, button);
  }
  function gallery() {
    listed = data.items.filter(matches).sort(orders[$("sort").value]);
    $("cards").replaceChildren(...listed.slice(0, limit).map(card));
    const shown = Math.min(limit, listed.length);
    $("count").textContent = `${listed.length} of ${data.items.length} match; ` + (listed.length ? `${shown} shown.` : "remove a filter.");
    $("more").hidden = listed.length <= limit;
    $("least-shown").textContent = Number($("filter-least").value).toFixed(2);
    for (const chip of document.querySelectorAll("button.cause")) chip.setAttribute("aria-pressed", String(chip.dataset.cause === $("filter-cause").value));
  }
  if ($("filters")) {
    $("filters").addEventListener("input", () => { limit = PAGE; gallery(); });
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    $("more").addEventListener("click", () => {
      const first = limit;
      limit += PAGE;
      gallery();
      $("cards").children[first]?.querySelector("button").focus();
    });
    for (const chip of document.querySelectorAll("button.cause")) {
      chip.addEventListener("click", () => {
        $("filter-cause").value = chip.getAttribute("aria-pressed") === "true" ? "" : chip.dataset.cause;
        limit = PAGE;
        gallery();
      });
    }
    gallery();
  }

  // Details.
  const dialog = $("details");
  const unknown = "Unknown: no inputs that can be compared were kept.";
  function others(title, list, note, empty) {
    const heading = make("h4", { text: title });
    if (!list.length) return [heading, make("p", { class: "quiet", text: empty })];
    return [heading, make("ul", { class: `others of-${data.kind}` }, ...list.map((each) => make("li", {},
      look(each.id, `${each.label}, ${each.id}`),
      make("span", { class: each.differs ? "differs" : "", text: each.label }),
      make("small", { text: each.id }),
      make("small", { text: note(each) }))))];
  }
  function table(columns, rows) {
    const head = make("thead", {}, make("tr", {}, ...columns.map((text) => make("th", { scope: "col", text }))));
    const body = make("tbody", {}, ...rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row", text: first }), ...rest.map((text) => make("td", { text })))));
    return make("div", { class: "scroll" }, make("table", {}, head, body));
  }
  function outModels(item) {
    if (!item.predicted) return make("p", { class: "quiet", text: "None: every model was trained on it." });
    if (item.table) return table(item.table.columns, item.table.rows);
    const most = Math.max(...item.votes.map(([, count]) => count), 1);
    return make("div", { class: "votes" }, ...item.votes.flatMap(([name, count]) => {
      const line = make("i", { class: name === item.label ? "own" : name === item.alternative ? "alternative" : "" });
      line.style.width = `${100 * count / most}%`;
      return [make("span", { text: name }), line, make("span", { class: "number", text: `${count} of ${item.outModels}` })];
    }));
  }
  function row(item) {
    const near = item.neighbours.slice(0, item.row.others);
    const head = [["column"], ["this example", item.label], ...near.map((each) => [each.id, each.label, each.differs]), ["usual range"]].map(([text, label, differs]) =>
      make("th", { scope: "col" }, text, label ? make("small", { class: differs ? "differs" : "", text: label }) : null));
    const body = item.row.rows.map(([at, cells]) => make("tr", {},
      make("th", { scope: "row", text: data.columns[at][0] }),
      ...cells.map(([text, mark]) => make("td", {}, marked(text, mark))),
      make("td", { class: "quiet", text: data.columns[at][1] })));
    const left = item.row.left ? ` ${item.row.left} more columns are nearer to the middle of their range, and not shown.` : "";
    return [
      make("h4", { text: "The row, beside the nearest training examples" }),
      make("div", { class: "scroll row", tabindex: "0", role: "region", "aria-label": "The row" }, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body))),
      make("p", { class: "quiet", text: `Usual range: 90 % of the training examples lie in it. High, low: an unusual value, beyond 98 % of them and far from the median; rare: one of two values that at most 2 % have. Coloured in a neighbour: a value that clearly differs from this example.${left}` }),
    ];
  }
  function open(index) {
    const item = data.items[index];
    const at = listed.indexOf(item);
    const neighbour = (by, text) => {
      const button = make("button", { type: "button", text });
      const next = at < 0 ? undefined : listed[at + by];
      button.disabled = !next;
      button.addEventListener("click", () => open(byId.get(next.id)));
      return button;
    };
    const close = make("button", { type: "button", text: "Close" });
    close.addEventListener("click", () => dialog.close());
    const far = (each) => `distance ${each.distance.toFixed(3)}${each.change ? `, ${each.change}` : ""}`;
    const sheet = make("div", { class: "sheet", data: { cause: item.cause } },
      make("header", {}, make("h3", { id: "details-title", text: item.id }), neighbour(-1, "Previous"), neighbour(1, "Next"), close),
      make("div", { class: "intro" },
        chart(item.id, `${item.label}, ${item.id}`),
        make("div", {},
          data.lines[item.id] ? legend() : null,
          make("p", {}, make("span", { class: "badge", text: item.cause }), ` ${data.words.target}: `, make("strong", { text: item.label })),
          make("p", { text: item.evidence }),
          bar(item.memorization),
          make("p", { class: "number", text: `${data.estimator} ${range(item.memorization)}: ${runs(item)}` }),
          item.remoteness === null ? null : make("p", { class: "quiet", text: `Farther from the ${data.words.among} than ${Math.floor(100 * item.remoteness)} % of them.` }))),
      make("h4", { text: "Predictions of models not trained on it" }), outModels(item),
      ...(item.row ? row(item) : []),
      ...(data.kind === "text" ? [] : [
        ...others("Near-duplicates", item.duplicates, far, item.neighbours.length ? "None." : unknown),
        ...others("Nearest training examples", item.neighbours, far, unknown),
        ...others("Nearest test examples", item.testNeighbours, far, item.neighbours.length ? "There are no test examples." : unknown),
      ]),
      ...others("Dependents (some of these are chance)", item.dependents, (each) => `influence ${range(each.influence)}`, item.neighbours.length ? "None among the examples that look alike." : "None."));
    dialog.replaceChildren(sheet);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    close.focus();
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  // Influence pairs.
  const end = (id, label, role) => make("span", { class: "end" }, look(id, `${label}, ${id}`), make("strong", { text: label }), make("small", { text: `${role} ${id}` }));
  $("pair-list")?.append(...data.pairs.map((pair) => make("li", {},
    end(pair.train, pair.trainLabel, ""), make("span", { class: "arrow", "aria-label": "influences", role: "img", text: "→" }), end(pair.test, pair.testLabel, ""),
    make("span", { class: "number", text: `influence ${range(pair.influence)}` }))));

  // Copies in the test set.
  $("copy-list")?.append(...data.copies.map((pair) => make("li", {},
    end(pair.test, pair.testLabel, ""), make("span", { class: "arrow", "aria-label": "almost equals", role: "img", text: "≈" }), end(pair.train, pair.trainLabel, ""),
    make("span", { class: "number" },
      make("span", pair.same ? { text: `same ${data.words.target}` } : { class: "differs", text: `${data.words.targets} differ: one may be wrong` }),
      `, distance ${pair.distance.toFixed(3)}${pair.change ? `, ${pair.change}` : ""}`))));

  // Examples in tables.
  for (const hole of document.querySelectorAll("[data-look]")) {
    const found = look(hole.dataset.look, "");
    if (found) hole.replaceWith(found); else hole.remove();
  }

  // Contents: mark the section in view.
  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const section of document.querySelectorAll("main > section")) observer.observe(section);

  showTheme();
  drawAll();
})();
