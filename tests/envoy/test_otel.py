"""OpenTelemetry (envoy/otel): the span and the log record of each interception, by gRPC and by HTTP."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from typing import Any, Iterator

import pytest

from client import Http1, Reset
from conftest import assert_alive
from fragments import add_otlp, fragment
from gateway import KEYS, TOOLS, Gateway
from receivers import Otlp, Received
from render import Json, cluster_of, render
from samples import CHAT, COMPLETION, JSON, MESSAGE_START, MESSAGE_STREAM, MESSAGES, RESPONSE, RESPONSES, TOKEN, chat_request, messages_request, responses_request
from servers import free_port
from upstream import Exchange, Upstream, json_answer, stream_answer

OURS = re.compile(r"^(gen_ai|ai_bridge|user|server|error|event|http\.response)\.")


def plugin(shipped: Json) -> Json:
    actor = {"header": "x-user"}
    prices = [{"models": ["claude-*"], "input": 5, "output": 25, "cache_read": 0.5}]
    gemini = {"type": "gemini", "cluster": "openai", "key": {"value": "gemini-key"}}
    return {**shipped, "providers": [*shipped["providers"], gemini], "actor": actor, "prices": prices}


class Watched:
    """A gateway that reports to a collector."""

    def __init__(self, gateway: Gateway, upstream: Upstream, collector: Otlp) -> None:
        self.gateway, self.upstream, self.collector = gateway, upstream, collector

    def next_log(self, seen: int) -> Received:
        """The one log record after those seen, the whole record in it."""
        log = self.collector.log(seen + 1)
        self.gateway.settle()
        assert len(self.collector.logs) == seen + 1
        return log

    @property
    def logs_seen(self) -> int:
        return len(self.collector.logs)


@pytest.fixture(scope="module", params=["grpc", "http"])
def watched(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Watched]:
    with Otlp() as collector:
        http = request.param == "http"
        address = collector.http_address if http else collector.grpc_address

        def change(config: Json) -> None:
            add_otlp(config, address, http=http)
            unreachable = {"address": "127.0.0.1", "port_value": free_port()}
            cluster_of(config, "openai-byok")["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"] = unreachable

        with Gateway(render(upstream.address, plugin=plugin, change=change)) as gateway:
            yield Watched(gateway, upstream, collector)
            assert_alive(gateway)
            # As many as there are records on stdout, and the same.
            collector.wait_until(lambda: len(collector.logs) >= len(gateway.records()), "the last log record arrives")
            assert [log.message.body.string_value for log in collector.logs] == gateway.record_lines()
            assert not [key for key in KEYS.values() if key in f"{collector.logs}{collector.spans}"]


def traceparent(flags: str = "01") -> tuple[str, str, str]:
    """A client's trace: the header, the trace id, the id of the client's span."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return f"00-{trace}-{span}-{flags}", trace, span


def begin(client: Http1, target: str, body: bytes, *headers: tuple[str, str]) -> None:
    """Sends a request and reads the answer's headers."""
    client.start("POST", target, [JSON, TOKEN, *headers, ("content-length", str(len(body)))])
    client.send(body)
    assert client.head().status == 200


def ours(received: Received) -> dict[str, Any]:
    return {name: value for name, value in received.attributes.items() if OURS.match(name)}


