"""Routing and stripping: which paths reach which provider, with which headers, and what is removed."""

from __future__ import annotations

from typing import Iterator

import pytest

from client import Answer, Http1
from conftest import assert_alive
from gateway import Gateway
from refusal import refused
from render import render, shipped_plugin
from samples import CHAT, JSON, MESSAGE, MESSAGES, RESPONSES, TOKEN, chat_request, messages_request, responses_request
from upstream import json_answer

GITHUB = ("authorization", "Bearer gho_0123456789abcdefghij")

HOSTILE = [
    "/anthropic/v1/../../openai/v1/models", "/anthropic/./v1/messages", "/anthropic/v1/%2e%2e/messages", "/anthropic/v1/%2E%2e%2Fmodels", "/anthropic/v1/models/%2e%2e%2f%2e%2e",
    "/anthropic//v1/messages", "//anthropic/v1/messages", "/anthropic/v1/messages//", "/anthropic/v1/%20/messages", "/anthropic\\v1\\messages", "/anthropic/v1/models/%5c",
    "/anthropic/v1/models/%00", "/anthropic/v1/models/%", "/anthropic/v1/models/%zz", "/anthropic/v1/models/%2", "/openai/v1/responses/..%2f..%2fmodels",
]
NOT_OURS = [
    "/", "/anthropic", "/anthropic/v1", "/anthropic/v1/message", "/anthropic/v1/messagesx", "/Anthropic/v1/messages", "/%61nthropic/v1/messages", "/anthropic/v1/%6dessages",
    "/openai/v1/responses/comp%61ct", "/openai/chat/completions", "/v1/messages", "/openai/v1/files", "/anthropic/v1/organizations/x", "/copilot/v1/modelsx",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_is_refused(client, upstream, records, path):
    for method, body in (("POST", messages_request()), ("GET", None)):
        answer = client.request(method, path, [JSON, TOKEN], body)
        assert answer.status == 400, answer
        assert answer.header("x-should-retry") == "false"
        assert answer.json()["error"]["type"] == "invalid_request_error"
    records.none()
    assert upstream.requests == []


@pytest.mark.parametrize("path", NOT_OURS)
def test_an_unknown_path_is_404_with_method_and_path_in_the_message(client, upstream, records, path):
    answer = client.request("POST", path, [JSON, TOKEN], messages_request())
    assert answer.status == 404, answer
    error = answer.json()["error"]
    assert "POST" in error["message"] and path in error["message"]
    assert answer.json().get("type") == ("error" if path.startswith("/anthropic") else None)
    records.none()
    assert upstream.requests == []


@pytest.mark.parametrize(
    "path,host,target,cluster",
    [
        ("/anthropic/v1/messages?beta=true&x=%2F..", "api.anthropic.com", "/v1/messages?beta=true&x=%2F..", "anthropic"),
        ("/anthropic/v1/messages/", "api.anthropic.com", "/v1/messages", "anthropic"),
        ("/openai/v1/chat/completions", "api.openai.com", "/v1/chat/completions", "openai"),
        ("/openai/v1/responses", "api.openai.com", "/v1/responses", "openai"),
        ("/openai/v1/responses/?a", "api.openai.com", "/v1/responses?a", "openai"),
        ("/openai/v1/responses/compact", "api.openai.com", "/v1/responses/compact", "openai"),
        ("/copilot/chat/completions", "api.individual.githubcopilot.com", "/chat/completions", "copilot"),
        ("/copilot/v1/messages", "api.individual.githubcopilot.com", "/v1/messages", "copilot"),
    ],
)
def test_bridged_routes_reach_their_provider(client, upstream, records, path, host, target, cluster):
    upstream.begin(json_answer({}))
    body = messages_request(stream=False)
    answer = client.request("POST", path, [JSON, GITHUB if cluster == "copilot" else TOKEN], body)
    assert answer.status == 200
    received = upstream.only()
    assert (received.header("host"), received.target, bytes(received.body)) == (host, target, body)
    assert "x-ai-bridge-cluster" not in received.names()
    record = records.one()
    assert record["path"] == path.split("?")[0]
    assert record["upstream"] == {"host": host, "cluster": cluster}


@pytest.mark.parametrize(
    "method,path,host,target",
    [
        ("GET", "/anthropic/v1/models?limit=1000", "api.anthropic.com", "/v1/models?limit=1000"),
        ("GET", "/anthropic/v1/models/claude%2Fopus", "api.anthropic.com", "/v1/models/claude%2Fopus"),
        ("POST", "/anthropic/v1/messages/count_tokens", "api.anthropic.com", "/v1/messages/count_tokens"),
        ("HEAD", "/anthropic/api/hello", "api.anthropic.com", "/api/hello"),
        ("GET", "/openai/v1/models", "api.openai.com", "/v1/models"),
        ("GET", "/openai/v1/responses/resp_1?stream=true", "api.openai.com", "/v1/responses/resp_1?stream=true"),
        ("DELETE", "/openai/v1/conversations/c", "api.openai.com", "/v1/conversations/c"),
        ("GET", "/copilot/models", "api.individual.githubcopilot.com", "/models"),
        ("GET", "/copilot/agents", "api.individual.githubcopilot.com", "/agents"),
        ("POST", "/copilot/agents/swe/x%20y", "api.individual.githubcopilot.com", "/agents/swe/x%20y"),
        ("GET", "/copilot/_ping", "api.individual.githubcopilot.com", "/_ping"),
    ],
)
def test_passthrough_reaches_its_provider_uninspected_and_unrecorded(client, upstream, records, method, path, host, target):
    upstream.begin(json_answer(b"" if method == "HEAD" else {"data": []}, headers={"x-request-id": "r"}))
    body = b"\x00not json\xff" if method == "POST" else None
    answer = client.request(method, path, [GITHUB if path.startswith("/copilot") else TOKEN], body)
    assert answer.status == 200
    received = upstream.only()
    assert (received.method, received.header("host"), received.target) == (method, host, target)
    assert bytes(received.body) == (body or b"")
    records.none()


def test_the_routing_header_of_a_client_is_ignored(client, upstream, records):
    for name in ("x-ai-bridge-cluster", "X-AI-Bridge-Cluster"):
        for path in ("/", "/other", "/v1/messages", "/anthropic", "/admin/../x"):
            answer = client.request("GET", path, [(name, "anthropic")])
            assert answer.status in (400, 404), (path, answer)
    assert upstream.requests == []

    upstream.begin(json_answer(MESSAGE))
    answer = client.request("POST", MESSAGES, [JSON, TOKEN, ("x-ai-bridge-cluster", "openai"), ("x-ai-bridge-cluster", "copilot")], messages_request(stream=False))
    assert answer.status == 200
    assert records.one()["upstream"]["cluster"] == "anthropic"
    assert "x-ai-bridge-cluster" not in upstream.only().names()


@pytest.mark.parametrize("path", [MESSAGES, "/anthropic/v1/messages/count_tokens"], ids=["bridged", "passthrough"])
def test_what_must_not_reach_a_provider_is_removed_and_the_rest_is_left_alone(client, upstream, records, path):
    kept = [("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14"), ("x-stainless-lang", "python"), ("x-team", "search"), ("x-goog-user-project", "p"), ("x-request-id", "mine")]
    gone = [
        ("x-forwarded-for", "10.9.8.7"), ("x-real-ip", "10.9.8.7"), ("forwarded", "for=10.9.8.7"), ("cf-connecting-ip", "10.9.8.7"), ("x-auth-request-email", "ann@example.com"), ("x-ms-token-aad-id-token", "t"),
        ("cookie", "session=1"), ("x-forwarded-client-cert", "By=x"), ("x-amzn-oidc-data", "d"), ("x-ai-bridge-actor-id", "mallory"), ("x-ai-bridge-anything", "1"),
        ("x-goog-api-key", "AIzaX"), ("api-key", "k"), ("proxy-authorization", "Basic eA=="), ("proxy-authenticate", "Basic"), ("http2-settings", "AAMAAABkAAQAAP__"), ("trailer", "x-sum"),
    ]
    (gone if path == MESSAGES else kept).append(("accept-encoding", "gzip, br"))
    upstream.begin(json_answer(MESSAGE))
    assert client.request("POST", path, [JSON, TOKEN, *kept, *gone], messages_request(stream=False)).status == 200
    received = upstream.only()
    for name, value in kept:
        assert received.header(name) == value
    expected = {"host", "content-type", "content-length", "x-api-key", *(name for name, _ in kept)}
    assert received.names() == expected, "the provider sees something that neither client nor filter have sent"
    assert [record["outcome"] for record in records.all()] == (["completed"] if path == MESSAGES else [])


def test_headers_named_by_connection_are_hop_by_hop(http1, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    headers = [JSON, TOKEN, ("connection", "x-hop, keep-alive"), ("x-hop", "1"), ("keep-alive", "timeout=5"), ("te", "gzip"), ("x-stays", "1")]
    answer = http1.request("POST", MESSAGES, headers, messages_request(stream=False))
    assert answer.status == 200
    assert upstream.only().names() & {"x-hop", "keep-alive", "te"} == set()
    assert upstream.only().header("x-stays") == "1"
    assert records.one()["outcome"] == "completed"


def test_repeated_and_odd_header_values_arrive_in_order_and_to_the_byte(client, upstream, records):
    sent = [("anthropic-beta", "a,b ,c,,"), ("anthropic-version", "2023-06-01"), ("anthropic-beta", "second"), ("x-odd", "caf\xe9 \xff"), ("x-twice", "1"), ("x-twice", "1"), ("x-empty", "")]
    for path in (MESSAGES, "/anthropic/v1/messages/count_tokens"):
        upstream.begin(json_answer(MESSAGE))
        assert client.request("POST", path, [JSON, TOKEN, *sent], messages_request(stream=False)).status == 200
        names = {name for name, _ in sent}
        assert [header for header in upstream.only().headers if header[0] in names] == sent
    assert records.one()["outcome"] == "completed"


def test_passthrough_takes_whatever_method_envoy_can_read(client, upstream, records):
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "MKCOL", "REPORT", "TRACE"):
        upstream.begin(json_answer({}))
        client.start(method, "/openai/v1/models/x", [TOKEN], end=True)
        assert client.answer().status == 200
        assert (upstream.only().method, upstream.only().target) == (method, "/v1/models/x")
    records.none()


# === request targets that are no plain path ===

OTHER_ROUTES = [{"match": {"prefix": "/"}, "route": {"cluster": "openai"}}]


def asked(gateway: Gateway, first: bytes, body: bytes = b"") -> Answer:
    """The answer to a request with this first line and the routing header."""
    length = b"content-length: %d\r\n" % len(body) if body else b""
    with Http1(gateway.address) as client:
        client.raw(first + b" HTTP/1.1\r\nhost: other.example\r\nauthorization: Bearer gw_a\r\nx-ai-bridge-cluster: copilot\r\n" + length + b"\r\n" + body)
        return client.answer()


def test_a_target_with_scheme_and_host_is_routed_by_its_path(gateway, upstream, records):
    upstream.begin(json_answer(MESSAGE))
    assert asked(gateway, b"POST http://elsewhere.example:99/anthropic/v1/messages?a=%2F", messages_request(stream=False)).json() == MESSAGE
    received = upstream.only()
    assert (received.target, received.header("host")) == ("/v1/messages?a=%2F", "api.anthropic.com")
    record = records.one()
    assert (record["path"], record["upstream"]["host"]) == (MESSAGES, "api.anthropic.com")

    refused(asked(gateway, b"POST http://elsewhere.example/anthropic/v1/../messages", messages_request()), 400)
    assert refused(asked(gateway, b"GET http://elsewhere.example"), 404, CHAT)["message"] == "no route for GET /"
    records.none()
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "first", [b"OPTIONS *", b"GET *", b"GET ", b"GET ?x", b"GET openai/v1/models", b"CONNECT /openai/v1/models", b"CONNECT api.openai.com:443", b"GET http:///openai/v1/models",
              b"GET ftp://elsewhere.example/openai/v1/models", b"GET http://elsewhere.example?x", b"GET /openai/v1/models#x", b"GET /openai/v1/models\xff", b"get /openai/v1/models"],
)
@pytest.mark.parametrize("root", ["", "/ai"])
def test_a_target_that_is_no_path_reaches_no_upstream(upstream, gateways, first, root):
    upstream.begin(json_answer({}))
    assert asked(gateways[root], first).status in (400, 404)
    gateways[root].settle()
    assert upstream.requests == []


