// The log of the supervisor, as it grows while somebody looks.

import { get } from "./api.js";
import { $, el, swap } from "./dom.js";

const PACE = 2000;

export class Log {
  constructor(app) {
    this.app = app;
    this.node = $("#log");
    this.lines = el("div", { className: "log", tabIndex: 0, role: "region", ariaLabel: "Lines of the log" });
    this.about = el("p", { className: "quiet" });
    this.words = el("input", { type: "search", placeholder: "Only lines with", ariaLabel: "Only lines with", oninput: () => this.draw() });
    this.grave = el("button", { className: "switch", type: "button", role: "switch", ariaChecked: "false", onclick: () => { this.grave.ariaChecked = String(this.grave.ariaChecked !== "true"); this.draw(); } }, "Warnings only");
    this.node.append(el("header", { className: "bar" }, app.opener(), el("h1", {}, "Log")),
      el("div", { className: "page wide" }, el("div", { className: "row" }, this.words, this.grave), this.lines, this.about));
  }

  async show() {
    await this.look();
    this.toEnd();
    clearInterval(this.clock);
    this.clock = setInterval(() => {
      if (this.app.view !== "log") return clearInterval(this.clock);
      if (!document.hidden) this.look().catch(() => {});
    }, PACE);
  }

  async look() {
    const end = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 40;
    this.data = await get("/page/log");
    this.draw();
    if (end) this.toEnd();
  }

  draw() {
    const words = this.words.value.toLowerCase(), grave = this.grave.ariaChecked === "true";
    const found = this.data.lines.filter((one) => (!grave || /warn|error|critical/.test(one.level)) && (!words || `${one.event} ${one.fields}`.toLowerCase().includes(words)));
    swap(this.lines, found.map((one) => el("p", { className: `line ${one.level}` }, el("time", {}, one.at), " ", el("strong", {}, one.event), " ", one.fields)));
    this.about.textContent = found.length ? `The last ${this.data.lines.length} lines of ${this.data.file}. Prompts are in it only where log_prompts is set.` : this.data.lines.length ? "No line is like that." : `Nothing is in ${this.data.file}: a supervisor in the foreground logs elsewhere.`;
  }

  toEnd() { this.lines.scrollTop = this.lines.scrollHeight; }
}
