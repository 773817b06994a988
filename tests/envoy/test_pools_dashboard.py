"""The dashboard's panels for pools show who is usable, set aside and failed over (real Prometheus)."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from client import Http1
from gateway import Gateway
from pools import Member, gateway_of, refusal
from prometheus import Prometheus
from samples import JSON, MESSAGE, MESSAGES, TOKEN, messages_request
from test_dashboard import POOLS, metrics_of, substituted, target_of
from upstream import json_answer


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    """A pool whose first member is set aside twice, with a scrape before and one after."""
    members = [Member("main", refusal(429, retry_after="1")), Member("spare", json_answer(MESSAGE))]
    with gateway_of(*members) as gateway, Prometheus(gateway.admin) as server:
        for times in (1, 2):
            ask(gateway)
            server.wait_until(lambda: server.value("sum(ai_bridge_failover_total)") == times, f"failover {times} is scraped", 30)
            if times == 1:
                gateway.wait_until(lambda: ({"provider": "anthropic", "member": "main"}, 1.0) in gateway.prometheus("ai_bridge_pool_usable") or ask(gateway) is None, "main is usable again", 20)
        yield server
    for each in members:
        each.close()


def ask(gateway: Gateway) -> None:
    with Http1(gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200


@pytest.mark.parametrize("title,labels", [
    ("Usable members", {"provider": "anthropic"}), ("Set aside per minute", {"provider": "anthropic", "member": "main", "reason": "429"}),
    ("Failovers per minute", {"provider": "anthropic", "from": "main", "to": "spare", "reason": "429"}),
])
def test_the_panel_shows_it(prometheus: Prometheus, title: str, labels: dict[str, Any]) -> None:
    assert title in POOLS
    expression = substituted(target_of(title)["expr"])
    assert metrics_of(expression) <= {"ai_bridge_pool_usable", "ai_bridge_pool_aside_total", "ai_bridge_failover_total"}
    found = prometheus.get("query", query=expression)["result"]
    assert [{name: each["metric"].get(name) for name in labels} for each in found] == [labels]
    assert all(float(each["value"][1]) > 0 for each in found)
