// Begins the page: what is shown, whether the server is there, and who has signed in.

import { get, post, stream } from "./api.js";
import { $, announce, el } from "./dom.js";
import { Log } from "./log.js";
import { Models } from "./models.js";
import { Shelf } from "./shelf.js";
import { Talk } from "./talk.js";
import { Usage } from "./usage.js";

const VIEWS = ["models", "usage", "log"];
const SLOWEST = 2000;  // milliseconds between two tries to reach the server

function viewOf(hash) {
  const where = hash.split("/")[1];
  return VIEWS.includes(where) ? where : "talk";
}

class App {
  constructor() {
    this.shelf = new Shelf(this);
    this.talk = new Talk(this);
    this.models = new Models(this);
    this.usage = new Usage(this);
    this.log = new Log(this);
    this.version = document.body.dataset.version;
    this.side(false);
    addEventListener("hashchange", () => this.route());
    document.addEventListener("visibilitychange", () => this.look());
    document.addEventListener("keydown", (event) => this.key(event));
    $("#open-side").onclick = () => this.side(true);
    $("#close-side").onclick = $("#veil").onclick = () => this.side(false);
    $("#new").onclick = () => { if (location.hash === "#/" || !location.hash) this.talk.begin(); };
    this.told = {};
    $("#sign-in").onsubmit = (event) => { event.preventDefault(); this.signIn(); };
    $("#sign-out").onclick = async () => { await post("/page/sign-out"); location.reload(); };
    this.connect();
  }

  // Until the server is there; then what it knows is shown.
  async connect() {
    if (this.connecting) return;
    this.connecting = true;
    for (let wait = 500; ; wait = Math.min(2 * wait, SLOWEST)) {
      try {
        const state = await get("/page/state");
        this.connecting = false;
        return await this.connected(state);
      } catch (error) {
        if (error.status === 401 || error.status === 403) { this.connecting = false; return this.wantKey(error); }
        this.tell("The server does not answer; trying again.");
        await new Promise((done) => setTimeout(done, wait));
      }
    }
  }

  async connected(state) {
    if (state.files !== this.version && !sessionStorage.getItem(state.files)) {
      sessionStorage.setItem(state.files, "1");  // once: a page of an older server
      return location.reload();
    }
    this.tell("");
    this.tell(state.keeps ? "" : "The settings keep no history: what is said here is gone with this page.", "keeps");
    $("#sign-in").hidden = true;
    $("#app").hidden = false;
    this.talk.composer.know(state);
    this.shelf.know(state);
    const first = !this.state;
    this.state = state;
    if (first) await this.route();
    else await this.talk.back(state);
    this.look();
    get("/page/elsewhere").then((models) => this.talk.composer.knowElsewhere(models)).catch(() => {});
  }

  // `of` is what the notice is of: the server, what is kept, or where the address leads.
  tell(text, of = "server") {
    this.told[of] = text;
    const said = this.told.server || this.told.address || this.told.keeps || "";
    $("#offline").hidden = !said;
    $("#offline").textContent = said;
  }

  async refresh() {
    this.shelf.know(await get(`/page/conversations${this.shelf.tag ? `?tag=${encodeURIComponent(this.shelf.tag)}` : ""}`));
  }

  marked() { this.shelf.mark(); }

  // How things stand, as long as somebody looks.
  async look() {
    this.looking?.abort();
    if (document.hidden || !this.state) return;
    const looking = this.looking = new AbortController();
    while (!looking.signal.aborted) {
      this.history = undefined;  // what is shown was read before this look began, or of another process
      try {
        await stream("/page/live", { signal: looking.signal, take: (changes) => changes.forEach(([kind, scene]) => kind === "live" && this.seen(scene)) });
      } catch (error) {
        if (looking.signal.aborted) return;
        if (!error.status) return this.connect();
        this.models.live({ models: [], requests: [], downloads: [], ended: [], free: 0, supervisor: false });
        await this.noticed().catch(() => {});
      }
      await new Promise((done) => setTimeout(done, 3000));
    }
  }

  seen(scene) {
    this.models.live(scene);
    if (scene.history === this.history) return;
    this.history = scene.history;
    this.noticed().catch(() => {});
  }

  async noticed() {
    await this.refresh();
    await this.talk.noticed(this.shelf);
  }

  go(hash) {
    if (location.hash === hash) this.route();
    else location.hash = hash;
  }

  // Where the talk is now, which it tells while it is shown: another view has the address that was gone to.
  address(hash) {
    if (viewOf(location.hash) === "talk") history.replaceState(null, "", hash);
  }

  async route() {
    const [, where, id] = location.hash.split("/");
    this.view = viewOf(location.hash);
    for (const name of ["talk", ...VIEWS]) $(`#${name}`).hidden = name !== this.view;
    for (const link of document.querySelectorAll(".views a")) link.toggleAttribute("aria-current", link.hash === location.hash);
    this.side(false);
    this.tell("", "address");
    try {
      if (this.view !== "talk") await this[this.view].show();
      else if (where === "r" && id !== this.talk.run) this.talk.join(id);
      else if (where === "c" && Number(id) !== this.talk.id) {
        await this.talk.open(Number(id));
        this.talk.joinWhatComes(this.shelf);
      } else if (!where && (this.talk.id || this.talk.run)) this.talk.begin();
    } catch (error) {
      this.tell(error.message, "address");
      if (where === "c") this.talk.begin();
    }
    this.marked();
  }

  side(open) {
    document.body.classList.toggle("side-open", open);
    $("#veil").hidden = !open;
    if (open) $("#close-side").focus();
  }

  opener() {
    return el("button", { className: "icon only-narrow", ariaLabel: "Conversations", onclick: () => this.side(true) }, "☰");
  }

  key(event) {
    if (event.key === "Escape" && document.body.classList.contains("side-open")) this.side(false);
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "enter" && event.shiftKey && this.view === "talk") { event.preventDefault(); this.talk.stronger(); }
    if (key === "k") { event.preventDefault(); this.side(true); $("#search").focus(); }
    if (key === "o" && event.shiftKey) { event.preventDefault(); this.go("#/"); this.talk.begin(); }
  }

  wantKey(error) {
    $("#app").hidden = true;
    $("#sign-in").hidden = false;
    $("#sign-in .wrong").textContent = error.status === 403 ? error.message : "";
    $("#sign-out").hidden = false;
    $("#key").focus();
  }

  async signIn() {
    try {
      await post("/page/sign-in", { key: $("#key").value });
      $("#key").value = "";
      $("#sign-out").hidden = false;
      await this.connect();
    } catch (error) {
      $("#sign-in .wrong").textContent = error.message;
      announce(error.message);
    }
  }
}

new App();
