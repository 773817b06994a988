"""Requests that the gateway refuses: status, error in the caller's dialect, record, and no complete request upstream."""

from __future__ import annotations

import json
import threading

import pytest

from client import Http2, Reset
from refusal import never_completes, refused
from samples import CHAT, JSON, MESSAGE, MESSAGES, RESPONSES, TOKEN, chat_request, messages_request, responses_request
from upstream import Exchange, json_answer

COPILOT = "/copilot/v1/messages"
GITHUB = ("authorization", "Bearer gho_0123456789abcdefghij")


NOT_ONE_OBJECT = [
    b"{", b"{}}", b"[]", b'"text"', b"null", b"tru", b'{"model":"m",}', b'{"model" "m"}', b"{'model':'m'}", b'{"a":1} x', b"{} {}",
    b'{"a":01}', b'{"a":.5}', b'{"a":1e}', b'{"a":"\x01"}', b'{"a":"\\x"}', b'{"a":"\\u12g4"}', b'{"a":"\xff\xfe"}', b'{"a":"\xed\xa0\x80"}',
    b"\xef\xbb\xbf{}", b'{"a":NaN}', b'{"a":"unterminated', b"\x00", b"   ", b'{"a":[1,2}', b"\x28\xb5\x2f\xfd\x00\x00\x00\x00",
]


@pytest.mark.parametrize("body", NOT_ONE_OBJECT, ids=lambda body: repr(body)[2:-1][:24])
@pytest.mark.parametrize("declared", [True, False], ids=["length", "chunked"])
def test_a_body_that_is_not_one_json_object_is_refused(client, upstream, records, body, declared):
    upstream.begin(never_completes)
    client.start("POST", MESSAGES, [JSON, TOKEN] + ([("content-length", str(len(body)))] if declared else []))
    client.send(body, end=True)
    answer = client.answer()
    error = refused(answer, 400)
    assert error["type"] == "invalid_request_error"
    record = records.one()
    assert record["outcome"] == "rejected"
    assert answer.header("x-ai-bridge-id") == answer.header("request-id") == record["id"]
    assert record["error"]["code"] in ("invalid_json", "empty_body")
    assert record["error"]["message"] == error["message"]


@pytest.mark.parametrize("path,body", [(CHAT, chat_request()), (RESPONSES, responses_request()), (COPILOT, messages_request())])
def test_the_dialect_is_that_of_the_api(client, upstream, records, path, body):
    upstream.begin(never_completes)
    client.start("POST", path, [JSON, GITHUB if path == COPILOT else TOKEN, ("content-length", str(len(body) - 1))])
    client.send(body[:-1], end=True)
    error = refused(client.answer(), 400, path)
    assert error.get("code", "invalid_json") == "invalid_json"
    assert records.one()["outcome"] == "rejected"


def test_an_object_is_judged_when_it_closes_before_content_length(client, upstream, records):
    """A client may withhold the end of the body while an HTTP/1 provider already acts on the rest."""
    upstream.begin(never_completes)
    body = b'{"model":"m","model":"n"}'
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body) + 5))])
    client.send(body)
    refused(client.answer(), 400)
    assert records.one()["error"]["code"] == "repeated_member"


@pytest.mark.parametrize("member", ['"model":"n"', '"mod\\u0065l":"n"', '"stream":true'])
def test_a_repeated_deciding_member_is_refused(client, upstream, records, member):
    upstream.begin(never_completes)
    body = ('{"model":"m","stream":false,"messages":[],' + member + "}").encode()
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
    client.send(body, end=True)
    refused(client.answer(), 400)
    record = records.one()
    assert (record["outcome"], record["error"]["code"]) == ("rejected", "repeated_member")


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":7,"stream":"yes","messages":"none"}', b'{"model":null,"messages":[null,1,"a",[],{}]}', b'{"messages":[{"role":7,"content":{"a":1}}]}', b"{}",
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":7},{"type":"tool_result"},5]}]}', b'{"model":"\\ud800","messages":[]}',
        b'{"model":"m","metadata":{"user_id":[]},"messages":{"role":"user"}}', b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"model":"' + b"m" * 100_000 + b'"}', b'{"' + b"k" * 300_000 + b'":1}',
    ],
    ids=range(10),
)
def test_wrong_types_pass_unchanged_and_leave_fields_out_of_the_record(client, upstream, records, body):
    upstream.begin(json_answer(MESSAGE))
    answer = client.request("POST", MESSAGES, [JSON, TOKEN], body)
    assert (answer.status, answer.json()) == (200, MESSAGE)
    assert bytes(upstream.only().body) == body
    record = records.one()
    assert record["outcome"] == "completed"
    assert record.get("prompt") is None


