"""Requests and responses stream through unchanged, in any chunking, and each leaves one correct record."""

from __future__ import annotations

import threading

from client import Http1
from samples import (
    CHAT, COMPLETION, JSON, MESSAGE, MESSAGE_START, MESSAGE_STREAM, MESSAGES, RESPONSE, RESPONSES, TOKEN,
    chat_request, event, messages_request, responses_request,
)
from upstream import Exchange, json_answer, stream_answer

CONCURRENCY = 2


def test_a_streamed_message_passes_unchanged_and_leaves_one_truthful_record(client, upstream, records):
    upstream.begin(stream_answer(*MESSAGE_STREAM, headers={"request-id": "req_1", "anthropic-ratelimit-requests-remaining": "41", "server": "cloudflare"}))
    body = messages_request()

    answer = client.request("POST", MESSAGES + "?beta=true", [JSON, TOKEN, ("anthropic-version", "2026-10-21"), ("user-agent", "claude-cli/2.1.330 (external, cli)")], body)

    assert answer.status == 200
    assert answer.body == b"".join(MESSAGE_STREAM)
    assert answer.header("request-id") == "req_1"
    assert answer.header("anthropic-ratelimit-requests-remaining") == "41"
    assert answer.header("server") == "cloudflare"
    assert answer.header("content-type") == "text/event-stream"

    received = upstream.only()
    assert (received.method, received.target, bytes(received.body)) == ("POST", "/v1/messages?beta=true", body)
    assert received.header("host") == "api.anthropic.com"
    assert received.header("x-api-key") == "sk-ant-central-0123456789"
    assert received.header("content-length") == str(len(body))
    assert received.header("anthropic-version") == "2026-10-21"
    assert "authorization" not in received.names()

    record = records.one()
    assert record["version"] == 1
    assert record["outcome"] == "completed"
    assert record["provider"] == {"type": "anthropic", "name": "anthropic"}
    assert (record["api"], record["method"], record["path"]) == ("messages", "POST", MESSAGES)
    assert record["upstream"] == {"host": "api.anthropic.com", "cluster": "anthropic", "request_id": "req_1"}
    assert record["streaming"] is True
    assert record["client"] == "Claude Code"
    assert record["model"] == {"requested": "claude-opus-4-8", "served": "claude-opus-4-8"}
    assert record["prompt"] == "Why is the sky blue?"
    assert record["response"]["status"] == 200
    assert record["response"]["finish_reasons"] == ["end_turn"]
    usage = record["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["cache_read_tokens"], usage["total_input_tokens"]) == (12, 7, 100, 112)
    assert usage["usage_status"] == "complete"
    assert record["duration_ms"] >= record["time_to_first_event_ms"] >= 0
    assert record["credential"]["kind"] == "centralized"
    assert "sk-ant-central" not in str(record)


def test_documents_of_all_three_apis_are_read(client, upstream, records):
    for path, request, answer in (
        (MESSAGES, messages_request(stream=False), MESSAGE),
        (CHAT, chat_request(), COMPLETION),
        (RESPONSES, responses_request(), RESPONSE),
    ):
        upstream.begin(json_answer(answer))
        got = client.request("POST", path, [JSON, TOKEN], request)
        assert (got.status, got.json()) == (200, answer)
        assert bytes(upstream.only().body) == request
        record = records.one()
        assert record["streaming"] is False
        assert record["outcome"] == "completed", record
        assert record["usage"]["output_tokens"] == 3
        assert record["usage"]["usage_status"] == "complete"
        assert record["response"]["id"] == answer["id"]


def test_an_upload_of_30_megabytes_streams_to_the_provider(client, upstream, records):
    seen = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_at_least(100_000)
        seen.set()
        exchange.read_body()
        exchange.reply(200, MESSAGE)

    upstream.begin(script)
    size = 30_000_000 if client.name == "http1" else 5_000_000      # HTTP/2 in Python is slow
    body = messages_request(stream=False, prompt="b" * size)
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
    client.send(body[:200_000])
    assert seen.wait(20), "the provider waits for bytes that the client has sent"
    client.send(body[200_000:], end=True)
    assert client.answer().json() == MESSAGE
    assert bytes(upstream.only().body) == body
    record = records.one()
    assert record["outcome"] == "completed"
    assert record["prompt"].startswith("bbbb") and len(record["prompt"]) <= 65536
    assert record["notes"]


def test_the_client_sees_the_first_event_while_the_provider_still_streams(client, upstream, records):
    go_on = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_STREAM[0])
        assert go_on.wait(20)
        for part in MESSAGE_STREAM[1:]:
            exchange.chunk(part)
        exchange.end()

    upstream.begin(script)
    body = messages_request()
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
    client.send(body, end=True)
    assert client.head().status == 200
    first = client.read_until(b"\n\n")
    assert first == MESSAGE_STREAM[0]
    go_on.set()
    rest = b""
    while part := client.read():
        rest += part
    assert first + rest == b"".join(MESSAGE_STREAM)
    assert records.one()["outcome"] == "completed"


