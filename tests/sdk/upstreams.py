"""Asks the same of seven upstreams with their own Python SDKs and prints, one JSON line for each call, what a program gets to see.

    python upstreams.py AZURE FOUNDRY VERTEX BEDROCK GEMINI MISTRAL XAI      (base URLs)

It judges nothing: tests/envoy/test_upstreams.py runs it against the providers' stand-in and through the gateway, and compares.
"""

import json
import sys

import anthropic
import openai
from google import genai
from google.genai import errors as genai_errors
from mistralai.client import Mistral
from mistralai.client import errors as mistral_errors

PROMPT = "Why is the sky blue?"
TURNS = [{"role": "user", "content": PROMPT}]


def main(azure_url, foundry_url, vertex_url, bedrock_url, gemini_url, mistral_url, xai_url):
    azure = openai.AzureOpenAI(azure_endpoint=azure_url, api_key="gw_test", api_version="2025-04-01-preview", max_retries=0)
    foundry = anthropic.AnthropicFoundry(base_url=f"{foundry_url}/anthropic", api_key="gw_test", max_retries=0)
    vertex = anthropic.AnthropicVertex(base_url=vertex_url, project_id="my-project", region="us-east5", access_token="gw_test", max_retries=0)
    bedrock = anthropic.AnthropicBedrock(base_url=bedrock_url, aws_region="us-east-1", aws_access_key="AKIDEXAMPLE", aws_secret_key="secret", max_retries=0)
    gemini = genai.Client(api_key="gw_test", vertexai=False, http_options={"base_url": gemini_url})
    xai = openai.OpenAI(base_url=f"{xai_url}/v1", api_key="gw_test", max_retries=0)
    mistral = Mistral(server_url=mistral_url, api_key="gw_test")

    def messages(client, model, **more):
        return client.messages.create(model=model, max_tokens=64, messages=TURNS, **more)

    for suffix, ending in (("", ""), (" error", "429")):
        def named(model):
            return f"mock-error-{ending}" if ending else model

        call(f"azure{suffix}", lambda: azure.chat.completions.create(model=named("gpt-5.5"), messages=TURNS))
        call(f"azure stream{suffix}", lambda: azure.chat.completions.create(model=named("gpt-5.5"), messages=TURNS, stream=True))
        call(f"foundry{suffix}", lambda: messages(foundry, named("claude-opus-4-8")))
        call(f"foundry stream{suffix}", lambda: messages(foundry, named("claude-opus-4-8"), stream=True))
        call(f"vertex{suffix}", lambda: messages(vertex, named("claude-opus-4-8")))
        call(f"vertex stream{suffix}", lambda: messages(vertex, named("claude-opus-4-8"), stream=True))
        call(f"bedrock{suffix}", lambda: messages(bedrock, named("us.anthropic.claude-sonnet-4-5-20250929-v1:0")))
        call(f"bedrock stream{suffix}", lambda: messages(bedrock, named("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), stream=True))
        call(f"gemini{suffix}", lambda: gemini.models.generate_content(model=named("gemini-3-pro"), contents=PROMPT))
        call(f"gemini stream{suffix}", lambda: gemini.models.generate_content_stream(model=named("gemini-3-pro"), contents=PROMPT))
        call(f"mistral{suffix}", lambda: mistral.chat.complete(model=named("mistral-large-latest"), messages=TURNS))
        call(f"mistral stream{suffix}", lambda: mistral.chat.stream(model=named("mistral-large-latest"), messages=TURNS))
        call(f"xai{suffix}", lambda: xai.chat.completions.create(model=named("grok-4"), messages=TURNS))
        call(f"xai stream{suffix}", lambda: xai.chat.completions.create(model=named("grok-4"), messages=TURNS, stream=True))
    # Not an answer of a model: passes and leaves no record.
    call("gemini count", lambda: gemini.models.count_tokens(model="gemini-3-pro", contents=PROMPT))


def call(name, ask):
    """Prints everything that a program sees of one call."""
    seen = []
    try:
        answer = ask()
        for part in [answer] if hasattr(answer, "model_dump") else answer:
            seen.append({"class": type(part).__name__, **shown(part)})
    except (anthropic.APIError, openai.APIError, genai_errors.APIError, mistral_errors.SDKError, mistral_errors.MistralError) as error:
        status = getattr(error, "status_code", None) or getattr(error, "code", None)
        seen.append({"error": type(error).__name__, "status": status, "message": str(error)})
    print(json.dumps({"name": name, "seen": seen}))


def shown(part):
    """The members of an SDK's object, without the HTTP response that some of them hold."""
    members = part.model_dump(mode="json", warnings=False, exclude={"sdk_http_response"})
    return {key: value for key, value in members.items() if value is not None}


if __name__ == "__main__":
    main(*sys.argv[1:])
