// Settings of one model: those of its table in the config file.

import { get, post } from "./api.js";
import { $, announce, el } from "./dom.js";

const WHOLE = ["context", "threads", "slots", "top_k"];
const FIELDS = [
  ["context", "Window", "tokens of a conversation; 0 is as many as the model has", "number"], ["threads", "Threads", "of the processor; 0 chooses", "number"],
  ["slots", "Side by side", "answers at a time; 0 chooses", "number"], ["keep_alive", "Stays loaded", "after the last question: 10m, 2h; -1 for ever", "text"],
  ["temperature", "Temperature", "0 takes the likeliest", "number"], ["top_p", "Top p", "0 to 1", "number"], ["top_k", "Top k", "0 is all tokens", "number"],
  ["min_p", "Min p", "0 to 1", "number"], ["repeat_penalty", "Repeat penalty", "1 is none", "number"],
];

export class Own {
  constructor() {
    this.node = $("#own");
    this.title = el("h2", { id: "own-title" });
    this.inputs = Object.fromEntries(FIELDS.map(([name, label, hint, type]) => [name, el("input", { type, min: 0, step: WHOLE.includes(name) ? 1 : "any", title: hint, ariaLabel: label })]));
    this.pin = el("input", { type: "checkbox" });
    this.wrong = el("p", { className: "wrong", role: "alert" });
    this.file = el("p", { className: "quiet" });
    this.node.append(el("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); this.save(); } },
      this.title, el("div", { className: "grid" }, ...FIELDS.map(([name, label, hint]) => el("label", { title: hint }, label, this.inputs[name]))),
      el("label", { className: "check" }, this.pin, "Pinned: once loaded it stays, until it is unloaded here"),
      this.wrong, this.file,
      el("div", { className: "row ends" }, el("button", { type: "button", className: "button", onclick: () => this.node.close() }, "Cancel"), el("button", { className: "send" }, "Save"))));
  }

  async open(model) {
    const said = await get(`/page/model-settings?model=${encodeURIComponent(model)}`);
    this.model = model;
    this.title.textContent = model;
    this.wrong.textContent = "";
    for (const [name, input] of Object.entries(this.inputs)) {
      input.value = said.own[name] ?? "";
      input.placeholder = name in said.usual ? `for all: ${said.usual[name] || "chosen"}` : "as its makers say";
    }
    this.pin.checked = Boolean(said.own.pin);
    this.file.textContent = `Kept in ${said.file}. A loaded model takes all but how long it stays with its next load.`;
    this.node.showModal();
  }

  async save() {
    const { keep_alive, ...numbers } = this.inputs;
    const said = Object.fromEntries(Object.entries(numbers).map(([name, input]) => [name, input.value === "" ? null : Number(input.value)]));
    try {
      await post("/page/model-settings", { model: this.model, ...said, keep_alive: keep_alive.value.trim() || null, pin: this.pin.checked || null });
      announce(`The settings of ${this.model} are kept`);
      this.node.close();
    } catch (error) {
      this.wrong.textContent = error.message;
    }
  }
}
