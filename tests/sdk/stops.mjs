// Asks the gateway with the official JavaScript SDKs, as they are without settings, and prints what a program gets to see.
//
//     node stops.mjs NODE_MODULES      (a directory)
//
// Reads and prints as stops.py, its twin, says. It judges nothing.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { Anthropic } = require("@anthropic-ai/sdk");
const { OpenAI } = require("openai");

const messages = [{ role: "user", content: "hello" }];
const asked = { model: "claude-opus-4-8", max_tokens: 64, messages };

async function call(name, ask) {
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof Anthropic.APIError || error instanceof OpenAI.APIError)) throw error;
    return { name, error: error.constructor.name, status: error.status, message: error.message, request_id: error.requestID };
  }
  return { name, error: null };
}

async function calls(anthropicUrl, openaiUrl, key) {
  const claude = new Anthropic({ baseURL: anthropicUrl, apiKey: null, authToken: key });
  const gpt = new OpenAI({ baseURL: openaiUrl, apiKey: key });
  return [
    await call("messages", () => claude.messages.create(asked)),
    await call("messages, streamed", async () => {
      for await (const _ of await claude.messages.create({ ...asked, stream: true }));
    }),
    await call("chat_completions", () => gpt.chat.completions.create({ model: "gpt-5.5", messages })),
    await call("responses", () => gpt.responses.create({ model: "gpt-5.5", input: "hello" })),
  ];
}

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await calls(...JSON.parse(line))));
}
