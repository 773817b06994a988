"""A scripted load that changes every metric, and the expected values.

`round_of` may be driven any number of times; `open_circuit` comes last.
"""

from __future__ import annotations

import gzip
import json
from typing import Any

from client import Http1, Reset
from gateway import Gateway
from prometheus import series
from render import REPOSITORY, Json, connection_manager_of
from samples import CHAT, COMPLETION, JSON, MESSAGE, MESSAGE_START, MESSAGE_STREAM, MESSAGES, RESPONSE, RESPONSES, TEXT, TOKEN, chat_request, messages_request, responses_request
from upstream import Exchange, Upstream, json_answer, stream_answer

import yaml

ACTORS = REPOSITORY / "envoy" / "prometheus" / "actors.yaml"
TEAMS = REPOSITORY / "envoy" / "prometheus" / "teams.yaml"

COPILOT = "/copilot/responses"
OWN_KEY = ("x-api-key", "sk-ant-api03-own-0123456789")
GITHUB = ("authorization", "Bearer gho_0123456789")

MESSAGES_LEFT = {f"anthropic-ratelimit-{of}-remaining": left for of, left in [("requests", "999"), ("tokens", "80000"), ("input-tokens", "70000"), ("output-tokens", "10000")]}
CHAT_LEFT = {"x-ratelimit-remaining-requests": "59", "x-ratelimit-remaining-tokens": "149984"}
NOTHING_LEFT = {"anthropic-ratelimit-tokens-remaining": "0", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-remaining-requests": "0"}


def plugin(shipped: Json) -> Json:
    """The shipped plugin configuration with an actor and prices."""
    shipped["actor"] = {"header": "x-actor", "metadata_headers": {"team": "x-team"}}
    shipped["prices"] = [{"models": ["claude-*"], "input": 5, "output": 25, "cache_read": 0.5}, {"models": ["gpt-5.5*"], "input": 2, "output": 10}]
    return shipped


def with_actors(config: Json) -> None:
    """Adds the shipped envoy/prometheus/{teams,actors}.yaml; Envoy merges its histograms oftener than every 5 s."""
    config["stats_flush_interval"] = "0.2s"
    for file in (TEAMS, ACTORS):
        connection_manager_of(config)["access_log"] += json.loads(json.dumps(yaml.safe_load(file.read_text())))


def circuit_stays_open(config: Json) -> None:
    """Keeps circuits open for long, so that a slow test still finds them open."""
    with_actors(config)
    for cluster in config["static_resources"]["clusters"]:
        cluster["outlier_detection"] |= {"base_ejection_time": "600s", "max_ejection_time": "600s"}


def completion() -> dict[str, Any]:
    """A chat completion with reasoning tokens."""
    usage = {**COMPLETION["usage"], "completion_tokens_details": {"reasoning_tokens": 2}}
    return {**COMPLETION, "model": "gpt-5.5-2026.01", "usage": usage}


def round_of(gateway: Gateway, upstream: Upstream) -> None:
    """Sends one request for each outcome."""
    alice, bob = ("x-actor", "alice"), ("x-actor", 'bob "b" <b@x-y.com>')
    with Http1(gateway.address) as client:

        def expect(status: int, method: str, path: str, headers: list[tuple[str, str]], body: bytes | None = None) -> None:
            team = [("x-team", "payments")] if alice in headers else []
            answer = client.request(method, path, [*headers, *team], body)
            assert answer.status == status, (method, path, answer.status, answer.body)

        # completed
        upstream.begin(stream_answer(*MESSAGE_STREAM, headers=MESSAGES_LEFT))
        expect(200, "POST", MESSAGES, [JSON, TOKEN, alice], messages_request())
        upstream.begin(json_answer({**MESSAGE, "model": "claude-haiku-4.5"}, headers=NOTHING_LEFT))
        expect(200, "POST", MESSAGES, [JSON, OWN_KEY, bob], messages_request(stream=False))
        upstream.begin(json_answer(completion(), headers=CHAT_LEFT))
        expect(200, "POST", CHAT, [JSON, TOKEN, alice], chat_request())
        upstream.begin(json_answer(RESPONSE, headers=NOTHING_LEFT))
        expect(200, "POST", COPILOT, [JSON, GITHUB, bob], responses_request())
        # completed, with an incomplete record: no price, a cut prompt, an unknown content type, a content coding
        upstream.begin(json_answer({**COMPLETION, "model": "own/llama:70b"}))
        expect(200, "POST", CHAT, [JSON, TOKEN], chat_request(prompt="x" * 70_000))
        upstream.begin(json_answer(b"hello", headers={"content-type": "text/plain"}))
        expect(200, "POST", CHAT, [JSON, TOKEN], chat_request())
        upstream.begin(json_answer(gzip.compress(json.dumps(MESSAGE).encode()), headers={"content-encoding": "gzip"}))
        expect(200, "POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
        # failed, unavailable
        upstream.begin(json_answer({"error": {"type": "invalid_request_error", "message": "no"}}, 400))
        expect(400, "POST", CHAT, [JSON, TOKEN], chat_request(model="made-up"))
        upstream.begin(lambda exchange: exchange.read_body() and exchange.reset())
        expect(503, "POST", CHAT, [JSON, TOKEN], chat_request())
        # rejected with a record, and without
        upstream.begin(json_answer())
        expect(400, "POST", CHAT, [JSON, TOKEN], b'{"model":')
        expect(404, "GET", "/nowhere", [TOKEN])
        expect(404, "GET", "/openai/v1/nowhere", [TOKEN])
        expect(405, "GET", MESSAGES, [TOKEN])
        expect(401, "GET", "/copilot/models", [])
        expect(400, "GET", "/openai/v1/models/../x", [TOKEN])
        expect(426, "GET", RESPONSES, [TOKEN, ("connection", "Upgrade"), ("upgrade", "websocket")])
        expect(501, "GET", "/openai/v1/models", [TOKEN, ("connection", "Upgrade"), ("upgrade", "websocket")])
        # passthrough
        upstream.begin(json_answer({"data": []}, headers=NOTHING_LEFT))
        expect(200, "GET", "/copilot/models", [GITHUB])
        upstream.begin(json_answer({"data": []}, 404))
        expect(404, "GET", "/openai/v1/models/x", [TOKEN])
    # the client, and the upstream, end a stream before its time
    upstream.begin(_begun)
    with Http1(gateway.address) as client:
        body = messages_request()
        client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
        client.send(body)
        client.head()
        client.read_until(TEXT)
        client.reset()
    gateway.settle()
    upstream.begin(_broken_off)
    with Http1(gateway.address) as client:
        client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
        client.send(body)
        client.head()
        try:        # until the gateway closes as well: the side that leaves first decides the outcome
            while client.read():
                pass
            raise AssertionError("the answer ended as if it were whole")
        except Reset:
            pass
    gateway.settle()


def _begun(exchange: Exchange) -> None:
    exchange.read_body()
    exchange.stream()
    exchange.chunk(MESSAGE_START + TEXT)
    exchange.wait_until_gone()


def _broken_off(exchange: Exchange) -> None:
    exchange.read_body()
    exchange.stream()
    exchange.chunk(MESSAGE_START + TEXT)
    exchange.reset()


def _requests(provider: str, api: str, model: str, outcome: str, count: int = 1) -> Any:
    return series("ai_bridge_requests_total", count, provider=provider, api=api, model=model, outcome=outcome)


def _tokens(provider: str, model: str, **tokens: int) -> list[Any]:
    return [series("ai_bridge_tokens_total", count, provider=provider, model=model, type=kind) for kind, count in tokens.items()]


def _cost(provider: str, model: str, microusd: int) -> Any:
    return series("ai_bridge_cost_microusd_total", microusd, provider=provider, model=model)


def _refused(provider: str, reason: str) -> Any:
    return series("ai_bridge_refusals_total", 1, provider=provider, reason=reason)


# The increments of the counters in one round.
COUNTERS = [
    _requests("anthropic", "messages", "claude-opus-4-8", "completed", 2),
    _requests("anthropic", "messages", "claude-opus-4-8", "aborted_client"),
    _requests("anthropic", "messages", "claude-opus-4-8", "aborted_upstream"),
    _requests("anthropic", "messages", "claude-haiku-4.5", "completed"),
    _requests("openai", "chat_completions", "gpt-5.5-2026.01", "completed"),
    _requests("openai", "chat_completions", "own/llama:70b", "completed"),
    _requests("openai", "chat_completions", "unknown", "failed"),
    _requests("openai", "chat_completions", "unknown", "unavailable"),
    _requests("openai", "chat_completions", "unknown", "rejected"),
    _requests("copilot", "responses", "gpt-5.5-2026", "completed"),
    # A response that was not read: only the requested model is known. (The one with a coding counts above.)
    _requests("openai", "chat_completions", "gpt-5.5", "completed"),
    # Three streams began with 12 + 1 + 100 tokens; one stated 7 output tokens at its end.
    *_tokens("anthropic", "claude-opus-4-8", input=36, output=9, cache_read=300),
    *_tokens("anthropic", "claude-haiku-4.5", input=12, output=3),
    *_tokens("openai", "gpt-5.5-2026.01", input=15, output=3, cache_read=5, reasoning=2),
    *_tokens("openai", "own/llama:70b", input=15, output=3, cache_read=5),
    *_tokens("copilot", "gpt-5.5-2026", input=15, output=3, cache_read=5),
    _cost("anthropic", "claude-opus-4-8", (12 * 5 + 7 * 25 + 50) + 2 * (12 * 5 + 1 * 25 + 50)),
    _cost("anthropic", "claude-haiku-4.5", 12 * 5 + 3 * 25),
    _cost("openai", "gpt-5.5-2026.01", 20 * 2 + 3 * 10),
    _cost("copilot", "gpt-5.5-2026", 20 * 2 + 3 * 10),
    _refused("openai", "invalid_json"),
    _refused("unknown", "not_found"),
    _refused("openai", "not_found"),
    _refused("anthropic", "method_not_allowed"),
    _refused("copilot", "missing_credential"),
    _refused("openai", "invalid_path"),
    _refused("openai", "upgrade_refused"),
    _refused("openai", "upgrade_unsupported"),
    series("ai_bridge_passthrough_total", 1, provider="copilot", status_class="2xx"),
    series("ai_bridge_passthrough_total", 1, provider="openai", status_class="4xx"),
    *[series("ai_bridge_unread_total", 1, reason=reason) for reason in ("price", "text_cut", "response_content_type", "response_encoded")],
]
GAUGES = [
    *[series("ai_bridge_upstream_remaining", left, provider="anthropic", of=of) for of, left in [("requests", 999), ("tokens", 80000), ("input_tokens", 70000), ("output_tokens", 10000)]],
    *[series("ai_bridge_upstream_remaining", left, provider="openai", of=of) for of, left in [("requests", 59), ("tokens", 149984)]],
]


def open_circuit(gateway: Gateway, upstream: Upstream) -> None:
    """Five failures in a row take Copilot out; the sixth request is answered by the gateway."""
    upstream.begin(json_answer({"error": {"message": "down"}}, 503))
    with Http1(gateway.address) as client:
        for _ in range(5):
            assert client.request("POST", COPILOT, [JSON, GITHUB], responses_request()).status == 503
        gateway.wait_until_open("copilot")
        assert client.request("POST", COPILOT, [JSON, GITHUB], responses_request()).status == 503
    assert len(upstream.requests) == 5


RECORDS = 12        # of one round

CIRCUIT = [_requests("copilot", "responses", "unknown", "failed", 5), _requests("copilot", "responses", "unknown", "unavailable", 1)]
