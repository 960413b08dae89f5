// What is asked: the prompt, its files, who is to answer, and whether anything may leave this machine.

import { post } from "./api.js";
import { $, announce, el } from "./dom.js";
import { Options } from "./options.js";
import { listens } from "./voice.js";

// How far a prompt may go, the strictest last.
const LEVELS = { any: "Anywhere", mine: "My machines", local: "Local only" };
const TOLD = { any: "It may go wherever you have agreed to", mine: "Nothing leaves your own machines", local: "Nothing leaves this machine" };
const strict = (level) => Object.keys(LEVELS).indexOf(level);

const MOST = 64 * 1024 * 1024;
const LONG = 20_000;  // characters: what is longer and pasted goes along as a file

export class Composer {
  constructor(ask, stop, begun) {
    this.begun = begun;
    this.text = $("#prompt");
    this.model = $("#model");
    this.preset = $("#preset");
    this.thinking = $("#thinking");
    this.privacy = $("#privacy");
    this.files = [];
    this.here = [];
    this.elsewhere = [];
    this.machines = [];
    this.forced = this.kept = this.wanted = "any";
    this.options = new Options(this);
    listens(this.text, () => this.grow());
    $("#composer").onsubmit = (event) => { event.preventDefault(); if (this.mayAsk()) ask(); };
    $("#stop").onclick = stop;
    this.text.oninput = () => this.grow();
    this.text.onkeydown = (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("#composer").requestSubmit(); }
      if (event.key === "Escape" && this.busy) stop();
    };
    this.privacy.onchange = () => { this.wanted = this.privacy.value; this.offer(); };
    this.model.onchange = () => this.mark();
    this.preset.onchange = () => this.mark();
    $("#attach").onclick = () => $("#picker").click();
    $("#picker").onchange = () => { this.attach([...$("#picker").files]); $("#picker").value = ""; };
    this.text.onpaste = (event) => {
      const files = [...event.clipboardData.files], text = files.length ? "" : event.clipboardData.getData("text/plain");
      if (text.length > LONG) files.push(new File([text], "pasted.txt", { type: "text/plain" }));
      if (files.length) { event.preventDefault(); this.attach(files); }
    };
    const main = $("#main");
    main.ondragover = (event) => { if ([...event.dataTransfer.types].includes("Files")) { event.preventDefault(); main.classList.add("dropping"); } };
    main.ondragleave = (event) => { if (!main.contains(event.relatedTarget)) main.classList.remove("dropping"); };
    main.ondrop = (event) => { event.preventDefault(); main.classList.remove("dropping"); this.attach([...event.dataTransfer.files]); };
  }

  // Nothing else is asked meanwhile. It can be stopped until the answer is over: then it is only kept.
  set busy(on) {
    this.isBusy = on;
    $("#send").hidden = on;
    $("#send").disabled = false;
    $("#stop").hidden = !on;
    $("#stop").disabled = false;
    $("#stop").textContent = "Stop";
  }

  stops() {
    $("#stop").disabled = true;
    $("#stop").textContent = "Stopping";
  }

  answered() {
    $("#stop").hidden = true;
    $("#send").hidden = false;
    $("#send").disabled = true;
  }

  // Another conversation has no preset, and leaves this machine only where that was wanted.
  anew() {
    this.preset.value = this.thinking.value = "";
    this.options.reset();
    this.keeps("any");
  }

  // What the settings, this conversation and its reader say: the strictest holds.
  keeps(conversation) {
    this.kept = conversation;
    const least = Math.max(strict(this.forced), strict(conversation));
    const level = Object.keys(LEVELS)[Math.max(least, strict(this.wanted))];
    const offered = Object.keys(LEVELS).filter((one) => one !== "mine" || this.owns || level === one);
    this.privacy.replaceChildren(...offered.map((one) => el("option", { value: one, disabled: strict(one) < least }, LEVELS[one])));
    this.privacy.value = level;
    this.offer();
  }

  // Who was chosen stays so, and is refused where the prompt may not go there.
  offer() {
    const chosen = this.model.value;
    this.fill();
    this.choose(chosen);
  }

  get level() { return this.privacy.value || "any"; }

  mayAsk() {
    const wrong = this.files.find((one) => one.wrong || !one.data);
    if (wrong) announce(wrong.wrong ? `${wrong.name} cannot be sent: ${wrong.wrong}` : `${wrong.name} is still read`);
    return this.text.value.trim() && !this.busy && !wrong;
  }

  get busy() { return Boolean(this.isBusy); }

  // What the server says of itself.
  know(state) {
    this.here = state.models;
    this.forced = state.privacy;
    this.owns = state.machines.length;
    this.usual = state.model;
    this.keeps(this.kept);
    this.knowPresets(state.presets, this.preset.value);
  }

  knowPresets(names, chosen) {
    this.preset.replaceChildren(el("option", { value: "" }, "No preset"), ...names.map((name) => el("option", { value: name }, name)));
    this.preset.parentElement.hidden = !names.length;
    this.preset.value = names.includes(chosen) ? chosen : "";
  }

  knowElsewhere({ mine, elsewhere }) {
    this.machines = mine;
    this.elsewhere = elsewhere;
    this.fill();
  }

  models() {
    const groups = [el("optgroup", { label: "This machine" }, ...this.here.map((name) => el("option", { value: name }, name)))];
    const away = (label, names) => { if (names.length) groups.push(el("optgroup", { label }, ...names.map((name) => el("option", { value: name }, `↗ ${name}`)))); };
    if (this.level !== "local") away("↗ My machines", this.machines);
    if (this.level === "any") away("↗ Elsewhere", this.elsewhere);
    return groups;
  }

  fill() {
    const chosen = this.model.value;
    this.model.replaceChildren(el("option", { value: "" }, this.usual ? `As set: ${this.usual}` : "Auto"), ...this.models());
    this.model.value = chosen;
    if (this.model.selectedIndex < 0) this.model.value = "";
    this.mark();
  }

  choose(model) {
    if (model && ![...this.model.options].some((one) => one.value === model)) this.model.append(el("option", { value: model }, model));
    this.model.value = model;
    this.mark();
  }

  // Where the prompt goes is said before it does.
  mark() {
    const chosen = this.model.value || this.usual;
    const far = this.level === "any" ? [...this.machines, ...this.elsewhere] : this.level === "mine" ? this.machines : [];
    const away = far.includes(chosen), may = !chosen && far.length;
    this.privacy.classList.toggle("kept", this.level !== "any");
    this.privacy.title = TOLD[this.level] + (this.forced === this.level && this.level !== "any" ? ": the settings say so" : "");
    $("#composer").classList.toggle("left", away);
    $("#leaves").hidden = !(away || may);
    const place = this.machines.includes(chosen) ? ", a machine of yours" : "";
    $("#leaves").textContent = away ? `↗ goes to ${chosen.split(":")[0]}${place}` : this.level === "mine" ? "↗ may go to your machines" : "↗ may leave this machine";
  }

  async attach(files) {
    await Promise.all(files.map(async (file) => {
      const url = file.type.startsWith("image/") ? URL.createObjectURL(file) : "";
      const one = { name: file.name || "pasted", data: "", url, about: "is read", wrong: "" };
      this.files.push(one);
      this.showFiles();
      await read(file, one);
      this.showFiles();
      announce(one.wrong ? `${one.name} cannot be sent: ${one.wrong}` : `${one.name} is attached`);
    }));
  }

  showFiles() {
    $("#files").replaceChildren(...this.files.map((file) => el("li", { className: file.wrong ? "file wrong" : "file" },
      file.url && !file.wrong ? el("img", { src: file.url, alt: "" }) : null, el("span", {}, file.wrong.startsWith(file.name) ? "" : file.name),
      el("span", { className: "quiet" }, file.wrong || file.about),
      el("button", { type: "button", className: "plain", ariaLabel: `Take ${file.name} off`, onclick: () => { this.files = this.files.filter((one) => one !== file); this.showFiles(); } }, "✕"))));
  }

  // What is to be asked; the composer is empty after it.
  take() {
    const asked = { prompt: this.text.value, files: this.files.map(({ name, data }) => ({ name, data })), ...this.wishes() };
    const nodes = this.files.map((file) => el("li", { className: file.url ? "" : "file" }, file.url ? el("img", { src: file.url, alt: file.name }) : file.name));
    this.taken = { text: this.text.value, files: this.files };
    this.text.value = "";
    this.files = [];
    this.showFiles();
    this.grow();
    return { asked, nodes };
  }

  wishes() {
    return { model: this.model.value, preset: this.preset.value, local_only: this.level === "local", mine: this.level === "mine", ...this.options.said(),
      ...(this.thinking.value ? { thinking: this.thinking.value } : {}) };
  }

  // Nobody has answered: what was asked is there again.
  giveBack() {
    if (!this.taken || this.text.value) return;
    this.text.value = this.taken.text;
    this.files = this.taken.files;
    this.taken = null;
    this.showFiles();
    this.grow();
  }

  // Browsers that size it by its content need no help.
  grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.text.rows = Math.max(1, Math.min(12, this.text.value.split("\n").length));
    while (this.text.rows < 12 && this.text.scrollHeight > this.text.clientHeight + 2) this.text.rows += 1;
  }
}

// Its bytes, and what they are: what cannot be sent is said now, and not with the question.
async function read(file, one) {
  try {
    if (file.size > MOST) throw new Error("it is larger than 64 MiB");
    const data = await encoded(file);
    one.about = (await post("/page/attach", { name: one.name, data })).about;
    one.data = data;
  } catch (error) {
    one.wrong = error.message;
  }
}

const encoded = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});
