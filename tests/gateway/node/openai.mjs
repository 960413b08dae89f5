// OpenAI's own SDK for Node against the gateway.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { ask, refusal, run, URL, WEATHER } from "./checks.mjs";

const client = new OpenAI({ baseURL: `${URL}/v1`, apiKey: "none", maxRetries: 0, timeout: 120_000 });
const chat = client.chat.completions;
const tool = { type: "function", function: { name: "weather", description: "Tells the weather", parameters: WEATHER } };
const City = z.object({ name: z.string().max(12), size: z.number().int() });

await run({
  "an answer comes as a whole": async () => {
    const answer = await chat.create({ model: "echo", messages: ask("good morning") });
    assert.equal(answer.choices[0].message.content, "good morning ");
    assert.equal(answer.choices[0].finish_reason, "stop");
    assert.equal(answer.usage.total_tokens, 4);
  },
  "an answer comes in pieces, with its usage": async () => {
    const stream = await chat.create({
      model: "echo", messages: ask("good morning"), stream: true, stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), "good morning ");
    assert.equal(chunks.at(-2).choices[0].finish_reason, "stop");
    assert.equal(chunks.at(-1).usage.completion_tokens, 2);
  },
  "the helper for streams puts an answer together": async () => {
    const runner = chat.stream({ model: "echo", messages: ask("one two three") });
    assert.equal(await runner.finalContent(), "one two three ");
  },
  "a form is filled in": async () => {
    const answer = await chat.parse({
      model: "smollm2", messages: ask("Name a city and its size."), max_tokens: 120,
      response_format: zodResponseFormat(City, "city"),
    });
    assert.equal(typeof answer.choices[0].message.parsed.size, "number");
  },
  "a tool that is demanded is called, and its result is answered": async () => {
    const runner = chat.runTools({
      model: "caller", messages: ask("How is the weather in Rome?"), max_tokens: 80, tool_choice: {
        type: "function", function: { name: "weather" },
      },
      tools: [{ type: "function", function: { ...tool.function, parse: JSON.parse, function: () => "sunny" } }],
    });
    assert.equal(typeof (await runner.finalFunctionToolCall()).arguments, "string");
    await runner.done();
  },
  "what is left stops": async () => {
    const stream = await chat.create({ model: "echo?pace=0.01", messages: ask("word ".repeat(5000)), stream: true });
    let count = 0;
    for await (const _ of stream) if (++count === 3) break;
    assert.equal(stream.controller.signal.aborted, true);
  },
  "vectors come as numbers out of base64": async () => {
    const refused = await refusal(client.embeddings.create({ model: "smollm2", input: "x" }));
    assert.equal(refused.status, 400);
  },
  "a response is made, kept and gone on with": async () => {
    const first = await client.responses.create({ model: "echo", input: "good morning" });
    assert.equal(first.output_text, "good morning ");
    const again = await client.responses.retrieve(first.id);
    assert.equal(again.id, first.id);
    const second = await client.responses.create({ model: "echo", input: "and you", previous_response_id: first.id });
    assert.equal(second.previous_response_id, first.id);
    await client.responses.delete(first.id);
    assert.equal((await refusal(client.responses.retrieve(first.id))).status, 404);
  },
  "a response comes in pieces": async () => {
    const stream = client.responses.stream({ model: "echo", input: "one two" });
    const kinds = [];
    for await (const event of stream) kinds.push(event.type);
    assert.equal(kinds[0], "response.created");
    assert.equal(kinds.at(-1), "response.completed");
    assert.equal((await stream.finalResponse()).output_text, "one two ");
  },
  "a response fills in a form": async () => {
    const answer = await client.responses.parse({
      model: "smollm2", input: "Name a city and its size.", max_output_tokens: 120,
      text: { format: zodTextFormat(City, "city") },
    });
    assert.equal(typeof answer.output_parsed.name, "string");
  },
  "a text is gone on with": async () => {
    const answer = await client.completions.create({ model: "smollm2", prompt: "One, two,", max_tokens: 3, echo: true });
    assert.ok(answer.choices[0].text.startsWith("One, two,"));
  },
  "models are listed and told": async () => {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.ok(names.includes("smollm2"));
    assert.equal((await client.models.retrieve("smollm2")).id, "smollm2");
  },
  "what is refused has its class": async () => {
    const unknown = await refusal(chat.create({ model: "no/such-model", messages: ask("x") }));
    assert.ok(unknown instanceof OpenAI.NotFoundError);
    const wrong = await refusal(chat.create({ model: "echo", messages: ask("x"), temperature: 99 }));
    assert.ok(wrong instanceof OpenAI.BadRequestError);
    assert.equal(wrong.param, "temperature");
  },
});
