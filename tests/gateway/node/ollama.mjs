// Ollama's own library for Node against the gateway.
import assert from "node:assert/strict";
import { Ollama } from "ollama";
import { ask, refusal, run, URL, WEATHER } from "./checks.mjs";

const client = new Ollama({ host: URL });
const tool = { type: "function", function: { name: "weather", description: "Tells the weather", parameters: WEATHER } };

await run({
  "an answer comes as a whole": async () => {
    const answer = await client.chat({ model: "echo", messages: ask("good morning") });
    assert.equal(answer.message.content, "good morning ");
    assert.equal(answer.done_reason, "stop");
    assert.equal(answer.eval_count, 2);
  },
  "an answer comes in pieces": async () => {
    const pieces = [];
    for await (const part of await client.chat({ model: "echo", messages: ask("one two"), stream: true })) pieces.push(part);
    assert.equal(pieces.map((part) => part.message.content).join(""), "one two ");
    assert.deepEqual(pieces.map((part) => part.done), [...pieces.slice(1).map(() => false), true]);
  },
  "a form is filled in": async () => {
    const answer = await client.chat({
      model: "smollm2", messages: ask("Where are you?"), format: WEATHER, options: { num_predict: 60 },
    });
    assert.equal(typeof JSON.parse(answer.message.content).city, "string");
  },
  "tools are taken": async () => {
    const answer = await client.chat({
      model: "caller", messages: ask("How is the weather in Rome?"), tools: [tool], options: { num_predict: 40 },
    });
    assert.equal(answer.message.role, "assistant");
  },
  "a text is gone on with": async () => {
    const answer = await client.generate({ model: "smollm2", prompt: "One, two,", raw: true, options: { num_predict: 3 } });
    assert.equal(answer.eval_count, 3);
  },
  "a model is loaded, shown, listed and unloaded": async () => {
    assert.equal((await client.generate({ model: "smollm2", prompt: "" })).done_reason, "load");
    assert.ok((await client.ps()).models.some((model) => model.name.startsWith("smollm2")));
    assert.ok((await client.list()).models.some((model) => model.name.startsWith("smollm2")));
    assert.ok((await client.show({ model: "smollm2" })).capabilities.includes("completion"));
    assert.equal((await client.generate({ model: "smollm2", prompt: "", keep_alive: 0 })).done_reason, "unload");
    assert.match((await client.version()).version, /^\d+\.\d+\.\d+$/);
  },
  "what is left stops": async () => {
    const stream = await client.chat({ model: "echo?pace=0.01", messages: ask("word ".repeat(5000)), stream: true });
    const left = (async () => {
      for await (const _ of stream) stream.abort();
    })();
    assert.equal((await refusal(left)).name, "AbortError");
  },
  "what is refused says why": async () => {
    const unknown = await refusal(client.chat({ model: "no/such-model", messages: ask("x") }));
    assert.equal(unknown.status_code, 404);
    assert.match(unknown.message, /no\/such-model/);
  },
});
