"""Other filters and access log settings beside the filter: one record each, refusals in the caller's dialect."""

from __future__ import annotations

import time
from typing import Any, Callable

import pytest

from client import Http1
from conftest import assert_alive
from gateway import Gateway
from refusal import refused
from render import WASM_TYPE, connection_manager_of, render
from samples import CHAT, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, chat_request, messages_request
from upstream import Exchange, json_answer

GATEWAY = {"breaker": {"consecutive_5xx": 1_000_000}}

FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
ONE_REQUEST = {
    "name": "one_request",
    "typed_config": {
        "@type": f"{FILTERS}.local_ratelimit.v3.LocalRateLimit", "stat_prefix": "one_request", "filter_enabled": ALWAYS, "filter_enforced": ALWAYS,
        "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "1000s"}, "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
    },
}
SMALL_BODIES = {"name": "small_bodies", "typed_config": {"@type": f"{FILTERS}.buffer.v3.Buffer", "max_request_bytes": 1000}}


def beside(position: int, http_filter: Any) -> Callable[[Any], None]:
    """Puts another filter in front of ours (0) or behind it (1)."""

    def change(config: Any) -> None:
        filters = connection_manager_of(config)["http_filters"]
        ours = next(at for at, each in enumerate(filters) if each["typed_config"]["@type"] == WASM_TYPE)
        filters.insert(ours + position, http_filter)

    return change


def test_a_rate_limit_behind_the_filter_replies_in_the_dialect(upstream):
    upstream.begin(json_answer(MESSAGE))
    with Gateway(render(upstream.address, change=beside(1, ONE_REQUEST))) as gateway, Http1(gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).json() == MESSAGE
        for path, body in ((MESSAGES, messages_request(stream=False)), (CHAT, chat_request()), ("/openai/v1/models", None)):
            answer = client.request("POST" if body else "GET", path, [JSON, TOKEN], body)
            error = refused(answer, 429, path)
            assert error["type"] == "rate_limit_error"
            assert 0 < int(answer.header("retry-after") or 0) <= 1000
        gateway.wait_for_record(3)
        gateway.settle()
        assert [(r["outcome"], r["response"]["status"]) for r in gateway.records()] == [("completed", 200), ("rejected", 429), ("rejected", 429)]
        assert_alive(gateway)


def test_a_rate_limit_in_front_of_the_filter_leaves_no_record(upstream):
    upstream.begin(json_answer(MESSAGE))
    with Gateway(render(upstream.address, change=beside(0, ONE_REQUEST))) as gateway, Http1(gateway.address) as client:
        client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
        answer = client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
        assert (answer.status, answer.body) == (429, b"local_rate_limited")
        gateway.settle()
        gateway.wait_for_record(1)
        time.sleep(0.1)
        assert len(gateway.records()) == 1
        assert_alive(gateway)


@pytest.mark.parametrize("position", [0, 1], ids=["in front", "behind"])
def test_a_buffer_filter_before_or_behind_changes_nothing(upstream, position):
    upstream.begin(json_answer(MESSAGE))
    with Gateway(render(upstream.address, change=beside(position, SMALL_BODIES))) as gateway, Http1(gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).json() == MESSAGE
        refused(client.request("POST", MESSAGES, [JSON, TOKEN], b"{" + b" " * 100), 400)
        large = client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False, prompt="x" * 5000))
        if position == 1:
            assert refused(large, 413)["type"] == "request_too_large"
        assert large.status == 413
        gateway.wait_for_record(2 + position)
        gateway.settle()
        assert [r["outcome"] for r in gateway.records()] == ["completed", "rejected", "rejected"][: 2 + position]
        assert_alive(gateway)


@pytest.mark.parametrize("options", [{"flush_access_log_on_new_request": True}, {"access_log_flush_interval": "0.02s"}])
def test_early_access_log_flushes_still_leave_one_complete_record(upstream, options):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        for portion in MESSAGE_STREAM:
            time.sleep(0.05)
            exchange.chunk(portion)
        exchange.end()

    upstream.begin(script)
    with Gateway(render(upstream.address, connection_manager={"access_log_options": options})) as gateway, Http1(gateway.address) as client:
        client.request("POST", MESSAGES, [JSON, TOKEN], messages_request())
        record = gateway.wait_for_record(1)
        assert (record["outcome"], record["usage"]["usage_status"]) == ("completed", "complete")
        time.sleep(0.1)
        assert len(gateway.records()) == 1
