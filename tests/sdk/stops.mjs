// Asks the gateway with the official JavaScript SDKs, as they are without settings, and prints, one JSON line each, what a program gets to see.
//
//     node stops.mjs NODE_MODULES ANTHROPIC OPENAI KEY      (a directory, base URLs, and the key that both send)
//
// It judges nothing; see stops.py, its twin.

import { createRequire } from "node:module";

const [modules, anthropicUrl, openaiUrl, key] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { Anthropic } = require("@anthropic-ai/sdk");
const { OpenAI } = require("openai");

const claude = new Anthropic({ baseURL: anthropicUrl, apiKey: null, authToken: key });
const gpt = new OpenAI({ baseURL: openaiUrl, apiKey: key });
const messages = [{ role: "user", content: "hello" }];
const asked = { model: "claude-opus-4-8", max_tokens: 64, messages };

async function call(name, ask) {
  let seen = { error: null };
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof Anthropic.APIError || error instanceof OpenAI.APIError)) throw error;
    seen = { error: error.constructor.name, status: error.status, message: error.message, request_id: error.requestID };
  }
  console.log(JSON.stringify({ name, ...seen }));
}

await call("messages", () => claude.messages.create(asked));
await call("messages, streamed", async () => {
  for await (const _ of await claude.messages.create({ ...asked, stream: true }));
});
await call("chat_completions", () => gpt.chat.completions.create({ model: "gpt-5.5", messages }));
await call("responses", () => gpt.responses.create({ model: "gpt-5.5", input: "hello" }));
