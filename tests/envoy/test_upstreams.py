"""The SDKs of Azure, Foundry, Vertex AI, Bedrock, Gemini, Mistral and xAI get the same through the gateway as directly, and leave their records.

tests/sdk/upstreams.py makes the calls, twice: against the mock in each provider's wire shape, and through Envoy.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any, Iterator

import pytest

from conftest import Records, assert_alive
from gateway import TOOLS, Gateway
from render import render
from test_sdks import PROGRAMS, SECONDS, Mock, comparable, environment, reason_to_skip, url

PROVIDERS = [
    {"type": "azure", "base_url": "http://azure.test", "key": {"value": "azure-key"}},
    {"type": "azure", "name": "foundry", "base_url": "http://foundry.test", "key": {"value": "foundry-key"}},
    {"type": "vertex", "base_url": "http://vertex.test/v1", "key": {"value": "vertex-token"}},
    {"type": "anthropic", "name": "bedrock", "base_url": "http://bedrock.test", "bedrock": {"region": "us-east-1", "mode": "runtime"}, "key": {"value": "bedrock-key"}},
    {"type": "gemini", "base_url": "http://gemini.test", "key": {"value": "gemini-key"}},
    # The path by which the mock knows that it plays Mistral.
    {"type": "openai", "name": "mistral", "base_url": "http://mistral.test/mistral/v1", "vendor": "mistral", "key": {"value": "mistral-key"}},
    # By OpenAI's SDK: https://docs.x.ai/docs/guides/migration
    {"type": "openai", "name": "xai", "base_url": "http://xai.test/v1", "vendor": "xai", "key": {"value": "xai-key"}},
]
APIS = {"azure": "chat_completions", "foundry": "messages", "vertex": "messages", "bedrock": "messages", "gemini": "generate_content", "mistral": "chat_completions", "xai": "chat_completions"}
MODELS = {
    "azure": "gpt-5.5", "foundry": "claude-opus-4-8", "vertex": "claude-opus-4-8", "bedrock": "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "gemini": "gemini-3-pro",
    "mistral": "mistral-large-latest", "xai": "grok-4",
}
CALLS = [f"{home}{stream}{error}" for error in ("", " error") for home in APIS for stream in ("", " stream")]
# The mock counts words: "Why is the sky blue?", "You said: Why is the sky blue?".
INPUT_TOKENS, OUTPUT_TOKENS = 5, 7
RESPONSE_ID = re.compile(r'("response_id": )"[^"]*"')


class Talk:
    """What the SDKs saw directly and through the gateway, and the records of the latter."""

    def __init__(self, direct: list[Any], bridged: list[Any], records: list[Any]) -> None:
        self.direct = {line["name"]: line for line in direct}
        self.bridged = {line["name"]: line for line in bridged}
        self.all_records = records
        # The calls were made one after the other, and so were the records.
        self.records = dict(zip(CALLS, records))


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    """All calls, made directly and through the gateway."""
    if missing := reason_to_skip("python"):
        pytest.skip(missing)
    with Mock() as mock:
        base = url(mock.address)
        direct = make_calls(*[base] * 5, f"{base}/mistral", base)
        providers = [{**provider, "cluster": "openai"} for provider in PROVIDERS]
        config = render(mock.address, plugin=lambda shipped: {**shipped, "providers": providers}, breaker={"consecutive_5xx": 1_000_000})
        with Gateway(config) as gateway:
            gateway.barrier = "/mistral/v1/chat/completions"
            records = Records(gateway)
            base = url(gateway.address)
            bridged = make_calls(*[f"{base}/{home}" for home in APIS])
            yield Talk(direct, bridged, records.all())
            assert_alive(gateway)


def make_calls(*bases: str) -> list[Any]:
    command = [TOOLS / "sdk-python" / "bin" / "python", PROGRAMS / "upstreams.py", *bases]
    theirs = {name: value for name, value in environment().items() if not re.match(r"(?i)(google|gemini|mistral|azure|aws)_", name)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env={**theirs, "AWS_EC2_METADATA_DISABLED": "true"})
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def seen(line: Any) -> Any:
    """What the program saw, without values that differ between answers."""
    line = json.loads(RESPONSE_ID.sub(r'\1"id"', json.dumps(line)))
    return comparable({**line, "answers": []})


def test_every_call_was_made_and_each_answer_of_a_model_left_one_record(talk):
    assert list(talk.direct) == list(talk.bridged) == [*CALLS, "gemini count"]
    assert len(talk.all_records) == len(CALLS)


@pytest.mark.parametrize("name", [*CALLS, "gemini count"])
def test_the_sdk_sees_the_same(talk, name):
    assert seen(talk.bridged[name]) == seen(talk.direct[name])
    assert ("error" in talk.direct[name]["seen"][-1]) == name.endswith("error")


@pytest.mark.parametrize("name", CALLS)
def test_record(talk, name):
    home, record = name.split()[0], talk.records[name]
    fails = name.endswith("error")
    assert (record["provider"]["name"], record["api"]) == (home, APIS[home])
    assert record["streaming"] == ("stream" in name)
    assert record["credential"]["kind"] == "centralized"
    assert record["model"]["requested"] == ("mock-error-429" if fails else MODELS[home])
    assert (record["outcome"], record["response"]["status"]) == (("failed", 429) if fails else ("completed", 200))
    if fails:
        assert record["error"]["message"] == "The model mock-error-429 always answers 429."
    else:
        usage = record["usage"]
        assert (usage["usage_status"], usage["total_input_tokens"], usage["output_tokens"]) == ("complete", INPUT_TOKENS, OUTPUT_TOKENS)
        assert record["prompt"] == "Why is the sky blue?"
