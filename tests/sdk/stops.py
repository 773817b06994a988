"""Asks the gateway with the official Python SDKs, as they are without settings, and prints what a program gets to see.

    python stops.py

Prints a line once the SDKs are loaded. Then each line of its input is a JSON list: base URLs for Anthropic and OpenAI,
and the key that both send. Its answer is one line, a JSON list with an object for each call.

It judges nothing: tests/envoy/test_sdk_stops.py makes the gateway say no in every way. See stops.mjs, its twin.
"""

import json
import sys

import anthropic
import openai

TURNS = [{"role": "user", "content": "hello"}]


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(list(calls(*json.loads(line)))), flush=True)


def calls(anthropic_url, openai_url, key):
    claude = anthropic.Anthropic(base_url=anthropic_url, auth_token=key)
    gpt = openai.OpenAI(base_url=openai_url, api_key=key)
    yield call("messages", lambda: claude.messages.create(model="claude-opus-4-8", max_tokens=64, messages=TURNS))
    yield call("messages, streamed", lambda: list(claude.messages.create(model="claude-opus-4-8", max_tokens=64, messages=TURNS, stream=True)))
    yield call("chat_completions", lambda: gpt.chat.completions.create(model="gpt-5.5", messages=TURNS))
    yield call("responses", lambda: gpt.responses.create(model="gpt-5.5", input="hello"))


def call(name, ask):
    try:
        ask()
        seen = {"error": None}
    except (anthropic.APIStatusError, openai.APIStatusError) as error:
        seen = {"error": type(error).__name__, "status": error.status_code, "message": str(error), "request_id": error.request_id}
    return {"name": name, **seen}


if __name__ == "__main__":
    main()
