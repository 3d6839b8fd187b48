// Deciding: keep, relabel, drop, wanted and tags, each saved at once; and taking the last of them back.
import { dialog, make, option, say } from "./dom.js";
import { post } from "./server.js";

export const CHOICES = { keep: ["k", "Keep"], relabel: ["r", "Relabel"], drop: ["d", "Drop"], wanted: ["w", "Wanted"] };

export class Deciding {
  // `changed(id, decision)` is told of every decision that was saved.
  constructor(audit, changed) {
    Object.assign(this, { audit, changed, done: [] });
  }

  async tell(row, body, words) {
    try {
      const before = "choice" in body ? { before: row.choice } : {};
      const found = await post(`/api/decide/${this.audit.number}`, { example: row.id, ...before, ...body });
      this.changed(row.id, found);
      if (found.conflict) return say(found.conflict, true);
      this.done.push(found.change);
      say(`${row.id}: ${words}. Undo with u.`);
    } catch (error) {
      say(error.message, true);
    }
  }

  choose(row, choice, suggestion = null) {
    if (!this.audit.choices.includes(choice)) return say(`The ${this.audit.words.targets} of this audit cannot be relabelled from a file. Drop the example, or tag it.`, true);
    if (row.choice === choice && choice !== "relabel") return this.tell(row, { choice: "" }, "undecided");
    return choice === "relabel" ? this.relabel(row, suggestion) : this.tell(row, { choice }, choice);
  }

  relabel(row, suggestion) {
    const { classes, targets, words } = this.audit;
    const own = classes.indexOf(row.label);
    const decided = row.choice === "relabel", now = decided ? row.new : suggestion ?? null;
    const known = now !== null && now !== own; // else nothing is chosen beforehand
    const why = !known ? "" : decided ? " Chosen is what you decided." : " Chosen is what models propose that were not trained on it.";
    const inputs = classes.length
      ? [make("select", { required: true, "aria-label": `new ${words.target}` }, [...(known ? [] : [make("option", { value: "", text: `choose a ${words.target}`, selected: true })]), ...classes.flatMap((name, i) => (i === own ? [] : [option(i, name, i === now)]))])]
      : row.label.split(", ").map((text, i) => make("input", { type: "number", step: "any", required: true, value: [now].flat()[i] ?? text, "aria-label": targets[i] || words.target }));
    const form = make("form", { class: "ask", on: { submit: (event) => {
      event.preventDefault();
      const values = inputs.map((input) => Number(input.value));
      const label = classes.length || values.length === 1 ? values[0] : values;
      shown.close();
      this.tell(row, { choice: "relabel", label }, `relabel as ${classes.length ? classes[label] : values.join(", ")}`);
    } } }, make("p", { class: "quiet", text: `${row.id} has ${row.label}.${why}` }), inputs,
    make("p", {}, make("button", { type: "submit", text: "Relabel" }), row.choice === "relabel" ? make("button", { type: "button", text: "Undecided", on: { click: () => { shown.close(); this.tell(row, { choice: "" }, "undecided"); } } }) : null));
    if (classes.length) inputs[0].addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); form.requestSubmit(); } });
    const shown = dialog(`Another ${words.target}`, form);
    inputs[0].focus();
  }

  tag(row) {
    const input = make("input", { type: "text", maxlength: "40", "aria-label": "tag", list: "known-tags", autocomplete: "off" });
    const form = make("form", { class: "ask", on: { submit: (event) => {
      event.preventDefault();
      const tag = input.value.trim();
      shown.close();
      if (tag) this.tell(row, row.tags.includes(tag) ? { remove: tag } : { add: tag }, row.tags.includes(tag) ? `tag ${tag} removed` : `tagged ${tag}`);
    } } }, input, make("datalist", { id: "known-tags" }, this.audit.tags.map((tag) => option(tag))),
    make("p", {}, make("button", { type: "submit", text: "Add, or remove" })),
    row.tags.length ? make("p", { class: "quiet" }, "Its tags: ", row.tags.map((tag) => make("button", { type: "button", class: "tag", text: `${tag} ×`, "aria-label": `remove ${tag}`, on: { click: () => { shown.close(); this.tell(row, { remove: tag }, `tag ${tag} removed`); } } }))) : null);
    const shown = dialog("A tag, in your words", form);
    input.focus();
  }

  async undo() {
    const last = this.done.pop();
    if (last === undefined) return say("There is nothing to undo in this tab.");
    try {
      const found = await post(`/api/undo/${this.audit.number}`, { change: last });
      this.changed(found.example, found);
      say(`${found.example}: ${found.choice || "undecided"} again.`);
    } catch (error) {
      say(error.message, true);
    }
  }

  // Write the files of the decisions, and say what takes them.
  async export() {
    try {
      const found = await post(`/api/export/${this.audit.number}`);
      const list = found.map((each) => [make("h4", { text: `${each.examples} in ${each.path}` }), ...each.takenBy.map((command) => make("pre", { tabindex: "0", text: command }))]);
      dialog("The files of your decisions", list.length ? make("div", {}, list) : make("p", { text: "Nothing is decided yet." }),
        make("p", { class: "quiet", text: "For TASK, give what the audit was made of, such as my_task.py. Write the files again after you have decided more." }));
    } catch (error) {
      say(error.message, true);
    }
  }
}
