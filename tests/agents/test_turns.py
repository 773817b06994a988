"""Every agent completes a turn with a tool through the gateway, and the two records say who, which model, what and at which cost."""

from __future__ import annotations

import json

import pytest

from agents import (
    CLAUDE_CODE, CODEX_LOGIN, CODEX_PROVIDER, GITHUB_TOKEN, TOKEN, Agent, claude_bedrock, claude_environment, claude_foundry, claude_vertex, copilot_hosted, copilot_own_models, gemini_cli,
)
from stops import plugin_for

GATEWAY = {"plugin": plugin_for(lambda plugin: plugin)}

MARK = "seen-by-the-agent"
COMMAND = f"echo {MARK} | tee made-by-the-agent"
FINAL = "I have read what came back."            # the stand-in's last word, after a tool's result
OWN_KEY = "sk-ant-api03-0123456789abcdefghij"
CENTRAL = ("centralized", "sk-a...6789"), ("centralized", "sk-p...6789")

TURNS = {
    "claude-code": (CLAUDE_CODE, "messages", "/anthropic/v1/messages", CENTRAL[0]),
    "claude-code-own-key": (
        Agent(CLAUDE_CODE.client, CLAUDE_CODE.model, CLAUDE_CODE.shell, CLAUDE_CODE.command, claude_environment({"ANTHROPIC_API_KEY": OWN_KEY})),
        "messages", "/anthropic/v1/messages", ("byok", "sk-a...ghij"),
    ),
    "codex": (CODEX_PROVIDER, "responses", "/openai/v1/responses", CENTRAL[1]),
    "codex-chatgpt-login": (CODEX_LOGIN, "responses", "/openai/v1/responses", ("byok", "eyJh...c2ln")),
    "copilot-responses": (copilot_hosted("gpt-5.5"), "responses", "/copilot/responses", ("byok", "gho_...wxyz")),
    "copilot-chat": (copilot_hosted("gemini-3-pro"), "chat_completions", "/copilot/chat/completions", ("byok", "gho_...wxyz")),
    "copilot-messages": (copilot_hosted("claude-opus-4-8"), "messages", "/copilot/v1/messages", ("byok", "gho_...wxyz")),
    "copilot-own-openai-responses": (copilot_own_models("openai", "gpt-5.5", "responses"), "responses", "/openai/v1/responses", CENTRAL[1]),
    "copilot-own-openai-chat": (copilot_own_models("openai", "gemini-3-pro", "completions"), "chat_completions", "/openai/v1/chat/completions", CENTRAL[1]),
    "copilot-own-anthropic": (copilot_own_models("anthropic", "claude-opus-4-8"), "messages", "/anthropic/v1/messages", CENTRAL[0]),
}
# What each sends beside its questions, by the provider's log and the gateway's counters.
BESIDE = {"claude-code": ["HEAD /api/hello 200"], "codex-chatgpt-login": ["GET /v1/models 200"], "copilot-responses": ["GET /models 200"], "copilot-chat": ["GET /models 200"], "copilot-messages": ["GET /models 200"]}
# Where WebSocket is tried first: once, and then HTTP.
SOCKETS = {"codex-chatgpt-login": "openai", "copilot-responses": "copilot"}
COMPRESSED = {"codex-chatgpt-login"}
DECOMPRESSED = "http.ai_gateway.decompressor.zstd.zstd.request.decompressed"


