// Building the page. Words of models are put in as text; HTML only by `put`, which takes what the server has
// rendered and cleaned.

const policy = self.trustedTypes?.createPolicy("ai-pal", { createHTML: (html) => html }) ?? { createHTML: (html) => html };

export const $ = (selector, within = document) => within.querySelector(selector);

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "role") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function put(node, html) {
  node.innerHTML = policy.createHTML(html);
  for (const pre of node.querySelectorAll("pre")) dress(pre);
  return node;
}

// Code gets its name, and what can be done with it.
function dress(pre) {
  const wrap = el("button", { className: "plain", type: "button", ariaPressed: "false" }, "Wrap");
  wrap.onclick = () => { wrap.ariaPressed = String(pre.classList.toggle("wrapped")); };
  const copy = el("button", { className: "plain", type: "button", onclick: () => copied(copy, pre.textContent) }, "Copy");
  const bar = el("div", { className: "code-bar" }, el("span", {}, pre.dataset.language ?? ""), wrap, copy);
  const box = el("div", { className: "code" });
  pre.replaceWith(box);
  pre.tabIndex = 0;
  pre.role = "region";
  pre.ariaLabel = pre.dataset.language ? `Code, ${pre.dataset.language}` : "Code";
  box.append(bar, pre);
}

// These children in place of those that are there. What is the same stays, and with it who has the focus.
export function swap(node, children) {
  children.forEach((child, at) => {
    const old = node.children[at];
    if (!old) node.append(child);
    else if (!old.isEqualNode(child)) old.replaceWith(child);
  });
  while (node.children.length > children.length) node.lastElementChild.remove();
}

export async function copied(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

export function announce(text) {
  $("#status").textContent = text;
}

export const number = (value) => value.toLocaleString("en");
export const seconds = (value) => value < 10 ? `${value.toFixed(value < 1 ? 2 : 1)} s` : `${Math.round(value)} s`;
export const gigabytes = (bytes) => bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
export const dollars = (value) => value === null ? "cost unknown" : `$${value < 0.01 ? value.toFixed(4) : value.toFixed(2)}`;
export const plural = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;

export function when(at) {
  const day = new Date(at * 1000), now = new Date();
  const same = day.toDateString() === now.toDateString();
  return same ? day.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : day.toLocaleDateString();
}
