// The conversation that is open: its turns, and the answer that comes.

import { get, post, Refused, stream } from "./api.js";
import { $, announce, dollars, number, plural } from "./dom.js";
import { Composer } from "./composer.js";
import { Turn } from "./turn.js";

const FULL = 0.88;
const LEFT = 0.7;
const LATER = 5000;  // milliseconds

export class Talk {
  constructor(app) {
    this.app = app;
    this.composer = new Composer(() => this.ask(), () => this.stop(), () => this.id);
    this.scroll = $("#scroll");
    this.list = $("#turns");
    this.follows = true;
    this.moves = 0;  // how often something else was to be shown: what comes too late for that is dropped
    this.scroll.onscroll = () => this.scrolled();
    $("#down").onclick = () => this.toEnd(true);
    new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) this.more(); }, { root: this.scroll, rootMargin: "600px" }).observe($("#above"));
    this.begin();
  }

  // A conversation that has not begun.
  begin() {
    this.moves += 1;
    this.forget();
    this.title("New conversation");
    this.composer.text.focus();
  }

  forget() {
    const leave = this.leave;
    this.leave = this.run = null;
    leave?.abort();
    this.composer.anew();
    this.composer.busy = false;
    this.id = 0;
    this.tree = 0;
    this.updated = 0;
    this.first = 0;
    this.turns = [];
    this.list.replaceChildren();
    $("#hello").hidden = false;
    $("#menu").hidden = true;
    $("#gauge").hidden = true;
    $("#total").textContent = "";
  }

  title(text) {
    $("#title").textContent = text;
    document.title = text === "New conversation" ? "AI-PAL" : `${text} · AI-PAL`;
  }

  async open(id, { stay = false } = {}) {
    const at = this.scroll.scrollTop, move = stay ? this.moves : ++this.moves;
    const data = await get(`/page/conversation?id=${id}`);
    if (this.moves !== move) return;
    if (!stay) this.forget();
    this.know(data);
    this.first = data.begin;
    this.turns = data.shown.map((turn) => Turn.kept(this, turn));
    this.list.replaceChildren(...this.turns.map((turn) => turn.node));
    this.settle();
    this.lookAgain(data);
    if (!stay) this.composer.choose(data.model);
    if (stay && !this.follows) this.scroll.scrollTop = at;
    else this.toEnd(true);
  }

  // What another process writes is seen as far as it is kept; that it is over may be all that is new.
  lookAgain({ id, shown }) {
    clearTimeout(this.late);
    if (shown.at(-1)?.comes) this.late = setTimeout(() => this.id === id && !this.composer.busy && !$(".editing", this.list) && this.reopen().catch(() => {}), LATER);
  }

  know(data) {
    Object.assign(this, { id: data.id, tree: data.tree, updated: data.updated, pinned: data.pinned, tags: data.tags });
    this.title(data.title);
    this.composer.keeps(data.privacy);
    $("#hello").hidden = true;
    $("#menu").hidden = false;
    $('[data-do="pin"]').textContent = data.pinned ? "Unpin" : "Pin";
    for (const form of ["markdown", "json"]) $(`[data-do="${form}"]`).href = `/page/export?id=${data.id}&format=${form}`;
    $("#total").textContent = data.cost ? dollars(data.cost) : data.cost === null ? "cost unknown" : "";
  }

  // What is above comes when somebody scrolls there.
  async more() {
    if (!this.id || !this.first || this.loading) return;
    this.loading = true;
    try {
      const id = this.id, data = await get(`/page/conversation?id=${id}&before=${this.first}`);
      if (id !== this.id) return;
      const before = this.scroll.scrollHeight, at = this.scroll.scrollTop;
      const turns = data.shown.map((turn) => Turn.kept(this, turn));
      this.first = data.begin;
      this.turns.unshift(...turns);
      this.list.prepend(...turns.map((turn) => turn.node));
      this.scroll.scrollTop = at + this.scroll.scrollHeight - before;
    } finally {
      this.loading = false;
    }
  }

  ask() {
    const { asked, nodes } = this.composer.take();
    this.answer({ ...asked, how: "new" }, new Turn(this, asked.prompt, nodes));
  }

  edited(turn, prompt) {
    const anew = new Turn(this, prompt, [...turn.files.cloneNode(true).children]);
    this.cut(turn);
    this.answer({ prompt, how: "edit", at: turn.at, ...this.composer.wishes() }, anew);
  }

  again(turn, model) {
    const anew = new Turn(this, turn.text, [...turn.files.cloneNode(true).children]);
    this.cut(turn);
    const wishes = this.composer.wishes();
    this.answer({ how: "again", at: turn.at, ...wishes, ...(model ? { model } : {}) }, anew);
  }

  // Of somebody who may know better than a model of this machine; what is there stays beside the new answer.
  stronger(turn = this.turns.at(-1)) {
    if (this.composer.busy || !this.id || turn?.at == null) return;
    const anew = new Turn(this, turn.text, [...turn.files.cloneNode(true).children]);
    this.cut(turn);
    this.answer({ how: "again", at: turn.at, ...this.composer.wishes(), stronger: true }, anew);
  }

  goOn(turn) {
    const anew = new Turn(this, turn.text, [...turn.files.cloneNode(true).children]);
    this.cut(turn);
    this.answer({ how: "continue", at: turn.at, ...this.composer.wishes(), model: turn.data.who.model }, anew);
  }

  cut(turn) {
    const place = this.turns.indexOf(turn);
    for (const one of this.turns.splice(place)) one.node.remove();
  }

  async answer(asked, turn) {
    if (this.composer.busy) return;
    this.show(turn);
    await this.followed(turn, asked.how, (options) => stream("/page/ask", { body: { ...asked, conversation: this.id }, ...options }));
  }

  // An answer that was under way before this page was, or that another has asked for.
  async follow(run) {
    const turn = new Turn(this, "…", []);
    this.run = run;
    this.show(turn);
    await this.followed(turn, "found", (options) => stream(`/page/run?run=${run}`, options));
  }

  // One that is not yet part of a conversation.
  join(run) {
    this.begin();
    return this.follow(run);
  }

  joinWhatComes({ runs }) {
    const found = this.id && !this.composer.busy && runs.find((one) => one.conversation === this.id);
    if (found) this.follow(found.run);
  }

  // What is answered is told, and where it is kept as soon as it is.
  asked(turn, how, { at, prompt, files, conversation }) {
    if (how === "found") {
      turn.asks(prompt, files);
      for (const one of this.turns.filter((each) => each !== turn && (each.at ?? -1) >= at)) this.cutOne(one);
    }
    if (!conversation || conversation === this.id) return;
    this.id = conversation;
    this.app.address(`#/c/${conversation}`);
    this.head().catch(() => {});
  }

  cutOne(turn) {
    this.turns.splice(this.turns.indexOf(turn), 1);
    turn.node.remove();
  }

  show(turn) {
    this.moves += 1;
    $("#hello").hidden = true;
    turn.streaming = true;
    turn.wait({ text: "asking" });
    this.turns.push(turn);
    this.list.append(turn.node);
    this.settle();
    this.composer.busy = true;
    this.toEnd(true);
  }

  async followed(turn, how, begin) {
    const leave = this.leave = new AbortController();
    const before = this.id;
    let end = null, waiting = [], drawn = 0;
    const draw = () => {
      drawn = 0;
      for (const change of waiting.splice(0)) turn.change(change);
      this.toEnd();
    };
    const take = (changes) => {
      for (const change of changes) {
        if (change[0] === "run") this.runs(change[1]);
        else if (change[0] === "asked") this.asked(turn, how, change[1]);
        else if (change[0] === "end") end = change[1];
        else if (change[0] === "broken") end = { failures: [change[1]], broken: true };
        else waiting.push(change);
      }
      if (waiting.length && !drawn) drawn = document.hidden ? setTimeout(draw) : requestAnimationFrame(draw);
    };
    try {
      await begin({ signal: leave.signal, take });
    } catch (error) {
      if (error instanceof Refused) end = { failures: [{ message: error.message, hint: "" }] };
      else if (leave.signal.aborted) end = { failures: [{ message: "It was stopped before the server had answered.", hint: "" }] };
    }
    if (this.leave !== leave) return;  // something else is shown by now
    draw();
    await this.ended(turn, how, end, before);
  }

  // What is not yet in a conversation has an address as well.
  runs(run) {
    this.run = run;
    if (!this.id) this.app.address(`#/r/${run}`);
    this.app.marked();
  }

  async ended(turn, how, end, before) {
    this.composer.answered();
    try {
      await this.over(turn, how, end, before);
    } finally {
      this.composer.busy = false;  // until now all that is new was our own
    }
  }

  async over(turn, how, end, before) {
    const run = this.run;
    this.run = null;
    turn.streaming = false;
    turn.wait(null);
    if (!end || end.broken) {
      turn.note("The connection was lost.", "When the server is back, the answer is here as far as it was kept, or your question is in the box again.", true);
      this.composer.busy = false;
      this.lost = { run, id: this.id, turn };
      return this.app.connect();
    }
    for (const one of end.failures) turn.note(one.message, one.hint, true);
    if (!this.id && !end.conversation) this.app.address("#/");
    if (!end.turn) {
      if (how === "new") this.composer.giveBack();
      announce(end.failures.map((one) => one.message).join(". ") || "No answer");
      if (how !== "new" && this.id) await this.reopen();
      else this.toEnd(true);
      return;
    }
    turn.end(end.turn);
    if (end.finish === "length") turn.note("The answer reached its limit of tokens.");
    announce(`Answer of ${end.turn.who.model}: ${turn.plain().slice(0, 400)}`);
    try {
      await this.kept(how, end, before);
    } catch {
      this.composer.busy = false;
      this.lost = { run: null, id: end.conversation, turn };
      return this.app.connect();
    }
    this.settle();
    this.toEnd();
  }

  // The answer is in the history: where it is there, and what it stands beside.
  async kept(how, end, before) {
    await this.app.refresh();
    if (!end.conversation) return;
    const branched = before && end.conversation !== before;
    if (end.conversation !== this.id) this.app.address(`#/c/${end.conversation}`);
    this.id = end.conversation;
    if (branched || how !== "new") await this.reopen();
    else await this.head();
  }

  // What holds for all of it, after a turn was added here.
  async head() {
    const data = await get(`/page/conversation?id=${this.id}&count=0`);
    if (data.id === this.id) this.know(data);
    this.app.marked();
  }

  async reopen() {
    await this.open(this.id, { stay: true });
    this.app.marked();
  }

  // Others have changed it: a terminal, or another tab.
  async noticed(shelf) {
    const mine = shelf.list.find((one) => one.id === this.id);
    if (!this.id || this.composer.busy || $(".editing", this.list)) return;
    if (mine && mine.updated !== this.updated) await this.reopen();
    this.joinWhatComes(shelf);
  }

  // The server is back.
  async back(state) {
    const lost = this.lost;
    this.lost = null;
    if (!lost) return;
    const found = state.under_way.find((one) => one.run === lost.run);
    if (found) { this.cut(lost.turn); return this.follow(found.run); }
    if (lost.id && lost.id !== this.id) return this.app.go(`#/c/${lost.id}`);
    if (lost.id) await this.reopen();
    else if (await this.began(state.list[0], lost.turn)) return this.app.go(`#/c/${state.list[0].id}`);
    if (!lost.id || this.turns.at(-1)?.text !== lost.turn.text) this.composer.giveBack();
    this.toEnd();
  }

  // Whether this conversation is the one that the turn began.
  async began(latest, turn) {
    if (latest?.turns !== 1) return false;
    const { shown } = await get(`/page/conversation?id=${latest.id}`);
    return shown[0]?.prompt === turn.text;
  }

  async stop() {
    const leave = this.leave;
    this.composer.stops();
    if (!this.run) return leave?.abort();
    await post("/page/stop", { run: this.run }).catch(() => leave?.abort());
  }

  go(id) { this.app.go(`#/c/${id}`); }

  // Only the last answer can be gone on with; the gauge is of it.
  settle() {
    const last = this.turns.at(-1);
    for (const turn of this.turns) if (turn.goOn) turn.goOn.hidden = turn !== last || !(turn.data.interrupted || turn.notes.children.length);
    const took = last?.data?.figures;
    $("#gauge").hidden = !took?.window;
    if (!took?.window) return;
    const used = took.prompt + took.answer;
    const meter = $("#gauge meter");
    Object.assign(meter, { max: took.window, value: used, high: took.window * FULL, optimum: 0 });
    $("#gauge span").textContent = `${Math.round(100 * used / took.window)} %`;
    $("#gauge").title = `${number(used)} of ${number(took.window)} tokens of the model's window. ${this.wouldDrop(used, took.window)}`;
  }

  wouldDrop(used, window) {
    if (used < window * FULL) return "When it is full, the oldest turns are left out.";
    const gone = this.turns.findIndex((turn) => turn.data && used - turn.data.figures.prompt <= LEFT * window);
    return gone > 0 ? `The next question leaves out the oldest: about ${plural(this.first + gone, "turn")}.` : "The next question leaves out the oldest turns.";
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroll;
    this.follows = scrollHeight - scrollTop - clientHeight < 60;
    $("#down").hidden = this.follows;
  }

  toEnd(always = false) {
    if (always) this.follows = true;
    if (this.follows) this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}
