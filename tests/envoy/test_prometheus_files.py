"""envoy/prometheus: the scrape configuration is valid, and every alert fires when it should and only then."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

import operated
import traffic
from conftest import Records
from gateway import Gateway
from prometheus import SHIPPED, Prometheus
from render import HOST, DiscoveredFilter, connection_manager_of, render
from servers import program

ALERTS = SHIPPED / "alerts.yaml"
UNIT_TESTS = Path(__file__).parent / "alerts.test.yaml"


def rules() -> list[dict]:
    """Every rule of alerts.yaml."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run([program("promtool"), *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("what,file", [("config", SHIPPED / "prometheus.yaml"), ("rules", ALERTS)], ids=["scrape", "alerts"])
def test_promtool_finds_nothing_wrong(what, file):
    promtool("check", what, file)


def test_the_alerts_fire_when_they_should_and_only_then():
    promtool("test", "rules", UNIT_TESTS)


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not():
    cases = [case for test in yaml.safe_load(UNIT_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in rules()}
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == names
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == names


def test_every_alert_says_how_grave_it_is_and_what_happened():
    for rule in rules():
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}, rule["alert"]
        assert rule["annotations"]["summary"].strip(), rule["alert"]


@pytest.fixture(scope="module")
def prometheus(upstream, tmp_path_factory):
    """With everything that operators put around the filter, all of it in trouble."""
    parts: list[DiscoveredFilter] = []
    directory = tmp_path_factory.mktemp("dynamic")
    with operated.NoTls() as peer:
        config = render(upstream.address, plugin=traffic.plugin, change=lambda whole: parts.append(operated.add_to(whole, peer.address, directory)))
        with Gateway(config) as gateway, Prometheus(gateway.admin) as server:
            server.wait_until(lambda: server.value("up") == 1, "Envoy is scraped before anything happens")
            traffic.round_of(gateway, upstream)
            traffic.open_circuit(gateway, upstream)
            upstream.begin(lambda exchange: None)
            Records(gateway).all()
            operated.without_a_token(gateway)
            operated.refuse_an_update(gateway, parts[0])
            yield server


def test_the_shipped_configuration_scrapes_a_real_envoy(prometheus):
    prometheus.wait_until(lambda: prometheus.value("up") == 1, "Envoy is scraped")
    (target,) = prometheus.get("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")


def test_every_metric_that_an_alert_looks_at_exists(prometheus):
    """The metric is among those that the scrape configuration keeps."""
    named = {name for rule in rules() for name in re.findall(r"\b(?:up|(?:envoy|ai_bridge)_\w+)\b(?!\")", rule["expr"])} - {"envoy_cluster_name", "envoy_http_conn_manager_prefix", "envoy_response_code_class"}
    named = {name for name in named if not name.startswith("ai_bridge_pool_")}      # no pool is configured here
    assert len(named) >= 20
    if HOST == "native":        # which has no VM
        named = {name for name in named if not name.startswith("envoy_wasm_")}
    prometheus.wait_until(lambda: named <= set(prometheus.get("label/__name__/values")), f"all of {sorted(named)} are there")


def test_no_rule_fails_and_the_expected_alerts_fire(prometheus):
    def states() -> dict[str, str]:
        found = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
        assert {rule["name"] for rule in found} == {rule["alert"] for rule in rules()}
        assert not [rule for rule in found if rule.get("lastError")]
        return {rule["name"]: rule["state"] for rule in found}

    fired = {"AiBridgeCircuitOpen", "AiBridgeUnread", "AiBridgeRecordsLost", "AiBridgeBudgetsUnasked", "AiBridgeConfigRefused", "AiBridgeTlsFailures"}
    prometheus.wait_until(lambda: all(states()[name] == "firing" for name in fired), f"{fired} fire")
    assert {states()[name] for name in ("AiBridgeNotScraped", "AiBridgeVmReloaded", "AiBridgeSpend", "AiBridgeActorsUncounted", "AiBridgeRecordsStalled", "AiBridgeEverybodyRefused")} == {"inactive"}