def test_an_interception_is_one_log_record_and_one_span(watched):
    watched.upstream.begin(stream_answer(*MESSAGE_STREAM))
    header, trace, parent = traceparent()
    request_id = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"
    seen = watched.logs_seen
    with Http1(watched.gateway.address) as client:
        lines = [JSON, TOKEN, ("traceparent", header), ("tracestate", "vendor=1"), ("x-request-id", request_id), ("x-user", "alice"),
                 ("user-agent", "claude-cli/2"), ("x-claude-code-session-id", "s-1")]
        answer = client.request("POST", MESSAGES, lines, messages_request())
    assert (answer.status, answer.body) == (200, b"".join(MESSAGE_STREAM))

    log = watched.next_log(seen)
    record = json.loads(log.message.body.string_value)
    host, port = watched.upstream.address
    at_the_end = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.response.model": "claude-opus-4-8", "gen_ai.conversation.id": "s-1",
        "gen_ai.usage.output_tokens": "7", "gen_ai.usage.cache_read.input_tokens": "100",
        "server.address": host, "server.port": str(port), "user.id": "alice",
        "ai_bridge.id": record["id"], "ai_bridge.provider": "anthropic", "ai_bridge.api": "messages", "ai_bridge.outcome": "completed",
        "ai_bridge.total_tokens": "119", "ai_bridge.cost_microusd": "285",
    }
    # 12 uncached and 100 cached tokens: the conventions count both.
    only_in_logs = {"event.name": "gen_ai.client.inference.operation.details", "gen_ai.usage.input_tokens": "112", "http.response.status_code": "200", "ai_bridge.request_id": request_id}
    assert log.attributes == {**at_the_end, **only_in_logs}
    assert (record["usage"]["total_input_tokens"], record["cost_microusd"]) == (112, 285)
    assert log.resource["service.name"] == "ai-gateway"

    span = watched.collector.span(lambda span: span.trace_id == trace)
    assert ours(span) == at_the_end
    assert span.attributes["http.status_code"] == "200"
    assert span.message.name == "chat claude-opus-4-8"
    assert span.message.parent_span_id.hex() == parent
    assert span.resource["service.name"] == "ai-gateway"
    assert (log.trace_id, log.span_id) == (trace, span.span_id)
    # The provider's view of the same trace, and the client's own request id as it came.
    received = watched.upstream.only()
    assert received.header("traceparent") == f"00-{trace}-{span.span_id}-01"
    assert received.header("tracestate") == "vendor=1"
    assert received.header("x-request-id") == record["request_id"] == span.attributes["guid:x-request-id"] == request_id


@pytest.mark.parametrize(
    "target,body,reply,usage",
    [
        (CHAT, chat_request(), COMPLETION, {"gen_ai.usage.input_tokens": "20", "gen_ai.usage.output_tokens": "3", "gen_ai.usage.cache_read.input_tokens": "5"}),
        (RESPONSES, responses_request(), RESPONSE, {"gen_ai.usage.input_tokens": "20", "gen_ai.usage.output_tokens": "3", "gen_ai.usage.cache_read.input_tokens": "5"}),
        # Without a usage the values are those of the estimate.
        ("/copilot/chat/completions", chat_request(), {**COMPLETION, "usage": None}, {"gen_ai.usage.input_tokens": "6", "gen_ai.usage.output_tokens": "3"}),
    ],
    ids=["chat", "responses", "uncounted"],
)
def test_every_api_has_the_conventions_numbers(watched, target, body, reply, usage):
    watched.upstream.begin(json_answer(reply))
    seen = watched.logs_seen
    with Http1(watched.gateway.address) as client:
        token = ("authorization", "Bearer gho_own") if target.startswith("/copilot") else TOKEN
        assert client.request("POST", target, [JSON, token], body).status == 200
    log = watched.next_log(seen)
    assert {name: value for name, value in log.attributes.items() if name.startswith("gen_ai.usage.")} == usage
    assert log.attributes["gen_ai.provider.name"] == ("github.copilot" if target.startswith("/copilot") else "openai")
    # The filter did not count this request, because it does not know the model.
    assert log.attributes["gen_ai.response.model" if usage else "gen_ai.request.model"] == "gpt-5.5-2026"
    assert all(isinstance(value, str) for value in log.attributes.values()), "Envoy's attributes are strings"


