"""A client's `x-ai-bridge-*` headers never choose a cluster, an actor or an upstream.

The gateway is shared with another application, which has the very paths that providers have, and all others.
"""

from __future__ import annotations

import re
from typing import Any, Iterator

import pytest
import yaml

from client import Http1, Http2
from conftest import Records, assert_alive
from gateway import KEYS, Gateway
from h2_upstream import Http2Upstream
from render import SHIPPED, cluster_of, connection_manager_of, render, shipped_plugin
from samples import JSON, MESSAGE, TOKEN, chat_request, messages_request
from upstream import Upstream, json_answer

ROOT = "/api/v2/aibridge"
MESSAGES, MODELS = f"{ROOT}/anthropic/v1/messages", f"{ROOT}/openai/v1/models"
APPLICATION = [
    {"match": {"prefix": "/v1"}, "route": {"cluster": "application"}},
    {"match": {"prefix": "/"}, "route": {"cluster": "application"}},
]
CLUSTERS = ["anthropic", "openai", "copilot", "anthropic-byok", "openai-byok"]
OUTSIDE = [
    "/", "/v1", "/v1/messages", "/v1/chat/completions?x=1", "/v1/models", "/anthropic/v1/messages", "/openai/v1/models", "/api/v2", "/api/v2/", "/api/v2/aibridg",
    "/api/v2/aibridgee/anthropic/v1/messages", "/API/v2/aibridge/anthropic/v1/messages", "/api/v2/%61ibridge/anthropic/v1/messages", "/v1/../v1/messages", "//v1/messages", "/v1/%00",
]
NOWHERE = [f"{ROOT}/", f"{ROOT}/anthropic", f"{ROOT}/v1/messages", f"{ROOT}/anthropic/v1/files", f"{ROOT}/nobody/v1/messages", f"{ROOT}/openai/v1/responses/comp%61ct"]
HOSTILE = [f"{ROOT}/../../v1/messages", f"{ROOT}/anthropic/%2e%2e/v1/messages", f"{ROOT}//v1/messages", f"{ROOT}/anthropic/v1/models/%"]


class Shared:
    """A gateway with a server for each provider, and one for the other application."""

    def __init__(self, gateway: Gateway, header: str, servers: dict[str, Upstream]) -> None:
        self.gateway = gateway
        self.header = header
        self.servers = servers

    def begin(self) -> None:
        for server in self.servers.values():
            server.begin(json_answer(MESSAGE))

    def reached(self) -> dict[str, Any]:
        """The received requests, by server."""
        return {name: received for name, server in self.servers.items() for received in server.requests}


def rename(header: str, config: Any) -> None:
    """The change of the route for another name of the header."""
    route = connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"][0]
    route["match"]["headers"][0]["name"] = header
    route["route"]["cluster_header"] = header
    route["request_headers_to_remove"][0] = header


@pytest.fixture(scope="module", params=["x-ai-bridge-cluster", "x-where-to"])
def shared(request: pytest.FixtureRequest) -> Iterator[Shared]:
    header = request.param
    servers = {name: Upstream(json_answer(MESSAGE)) for name in [*CLUSTERS, "application"]}

    def change(config: Any) -> None:
        rename(header, config)
        application = {**cluster_of(config, "openai"), "name": "application"}
        address = {"socket_address": {"address": "127.0.0.1", "port_value": servers["application"].address[1]}}
        application["load_assignment"] = {"cluster_name": "application", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}
        config["static_resources"]["clusters"].append(application)

    plugin = {**shipped_plugin(), "root": ROOT, "cluster_header": header}
    with Gateway(render({name: server.address for name, server in servers.items()}, plugin=plugin, routes=APPLICATION, change=change)) as gateway:
        yield Shared(gateway, header, servers)
        assert_alive(gateway)
    for server in servers.values():
        server.close()


@pytest.fixture
def gateway(shared: Shared) -> Gateway:
    return shared.gateway