def test_bytes_that_end_no_event_are_not_held_back(client, upstream, records):
    arrived = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_START[:10])
        assert arrived.wait(20)
        exchange.chunk(MESSAGE_START[10:] + b"".join(MESSAGE_STREAM[1:]))
        exchange.end()

    upstream.begin(script)
    body = messages_request()
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
    client.send(body, end=True)
    client.head()
    got = client.read()
    assert got == MESSAGE_START[:10]
    arrived.set()
    while part := client.read():
        got += part
    assert got == b"".join(MESSAGE_STREAM)
    assert records.one()["usage"]["output_tokens"] == 7


def test_every_split_of_a_stream_in_two_arrives_unchanged_and_reads_the_same(gateway, upstream, records):
    stream = b"".join(MESSAGE_STREAM)
    here: list[threading.Event] = []
    splits: list[int] = []

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        at = splits[-1]
        exchange.stream()
        exchange.chunk(stream[:at])
        assert here[-1].wait(20)         # so that Envoy cannot see both parts at once
        exchange.chunk(stream[at:])
        exchange.end()

    upstream.begin(script)
    body = messages_request()
    with Http1(gateway.address) as client:
        for at in range(1, len(stream)):
            splits.append(at)
            here.append(threading.Event())
            client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
            client.send(body)
            client.head()
            got = b""
            while len(got) < at:
                got += client.read()
            assert got == stream[:at]
            here[-1].set()
            while part := client.read():
                got += part
            assert got == stream, at

    written = records.all()
    assert len(written) == len(stream) - 1
    changing = {"id", "request_id", "started_at", "ended_at", "duration_ms", "time_to_first_event_ms"}
    different = {str({key: value for key, value in record.items() if key not in changing}) for record in written}
    assert len(different) == 1, different


def test_every_split_of_a_request_in_two_arrives_unchanged_and_reads_the_same(gateway, upstream, records):
    body = messages_request(stream=False, prompt="two: é \\ \"quoted\" 🌤")
    arrived: list[int] = []
    splits: list[int] = []
    halfway: list[threading.Event] = []

    def script(exchange: Exchange) -> None:
        exchange.read_at_least(splits[-1])
        halfway[-1].set()
        assert exchange.read_body() == body
        arrived.append(splits[-1])
        exchange.reply(200, MESSAGE)

    upstream.begin(script)
    with Http1(gateway.address) as client:
        for at in range(1, len(body)):
            splits.append(at)
            halfway.append(threading.Event())
            client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
            client.send(body[:at])
            assert halfway[-1].wait(20), at
            client.send(body[at:])
            assert client.answer().status == 200
    written = records.all()
    assert len(written) == len(body) - 1
    assert {record["prompt"] for record in written} == {"two: é \\ \"quoted\" 🌤"}
    assert {record["outcome"] for record in written} == {"completed"}


def test_a_thousand_events_and_large_ones_pass_unchanged(client, upstream, records):
    deltas = [event("content_block_delta", index=0, delta={"type": "text_delta", "text": f"word {n} " + "é" * (n % 97)}) for n in range(1000)]
    huge = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * 2_000_000})      # above limits.event_bytes
    stream = [*MESSAGE_STREAM[:2], *deltas, huge, *MESSAGE_STREAM[3:]]
    upstream.begin(stream_answer(*stream))
    answer = client.request("POST", MESSAGES, [JSON, TOKEN], messages_request())
    assert answer.body == b"".join(stream)
    record = records.one()
    assert record["outcome"] == "completed"
    assert record["usage"]["output_tokens"] == 7
    assert record["notes"]


def test_a_request_in_chunks_without_a_length_passes(client, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(stream=False)
    client.start("POST", MESSAGES, [JSON, TOKEN])
    for at in range(0, len(body), 7):
        client.send(body[at : at + 7])
    client.send(b"", end=True)
    assert client.answer().json() == MESSAGE
    assert bytes(upstream.only().body) == body
    assert records.one()["outcome"] == "completed"
