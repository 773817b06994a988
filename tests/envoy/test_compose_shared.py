"""Another application behind the gateway of envoy/compose keeps its own requests (without Docker).

The rate limit service is not there: requests pass without being counted, as the shipped configuration says.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
from typing import Any, Iterator

import pytest

from budgets import BARRIER, LIMITS, as_key, token, with_budgets
from client import Http1
import compose_shared
from conftest import Records, assert_alive
from gateway import KEYS, Gateway
from refusal import refused
from render import REPOSITORY, cluster_of, connection_manager_of, wasm_of
from samples import GITHUB, JSON, MESSAGE, MESSAGES, chat_request, messages_request
from upstream import Upstream, json_answer

AI_MESSAGES, CHAT, COPILOT = f"/ai{MESSAGES}", "/ai/openai/v1/chat/completions", "/ai/copilot/chat/completions"
OWN_KEY = ("x-api-key", "sk-ant-api03-0123456789abcdef")


@pytest.fixture(scope="module")
def application() -> Iterator[Upstream]:
    """The other application."""
    with Upstream() as server:
        yield server


def run(upstream: Upstream, application: Upstream, directory: Any, text: str | None = None, change: Any = None) -> Gateway:
    """The gateway with the README's changes, or with this text."""
    file = directory / "envoy.yaml"
    file.write_text(compose_shared.configuration() if text is None else text)

    def last(config: Any) -> None:
        web = cluster_of(config, "web")
        web["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"] = {"address": application.address[0], "port_value": application.address[1]}
        # A page below /v1, as applications have them, beside the catch-all.
        routes = connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"]
        routes.insert(-1, {**routes[-1], "name": "web_v1", "match": {"prefix": "/v1"}})
        if change is not None:
            change(config)

    return Gateway(with_budgets(upstream, 1, directory, last, file=file))


def nobody_routes(config: Any) -> None:
    """Adds a provider whose cluster does not exist."""
    value = wasm_of(config)["configuration"]
    value["value"] = value["value"].replace('"providers": [', '"providers": [ {"type": "anthropic", "name": "unrouted", "cluster": "nobody", "key": {"value": "sk-ant-secret"}},', 1)


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, application: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with run(upstream, application, tmp_path_factory.mktemp("shared"), change=nobody_routes) as running:
        running.barrier = AI_MESSAGES
        yield running
        assert_alive(running)


@pytest.fixture
def records(gateway: Gateway) -> Records:
    found = Records(gateway, [BARRIER])
    found.all()
    return found


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions?a=%2F", "/", "/aix", "/AI/anthropic/v1/messages", "/anthropic/v1/messages", "/v1/../ai//x"])
@pytest.mark.parametrize("forged", [[], [("x-ai-bridge-cluster", "anthropic")], [("x-ai-bridge-cluster", "web")]], ids=["plain", "names a cluster", "names its own"])
def test_the_applications_requests_pass_untouched(client, upstream, application, records, path, forged):
    application.begin(json_answer({"from": "web"}))
    packed = gzip.compress(b"not ours")
    sent = [("authorization", "Bearer theirs"), ("cookie", "session=1"), ("x-api-key", "theirs"), ("content-encoding", "gzip"), ("accept-encoding", "gzip"), ("x-request-id", "theirs")]
    answer = client.request("POST", path, [*sent, *forged], packed)
    assert (answer.status, answer.json()) == (200, {"from": "web"})
    received = application.only()
    assert (received.target, received.header("host"), bytes(received.body)) == (path, "gateway.test", packed)
    assert set(sent) <= set(received.headers)
    assert not received.names() & {"x-ai-bridge-cluster", "x-forwarded-for"}
    assert not set(KEYS.values()) & {value for _, value in received.headers}
    assert upstream.requests == []
    records.none()