def forgeries(header: str) -> list[list[tuple[str, str]]]:
    names = dict.fromkeys([header, "x-ai-bridge-cluster"])
    return [
        *([(name, cluster)] for name in names for cluster in ("anthropic", "openai-byok", "no-such-cluster", "")),
        [(header, "anthropic"), (header, "openai")],
        [("x-ai-bridge-actor-id", "root"), ("x-ai-bridge-provider", "openai"), ("x-ai-bridge-", "1")],
    ]


@pytest.mark.parametrize("path", OUTSIDE)
def test_outside_the_root_requests_pass_without_the_routing_header(client, shared, path):
    for forged in forgeries(shared.header):
        shared.begin()
        own = [("authorization", "Bearer theirs"), ("x-api-key", "theirs"), ("cookie", "a=b")]
        assert client.request("POST", path, [*own, *forged], b"{}").status == 200, forged
        (where, received), = shared.reached().items()
        assert where == "application", forged
        assert received.target == path
        assert shared.header not in received.names()
        assert [received.header(name) for name, _ in own] == [value for _, value in own], "left alone"
        assert not set(KEYS.values()) & {value for _, value in received.headers}


@pytest.mark.parametrize("path", [*NOWHERE, *HOSTILE])
def test_a_refused_request_reaches_no_upstream(client, shared, path):
    for forged in forgeries(shared.header):
        shared.begin()
        assert client.request("POST", path, [JSON, TOKEN, *forged], messages_request()).status == (400 if path in HOSTILE else 404), forged
        assert shared.reached() == {}


def test_a_request_refused_after_routing_reaches_no_upstream(client, shared):
    for forged in forgeries(shared.header):
        shared.begin()
        assert client.request("GET", MESSAGES, [TOKEN, *forged]).status == 405
        assert client.request("POST", MESSAGES, [JSON, ("x-api-key", "sk-proj-0123456789"), *forged], messages_request()).status == 403
        assert client.request("POST", f"{ROOT}/copilot/v1/messages", [JSON, *forged], messages_request()).status == 401
        assert client.request("POST", MESSAGES, [JSON, TOKEN, *forged], b"").status == 400
        assert shared.reached() == {}


@pytest.mark.parametrize(
    "method,path,cluster,arrives",
    [
        ("POST", MESSAGES, "anthropic", ("x-api-key", KEYS["ANTHROPIC_API_KEY"])),
        ("POST", f"{ROOT}/openai/v1/chat/completions", "openai", ("authorization", f"Bearer {KEYS['OPENAI_API_KEY']}")),
        ("GET", MODELS, "openai", ("authorization", f"Bearer {KEYS['OPENAI_API_KEY']}")),
        ("POST", f"{ROOT}/anthropic/v1/messages/count_tokens", "anthropic", ("x-api-key", KEYS["ANTHROPIC_API_KEY"])),
    ],
)
def test_only_the_filter_sets_the_routing_header(client, shared, method, path, cluster, arrives):
    for forged in forgeries(shared.header):
        shared.begin()
        body = chat_request() if path.endswith("completions") else messages_request(stream=False)
        assert client.request(method, path, [JSON, TOKEN, *forged], body if method == "POST" else None).status == 200, forged
        (where, received), = shared.reached().items()
        assert where == cluster, forged
        assert (received.header(arrives[0]), received.target) == (arrives[1], path.removeprefix(f"{ROOT}/{cluster}"))
        assert not any(name.startswith("x-ai-bridge-") or name == shared.header for name in received.names())


