"""The Grafana dashboard: every panel shows what a scripted load has caused (real Prometheus)."""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass
from typing import Any, Iterator

import pytest
import yaml

import operated
import traffic
from conftest import Records
from gateway import Gateway
from prometheus import Prometheus
from render import HOST, REPOSITORY, DiscoveredFilter, render
from test_shipped import METRICS

GRAFANA = REPOSITORY / "envoy" / "grafana"
DASHBOARD = json.loads((GRAFANA / "ai-bridge.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
POOLS = {"Usable members", "Set aside per minute", "Failovers per minute"}       # test_pools_dashboard.py
LOADED = [panel for panel in PANELS if panel["title"] not in POOLS]
QUERIES = [pytest.param(panel, target, id=f"{panel['title']} {target['refId']}") for panel in LOADED for target in panel["targets"]]

# Metrics of events that must not happen in a test.
ZERO = {"Restarts of the filter's VM A", "Records that could not be written A", "Memory B"}
RATE_SECONDS = 30         # the rate interval that Grafana uses for a scrape interval of one second


def variables() -> dict[str, Any]:
    return {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}


def substituted(expression: str, range_seconds: int = 60) -> str:
    """An expression as Grafana sends it with «All» chosen everywhere."""
    expression = expression.replace("$__rate_interval", f"{RATE_SECONDS}s").replace("$__range", f"{range_seconds}s")
    for name, variable in variables().items():
        expression = expression.replace(f"${name}", variable.get("allValue") or (variable["query"] if variable["type"] == "textbox" else ""))
    assert "$" not in expression, expression
    return expression


def target_of(title: str) -> dict[str, Any]:
    """The first query of the panel with this title."""
    (panel,) = (panel for panel in PANELS if panel["title"] == title)
    return panel["targets"][0]


def metrics_of(expression: str) -> set[str]:
    """The metrics that an expression names."""
    return set(re.findall(r"\b((?:envoy|ai_bridge)_\w+)\s*\{", expression))


# === the file ===


def test_every_member_is_one_that_grafanas_schema_knows():
    """A round trip through Grafana's own types does not change the file."""
    pytest.importorskip("grafana_foundation_sdk", reason="Grafana's types need Python 3.11")
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    def lost(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
        if isinstance(ours, dict) and isinstance(theirs, dict):
            for name, value in ours.items():
                yield from lost(value, theirs[name], f"{path}.{name}") if name in theirs else [f"{path}.{name}"]
        elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
            for number, (mine, other) in enumerate(zip(ours, theirs)):
                yield from lost(mine, other, f"{path}[{number}]")
        elif ours != theirs:
            yield path

    register_default_plugins()
    assert list(lost(DASHBOARD, json.loads(json.dumps(Dashboard.from_json(DASHBOARD), cls=JSONEncoder)))) == []
    assert list(lost({**DASHBOARD, "panles": []}, json.loads(json.dumps(Dashboard.from_json(DASHBOARD), cls=JSONEncoder)))) == [".panles"]


def test_panels_fit_the_grid_and_do_not_overlap():
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["w"] > 0 and place["h"] > 0 and place["x"] + place["w"] <= 24, panel["title"]
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])):
            assert taken.setdefault(cell, panel["title"]) == panel["title"], f"{panel['title']} lies over {taken[cell]}"
    lines = {y for _, y in taken}
    assert lines == set(range(max(lines) + 1)), "a gap"
    assert len(taken) == 24 * len(lines), "a hole"


