// One turn: what was asked, and the answer, whole or while it comes.

import { post } from "./api.js";
import { $, copied, dollars, el, number, plural, put, seconds } from "./dom.js";

const SHOWN = 4000;

export class Turn {
  constructor(view, prompt, files) {
    this.view = view;
    this.at = null;
    this.text = prompt;
    this.pieces = [];
    this.prompt = el("div", { className: "said", dir: "auto" });
    said(this.prompt, prompt);
    this.files = el("ul", { className: "files" }, ...files);
    this.edit = el("button", { className: "plain", type: "button", onclick: () => this.editing() }, "Edit");
    this.nav = el("span", { className: "variants" });
    this.you = el("section", { className: "you", ariaLabel: "You" },
      this.files, this.prompt, el("div", { className: "under" }, this.nav, this.edit));
    this.who = el("div", { className: "who" });
    this.body = el("div", { className: "body" });
    this.waiting = el("div", { className: "waiting", hidden: true });
    this.notes = el("div", { className: "notes" });
    this.unsure = el("p", { className: "quiet unsure", hidden: true });
    this.figures = el("span", { className: "figures" });
    this.opinion = el("span", { role: "status" });
    this.actions = el("span", { className: "actions" });
    this.answer = el("section", { className: "answer", ariaLabel: "Answer" },
      this.who, this.body, this.waiting, this.notes, this.unsure,
      el("div", { className: "under" }, this.figures, this.actions, this.opinion));
    this.node = el("article", { className: "turn" }, this.you, this.answer);
  }

  // What the server has of a turn that is over.
  static kept(view, data) {
    const turn = new Turn(view, data.prompt, data.files.map((file, index) => fileNode(file, view.id, data.at, index)));
    if (data.thinking.trim()) turn.thought(0, data.thinking, data.figures.thought);
    if (data.html.length) {
      const box = turn.piece(1, "said");
      for (const html of data.html) box.append(put(el("div", { className: "block", dir: "auto" }), html));
    }
    data.calls.forEach(([name, text], index) => turn.called(2 + index, name, text));
    turn.end(data);
    return turn;
  }

  // What is answered; its files are told by their names until it is kept.
  asks(prompt, files) {
    this.text = prompt;
    said(this.prompt, prompt);
    this.files.replaceChildren(...files.map((file) => el("li", { className: "file" }, file.name)));
  }

  set streaming(on) {
    this.node.classList.toggle("streaming", on);
    this.edit.hidden = on;
  }

  change([kind, ...said]) {
    switch (kind) {
      case "anew": this.body.replaceChildren(); this.pieces = []; break;
      case "wait": this.wait(said[0]); break;
      case "who": this.told(said[0]); break;
      case "notice": this.note(said[0]); break;
      case "said": this.piece(said[0], "said"); break;
      case "block": this.block(said[0], said[1]); break;
      case "open": this.open(said[0], said[1]); break;
      case "think": this.thought(said[0], said[1], null); break;
      case "thought-for": this.thought(said[0], "", said[1]); break;
      case "seam": this.seam(...said); break;
      case "call": this.called(...said); break;
    }
  }

  piece(number, className) {
    let piece = this.pieces[number];
    if (!piece) {
      piece = this.pieces[number] = el("div", { className });
      this.body.append(piece);
    }
    return piece;
  }

  block(number, html) {
    const box = this.piece(number, "said");
    box.insertBefore(put(el("div", { className: "block", dir: "auto" }), html), box.growing ?? null);
  }

  open(number, html) {
    const box = this.piece(number, "said");
    if (!box.growing) box.append(box.growing = el("div", { className: "block growing", dir: "auto" }));
    put(box.growing, html);
  }

  thought(number, text, took) {
    let piece = this.pieces[number];
    if (!piece?.words) {
      const words = el("div", { className: "words", dir: "auto" });
      const head = el("summary", {}, "Thinking …");
      piece = this.pieces[number] = el("details", { className: "thought" }, head, words);
      Object.assign(piece, { words, head });
      this.body.append(piece);
    }
    if (text) piece.words.append(text);
    if (took !== null) piece.head.textContent = took ? `Thought for ${seconds(took)}` : "Thought";
  }