def test_a_websocket_elsewhere_passes_without_the_routing_header(shared):
    """Envoy forwards WebSockets on other routes: the header must be removed there too."""
    for path, status in (("/v1/responses", 200), (f"{ROOT}/openai/v1/responses", 426), (MODELS, 501), (f"{ROOT}/nowhere", 404)):
        shared.begin()
        with Http1(shared.gateway.address) as client:
            upgrade = [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-version", "13")]
            client.start("GET", path, [*upgrade, TOKEN, (shared.header, "openai")], end=True)
            answer = client.head()
        if status == 200:
            shared.servers["application"].wait_until(lambda: bool(shared.reached()), "the upgrade arrives")
            assert list(shared.reached()) == ["application"]
            assert shared.header not in shared.reached()["application"].names()
        else:
            assert answer.status == status
            assert shared.reached() == {}


@pytest.mark.parametrize("path", ["/anthropic/v1/messages", "/anthropic/v1/messages/count_tokens"])
def test_reserved_names_are_removed_from_trailers_too(path):
    forged = [("x-ai-bridge-cluster", "openai"), ("x-ai-bridge-actor-id", "root"), ("authorization", "Bearer theirs"), ("x-api-key", "theirs"), ("cookie", "a=b")]
    with Http2Upstream(b"{}", content_type="application/json") as server, Gateway(render(server.address, http2_upstream=True)) as gateway:
        with Http2(gateway.address) as client:
            client.start("POST", path, [JSON, TOKEN])
            client.send(messages_request(stream=False))
            client.trail([*forged, ("x-checksum", "7")])
            assert client.answer().status == 200
        assert server.trails == [[("x-checksum", "7")]]
        assert dict(server.heads[0])["x-api-key"] == KEYS["ANTHROPIC_API_KEY"]
        assert_alive(gateway)


# === the actor ===


def names_the_caller(value: str) -> Any:
    """A mock of an authentication filter, which names the caller if the request has a token."""
    return {
        "name": "authentication",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"request_mutations": [{"append": {"header": {"key": "x-ai-bridge-actor-id", "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}]},
        },
    }


def early_mutations() -> Any:
    """The configuration in a comment of the shipped file, uncommented."""
    lines = SHIPPED.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if re.match(r" *# early_header_mutation_extensions:$", line))
    block = []
    for line in lines[start:]:
        if not line.strip().startswith("#"):
            break
        block.append(re.sub(r"^ *# ", "", line))
    return yaml.safe_load("\n".join(block))


@pytest.mark.parametrize("authenticated", [True, False])
def test_the_actor_comes_from_the_authentication_filter_only(upstream, authenticated):
    actor = {"header": "x-ai-bridge-actor-id", "metadata_headers": {"team": "x-team"}, "required": True}
    plugin = {**shipped_plugin(), "actor": actor}
    plugin["providers"][0]["send_actor"] = True

    def change(config: Any) -> None:
        if authenticated:
            connection_manager_of(config)["http_filters"].insert(0, names_the_caller("alice"))

    with Gateway(render(upstream.address, plugin=plugin, connection_manager=early_mutations(), change=change)) as gateway, Http1(gateway.address) as client:
        records = Records(gateway)
        upstream.begin(json_answer(MESSAGE))
        forged = [("x-ai-bridge-actor-id", "mallory"), ("x-team", "board"), ("x-ai-bridge-actor-metadata-team", "board"), ("X-AI-Bridge-Actor-Metadata-Role", "admin")]
        answer = client.request("POST", "/anthropic/v1/messages", [JSON, TOKEN, *forged], messages_request(stream=False))
        record = next(record for record in records.all() if "barrier" not in str(record.get("user_agent")))
        if authenticated:
            assert answer.status == 200
            own = [(name, value) for name, value in upstream.only().headers if name.startswith("x-ai-bridge-")]
            assert own == [("x-ai-bridge-actor-id", "alice")]
            assert "x-team" not in upstream.only().names()
            assert record["actor"]["id"] == "alice"
            assert "mallory" not in str(record) and "board" not in str(record)
        else:
            assert answer.status == 401
            assert (record["outcome"], record["error"]["code"]) == ("rejected", "missing_actor")
            assert upstream.requests == []


def test_without_a_configured_header_there_is_no_actor(upstream):
    plugin = shipped_plugin()
    plugin["providers"][0]["send_actor"] = True
    with Gateway(render(upstream.address, plugin=plugin)) as gateway, Http1(gateway.address) as client:
        upstream.begin(json_answer(MESSAGE))
        client.request("POST", "/anthropic/v1/messages", [JSON, TOKEN, ("x-ai-bridge-actor-id", "mallory")], messages_request(stream=False))
        assert not any(name.startswith("x-ai-bridge-") for name in upstream.only().names())
        assert "mallory" not in str(gateway.wait_for_record(1))
