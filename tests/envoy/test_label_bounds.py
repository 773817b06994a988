"""Labels of metrics stay bounded and well-formed, whatever model names a provider returns."""

from __future__ import annotations

import random
import re

import pytest

from client import Http1
from gateway import Gateway
from prometheus import Prometheus
from render import render
from samples import JSON, MESSAGE, MESSAGES, TOKEN, messages_request
from upstream import Exchange

NAMES = 10_000
LABEL_VALUES = 100        # limits.label_values' default

HOSTILE = [
    "a;.;outcome=.=forged;.;", "x;.;provider=.=forged", "=.=", ";.;", ";", "=", ".", "..", ".a", "a.", "a..b", "-", " ", "\t", "\n", "a\nai_bridge_requests_total 1\n",
    '"', 'a"} 1\n# TYPE x counter\nx{y="', "\\", "\\n", "{}", "a,b", "名前", "é", "🌤", "\u0000", "\u0085", "\u2028", "\u202e", "\ufeff", "%00", "%s", "$1", "\\1",
    "x_rq_200", "_rq_5xx", "http.x.downstream_rq_2xx", "cluster.x.upstream_rq_500", "wasmcustom.ai_bridge_forged", "unknown", "other", "UNKNOWN",
    "m" * 127, "n" * 128, "o" * 129, "p" * 5000, "é" * 64, "é" * 65, "a" + "é" * 64, "a=b;c" * 300, ";.;model=.=b;.;" * 20,
    "claude-opus-4.8", "gpt-5.5-2026-01-01", "accounts/fireworks/models/llama-v3p1:70b@fp8+lora", "anthropic.claude-3-5-sonnet-20241022-v2:0", "A_B",
]


def names() -> list[str]:
    """Distinct names: first hostile ones, then the same with distinct suffixes."""
    draw = random.Random(13)
    found = dict.fromkeys(HOSTILE)
    while len(found) < NAMES:
        found[f"{draw.choice(HOSTILE)[:90]}{draw.randrange(1 << 40):x}"] = None
    return list(found)


def label(name: str) -> str:
    """The label that a name may become, by envoy/behaviour.md#metrics: at most 128 bytes, `_` for what could be more than a value and for a dot at the end."""
    head = name.encode()[:128].decode(errors="ignore")
    return re.sub(r"[^A-Za-z0-9._/:@+-]|\.$", "_", head)


@pytest.fixture(scope="module")
def gateway(upstream):
    """One worker that has answered a request with each name."""
    served = iter(names())

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.reply(200, {**MESSAGE, "model": next(served)})

    with Gateway(render(upstream.address)) as running:
        upstream.begin(script)
        body = messages_request(stream=False)
        with Http1(running.address) as client:
            for _ in range(NAMES):
                assert client.request("POST", MESSAGES, [JSON, TOKEN], body).status == 200
        upstream.begin(lambda exchange: None)
        running.wait_for_record(NAMES)
        running.settle()
        yield running


def test_ten_thousand_model_names_stay_within_the_bound_on_labels(gateway):
    assert {record["model"]["served"] for record in gateway.records()} == {name.encode()[:1024].decode(errors="ignore") for name in names()}
    expected: dict[str, int] = {}
    admitted: set[str] = set()
    for name in names():
        cut = name.encode()[:128].decode(errors="ignore")
        if cut != "unknown" and cut not in admitted and len(admitted) == LABEL_VALUES:
            cut = "other"
        elif cut != "unknown":
            admitted.add(cut)
        expected[label(cut)] = expected.get(label(cut), 0) + 1
    assert LABEL_VALUES / 2 < len(expected) <= LABEL_VALUES + 2

    with Prometheus(gateway.admin) as prometheus:
        whole = f"sum(ai_bridge_requests_total) == {NAMES}"
        prometheus.wait_until(lambda: bool(prometheus.query(whole)), whole)
        found = prometheus.query("ai_bridge_requests_total")
        assert {dict(labels)["model"]: value for (_, labels), value in found.items()} == expected
        for _, labels in found:
            assert dict(labels) | {"model": ""} == {"provider": "anthropic", "api": "messages", "outcome": "completed", "model": ""}
        (target,) = prometheus.get("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        # No name added a metric or a label.
        assert {name for name in prometheus.get("label/__name__/values") if name.startswith("ai_bridge")} == {
            "ai_bridge_requests_total", "ai_bridge_tokens_total", "ai_bridge_duration_ms_bucket", "ai_bridge_duration_ms_sum", "ai_bridge_duration_ms_count",
        }
        ours = {label for series in prometheus.get("series", **{"match[]": '{__name__=~"ai_bridge_.*"}'}) for label in series}
        assert ours == {"__name__", "instance", "job", "provider", "api", "model", "outcome", "type", "le"}


def test_a_requested_model_is_no_label_until_it_is_served(gateway, upstream):
    """Models that no provider has served: an error, a refusal."""
    from upstream import json_answer

    before = {labels["model"] for labels, _ in gateway.prometheus("ai_bridge_requests_total")}
    upstream.begin(json_answer({"type": "error", "error": {"type": "not_found_error", "message": "no such model"}}, 404))
    with Http1(gateway.address) as client:
        for number in range(20):
            assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(model=f"asked-{number}")).status == 404
    gateway.wait_for_record(NAMES + 20)
    assert {labels["model"] for labels, _ in gateway.prometheus("ai_bridge_requests_total")} == before | {"unknown"}
    assert len(before | {"unknown"}) <= LABEL_VALUES + 2


def test_the_bound_on_labels_holds_for_each_worker(upstream):
    """With two, at most twice as many, and the numbers still add up."""
    served = iter(range(1_000_000))

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.reply(200, {**MESSAGE, "model": f"model-{next(served)}"})

    with Gateway(render(upstream.address, plugin=lambda shipped: {**shipped, "limits": {"label_values": 5}}), concurrency=2) as running:
        upstream.begin(script)
        body = messages_request(stream=False)
        for _ in range(40):
            with Http1(running.address) as client:
                for _ in range(5):
                    assert client.request("POST", MESSAGES, [JSON, TOKEN], body).status == 200
        upstream.begin(lambda exchange: None)
        running.wait_for_record(200)
        running.settle()
        counted = {labels["model"]: value for labels, value in running.prometheus("ai_bridge_requests_total")}
        assert sum(counted.values()) == 200
        assert 6 <= len(counted) <= 2 * 5 + 1
