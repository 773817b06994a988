"""The official SDKs get the same through the gateway as directly, and every call leaves its record.

The calls are in tests/sdk/calls.json. Each language's program makes them all twice, against the mock provider and
through Envoy with the shipped configuration; every call is then a test of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

from conftest import Records, assert_alive
from gateway import TOOLS, Gateway
from render import REPOSITORY, Address, render

sys.path.insert(0, str(REPOSITORY / "tests"))

from demo_run import MOCK, Mock  # noqa: E402

PROGRAMS = REPOSITORY / "tests" / "sdk"
CALLS = {call["name"]: call for call in json.loads((PROGRAMS / "calls.json").read_text())}
COMMANDS: dict[str, list[Path]] = {
    "python": [TOOLS / "sdk-python" / "bin" / "python", PROGRAMS / "calls.py"],
    "javascript": [TOOLS / "sdk-javascript" / "node", PROGRAMS / "calls.mjs", TOOLS / "sdk-javascript"],
}
AGENTS = {("python", "messages"): "Anthropic/Python ", ("javascript", "messages"): "Anthropic/JS ", ("python", ""): "OpenAI/Python ", ("javascript", ""): "OpenAI/JS "}
PATHS = {"messages": "/v1/messages", "chat_completions": "/chat/completions", "responses": "/responses"}
PREFIXES = {"anthropic": "/anthropic", "openai": "/openai/v1", "copilot": "/copilot", "copilot_anthropic": "/copilot"}
SECONDS = 180

# Headers of the connection, not of the response, and headers that Envoy and the filter add.
NOT_COMPARED = {"connection", "date", "server", "transfer-encoding", "x-ai-bridge-id", "x-envoy-upstream-service-time"}
IDENTIFIER = re.compile(r"\b(msg|toolu|chatcmpl|call|resp|req|fc|rs|cmp)[-_][0-9A-Za-z]{20,}")
# 2001 to 2033, in seconds or written out; the models' own date stays.
TIME = re.compile(r"(?<![\d.])(?!1767225600)(1\d{9})(\.0)?(?![\d.])|(?!2026-01-01T00:00:00Z)20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Talk:
    """The results and the records of one language's SDKs."""

    def __init__(self, language: str, direct: list[Any], bridged: list[Any], records: list[Any]) -> None:
        self.language = language
        self.direct = {line["name"]: line for line in direct}
        self.bridged = {line["name"]: line for line in bridged}
        self._records = iter(records)
        # The calls were made one after the other, and so were the records.
        self.records = {line["name"]: [] if CALLS[line["name"]].get("passes") else [next(self._records, None) for _ in line["turns"]] for line in bridged}
        self.left_over = list(self._records)


@pytest.fixture(scope="module", params=COMMANDS)
def talk(request: pytest.FixtureRequest) -> Iterator[Talk]:
    """All calls of one language, made directly and through the gateway."""
    language = request.param
    missing = reason_to_skip(language)
    if missing:
        (pytest.fail if os.environ.get("REQUIRE_SERVERS") == "1" else pytest.skip)(missing)
    with Mock() as mock:
        base = url(mock.address)
        direct = make_calls(language, base, f"{base}/v1", base)
    # A new mock, because its rate limit headers depend on the number of requests.
    with Mock() as mock, Gateway(render(mock.address, breaker={"consecutive_5xx": 1_000_000})) as gateway:
        records = Records(gateway)
        base = url(gateway.address)
        bridged = make_calls(language, f"{base}/anthropic", f"{base}/openai/v1", f"{base}/copilot")
        # Two workers may write theirs in another order than the calls were made in.
        yield Talk(language, direct, bridged, sorted(records.all(), key=lambda record: record["started_at"]))
        assert_alive(gateway)


def reason_to_skip(language: str) -> str | None:
    """Why this language's SDKs cannot run here."""
    if not MOCK.exists():
        return "the mock upstream is not built: use `make e2e`"
    why = TOOLS / f"sdk-{language}" / "missing"
    if why.exists():
        return f"no SDKs for {language}: {why.read_text().strip()}"
    return None if COMMANDS[language][0].exists() else "the SDKs are not installed: use `make e2e`"


