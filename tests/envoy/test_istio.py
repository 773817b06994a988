"""The files of envoy/istio in real Envoy, with a configuration that Istio's own code made from them."""

from __future__ import annotations

import gzip
import threading
from typing import Any, Iterator

import brotli
import pytest
import zstandard

from client import Http1
from gateway import KEYS
import istio
from refusal import refused
from samples import COMPLETION, GITHUB, JSON, MESSAGE, MESSAGE_STREAM, RESPONSE, TOKEN, WEBSOCKET, chat_request, messages_request, responses_request
from upstream import Exchange, Upstream, json_answer, stream_in_two

MESSAGES = "/ai/anthropic/v1/messages"
CHAT = "/ai/openai/v1/chat/completions"
RESPONSES = "/ai/openai/v1/responses"
COPILOT = "/ai/copilot/chat/completions"
OWN_KEY = ("x-api-key", "sk-ant-api03-0123456789abcdef")
CENTRAL = {"anthropic": ("x-api-key", KEYS["ANTHROPIC_API_KEY"]), "openai": ("authorization", f"Bearer {KEYS['OPENAI_API_KEY']}")}


@pytest.fixture(scope="module", params=["wasm-plugin", "instead/traffic-extension"])
def gateway(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[istio.IstioGateway]:
    with istio.run(upstream.address, instead={"wasm-plugin": request.param}) as running:
        yield running


def credentials(received) -> list[tuple[str, str]]:
    return [(name, value) for name, value in received.headers if name in ("authorization", "x-api-key")]


# === the three APIs ===


@pytest.mark.parametrize(
    "path,body,answer,target,provider",
    [
        (MESSAGES, messages_request(stream=False), MESSAGE, "/v1/messages", "anthropic"),
        (CHAT, chat_request(), COMPLETION, "/v1/chat/completions", "openai"),
        (RESPONSES, responses_request(), RESPONSE, "/v1/responses", "openai"),
    ],
)
def test_a_request_reaches_its_provider_with_the_key_and_is_recorded(client, upstream, records, path, body, answer, target, provider):
    upstream.begin(json_answer(answer, headers={"server": "provider/1", "x-request-id": "theirs"}))
    given = client.request("POST", path, [JSON, TOKEN, ("x-request-id", "ours"), ("x-forwarded-for", "192.0.2.1"), ("user-agent", "codex_cli_rs/0.1")], body)
    assert (given.status, given.json(), given.header("server"), given.header("x-request-id")) == (200, answer, "provider/1", "theirs")
    assert not [name for name, _ in given.headers if name.startswith("x-envoy")]
    received = upstream.only()
    assert (received.method, received.target, bytes(received.body)) == ("POST", target, body)
    assert credentials(received) == [CENTRAL[provider]]
    # No header of the gateway's own goes upstream, neither Envoy's nor Istio's.
    assert received.names() - {"content-length", "transfer-encoding"} == {"host", "content-type", "user-agent", "x-request-id", CENTRAL[provider][0]}
    assert received.header("x-request-id") == "ours"
    record = records.one()
    assert (record["path"], record["outcome"], record["provider"]["name"], record["client"]) == (path, "completed", provider, "Codex")
    assert record["upstream"] == {"host": received.header("host"), "cluster": provider}
    assert record["usage"]["usage_status"] == "complete"


CHAT_STREAM = [
    b'data: {"id":"c1","model":"gpt-5.5","choices":[{"index":0,"delta":{"content":"Ray"}}]}\n\n',
    b'data: {"id":"c1","model":"gpt-5.5","choices":[{"index":0,"delta":{"content":"leigh"},"finish_reason":"stop"}]}\n\n',
    b'data: {"id":"c1","model":"gpt-5.5","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":3}}\n\n', b"data: [DONE]\n\n",
]
RESPONSE_STREAM = [
    b'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","model":"gpt-5.5"}}\n\n',
    b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_1","status":"completed","model":"gpt-5.5","output":[],"usage":{"input_tokens":20,"output_tokens":3}}}\n\n',
]


@pytest.mark.parametrize(
    "path,body,portions",
    [
        (MESSAGES, messages_request(), MESSAGE_STREAM), (CHAT, chat_request(stream=True, stream_options={"include_usage": True}), CHAT_STREAM), (RESPONSES, responses_request(stream=True), RESPONSE_STREAM),
        ("/ai/copilot/v1/messages", messages_request(), MESSAGE_STREAM),
    ],
)
def test_a_stream_arrives_portion_by_portion_and_is_recorded(client, upstream, records, path, body, portions):
    read = [threading.Event() for _ in portions]

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        for portion, taken in zip(portions, read):
            exchange.chunk(portion)
            assert taken.wait(20), "the client has not got what was sent"
        exchange.end()

    upstream.begin(script)
    client.start("POST", path, [JSON, GITHUB if "copilot" in path else TOKEN, ("content-length", str(len(body)))])
    client.send(body, end=True)
    assert client.head().status == 200
    for portion, taken in zip(portions, read):
        assert client.read_until(portion) == portion
        taken.set()
    assert client.read() == b""
    record = records.one()
    assert (record["outcome"], record["streaming"], record["usage"]["usage_status"]) == ("completed", True, "complete")


def test_three_megabytes_pass(client, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(stream=False, prompt="x" * 3_000_000)
    assert client.request("POST", MESSAGES, [JSON, TOKEN], body).status == 200
    assert bytes(upstream.only().body) == body
    assert records.one()["outcome"] == "completed"


@pytest.mark.parametrize("path,body,own,cluster", [(MESSAGES, messages_request(stream=False), OWN_KEY, "anthropic-byok"), (CHAT, chat_request(), ("authorization", "Bearer sk-own-0123456789abcdefghij"), "openai-byok")])
def test_a_callers_own_key_wins(client, upstream, records, path, body, own, cluster):
    upstream.begin(json_answer({}))
    assert client.request("POST", path, [JSON, own], body).status == 200
    assert credentials(upstream.only()) == [own]
    record = records.one()
    assert (record["credential"]["kind"], record["upstream"]["cluster"]) == ("byok", cluster)


def test_the_metrics_have_their_labels(gateway, upstream, records):
    with Http1(gateway.address) as client:
        upstream.begin(json_answer(MESSAGE, headers={"anthropic-ratelimit-tokens-remaining": "4321"}))
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False, model="claude-m")).status == 200
        upstream.begin(json_answer({"data": []}))
        assert client.request("GET", "/ai/openai/v1/models", [TOKEN]).status == 200
        assert client.request("PUT", MESSAGES, [TOKEN]).status == 405
    records.all()
    expected = [
        ("ai_bridge_requests_total", {"provider": "anthropic", "api": "messages", "model": "claude-opus-4-8", "outcome": "completed"}),
        ("ai_bridge_tokens_total", {"provider": "anthropic", "model": "claude-opus-4-8", "type": "input"}),
        ("ai_bridge_duration_ms_count", {"provider": "anthropic", "api": "messages"}),
        ("ai_bridge_refusals_total", {"provider": "anthropic", "reason": "method_not_allowed"}),
        ("ai_bridge_passthrough_total", {"provider": "openai", "status_class": "2xx"}),
        ("ai_bridge_upstream_remaining", {"provider": "anthropic", "of": "tokens"}),
    ]
    for name, labels in expected:
        gateway.wait_until(lambda: any(found == labels for found, _ in gateway.prometheus(name)), f"{name}{labels} is there, with these labels alone")


