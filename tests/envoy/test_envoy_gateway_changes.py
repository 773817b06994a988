"""Envoy Gateway at run time: circuits open, keys and policies change, streams go on."""

from __future__ import annotations

import threading
from typing import Any, Iterator

import pytest

from client import Http1, Reset
from conftest import Records, assert_alive
import envoy_gateway
from envoy_gateway import EnvoyGateway, Resources
from refusal import refused
from samples import JSON, MESSAGE, MESSAGE_START, MESSAGE_STREAM, TOKEN, chat_request, messages_request
from test_envoy_gateway import ANTHROPIC, BYOK_MESSAGES, CHAT, GITHUB, COPILOT, MESSAGES, OWN_ANTHROPIC, OWN_OPENAI, ask, credentials, image
from upstream import Upstream, json_answer, stream_in_two

__all__ = ["image"]

DRAIN_SECONDS = 4


def short_times(resources: Resources) -> None:
    """Shortens ejection and drain times, so that tests can wait for their end."""
    passive = envoy_gateway.named(resources, "BackendTrafficPolicy", "ai-bridge")["spec"]["healthCheck"]["passive"]
    assert passive["baseEjectionTime"] == "30s"
    passive.update(baseEjectionTime="2s", interval="100ms")
    for patch in envoy_gateway.named(resources, "EnvoyPatchPolicy", "ai-bridge-breaker")["spec"]["jsonPatches"]:
        if patch["operation"]["path"].endswith("max_ejection_time"):
            patch["operation"]["value"] = "2s"
    [proxy] = envoy_gateway.of_kind(resources, "EnvoyProxy")
    proxy["spec"]["shutdown"]["drainTimeout"] = f"{DRAIN_SECONDS}s"


@pytest.fixture(scope="module")
def gateway(image: str, upstream: Upstream) -> Iterator[EnvoyGateway]:
    def prepare(resources: Resources) -> None:
        envoy_gateway.on_loopback(resources, upstream.address)
        short_times(resources)

    with EnvoyGateway(image, prepare) as running:
        running.wait_until(lambda: ask(running, "GET", "/ai/nowhere").status == 404, "the filter serves")
        yield running
        assert_alive(running)


def cluster(name: str) -> str:
    return f"httproute/ai-gateway/ai-bridge-{name}/rule/0" + ("/backend/0" if name in ("anthropic", "openai") else "")


def is_open(gateway: EnvoyGateway, name: str) -> bool:
    return gateway.stats("outlier_detection.ejections_active").get(f"cluster.{cluster(name)}.outlier_detection.ejections_active") == 1


@pytest.mark.parametrize(
    "path,name,credential,statuses",
    [
        (MESSAGES, "anthropic", TOKEN, [503] * 5),
        (MESSAGES, "anthropic", TOKEN, [429, 503, 504, 529, 429]),
        (CHAT, "openai", TOKEN, [429] * 5),
        (CHAT, "openai-byok", OWN_OPENAI, [503] * 5),
        (BYOK_MESSAGES, "anthropic-byok", OWN_ANTHROPIC, [529] * 5),
        (COPILOT, "copilot", GITHUB, [504] * 5),
    ],
)
def test_five_failures_in_a_row_open_the_circuit_and_time_closes_it(gateway, upstream, records, path, name, credential, statuses):
    records.all()           # of the test before
    body = messages_request() if path.endswith("/messages") else chat_request()
    for status in statuses:
        upstream.begin(json_answer({"error": {"message": "no", "type": "x"}}, status))
        assert ask(gateway, "POST", path, [JSON, credential], body).status == status
    gateway.wait_until(lambda: is_open(gateway, name), f"the circuit of {name} opens")
    upstream.begin(json_answer({}))
    # Workers apply the change a moment after the main thread, which counts it.
    gateway.wait_until(lambda: ask(gateway, "POST", path, [JSON, credential], body).status == 503, "the worker knows")
    upstream.begin(json_answer({}))
    answer = ask(gateway, "POST", path, [JSON, credential], body)
    error = refused(answer, 503, path, retry=None)
    assert "circuit breaker is open" in error["message"]
    assert answer.header("retry-after") == "32"
    assert upstream.requests == []
    gateway.wait_until(lambda: ask(gateway, "POST", path, [JSON, credential], body).status == 200, "the circuit closes again")
    outcomes = [record["outcome"] for record in records.all()]
    assert outcomes[:5] == ["failed"] * 5 and outcomes.count("unavailable") >= 2 and outcomes[-1] == "completed"