def test_panels_have_ids_titles_units_and_a_description():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in {"currencyUSD", "short", "percentunit", "ms", "bytes"}, panel["title"]
        assert all(target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"} for target in panel["targets"])
        assert [target["refId"] for target in panel["targets"]] == list("ABCD")[: len(panel["targets"])]


def test_every_metric_of_the_filter_has_its_place():
    shown = {re.sub("_bucket$", "", name) for panel in PANELS for target in panel["targets"] for name in metrics_of(target["expr"])}
    assert METRICS <= shown


def test_what_grafana_is_provisioned_with_fits():
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yaml").read_text())
    dashboards = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "ai-bridge.yaml").read_text())
    assert sources["apiVersion"] == dashboards["apiVersion"] == 1
    (source,), (provider,) = sources["datasources"], dashboards["providers"]
    assert (source["type"], source["isDefault"]) == (variables()["datasource"]["query"], True)
    scrape = yaml.safe_load((REPOSITORY / "envoy" / "prometheus" / "prometheus.yaml").read_text())["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scrape
    assert provider["type"] == "file" and provider["options"]["path"]


# === the panels ===


@dataclass
class Loaded:
    """A Prometheus that has scraped a load, and the time of that load."""

    prometheus: Prometheus
    began: float
    ended: float

    def shown(self, target: dict[str, Any]) -> list[tuple[dict[str, str], list[float]]]:
        """The result of a panel's query for the time of the load: labels and values of each series."""
        seconds = math.ceil(self.ended - self.began)
        expression = substituted(target["expr"], seconds)
        if target.get("instant"):
            found = self.prometheus.get("query", query=expression, time=str(self.ended))["result"]
            series = [(each["metric"], [float(each["value"][1])]) for each in found]
        else:
            found = self.prometheus.get("query_range", query=expression, start=str(self.ended - seconds), end=str(self.ended), step="1")["result"]
            series = [(each["metric"], [float(value) for _, value in each["values"]]) for each in found]
        return [(labels, [value for value in values if math.isfinite(value)]) for labels, values in series]


@pytest.fixture(scope="module")
def loaded(upstream, tmp_path_factory):
    """Two rounds and an open circuit, with authentication, budgets and receivers in trouble: a rate needs a scrape before and one after."""
    parts: list[DiscoveredFilter] = []
    directory = tmp_path_factory.mktemp("dynamic")
    with operated.NoTls() as peer, Gateway(render(upstream.address, plugin=traffic.plugin, change=lambda whole: parts.append(operated.add_to(whole, peer.address, directory)))) as gateway:

        def drive(rounds: int) -> None:
            traffic.round_of(gateway, upstream)
            upstream.begin(lambda exchange: None)
            gateway.wait_for_record(rounds * traffic.RECORDS)
            gateway.settle()
            operated.without_a_token(gateway)

        drive(1)
        began = time.time()
        with Prometheus(gateway.admin) as prometheus:

            def scraped(rounds: int) -> None:
                for counted in ("ai_bridge_requests_total", "ai_bridge_duration_ms_count", "envoy_ai_bridge_actor_requests_total"):
                    prometheus.wait_until(lambda: prometheus.value(f"sum({counted})") == rounds * traffic.RECORDS, f"round {rounds} is scraped")

            scraped(1)
            drive(2)
            scraped(2)
            traffic.open_circuit(gateway, upstream)
            upstream.begin(lambda exchange: None)
            Records(gateway).all()
            prometheus.wait_until(lambda: prometheus.value("sum(envoy_cluster_outlier_detection_ejections_active)") == 1, "the open circuit is scraped")
            unavailable = 'ai_bridge_requests_total{provider="copilot", outcome="unavailable"}'
            prometheus.wait_until(lambda: prometheus.value(unavailable) == 1, "the last request is scraped")
            stream = operated.OpenStream(gateway)
            operated.refuse_an_update(gateway, parts[0])
            prometheus.wait_until(lambda: prometheus.value('envoy_http_downstream_rq_active{envoy_http_conn_manager_prefix="ai_gateway"}') == 1, "the open stream is scraped")
            prometheus.wait_until(lambda: prometheus.value("envoy_extension_config_discovery_http_filter_ai_bridge_config_fail") == 1, "the refusal is scraped")
            yield Loaded(prometheus, began, time.time())
            stream.close()


def of_vm(metric: str) -> bool:
    """Whether Envoy counts it for the VM of a wasm module."""
    return metric.startswith("envoy_wasm_")


def test_every_metric_that_is_looked_at_exists(loaded):
    """Also where a query has something to show without it."""
    named = {name for panel in LOADED for target in panel["targets"] for name in metrics_of(target["expr"]) if HOST == "wasm" or not of_vm(name)}
    assert len(named) >= 14 and named <= set(loaded.prometheus.get("label/__name__/values"))


@pytest.mark.parametrize("panel,target", QUERIES)
def test_every_panel_shows_what_has_happened(loaded, panel, target):
    if HOST == "native" and any(of_vm(name) for name in metrics_of(target["expr"])):
        pytest.skip("a dynamic module has no VM")
    series = loaded.shown(target)
    values = [value for _, found in series for value in found]
    assert values, f"{panel['title']} is empty: {substituted(target['expr'])}"
    assert min(values) >= 0
    assert (max(values) == 0) if f"{panel['title']} {target['refId']}" in ZERO else (max(values) > 0), f"{panel['title']}: {values}"
    for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
        assert all(labels.get(label) for labels, _ in series), f"{panel['title']}: {label} is missing in {series}"


@pytest.mark.parametrize(
    "title,label,expected",
    [
        ("Spend per hour by provider", "provider", {"anthropic", "openai", "copilot"}),
        ("Spend per hour by model", "model", {"claude-opus-4-8", "claude-haiku-4.5", "gpt-5.5-2026.01", "gpt-5.5-2026"}),
        ("Tokens per second by type", "type", {"input", "output", "cache_read", "reasoning"}),
        ("Spend by actor", "actor", {"alice", 'bob "b" <b@x-y.com>'}),
        ("Spend by team", "team", {"payments"}),
        ("Budget service errors per minute", "envoy_cluster_name", {"anthropic", "openai"}),
        ("Connect and TLS failures per minute", "envoy_cluster_name", {"down", "tls_without"}),
        ("Interceptions per minute by outcome", "outcome", {"completed", "failed", "unavailable", "rejected", "aborted_client", "aborted_upstream"}),
        ("Upstream headroom: tokens", "of", {"tokens", "input_tokens", "output_tokens"}),
        ("Unread per minute", "reason", {"price", "text_cut", "response_content_type", "response_encoded"}),
        ("Refusals per minute", "reason", {"invalid_json", "not_found", "method_not_allowed", "missing_credential"}),
    ],
)
def test_panels_have_the_expected_series(loaded, title, label, expected):
    assert {labels[label] for labels, _ in loaded.shown(target_of(title))} >= expected


def test_the_big_numbers_are_right(loaded):
    """Queries whose values Prometheus need not extrapolate at the ends of the range."""

    def number(title: str) -> float:
        ((_, (value,)),) = loaded.shown(target_of(title))
        return value

    def counted(**wanted: str) -> float:
        return sum(value for (_, labels), value in traffic.COUNTERS if wanted.items() <= dict(labels).items())

    read = counted(type="cache_read")
    assert number("Cache hit share") == pytest.approx(read / (read + counted(type="input")), rel=0.001)
    assert number("Open circuits") == 1


@pytest.mark.parametrize("name,expected", [("gateway", 1), ("provider", {"anthropic", "openai", "copilot"}), ("model", {"claude-haiku-4.5", "own/llama:70b", "unknown"})])
def test_every_variable_offers_what_there_is(loaded, name, expected):
    query = variables()[name]["query"]["query"]
    selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
    values = set(loaded.prometheus.get(f"label/{label}/values", **{"match[]": substituted(selector)}))
    assert len(values) == expected if isinstance(expected, int) else values >= expected