def url(address: Address) -> str:
    return f"http://{address[0]}:{address[1]}"


def make_calls(language: str, *bases: str) -> list[Any]:
    done = subprocess.run([*COMMANDS[language], *bases], capture_output=True, text=True, timeout=SECONDS, env=environment())
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def environment() -> dict[str, str]:
    """The environment without the user's keys, base URLs and proxies."""
    return {name: value for name, value in os.environ.items() if not re.match(r"(?i)(anthropic|openai)_|.*_proxy$", name)}


def comparable(line: Any) -> Any:
    """The result without values that differ between responses. Repeated identifiers stay recognisable."""
    line = {**line, "answers": [{**answer, "headers": [pair for pair in answer["headers"] if pair[0] not in NOT_COMPARED]} for answer in line["answers"]]}
    found: dict[str, str] = {}
    text = IDENTIFIER.sub(lambda match: found.setdefault(match.group(), f"{match.group(1)}_{len(found)}"), json.dumps(line))
    return json.loads(TIME.sub("0", text))


def without_null_usage(chunk: Any) -> Any:
    """The same chunk: an SDK's `usage` is nothing in both cases."""
    return {key: value for key, value in chunk.items() if (key, value) != ("usage", None)} if isinstance(chunk, dict) else chunk


def test_every_call_was_made_and_left_one_record_for_each_turn(talk):
    assert list(talk.direct) == list(talk.bridged) == list(CALLS)
    assert talk.left_over == []
    assert all(record is not None for records in talk.records.values() for record in records)


@pytest.mark.parametrize("name", CALLS)
def test_same_objects(talk, name):
    direct, bridged = comparable(talk.direct[name]), comparable(talk.bridged[name])
    if is_spliced(CALLS[name]):
        # Because the gateway asks for usage, the provider writes `"usage": null` into every chunk; the filter cuts only the last one.
        bridged["turns"] = [[without_null_usage(chunk) for chunk in seen] for seen in bridged["turns"]]
        direct["turns"] = [[without_null_usage(chunk) for chunk in seen] for seen in direct["turns"]]
    assert bridged["turns"] == direct["turns"]
    assert bridged["answers"] == direct["answers"]
    call = CALLS[name]
    last = direct["turns"][-1][-1]
    assert ("fails" in call) == bool(last.get("error") or last.get("type") == "error"), "the call ended as it was meant to"
    assert len(direct["turns"]) == (2 if "tool_result" in call else 1)


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if not call.get("passes")])
def test_record(talk, name):
    call, line = CALLS[name], talk.bridged[name]
    asked, api = call["arguments"], api_of(call)
    streaming = is_streaming(call)
    fails = call.get("fails")
    called: list[Any] = []
    for number, (seen, record) in enumerate(zip(line["turns"], talk.records[name], strict=True)):
        assert record["provider"]["type"] == call["client"].split("_")[0]
        assert (record["api"], record["method"], record["streaming"]) == (api, "POST", streaming)
        assert record["path"] == PREFIXES[call["client"]] + PATHS[api] + ("/compact" if call["method"].endswith("compact") else "")
        agent = AGENTS.get((talk.language, api), AGENTS[talk.language, ""])
        vendor, language = agent.strip().split("/")
        assert record["client"] == f"{vendor} SDK ({language})"
        assert (record.get("notes") or []) == (["usage_estimated"] if "estimate" in record["usage"] else [])
        assert "estimate" not in record["usage"] or fails
        assert record["user_agent"].startswith(agent)
        assert record["credential"]["kind"] == ("byok" if call["client"].startswith("copilot") else "centralized")
        assert record["model"]["requested"] == asked["model"]
        assert (record["outcome"], record["response"]["status"]) == (("failed", fails) if fails else ("completed", 200))
        assert (record.get("correlating_tool_call_id"), record.get("prompt")) == ((called[0]["id"], None) if number else (None, prompt_of(asked)))
        if fails:
            assert words_of_error(seen[-1]) == record["error"]["message"]
        if not fails or fails == 200:
            assert record["response"]["id"] in identifiers(seen)
        if not fails:
            if not call["method"].endswith("compact"):
                assert record["model"]["served"] == asked["model"]
            called = tool_calls(seen[-1])
            found = record.get("tool_calls") or []
            assert [{key: each[key] for key in ("id", "name", "arguments")} for each in found] == called
            assert all(each["complete"] and each["kind"] == "client" for each in found)
            assert len(called) == ("tool_result" in call and number == 0)
            says = talk.bridged[call["like"]]["turns"][number] if "like" in call else seen
            stated = usage_of(api, says)
            assert record["usage"]["usage_status"] == "complete"
            assert {key: record["usage"].get(key) for key in stated} == stated


