"""Claude on Bedrock with the fragments of envoy/bedrock: requests, signatures, keys, frames and errors.

AWS's own library verifies the signatures and reads the frames; Anthropic's own clients read the responses.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import threading
import time
from contextlib import ExitStack
from typing import Any, Iterator

import pytest
from botocore.eventstream import EventStreamBuffer

from bedrock import ACCESS_KEY, API_KEY, BEARS, HOSTS, SECRET_KEY, SIGNS, chunk, exception, frame, with_bedrock
from client import Http1, Http2
from conftest import Records, assert_alive
from gateway import TOOLS, Gateway
from h2_upstream import Http2Upstream
from render import REPOSITORY
from samples import JSON, MESSAGE, MESSAGE_STREAM, TOKEN, messages_request
from sigv4 import assert_signed
from test_sdks import environment, reason_to_skip, url
from upstream import Exchange, Received, Script, Upstream, json_answer, stream_answer

NATIVE, INVOKE = "/bedrock/v1/messages", "/bedrock-invoke/v1/messages"
SONNET, SONNET_ID = "claude-sonnet-4-5", "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0"
EVENT_STREAM = {"content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": "aws-1"}
CREDENTIALS = {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"}

LONG = messages_request(model=SONNET, stream=False, prompt=random.Random(7).randbytes(100_000).hex())
METRICS = {"inputTokenCount": 12, "outputTokenCount": 7, "invocationLatency": 900, "firstByteLatency": 300, "cacheReadInputTokenCount": 100}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 12, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Rayleigh – 散乱 🌤\n\"\\"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 7}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS},
]
FRAMES = [chunk(event) for event in EVENTS]


def sse(events: list[dict[str, Any]]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events)


def frames_answer(*portions: bytes) -> Script:
    """A script: reads the request, answers with Bedrock's event stream in these portions."""
    return stream_answer(*portions, headers=EVENT_STREAM)


@pytest.fixture(scope="module")
def gateway(upstream: Upstream) -> Iterator[Gateway]:
    with Gateway(with_bedrock(upstream.address), environment=SIGNS) as running:
        yield running


@pytest.fixture(scope="module")
def bearing(upstream: Upstream) -> Iterator[Gateway]:
    """A gateway with a Bedrock API key."""
    with Gateway(with_bedrock(upstream.address, api_key=True), environment=BEARS) as running:
        yield running
        assert_alive(running)


@pytest.fixture(autouse=True)
def every_record_is_written(request: pytest.FixtureRequest) -> Iterator[None]:
    """So that no test finds the record of the one before."""
    yield
    for name in ("gateway", "bearing"):
        if name in request.fixturenames:
            Records(request.getfixturevalue(name)).all()


def signed(received: Received, mode: str) -> list[str]:
    """Fails unless Envoy's signature matches the received request. Returns the names of the signed headers."""
    assert received.header("host") == HOSTS[mode]
    service = {"native": "bedrock-mantle", "invoke": "bedrock"}[mode]
    keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "service": service, "region": "us-east-1"}
    return assert_signed(received.method, HOSTS[mode], received.target, received.headers, bytes(received.body), **keys)


def invoked(body: bytes) -> dict[str, Any]:
    """The same request for `InvokeModel`."""
    adapted = json.loads(body)
    del adapted["model"], adapted["stream"]
    return {"anthropic_version": "bedrock-2023-05-31", **adapted}


# === what AWS receives ===


def test_a_native_request_arrives_unchanged_and_validly_signed(client, upstream, records):
    upstream.begin(stream_answer(*MESSAGE_STREAM))
    body = messages_request(model="anthropic.claude-opus-4-8", prompt="x" * 3_000_000)
    sent = [JSON, TOKEN, ("anthropic-beta", "a,b"), ("anthropic-version", "2023-06-01"), ("x-amz-security-token", "theirs"), ("x-amz-date", "20200101T000000Z")]
    answer = client.request("POST", f"{NATIVE}?beta=true", sent, body)
    assert (answer.status, answer.body) == (200, b"".join(MESSAGE_STREAM))
    received = upstream.only()
    assert (received.target, bytes(received.body)) == ("/anthropic/v1/messages?beta=true", body)
    assert {"anthropic-beta", "anthropic-version", "content-type"} <= set(signed(received, "native"))
    assert received.header("x-amz-security-token") is None
    record = records.one()
    assert (record["outcome"], record["credential"]) == ("completed", {"kind": "centralized"})
    assert record["provider"] == {"type": "anthropic", "name": "bedrock"}
    assert record["upstream"] == {"host": HOSTS["native"], "cluster": "bedrock"}
    assert record["usage"]["output_tokens"] == 7