  called(number, name, text) {
    const piece = this.piece(number, "call");
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* it still comes, or is no JSON */ }
    piece.replaceChildren(el("div", { className: "call-name" }, "Tool ", el("strong", {}, name)), el("pre", { tabIndex: 0 }, shown));
  }

  // Somebody else answers from here on: what stands above is a draft, and is not sent back.
  seam(number, text) {
    for (const piece of this.pieces) piece?.growing?.classList.remove("growing");
    this.piece(number, "note seam").textContent = text;
  }

  wait(what) {
    this.waiting.hidden = !what;
    if (!what) return this.waiting.replaceChildren();
    const share = typeof what.share === "number" ? what.share : null;
    this.waiting.replaceChildren(el("span", {}, what.text),
      share === null ? el("span", { className: "dots", ariaHidden: "true" }) : el("progress", { max: 1, value: share, ariaLabel: what.text }));
  }

  told(who) {
    if (!who || !who.model) return;
    this.node.classList.toggle("left", who.left);
    this.by = who;
    this.who.replaceChildren(el("strong", {}, who.model.split("/").pop()),
      who.left ? el("span", { className: "cloud" }, `${who.place} · left this machine`) : el("span", { className: "quiet" }, who.place));
    this.who.title = who.why ?? "";
  }

  note(text, hint = "", wrong = false) {
    this.notes.append(el("p", { className: wrong ? "note wrong" : "note", role: wrong ? "alert" : null }, text,
      hint && el("span", { className: "quiet" }, ` ${hint}`)));
  }

  // The answer is over; `data` is its turn as it is kept.
  end(data) {
    this.streaming = false;
    this.wait(null);
    this.at = data.at;
    this.data = data;
    this.told(data.who);
    for (const piece of this.pieces) {
      piece?.growing?.classList.remove("growing");
      if (piece?.head && piece.head.textContent.endsWith("…")) piece.head.textContent = "Thought";
    }
    const took = data.figures;
    const facts = [];
    if (took.answer) facts.push(plural(took.answer, "token"));
    if (took.first) facts.push(`first ${seconds(took.first)}`);
    if (took.speed) facts.push(`${took.speed.toFixed(1)} tok/s`);
    if (took.cost || took.cost === null) facts.push(dollars(took.cost));
    if (took.doubt !== null) facts.push(`doubt ${took.doubt.toFixed(2)}`);
    if (data.interrupted && !data.comes) facts.push("stopped");
    this.figures.textContent = facts.join(" · ");
    this.unsure.hidden = !data.unsure;
    this.unsure.textContent = data.unsure;
    const act = (text, title, onclick) => el("button", { className: "plain", type: "button", title, onclick }, text);
    this.actions.replaceChildren(
      act("Copy", "Copy the answer", (event) => copied(event.target, this.plain())),
      act("Again", "Ask again; this answer stays beside the new one", () => this.view.again(this)),
      this.again(),
      act("Stronger", "Ask somebody who may know better (Ctrl+Shift+Enter asks so about the last answer)", () => this.view.stronger(this)),
      ...(data.who.here && this.view.id ? [this.thumb(true), this.thumb(false)] : []));
    this.goOn = act("Continue", "Have it go on where it stopped", () => this.view.goOn(this));
    this.actions.append(this.goOn);
    this.variant(data.variant);
    this.actions.hidden = this.edit.hidden = Boolean(data.comes);
    if (data.comes) this.wait({ text: "being answered in another window" });
  }

  // Asked again of another model, which is chosen here.
  again() {
    const models = this.view.composer.models();
    const chosen = el("select", { className: "plain", ariaLabel: "Ask another model", title: "Ask another model" },
      el("option", { value: "" }, "with …"), ...models);
    chosen.onchange = () => this.view.again(this, chosen.value);
    return chosen;
  }

  // What is said of an answer is a number that its model's next doubts are measured by, where that is wanted.
  thumb(good) {
    const button = el("button", { className: "plain thumb", type: "button", ariaPressed: "false", ariaLabel: good ? "Good answer" : "Bad answer", title: good ? "Good answer" : "Bad answer" }, good ? "👍" : "👎");
    button.onclick = async () => {
      if (button.ariaDisabled) return;  // not `disabled`: who has the focus would lose it
      try {
        const { learned, told } = await post("/page/rate", { conversation: this.view.id, at: this.at, good });
        if (learned) for (const one of this.actions.querySelectorAll(".thumb")) { one.ariaDisabled = "true"; one.ariaPressed = String(one === button); }
        this.opinion.textContent = told;
      } catch (error) {
        this.opinion.textContent = error.message;
      }
    };
    return button;
  }

  variant(data) {
    this.nav.replaceChildren();
    if (!data) return;
    const [place, of, before, behind] = data;
    const to = (number, text, label) => el("button", { className: "plain", type: "button", disabled: !number, ariaLabel: label, onclick: () => this.view.go(number) }, text);
    this.nav.append(to(before, "‹", "The one before"), el("span", {}, `${place}/${of}`), to(behind, "›", "The next one"));
  }

  plain() {
    const own = this.pieces.slice(this.pieces.findLastIndex((piece) => piece?.classList.contains("seam")) + 1);
    return own.filter((piece) => piece?.className === "said").map((piece) => piece.innerText).join("\n");
  }

  editing() {
    const text = el("textarea", { value: this.text, dir: "auto", ariaLabel: "Your prompt" });
    const leave = () => { box.replaceWith(this.prompt); this.edit.hidden = false; this.edit.focus(); };
    const send = () => { leave(); if (text.value.trim()) this.view.edited(this, text.value); };
    const box = el("div", { className: "editing" }, text, el("div", { className: "under" },
      el("button", { className: "plain", type: "button", onclick: leave }, "Cancel"),
      el("button", { className: "button", type: "button", onclick: send }, "Ask")));
    text.onkeydown = (event) => {
      if (event.key === "Escape") leave();
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
    };
    this.prompt.replaceWith(box);
    this.edit.hidden = true;
    text.rows = Math.min(12, this.text.split("\n").length + 1);
    text.focus();
  }
}

// A long prompt is shown by its beginning: the page stays quick, and the answer is near.
function said(node, prompt) {
  if (prompt.length <= SHOWN + SHOWN / 4) return node.replaceChildren(prompt);
  const all = el("button", { className: "plain", type: "button", onclick: () => node.replaceChildren(prompt) }, `Show all ${number(prompt.length)} characters`);
  node.replaceChildren(prompt.slice(0, SHOWN), "… ", all);
}

export function fileNode(file, conversation, turn, index) {
  const address = `/page/attachment?id=${conversation}&turn=${turn}&file=${index}`;
  if (file.kind === "Image") return el("li", {}, el("a", { href: address, target: "_blank" }, el("img", { src: address, alt: file.name, loading: "lazy" })));
  return el("li", { className: "file" }, el("a", { href: address, download: "" }, file.name), el("span", { className: "quiet" }, ` ${file.about}`));
}
