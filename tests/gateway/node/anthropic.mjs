// Anthropic's own SDK for Node against the gateway.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { ask, refusal, run, URL, WEATHER } from "./checks.mjs";

const client = new Anthropic({ baseURL: URL, apiKey: "none", maxRetries: 0, timeout: 120_000 });
const tool = { name: "weather", description: "Tells the weather", input_schema: WEATHER };

await run({
  "a message comes as a whole": async () => {
    const message = await client.messages.create({ model: "echo", max_tokens: 50, messages: ask("good morning") });
    assert.equal(message.content[0].text, "good morning ");
    assert.equal(message.stop_reason, "end_turn");
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [2, 2]);
  },
  "a message comes in pieces": async () => {
    const stream = client.messages.stream({ model: "echo", max_tokens: 50, messages: ask("good morning") });
    const kinds = [];
    for await (const event of stream) kinds.push(event.type);
    assert.equal(kinds[0], "message_start");
    assert.deepEqual(kinds.slice(-2), ["message_delta", "message_stop"]);
    assert.equal(await stream.finalText(), "good morning ");
  },
  "a tool is called and its result goes back": async () => {
    const question = ask("How is the weather in Rome?");
    const how = { model: "caller", max_tokens: 80, tools: [tool] };
    const first = await client.messages.stream({ ...how, messages: question, tool_choice: { type: "any" } }).finalMessage();
    assert.equal(first.stop_reason, "tool_use");
    const call = first.content.find((block) => block.type === "tool_use");
    assert.equal(typeof call.input.city, "string");
    const result = { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] };
    const second = await client.messages.create({
      ...how, messages: [...question, { role: "assistant", content: first.content }, result], tool_choice: { type: "none" },
    });
    assert.equal(second.role, "assistant");
  },
  "tools run without a thread, which nobody keeps here": async () => {
    const asked = [];
    const runs = { ...tool, run: ({ city }) => (asked.push(city), "sunny") };
    const runner = client.beta.messages.toolRunner({
      model: "caller", max_tokens: 80, max_iterations: 2, tools: [runs], tool_choice: { type: "any" },
      messages: ask("How is the weather in Rome?"),
    });
    const read = [];
    for await (const { usage } of runner) read.push(usage.input_tokens + usage.cache_read_input_tokens);
    assert.equal(asked.length, 2);
    assert.ok(read[1] > read[0]);
  },
  "tokens are counted": async () => {
    const counted = await client.messages.countTokens({ model: "smollm2", messages: ask("good morning") });
    assert.ok(counted.input_tokens > 2);
  },
  "a system prompt may be in blocks": async () => {
    const message = await client.messages.create({
      model: "echo", max_tokens: 5, system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
      messages: ask("good morning"),
    });
    assert.equal(message.type, "message");
  },
  "what is left stops": async () => {
    const stream = client.messages.stream({ model: "echo?pace=0.01", max_tokens: 9000, messages: ask("word ".repeat(5000)) });
    await new Promise((heard) => stream.once("text", heard));
    stream.abort();
    assert.ok((await refusal(stream.done())) instanceof Anthropic.APIUserAbortError);
  },
  "what is refused has its class": async () => {
    const unknown = await refusal(client.messages.create({ model: "no/such-model", max_tokens: 5, messages: ask("x") }));
    assert.ok(unknown instanceof Anthropic.NotFoundError);
    assert.equal(unknown.error.error.type, "not_found_error");
    const wrong = await refusal(client.messages.create({ model: "echo", max_tokens: -1, messages: ask("x") }));
    assert.ok(wrong instanceof Anthropic.BadRequestError);
  },
});
