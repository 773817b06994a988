"""HTTP features pass or are refused as specified: 100-continue, HEAD, HTTP/1.0, trailers, early responses, upgrades."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import Any, Iterator

import pytest

from client import Http1, Http2, Reset
from conftest import Records, assert_alive
from gateway import Gateway
from h2_upstream import Http2Upstream
from refusal import never_completes, refused
from render import HTTP_OPTIONS, connection_manager_of, render
from samples import CHAT, COMPLETION, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, RESPONSES, TOKEN, chat_request, messages_request
from upstream import Exchange, json_answer, stream_answer

MODELS, COUNT = "/openai/v1/models", "/anthropic/v1/messages/count_tokens"
STREAM = b"".join(MESSAGE_STREAM)
SOCKET = [("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-version", "13")]

both_clients = pytest.mark.parametrize("kind", [Http1, Http2], ids=lambda kind: kind.name)


# === Expect: 100-continue ===


@pytest.mark.parametrize("path", [MESSAGES, COUNT])
def test_a_client_that_waits_for_100_gets_it_and_the_provider_is_asked_for_none(http1, upstream, records, path):
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(stream=False)
    http1.start("POST", path, [JSON, TOKEN, ("expect", "100-continue"), ("content-length", str(len(body)))])
    assert http1.read_interim() == 100
    http1.send(body)
    assert http1.answer().json() == MESSAGE
    assert "expect" not in upstream.only().names()
    assert len(records.all()) == int(path == MESSAGES)


def test_a_client_that_expects_100_and_sends_without_waiting_is_served_too(client, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    assert client.request("POST", MESSAGES, [JSON, TOKEN, ("expect", "100-continue")], messages_request(stream=False)).json() == MESSAGE
    assert records.one()["outcome"] == "completed"


@pytest.mark.parametrize("headers,status", [([("content-length", "33554433")], 413), ([("content-length", "10"), ("content-encoding", "deflate")], 415)])
def test_a_client_that_waits_for_100_is_refused_without_having_sent_its_body(client, upstream, records, headers, status):
    client.start("POST", MESSAGES, [JSON, TOKEN, ("expect", "100-continue"), *headers])
    refused(client.answer(), status)
    assert records.one()["response"]["status"] == status
    assert upstream.requests == []


# === methods and bodies ===


def test_head_on_passthrough_passes_as_head_and_has_no_body(client, upstream, records):
    def script(exchange: Exchange) -> None:
        exchange.head(200, {"content-type": "application/json", "content-length": "1234", "x-request-id": "r"})

    upstream.begin(script)
    for _ in range(2):      # the connection can be reused afterwards
        answer = client.request("HEAD", MODELS, [TOKEN])
        assert (answer.status, answer.body) == (200, b"")
        assert (answer.header("content-length"), answer.header("x-request-id")) == ("1234", "r")
    assert [received.method for received in upstream.requests] == ["HEAD", "HEAD"]
    records.none()


@pytest.mark.parametrize("path,status", [(MESSAGES, 405), (CHAT, 405), ("/anthropic/v1/nothing", 404), ("/anthropic/v1/../x", 400)])
def test_head_is_refused_without_a_body(client, upstream, records, path, status):
    for _ in range(2):
        answer = client.request("HEAD", path, [TOKEN])
        assert (answer.status, answer.body) == (status, b"")
        assert answer.header("allow") == ("POST" if status == 405 else None)
        assert answer.header("x-should-retry") == "false"
    records.none()
    assert upstream.requests == []


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "POST", "PUT"])
def test_a_passthrough_request_without_a_body_has_none_upstream(client, upstream, records, method):
    upstream.begin(json_answer({"data": []}))
    client.start(method, MODELS, [TOKEN], end=True)
    assert client.answer().json() == {"data": []}
    received = upstream.only()
    assert (received.method, bytes(received.body), received.complete) == (method, b"", True)
    records.none()


def test_answers_that_have_no_body_end_where_they_end(client, upstream, records):
    for status in (204, 304):
        upstream.begin(lambda exchange, status=status: (exchange.read_body(), exchange.head(status, {"x-request-id": "r"})))
        answer = client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
        assert (answer.status, answer.body) == (status, b"")
        record = records.one()
        assert record["response"]["status"] == status
    upstream.begin(lambda exchange: (exchange.read_body(), exchange.head(204)))
    assert client.request("DELETE", "/openai/v1/conversations/c", [TOKEN]).status == 204


def test_a_chunked_request_without_a_byte_is_an_empty_body(http1, upstream, records):
    upstream.begin(never_completes)
    http1.start("POST", MESSAGES, [JSON, TOKEN])
    http1.send(b"", end=True)
    refused(http1.answer(), 400)
    assert records.one()["error"]["code"] == "empty_body"


# === HTTP/1.0 ===


def old(path: str, body: bytes = b"", *headers: str, method: str = "POST") -> bytes:
    """A request of HTTP/1.0: no host, no chunks."""
    lines = [f"{method} {path} HTTP/1.0", "authorization: Bearer gw_alice", *headers]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_a_stream_to_http_1_0_ends_with_the_connection_and_is_not_chunked(http1, upstream, records):
    upstream.begin(stream_answer(*MESSAGE_STREAM))
    http1.raw(old(MESSAGES, messages_request()))
    answer = http1.answer()
    assert (answer.status, answer.body) == (200, STREAM)
    assert answer.header("transfer-encoding") is None
    record = records.one()
    assert (record["outcome"], record["usage"]["output_tokens"], record["streaming"]) == ("completed", 7, True)


def test_the_spliced_event_is_cut_for_http_1_0_as_well(http1, upstream, records):
    chunk = {"id": "c", "object": "chat.completion.chunk", "model": "gpt-5.5", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
    usage = {**chunk, "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
    wanted = f"data: {json.dumps(chunk)}\n\n".encode(), b"data: [DONE]\n\n"
    upstream.begin(stream_answer(wanted[0], f"data: {json.dumps(usage)}\n\n".encode(), wanted[1]))
    http1.raw(old(CHAT, chat_request(stream=True)))
    assert http1.answer().body == b"".join(wanted)
    record = records.one()
    assert record["usage"]["output_tokens"] == 2
    assert b"include_usage" in bytes(upstream.only().body)


@pytest.mark.parametrize(
    "request_bytes,status",
    [
        (old(MESSAGES, messages_request()[:-1]), 400), (old(MESSAGES), 400), (old(MESSAGES, method="GET"), 405), (old("/nowhere", b"{}"), 404),
        (old("/anthropic/v1/%2e%2e/x", b"{}"), 400), (old(MESSAGES, messages_request(), "x-api-key: sk-proj-0123456789"), 403),
    ],
    ids=["cut", "empty", "405", "404", "path", "403"],
)
def test_http_1_0_is_refused_in_the_dialect(http1, upstream, records, request_bytes, status):
    upstream.begin(never_completes)
    http1.raw(request_bytes)
    answer = http1.answer()
    assert answer.status == status
    assert answer.json()["error"]["message"]
    assert answer.header("transfer-encoding") is None
    assert [record["outcome"] for record in records.all()] == (["rejected"] if status in (400, 403) and b"%2e" not in request_bytes else [])


def test_passthrough_of_http_1_0(http1, upstream, records):
    upstream.begin(json_answer({"data": []}))
    http1.raw(old(MODELS, method="GET"))
    assert http1.answer().json() == {"data": []}
    assert upstream.only().header("host") == "api.openai.com"
    records.none()


def test_an_http_1_0_client_that_keeps_its_connection_may_ask_again(http1, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    for _ in range(2):
        http1.raw(old(MESSAGES, messages_request(stream=False), "connection: keep-alive"))
        assert http1.answer().json() == MESSAGE
    assert [record["outcome"] for record in records.all()] == ["completed"] * 2


# === trailers, with providers that speak HTTP/1.1 ===


@pytest.mark.parametrize("path,answer", [(MESSAGES, STREAM), (MESSAGES, MESSAGE), (CHAT, COMPLETION)], ids=["stream", "document", "chat"])
def test_an_answer_that_ends_with_trailers_is_read_to_its_end(client, upstream, records, path, answer):
    """The shipped configuration drops HTTP/1.1 trailers, as Envoy does by default."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream(headers={"content-type": "text/event-stream" if answer is STREAM else "application/json"})
        exchange.chunk(body)
        exchange.end({"x-sum": "1"})

    upstream.begin(script)
    request = chat_request() if path == CHAT else messages_request(stream=answer is STREAM)
    got = client.request("POST", path, [JSON, TOKEN], request)
    assert got.body == body
    record = records.one()
    assert record["outcome"] == "completed", record
    if path == MESSAGES:
        assert record["usage"]["usage_status"] == "complete"


