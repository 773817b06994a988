"""Every way a request can end leaves exactly one record with the right outcome."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from client import Http1, Reset
from conftest import Records, assert_alive
from gateway import Gateway
from refusal import refused
from render import connection_manager_of, render
from samples import CHAT, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, RESPONSES, TOKEN, chat_request, event, messages_request, responses_request
from upstream import Exchange, PeerGone, Upstream, json_answer

# The breaker has tests of its own; here it would interfere, because every test causes failures.
GATEWAY = {"breaker": {"consecutive_5xx": 1_000_000}, "connection_manager": {"stream_idle_timeout": "1s"}}

CHAT_USAGE = b'data: {"id":"c","model":"gpt-5.5","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":7}}\n\n'
COMPLETED = event("response.completed", response={"id": "r", "status": "completed", "usage": {"input_tokens": 3, "output_tokens": 7}})


def begin(client, path: str = MESSAGES, body: bytes | None = None) -> None:
    body = messages_request() if body is None else body
    client.start("POST", path, [JSON, TOKEN, ("content-length", str(len(body)))])
    client.send(body, end=True)


def read_to_the_end(client) -> bytes:
    got = b""
    with pytest.raises(Reset):
        while part := client.read():
            got += part
        raise AssertionError("the answer ended in good order")
    return got


# === the client ===


def test_a_client_that_leaves_while_uploading(client, upstream, records):
    def script(exchange: Exchange) -> None:
        with pytest.raises(PeerGone):
            exchange.read_body()

    upstream.begin(script)
    body = messages_request()
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
    client.send(body[:-10])
    upstream.wait_until(lambda: bool(upstream.requests) and len(upstream.requests[0].body) >= len(body) - 10, "the upload is on its way")
    client.reset()
    record = records.one()
    assert record["outcome"] == "aborted_client"
    assert record["model"]["requested"] == "claude-opus-4-8"


def test_a_client_that_leaves_before_the_answer(client, upstream, records):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.wait_until_gone()

    upstream.begin(script)
    begin(client)
    upstream.wait_until(lambda: bool(upstream.requests) and upstream.requests[0].complete, "the request is upstream")
    client.reset()
    record = records.one()
    assert record["outcome"] == "aborted_client"
    assert record["prompt"] == "Why is the sky blue?"


def test_a_client_that_leaves_in_the_middle_of_a_stream(client, upstream, records):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(b"".join(MESSAGE_STREAM[:3]))
        exchange.wait_until_gone()

    upstream.begin(script)
    begin(client)
    client.head()
    client.read_until("🌤".encode())
    client.reset()
    record = records.one()
    assert record["outcome"] == "aborted_client"
    assert record["response"]["id"] == "msg_01"
    assert record["usage"]["usage_status"] == "partial"


@pytest.mark.parametrize(
    "path,body,events,last",
    [
        (MESSAGES, messages_request(), MESSAGE_STREAM[:-1], MESSAGE_STREAM[-1]),
        (CHAT, chat_request(stream=True, stream_options={"include_usage": True}), [CHAT_USAGE], b"data: [DONE]\n\n"),
        (RESPONSES, responses_request(stream=True), [event("response.created", response={"id": "r"})], COMPLETED),
    ],
    ids=["messages", "chat", "responses"],
)
def test_a_client_that_leaves_after_the_last_event_is_completed(client, upstream, records, path, body, events, last):
    """As the OpenAI SDK does: it closes on `[DONE]`, before HTTP ends."""

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(b"".join(events) + last)
        exchange.wait_until_gone()

    upstream.begin(script)
    begin(client, path, body)
    client.head()
    client.read_until(last)
    client.reset()
    record = records.one()
    assert record["outcome"] == "completed"
    assert (record["usage"]["usage_status"], record["usage"]["output_tokens"]) == ("complete", 7)


def test_a_client_that_leaves_after_the_last_byte_of_a_document(client, upstream, records):
    text = json.dumps(MESSAGE).encode()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream(headers={"content-type": "application/json"})
        exchange.chunk(text)
        exchange.wait_until_gone()

    upstream.begin(script)
    begin(client, body=messages_request(stream=False))
    client.head()
    assert client.read_until(b"}}") == text
    client.reset()
    record = records.one()
    assert (record["outcome"], record["usage"]["usage_status"]) == ("completed", "complete")


def test_a_client_that_leaves_while_both_directions_are_open(client, upstream, records):
    def script(exchange: Exchange) -> None:
        exchange.read_at_least(10)
        exchange.stream()
        exchange.chunk(MESSAGE_STREAM[0])
        exchange.wait_until_gone()

    upstream.begin(script)
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", "1000")])
    client.send(messages_request()[:20])
    client.head()
    client.read_until(b"\n\n")
    client.reset()
    record = records.one()
    assert (record["outcome"], record["response"]["id"]) == ("aborted_client", "msg_01")


# === the provider ===


def test_a_provider_that_resets_before_it_answers(client, upstream, records):
    for path, body in ((MESSAGES, messages_request()), (CHAT, chat_request()), (RESPONSES, responses_request())):
        upstream.begin(lambda exchange: (exchange.read_body(), exchange.reset()))
        begin(client, path, body)
        refused(client.answer(), 503, path, retry=None)
        record = records.one()
        assert (record["outcome"], record["response"]["status"]) == ("unavailable", 503)


def test_a_provider_that_resets_while_the_client_uploads(client, upstream, records):
    upstream.begin(lambda exchange: (exchange.read_at_least(10), exchange.reset()))
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", "1000")])
    client.send(messages_request()[:50])
    refused(client.answer(), 503, retry=None)
    record = records.one()
    assert (record["outcome"], record["model"].get("requested")) == ("unavailable", "claude-opus-4-8")


def test_a_provider_that_resets_in_the_middle_of_a_stream(client, upstream, records):
    sent = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(b"".join(MESSAGE_STREAM[:3]))
        assert sent.wait(20)
        exchange.reset()

    upstream.begin(script)
    begin(client)
    client.head()
    got = client.read_until("🌤".encode())
    sent.set()
    got += read_to_the_end(client)
    assert got == b"".join(MESSAGE_STREAM[:3])
    assert records.one()["outcome"] == "aborted_upstream"


def test_a_provider_that_closes_early(client, upstream, records):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.head(200, {"content-type": "application/json", "content-length": "100"})
        exchange.send(b'{"id":"msg_1"')
        exchange.close()

    upstream.begin(script)
    begin(client, body=messages_request(stream=False))
    try:
        client.head()
    except Reset:
        pass
    else:
        read_to_the_end(client)
    assert records.one()["outcome"] == "aborted_upstream"


def test_a_stream_that_ends_in_good_order_but_without_its_last_event(client, upstream, records):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(b"".join(MESSAGE_STREAM[:-1]))
        exchange.end()

    upstream.begin(script)
    begin(client)
    assert client.answer().body == b"".join(MESSAGE_STREAM[:-1])
    assert records.one()["outcome"] == "aborted_upstream"


def test_a_stream_that_trailers_end_without_its_last_event(client, upstream, records):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(b"".join(MESSAGE_STREAM[:-1]))
        exchange.end({"x-sum": "1"})

    upstream.begin(script)
    begin(client)
    assert client.answer().body == b"".join(MESSAGE_STREAM[:-1])
    assert records.one()["outcome"] == "aborted_upstream"


def test_a_provider_that_falls_silent(client, upstream, records):
    """With Envoy's idle timeout: before the answer 504 in the dialect, after it a cut stream."""
    upstream.begin(lambda exchange: (exchange.read_body(), exchange.wait_until_gone()))
    begin(client)
    refused(client.answer(), 504, retry=None)
    assert records.one()["outcome"] == "unavailable"


