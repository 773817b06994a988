"""HTTP/1.0, HTTP/1.1 and HTTP/2 on both sides, in every combination: the same bytes, the same record."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator

import pytest

from client import Answer, Headers, Http1, Http2
from conftest import Records, assert_alive
from gateway import Gateway
from h2_upstream import Http2Upstream
from refusal import refused
from render import render
from samples import CHAT, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, RESPONSES, TOKEN, chat_request, messages_request
from upstream import Exchange, Script, Upstream

MODELS = "/openai/v1/models"
STREAM = b"".join(MESSAGE_STREAM)
CHUNK = {"id": "c", "object": "chat.completion.chunk", "model": "gpt-5.5", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
USAGE = {**CHUNK, "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
CHAT_STREAM = f"data: {json.dumps(CHUNK)}\n\n".encode(), f"data: {json.dumps(USAGE)}\n\n".encode(), b"data: [DONE]\n\n"


# === clients ===


def ask_http_1_0(address: tuple[str, int], method: str, target: str, headers: Headers, body: bytes = b"") -> Answer:
    length = [("content-length", str(len(body)))] if body else []
    lines = [f"{method} {target} HTTP/1.0", *(f"{name}: {value}" for name, value in [*headers, *length])]
    with Http1(address) as client:
        client._request_method = method
        client.raw("\r\n".join([*lines, "", ""]).encode() + body)
        return client.answer()


def ask(kind: Any) -> Callable[..., Answer]:
    def request(address: tuple[str, int], method: str, target: str, headers: Headers, body: bytes = b"") -> Answer:
        with kind(address) as client:
            return client.request(method, target, headers, body or None)

    return request


FRONTS = {"1.0": ask_http_1_0, "1.1": ask(Http1), "2": ask(Http2)}


# === providers ===


def http_1_0(body: bytes, content_type: str) -> Script:
    """A response without length and chunks ends with the connection."""

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(f"HTTP/1.0 200 OK\r\ncontent-type: {content_type}\r\n\r\n".encode())
        if exchange.received.method != "HEAD":
            exchange.send(body)
        exchange.close()

    return script


def http_1_1(body: bytes, content_type: str) -> Script:
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream(headers={"content-type": content_type})
        if exchange.received.method != "HEAD":
            exchange.chunk(body[:50])
            exchange.chunk(body[50:])
            exchange.end()

    return script


class Behind:
    """A gateway, and a provider that speaks one version of HTTP."""

    def __init__(self, gateway: Gateway, server: Upstream | Http2Upstream, script: Callable[[bytes, str], Script]) -> None:
        self.gateway = gateway
        self.records = Records(gateway)
        self._server = server
        self._script = script

    def begin(self, body: bytes, content_type: str = "text/event-stream") -> None:
        """Clears what was received; the next requests get this response."""
        if isinstance(self._server, Upstream):
            self._server.begin(self._script(body, content_type))
        else:
            self._server.begin(body, content_type)

    def got(self) -> list[tuple[str, str, bytes]]:
        """Methods, paths and bodies."""
        if isinstance(self._server, Upstream):
            return [(request.method, request.target, bytes(request.body)) for request in self._server.requests]
        heads = [dict(head) for head in self._server.heads]
        return [(head[":method"], head[":path"], sent) for head, sent in zip(heads, self._server.bodies, strict=True)]


@pytest.fixture(scope="module", params=["1.0", "1.1", "2"])
def behind(request: pytest.FixtureRequest) -> Iterator[Behind]:
    with Http2Upstream(b"") if request.param == "2" else Upstream() as server:
        with Gateway(render(server.address, http2_upstream=request.param == "2")) as gateway:
            yield Behind(gateway, server, http_1_0 if request.param == "1.0" else http_1_1)
            assert_alive(gateway)
        if isinstance(server, Upstream):
            assert server.failures == []


# === both sides ===


def test_a_stream_passes_between_all_versions_and_is_read(behind):
    behind.begin(STREAM)
    for front, request in FRONTS.items():
        body = messages_request(prompt=front)
        answer = request(behind.gateway.address, "POST", MESSAGES, [JSON, TOKEN], body)
        assert (answer.status, answer.body) == (200, STREAM), front
        assert behind.got()[-1] == ("POST", "/v1/messages", body)
        record = behind.records.one()
        assert (record["outcome"], record["usage"]["usage_status"], record["prompt"]) == ("completed", "complete", front)


def test_the_one_edit_and_its_cut_hold_between_all_versions(behind):
    behind.begin(b"".join(CHAT_STREAM))
    for front, request in FRONTS.items():
        answer = request(behind.gateway.address, "POST", CHAT, [JSON, TOKEN], chat_request(stream=True))
        assert (answer.status, answer.body) == (200, CHAT_STREAM[0] + CHAT_STREAM[2]), front
        _, _, sent = behind.got()[-1]
        assert json.loads(sent) == {**json.loads(chat_request(stream=True)), "stream_options": {"include_usage": True}}
        record = behind.records.one()
        assert (record["outcome"], record["usage"]["output_tokens"]) == ("completed", 2), front


def test_a_document_passes_between_all_versions_and_is_read(behind):
    document = json.dumps(MESSAGE).encode()
    behind.begin(document, "application/json")
    for front, request in FRONTS.items():
        answer = request(behind.gateway.address, "POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
        assert (answer.status, answer.body) == (200, document), front
        assert behind.records.one()["response"]["id"] == "msg_02"


def test_passthrough_works_between_all_versions_with_any_body(behind):
    behind.begin(b"\x00\xff" * 100, "application/octet-stream")
    for front, request in FRONTS.items():
        for method, body in (("POST", b"\xff\x00"), ("GET", b""), ("DELETE", b""), ("HEAD", b"")):
            answer = request(behind.gateway.address, method, f"{MODELS}/a%2Fb?x", [TOKEN], body)
            assert (answer.status, answer.body) == (200, b"" if method == "HEAD" else b"\x00\xff" * 100), (front, method)
            assert answer.header("content-type") == "application/octet-stream"
            assert behind.got()[-1] == (method, "/v1/models/a%2Fb?x", body), front
    behind.records.none()


def test_refusals_are_the_same_in_all_versions(behind):
    behind.begin(STREAM)
    for front, request in FRONTS.items():
        for method, path, body, status in [
            ("POST", MESSAGES, b"", 400), ("GET", RESPONSES, b"", 405), ("POST", "/anthropic/v1/messages/x", b"{}", 404), ("POST", "/copilot/v1/messages", b"{}", 401),
        ]:
            headers = [JSON] if path.startswith("/copilot") else [JSON, TOKEN]
            refused(request(behind.gateway.address, method, path, headers, body), status, MESSAGES if "messages" in path else path)
        answer = request(behind.gateway.address, "HEAD", MESSAGES, [TOKEN])
        assert (answer.status, answer.body, answer.header("allow")) == (405, b"", "POST"), front
        assert [record["response"]["status"] for record in behind.records.all()] == [400, 401]
    assert behind.got() == []


def test_the_gateway_answers_expect_100_continue_in_all_versions(behind):
    behind.begin(STREAM)
    for path, target in ((MESSAGES, "/v1/messages"), ("/anthropic/v1/messages/count_tokens", "/v1/messages/count_tokens")):
        body = messages_request()
        with Http1(behind.gateway.address) as client:
            client.start("POST", path, [JSON, TOKEN, ("expect", "100-continue"), ("content-length", str(len(body)))])
            assert client.read_interim() == 100
            client.send(body)
            assert client.answer().body == STREAM
        with Http2(behind.gateway.address) as client:
            client.start("POST", path, [JSON, TOKEN, ("expect", "100-continue")])
            client.send(body, end=True)
            assert client.answer().body == STREAM
        assert behind.got()[-2:] == [("POST", target, body)] * 2
    assert [record["outcome"] for record in behind.records.all()] == ["completed"] * 2


def test_an_upgrade_is_refused_in_all_versions(behind):
    upgrade = [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-version", "13"), TOKEN]
    behind.begin(STREAM)
    for path, status in ((MESSAGES, 426), (CHAT, 426), (RESPONSES, 426), (MODELS, 501), ("/anthropic/v1/nothing", 404)):
        with Http1(behind.gateway.address) as client:
            client.start("GET", path, upgrade, end=True)
            refused(client.answer(), status, MESSAGES if path.startswith("/anthropic") else path)
    behind.records.none()
    assert behind.got() == []
