// Makes the calls of calls.json with the official JavaScript SDKs and prints, one JSON line each, what a program gets to see.
//
//     node calls.mjs NODE_MODULES ANTHROPIC OPENAI COPILOT      (a directory, base URLs)
//
// It judges nothing; see calls.py, its twin.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, anthropicUrl, openaiUrl, copilotUrl] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { Anthropic } = require("@anthropic-ai/sdk");
const { OpenAI } = require("openai");

const calls = JSON.parse(readFileSync(new URL("calls.json", import.meta.url)));
const answers = []; // status and headers of everything that came back

async function keeping(...request) {
  const response = await fetch(...request);
  answers.push({ status: response.status, headers: [...response.headers].sort() });
  return response;
}

const options = (baseURL) => ({ baseURL, maxRetries: 0, fetch: keeping });
const clients = {
  anthropic: new Anthropic({ apiKey: null, authToken: "gw_test", ...options(anthropicUrl) }),
  openai: new OpenAI({ apiKey: "gw_test", ...options(openaiUrl) }),
  copilot: new OpenAI({ apiKey: "ghu_0123456789", ...options(copilotUrl) }),
  copilot_anthropic: new Anthropic({ apiKey: null, authToken: "ghu_0123456789", ...options(copilotUrl) }),
};

// Everything that a program sees of one call, and the whole answer where there is one.
async function ask(client, path, args) {
  const seen = [];
  let final;
  const names = path.split(".");
  const name = names.pop();
  const resource = names.reduce((at, part) => at[part], client);
  try {
    if (name === "stream") { // the SDK's helper puts the answer together
      const stream = resource.stream(args);
      for await (const event of stream) seen.push(event);
      final = await (stream.finalChatCompletion ?? stream.finalResponse ?? stream.finalMessage).call(stream);
      seen.push(final);
    } else if (args.stream || name === "list") {
      for await (const event of await resource[name](args)) seen.push(event);
    } else {
      final = await resource[name](args);
      seen.push(final);
    }
  } catch (error) {
    if (!(error instanceof Anthropic.APIError || error instanceof OpenAI.APIError)) throw error;
    seen.push({ error: error.constructor.name, status: error.status ?? null, message: error.message, body: error.error ?? null });
  }
  return [JSON.parse(JSON.stringify(seen)), final];
}

// The conversation with the tool's result.
function nextTurn(args, answer, result) {
  if (answer.content) {
    const call = answer.content.find((block) => block.type === "tool_use");
    const back = { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: result }] };
    return { ...args, messages: [...args.messages, { role: "assistant", content: answer.content }, back] };
  }
  if (answer.choices) {
    const { id, type, function: { name, arguments: given } } = answer.choices[0].message.tool_calls[0];
    const said = { role: "assistant", content: null, tool_calls: [{ id, type, function: { name, arguments: given } }] };
    return { ...args, messages: [...args.messages, said, { role: "tool", tool_call_id: id, content: result }] };
  }
  const { type, call_id, name, arguments: given } = answer.output.find((item) => item.type === "function_call");
  const back = { type: "function_call_output", call_id, output: result };
  return { ...args, input: [...args.input, { type, call_id, name, arguments: given }, back] };
}

for (const call of calls) {
  const client = clients[call.client];
  const path = call.javascript ?? call.method;
  const [seen, final] = await ask(client, path, call.arguments);
  const turns = [seen];
  if (final && call.tool_result) turns.push((await ask(client, path, nextTurn(call.arguments, final, call.tool_result)))[0]);
  console.log(JSON.stringify({ name: call.name, answers: answers.splice(0), turns }));
}