def test_native_count_tokens_is_signed_and_telemetry_paths_are_refused(client, upstream):
    upstream.begin(json_answer({"input_tokens": 3}))
    answer = client.request("POST", "/bedrock/v1/messages/count_tokens", [JSON, TOKEN], b"{}")
    assert answer.json() == {"input_tokens": 3}
    assert upstream.only().target == "/anthropic/v1/messages/count_tokens"
    signed(upstream.only(), "native")
    upstream.begin(json_answer({}))
    for method, path in (("POST", "/bedrock/api/event_logging/v2/batch"), ("POST", "/bedrock-invoke/v1/messages/count_tokens"), ("GET", "/bedrock-invoke/v1/models")):
        assert client.request(method, path, [TOKEN], b"{}" if method == "POST" else None).status == 404
    assert upstream.requests == []


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_an_invoke_request_arrives_rewritten_and_validly_signed(client, upstream, records, size):
    upstream.begin(frames_answer(*FRAMES))
    body = messages_request(model=SONNET, prompt="x" * size)
    sent = [JSON, TOKEN, ("anthropic-beta", "interleaved-thinking-2025-05-14,claude-code-20250219"), ("anthropic-version", "2023-06-01"), ("x-amz-date", "20200101T000000Z")]
    answer = client.request("POST", f"{INVOKE}?beta=true", sent, body)
    assert (answer.status, answer.body) == (200, sse(EVENTS))
    received = upstream.only()
    assert received.target == f"/model/{SONNET_ID}/invoke-with-response-stream"
    assert json.loads(received.body) == {**invoked(body), "anthropic_beta": ["interleaved-thinking-2025-05-14"]}
    assert received.header("content-length") == str(len(received.body))
    assert not received.names() & {"anthropic-beta", "anthropic-version", "transfer-encoding"}
    signed(received, "invoke")
    record = records.one()
    assert (record["outcome"], record["streaming"], record["notes"][0]) == ("completed", True, "bedrock_adapted")
    assert record["upstream"] == {"host": HOSTS["invoke"], "cluster": "bedrock-invoke", "request_id": "aws-1"}
    assert record["model"] == {"requested": SONNET, "served": SONNET}
    assert (record["usage"]["output_tokens"], record["usage"]["cache_read_tokens"]) == (7, 100)


@pytest.mark.parametrize("kind", [Http1, Http2], ids=lambda kind: kind.name)
@pytest.mark.parametrize("path,mode", [(NATIVE, "native"), (INVOKE, "invoke")])
def test_the_signature_is_valid_over_http2(kind, path, mode):
    body = messages_request(model=SONNET, stream=mode == "native")
    with Http2Upstream(json.dumps(MESSAGE).encode(), content_type="application/json") as aws, \
            Gateway(with_bedrock(aws.address, http2_upstream=True), environment=SIGNS) as gateway, kind(gateway.address) as client:
        assert client.request("POST", path, [JSON, TOKEN], body).json() == MESSAGE
        (headers,), (arrived,) = aws.heads, aws.bodies
        assert_alive(gateway)
    found = dict(headers)
    assert found[":authority"] == HOSTS[mode]
    service = {"native": "bedrock-mantle", "invoke": "bedrock"}[mode]
    assert_signed("POST", HOSTS[mode], found[":path"], headers, arrived, access_key=ACCESS_KEY, secret_key=SECRET_KEY, service=service, region="us-east-1")
    assert found[":path"] == ("/anthropic/v1/messages" if mode == "native" else f"/model/{SONNET_ID}/invoke")
    assert json.loads(arrived) == (json.loads(body) if mode == "native" else invoked(body))


