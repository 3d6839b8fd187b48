// Elements: every text from the data enters a page through here, as text.

export const $ = (id) => document.getElementById(id);

function add(node, options, children) {
  const { text, data, on, ...rest } = options;
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(data || {})) node.dataset[name] = value;
  for (const [name, listener] of Object.entries(on || {})) node.addEventListener(name, listener);
  for (const [name, value] of Object.entries(rest)) if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

export const make = (tag, options = {}, ...children) => add(document.createElement(tag), options, children);

export const svg = (tag, options = {}, ...children) => add(document.createElementNS("http://www.w3.org/2000/svg", tag), options, children);

export const option = (value, text = value, chosen = false) => make("option", { value, text, selected: chosen });

export function say(text, bad = false) {
  const status = $("status");
  status.textContent = text;
  status.classList.toggle("bad", bad);
}

// A dialog that is closed by Escape or its button, and gives the focus back to where it was, unless it has been moved since.
export function dialog(title, ...content) {
  const before = document.activeElement;
  const close = make("button", { type: "button", text: "Close", on: { click: () => node.close() } });
  const heading = make("h3", { id: "dialog-title", text: title });
  const node = make("dialog", { "aria-labelledby": "dialog-title" }, make("div", { class: "sheet" }, make("header", {}, heading, close), ...content));
  node.addEventListener("close", () => {
    const moved = document.activeElement !== document.body && !node.contains(document.activeElement);
    node.remove();
    if (!moved && before && before.isConnected) before.focus();
  });
  document.body.append(node);
  node.showModal();
  return node;
}