# === attacks by clients ===


@pytest.mark.parametrize("path,status", [(MESSAGES, 426), (CHAT, 426), (RESPONSES, 426), ("/ai/copilot/responses", 426), ("/ai/openai/v1/models", 501)])
def test_a_websocket_is_refused_in_the_dialect(http1, upstream, path, status):
    http1.start("GET", path, [*WEBSOCKET, GITHUB if "copilot" in path else TOKEN], end=True)
    refused(http1.answer(), status, path)
    assert upstream.requests == []


@pytest.mark.parametrize("name,compress", [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress), ("br", brotli.compress)])
def test_compressed_requests_are_read(client, upstream, records, name, compress):
    upstream.begin(json_answer(RESPONSE))
    body = responses_request(prompt=" ".join(str(n) for n in range(40_000)))
    assert client.request("POST", RESPONSES, [JSON, TOKEN, ("content-encoding", name)], compress(body)).status == 200
    received = upstream.only()
    assert bytes(received.body) == body
    assert received.names() & {"content-encoding", "accept-encoding"} == set()
    assert records.one()["prompt"].startswith("0 1 2 3")


def test_escapes_and_queries_pass_unchanged(client, upstream, records):
    for rest in ("/models/ft%3Agpt-4%2Fx%7e?a=%2F&b=../c", "/conversations/a%2fb//"):
        upstream.begin(json_answer({}))
        if rest.endswith("//"):
            refused(client.request("GET", f"/ai/openai/v1{rest}", [TOKEN]), 400, CHAT)
            continue
        assert client.request("GET", f"/ai/openai/v1{rest}", [TOKEN]).status == 200
        assert upstream.only().target == f"/v1{rest}"
    records.none()