@pytest.mark.parametrize(
    "path,headers,body,host",
    [
        (AI_MESSAGES, [as_key("alice")], messages_request(stream=False), "api.anthropic.com"),
        (AI_MESSAGES, [("x-gateway-token", token("alice")), OWN_KEY], messages_request(stream=False), "api.anthropic.com"),
        (CHAT, [as_key("alice")], chat_request(), "api.openai.com"),
        (COPILOT, [("x-gateway-token", token("alice")), GITHUB], chat_request(), "api.individual.githubcopilot.com"),
        ("/ai/anthropic/v1/models", [as_key("alice")], b"", "api.anthropic.com"),
    ],
)
@pytest.mark.parametrize("authority", ["gateway.test", "app.example.com"])
def test_ours_never_reach_it(client, upstream, application, path, headers, body, host, authority):
    upstream.begin(json_answer(MESSAGE))
    application.begin(json_answer({}))
    assert client.request("POST", path, [JSON, ("host", authority), *headers], body).status == 200
    received = upstream.only()
    assert received.header("host") == host
    # Neither the gateway's header nor its token goes upstream.
    assert not [name for name in received.names() if name.startswith(("x-ai-bridge-", "x-envoy-", "x-forwarded-")) or name in ("x-team", "x-gateway-token")]
    assert len(received.names() & {"authorization", "x-api-key"}) == 1
    assert application.requests == []


def test_ours_are_decompressed(client, upstream, application):
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(stream=False)
    assert client.request("POST", AI_MESSAGES, [JSON, as_key("alice"), ("content-encoding", "gzip")], gzip.compress(body)).status == 200
    assert bytes(upstream.only().body) == body


@pytest.mark.parametrize("forged", [[], [("x-ai-bridge-cluster", "anthropic")], [("x-ai-bridge-cluster", "web")], [("x-ai-bridge-actor-id", "alice")]], ids=["nothing", "cluster", "web", "actor"])
@pytest.mark.parametrize("path", [AI_MESSAGES, "/ai/anthropic/v1/models", CHAT, "/ai", "/ai/"])
def test_below_the_root_no_request_passes_without_a_token(client, upstream, application, path, forged):
    application.begin(json_answer({}))
    answer = client.request("POST", path, [JSON, ("authorization", "Bearer gw_anything"), *forged], messages_request())
    # This message is the authentication filter's, not AI Bridge's.
    assert (answer.status, b"Jwt" in answer.body) == (401, True)
    assert upstream.requests == [] == application.requests


def test_a_request_without_a_route_reaches_no_upstream(client, upstream, application, records):
    application.begin(json_answer({}))
    refused(client.request("POST", "/ai/unrouted/v1/messages", [JSON, as_key("alice")], messages_request(stream=False)), 503, MESSAGES, retry=None)
    assert upstream.requests == [] == application.requests
    assert records.one()["outcome"] == "unavailable"


def test_verify_finds_nothing_wrong_with_it(tmp_path):
    file = tmp_path / "envoy.yaml"
    file.write_text(compose_shared.configuration())
    done = subprocess.run([sys.executable, REPOSITORY / "envoy" / "verify", file, LIMITS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# === the effect of each change ===


def without_the_entry(text: str) -> str:
    """The first of the README's routes."""
    start = text.index("- name: ai_bridge_entry")
    return text[text.index("- name: web", start):]


def behind_the_application(config: Any) -> None:
    routes = connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"]
    routes.append(routes.pop(0))


def ask(gateway: Gateway, path: str, headers: list[tuple[str, str]], body: bytes = b"{}") -> Any:
    with Http1(gateway.address) as client:
        return client.request("POST", path, headers, body)


def test_without_the_route_for_our_own_paths_authentication_would_not_see_them(upstream, application, tmp_path):
    with run(upstream, application, tmp_path, compose_shared.configuration(routes=without_the_entry(compose_shared.blocks()[0]))) as gateway:
        answer = ask(gateway, AI_MESSAGES, [JSON, ("authorization", "Bearer gw_anything")], messages_request())
        assert (answer.status, b"Jwt" in answer.body) == (401, False), "the filter misses an actor, which authentication would have set"


def test_without_the_header_mutation_a_client_could_reach_a_provider_route(upstream, application, tmp_path):
    application.begin(json_answer({}))
    with run(upstream, application, tmp_path, compose_shared.configuration(mutation=False)) as gateway:
        assert ask(gateway, "/v1/messages", [("x-ai-bridge-cluster", "anthropic")]).status == 401


def test_behind_the_applications_routes_ours_would_be_never_reached(upstream, application, tmp_path):
    """Shows that the order of the routes matters, and that the other tests would notice a wrong one."""
    upstream.begin(json_answer({}))
    application.begin(json_answer({}))
    with run(upstream, application, tmp_path, change=behind_the_application) as gateway:
        assert ask(gateway, AI_MESSAGES, [JSON, as_key("alice")], messages_request(stream=False)).status == 200
        assert application.only().header("x-api-key") == KEYS["ANTHROPIC_API_KEY"] and upstream.requests == []