def test_a_stream_without_include_usage_shows_no_usage_and_is_recorded_with_it(talk):
    for name in ("chat stream", "chat stream with other options", "copilot chat stream"):
        (seen,), (record,) = talk.bridged[name]["turns"], talk.records[name]
        assert all(chunk["choices"] and not chunk.get("usage") for chunk in seen)
        assert record["usage"]["usage_status"] == "complete" and record["usage"]["output_tokens"] > 0
    (seen,) = talk.bridged["chat stream with usage"]["turns"]
    assert seen[-1]["choices"] == [] and seen[-1]["usage"]["completion_tokens"] > 0


# === values of an SDK's objects ===


def api_of(call: Any) -> str:
    first = call["method"].split(".")[0]
    return "chat_completions" if first == "chat" else first


def is_streaming(call: Any) -> bool:
    return bool(call["arguments"].get("stream")) or call["method"].endswith(".stream")


def is_spliced(call: Any) -> bool:
    """The gateway asks for usage that the program did not ask for."""
    options = call["arguments"].get("stream_options") or {}
    return api_of(call) == "chat_completions" and is_streaming(call) and not options.get("include_usage")


def prompt_of(asked: Any) -> str:
    """The last text of the user."""
    turns = asked.get("messages") or asked["input"]
    content = turns if isinstance(turns, str) else turns[-1]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


def words_of_error(seen: Any) -> str:
    """The provider's own message."""
    body = seen.get("body") or seen
    return (body.get("error") or body)["message"]


def identifiers(seen: list[Any]) -> set[str]:
    """The response's ids at any of their paths."""
    objects = [event for event in seen if isinstance(event, dict)]
    return {place["id"] for event in objects for place in (event, event.get("message") or {}, event.get("response") or {}) if isinstance(place, dict) and "id" in place}


def tool_calls(answer: Any) -> list[Any]:
    """The tool calls of a whole response in the form of a record; none for a single event."""
    if isinstance(answer.get("content"), list):
        return [{"id": block["id"], "name": block["name"], "arguments": block["input"]} for block in answer["content"] if block["type"] == "tool_use"]
    if answer.get("choices"):
        calls = answer["choices"][0].get("message", {}).get("tool_calls") or []
        return [{"id": call["id"], "name": call["function"]["name"], "arguments": json.loads(call["function"]["arguments"])} for call in calls]
    items = answer.get("output") or []
    return [{"id": item["call_id"], "name": item["name"], "arguments": json.loads(item["arguments"])} for item in items if item["type"] == "function_call"]


def usage_of(api: str, seen: list[Any]) -> Any:
    """The final usage that an SDK has seen, in the form of a record."""
    stated: dict[str, Any] = {}
    for event in seen:
        if isinstance(event, dict):
            for place in (event.get("message"), event.get("response"), event):
                stated.update({key: value for key, value in ((place or {}).get("usage") or {}).items() if value is not None})
    assert stated, "the SDK saw the usage"
    if api == "messages":
        read, written = stated.get("cache_read_input_tokens", 0), stated.get("cache_creation_input_tokens", 0)
        fresh, out = stated["input_tokens"], stated["output_tokens"]
    else:
        kind = ("prompt", "completion") if api == "chat_completions" else ("input", "output")
        details = stated.get(f"{kind[0]}_tokens_details") or {}
        read, written = details.get("cached_tokens", 0), details.get("cache_write_tokens", 0)
        fresh, out = stated[f"{kind[0]}_tokens"] - read - written, stated[f"{kind[1]}_tokens"]
    return {"input_tokens": fresh, "output_tokens": out, "cache_read_tokens": read, "total_input_tokens": fresh + read + written}
