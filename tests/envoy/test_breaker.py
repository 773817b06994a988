"""Circuit breaking in the shipped configuration: which failures open a circuit, and what the caller gets then."""

from __future__ import annotations

from typing import Iterator

import pytest

from client import Http1
from conftest import Records, assert_alive
from gateway import Gateway
from refusal import refused
from render import render, shipped
from samples import CHAT, JSON, MESSAGES, TOKEN, chat_request, messages_request
from upstream import Upstream, json_answer

OWN_KEY = ("x-api-key", "sk-ant-api03-0123456789abcdef")


@pytest.fixture
def gateway(upstream: Upstream) -> Iterator[Gateway]:
    """A gateway for each test, because an open circuit would affect the next test."""
    short = {"interval": "0.1s", "base_ejection_time": "2s", "max_ejection_time": "2s"}
    with Gateway(render(upstream.address, breaker=short), concurrency=1) as running:
        yield running
        assert_alive(running)


def ask(gateway: Gateway, path: str = MESSAGES, credential: tuple[str, str] = TOKEN):
    with Http1(gateway.address) as client:
        return client.request("POST", path, [JSON, credential], messages_request() if path.endswith("/messages") else chat_request())


def is_open(answer) -> bool:
    return answer.status == 503 and "circuit breaker is open" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path,statuses",
    [
        (MESSAGES, [429, 503, 504, 529, 429]), (CHAT, [429, 503, 504, 429, 503]), ("/copilot/chat/completions", [429] * 5), ("/copilot/v1/messages", [503] * 5),
    ],
)
def test_five_failures_in_a_row_open_the_circuit_and_time_closes_it(gateway, upstream, path, statuses):
    records = Records(gateway)
    credential = ("authorization", "Bearer gho_0123456789abcdefgh") if path.startswith("/copilot") else TOKEN
    for status in statuses:
        upstream.begin(json_answer({"error": {"message": "no", "type": "x"}}, status))
        assert ask(gateway, path, credential).status == status
    gateway.wait_until_open(path.split("/")[1])
    upstream.begin(json_answer({}))
    answer = ask(gateway, path, credential)
    error = refused(answer, 503, path, retry=None)
    assert "circuit breaker is open" in error["message"]
    assert answer.header("retry-after") == "32"
    assert (error["type"], error.get("code")) == (("overloaded_error", None) if path.endswith("/messages") else ("server_error", "service_unavailable"))
    assert upstream.requests == []

    gateway.wait_until(lambda: ask(gateway, path, credential).status == 200, "the circuit closes again")
    written = records.all()
    assert [record["outcome"] for record in written[:6]] == ["failed"] * 5 + ["unavailable"]
    assert written[5]["response"]["status"] == 503
    assert written[5]["model"].get("requested") is None
    assert written[-1]["outcome"] == "completed"


def test_other_failures_do_not_open_it(gateway, upstream):
    for path, status in [(MESSAGES, 500), (MESSAGES, 400), (CHAT, 500), (CHAT, 529), (CHAT, 502)]:
        upstream.begin(json_answer({"error": {"message": "no"}}, status))
        for _ in range(12):
            assert ask(gateway, path).status == status, (path, status)


def test_a_success_in_between_starts_the_count_again(gateway, upstream):
    for status in [429, 429, 429, 429, 200, 429, 429, 429, 429, 200]:
        upstream.begin(json_answer({}, status))
        assert ask(gateway).status == status


def test_rate_limits_of_callers_own_keys_open_no_circuit(gateway, upstream):
    upstream.begin(json_answer({"error": {}}, 429))
    for _ in range(8):
        assert ask(gateway, credential=OWN_KEY).status == 429
    upstream.begin(json_answer({}))
    assert ask(gateway).status == 200
    assert ask(gateway, credential=OWN_KEY).status == 200


def test_callers_own_keys_have_a_separate_circuit(gateway, upstream):
    upstream.begin(json_answer({"error": {}}, 503))
    for _ in range(5):
        ask(gateway, credential=OWN_KEY)
    gateway.wait_until_open("anthropic-byok")
    upstream.begin(json_answer({}))
    assert is_open(ask(gateway, credential=OWN_KEY))
    assert ask(gateway).status == 200


def test_a_client_that_waits_for_retry_after_comes_when_the_circuit_is_closed():
    detections = [cluster["outlier_detection"] for cluster in shipped()["static_resources"]["clusters"]]
    assert {detection[name] for detection in detections for name in ("base_ejection_time", "max_ejection_time")} == {"30s"}
    assert {detection["interval"] for detection in detections} == {"1s"}, "32 s, the filter's default, is later than 30 s and the interval"
