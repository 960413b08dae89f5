// How an answer is asked: the system prompt and the sampling, said here or by a preset, and saved as one.

import { get, post } from "./api.js";
import { $, announce, el } from "./dom.js";

const FIELDS = [
  ["temperature", "Temperature", "0 is the likeliest word each time", "any"], ["top_p", "Top p", "of the likeliest words, so much of the whole", "any"],
  ["top_k", "Top k", "so many of the likeliest words", "1"], ["min_p", "Min p", "words as likely as this share of the likeliest", "any"],
  ["repeat_penalty", "Repeat penalty", "above 1: fewer repetitions", "any"], ["max_tokens", "Longest answer", "tokens", "1"], ["seed", "Seed", "the same one, the same answer", "1"],
];

export class Options {
  constructor(composer) {
    this.composer = composer;
    this.node = $("#options");
    this.button = $("#option");
    this.system = el("textarea", { rows: 4, dir: "auto", placeholder: "Of the preset, or none" });
    this.inputs = Object.fromEntries(FIELDS.map(([name, label, hint, step]) => [name, el("input", { type: "number", step, min: name === "seed" ? null : 0, title: hint, placeholder: "as usual", ariaLabel: label })]));
    this.name = el("input", { placeholder: "Name of a preset", ariaLabel: "Name of a preset", pattern: "[\\w][\\w.\\-]{0,63}", autocomplete: "off" });
    this.wrong = el("p", { className: "wrong", role: "alert" });
    this.remove = el("button", { type: "button", className: "plain danger", onclick: () => this.save(true) }, "Delete the preset");
    this.node.append(el("form", { method: "dialog", onsubmit: () => this.mark() },
      el("h2", { id: "options-title" }, "How it is asked"),
      el("label", {}, "System prompt of a new conversation", this.system),
      el("div", { className: "grid" }, ...FIELDS.map(([name, label, hint]) => el("label", { title: hint }, label, this.inputs[name]))),
      this.wrong,
      el("div", { className: "row" }, this.name, el("button", { type: "button", className: "button", onclick: () => this.save() }, "Save as preset"), this.remove),
      el("div", { className: "row ends" }, el("button", { type: "button", className: "button", onclick: () => this.reset() }, "As usual"), el("button", { className: "send" }, "Done"))));
    this.button.onclick = () => this.open();
    this.node.addEventListener("close", () => this.mark());
  }

  // What the preset says stands in the fields as what holds where nothing is said.
  async open() {
    const preset = this.composer.preset.value;
    this.wrong.textContent = "";
    this.name.value = preset;
    this.remove.hidden = !preset;
    this.system.disabled = Boolean(this.composer.begun());
    this.node.showModal();
    const said = preset ? await get(`/page/preset?name=${encodeURIComponent(preset)}`).catch((error) => this.tell(error)) : null;
    this.system.placeholder = said?.system || "Of the preset, or none";
    for (const [name, input] of Object.entries(this.inputs)) input.placeholder = said?.sampling[name] ?? "as usual";
  }

  tell(error) {
    this.wrong.textContent = error.message;
  }

  get sampling() {
    return Object.fromEntries(Object.entries(this.inputs).filter(([, input]) => input.value !== "").map(([name, input]) => [name, Number(input.value)]));
  }

  // What goes with a question.
  said() {
    return { sampling: this.sampling, ...(this.system.value.trim() && !this.composer.begun() ? { system: this.system.value } : {}) };
  }

  reset() {
    for (const input of [this.system, ...Object.values(this.inputs)]) input.value = "";
    this.mark();
  }

  mark() {
    const count = Object.keys(this.sampling).length + (this.system.value.trim() ? 1 : 0);
    this.button.ariaPressed = String(Boolean(count));
    this.button.title = count ? `How it is asked: ${count} said here` : "How it is asked: system prompt and sampling";
  }

  // What the preset said and nobody has changed stays in it.
  async save(gone = false) {
    const name = this.name.value.trim();
    if (!name || !this.name.checkValidity()) return this.tell(new Error("A name has letters, digits, '.', '-' and '_'."));
    if (gone && !confirm(`Delete the preset ${name} for good?`)) return;
    try {
      const before = !gone && name === this.composer.preset.value ? await get(`/page/preset?name=${encodeURIComponent(name)}`) : { system: "", sampling: {} };
      const kept = Object.fromEntries(Object.entries(before.sampling).filter(([, value]) => value !== null));
      const { presets } = await post("/page/preset", { name, delete: gone, system: this.system.value || before.system, sampling: { ...kept, ...this.sampling } });
      this.composer.knowPresets(presets, gone ? "" : name);
      announce(gone ? `${name} is deleted` : `${name} is saved`);
      this.reset();
      this.node.close();
    } catch (error) {
      this.tell(error);
    }
  }
}