def with_trailers(config: Any) -> None:
    """HTTP/1.1 trailers in both directions, which Envoy drops by default."""
    connection_manager_of(config)["http_protocol_options"]["enable_trailers"] = True
    for cluster in config["static_resources"]["clusters"]:
        cluster["typed_extension_protocol_options"][HTTP_OPTIONS]["explicit_http_config"] = {"http_protocol_options": {"enable_trailers": True}}


def test_where_envoy_passes_trailers_they_pass_both_ways(upstream):
    with Gateway(render(upstream.address, change=with_trailers)) as gateway:
        records = Records(gateway)

        def script(exchange: Exchange) -> None:
            exchange.read_body()
            exchange.stream()
            for part in MESSAGE_STREAM:
                exchange.chunk(part)
            exchange.end({"x-sum": "1"})

        for kind in (Http1, Http2):
            upstream.begin(script)
            with kind(gateway.address) as client:
                body = messages_request()
                client.start("POST", MESSAGES, [JSON, TOKEN])
                client.send(body)
                if kind is Http1:
                    client.raw(b"0\r\nx-checksum: 7\r\n\r\n")
                else:
                    client.trail([("x-checksum", "7")])
                answer = client.answer()
            assert answer.body == STREAM
            assert answer.trailers == [("x-sum", "1")]
            assert bytes(upstream.only().body) == body
            assert records.one()["outcome"] == "completed"

            upstream.begin(never_completes)
            with kind(gateway.address) as client:
                client.start("POST", MESSAGES, [JSON, TOKEN])
                client.send(body[:-1])
                if kind is Http1:
                    client.raw(b"0\r\nx-checksum: 7\r\n\r\n")
                else:
                    client.trail([("x-checksum", "7")])
                refused(client.answer(), 400)
            assert records.one()["error"]["code"] == "invalid_json"
        assert_alive(gateway)


