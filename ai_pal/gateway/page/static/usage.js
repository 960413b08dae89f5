// What was used, what it cost, and how much was answered here.

import { get } from "./api.js";
import { $, dollars, el, number, put } from "./dom.js";

const MEANS = { off: "nothing is watched", ask: "those get a line that says so", auto: "somebody else is asked for those" };

export class Usage {
  constructor(app) {
    this.node = $("#usage");
    this.body = el("div", { className: "page" });
    this.node.append(el("header", { className: "bar" }, app.opener(), el("h1", {}, "Usage")), this.body);
  }

  async show() {
    const data = await get("/page/usage");
    if (!data.answers) return this.body.replaceChildren(el("p", { className: "quiet" }, "Nothing was answered yet."));
    const fact = (value, what) => el("div", { className: "fact" }, el("strong", {}, value), el("span", {}, what));
    this.body.replaceChildren(
      el("p", { className: "quiet" }, `The last ${data.days} days`),
      el("div", { className: "facts" }, fact(number(data.answers), "answers"), fact(`${Math.round(100 * data.here)} %`, "answered here"),
        fact(number(data.left), "prompts left this machine"), fact(number(data.tokens), "tokens"), fact(dollars(data.cost), data.unpriced ? `and ${data.unpriced} of unknown cost` : "paid")),
      ...data.plots.flatMap((plot) => [el("h2", {}, plot.title), put(el("div", {}), plot.svg),
        el("p", { className: "key" }, ...plot.key.map(([kind, name]) => el("span", {}, el("span", { className: `dot ${kind}` }), name)))]),
      el("h2", {}, "By model"), table("Usage by model", ["Model", "Answers", "Here", "Tokens read", "Tokens written", "Cost"],
        data.models.map((one) => [one.name, ...[one.answers, one.here, one.prompt, one.completion].map(number), dollars(one.cost)])),
      el("h2", {}, "Doubts"), ...this.doubts(data));
  }

  // What `ai-pal usage --routing` tells.
  doubts({ doubted, doubted_cost, routing, answers }) {
    const share = `${number(doubted)} of ${number(answers)} answers of these days were given up for another's${doubted_cost ? `, which cost ${dollars(doubted_cost)}` : ""}. The setting counts ${Math.round(100 * routing.share)} % of a model's answers as doubted`;
    const said = el("p", { className: "quiet" }, `${share}; ${MEANS[routing.escalate]}, ${routing.learns ? "and what you say of answers moves that share" : "and nothing is learned of what you say of answers"}.`);
    if (!routing.models.length) return [said, el("p", { className: "quiet" }, "Nothing is known of any model's doubts yet: ai-pal calibrate MODEL measures them.")];
    return [said, table("Doubts by model", ["Model", "Prompts", "Answers", "Good", "Bad", "Can doubt"],
      routing.models.map((one) => [one.model, one.kind || "–", ...[one.answers, one.good, one.bad].map(number), one.verdict]))];
  }
}

// The first of each row is its head.
function table(label, head, rows) {
  return el("div", { className: "table", tabIndex: 0, role: "region", ariaLabel: label }, el("table", {},
    el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...rows.map(([name, ...cells]) => el("tr", {}, el("th", { scope: "row" }, name), ...cells.map((cell) => el("td", {}, cell)))))));
}