def test_a_stream_that_falls_silent(client, upstream, records):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_STREAM[0])
        exchange.wait_until_gone()

    upstream.begin(script)
    begin(client)
    client.head()
    assert read_to_the_end(client) == MESSAGE_STREAM[0]
    assert records.one()["outcome"] == "aborted_upstream"


def test_a_client_that_falls_silent_while_uploading(client, upstream, records):
    upstream.begin(lambda exchange: exchange.wait_until_gone())
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", "1000")])
    client.send(b'{"model":"m",')
    answer = client.answer()
    assert answer.status == 408
    record = records.one()
    assert record["outcome"] == "aborted_client"


def test_a_provider_that_speaks_something_else(client, upstream, records):
    upstream.begin(lambda exchange: (exchange.read_body(), exchange.send(b"SSH-2.0-OpenSSH\r\n\r\n"), exchange.close()))
    begin(client)
    refused(client.answer(), 502, retry=None)
    record = records.one()
    assert record["outcome"] in ("unavailable", "failed"), record


def test_an_error_of_the_provider_passes_untouched_and_is_recorded(client, upstream, records):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}
    upstream.begin(json_answer(error, 529, {"retry-after": "7", "x-should-retry": "true"}))
    begin(client)
    answer = client.answer()
    assert (answer.status, answer.json()) == (529, error)
    assert (answer.header("retry-after"), answer.header("x-should-retry")) == ("7", "true")
    record = records.one()
    assert record["outcome"] == "failed"
    assert record["error"]["type"] == "overloaded_error" and record["error"]["message"] == "Overloaded"
    assert record["response"]["status"] == 529


