// The list of conversations: found again, renamed, pinned, deleted.

import { get, post } from "./api.js";
import { $, el, swap, when } from "./dom.js";

export class Shelf {
  constructor(app) {
    this.app = app;
    this.list = [];
    this.runs = [];
    this.tag = "";
    let late;
    $("#search").oninput = () => { clearTimeout(late); late = setTimeout(() => this.search(), 150); };
    $("#menu").onclick = (event) => this.menu(event.target.closest("[data-do]")?.dataset.do);
    $("#menu").addEventListener("focusout", (event) => { if (!$("#menu").contains(event.relatedTarget)) $("#menu").open = false; });
  }

  // The conversations, and the answers that are under way.
  know({ list, under_way, tags }) {
    this.list = list;
    this.runs = under_way;
    this.tags(tags);
    if (!$("#search").value.trim()) this.draw(list);
  }

  // One of the tags may be looked at alone.
  tags(tags) {
    if (this.tag && !tags.includes(this.tag)) this.choose("");
    swap($("#tags"), tags.map((tag) => el("button", { className: "plain tag", type: "button", ariaPressed: String(tag === this.tag), onclick: () => this.choose(tag === this.tag ? "" : tag) }, tag)));
  }

  choose(tag) {
    this.tag = tag;
    this.app.refresh();
  }

  async search() {
    const query = $("#search").value.trim();
    if (!query) return this.draw(this.list);
    const { list } = await get(`/page/conversations?query=${encodeURIComponent(query)}`);
    if (query === $("#search").value.trim()) this.draw(list, true);
  }

  draw(list, found = false) {
    const groups = new Map();
    for (const one of list) {
      const name = found ? "Found" : one.pinned ? "Pinned" : age(one.updated);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(one);
    }
    const begun = found ? [] : this.runs.filter((one) => !one.conversation);
    const nodes = begun.length ? [el("h2", {}, "Begun"), el("ul", {}, ...begun.map((one) => this.begun(one)))] : [];
    nodes.push(...[...groups].flatMap(([name, entries]) => [el("h2", {}, name), el("ul", {}, ...entries.map((one) => this.entry(one)))]));
    if (!nodes.length) nodes.push(el("p", { className: "quiet" }, found ? "Nothing is found." : "What you ask is kept here, on this machine."));
    $("#list").replaceChildren(...nodes);
    this.mark();
  }

  entry(one) {
    const words = one.snippet?.map((part, index) => index % 2 ? el("mark", {}, part) : part);
    return el("li", {}, el("a", { href: `#/c/${one.id}`, dir: "auto", title: `${one.answered || one.model} · ${when(one.updated)}`, "data-tree": one.tree },
      one.title || "Without a title", one.tags.length ? el("span", { className: "quiet tags" }, one.tags.join(" · ")) : null, this.runs.some((run) => run.conversation === one.id) ? writes() : null, words ? el("small", {}, ...words) : null));
  }

  // Nothing of its answer has come yet.
  begun(one) {
    return el("li", {}, el("a", { href: `#/r/${one.run}`, dir: "auto" }, one.title || "An answer", writes()));
  }

  mark() {
    const talk = this.app.talk;
    for (const link of $("#list").querySelectorAll("a")) {
      const open = link.dataset.tree ? talk?.tree === Number(link.dataset.tree) : Boolean(talk?.run) && link.hash === `#/r/${talk.run}`;
      if (open) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  async menu(what) {
    const talk = this.app.talk;
    if (!what || !talk.id) return;
    $("#menu").open = false;
    if (what === "rename") {
      const title = prompt("Its name", $("#title").textContent);
      if (title?.trim()) { await this.change({ title: title.trim() }); talk.title(title.trim()); }
    } else if (what === "pin") {
      await this.change({ pinned: !talk.pinned });
      await talk.head();
    } else if (what === "tags") {
      const said = prompt("Its tags, with commas between them", talk.tags.join(", "));
      if (said !== null) await this.change({ tags: said.split(",").map((one) => one.trim()).filter(Boolean) });
      await talk.head();
    } else if (what === "delete" && confirm("Delete this conversation and its branches for good?")) {
      await this.change({ delete: true });
      this.app.go("#/");
    }
  }

  async change(what) {
    try {
      await post("/page/change", { conversation: this.app.talk.id, ...what });
    } catch (error) {
      this.app.tell(error.message, "address");
    }
    await this.app.refresh();
  }
}

const writes = () => el("span", { className: "writes", role: "img", ariaLabel: "is being answered" });

function age(at) {
  const days = Math.floor((new Date().setHours(0, 0, 0, 0) - new Date(at * 1000).setHours(0, 0, 0, 0)) / 86_400_000);
  return days <= 0 ? "Today" : days === 1 ? "Yesterday" : days < 7 ? "This week" : "Earlier";
}
