// Readers of streams of Node's SDKs, each fed with answers whose events come in any order: `CASES` is a file of
// {"name", "text", "thoughts", "calls", "cut", "failed", "bodies"}.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { jsonSchema, streamText, tool } from "ai";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { run } from "./checks.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const cases = JSON.parse(readFileSync(process.env.CASES, "utf-8"));
const schema = { type: "object", additionalProperties: true };
const names = ["weather", "search"];
const far = { baseURL: "http://gateway/v1", apiKey: "none" };

// An answer of this body, cut into pieces anywhere.
const answering = (body, type = "text/event-stream") => async () => {
  const bytes = Buffer.from(body);
  const pieces = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 97) controller.enqueue(bytes.subarray(at, at + 97));
      controller.close();
    },
  });
  return new Response(pieces, { headers: { "content-type": type } });
};
const parsed = (calls) => calls.map((call) => [call.name, JSON.parse(call.arguments)]);

// What is put together is what was said; what has failed is an error.
async function same(one, read) {
  if (one.failed) return assert.rejects(read);
  const found = await read();
  assert.equal(found.text, one.text);
  if (found.thoughts !== undefined) assert.equal(found.thoughts, one.thoughts);
  assert.deepEqual(found.calls.map((call) => call.name), one.calls.map((call) => call.name));
  if (!one.cut) assert.deepEqual(parsed(found.calls), parsed(one.calls));
}

const readers = {
  "openai's chats": async (one) => {
    if (one.cut) return; // this helper takes no answer that was cut off where it has tools to fill in
    const client = new OpenAI({ ...far, maxRetries: 0, fetch: answering(one.bodies.chat) });
    const tools = names.map((name) => ({ type: "function", function: { name, parameters: schema, strict: true } }));
    const done = [];
    await same(one, async () => {
      const runner = client.chat.completions.stream({ model: "m", messages: [], tools });
      runner.on("tool_calls.function.arguments.done", (call) => done.push(call));
      const { message } = (await runner.finalChatCompletion()).choices[0];
      const calls = (message.tool_calls ?? []).map((call) => call.function);
      return { text: message.content ?? "", calls };
    });
    if (!one.failed) assert.deepEqual(parsed(done), parsed(one.calls));
  },
  "openai's responses": (one) => same(one, async () => {
    const client = new OpenAI({ ...far, maxRetries: 0, fetch: answering(one.bodies.responses) });
    const response = await client.responses.stream({ model: "m", input: "x" }).finalResponse();
    assert.notEqual(response.status, "failed");
    const thoughts = response.output.filter((item) => item.type === "reasoning").flatMap((item) => item.content);
    return {
      text: response.output_text,
      thoughts: thoughts.map((part) => part.text).join(""),
      calls: response.output.filter((item) => item.type === "function_call"),
    };
  }),
  "anthropic's messages": (one) => same(one, async () => {
    const client = new Anthropic({
      baseURL: "http://gateway", apiKey: "none", maxRetries: 0, fetch: answering(one.bodies.anthropic),
    });
    const stream = client.messages.stream({ model: "m", max_tokens: 9, messages: [] });
    const blocks = [];
    stream.on("contentBlock", (block) => blocks.push(block));
    const message = await stream.finalMessage();
    assert.deepEqual(blocks, message.content);
    const of = (type) => blocks.filter((block) => block.type === type);
    return {
      text: of("text").map((block) => block.text).join(""),
      thoughts: of("thinking").map((block) => block.thinking).join(""),
      calls: of("tool_use").map((block) => ({ name: block.name, arguments: JSON.stringify(block.input) })),
    };
  }),
  "ollama's chats": (one) => same(one, async () => {
    const client = new Ollama({ fetch: answering(one.bodies.ollama, "application/x-ndjson") });
    const found = { text: "", thoughts: "", calls: [] };
    for await (const { message } of await client.chat({ model: "m", messages: [], stream: true })) {
      found.text += message.content;
      found.thoughts += message.thinking ?? "";
      for (const { function: call } of message.tool_calls ?? [])
        found.calls.push({ name: call.name, arguments: JSON.stringify(call.arguments) });
    }
    return found;
  }),
};
const vercels = {
  chat: (fetch) => createOpenAI({ ...far, fetch }).chat("m"),
  responses: (fetch) => createOpenAI({ ...far, fetch }).responses("m"),
  compatible: (fetch) => createOpenAICompatible({ ...far, name: "gateway", fetch })("m"),
  anthropic: (fetch) => createAnthropic({ ...far, fetch })("m"),
};
for (const [name, model] of Object.entries(vercels)) {
  readers[`vercel's ${name}`] = (one) => same(one, async () => {
    const tools = Object.fromEntries(names.map((called) => [called, tool({ inputSchema: jsonSchema(schema) })]));
    const errors = [];
    const answer = streamText({
      model: model(answering(one.bodies[name === "compatible" ? "chat" : name])), prompt: "x", tools, maxRetries: 0,
      onError: ({ error }) => errors.push(error),
    });
    const found = { text: "", calls: [] };
    for await (const part of answer.fullStream) {
      if (part.type === "text-delta") found.text += part.text;
      if (part.type === "tool-call") found.calls.push({ name: part.toolName, arguments: JSON.stringify(part.input) });
    }
    if (errors.length) throw errors[0];
    return found;
  });
}

const checks = {};
for (const [name, reader] of Object.entries(readers))
  for (const one of cases) checks[`${name}, ${one.name}`] = () => reader(one);
await run(checks);
