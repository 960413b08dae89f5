// Asking this server, and nobody else.

export class Refused extends Error {
  constructor(status, said) {
    super(said || `the server says ${status}`);
    this.status = status;
  }
}

async function asked(path, init = {}) {
  const answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...init });
  if (answer.ok) return answer;
  let said = "";
  try { const { error } = await answer.json(); said = error.message ?? error; } catch { /* it says nothing */ }
  throw new Refused(answer.status, said);
}

export const get = async (path, init) => (await asked(path, init)).json();

const posting = (body, signal) =>
  ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal });

export const post = async (path, body = {}) => (await asked(path, posting(body))).json();

// What comes as server-sent events, a list of changes each, until it ends. With a body it is asked for.
export async function stream(path, { body, signal, take }) {
  const answer = await asked(path, body ? posting(body, signal) : { signal });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    const changes = [];
    for (const part of parts) if (part.startsWith("data: ")) changes.push(...JSON.parse(part.slice(6)));
    if (changes.length) take(changes);
  }
}