def test_absolute_targets_outside_the_root_lose_the_routing_header(upstream, gateways):
    for target, path in ((b"/x/ai/openai/v1/models", "/x/ai/openai/v1/models"), (b"/openai/v1/models?a", "/openai/v1/models?a"), (b"", "/")):
        upstream.begin(json_answer({}))
        assert asked(gateways["/ai"], b"GET http://elsewhere.example" + target).status == 200
        received = upstream.only()
        assert (received.target, received.header("host"), received.header("x-ai-bridge-cluster")) == (path, "elsewhere.example", None)
    upstream.begin(json_answer({}))
    refused(asked(gateways["/ai"], b"GET http://elsewhere.example/ai/../openai/v1/models"), 400, CHAT)
    assert upstream.requests == []


@pytest.fixture(scope="module")
def gateways(gateway, upstream) -> Iterator[dict[str, Gateway]]:
    """The module's gateway, and one with a root and another application's routes."""
    with Gateway(render(upstream.address, plugin={**shipped_plugin(), "root": "/ai"}, routes=OTHER_ROUTES)) as rooted:
        yield {"": gateway, "/ai": rooted}
        assert_alive(rooted)


@pytest.mark.parametrize(
    "path,sent,arrives,cluster,hint",
    [
        (MESSAGES, ("x-api-key", "sk-ant-api03-abcdefghijklmnop"), ("x-api-key", "sk-ant-api03-abcdefghijklmnop"), "anthropic-byok", "sk-a...mnop"),
        (MESSAGES, ("authorization", "Bearer sk-ant-oat01-abcdefghijk"), ("authorization", "Bearer sk-ant-oat01-abcdefghijk"), "anthropic-byok", "sk-a...hijk"),
        (CHAT, ("authorization", "Bearer sk-own-0123456789abcd"), ("authorization", "Bearer sk-own-0123456789abcd"), "openai-byok", "sk-o...abcd"),
        (RESPONSES, TOKEN, ("authorization", "Bearer sk-proj-central-0123456789"), "openai", "sk-p...6789"),
        (MESSAGES, ("x-api-key", "gw_alice"), ("x-api-key", "sk-ant-central-0123456789"), "anthropic", "sk-a...6789"),
    ],
)
def test_one_credential_goes_upstream_and_selects_the_cluster(client, upstream, records, path, sent, arrives, cluster, hint):
    body = {MESSAGES: messages_request, CHAT: chat_request, RESPONSES: responses_request}[path](stream=False)
    upstream.begin(json_answer({}))
    assert client.request("POST", path, [JSON, sent], body).status == 200
    received = upstream.only()
    assert received.header(arrives[0]) == arrives[1]
    assert len(received.names() & {"authorization", "x-api-key"}) == 1
    record = records.one()
    assert record["upstream"]["cluster"] == cluster
    assert record["credential"] == {"kind": "byok" if cluster.endswith("byok") else "centralized", "hint": hint}
