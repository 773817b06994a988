"""Clients, their sessions, actors and credentials are recognised from the headers that Envoy hands over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from client import Http1
from conftest import assert_alive
from gateway import Gateway
from refusal import refused
from render import render, shipped_plugin
from samples import CHAT, JSON, MESSAGE, MESSAGES, RESPONSES, TOKEN, chat_request, messages_request, responses_request
from upstream import json_answer

GATEWAY = {"plugin": {**shipped_plugin(), "actor": {"header": "x-user", "metadata_headers": {"team": "x-team"}}}, "breaker": {"consecutive_5xx": 1_000_000}}

PASSTHROUGH = "/anthropic/v1/messages/count_tokens"
USER_ID = json.dumps({"device_id": "d", "session_id": "of-the-body"})


@pytest.mark.parametrize(
    "headers,more,name,session",
    [
        ([("user-agent", "claude-cli/2.1.330 (external, cli)"), ("x-claude-code-session-id", "of-the-header")], {"metadata": {"user_id": USER_ID}}, "Claude Code", "of-the-header"),
        ([("user-agent", "claude-cli/2.1.330 (external, cli)")], {"metadata": {"user_id": USER_ID}}, "Claude Code", "of-the-body"),
        ([("user-agent", "claude-cli/1.0")], {"metadata": {"user_id": "user_a_account_b_session_1234"}}, "Claude Code", "1234"),
        # Envoy accepts header names with underscores.
        ([("user-agent", "codex_exec/0.169.0"), ("session_id", "older")], {}, "Codex", "older"),
        ([("user-agent", "Codex Desktop/1"), ("session_id", "older"), ("session-id", "newer")], {}, "Codex", "newer"),
        ([("user-agent", "axios/1"), ("originator", "Kilo-Code"), ("x-kilocode-taskid", "k")], {}, "Kilo Code", "k"),
        ([("user-agent", "connect-es/1"), ("x-cursor-client-version", ""), ("session_id", "no")], {}, "Cursor", None),
        ([("user-agent", "RooCode/3.36.4 ZooCode/1.2.0 (VSCode; OpenAI-Compatible)")], {}, "Roo Code", None),
        ([("user-agent", "AsyncAnthropic/Python 2.12.0"), ("x-claude-code-agent-id", "no")], {}, "Anthropic SDK (Python)", None),
        ([("user-agent", "python-httpx/1"), ("x-claude-code-session-id", "no")], {"metadata": {"user_id": USER_ID}}, "Unknown", None),
    ],
    ids=range(10),
)
def test_clients_and_their_sessions(client, upstream, records, headers, more, name, session):
    upstream.begin(json_answer(MESSAGE))
    assert client.request("POST", MESSAGES, [JSON, TOKEN, *headers], messages_request(stream=False, **more)).status == 200
    record = records.one()
    assert (record["client"], record.get("session_id"), record["user_agent"]) == (name, session, headers[0][1])


def test_the_agent_of_claude_code_is_recorded(client, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    agent = [("user-agent", "claude-cli/2.1.330 (external, cli)"), ("x-claude-code-agent-id", "a7"), ("x-claude-code-parent-agent-id", "a1")]
    assert client.request("POST", MESSAGES, [JSON, TOKEN, *agent], messages_request(stream=False)).status == 200
    assert records.one()["agent"] == {"id": "a7", "parent_id": "a1"}


@pytest.mark.parametrize("path", [MESSAGES, PASSTHROUGH], ids=["bridged", "passthrough"])
@pytest.mark.parametrize("twice", ["x-user", "x-team"])
def test_an_actor_with_two_values_is_refused(client, upstream, records, path, twice):
    answer = client.request("POST", path, [JSON, TOKEN, ("x-user", "ann"), ("x-team", "red"), (twice, "bob")], messages_request())
    refused(answer, 400)
    if path == MESSAGES:
        record = records.one()
        assert (record["outcome"], record["error"]["code"]) == ("rejected", "unreadable_actor")
    else:
        records.none()
    upstream.begin(json_answer(MESSAGE))
    assert client.request("POST", path, [JSON, TOKEN, ("x-user", "ann"), ("x-team", "red")], messages_request(stream=False)).status == 200
    assert upstream.only().names() & {"x-user", "x-team"} == set()
    if path == MESSAGES:
        assert records.one()["actor"] == {"id": "ann", "metadata": {"team": "red"}}


@pytest.mark.parametrize("path", [MESSAGES, PASSTHROUGH], ids=["bridged", "passthrough"])
@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "Bearer a b", "gw_alice", "sk-ant-api03-naked", "Bearer \xff"])
def test_a_malformed_authorization_counts_as_absent(client, upstream, records, path, value):
    upstream.begin(json_answer(MESSAGE))
    assert client.request("POST", path, [JSON, ("authorization", value)], messages_request(stream=False)).status == 200
    received = upstream.only()
    assert received.header("x-api-key") == "sk-ant-central-0123456789"
    assert "authorization" not in received.names()
    if path == MESSAGES:
        assert records.one()["credential"]["kind"] == "centralized"


@pytest.mark.parametrize(
    "headers",
    [
        [("authorization", "Bearer sk-ant-a"), ("authorization", "Bearer gw_b")],
        [("authorization", "Bearer gw_a"), ("authorization", "Basic YTpi")],
        [("authorization", "Bearer sk-ant-a,gw_b")],
        [("x-api-key", "sk-ant-a"), ("x-api-key", "gw_b")],
        [("x-api-key", "sk-ant-a, gw_b")],
        [("x-goog-api-key", "key-a"), ("x-goog-api-key", "key-b")],
        [("proxy-authorization", "Bearer key-a"), ("proxy-authorization", "Bearer key-b")],
    ],
    ids=range(7),
)
def test_two_credentials_in_one_header_are_refused(client, upstream, records, headers):
    requests: list[tuple[str, Any]] = [
        (MESSAGES, messages_request()), (PASSTHROUGH, messages_request()), (CHAT, chat_request()), (RESPONSES, responses_request()),
    ]
    for path, body in requests:
        error = refused(client.request("POST", path, [JSON, *headers], body), 400, MESSAGES if path == PASSTHROUGH else path)
        for _, value in headers:
            assert value.removeprefix("Bearer ") not in error["message"]
    assert upstream.requests == []
    assert [(record["outcome"], record["error"]["code"]) for record in records.all()] == [("rejected", "repeated_credential")] * 3


@pytest.mark.parametrize(
    "path,status,actor",
    [
        (["request", "headers", "x-user"], 200, {"id": "ann", "metadata": {}}),
        # A dynamic module refuses the configuration (test_native.py).
        *(pytest.param(*case, marks=pytest.mark.wasm) for case in (
            (["nothing", "there"], 200, None), (["metadata"], 200, None),
            # For a number, a time, a flag or a map the host returns raw bytes. A map of headers contains credentials.
            (["connection", "id"], 400, None), (["request", "time"], 400, None), (["connection", "mtls"], 400, None), (["request", "headers"], 400, None),
        )),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, list) else None,
)
def test_a_property_is_the_actor_only_where_it_is_text(upstream, path, status, actor):
    upstream.begin(json_answer(MESSAGE))
    plugin = {**shipped_plugin(), "actor": {"property": path}}
    with Gateway(render(upstream.address, plugin=plugin)) as gateway, Http1(gateway.address) as client:
        answer = client.request("POST", MESSAGES, [JSON, TOKEN, ("x-user", "ann")], messages_request(stream=False))
        assert answer.status == status
        assert gateway.wait_for_record(1).get("actor") == actor
        assert TOKEN[1] not in gateway.record_lines()[0]
        assert_alive(gateway)
