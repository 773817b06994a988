"""The request for usage that is added to Chat Completions, and its event cut from the response, byte by byte."""

from __future__ import annotations

import json

import pytest

from client import Http1, Http2
from conftest import Records
from gateway import Gateway
from h2_upstream import Http2Upstream
from render import render
from samples import CHAT, JSON, TOKEN, chat_request


def chunk(line_end: bytes = b"\n\n", **data) -> bytes:
    return b"data: " + json.dumps({"id": "chatcmpl-1", "model": "gpt-5.5", **data}).encode() + line_end


TEXT = chunk(choices=[{"index": 0, "delta": {"content": "Rayleigh"}, "finish_reason": None}])
LAST = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
USAGE = chunk(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 2})
DONE = b"data: [DONE]\n\n"
START = b'data: {"id":'     # the start of an event that may be the usage event


@pytest.mark.parametrize("kind", [Http1, Http2], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "options, spliced",
    [(b'"stream":true,"stream_options":null', b'"stream":true,"stream_options":{"include_usage":true}'),
     (b'"stream_options":{"include_usage":false},"stream":true', b'"stream_options":{"include_usage":true},"stream":true'),
     (b'"stream_options":{ },"stream":true', b'"stream_options":{ "include_usage":true},"stream":true'),
     (b'"stream":true', b'"stream":true,"stream_options":{"include_usage":true}')],
)
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_both_directions_byte_by_byte(gateway, upstream, records, kind, options, spliced, declared):
    answer_body = b"".join([TEXT, LAST, USAGE, DONE]).replace(b"\n", b"\r\n")
    request = b'{"model":"gpt-5.5","messages":[],' + options + b"}"

    def script(exchange) -> None:
        exchange.read_body()
        exchange.stream()
        for at in range(len(answer_body)):
            exchange.chunk(answer_body[at : at + 1])
        exchange.end()

    upstream.begin(script)
    with kind(gateway.address) as client:
        client.start("POST", CHAT, [JSON, TOKEN] + ([("content-length", str(len(request)))] if declared else []))
        for at in range(len(request)):
            client.send(request[at : at + 1], end=declared and kind is Http2 and at + 1 == len(request))
        if not (declared and kind is Http2):
            client.send(b"", end=True)
        assert client.answer().body == b"".join([TEXT, LAST, DONE]).replace(b"\n", b"\r\n")
    assert bytes(upstream.only().body) == b'{"model":"gpt-5.5","messages":[],' + spliced + b"}"
    assert upstream.only().all("content-length") == []
    record = records.one()
    assert (record["outcome"], record["usage"]["usage_status"], record["usage"]["output_tokens"]) == ("completed", "complete", 2)


@pytest.mark.parametrize("kind", [Http1, Http2], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "sent, trailers, got",
    [([TEXT, LAST, USAGE, DONE], True, [TEXT, LAST, DONE]),
     ([TEXT, LAST, START], False, [TEXT, LAST, START]),
     # No byte can be added to a body after its trailers.
     ([TEXT, LAST, START], True, [TEXT, LAST])],
)
def test_held_back_bytes_are_sent_when_the_stream_ends(kind, sent, trailers, got):
    with Http2Upstream(b"".join(sent), trailers=[("x-sum", "1")] if trailers else None) as server:
        with Gateway(render(server.address, http2_upstream=True)) as gateway:
            records = Records(gateway)
            with kind(gateway.address) as client:
                assert client.request("POST", CHAT, [JSON, TOKEN], chat_request(stream=True)).body == b"".join(got)
            record = records.one()
            assert record["outcome"] == "completed"
            assert ("incomplete_event_lost" in record["notes"]) == (START in sent and trailers)
            assert sum(gateway.reloads().values()) == 0
