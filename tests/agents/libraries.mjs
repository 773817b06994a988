// Asks one question with the Vercel AI SDK and prints the answer, or the error as a program would print it.
//
//     node libraries.mjs NODE_MODULES NAME BASE_URL KEY PROMPT

import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";

const [modules, name, baseURL, apiKey, prompt] = process.argv.slice(2);

// Packages of a folder that is no parent of this file.
function load(name) {
  const folder = `${modules}/${name}`;
  const { exports } = JSON.parse(readFileSync(`${folder}/package.json`));
  const main = exports["."].import?.default ?? exports["."].import ?? exports["."].default;
  return import(pathToFileURL(`${folder}/${main}`));
}

const { generateText } = await load("ai");
const { createOpenAI } = await load("@ai-sdk/openai");
const { createAnthropic } = await load("@ai-sdk/anthropic");
const model = name === "anthropic" ? createAnthropic({ baseURL, apiKey })("claude-opus-4-8") : createOpenAI({ baseURL, apiKey })("gpt-5.5");
try {
  console.log((await generateText({ model, prompt })).text);
} catch (error) {
  console.log(error.message);
  process.exit(1);
}