@pytest.mark.parametrize("name", TURNS)
def test_turn_with_a_tool(gateway, mock, records, name):
    agent, api, path, credential = TURNS[name]
    mock.begin()
    before, upgrades = counters(gateway), refusals(gateway, "upgrade_refused")
    ran = agent.run(gateway, mock.address, f"use the {agent.shell} tool with `{COMMAND}`")
    assert ran.code == 0, f"{ran.output}\n{ran.errors}"
    assert FINAL in ran.output, ran.output
    assert ran.work == {"made-by-the-agent": f"{MARK}\n"}, "the agent ran its tool"

    found = records.all()
    assert len(found) == 2, json.dumps(found, indent=1)
    first, second = found
    for record in found:
        assert (record["client"], record["api"], record["path"], record["method"]) == (agent.client, api, path, "POST")
        assert (record["outcome"], record["response"]["status"], record["streaming"]) == ("completed", 200, True)
        assert record["model"] == {"requested": agent.model, "served": agent.model}
        assert (record["credential"]["kind"], record["credential"]["hint"]) == credential
        assert record["usage"]["usage_status"] == "complete"
        assert record["usage"]["total_input_tokens"] > 100 and record["usage"]["output_tokens"] > 0
        assert record["notes"] == []
        assert TOKEN not in json.dumps(record) and GITHUB_TOKEN not in json.dumps(record) and OWN_KEY not in json.dumps(record)
    assert first.get("session_id") == second.get("session_id")
    assert bool(first.get("session_id")) == ("SDK" not in agent.client)
    (call,) = first["tool_calls"]
    assert (call["name"], call["kind"], call["complete"]) == (agent.shell, "client", True)
    assert COMMAND in call["arguments"].values()
    assert first["prompt"].endswith(f"use the {agent.shell} tool with `{COMMAND}`")
    assert first.get("correlating_tool_call_id") is None
    assert second["correlating_tool_call_id"] == call["id"]
    assert (second.get("prompt"), second["tool_calls"]) == (None, [])

    # The provider saw these two questions, and what the agent sends beside them.
    base_path = {"openai": "/v1", "anthropic": "", "copilot": ""}[first["provider"]["type"]]
    question = f"POST {base_path}{path.removeprefix('/anthropic').removeprefix('/openai/v1').removeprefix('/copilot')} 200"
    asked = mock.asked(question, question, *BESIDE.get(name, []))
    assert asked.count(question) == 2, asked
    assert set(BESIDE.get(name, [])) <= set(asked), asked
    assert (refusals(gateway, "upgrade_refused") - upgrades) == (1 if name in SOCKETS else 0)
    unpacked = counters(gateway).get(DECOMPRESSED, 0) - before.get(DECOMPRESSED, 0)
    assert unpacked == (2 if name in COMPRESSED else 0)


CLOUDS = {
    "vertex": (claude_vertex(), "/vertex/projects/my-project/locations/us-east5/publishers/anthropic/models/claude-opus-4-8:streamRawPredict"),
    "bedrock": (claude_bedrock(), "/bedrock/model/us.anthropic.claude-sonnet-4-5-20250929-v1:0/invoke-with-response-stream"),
    "foundry": (claude_foundry(), "/foundry/anthropic/v1/messages"),
}


@pytest.mark.parametrize("name", CLOUDS)
def test_turn_in_the_format_of_another_cloud(gateway, mock, records, name):
    agent, path = CLOUDS[name]
    ran = agent.run(gateway, mock.address, f"use the {agent.shell} tool with `{COMMAND}`")
    assert (ran.code, FINAL in ran.output) == (0, True), f"{ran.output}\n{ran.errors}"
    assert ran.work == {"made-by-the-agent": f"{MARK}\n"}, "the agent ran its tool"
    first, second = records.all()
    for record in (first, second):
        assert (record["client"], record["provider"]["name"], record["api"], record["path"]) == (agent.client, name, "messages", path)
        assert (record["outcome"], record["streaming"], record["credential"]["kind"], record["notes"]) == ("completed", True, "centralized", [])
        assert record["model"]["requested"] == agent.model
        assert (record["usage"]["usage_status"], record["usage"]["total_input_tokens"] > 100) == ("complete", True)
    assert first["session_id"] == second["session_id"]
    (call,) = first["tool_calls"]
    assert (call["name"], call["complete"], second["correlating_tool_call_id"]) == (agent.shell, True, call["id"])
    assert first["prompt"].endswith(f"`{COMMAND}`")


def test_gemini_cli_completes_a_turn(gateway, mock, records):
    """Without a tool: the stand-in for Google calls none."""
    agent = gemini_cli()
    ran = agent.run(gateway, mock.address, "hello")
    assert ran.code == 0 and "You said: " in ran.output, f"{ran.output}\n{ran.errors}"
    for record in records.all():
        assert (record["client"], record["provider"]["name"], record["api"]) == (agent.client, "gemini", "generate_content")
        assert (record["outcome"], record["credential"]["kind"], record["usage"]["usage_status"]) == ("completed", "centralized", "complete")
        print(record["path"], record.get("prompt"), record.get("session_id"), record["user_agent"], record["notes"])


def counters(gateway) -> dict[str, int]:
    return gateway.stats("decompressor")


def refusals(gateway, reason: str) -> float:
    return sum(value for labels, value in gateway.prometheus("ai_bridge_refusals_total") if labels["reason"] == reason)
