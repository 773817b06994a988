"""Another configuration while the gateway runs: nothing in flight is lost, and a bad one changes nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Iterator

import pytest

from client import Http1
from conftest import Records, assert_alive
from gateway import Gateway
from render import DiscoveredFilter, render, shipped_plugin
from samples import JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, messages_request
from upstream import Exchange, Upstream, json_answer

@pytest.fixture
def bridge(upstream: Upstream, tmp_path: Path) -> Iterator[tuple[Gateway, DiscoveredFilter]]:
    """A gateway whose filter is configured by a file."""
    config = render(upstream.address)
    discovered = DiscoveredFilter(config, tmp_path)
    with Gateway(config) as running:
        yield running, discovered
        assert_alive(running)


def ask(gateway: Gateway):
    with Http1(gateway.address) as client:
        return client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))


def test_a_new_configuration_serves_the_next_request_and_streams_end_under_the_old_one(bridge, upstream):
    gateway, discovered = bridge
    records = Records(gateway)
    began, go_on = threading.Event(), threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_STREAM[0])
        began.set()
        assert go_on.wait(20)
        exchange.chunk(b"".join(MESSAGE_STREAM[1:]))
        exchange.end()

    upstream.begin(script)
    body = messages_request(prompt="under the old one")
    with Http1(gateway.address) as client:
        client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
        client.send(body)
        assert began.wait(20)
        discovered.reconfigure({**shipped_plugin(), "record": {"prompts": False}})
        upstream.begin(json_answer(MESSAGE))

        def taken() -> bool:
            assert ask(gateway).status == 200
            return any(record.get("prompt") is None for record in gateway.records())

        gateway.wait_until(taken, "the new configuration is taken")
        go_on.set()
        assert client.answer().body == b"".join(MESSAGE_STREAM)
    streamed = [record for record in records.all() if record["streaming"]]
    assert [(record["outcome"], record["prompt"]) for record in streamed] == [("completed", "under the old one")]


def test_a_bad_update_is_refused_and_the_old_configuration_serves_on(bridge, upstream):
    gateway, discovered = bridge
    upstream.begin(json_answer(MESSAGE))
    assert ask(gateway).status == 200
    for plugin in ("{", {"providers": [{"type": "anthropic", "clutser": "x"}]}, {"providers": []}):
        refused = gateway.log().count("is refused")
        discovered.reconfigure(plugin)
        gateway.wait_until(lambda: gateway.log().count("is refused") > refused, "the update is refused")
        assert ask(gateway).json() == MESSAGE
    assert "providers[0].clutser" in gateway.log()
    discovered.reconfigure({"providers": [{"type": "openai", "key": {"value": "k"}}]})
    gateway.wait_until(lambda: ask(gateway).status == 404, "the next good one is taken")
