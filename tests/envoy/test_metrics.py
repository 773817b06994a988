"""What only the host keeps of metrics: the bound on models, gauges that are set, histograms, and all names with all labels."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

import pytest

from client import Http1
from conftest import Records, assert_alive
from gateway import Gateway
from render import render, shipped_plugin
from samples import CHAT, COMPLETION, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, chat_request, messages_request
from test_attack import ONE_REQUEST, beside
from upstream import Upstream, json_answer, stream_answer

OWN_KEY = ("x-api-key", "sk-ant-api03-0123456789abcdef")
PRICES = [{"models": ["claude-*"], "input": 1.0, "output": 2.0}]

LABELS = {
    "ai_bridge_requests_total": {"provider", "api", "model", "outcome"},
    "ai_bridge_tokens_total": {"provider", "model", "type"},
    "ai_bridge_cost_microusd_total": {"provider", "model"},
    "ai_bridge_duration_ms_count": {"provider", "api"},
    "ai_bridge_time_to_first_event_ms_count": {"provider", "api"},
    "ai_bridge_refusals_total": {"provider", "reason"},
    "ai_bridge_passthrough_total": {"provider", "status_class"},
    "ai_bridge_upstream_remaining": {"provider", "of"},
    "ai_bridge_unread_total": {"reason"},
}


@pytest.fixture
def measuring(upstream: Upstream) -> Iterator[Gateway]:
    """A gateway of its own, of one worker, that tells models apart up to two."""
    plugin = {**shipped_plugin(), "prices": PRICES, "limits": {"label_values": 2}}
    with Gateway(render(upstream.address, plugin=plugin, change=lambda config: config.update(stats_flush_interval="0.2s"))) as running:
        yield running
        assert_alive(running)


def ask(gateway: Gateway, path: str, body: bytes | None, *headers: tuple[str, str]) -> Any:
    with Http1(gateway.address) as client:
        return client.request("GET" if body is None else "POST", path, [JSON, *(headers or (TOKEN,))], body)


def series(gateway: Gateway, name: str) -> dict[tuple[str, ...], float]:
    """Label values, in order of the labels' names, to the value."""
    return {tuple(value for _, value in sorted(labels.items())): number for labels, number in gateway.prometheus(name)}


def test_models_beyond_the_bound_are_other_and_those_of_failures_unknown(measuring, upstream):
    records = Records(measuring)
    for model in ("claude-a", "claude-b", "claude-c", "claude-a", "claude-d"):
        upstream.begin(json_answer({**MESSAGE, "model": model}))
        assert ask(measuring, MESSAGES, messages_request(stream=False)).status == 200
    upstream.begin(json_answer({"error": {"message": "no"}}, 404))
    for number in range(3):
        assert ask(measuring, MESSAGES, messages_request(stream=False, model=f"made-up-{number}")).status == 404
    assert len(records.all()) == 8

    def counted() -> dict[tuple[str, ...], float]:
        found = series(measuring, "ai_bridge_requests_total")
        return {(model, outcome): number for (_, model, outcome, _), number in found.items() if outcome != "rejected"}

    wanted = {("claude-a", "completed"): 2, ("claude-b", "completed"): 1, ("other", "completed"): 2, ("unknown", "failed"): 3}
    measuring.wait_until(lambda: counted() == wanted, f"{wanted} are counted")
    tokens = {model: number for (model, _, kind), number in series(measuring, "ai_bridge_tokens_total").items() if kind == "input"}
    assert tokens == {"claude-a": 24, "claude-b": 12, "other": 24}
    # The price is of the model that it was, the label of what fits.
    assert series(measuring, "ai_bridge_cost_microusd_total") == {("claude-a", "anthropic"): 36, ("claude-b", "anthropic"): 18, ("other", "anthropic"): 36}
    assert "made-up" not in measuring.admin_get("/stats/prometheus")


def test_a_gauge_is_what_was_said_last_to_the_central_key(measuring, upstream):
    for left, credential in ((100, TOKEN), (7, TOKEN), (3, OWN_KEY)):
        upstream.begin(json_answer(MESSAGE, headers={"anthropic-ratelimit-input-tokens-remaining": str(left)}))
        assert ask(measuring, MESSAGES, messages_request(stream=False), credential).status == 200
    assert series(measuring, "ai_bridge_upstream_remaining") == {("input_tokens", "anthropic"): 7}


def test_every_metric_has_its_labels_and_no_others(measuring, upstream):
    records = Records(measuring)
    upstream.begin(stream_answer(*MESSAGE_STREAM, headers={"content-type": "text/event-stream", "anthropic-ratelimit-requests-remaining": "1"}))
    ask(measuring, MESSAGES, messages_request())
    upstream.begin(json_answer(COMPLETION))
    ask(measuring, CHAT, chat_request())
    upstream.begin(json_answer({"data": []}))
    ask(measuring, "/openai/v1/models", None)
    ask(measuring, MESSAGES, b"[]")
    records.all()

    def shown() -> bool:
        return all(list(measuring.prometheus(name)) for name in LABELS)

    measuring.wait_until(shown, "all metrics are there")
    for name, labels in LABELS.items():
        for found, _ in measuring.prometheus(name):
            assert set(found) == labels, (name, found)
    assert series(measuring, "ai_bridge_unread_total") == {("price",): 1}
    assert series(measuring, "ai_bridge_time_to_first_event_ms_count") == {("messages", "anthropic"): 1}
    assert series(measuring, "ai_bridge_passthrough_total") == {("openai", "2xx"): 1}
    assert series(measuring, "ai_bridge_refusals_total")[("anthropic", "invalid_json")] == 1
    assert not re.search(r"ai_bridge\S*=\.=", measuring.admin_get("/stats/prometheus")), "a label stayed in a name"


def test_what_a_filter_behind_refuses_is_counted_also_where_it_leaves_no_record(upstream):
    upstream.begin(json_answer({"data": []}))
    with Gateway(render(upstream.address, change=beside(1, ONE_REQUEST))) as gateway:
        assert [ask(gateway, "/openai/v1/models", None).status for _ in range(3)] == [200, 429, 429]
        assert series(gateway, "ai_bridge_refusals_total") == {("openai", "rate_limited"): 2}
        assert series(gateway, "ai_bridge_passthrough_total") == {("openai", "2xx"): 1, ("openai", "4xx"): 2}
        assert series(gateway, "ai_bridge_upstream_remaining") == {}
        assert json.dumps(gateway.records()) == "[]"
