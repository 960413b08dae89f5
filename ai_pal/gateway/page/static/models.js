// What is loaded, what is here, what fits this machine, and what is asked now.

import { get, post } from "./api.js";
import { $, announce, el, gigabytes, number, plural, swap } from "./dom.js";
import { Own } from "./own.js";

const FITS = { now: "fits now", alone: "fits when others make room", never: "needs more than this machine has" };

export class Models {
  constructor(app) {
    this.app = app;
    this.node = $("#models");
    this.own = new Own();
    this.loaded = el("div");
    this.failed = el("div");
    [this.asked, this.here, this.coming, this.offered] = Array.from({ length: 4 }, () => el("ul", { className: "rows" }));
    const name = el("input", { name: "name", placeholder: "qwen3.5:4b, or org/name of the hub", ariaLabel: "A model to fetch", required: true, autocomplete: "off" });
    const fetching = el("form", { className: "row", onsubmit: (event) => { event.preventDefault(); this.order("pull", name.value.trim()); name.value = ""; } }, name, el("button", { className: "button" }, "Fetch"));
    this.node.append(el("header", { className: "bar" }, app.opener(), el("h1", {}, "Models")), el("div", { className: "page" },
      el("h2", {}, "Memory"), this.loaded, el("h2", {}, "Now"), this.asked, el("h2", {}, "On this machine"), this.here,
      el("h2", {}, "To be fetched"), fetching, this.failed, this.coming, this.offered));
  }

  async show() {
    this.data = await get("/page/models");
    this.draw();
  }

  async order(what, model) {
    try {
      await post("/page/model", { what, model });
      announce(`${what} ${model}`);
    } catch (error) {
      announce(error.message);
      this.data.failures[model] = { message: error.message, hint: "" };
    }
    this.draw();
    if (what !== "unload") setTimeout(() => this.app.view === "models" && this.show(), 1500);
  }

  live(scene) {
    const before = this.scene;
    this.scene = scene;
    if (this.node.hidden) return;
    this.draw();
    if (before && before.downloads.length > scene.downloads.length) this.show();
  }

  draw() {
    if (!this.data) return;
    const scene = this.scene ?? { models: [], requests: [], downloads: [], ended: [], free: 0 };
    swap(this.loaded, this.memory(scene));
    swap(this.asked, this.requests(scene));
    swap(this.here, this.data.here.map((one) => this.row(one, scene)));
    swap(this.coming, scene.downloads.map((one) => this.download(one)));
    swap(this.failed, Object.entries(this.data.failures).map(([model, why]) => el("p", { className: "note wrong", role: "alert" }, `${model}: ${why.message} ${why.hint}`)));
    swap(this.offered, this.data.offered.map((one) => this.offer(one, scene)));
  }

  memory(scene) {
    const models = scene.models.filter((one) => one.memory || one.reserved);
    const used = (one) => Math.max(one.memory ?? 0, one.reserved ?? 0);
    const taken = models.reduce((sum, one) => sum + used(one), 0);
    const others = Math.max(0, this.data.total - taken - scene.free);
    const part = (className, size, text) => { const node = el("span", { className, title: text }); node.style.flexGrow = size; return node; };
    const bar = el("div", { className: "memory", role: "img", ariaLabel: `${gigabytes(taken)} by models, ${gigabytes(scene.free)} free, of ${gigabytes(this.data.total)}` },
      ...models.map((one, index) => part(`share share-${index % 4}`, used(one), `${one.model}: ${gigabytes(used(one))}`)),
      part("share others", others, `other programs: ${gigabytes(others)}`), part("share", scene.free, `free: ${gigabytes(scene.free)}`));
    return [bar, el("p", { className: "quiet" }, scene.supervisor === false ? "No model is loaded." : `${plural(models.length, "model")} with ${gigabytes(taken)} · ${gigabytes(scene.free)} free of ${gigabytes(this.data.total)}`)];
  }

  requests(scene) {
    if (!scene.requests.length) return [el("li", { className: "quiet" }, "Nothing is asked now.")];
    return scene.requests.map((one) => el("li", {},
      el("div", {}, el("strong", {}, one.model || "…"), el("span", { className: "quiet" }, ` ${one.kind} · ${one.principal || one.client || "a program"}`)),
      one.remote ? el("span", { className: "cloud" }, `↗ ${one.provider}`) : null,
      el("span", { className: "end quiet" }, [one.phase + (one.position ? ` ${one.position}` : ""), one.tokens ? plural(one.tokens, "token") : "", one.tokens_per_second ? `${one.tokens_per_second.toFixed(1)} tok/s` : "", `${one.seconds} s`].filter(Boolean).join(" · "))));
  }

  row(one, scene) {
    const worker = scene.models.find((each) => each.model === one.name);
    const far = (part) => `${Math.round(100 * (part ?? 0))} %`;
    const state = !worker ? "" : worker.state === "loading" ? `loading ${far(worker.progress)}` : worker.calibrating !== undefined ? `calibrating ${far(worker.calibrating)}` : worker.state;
    const button = worker
      ? el("button", { className: "button", onclick: () => this.order("unload", one.name) }, "Unload")
      : el("button", { className: "button", onclick: () => this.order("load", one.name) }, "Load");
    return el("li", {},
      el("div", {}, el("strong", {}, one.name), el("span", { className: "quiet" }, ` ${[one.size ? gigabytes(one.size) : "", one.about].filter(Boolean).join(" · ")}`),
        one.name === this.data.default ? el("span", { className: "tag" }, "answers first") : null),
      el("span", { className: "end quiet" }, [state, worker?.context ? `${number(worker.context)} tokens` : "", worker?.pinned ? "pinned" : ""].filter(Boolean).join(" · ")),
      el("button", { className: "plain", type: "button", ariaLabel: `Settings of ${one.name}`, onclick: () => this.own.open(one.name) }, "Settings"), button);
  }

  download(one) {
    const share = one.total ? one.done / one.total : null;
    return el("li", {}, el("div", {}, el("strong", {}, one.model), el("span", { className: "quiet" }, ` ${gigabytes(one.done ?? 0)} of ${one.total ? gigabytes(one.total) : "?"}`)),
      el("progress", { max: 1, value: share ?? undefined, ariaLabel: `Download of ${one.model}` }),
      el("button", { className: "button", onclick: () => this.order("stop", one.model) }, "Stop"));
  }

  offer(one, scene) {
    const comes = scene.downloads.some((each) => each.model === one.name);
    return el("li", { className: one.fits === "never" ? "never" : "" },
      el("div", {}, el("strong", {}, one.name), el("span", { className: "quiet" }, ` ${gigabytes(one.size)} · ${one.about}${one.can ? ` · ${one.can}` : ""} · ${one.licence}`)),
      el("span", { className: "end quiet" }, `${FITS[one.fits]} (${gigabytes(one.memory)})`),
      el("button", { className: "button", disabled: comes || one.fits === "never", onclick: () => this.order("pull", one.name) }, "Fetch"));
  }
}
