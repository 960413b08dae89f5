// Vercel's AI SDK against the gateway, through three of its providers.
import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { refusal, run, URL, WEATHER } from "./checks.mjs";

const openai = createOpenAI({ baseURL: `${URL}/v1`, apiKey: "none" });
const providers = {
  "chat completions": (model) => openai.chat(model),
  responses: (model) => openai.responses(model),
  compatible: createOpenAICompatible({
    baseURL: `${URL}/v1`, name: "gateway", supportsStructuredOutputs: true, includeUsage: true,
  }),
  anthropic: createAnthropic({ baseURL: `${URL}/v1`, apiKey: "none" }),
};
const how = { maxRetries: 0, maxOutputTokens: 100 };
const checks = {};
for (const [name, model] of Object.entries(providers)) {
  checks[`${name}: a text as a whole`] = async () => {
    const answer = await generateText({ ...how, model: model("echo"), prompt: "good morning" });
    assert.equal(answer.text, "good morning ");
    assert.equal(answer.finishReason, "stop");
    assert.equal(answer.usage.outputTokens, 2);
  };
  checks[`${name}: a text in pieces`] = async () => {
    const answer = streamText({ ...how, model: model("echo"), prompt: "one two three" });
    let text = "";
    for await (const piece of answer.textStream) text += piece;
    assert.equal(text, "one two three ");
    assert.equal((await answer.usage).outputTokens, 3);
  };
  checks[`${name}: a tool is called and answered`] = async () => {
    const answer = await generateText({
      ...how, model: model("caller"), prompt: "How is the weather in Rome?", toolChoice: "required",
      stopWhen: stepCountIs(1),
      tools: { weather: tool({ description: "Tells the weather", inputSchema: jsonSchema(WEATHER), execute: () => "sunny" }) },
    });
    assert.equal(answer.toolCalls[0].toolName, "weather");
    assert.equal(answer.toolResults[0].output, "sunny");
  };
  checks[`${name}: what is refused says why`] = async () => {
    const refused = await refusal(generateText({ ...how, model: model("no/such-model"), prompt: "x" }));
    assert.equal(refused.statusCode, 404);
  };
}
for (const name of ["chat completions", "responses", "compatible"]) {
  checks[`${name}: a form is filled in`] = async () => {
    const answer = await generateText({
      ...how, model: providers[name]("smollm2"), prompt: "Name a city and its size.",
      output: Output.object({ schema: z.object({ name: z.string().max(12), size: z.number().int() }) }),
    });
    assert.equal(typeof answer.output.size, "number");
  };
}
await run(checks);
