"""What Envoy answers under load, ahead of the filter, is one that clients understand; it leaves no record."""

from __future__ import annotations

from typing import Any

import pytest

from samples import CHAT, JSON, MESSAGES, TOKEN, messages_request

# More than nothing is too much.
HEAP = {"@type": "type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig", "max_heap_size_bytes": 1}


def overloaded(config: Any) -> None:
    config["overload_manager"] = {
        "refresh_interval": "0.1s",
        "resource_monitors": [{"name": "envoy.resource_monitors.fixed_heap", "typed_config": HEAP}],
        "actions": [{"name": "envoy.overload_actions.stop_accepting_requests", "triggers": [{"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": 0.5}}]}],
    }


GATEWAY = {"change": overloaded}


@pytest.mark.parametrize("path", [MESSAGES, CHAT])
def test_a_reply_under_load_is_one_that_clients_understand(gateway, http1, upstream, path):
    gateway.wait_until(lambda: "overload.envoy.overload_actions.stop_accepting_requests.active: 1" in gateway.admin_get("/stats"), "the gateway is overloaded")
    answer = http1.request("POST", path, [JSON, TOKEN], messages_request())
    assert (answer.status, answer.header("retry-after"), answer.header("content-type")) == (503, "5", "application/json")
    assert answer.json() == {"type": "error", "error": {"type": "overloaded_error", "code": "overloaded", "message": "AI gateway: too busy at the moment. Ask again in a few seconds."}}
    assert answer.header("x-should-retry") is None
    assert answer.header("x-ai-bridge-id") is None, "the filter did not see it"
    assert upstream.requests == []
