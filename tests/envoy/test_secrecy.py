"""With everything logged that can be: what the filter itself writes holds no key, no prompt and no completion."""

from __future__ import annotations

import pytest

from client import Http1
from gateway import KEYS, Gateway
from render import render, shipped_plugin
from samples import JSON, MESSAGE_STREAM, MESSAGES, messages_request
from upstream import stream_answer

OWN = "sk-ant-api03-the-callers-own-key-0123456789"
PROMPT = "the-prompt-that-nobody-may-read"
SECRETS = [*KEYS.values(), OWN, PROMPT, "Rayleigh"]


@pytest.mark.parametrize("level", ["debug", "trace"])
def test_the_filters_log_tells_nothing(upstream, level):
    plugin = {**shipped_plugin(), "record": {"prompts": False, "tool_arguments": False, "thoughts": False}}
    with Gateway(render(upstream.address, plugin=plugin), log_level=level) as gateway:
        upstream.begin(stream_answer(*MESSAGE_STREAM))
        replies = []
        with Http1(gateway.address) as client:
            for headers, body in (
                ([("authorization", "Bearer gw_alice")], messages_request(prompt=PROMPT)),
                ([("x-api-key", OWN)], messages_request(prompt=PROMPT)),
                ([("x-api-key", OWN)], messages_request(prompt=PROMPT)[:-1]),
                ([("x-api-key", OWN), ("authorization", f"Bearer {KEYS['OPENAI_API_KEY']}")], messages_request(prompt=PROMPT)),
                ([("authorization", f"Bearer {OWN}"), ("authorization", f"Bearer {OWN}")], messages_request(prompt=PROMPT)),
            ):
                answer = client.request("POST", MESSAGES, [JSON, *headers], body)
                if answer.status != 200:
                    replies.append(f"{answer.headers}{answer.body!r}")
        gateway.wait_for_record(5)
        ours = [line for line in gateway.log().splitlines() if "wasm log" in line]
        assert ours and replies
        for secret in SECRETS:
            for line in [*ours, *replies, *gateway.record_lines()]:
                assert secret not in line