@pytest.mark.parametrize("path", [NATIVE, INVOKE])
def test_a_compressed_request_is_refused_where_it_must_be_signed(client, upstream, records, path):
    """Envoy's decompressor adds trailers to a decompressed request, and its signer does not sign a request with trailers."""
    upstream.begin(json_answer(MESSAGE))
    answer = client.request("POST", path, [JSON, TOKEN, ("content-encoding", "gzip")], gzip.compress(LONG))
    assert (answer.status, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert upstream.requests == []
    record = records.one()
    assert (record["outcome"], record["error"]["code"]) == ("rejected", "unsignable_request")
    answer = client.request("POST", "/bedrock/v1/messages/count_tokens", [JSON, TOKEN, ("content-encoding", "gzip")], gzip.compress(LONG))
    assert (answer.status, upstream.requests) == (400, [])


def test_an_invoke_request_is_sent_only_when_it_is_complete(client, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(model=SONNET, stream=False, prompt="z" * 50_000)
    client.start("POST", INVOKE, [JSON, TOKEN])
    for at in range(0, len(body), 9_973):
        client.send(body[at : at + 9_973])
    time.sleep(0.2)         # time for a request that must not arrive
    assert upstream.requests == []
    client.send(b"", end=True)
    assert client.answer().json() == MESSAGE
    assert json.loads(upstream.only().body) == invoked(body)
    assert records.one()["outcome"] == "completed"


def test_an_invoke_request_above_the_limit_is_413(client, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(model=SONNET, prompt="x" * 21_000_000)
    answer = client.request("POST", INVOKE, [JSON, TOKEN], body)
    assert (answer.status, answer.json()["error"]["type"]) == (413, "request_too_large")
    assert upstream.requests == []
    assert records.one()["error"]["code"] == "request_too_large"


def test_an_unmapped_model_is_404(client, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    answer = client.request("POST", INVOKE, [JSON, TOKEN], messages_request(model="claude-2"))
    assert (answer.status, answer.json()["error"]) == (404, {"type": "not_found_error", "message": 'AI gateway: the model "claude-2" is not served here. Ask the operator which ones are.'})
    assert upstream.requests == []
    record = records.one()
    assert (record["outcome"], record["error"]["code"]) == ("rejected", "model_unmapped")


@pytest.mark.parametrize("own", [("x-api-key", "sk-ant-api03-own-0123456789"), ("authorization", "Bearer sk-ant-oat01-own-0123456789"), ("authorization", f"Bearer {API_KEY}-other")])
@pytest.mark.parametrize("path", [NATIVE, INVOKE, "/bedrock/v1/messages/count_tokens", "/bedrock/v1/models"])
def test_a_callers_own_key_is_refused(client, gateway, upstream, path, own):
    upstream.begin(json_answer(MESSAGE))
    method, body = ("GET", None) if path.endswith("models") else ("POST", messages_request(model=SONNET))
    answer = client.request(method, path, [JSON, own], body)
    assert (answer.status, answer.json()["error"]["type"]) == (403, "permission_error")
    gateway.settle()
    assert upstream.requests == []


@pytest.mark.parametrize("path", [NATIVE, INVOKE])
def test_other_credential_headers_never_reach_aws(client, upstream, path):
    upstream.begin(json_answer(MESSAGE))
    sent = [("proxy-authorization", "Basic YTpi"), ("api-key", "sk-ant-api03-hidden-0123456789"), ("x-goog-api-key", "y"), ("cookie", "a=b"), ("x-amz-security-token", "t")]
    assert client.request("POST", path, [JSON, TOKEN, *sent], messages_request(model=SONNET, stream=False)).status == 200
    received = upstream.only()
    assert received.names() & CREDENTIALS == {"authorization"}
    assert b"sk-ant" not in received.head and b"gw_alice" not in received.head
    signed(received, "native" if path == NATIVE else "invoke")


# === with a Bedrock API key ===


@pytest.mark.parametrize("kind", [Http1, Http2], ids=lambda kind: kind.name)
def test_a_bedrock_api_key_is_sent_as_bearer_in_both_modes(kind, bearing, upstream):
    records = Records(bearing)
    for path, script in ((NATIVE, stream_answer(*MESSAGE_STREAM)), (INVOKE, frames_answer(*FRAMES))):
        upstream.begin(script)
        with kind(bearing.address) as client:
            assert client.request("POST", path, [JSON, TOKEN], messages_request(model=SONNET)).status == 200
        received = upstream.only()
        assert [(name, value) for name, value in received.headers if name in CREDENTIALS] == [("authorization", f"Bearer {API_KEY}")]
        assert "x-amz-date" not in received.names()
        record = records.one()
        assert record["credential"] == {"kind": "centralized", "hint": f"{API_KEY[:4]}...{API_KEY[-4:]}"}
        assert record["outcome"] == "completed"
    assert API_KEY not in bearing.log()


@pytest.mark.parametrize("path", [NATIVE, INVOKE])
@pytest.mark.parametrize("kind", [Http1, Http2], ids=lambda kind: kind.name)
def test_a_compressed_request_passes_with_an_api_key(kind, bearing, upstream, path):
    records = Records(bearing)
    upstream.begin(json_answer(MESSAGE, headers={"x-amzn-requestid": "aws-2"}))
    with kind(bearing.address) as client:
        answer = client.request("POST", path, [JSON, TOKEN, ("content-encoding", "gzip")], gzip.compress(LONG))
    assert answer.json() == MESSAGE
    assert answer.header("request-id") == ("aws-2" if path == INVOKE else None)
    assert json.loads(upstream.only().body) == (invoked(LONG) if path == INVOKE else json.loads(LONG))
    assert records.one()["outcome"] == "completed"


def test_a_native_request_with_an_api_key_is_not_buffered(bearing, upstream):
    arrived = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_at_least(50_000)
        arrived.set()
        exchange.read_body()
        exchange.reply(200, MESSAGE)

    upstream.begin(script)
    body = messages_request(model=SONNET, stream=False, prompt="x" * 200_000)
    with Http1(bearing.address) as client:
        client.start("POST", NATIVE, [JSON, TOKEN])
        client.send(body[:100_000])
        assert arrived.wait(20), "nothing arrives before the request is whole"
        client.send(body[100_000:], end=True)
        assert client.answer().json() == MESSAGE


# === what the client receives ===


def test_each_frame_reaches_the_client_as_an_event_at_once(client, upstream, records):
    step = threading.Semaphore(0)

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream(headers=EVENT_STREAM)
        for each in FRAMES:
            exchange.chunk(each[:-3])
            exchange.chunk(each[-3:])
            assert step.acquire(timeout=20)
        exchange.end()

    upstream.begin(script)
    client.start("POST", INVOKE, [JSON, TOKEN])
    client.send(messages_request(model=SONNET), end=True)
    answer = client.head()
    assert answer.header("content-type") == "text/event-stream; charset=utf-8"
    assert (answer.header("request-id"), answer.header("content-length")) == ("aws-1", None)
    for event in EVENTS:
        assert client.read_until(b"\n\n") == sse([event])
        step.release()
    assert client.read() == b""
    assert records.one()["outcome"] == "completed"


@pytest.mark.parametrize("size", [1, 17, 1000, 100_000])
def test_any_chunking_of_the_frames_gives_the_same_events(client, upstream, size):
    stream = b"".join(FRAMES)
    upstream.begin(frames_answer(*(stream[at : at + size] for at in range(0, len(stream), size))))
    assert client.request("POST", INVOKE, [JSON, TOKEN], messages_request(model=SONNET)).body == sse(EVENTS)


def test_the_frames_of_these_tests_are_valid_for_awss_library():
    """AWS's own library decodes the frames that these tests make."""
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(FRAMES) + exception("throttlingException", "slow"))
    *messages, last = list(buffer)
    assert [message.headers[":event-type"] for message in messages] == ["chunk"] * len(FRAMES)
    assert [json.loads(message.payload)["p"] for message in messages] == ["abcdefghijklmnopqrstu"] * len(FRAMES)
    assert (last.headers[":exception-type"], json.loads(last.payload)) == ("throttlingException", {"message": "slow"})


def test_an_exception_in_the_stream_is_an_error_event(client, upstream, records):
    upstream.begin(frames_answer(FRAMES[0], exception("throttlingException", "Too many tokens")))
    answer = client.request("POST", INVOKE, [JSON, TOKEN], messages_request(model=SONNET))
    error = {"type": "error", "error": {"type": "rate_limit_error", "message": "Too many tokens"}, "request_id": "aws-1"}
    assert answer.body == sse(EVENTS[:1]) + b"event: error\ndata: " + json.dumps(error, separators=(",", ":")).encode() + b"\n\n"
    record = records.one()
    assert (record["outcome"], record["error"]["code"]) == ("failed", "throttlingException")


def test_a_damaged_frame_is_an_error_event_and_the_gateway_lives(client, upstream, records):
    damaged = bytearray(FRAMES[3])
    damaged[60] ^= 0x20
    upstream.begin(frames_answer(FRAMES[0], bytes(damaged), FRAMES[6]))
    answer = client.request("POST", INVOKE, [JSON, TOKEN], messages_request(model=SONNET))
    assert answer.body.startswith(sse(EVENTS[:1]) + b"event: error\ndata: ") and b"message_stop" not in answer.body
    record = records.one()
    assert (record["outcome"], record["error"]["code"]) == ("failed", "event_stream_damaged")


def test_a_stream_that_breaks_off_is_aborted(http1, upstream, records):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream(headers=EVENT_STREAM)
        exchange.chunk(FRAMES[0] + FRAMES[1][:20])
        exchange.end()

    upstream.begin(script)
    assert http1.request("POST", INVOKE, [JSON, TOKEN], messages_request(model=SONNET)).body == sse(EVENTS[:1])
    assert records.one()["outcome"] == "aborted_upstream"


@pytest.mark.parametrize("path", [NATIVE, INVOKE])
def test_an_aws_error_becomes_an_anthropic_error_with_awss_request_id(client, upstream, records, path):
    headers = {"x-amzn-errortype": "AccessDeniedException:http://internal.amazon.com/coral/", "x-amzn-requestid": "aws-3", "content-type": "application/json"}
    upstream.begin(json_answer({"message": "You don't have access to the model with the specified model ID."}, 403, headers))
    answer = client.request("POST", path, [JSON, TOKEN], messages_request(model=SONNET))
    message = "You don't have access to the model with the specified model ID."
    assert answer.status == 403
    assert answer.json() == {"type": "error", "error": {"type": "permission_error", "message": message}, "request_id": "aws-3"}
    assert (answer.header("request-id"), answer.header("x-amzn-requestid")) == ("aws-3", "aws-3")
    record = records.one()
    assert (record["outcome"], record["error"]) == ("failed", {"type": "permission_error", "code": "AccessDeniedException", "message": message})


# === Anthropic's own clients ===


def seen_by_clients(gateway: Gateway, upstream: Upstream) -> list[Any]:
    """Their results: streamed directly, streamed through the gateway, then both not streamed."""
    if missing := reason_to_skip("python"):
        pytest.skip(missing)
    command = [TOOLS / "sdk-python" / "bin" / "python", REPOSITORY / "tests" / "sdk" / "bedrock.py", url(upstream.address), f"{url(gateway.address)}/bedrock-invoke"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, env={**environment(), "AWS_EC2_METADATA_DISABLED": "true"})
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def by_operation(streamed: Script, document: Script) -> Script:
    return lambda exchange: (streamed if exchange.received.target.endswith("stream") else document)(exchange)


def test_both_anthropic_clients_see_the_same_events(gateway, upstream):
    upstream.begin(by_operation(frames_answer(*FRAMES), json_answer(MESSAGE)))
    direct, bridged, direct_document, bridged_document = seen_by_clients(gateway, upstream)
    # The client does not report pings.
    assert direct == bridged == [event for event in EVENTS if event["type"] != "ping"]
    assert direct_document == bridged_document == [MESSAGE]
    # Both sent the same request, but the SDK does not encode the colon in the path.
    targets = {received.target.replace(":", "%3A") for received in upstream.requests}
    assert targets == {f"/model/{SONNET_ID}/invoke-with-response-stream", f"/model/{SONNET_ID}/invoke"}
    bodies = [json.loads(received.body) for received in upstream.requests]
    assert [{**body, "anthropic_version": None} for body in bodies] == [{**bodies[0], "anthropic_version": None}] * 4


def test_both_anthropic_clients_see_the_same_errors(gateway, upstream):
    refused = json_answer({"message": "no"}, 400, {"x-amzn-errortype": "ValidationException", "x-amzn-requestid": "aws-4"})
    upstream.begin(by_operation(frames_answer(FRAMES[0], exception("modelStreamErrorException", "cut")), refused))
    direct, bridged, direct_document, bridged_document = seen_by_clients(gateway, upstream)
    assert direct[0] == bridged[0] == EVENTS[0]
    assert direct[1]["error"] == bridged[1]["error"]
    assert direct[1]["body"]["error"]["message"] == bridged[1]["body"]["error"]["message"] == "cut"
    assert direct_document[0]["error"] == bridged_document[0]["error"] == "BadRequestError"
    assert bridged_document[0]["request"] == "aws-4"
    assert bridged_document[0]["body"]["error"] == {"type": "invalid_request_error", "message": "no"}


# === a host that is not set up ===


@pytest.mark.wasm
@pytest.mark.parametrize("kind", [Http1, Http2], ids=lambda kind: kind.name)
def test_a_host_that_withholds_the_body_is_detected_within_seconds(kind, upstream):
    upstream.begin(json_answer(MESSAGE))
    with Gateway(with_bedrock(upstream.address, holds=False), environment=SIGNS) as gateway, kind(gateway.address) as client:
        records = Records(gateway)
        began = time.monotonic()
        answer = client.request("POST", INVOKE, [JSON, TOKEN], messages_request(model=SONNET, prompt="x" * 100_000))
        assert time.monotonic() - began < 15
        assert (answer.status, answer.json()["error"]["type"]) == (500, "api_error")
        gateway.wait_for_log(r"\[error\].*allow_on_headers_stop_iteration: true")
        record = records.one()
        assert (record["outcome"], record["error"]["code"]) == ("rejected", "body_withheld")
        # Everything else is served.
        with kind(gateway.address) as other:
            assert other.request("POST", NATIVE, [JSON, TOKEN], messages_request(stream=False)).json() == MESSAGE
        assert_alive(gateway)


@pytest.mark.wasm
@pytest.mark.parametrize("kind,declared", [(Http1, True), (Http2, False)], ids=["http1", "http2"])
def test_a_slow_client_is_not_mistaken_for_a_withholding_host(kind, declared, upstream):
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(model=SONNET, stream=False)
    length = [("content-length", str(len(body)))] if declared else []
    with ExitStack() as stack:
        waiting = []
        for holds, status in ((True, 200), (False, 500)):
            gateway = stack.enter_context(Gateway(with_bedrock(upstream.address, holds=holds), environment=SIGNS))
            client = stack.enter_context(kind(gateway.address))
            client.start("POST", INVOKE, [JSON, TOKEN, *length])
            waiting.append((gateway, client, status))
        time.sleep(8)       # longer than the filter waits for a body that has arrived
        for gateway, client, status in waiting:
            assert "allow_on_headers_stop_iteration" not in gateway.log()
            client.send(body, end=True)
            assert client.answer().status == status
            assert_alive(gateway)


def test_an_unknown_frame_type_is_skipped(client, upstream):
    other = frame({":event-type": "initial-response", ":message-type": "event"}, b"{}")
    upstream.begin(frames_answer(other, *FRAMES, other))
    assert client.request("POST", INVOKE, [JSON, TOKEN], messages_request(model=SONNET)).body == sse(EVENTS)