def test_the_operation_of_geminis_api_is_generate_content(watched):
    watched.upstream.begin(json_answer({"modelVersion": "gemini-9", "candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}))
    header, trace, _ = traceparent()
    seen = watched.logs_seen
    with Http1(watched.gateway.address) as client:
        assert client.request("POST", "/gemini/v1beta/models/gemini-9:generateContent", [JSON, TOKEN, ("traceparent", header)], b'{"contents": []}').status == 200
    assert watched.next_log(seen).attributes["gen_ai.operation.name"] == "generate_content"
    span = watched.collector.span(lambda span: span.trace_id == trace)
    assert (span.attributes["gen_ai.operation.name"], span.message.name) == ("generate_content", "generate_content gemini-9")


def test_an_unsampled_request_has_a_log_record_and_no_span(watched):
    watched.upstream.begin(stream_answer(*MESSAGE_STREAM))
    header, trace, _ = traceparent("00")
    seen = watched.logs_seen
    with Http1(watched.gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN, ("traceparent", header)], messages_request()).status == 200
        assert watched.next_log(seen).trace_id == trace
        assert re.fullmatch(f"00-{trace}-[0-9a-f]{{16}}-00", watched.upstream.only().header("traceparent"))
        # The span of a later request has arrived, so that of the earlier one will not come.
        header, later, _ = traceparent()
        client.request("POST", MESSAGES, [JSON, TOKEN, ("traceparent", header)], messages_request())
        watched.next_log(seen + 1)
    watched.collector.span(lambda span: span.trace_id == later)
    assert not [span for span in watched.collector.spans if span.trace_id == trace]


def test_a_trace_begins_here_where_the_client_has_none(watched):
    watched.upstream.begin(json_answer(COMPLETION))
    seen = watched.logs_seen
    with Http1(watched.gateway.address) as client:
        client.request("POST", CHAT, [JSON, TOKEN], chat_request())
    log = watched.next_log(seen)
    span = watched.collector.span(lambda span: span.span_id == log.span_id)
    assert (span.message.parent_span_id, span.trace_id) == (b"", log.trace_id)
    assert watched.upstream.only().header("traceparent") == f"00-{log.trace_id}-{log.span_id}-01"


def test_other_requests_leave_no_log_record_and_a_span_without_our_names(watched):
    watched.upstream.begin(json_answer({"data": []}))
    seen = watched.logs_seen
    with Http1(watched.gateway.address) as client:
        for method, target, status in (("GET", "/openai/v1/models", 200), ("GET", "/nowhere", 404), ("PUT", MESSAGES, 405)):
            header, trace, _ = traceparent()
            assert client.request(method, target, [TOKEN, ("traceparent", header)]).status == status
            span = watched.collector.span(lambda span: span.trace_id == trace)
            assert ours(span).keys() <= {"server.address", "server.port"}
            assert span.message.name == "ingress"
        client.request("POST", MESSAGES, [JSON, TOKEN], b"")
    watched.next_log(seen)


def ended(watched: Watched, header: str) -> Received:
    """The span of that trace."""
    return watched.collector.span(lambda span: span.trace_id == header.split("-")[1])


def test_a_stream_that_the_client_leaves_is_in_the_log_with_what_was_seen(watched):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_START)
        exchange.wait_until_gone()

    watched.upstream.begin(script)
    seen = watched.logs_seen
    header, _, _ = traceparent()
    with Http1(watched.gateway.address) as client:
        begin(client, MESSAGES, messages_request(), ("traceparent", header))
        client.read_until(b"message_start")
        client.reset()
    log = watched.next_log(seen)
    named = {name: log.attributes.get(name) for name in ("error.type", "gen_ai.response.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")}
    assert named == {"error.type": "aborted_client", "gen_ai.response.model": "claude-opus-4-8", "gen_ai.usage.input_tokens": "112", "gen_ai.usage.output_tokens": "1"}
    assert json.loads(log.message.body.string_value)["outcome"] == "aborted_client"
    span = ended(watched, header)
    assert span.message.name == "chat"
    assert "gen_ai.provider.name" in span.attributes and "ai_bridge.outcome" not in span.attributes, "envoy/otel/README.md says so"
    assert span.attributes["response_flags"] == "DC"


def test_a_client_that_leaves_at_the_apis_end_has_everything_in_its_span(watched):
    """As the OpenAI SDK does: it closes on [DONE]."""
    chunk = {"id": "c", "model": "gpt-5.5-2026", "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}]}
    usage = {"id": "c", "model": "gpt-5.5-2026", "choices": [], "usage": COMPLETION["usage"]}

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(b"".join(f"data: {each}\n\n".encode() for each in (json.dumps(chunk), json.dumps(usage), "[DONE]")))
        exchange.wait_until_gone()

    watched.upstream.begin(script)
    seen = watched.logs_seen
    header, _, _ = traceparent()
    with Http1(watched.gateway.address) as client:
        begin(client, CHAT, chat_request(stream=True), ("traceparent", header))
        client.read_until(b"[DONE]")
        client.reset()
    assert watched.next_log(seen).attributes["ai_bridge.outcome"] == "completed"
    span = ended(watched, header)
    assert span.message.name == "chat gpt-5.5-2026"
    assert (span.attributes["ai_bridge.outcome"], span.attributes["ai_bridge.total_tokens"]) == ("completed", "23")


def test_an_upstream_that_breaks_off_is_in_the_log(watched):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_START)
        exchange.reset()

    watched.upstream.begin(script)
    seen = watched.logs_seen
    with Http1(watched.gateway.address) as client:
        begin(client, MESSAGES, messages_request())
        with pytest.raises(Reset):
            client.read_until(b"message_stop")
    assert watched.next_log(seen).attributes["error.type"] == "aborted_upstream"


@pytest.mark.parametrize(
    "lines,body,reply,error,outcome",
    [
        ([TOKEN], chat_request(), json_answer({"error": {"message": "slow down", "type": "rate_limit_error"}}, 429), "429", "failed"),
        ([TOKEN], chat_request(), json_answer({"error": {"message": "no", "type": "server_error"}}), "failed", "failed"),
        ([TOKEN], b"{", json_answer(COMPLETION), "400", "rejected"),
        ([("authorization", "Bearer sk-ant-x")], chat_request(), json_answer(COMPLETION), "403", "rejected"),
        ([("authorization", "Bearer sk-own-key")], chat_request(), json_answer(COMPLETION), "503", "unavailable"),
    ],
    ids=["rate limited", "an error inside a 200", "not JSON", "another vendor's key", "no upstream answers"],
)
def test_errors_are_named_in_span_and_log_record(watched, lines, body, reply, error, outcome):
    watched.upstream.begin(reply)
    seen = watched.logs_seen
    header, _, _ = traceparent()
    with Http1(watched.gateway.address) as client:
        client.request("POST", CHAT, [JSON, ("traceparent", header), *lines], body)
    log, span = watched.next_log(seen), ended(watched, header)
    assert (log.attributes["error.type"], log.attributes["ai_bridge.outcome"]) == (error, outcome)
    assert span.attributes["ai_bridge.outcome"] == outcome
    assert span.message.name == "chat"


def test_a_requested_model_is_not_in_the_span_name(watched):
    watched.upstream.begin(json_answer({"error": {"message": "no such model"}}, 404))
    seen = watched.logs_seen
    header, _, _ = traceparent()
    with Http1(watched.gateway.address) as client:
        client.request("POST", CHAT, [JSON, TOKEN, ("traceparent", header)], chat_request(model="invented-\n1"))
    assert watched.next_log(seen).attributes["gen_ai.request.model"] == "invented-?1"
    assert ended(watched, header).message.name == "chat"


def test_without_tracing_a_clients_trace_passes_as_it_came(upstream):
    header, trace, _ = traceparent()
    upstream.begin(json_answer(COMPLETION))
    with Otlp() as collector:
        config = render(upstream.address, change=lambda config: add_otlp(config, collector.grpc_address, tracing=False))
        with Gateway(config) as gateway, Http1(gateway.address) as client:
            client.request("POST", CHAT, [JSON, TOKEN, ("traceparent", header)], chat_request())
            assert upstream.only().header("traceparent") == header
            assert upstream.only().header("tracestate") is None
            log = collector.log()
            assert log.trace_id == "" and log.attributes["gen_ai.usage.input_tokens"] == "20"


def test_envoy_takes_no_number_for_an_attribute(tmp_path, upstream):
    """If this fails one day, the samples can use numbers."""

    def change(config: Json) -> None:
        add_otlp(config, ("127.0.0.1", 1))
        config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["access_log"][-1]["typed_config"]["attributes"] = {
            "values": [{"key": "gen_ai.usage.input_tokens", "value": {"int_value": "1"}}]
        }

    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(render(upstream.address, change=change)))
    done = subprocess.run([TOOLS / "envoy", "--mode", "validate", "-c", file], env=KEYS, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "Only string values" in done.stderr, done.stderr


def test_the_page_lists_every_attribute_and_what_it_needs():
    section = (TOOLS.parents[1] / "envoy" / "otel" / "README.md").read_text()
    tags = fragment("otel/access-log.yaml")[0]["typed_config"]["custom_tags"] + fragment("otel/tracing.yaml")["tracing"]["custom_tags"]
    missing = {tag["tag"] for tag in tags if f"`{tag['tag']}`" not in section}
    assert not missing
    read = set(re.findall(r"wasm\.ai_bridge_(\w+)", json.dumps(tags))) - {"record"}
    needed = re.search(r"has to name what these read: `([^`]+)`", section)
    assert needed and read == set(needed.group(1).split())