@pytest.mark.parametrize("path", [MESSAGES, CHAT, RESPONSES])
def test_an_empty_body_is_refused(client, upstream, records, path):
    for headers in ([("content-length", "0")], []):
        client.start("POST", path, [JSON, TOKEN, *headers], end=True)
        refused(client.answer(), 400, path)
        assert records.one()["error"]["code"] == "empty_body"
    assert upstream.requests == []


def test_a_declared_size_above_the_limit_is_refused_at_the_headers(client, upstream, records):
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(33554433))])
    error = refused(client.answer(), 413)
    assert error["type"] == "request_too_large"
    assert records.one()["outcome"] == "rejected"
    assert upstream.requests == []


def test_an_upload_that_grows_above_the_limit_is_stopped(client, upstream, records):
    upstream.begin(never_completes)
    client.start("POST", CHAT, [JSON, TOKEN])
    try:
        client.send(b'{"messages":["')
        for _ in range(33):
            client.send(b"x" * (1 << 20))
    except Reset:
        pass
    error = refused(client.answer(), 413, CHAT)
    assert error["type"] == "invalid_request_error"
    assert records.one()["error"]["code"] == "request_too_large"


@pytest.mark.parametrize("encoding", ["deflate", "compress", "x-unknown", "gzip, deflate"])
def test_an_unsupported_content_encoding_is_refused(client, upstream, records, encoding):
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-encoding", encoding), ("content-length", "10")])
    client.send(b"x" * 10, end=True)
    error = refused(client.answer(), 415)
    assert "decompressor" in error["message"]
    assert records.one()["error"]["code"] == "unsupported_encoding"


def test_a_response_that_has_begun_is_cut_when_the_request_turns_invalid(client, upstream, records):
    answered = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_at_least(5)
        exchange.stream(400, {"content-type": "application/json"})
        exchange.chunk(b'{"early":')
        answered.set()
        never_completes(exchange)

    upstream.begin(script)
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", "1000")])
    client.send(b'{"model":"m"')
    assert answered.wait(20)
    assert client.head().status == 400
    client.send(b"!" * 50)
    with pytest.raises(Reset):
        while client.read():
            pass
    record = records.one()
    assert record["outcome"] == "rejected"
    assert "reply_impossible" in record["notes"]


def test_refusals_by_credential(http1, upstream, records):
    for path, headers, status, code in (
        (MESSAGES, [("authorization", "Bearer sk-proj-0123456789abcdef")], 403, "wrong_vendor_credential"),
        (CHAT, [("authorization", "Bearer sk-ant-api03-0123456789")], 403, "wrong_vendor_credential"),
        (RESPONSES, [("authorization", "Bearer AKIA0123456789")], 403, "wrong_vendor_credential"),
        (COPILOT, [("authorization", "Bearer gw_alice")], 401, "missing_credential"),
        (COPILOT, [], 401, "missing_credential"),
    ):
        body = {MESSAGES: messages_request, COPILOT: messages_request, CHAT: chat_request, RESPONSES: responses_request}[path]()
        error = refused(http1.request("POST", path, [JSON, *headers], body), status, path)
        assert error.get("code", code) == code
        record = records.one()
        assert (record["outcome"], record["error"]["code"], record["response"]["status"]) == ("rejected", code, status)
    assert upstream.requests == []


def test_a_background_response_is_refused(client, upstream, records):
    upstream.begin(never_completes)
    answer = client.request("POST", RESPONSES, [JSON, TOKEN], responses_request(background=True))
    error = refused(answer, 501, RESPONSES)
    assert error["code"] == "background_refused"
    record = records.one()
    assert (record["outcome"], record["model"]["requested"]) == ("rejected", "gpt-5.5")


def test_another_method_on_a_bridged_route_is_405(client, upstream, records):
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
        client.start(method, CHAT, [TOKEN], end=True)
        answer = client.answer()
        refused(answer, 405, CHAT)
        assert answer.header("allow") == "POST"
    records.none()
    assert upstream.requests == []


def test_an_http2_request_that_ends_with_trailers_is_judged_and_passes(gateway, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    with Http2(gateway.address) as client:
        body = messages_request(stream=False)
        client.start("POST", MESSAGES, [JSON, TOKEN])
        client.send(body)
        client.trail([("x-checksum", "1")])
        assert client.answer().json() == MESSAGE
        assert bytes(upstream.only().body) == body
        assert records.one()["outcome"] == "completed"

        upstream.begin(never_completes)
        client.start("POST", MESSAGES, [JSON, TOKEN])
        client.send(body[:-1])
        client.trail([("x-checksum", "1")])
        refused(client.answer(), 400)
        assert records.one()["error"]["code"] == "invalid_json"
