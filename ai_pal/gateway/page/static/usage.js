// What was used, what it cost, and how much was answered here.

import { get } from "./api.js";
import { $, dollars, el, number, put } from "./dom.js";

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
      el("h2", {}, "By model"), this.table(data.models));
  }

  table(models) {
    const head = ["Model", "Answers", "Here", "Tokens read", "Tokens written", "Cost"];
    return el("div", { className: "table", tabIndex: 0, role: "region", ariaLabel: "Usage by model" }, el("table", {},
      el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, ...models.map((one) => el("tr", {}, el("th", { scope: "row" }, one.name),
        ...[one.answers, one.here, one.prompt, one.completion].map((value) => el("td", {}, number(value))), el("td", {}, dollars(one.cost)))))));
  }
}
