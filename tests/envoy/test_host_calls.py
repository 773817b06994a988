"""How many calls into Envoy a request makes, counted in Envoy's trace of the VM: the table of tests/bench/README.md."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from client import Http1
from gateway import Gateway
from render import render
from samples import JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, messages_request
from upstream import json_answer, stream_answer

pytestmark = pytest.mark.wasm

LINE = re.compile(r"\[(host->vm|vm->host)\] (?:env\.)?proxy_(\w+)\((?:\d+, (\d+))?")
TRACE = ["--component-log-level", "wasm:trace"]
CLOCK, CHUNK, VALUE = "get_current_time_nanoseconds", "get_buffer_bytes", "set_property"
EDITS = ["set_header_map_pairs"]       # six changes: the token and Envoy's x-envoy-external-address; path, authority, cluster, key
VALUES_OF_START = 5         # id, provider, api, actor, session
VALUES_OF_END = 8           # model, outcome, four kinds of tokens, their sum, cost


@dataclass
class Stream:
    """The host calls of one stream."""

    calls: dict[str, list[str]] = field(default_factory=dict)         # by the callback that made them
    chunks: dict[str, int] = field(default_factory=dict)              # non-empty chunks of bodies


def last_of(gateway: Gateway, streams: int) -> Stream:
    """The last of so many."""
    gateway.wait_until(lambda: gateway.log().count("[host->vm] proxy_on_delete(") >= streams, "the streams are gone")
    stream, callback = Stream(), ""
    for match in filter(None, map(LINE.search, gateway.log().splitlines())):
        direction, name, size = match.groups()
        if name == "on_memory_allocate":        # Envoy allocates memory for a result
            continue
        if direction == "vm->host":
            stream.calls.setdefault(callback, []).append(name)
            continue
        if name == "on_context_create":
            stream = Stream()
        callback = name
        stream.chunks[name] = stream.chunks.get(name, 0) + (size != "0")
    return stream


def asked(gateway: Gateway, *, times: int, status: int = 200, stream: bool = False) -> Stream:
    """The last of so many requests."""
    for _ in range(times):
        with Http1(gateway.address) as client:
            assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=stream)).status == status
    return last_of(gateway, times)


@pytest.mark.parametrize("publishes", [False, True], ids=["publish nothing", "publish all"])
@pytest.mark.parametrize("streamed", [False, True], ids=["document", "stream"])
def test_a_bridged_request_makes_exactly_the_documented_host_calls(upstream, streamed, publishes):
    upstream.begin(stream_answer(*MESSAGE_STREAM) if streamed else json_answer(MESSAGE))
    with Gateway(render(upstream.address, plugin=lambda shipped: shipped if publishes else {**shipped, "publish": []}), arguments=TRACE) as gateway:
        stream = asked(gateway, times=2, stream=streamed)       # the first request also defines its series
    values = lambda count: [VALUE] * count * publishes
    tokens = 3 if streamed else 2       # kinds that are not 0
    assert stream.calls.pop("on_request_headers") == ["get_header_map_pairs", CLOCK, *EDITS, *values(VALUES_OF_START)]
    assert stream.calls.pop("on_request_body") == [CHUNK] * stream.chunks["on_request_body"]
    assert stream.calls.pop("on_response_headers") == ["get_header_map_pairs", "replace_header_map_value"]
    of_response = [CHUNK] * stream.chunks["on_response_body"] + values(VALUES_OF_END)       # the monotonic clock is WASI's
    assert sorted(stream.calls.pop("on_response_body")) == sorted(of_response)
    assert stream.calls.pop("on_log") == [CLOCK, *["increment_metric"] * (1 + tokens), *["record_metric"] * (1 + streamed), VALUE]
    assert not stream.calls


def test_an_error_response_costs_one_property_lookup(upstream):
    upstream.begin(json_answer({"type": "error"}, 529))
    with Gateway(render(upstream.address, plugin=lambda shipped: {**shipped, "publish": []}), arguments=TRACE) as gateway:
        calls = asked(gateway, times=2, status=529).calls
    assert calls["on_response_headers"] == ["get_header_map_pairs", "get_property", "replace_header_map_value"]
    assert calls["on_log"] == [CLOCK, "increment_metric", "record_metric", VALUE]


def test_more_than_five_header_edits_are_one_host_call(upstream):
    upstream.begin(json_answer(MESSAGE))
    with Gateway(render(upstream.address), arguments=TRACE) as gateway:
        with Http1(gateway.address) as client:
            headers = [JSON, TOKEN, ("Cookie", "company=secret")]
            assert client.request("POST", MESSAGES, headers, messages_request()).status == 200
        calls = last_of(gateway, 1).calls["on_request_headers"]
    assert calls[:4] == ["get_header_map_pairs", CLOCK, "set_header_map_pairs", VALUE]
    assert "cookie" not in upstream.requests[-1].names()


def test_passthrough_reads_no_clock_no_body_and_no_log(upstream):
    upstream.begin(json_answer({"data": []}))
    with Gateway(render(upstream.address), arguments=TRACE) as gateway:
        for _ in range(2):
            with Http1(gateway.address) as client:
                assert client.request("GET", "/anthropic/v1/models", [TOKEN]).status == 200
        calls = last_of(gateway, 2).calls
    assert calls == {
        "on_request_headers": ["get_header_map_pairs", *EDITS],
        "on_response_headers": ["get_header_map_pairs", "increment_metric"],
    }
