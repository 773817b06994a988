"""What stands between Envoy and the filter, attacked: other filters, log flushes, properties that are no text, header bytes.

Whatever it is: nothing traps, every interception leaves one record, and what we answer is in the dialect.
"""

from __future__ import annotations

import time
from typing import Any, Callable

import pytest

from client import Http1, Reset
from conftest import Records, assert_alive
from gateway import Gateway
from render import WASM_TYPE, connection_manager_of, render, shipped_plugin
from samples import CHAT, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, chat_request, messages_request
from test_bad_input import refused
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


def test_a_limit_behind_the_filter_answers_in_the_dialect_and_is_recorded(upstream):
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


def test_a_limit_in_front_of_the_filter_is_none_of_its_business(upstream):
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
def test_a_filter_that_holds_bodies_changes_nothing(upstream, position):
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
def test_logs_that_are_flushed_early_and_often_still_leave_one_whole_record(upstream, options):
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


@pytest.mark.parametrize(
    "path,status,actor",
    [
        (["request", "headers", "x-user"], 200, {"id": "ann", "metadata": {}}), (["nothing", "there"], 200, None), (["metadata"], 200, None),
        # A number, a time, a flag, a map: the host gives their bytes. A map of headers holds credentials.
        (["connection", "id"], 400, None), (["request", "time"], 400, None), (["connection", "mtls"], 400, None), (["request", "headers"], 400, None),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, list) else None,
)
def test_a_property_is_the_actor_only_where_it_is_text(upstream, path, status, actor):
    upstream.begin(json_answer(MESSAGE))
    plugin = {**shipped_plugin(), "actor": {"property": path}}
    with Gateway(render(upstream.address, plugin=plugin)) as gateway, Http1(gateway.address) as client:
        answer = client.request("POST", MESSAGES, [JSON, TOKEN, ("x-user", "ann")], messages_request(stream=False))
        assert answer.status == status
        assert gateway.wait_for_record(1).get("actor") == actor
        assert TOKEN[1] not in gateway.record_lines()[0]
        assert_alive(gateway)


@pytest.mark.parametrize("line", [b"x-\xff\xfe: 1", b"\xc3\xa9: 1", b"x y: 1", b"x-\x01: 1", b": 1", b"set-cookie: \xff\xfe\x80", b"x-request-id: \xe9", b"content-type: \xff"], ids=repr)
@pytest.mark.parametrize("path", [MESSAGES, "/anthropic/v1/models"])
def test_header_bytes_of_a_provider_harm_nothing(client, upstream, records: Records, line, path):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + line + b"\r\n\r\n{}")

    upstream.begin(script)
    body = messages_request(stream=False) if path == MESSAGES else None
    answer = client.request("POST" if body else "GET", path, [JSON, TOKEN], body)
    assert answer.status in (200, 502)
    if path == MESSAGES:
        assert records.one()["outcome"] == ("completed" if answer.status == 200 else "unavailable")
    else:
        records.none()


@pytest.mark.parametrize("name", [b"x-\xff\xfe", b"\xc3\xa9", b"x y", b"x-\x01"], ids=repr)
def test_header_names_of_a_client_that_are_none_never_arrive(gateway, upstream, records: Records, name):
    body = messages_request(stream=False)
    with Http1(gateway.address) as client:
        client.raw(b"POST /anthropic/v1/messages HTTP/1.1\r\nhost: a\r\n" + name + b": v\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        try:
            assert client.answer().status == 400
        except Reset:
            pass
    records.none()
    assert upstream.requests == []