# === providers that speak HTTP/2 ===


@contextmanager
def http2_provider(body: bytes, **more: Any) -> Iterator[tuple[Gateway, Http2Upstream, Records]]:
    with Http2Upstream(body, **more) as server, Gateway(render(server.address, http2_upstream=True)) as gateway:
        yield gateway, server, Records(gateway)
        assert_alive(gateway)


def test_http2_behind_serves_both_and_trailers_pass_both_ways():
    with http2_provider(STREAM, trailers=[("x-sum", "1")]) as (gateway, server, records):
        for kind in (Http1, Http2):
            with kind(gateway.address) as client:
                body = messages_request(prompt=kind.name)
                client.start("POST", MESSAGES, [JSON, TOKEN])
                client.send(body, end=kind is Http1)
                if kind is Http2:
                    client.trail([("x-checksum", "7")])
                answer = client.answer()
                assert (answer.status, answer.body) == (200, STREAM)
                if kind is Http2:
                    assert answer.trailers == [("x-sum", "1")]
                    assert server.trails == [[("x-checksum", "7")]]
                assert server.bodies[-1] == body
                head = dict(server.heads[-1])
                assert (head[":authority"], head[":path"], head["x-api-key"]) == ("api.anthropic.com", "/v1/messages", "sk-ant-central-0123456789")
                record = records.one()
                assert (record["outcome"], record["prompt"]) == ("completed", kind.name)
                assert client.request("GET", MODELS, [TOKEN]).body == STREAM
        records.none()


@both_clients
def test_an_early_http2_response_reaches_the_client_during_its_upload(kind):
    error = {"error": {"message": "too long", "type": "invalid_request_error", "param": None, "code": "context_length_exceeded"}}
    with http2_provider(json.dumps(error).encode(), status=400, content_type="application/json", early=1000) as (gateway, _, records):
        with kind(gateway.address) as client:
            body = chat_request(prompt="x" * 100_000)
            client.start("POST", CHAT, [JSON, TOKEN, ("content-length", str(len(body)))])
            client.send(body[:20_000])
            answer = client.answer()
            assert (answer.status, answer.json()) == (400, error)
        record = records.one()
        assert (record["outcome"], record["error"]["code"]) == ("failed", "context_length_exceeded")


@both_clients
def test_an_early_successful_response_is_read(kind):
    with http2_provider(STREAM, early=1000) as (gateway, _, records):
        with kind(gateway.address) as client:
            body = messages_request(prompt="x" * 100_000)
            client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
            client.send(body[:20_000])
            assert client.answer().body == STREAM
        record = records.one()
        assert (record["outcome"], record["model"]["served"], record["usage"]["output_tokens"]) == ("completed", "claude-opus-4-8", 7)


# === upgrades ===


