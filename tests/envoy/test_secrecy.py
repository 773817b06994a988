"""No credential is written anywhere; prompts and completions only to records, and only as the record policy allows.

At trace level, for all APIs: records, single values, metrics, replies and the filter's own log lines.
"""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

from client import Http1, Reset
from conftest import assert_alive
from gateway import KEYS, Gateway
from render import connection_manager_of, render, shipped_plugin
from samples import CHAT, JSON, MESSAGES, RESPONSES, event
from upstream import Upstream, json_answer, stream_answer

# Distinct secrets, so that any occurrence is found, also a part.
SAID = ["PROMPT", "SYSTEM", "RESULT", "ARGUMENT", "THOUGHT", "COMPLETION", "QUERY", "BROKEN"]
OWN = {"anthropic": "sk-ant-api03-OWNOWN-0123456789", "openai": "sk-proj-OWNOWN-0123456789", "copilot": "gho_OWNOWN-0123456789"}
TOKEN = "gw_TOKENTOKEN-0123456789"
CREDENTIALS = ["OWNOWN", "TOKENTOKEN", "central-0123", "WRONGWRONG"]

NOTHING = {"prompts": False, "tool_arguments": False, "thoughts": False}

MESSAGES_ANSWER = [
    event("message_start", message={"id": "msg_1", "model": "claude-opus-4-8", "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}}),
    event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
    event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "THOUGHT"}),
    event("content_block_stop", index=0),
    event("content_block_start", index=1, content_block={"type": "text", "text": ""}),
    event("content_block_delta", index=1, delta={"type": "text_delta", "text": "COMPLETION"}),
    event("content_block_start", index=2, content_block={"type": "tool_use", "id": "toolu_1", "name": "search", "input": {}}),
    event("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": '{"q":"ARGUMENT"}'}),
    event("content_block_stop", index=2),
    event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 7}),
    event("message_stop"),
]
CHAT_ANSWER = {
    "id": "c_1", "object": "chat.completion", "model": "gpt-5.5",
    "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
        "role": "assistant", "content": "COMPLETION", "reasoning_content": "THOUGHT",
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"q":"ARGUMENT"}'}}],
    }}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}
RESPONSES_ANSWER = {
    "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5.5",
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "THOUGHT"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "search", "arguments": '{"q":"ARGUMENT"}'},
        {"type": "message", "id": "m_1", "role": "assistant", "content": [{"type": "output_text", "text": "COMPLETION"}]},
    ],
    "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
}
REQUESTS = {
    MESSAGES: {
        "model": "claude-opus-4-8", "stream": True, "system": "SYSTEM",
        "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_0", "content": "RESULT"}, {"type": "text", "text": "PROMPT"}]}],
    },
    CHAT: {"model": "gpt-5.5", "messages": [{"role": "system", "content": "SYSTEM"}, {"role": "tool", "tool_call_id": "call_0", "content": "RESULT"}, {"role": "user", "content": "PROMPT"}]},
    RESPONSES: {"model": "gpt-5.5", "instructions": "SYSTEM", "input": [{"type": "function_call_output", "call_id": "c", "output": "RESULT"}, {"role": "user", "content": [{"type": "input_text", "text": "PROMPT"}]}]},
}
COPILOT = "/copilot/v1/messages"
REQUESTS[COPILOT] = REQUESTS[MESSAGES]
SCRIPTS = {MESSAGES: stream_answer(*MESSAGES_ANSWER), COPILOT: stream_answer(*MESSAGES_ANSWER), CHAT: json_answer(CHAT_ANSWER), RESPONSES: json_answer(RESPONSES_ANSWER)}

SINGLE_VALUES = ["id", "provider", "api", "model", "outcome", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "total_tokens", "cost_microusd", "actor", "session"]


def single_values(config: Any) -> None:
    """Writes all of them to the log, for every request."""
    line = "VALUES " + " ".join(f"{name}=%FILTER_STATE(wasm.ai_bridge_{name}:PLAIN)%" for name in SINGLE_VALUES) + "\n"
    logger = {"@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog", "log_format": {"text_format_source": {"inline_string": line}}}
    connection_manager_of(config)["access_log"].append({"name": "values", "typed_config": logger})


@pytest.fixture(scope="module", params=[NOTHING, None], ids=["policy-no", "policy-yes"])
def everything(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[dict[str, str]]:
    """All outputs of a gateway after requests with all secrets, by kind of output."""
    plugin = {**shipped_plugin(), **({"record": request.param} if request.param else {})}
    replies: list[str] = []
    with Gateway(render(upstream.address, plugin=plugin, change=single_values), log_level="trace") as gateway:
        for path, body in REQUESTS.items():
            provider = path.split("/")[1]
            upstream.begin(SCRIPTS[path])
            text = json.dumps(body).encode()
            for headers, sent in (
                ([("authorization", f"Bearer {TOKEN}")], text),
                ([("authorization", f"Bearer {OWN[provider]}")], text),
                ([("authorization", f"Bearer {OWN[provider]}")], text[:-1] + b',"BROKEN'),
                ([("authorization", f"Bearer {TOKEN}")], text[:-1] + b"\x01BROKEN}"),
                ([("authorization", f"Bearer {TOKEN}")], text[:-1] + b',"model":"m"}'),
                ([("authorization", "Bearer AIzaWRONGWRONG-0123456789")], text),
                ([("authorization", f"Bearer {OWN[provider]}, Bearer {TOKEN}")], text),
                ([("x-goog-api-key", "WRONGWRONG"), ("authorization", f"Bearer {OWN[provider]}"), ("cookie", f"s={TOKEN}")], text),
                ([("x-api-key", OWN[provider])], text),
                ([("x-api-key", OWN[provider]), ("authorization", f"Bearer {KEYS['OPENAI_API_KEY']}")], text),
                ([("authorization", f"Bearer {OWN[provider]}"), ("authorization", f"Bearer {OWN[provider]}")], text),
            ):
                with Http1(gateway.address) as client:
                    try:
                        answer = client.request("POST", f"{path}?key=QUERY", [JSON, *headers], sent)
                    except Reset:
                        continue
                if answer.status != 200:
                    replies.append(f"{answer.headers}{answer.body!r}")
        gateway.wait_for_record(len(REQUESTS) * 11)
        gateway.settle()
        log = gateway.log().splitlines()
        found = {
            "records": "\n".join(gateway.record_lines()),
            "replies": "\n".join(replies),
            "log": "\n".join(line for line in log if "wasm log" in line or "][dynamic_modules]" in line),
            "values": "\n".join(line for line in log if line.startswith("VALUES")),
            "metrics": "\n".join(line for line in gateway.admin_get("/stats/prometheus").splitlines() if "ai_bridge" in line),
            "policy": "no" if request.param else "yes",
        }
        assert_alive(gateway)
    assert all(found.values()), found.keys()
    yield found


@pytest.mark.parametrize("place", ["records", "replies", "log", "values", "metrics"])
def test_no_credential_is_written_anywhere(everything, place):
    for secret in CREDENTIALS:
        assert secret not in everything[place], (secret, place)


@pytest.mark.parametrize("place", ["replies", "log", "values", "metrics"])
def test_prompts_and_completions_are_written_only_to_records(everything, place):
    for text in SAID:
        assert text not in everything[place], (text, place)


def test_records_hold_only_what_the_record_policy_allows(everything):
    held = {text for text in SAID if text in everything["records"]}
    allowed = {"PROMPT", "ARGUMENT", "THOUGHT"} if everything["policy"] == "yes" else set()
    assert held == allowed
