"""Header names and values with bytes that are no text: no trap, values unchanged, invalid names refused."""

from __future__ import annotations

import json

import pytest

from client import Http1, Reset
from conftest import Records
from samples import JSON, MESSAGE, MESSAGES, TOKEN, messages_request
from upstream import Exchange, json_answer

GATEWAY = {"breaker": {"consecutive_5xx": 1_000_000}}


@pytest.mark.parametrize("value", ["Bearer a\xff\xfeb", "\xe9\xe8", "Bearer \xf0\x9f"], ids=range(3))
@pytest.mark.parametrize("name", ["user-agent", "x-claude-code-session-id", "authorization", "x-whatever", "originator", "content-type"])
def test_request_header_values_that_are_not_utf8_pass_unchanged(client, upstream, records, name, value):
    upstream.begin(json_answer(MESSAGE))
    answer = client.request("POST", MESSAGES, [(name, value)], messages_request(stream=False))
    assert answer.status in (200, 400, 403), answer
    if name == "x-whatever":
        assert answer.status == 200
        assert upstream.only().header(name) == value
    json.dumps(records.one())


@pytest.mark.parametrize("line", [b"x-\xff\xfe: 1", b"\xc3\xa9: 1", b"x y: 1", b"x-\x01: 1", b": 1", b"set-cookie: \xff\xfe\x80", b"x-request-id: \xe9", b"content-type: \xff"], ids=repr)
@pytest.mark.parametrize("path", [MESSAGES, "/anthropic/v1/models"])
def test_response_headers_with_invalid_bytes_cause_no_trap(client, upstream, records: Records, line, path):
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
def test_a_request_with_an_invalid_header_name_is_refused(gateway, upstream, records: Records, name):
    body = messages_request(stream=False)
    with Http1(gateway.address) as client:
        client.raw(b"POST /anthropic/v1/messages HTTP/1.1\r\nhost: a\r\n" + name + b": v\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        try:
            assert client.answer().status == 400
        except Reset:
            pass
    records.none()
    assert upstream.requests == []