@pytest.mark.parametrize("path,credential,status", [(CHAT, OWN_OPENAI, 429), (BYOK_MESSAGES, OWN_ANTHROPIC, 429), (MESSAGES, TOKEN, 500), (CHAT, TOKEN, 529)])
def test_failures_that_are_not_the_providers_open_no_circuit(gateway, upstream, path, credential, status):
    upstream.begin(json_answer({"error": {}}, status))
    body = messages_request() if path.endswith("/messages") else chat_request()
    for _ in range(8):
        assert ask(gateway, "POST", path, [JSON, credential], body).status == status


class Streaming:
    """A stream through the gateway that has begun and has not ended."""

    def __init__(self, gateway: EnvoyGateway, upstream: Upstream) -> None:
        began, self.go_on = threading.Event(), threading.Event()
        upstream.begin(stream_in_two(MESSAGE_START, b"".join(MESSAGE_STREAM[1:]), began, self.go_on))
        self.client = Http1(gateway.address)
        body = messages_request()
        self.client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
        self.client.send(body, end=True)
        assert self.client.head().status == 200
        assert began.wait(20)
        self.client.read_until(b"message_start")

    def finish(self) -> bytes:
        self.go_on.set()
        with self.client:
            return self.client.read_until(b"message_stop")


def test_a_changed_secret_counts_from_the_next_requests_on_and_no_stream_ends(gateway, upstream, records):
    records.all()           # of the test before
    stream = Streaming(gateway, upstream)
    upstream.begin(json_answer(MESSAGE))
    envoy_gateway.set_key(gateway.resources, "anthropic-key", "sk-ant-rotated-0123456789")
    gateway.apply()

    def rotated() -> bool:
        upstream.begin(json_answer(MESSAGE))
        assert ask(gateway, "POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
        [key] = credentials(upstream.only())
        assert key in (ANTHROPIC, ("x-api-key", "sk-ant-rotated-0123456789"))
        return key != ANTHROPIC

    gateway.wait_until(rotated, "the new key is used", 30)
    assert stream.finish().endswith(MESSAGE_STREAM[-1])
    assert {record["outcome"] for record in records.all()} == {"completed"}
    assert gateway.stats("listener_manager.listener_modified").get("listener_manager.listener_modified", 0) == 0


def allow_no_model(gateway: EnvoyGateway, models: Any) -> None:
    """Changes the filter's configuration, and waits until it is in force."""
    envoy_gateway.wasm_of(gateway.resources)["config"]["providers"][0]["models"] = models
    gateway.apply()
    status = 400 if models == {"allow": []} else 200
    gateway.wait_until(lambda: ask(gateway, "POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == status, "the new configuration counts", 30)


def test_a_changed_policy_cuts_streams_only_after_the_drain_time(gateway, upstream):
    records = Records(gateway)
    stream = Streaming(gateway, upstream)
    upstream.begin(json_answer(MESSAGE))
    allow_no_model(gateway, {"allow": []})
    assert stream.finish().endswith(MESSAGE_STREAM[-1])

    allow_no_model(gateway, {"allow": ["*"]})
    cut = Streaming(gateway, upstream)
    upstream.begin(json_answer(MESSAGE))
    allow_no_model(gateway, {"allow": []})
    with cut.client, pytest.raises(Reset):
        cut.client.read_until(b"message_stop")
    cut.go_on.set()
    streamed = [record for record in records.all() if record["streaming"]]
    assert [record["outcome"] for record in streamed][0] == "completed"
    assert [record["outcome"] for record in streamed][-1] in ("aborted_client", "aborted_upstream")
    allow_no_model(gateway, {"allow": ["*"]})
