"""The dynamic module in older Envoys: it works in 1.39, and 1.38 does not start with it (`make envoys`)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from client import Http1, Http2
from conftest import assert_alive
from gateway import KEYS, TOOLS, Gateway, GatewayDied
from render import DiscoveredFilter, render, shipped_plugin
from samples import JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, messages_request
from upstream import json_answer, stream_answer

pytestmark = pytest.mark.native


def environment(version: str) -> dict[str, str]:
    """Of an Envoy of this version."""
    program: Path = TOOLS / "envoys" / version / "envoy" / "_bin" / "envoy"
    if not program.exists():
        pytest.skip(f"Envoy {version} is not there: make envoys")
    return {**KEYS, "ENVOY_PATH": str(program)}


def test_envoy_1_38_does_not_start_and_its_log_says_what_it_lacks(upstream):
    with pytest.raises(GatewayDied) as died:
        with Gateway(render(upstream.address), environment=environment("1.38.3")):
            pass
    assert "libai_bridge.so: undefined symbol: envoy_dynamic_module_callback_" in str(died.value)


def test_envoy_1_39_answers_records_measures_and_reloads(upstream, tmp_path):
    config = render(upstream.address)
    discovered = DiscoveredFilter(config, tmp_path)
    with Gateway(config, environment=environment("1.39.0"), concurrency=2) as gateway:
        assert "loaded as a dynamic module" in gateway.log() and not re.search(r"ABI version.*(mismatch|not)", gateway.log())
        recorded = 0
        for reload in range(2):
            for kind in (Http1, Http2):
                with kind(gateway.address) as client:
                    for streamed, answer in ((False, json_answer(MESSAGE)), (True, stream_answer(*MESSAGE_STREAM))):
                        upstream.begin(answer)
                        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=streamed)).status == 200
                        recorded += 1
                        record = gateway.wait_for_record(recorded)
                        assert (record["outcome"], record["streaming"], record["usage"]["usage_status"]) == ("completed", streamed, "complete")
                    upstream.begin(json_answer({"type": "error"}, 529))
                    assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request()).status == 529
                    recorded += 1
                    assert gateway.wait_for_record(recorded)["outcome"] == "failed"
                    assert client.request("GET", "/nowhere", [TOKEN]).json()["error"]
            before = gateway.log().count("configured with")
            discovered.reconfigure({**shipped_plugin(), "actor": {"header": f"x-caller-{reload}"}})
            gateway.wait_until(lambda: gateway.log().count("configured with") > before, "the configuration is taken")
        assert sum(value for _, value in gateway.prometheus("ai_bridge_requests_total")) == recorded
        assert_alive(gateway)
