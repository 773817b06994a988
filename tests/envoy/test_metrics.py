"""Every metric of the filter has the right labels and values, as a real Prometheus scrapes it."""

from __future__ import annotations

import re

import pytest

import traffic
from client import Http1
from gateway import Gateway
from prometheus import Prometheus, series, times
from render import connection_manager_of, render, shipped
from samples import JSON, MESSAGE, MESSAGES, TOKEN, messages_request
from upstream import json_answer

COUNTERS = '{__name__=~"ai_bridge_.*_total"}'
ISTIO_TAGS = ["provider", "api", "model", "outcome", "type", "reason", "status_class", "of", "member", "from", "to"]


@pytest.fixture(scope="module")
def gateway(upstream):
    """A gateway after one round, of which all records are written."""
    with Gateway(render(upstream.address, plugin=traffic.plugin, change=traffic.with_actors)) as running:
        traffic.round_of(running, upstream)
        upstream.begin(lambda exchange: None)
        running.settle()
        running.wait_for_record(traffic.RECORDS)
        yield running


@pytest.fixture(scope="module")
def prometheus(gateway):
    with Prometheus(gateway.admin) as server:
        yield server


def test_every_counter_has_its_labels_and_what_the_traffic_caused(prometheus):
    prometheus.wait_for(COUNTERS, times(1, traffic.COUNTERS))


def test_only_responses_to_the_central_key_set_upstream_remaining(prometheus):
    """Both vendors have gauges. A caller's own key and Copilot's have none, although their limits were used up."""
    prometheus.wait_for("ai_bridge_upstream_remaining", dict(traffic.GAUGES))


def test_histograms_agree_with_the_times_in_the_records(prometheus, gateway):
    records = gateway.records()
    configured = {setting["match"]["prefix"].removeprefix("wasmcustom."): setting["buckets"] for setting in shipped()["stats_config"]["histogram_bucket_settings"]}
    for metric, member in [("ai_bridge_duration_ms", "duration_ms"), ("ai_bridge_time_to_first_event_ms", "time_to_first_event_ms")]:
        times_ms: dict[tuple[str, str], list[int]] = {}
        for record in records:
            if member in record:
                times_ms.setdefault((record["provider"]["name"], record["api"]), []).append(record[member])
        assert times_ms
        expected = dict(series(f"{metric}_count", len(all_), provider=provider, api=api) for (provider, api), all_ in times_ms.items())
        prometheus.wait_for(f"{metric}_count", expected)
        buckets = prometheus.query(f"{metric}_bucket")
        bounds = {dict(labels)["le"] for _, labels in buckets}
        assert {float(bound) for bound in bounds} == {*map(float, configured[metric]), float("inf")}
        for (provider, api), all_ in times_ms.items():
            for bound in bounds:
                count = buckets[f"{metric}_bucket", frozenset({"provider": provider, "api": api, "le": bound}.items())]
                # Envoy keeps two digits of a value: one beside the bound may be counted on either side.
                assert sum(time < float(bound) * 0.9 for time in all_) <= count <= sum(time <= float(bound) * 1.1 for time in all_), (metric, provider, bound)


def test_metrics_and_records_agree_to_the_unit(prometheus, gateway):
    records = gateway.records()
    assert len(records) == traffic.RECORDS
    for member, kind in [("input_tokens", "input"), ("output_tokens", "output"), ("cache_read_tokens", "cache_read"), ("reasoning_tokens", "reasoning")]:
        recorded = sum(record["usage"].get(member, 0) for record in records)
        assert recorded > 0 and prometheus.value(f'sum(ai_bridge_tokens_total{{type="{kind}"}})') == recorded
    assert prometheus.value("sum(ai_bridge_cost_microusd_total)") == sum(record.get("cost_microusd", 0) for record in records)
    assert prometheus.value("sum(ai_bridge_requests_total)") == len(records)