def test_an_early_answer_during_the_upload_is_read_and_recorded(client, upstream, records):
    error = {"error": {"message": "too long", "type": "invalid_request_error", "param": None, "code": "context_length_exceeded"}}

    def script(exchange: Exchange) -> None:
        exchange.read_at_least(10)
        exchange.reply(400, error, {"connection": "close"})
        exchange.close()

    upstream.begin(script)
    body = chat_request(prompt="x" * 100_000)
    client.start("POST", CHAT, [JSON, TOKEN, ("content-length", str(len(body)))])
    client.send(body[:20_000])
    answer = client.answer()
    assert (answer.status, answer.json()) == (400, error)
    record = records.one()
    assert record["outcome"] == "failed"
    assert record["error"]["code"] == "context_length_exceeded"


def test_envoys_own_404_and_503_are_in_the_dialect(upstream):
    def no_routes(config: Any) -> None:
        for host in connection_manager_of(config)["route_config"]["virtual_hosts"]:
            host["routes"] = []

    def no_clusters(config: Any) -> None:
        config["static_resources"]["clusters"] = []

    for change, status, kind, outcome in ((no_routes, 404, "not_found_error", "rejected"), (no_clusters, 503, "", "unavailable")):
        with Gateway(render(upstream.address, change=change)) as gateway:
            seen = Records(gateway)
            for path in (MESSAGES, CHAT, "/openai/v1/models"):
                bridged = path != "/openai/v1/models"
                with Http1(gateway.address) as client:
                    answer = client.request("POST" if bridged else "GET", path, [JSON, TOKEN], messages_request() if bridged else None)
                error = refused(answer, status, path, retry="false" if status == 404 else None)
                assert error["type"] == (kind or ("overloaded_error" if path == MESSAGES else "server_error"))
                left = seen.all()
                assert [record["outcome"] for record in left] == ([outcome] if bridged else [])
                assert [answer.header("x-ai-bridge-id")] == ([record["id"] for record in left] or [None])
            assert_alive(gateway)


def test_an_error_event_in_a_stream_that_began_well_is_a_failure(client, upstream, records):
    broken = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_STREAM[0] + broken)
        exchange.end()

    upstream.begin(script)
    begin(client)
    assert client.answer().body == MESSAGE_STREAM[0] + broken
    record = records.one()
    assert (record["outcome"], record["error"]["type"], record["response"]["status"]) == ("failed", "overloaded_error", 200)


def test_no_provider_at_all_is_503_in_the_dialect():
    with Upstream() as nobody:
        pass                                         # closed again: no server listens on the port
    with Gateway(render(nobody.address)) as gateway:
        seen = Records(gateway)
        with Http1(gateway.address) as client:
            for path, body in ((MESSAGES, messages_request()), (CHAT, chat_request())):
                begin(client, path, body)
                refused(client.answer(), 503, path, retry=None)
                record = seen.one()
                assert record["outcome"] == "unavailable"
                assert nobody.address[0] not in str(record["error"])
