"""The files of envoy/envoy-gateway in the real Envoy Gateway (standalone), beside another application."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Iterator

import pytest
import yaml
import zstandard

from conftest import assert_alive
import envoy_gateway
from envoy_gateway import FOLDER, KEYS, EnvoyGateway, Resources, ask
from refusal import refused
from render import shipped_plugin
from samples import COMPLETION, GITHUB, JSON, MESSAGE, MESSAGE_START, MESSAGE_STREAM, RESPONSE, TOKEN, WEBSOCKET, chat_request, messages_request, responses_request
from upstream import Upstream, json_answer, stream_in_two

MESSAGES = "/ai/anthropic/v1/messages"
BYOK_MESSAGES = "/ai/anthropic-byok/v1/messages"
CHAT = "/ai/openai/v1/chat/completions"
RESPONSES = "/ai/openai/v1/responses"
COPILOT = "/ai/copilot/chat/completions"
OWN_ANTHROPIC = ("x-api-key", "sk-ant-api03-0123456789abcdef")
OWN_OPENAI = ("authorization", "Bearer sk-own-0123456789abcdefghij")


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    with envoy_gateway.published() as reference:
        yield reference


@pytest.fixture(scope="module")
def web() -> Iterator[Upstream]:
    """Another application behind the same gateway."""
    with Upstream() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(image: str, upstream: Upstream, web: Upstream) -> Iterator[EnvoyGateway]:
    def prepare(resources: Resources) -> None:
        envoy_gateway.on_loopback(resources, upstream.address)
        resources += envoy_gateway.web_application(web.address)
        forgotten = {"type": "anthropic", "name": "forgotten", "base_url": "https://forgotten.example.com", "byok": "require"}
        envoy_gateway.wasm_of(resources)["config"]["providers"].append(forgotten)

    with EnvoyGateway(image, prepare) as running:
        running.wait_until(lambda: ask(running, "GET", "/ai/nowhere").status == 404, "the filter serves")
        yield running
        assert_alive(running)


def credentials(received) -> list[tuple[str, str]]:
    """The credential headers that the provider received."""
    return [(name, value) for name, value in received.headers if name in ("authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key")]


ANTHROPIC = ("x-api-key", KEYS["anthropic-key"])
OPENAI = ("authorization", KEYS["openai-key"])

# === the APIs ===


@pytest.mark.parametrize(
    "path,credential,body,answer,target,host,arrives",
    [
        (MESSAGES, TOKEN, messages_request(stream=False), MESSAGE, "/v1/messages", "api.anthropic.com", ANTHROPIC),
        (BYOK_MESSAGES, OWN_ANTHROPIC, messages_request(stream=False), MESSAGE, "/v1/messages", "api.anthropic.com", OWN_ANTHROPIC),
        (CHAT, TOKEN, chat_request(), COMPLETION, "/v1/chat/completions", "api.openai.com", OPENAI),
        (CHAT, OWN_OPENAI, chat_request(), COMPLETION, "/v1/chat/completions", "api.openai.com", OWN_OPENAI),
        (RESPONSES, TOKEN, responses_request(), RESPONSE, "/v1/responses", "api.openai.com", OPENAI),
        (COPILOT, GITHUB, chat_request(), COMPLETION, "/chat/completions", "api.individual.githubcopilot.com", GITHUB),
    ],
)
def test_a_request_reaches_its_provider_with_one_key_and_is_recorded(client, upstream, records, path, credential, body, answer, target, host, arrives):
    upstream.begin(json_answer(answer, headers={"server": "provider/1", "x-request-id": "theirs"}))
    sent = [JSON, credential, ("x-request-id", "ours"), ("x-forwarded-for", "192.0.2.1"), ("user-agent", "codex_cli_rs/0.1"), ("session_id", "s1")]
    given = client.request("POST", path + "?beta=%2F", sent, body)
    assert (given.status, given.json(), given.header("server"), given.header("x-request-id")) == (200, answer, "provider/1", "theirs")
    assert not [name for name, _ in given.headers if name.startswith("x-envoy")]
    received = upstream.only()
    assert (received.method, received.target, received.header("host"), bytes(received.body)) == ("POST", target + "?beta=%2F", host, body)
    assert credentials(received) == [arrives]
    # No header of the gateway's own goes upstream.
    assert received.names() - {"content-length", "transfer-encoding"} == {"host", "content-type", "user-agent", "session_id", "x-request-id", arrives[0]}
    record = records.one()
    assert (record["outcome"], record["usage"]["usage_status"], record["path"], record["client"], record["session_id"]) == ("completed", "complete", path, "Codex", "s1")
    assert record["credential"]["kind"] == ("centralized" if credential == TOKEN else "byok")


def test_a_stream_passes_as_it_comes(client, upstream, records):
    began, go_on = threading.Event(), threading.Event()
    upstream.begin(stream_in_two(MESSAGE_START, b"".join(MESSAGE_STREAM[1:]), began, go_on))
    body = messages_request()
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
    client.send(body, end=True)
    assert client.head().status == 200
    assert client.read_until(b"message_start")
    go_on.set()
    assert client.read_until(b"message_stop").endswith(MESSAGE_STREAM[-1])
    record = records.one()
    assert (record["outcome"], record["streaming"], record["usage"]["total_tokens"]) == ("completed", True, 119)


def test_large_bodies_pass(client, upstream, records):
    answer = json.dumps({**MESSAGE, "content": [{"type": "text", "text": "y" * 3_000_000}]}).encode()
    upstream.begin(json_answer(answer))
    body = messages_request(stream=False, prompt="x" * 3_000_000)
    given = client.request("POST", MESSAGES, [JSON, TOKEN], body)
    assert (given.status, given.body == answer) == (200, True)
    assert bytes(upstream.only().body) == body
    assert records.one()["outcome"] == "completed"


@pytest.mark.parametrize("name,compress", [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)])
def test_compressed_requests_are_read(client, upstream, records, name, compress):
    upstream.begin(json_answer(RESPONSE))
    body = responses_request(prompt=" ".join(str(n) for n in range(10_000)))
    assert client.request("POST", RESPONSES, [JSON, TOKEN, ("content-encoding", name)], compress(body)).json() == RESPONSE
    received = upstream.only()
    assert bytes(received.body) == body
    assert received.names() & {"content-encoding", "accept-encoding"} == set()
    assert records.one()["prompt"].startswith("0 1 2")


def test_websocket_is_refused_with_426(gateway, upstream, records):
    assert ask(gateway, "GET", RESPONSES, [TOKEN, *WEBSOCKET]).status == 426
    assert upstream.requests == []
    records.none()


@pytest.mark.parametrize("path", ["/ai/anthropic/v1/../v1/messages", "/ai/anthropic/v1//models", "/ai/anthropic/v1/%2e%2e/x", "/ai/copilot/agents/a%2F..%2Fb"])
def test_paths_are_judged_as_the_client_wrote_them(client, upstream, records, path):
    assert client.request("GET", path, [TOKEN]).status == 400
    assert upstream.requests == []
    records.none()


def test_escapes_reach_the_provider_unchanged(client, upstream):
    upstream.begin(json_answer({}))
    assert client.request("GET", "/ai/copilot/agents/a%2Fb%20c", [GITHUB]).status == 200
    assert upstream.only().target == "/agents/a%2Fb%20c"


def test_a_callers_anthropic_key_is_refused_where_the_key_is_injected(gateway, upstream, records):
    refused(ask(gateway, "POST", MESSAGES, [JSON, OWN_ANTHROPIC], messages_request()), 403)
    assert upstream.requests == []
    assert records.one()["outcome"] == "rejected"


# === a shared gateway ===


@pytest.mark.parametrize("header", ["anthropic", "openai", "copilot", "nobody"])
@pytest.mark.parametrize("host", ["api.anthropic.com", "api.openai.com:443"])
def test_a_client_cannot_choose_the_upstream(client, upstream, web, header, host):
    web.begin(json_answer({}))
    given = client.request("GET", "/v1/models", [("host", host), ("x-ai-bridge-cluster", header)])
    assert given.status == 404
    assert upstream.requests == [] == web.requests


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/%2e%2e/x//y?z=%2F", "/", "/anthropic/v1/messages", "/aix", "/AI/openai/v1/models"])
def test_another_application_gets_its_own_requests_untouched(client, upstream, web, records, path):
    web.begin(json_answer({"page": 1}))
    packed = gzip.compress(b"hello")
    sent = [("authorization", "Bearer gw_alice"), ("cookie", "a=b"), ("x-ai-bridge-cluster", "anthropic"), ("content-encoding", "gzip"), ("accept-encoding", "gzip")]
    given = client.request("POST", path, sent, packed)
    assert (given.status, given.json()) == (200, {"page": 1})
    received = web.only()
    assert (received.target, bytes(received.body)) == (path, packed)
    assert "x-ai-bridge-cluster" not in received.names()
    assert {each for each in sent if each[0] != "x-ai-bridge-cluster"} <= set(received.headers)
    assert upstream.requests == []
    records.none()


def test_no_route_of_another_application_gets_a_rewritten_request(client, upstream, web):
    """Its /v1 and its exact /v1/messages are longer matches than any route of ours."""
    web.begin(json_answer({}))
    for path, credential, body in ((MESSAGES, TOKEN, messages_request(stream=False)), (CHAT, OWN_OPENAI, chat_request()), (RESPONSES, TOKEN, responses_request())):
        upstream.begin(json_answer({}))
        assert client.request("POST", path, [JSON, credential], body).status == 200
        upstream.only()
    assert web.requests == []


def test_a_provider_whose_host_was_forgotten_in_the_routes_leads_nowhere(client, upstream, web, records):
    records.all()           # waits for the records of the test before
    web.begin(json_answer({}))
    assert client.request("POST", "/ai/forgotten/v1/messages", [JSON, OWN_ANTHROPIC], messages_request()).status == 404
    assert upstream.requests == [] == web.requests
    assert records.one()["outcome"] != "completed"


# === what operators see ===


def test_metrics_have_their_labels(gateway, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    assert ask(gateway, "POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
    records.all()
    ours = {"provider": "anthropic", "model": "claude-opus-4-8"}

    def value(name: str, **labels: str) -> float:
        return sum(number for found, number in gateway.prometheus(name) if labels.items() <= found.items())

    gateway.wait_until(lambda: value("ai_bridge_requests_total", api="messages", outcome="completed", **ours) >= 1, "the request is counted")
    assert value("ai_bridge_tokens_total", type="input", **ours) >= 12
    gateway.wait_until(lambda: value("ai_bridge_duration_ms_bucket", provider="anthropic", api="messages", le="3600000") >= 1, "the histograms are merged")
    assert "=.=" not in gateway.admin_get("/stats/prometheus")


def test_every_patch_was_applied(gateway):
    log = gateway.log()
    assert log.count("Patches have been successfully applied.") >= 2
    assert "unable to find xds resource" not in log.lower() and "ResourceNotFound" not in log


# === the files themselves ===


def test_every_route_policy_and_patch_names_what_there_is():
    resources = envoy_gateway.shipped()
    clusters = {each["spec"]["rules"][0]["matches"][0]["headers"][0]["value"]: each for each in envoy_gateway.of_kind(resources, "HTTPRoute") if each["metadata"]["name"] != "ai-bridge"}
    plugin = envoy_gateway.wasm_of(resources)["config"]
    named = {provider.get(member) for provider in plugin["providers"] for member in ("cluster", "byok_cluster")} | {provider.get("name", provider["type"]) for provider in plugin["providers"]}
    assert clusters.keys() == named - {None} == {cluster for cluster in ("anthropic", "anthropic-byok", "openai", "openai-byok", "copilot")}
    targets = {each["name"] for each in envoy_gateway.named(resources, "BackendTrafficPolicy", "ai-bridge")["spec"]["targetRefs"]}
    assert targets == {each["metadata"]["name"] for each in clusters.values()}
    assert plugin["gateway_credentials"] == shipped_plugin()["gateway_credentials"]
    assert all(each["metadata"].get("namespace") == "ai-gateway" for each in resources if each["kind"] not in ("Namespace", "GatewayClass"))


def test_kubernetes_and_standalone_switch_the_same_extensions_on():
    helm = yaml.safe_load((FOLDER / "helm-values.yaml").read_text())
    assert helm["config"]["envoyGateway"]["extensionApis"] == yaml.safe_load((FOLDER / "standalone" / "config.yaml").read_text())["extensionApis"]
