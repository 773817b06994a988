"""The shipped envoy/envoy.yaml: valid, free of secrets, decompresses requests, one JSON line a record, 2,000 streams."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess

import brotli
import pytest
import zstandard

from client import Http1
from gateway import KEYS, TOOLS, Gateway
from refusal import refused
from render import SHIPPED, WASM, render, shipped, shipped_plugin
from samples import CHAT, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, messages_request
from upstream import json_answer

METRICS = {
    "ai_bridge_requests_total", "ai_bridge_tokens_total", "ai_bridge_cost_microusd_total", "ai_bridge_duration_ms", "ai_bridge_time_to_first_event_ms",
    "ai_bridge_refusals_total", "ai_bridge_passthrough_total", "ai_bridge_upstream_remaining", "ai_bridge_unread_total",
}

# Envoy updates histograms when it flushes its statistics, by default every 5 s.
GATEWAY = {"change": lambda config: config.update(stats_flush_interval="0.2s")}


@pytest.mark.wasm
def test_envoy_accepts_the_file_as_it_is_shipped(tmp_path):
    """Only the path of the filter differs, because tests cannot write to /etc/envoy."""
    file = tmp_path / "envoy.yaml"
    text = SHIPPED.read_text()
    assert "/etc/envoy/ai_bridge.wasm" in text
    file.write_text(text.replace("filename: /etc/envoy/ai_bridge.wasm", f"filename: {json.dumps(str(WASM))}"))
    done = subprocess.run([TOOLS / "envoy", "--mode", "validate", "-c", file], env={**os.environ, **KEYS}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    complaints = [line for line in done.stderr.splitlines() if re.search(r"\]\[(warning|error|critical)\]", line)]
    assert complaints == []


def test_there_is_no_secret_in_it():
    assert not re.search(r"\b(sk-|gh[pousr]_|AKIA|AIza)\w{4}", SHIPPED.read_text())
    for provider in shipped_plugin()["providers"]:
        assert set(provider.get("key", {})) <= {"env"}


def test_the_administration_listens_on_loopback_only():
    assert shipped()["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"


def test_every_cluster_of_the_configuration_exists():
    clusters = {cluster["name"] for cluster in shipped()["static_resources"]["clusters"]}
    named = {provider[member] for provider in shipped_plugin()["providers"] for member in ("cluster", "byok_cluster") if member in provider}
    assert named | {provider["type"] for provider in shipped_plugin()["providers"]} == clusters


@pytest.mark.parametrize(
    "name,compress",
    [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress), ("br", brotli.compress)],
)
def test_compressed_requests_are_read(client, upstream, records, name, compress):
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(stream=False, prompt=" ".join(str(n) for n in range(40_000)))
    answer = client.request("POST", MESSAGES, [JSON, TOKEN, ("content-encoding", name)], compress(body))
    assert (answer.status, answer.json()) == (200, MESSAGE)
    received = upstream.only()
    assert bytes(received.body) == body
    assert received.names() & {"content-encoding", "accept-encoding"} == set()
    record = records.one()
    assert record["outcome"] == "completed"
    assert record["prompt"].startswith("0 1 2 3")


@pytest.mark.parametrize("name,compress", [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress), ("br", brotli.compress)])
def test_a_compressed_request_that_is_not_json_is_refused(client, upstream, records, name, compress):
    answer = client.request("POST", CHAT, [JSON, TOKEN, ("content-encoding", name)], compress(b'{"model":"m",'))
    refused(answer, 400, CHAT)
    assert records.one()["outcome"] == "rejected"
    assert not any(received.complete for received in upstream.requests)


def test_a_compressed_answer_passes_untouched_and_is_noted(client, upstream, records):
    packed = gzip.compress(json.dumps(MESSAGE).encode())
    upstream.begin(json_answer(packed, headers={"content-encoding": "gzip"}))
    answer = client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
    assert answer.body == packed
    assert answer.header("content-encoding") == "gzip"
    record = records.one()
    assert record["notes"] and record["usage"]["usage_status"] == "missing"


def test_the_filters_metrics_have_their_labels(gateway, upstream, records):
    with Http1(gateway.address) as client:
        upstream.begin(json_answer(MESSAGE, headers={"anthropic-ratelimit-tokens-remaining": "4321"}))
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
        upstream.begin(json_answer({"data": []}))
        assert client.request("GET", "/openai/v1/models", [TOKEN]).status == 200
        assert client.request("PUT", MESSAGES, [TOKEN]).status == 405
    records.all()

    def value(name: str, **labels: str) -> float:
        series = list(gateway.prometheus(name))
        return sum(number for found, number in series if labels.items() <= found.items())

    ours = {"provider": "anthropic", "model": "claude-opus-4-8"}

    def is_counted() -> bool:
        return value("ai_bridge_requests_total", api="messages", outcome="completed", **ours) >= 1

    gateway.wait_until(is_counted, "the request is counted")
    gateway.wait_until(lambda: value("ai_bridge_duration_ms_count", provider="anthropic", api="messages") >= 1, "the histograms are merged")
    assert value("ai_bridge_tokens_total", type="input", **ours) % 12 == 0
    assert value("ai_bridge_tokens_total", type="output", **ours) % 3 == 0
    assert value("ai_bridge_refusals_total", provider="anthropic", reason="method_not_allowed") == 1
    assert value("ai_bridge_passthrough_total", provider="openai", status_class="2xx") == 1
    assert value("ai_bridge_upstream_remaining", provider="anthropic", of="tokens") == 4321
    names = set(re.findall(r"^(ai_bridge_\w+?)(?:_bucket|_sum|_count)?(?:\{| )", gateway.admin_get("/stats/prometheus"), re.M))
    assert names <= METRICS, "a label stayed in a name"


def test_a_record_is_one_line_of_json_and_nothing_else_is_written(gateway, upstream, records):
    forged = 'line one\nline two\u2028"}\n{"version":1,"forged":true}'
    upstream.begin(json_answer(MESSAGE))
    with Http1(gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False, prompt=forged)).status == 200
        client.request("GET", "/nowhere", [])
        client.request("GET", "/anthropic/v1/models", [TOKEN])
    record = records.one()
    assert record["prompt"] == forged
    assert not any("forged" in found for found in gateway.records())


def test_two_thousand_streams_at_once(upstream):
    """2,000 streams at the same time: each receives its own bytes and leaves its own record."""
    import threading

    open_streams = threading.Semaphore(0)
    go_on = threading.Event()
    count = 2000

    def script(exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_STREAM[0])
        open_streams.release()
        assert go_on.wait(60)
        exchange.chunk(b"".join(MESSAGE_STREAM[1:]))
        exchange.end()

    upstream.begin(script)
    with Gateway(render(upstream.address), concurrency=2) as gateway:
        clients = []
        try:
            for number in range(count):
                client = Http1(gateway.address)
                clients.append(client)
                body = messages_request(prompt=f"stream {number}")
                client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
                client.send(body)
            for _ in range(count):
                assert open_streams.acquire(timeout=60)
            go_on.set()
            for client in clients:
                assert client.answer().body == b"".join(MESSAGE_STREAM)
        finally:
            go_on.set()
            for client in clients:
                client.close()
        gateway.wait_for_record(count, 30)
        gateway.settle()
        records = gateway.records()
        assert len(records) == count
        assert {record["prompt"] for record in records} == {f"stream {number}" for number in range(count)}
        assert {record["outcome"] for record in records} == {"completed"}
        assert sum(gateway.reloads().values()) == 0


def test_the_health_path_is_answered_in_front_of_everything(http1, gateway, upstream, records):
    answer = http1.request("GET", "/healthz", [], b"")
    assert (answer.status, answer.body) == (200, b"")
    assert http1.request("GET", "/healthz/", [], b"").status == 404
    assert upstream.requests == [] and records.all() == []