@pytest.mark.parametrize(
    "path,status,body_path",
    [(MESSAGES, 426, MESSAGES), (CHAT, 426, CHAT), (RESPONSES, 426, RESPONSES), ("/copilot/responses", 426, RESPONSES), (MODELS, 501, CHAT), ("/openai/v1/responses/r", 501, CHAT)],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_upgrade_is_refused_at_once_in_the_dialect(http1, upstream, records, path, status, body_path, method):
    http1.start(method, path, [("upgrade", "websocket"), ("connection", "Upgrade"), *SOCKET, TOKEN], end=True)
    error = refused(http1.answer(), status, body_path)
    assert error["type"] == "invalid_request_error"
    records.none()
    assert upstream.requests == []


class ExtendedConnect(Http2):
    """WebSocket over HTTP/2 (RFC 8441)."""

    def connect(self, path: str, protocol: str = "websocket") -> None:
        self._stream = self._h2.get_next_available_stream_id()
        self._answer, self._parts, self._ended, self._broken, self.trailers = None, [], False, "", []
        headers = [
            (":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":authority", "gateway.test"), (":path", path), ("sec-websocket-version", "13"), TOKEN,
        ]
        self._h2.send_headers(self._stream, [(name.encode(), value.encode()) for name, value in headers])
        self._flush()


def test_websocket_over_http2_is_not_offered_and_never_tunnelled(gateway, upstream, records):
    """The shipped configuration does not announce RFC 8441. A client that uses it anyway is cut off."""
    for path in (RESPONSES, MODELS):
        with ExtendedConnect(gateway.address) as client:
            client.connect(path)
            with pytest.raises(Reset):
                client.answer()
    records.none()
    assert upstream.requests == []


def test_where_envoy_offers_websocket_over_http2_it_is_refused_like_any_other(upstream):
    def offer(config: Any) -> None:
        connection_manager_of(config)["http2_protocol_options"]["allow_connect"] = True

    with Gateway(render(upstream.address, change=offer)) as gateway:
        records = Records(gateway)
        for path, status in ((RESPONSES, 426), (MESSAGES, 426), (MODELS, 501)):
            with ExtendedConnect(gateway.address) as client:
                client.connect(path)
                refused(client.answer(), status, path if path == MESSAGES else CHAT)
        records.none()
        assert upstream.requests == []
        assert_alive(gateway)


@pytest.mark.parametrize("protocol,status", [("h2c", 200), ("TLS/1.0", 403), ("foo", 403), ("websocket, h2c", 403)])
@pytest.mark.parametrize("path", [MESSAGES, MODELS])
def test_no_other_upgrade_is_tunnelled(http1, upstream, path, protocol, status):
    """Envoy ignores `h2c`, as HTTP allows, and refuses every upgrade that `upgrade_configs` does not name."""
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(stream=False)
    http1.start("POST", path, [("upgrade", protocol), ("connection", "Upgrade, HTTP2-Settings"), ("http2-settings", "AAMAAABkAAQAAP__"), JSON, TOKEN, ("content-length", str(len(body)))])
    http1.send(body)
    assert http1.answer().status == status
    assert len(upstream.requests) == (1 if status == 200 else 0)
    for received in upstream.requests:
        assert received.names() & {"upgrade", "connection", "http2-settings"} == set()


def test_every_upgrade_that_envoy_offers_is_refused(upstream):
    def offer(config: Any) -> None:
        connection_manager_of(config)["upgrade_configs"] = [{"upgrade_type": each} for each in ("websocket", "foo", "TLS/1.0", "CONNECT")]

    with Gateway(render(upstream.address, change=offer)) as gateway:
        records = Records(gateway)
        upstream.begin(json_answer(MESSAGE))
        for protocol in ("websocket", "WebSocket", "foo", "TLS/1.0"):
            for method, path, status in (("GET", CHAT, 426), ("POST", MESSAGES, 426), ("GET", "/copilot/v1/messages/", 426), ("GET", MODELS, 501), ("GET", "/openai/v1/files", 404)):
                with Http1(gateway.address) as client:
                    client.start(method, path, [("upgrade", protocol), ("connection", "keep-alive, Upgrade"), TOKEN], end=True)
                    refused(client.answer(), status, MESSAGES if path.rstrip("/").endswith("messages") else path)
        with Http1(gateway.address) as client:
            client.raw(b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com:443\r\nauthorization: Bearer gw_a\r\nx-ai-bridge-cluster: openai\r\n\r\n")
            refused(client.answer(), 404, CHAT)
        records.none()
        assert upstream.requests == []
        # RFC 9110 §7.8: without `Connection: upgrade` the header asks for nothing.
        with Http1(gateway.address) as client:
            assert client.request("POST", MESSAGES, [("upgrade", "websocket"), JSON, TOKEN], messages_request(stream=False)).json() == MESSAGE
        assert "upgrade" not in upstream.only().names()
        assert records.one()["outcome"] == "completed"
        assert_alive(gateway)


def test_connect_is_refused(gateway, upstream, records):
    with Http1(gateway.address) as client:
        client.raw(b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com:443\r\nauthorization: Bearer gw_a\r\nx-ai-bridge-cluster: openai\r\n\r\n")
        assert client.head().status in (400, 403, 404)
    with Http2(gateway.address) as client:
        client._stream = client._h2.get_next_available_stream_id()
        client._h2.send_headers(client._stream, [(":method", "CONNECT"), (":authority", "api.openai.com:443"), ("x-ai-bridge-cluster", "openai")])
        client._flush()
        try:
            assert client.head().status in (400, 403, 404)
        except Reset:
            pass
    records.none()
    assert upstream.requests == []