@pytest.mark.parametrize("path", ["/ai/openai/v1/models/../responses", "/ai/openai/v1/models/%2e%2e/x", "/ai/openai/v1/models\\x", "/ai/openai//v1/models", "/ai/openai/v1/models/%2e%2E%2fx"])
def test_hostile_paths_are_refused_and_not_tidied_up(client, upstream, path):
    refused(client.request("GET", path, [TOKEN]), 400, CHAT)
    assert upstream.requests == []


@pytest.mark.parametrize("host", ["gateway.test", "api.anthropic.com", "api.openai.com"])
@pytest.mark.parametrize("path", [MESSAGES, "/v1/messages", "/", "/ai/nobody"])
def test_a_cluster_named_by_a_client_is_ignored(client, upstream, host, path):
    upstream.begin(json_answer(MESSAGE))
    answer = client.request("POST", path, [JSON, TOKEN, ("host", host), ("x-ai-bridge-cluster", "openai"), ("X-AI-Bridge-Cluster", "anthropic-byok")], messages_request(stream=False))
    if path == MESSAGES:
        assert answer.status == 200
        assert upstream.only().header("host") == "api.anthropic.com" and "x-ai-bridge-cluster" not in upstream.only().names()
    else:
        assert answer.status == 404 and upstream.requests == []


# === changing it while it runs ===


def test_a_changed_plugin_counts_for_the_next_request_and_cuts_no_stream(gateway, upstream, records):
    began, go_on = threading.Event(), threading.Event()

    def models(policy: dict[str, Any] | None) -> Any:
        def change(resources: istio.Resources) -> None:
            anthropic = istio.wasm_of(resources)["pluginConfig"]["providers"][0]
            anthropic.pop("models", None)
            if policy is not None:
                anthropic["models"] = policy

        return change

    upstream.begin(stream_in_two(MESSAGE_STREAM[0], b"".join(MESSAGE_STREAM[1:]), began, go_on))
    with Http1(gateway.address) as streaming, Http1(gateway.address) as client:
        body = messages_request()
        streaming.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
        streaming.send(body)
        assert began.wait(20)
        upstream.begin(json_answer(MESSAGE))
        listeners = gateway.stats(r"^listener_manager\.lds\.update_success|^listener_manager\.listener_(modified|in_place_updated)")

        def status() -> int:
            return client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status

        try:
            gateway.apply(models({"deny": ["claude-opus-*"]}))
            gateway.wait_until(lambda: status() == 400, "the new configuration is in use, also on an open connection")
            gateway.apply(models(None))
            gateway.wait_until(lambda: status() == 200, "the first one is back")
        finally:
            go_on.set()
        assert streaming.answer().body == b"".join(MESSAGE_STREAM)
    assert [record["outcome"] for record in records.all() if record["streaming"]] == ["completed"]
    assert gateway.stats(r"^listener_manager\.listener_(modified|in_place_updated)") == {name: value for name, value in listeners.items() if "update_success" not in name}


def test_a_plugin_that_the_filter_refuses_leaves_the_old_one_at_work(gateway, upstream):
    def misspell(resources: istio.Resources) -> None:
        plugin = istio.wasm_of(resources)["pluginConfig"]
        plugin["provders"] = plugin.pop("providers")

    def correct(resources: istio.Resources) -> None:
        plugin = istio.wasm_of(resources)["pluginConfig"]
        plugin["providers"] = plugin.pop("provders")

    upstream.begin(json_answer(MESSAGE))
    gateway.apply(misspell)
    gateway.wait_for_log("provders")
    with Http1(gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
    gateway.apply(correct)