def test_the_actors_spend_is_in_envoys_own_metrics_and_agrees_with_the_records(prometheus, gateway):
    """envoy/prometheus/actors.yaml. A record without an actor has the empty label, which is none to Prometheus."""
    expected: dict = {}

    def add(name: str, value: int, **labels: str) -> None:
        key, _ = series(f"envoy_ai_bridge_actor_{name}", 0, **{label: value for label, value in labels.items() if value})
        expected[key] = expected.get(key, 0) + value

    for record in gateway.records():
        who = {"actor": record.get("actor", {}).get("id", ""), "provider": record["provider"]["name"]}
        # These are made of single values, which have the estimate.
        stated, estimate = record["usage"], record["usage"].get("estimate", {})
        charged = {**estimate, **stated, **{name: estimate[name] for name in estimate if name == "output_tokens"}}
        input_price, output_price = (5, 25) if record["api"] == "messages" else (2, 10)
        more = (charged.get("input_tokens", 0) - stated.get("input_tokens", 0)) * input_price + (charged.get("output_tokens", 0) - stated.get("output_tokens", 0)) * output_price
        add("requests_total", 1, **who)
        add("cost_microusd_total", record.get("cost_microusd", 0) + more, **who)
        for kind in ("input", "output", "cache_read", "cache_write"):
            add("tokens_total", charged.get(f"{kind}_tokens", 0), type=kind, **who)
    assert {dict(labels).get("actor") for _, labels in expected} == {"alice", 'bob "b" <b@x-y.com>', None}
    prometheus.wait_for('{__name__=~"envoy_ai_bridge_actor_.*"}', expected)
    assert overflow(gateway) == 0


@pytest.mark.wasm
def test_the_raw_names_are_those_that_istios_extra_tags_read(gateway):
    names = [line.rsplit(": ", 1)[0] for line in gateway.admin_get(r"/stats?filter=^wasmcustom\.").splitlines()]
    assert len(names) > len(traffic.COUNTERS)
    for name in names:
        assert re.fullmatch(r"wasmcustom\.ai_bridge_[a-z_]+\.(?:[a-z_]+=\.=[^;=]+;\.;)+", name.split(": ")[0]), name


@pytest.mark.wasm
def test_istios_patterns_make_the_same_series_of_them(upstream):
    """Istio writes one pattern for each extra tag, not anchored to a name: proxy.istio.io/config, extraStatTags."""

    def like_istio(config) -> None:
        traffic.with_actors(config)
        config["stats_config"]["stats_tags"] = [{"tag_name": tag, "regex": rf"({tag}=\.=(.*?);\.;)"} for tag in ISTIO_TAGS]

    with Gateway(render(upstream.address, plugin=traffic.plugin, change=like_istio)) as running, Prometheus(running.admin) as server:
        traffic.round_of(running, upstream)
        upstream.begin(lambda exchange: None)
        server.wait_for(COUNTERS, times(1, traffic.COUNTERS))


def test_actors_above_the_bound_are_not_counted_and_overflow_is(upstream):
    def few(config) -> None:
        traffic.with_actors(config)
        connection_manager_of(config)["access_log"][-1]["typed_config"]["stats_scope"]["max_counters"] = 12

    upstream.begin(json_answer(MESSAGE))
    with Gateway(render(upstream.address, plugin=traffic.plugin, change=few)) as running:
        with Http1(running.address) as client:
            for number in range(20):
                assert client.request("POST", MESSAGES, [JSON, TOKEN, ("x-actor", f"actor-{number}")], messages_request(stream=False)).status == 200
        running.wait_for_record(20)
        running.settle()
        counted = {labels["actor"]: value for labels, value in running.prometheus("envoy_ai_bridge_actor_requests_total")}
        assert counted == {"actor-0": 1, "actor-1": 1}
        assert overflow(running) > 0
        assert {record["actor"]["id"] for record in running.records()} == {f"actor-{number}" for number in range(20)}


def overflow(gateway: Gateway) -> float:
    """How often a stats scope of Envoy's was full, as alerts.yaml reads it."""
    ((_, value),) = gateway.prometheus("envoy_server_stats_overflow_counter")
    return value
