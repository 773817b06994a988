"""An Istio gateway that is shared with other applications, with policies in front, and without the filter."""

from __future__ import annotations

import gzip
from typing import Iterator

import pytest

from client import Http1
import istio
from refusal import refused
from render import Address
from samples import JSON, MESSAGE, TOKEN, messages_request
import servers
from test_istio import CHAT, COPILOT, GITHUB, MESSAGES, OWN_KEY, RESPONSES
from upstream import Upstream, json_answer

DENY_TEAM = {
    "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": "no-chat", "namespace": "istio-ingress"},
    "spec": {"selector": {"matchLabels": {"istio": "ingressgateway"}}, "action": "DENY", "rules": [{"to": [{"operation": {"paths": ["/ai/openai/*", "/v1/messages"]}}]}]},
}


@pytest.fixture(scope="module")
def application() -> Iterator[Upstream]:
    """Another application behind the same gateway."""
    with Upstream() as server:
        yield server


def another_application(address: Address) -> "istio.Resources":
    """Its routes on the same port: `/v1`, and everything else, on every host."""
    return [
        {
            "apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "web", "namespace": "istio-ingress"},
            "spec": {"selector": {"istio": "ingressgateway"}, "servers": [{"port": {"number": 0, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]},
        },
        {
            "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a-web", "namespace": "istio-ingress"},
            "spec": {
                "hosts": ["*"], "gateways": ["istio-ingress/web"],
                "http": [
                    {"name": "v1", "match": [{"uri": {"prefix": "/v1"}}], "route": [{"destination": {"host": "web.internal", "port": {"number": 80}}}]},
                    {"name": "rest", "route": [{"destination": {"host": "web.internal", "port": {"number": 80}}}]},
                ],
            },
        },
        {
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": {"name": "web", "namespace": "istio-ingress"},
            "spec": {
                "hosts": ["web.internal"], "location": "MESH_EXTERNAL", "resolution": "STATIC", "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
                "endpoints": [{"address": address[0], "ports": {"http": address[1]}}],
            },
        },
    ]


# Another team's route for a provider's host, on our gateway.
CLAIM = {
    "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a-claim", "namespace": "another-team"},
    "spec": {
        "hosts": ["api.anthropic.com"], "gateways": ["istio-ingress/ai-bridge"],
        "http": [{"name": "claim", "match": [{"uri": {"prefix": "/v1"}}], "route": [{"destination": {"host": "web.internal", "port": {"number": 80}}}]}],
    },
}


def shared_with(address: Address):
    """Changes the resources: adds the other application, and two providers without routes."""

    def change(resources: istio.Resources) -> None:
        port = istio.of_kind(resources, "Gateway")[0]["spec"]["servers"][0]["port"]["number"]
        others = another_application(address)
        others[0]["spec"]["servers"][0].update(port={"number": port, "name": "http", "protocol": "HTTP"}, bind="127.0.0.1")
        resources.extend(others)
        resources.insert(0, CLAIM)
        istio.wasm_of(resources)["pluginConfig"]["providers"] += [
            {"type": "anthropic", "name": "elsewhere", "base_url": "https://llm.example.org", "cluster": "anthropic", "key": {"value": "sk-ant-secret"}},
            {"type": "anthropic", "name": "unrouted", "cluster": "nobody", "key": {"value": "sk-ant-secret"}},
        ]

    return change


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, application: Upstream) -> Iterator[istio.IstioGateway]:
    with istio.run(upstream.address, change=shared_with(application.address)) as running:
        yield running


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions?a=b", "/anything", "/aix/anthropic", "/"])
def test_another_applications_requests_pass_untouched(client, upstream, application, records, path):
    application.begin(json_answer({"from": "web"}))
    packed = gzip.compress(b"not ours")
    headers = [("authorization", "Bearer theirs"), ("cookie", "session=1"), ("x-api-key", "theirs"), ("content-encoding", "gzip"), ("accept-encoding", "gzip")]
    answer = client.request("POST", path, headers, packed)
    assert (answer.status, answer.json()) == (200, {"from": "web"})
    received = application.only()
    assert (received.target, received.header("host"), bytes(received.body)) == (path, "gateway.test", packed)
    for name, value in headers:
        assert received.header(name) == value
    assert upstream.requests == []
    records.none()


@pytest.mark.parametrize("path", [MESSAGES, "/ai/anthropic/v1/models"])
def test_ours_never_reach_it(client, upstream, application, path):
    upstream.begin(json_answer(MESSAGE))
    application.begin(json_answer({}))
    assert client.request("POST", path, [JSON, TOKEN, ("host", "app.example.com")], messages_request(stream=False)).status == 200
    assert upstream.only().header("host") == "api.anthropic.com"
    assert application.requests == []


@pytest.mark.parametrize("provider", ["elsewhere", "unrouted"])
def test_a_rewritten_request_without_a_route_reaches_no_upstream(client, upstream, application, records, provider):
    """The host of the base URL of `elsewhere` is in no file: without its own route it would match the catch-all."""
    application.begin(json_answer({}))
    for path in (f"/ai/{provider}/v1/messages", f"/ai/{provider}/v1/models"):
        refused(client.request("POST", path, [JSON, TOKEN], messages_request(stream=False)), 404, path if path.endswith("messages") else MESSAGES, retry="false")
    assert application.requests == [] and upstream.requests == []
    assert [record["response"]["status"] for record in records.all() if record["provider"]["name"] == provider] == [404]


@pytest.fixture(scope="module")
def apart(upstream: Upstream, application: Upstream) -> Iterator[istio.IstioGateway]:
    """The other application has a port of its own: the filter runs there too, the providers' routes are not there."""
    port = servers.free_port()

    def change(resources: istio.Resources) -> None:
        others = another_application(application.address)
        others[0]["spec"]["servers"][0].update(port={"number": port, "name": "http-web", "protocol": "HTTP"}, bind="127.0.0.1")
        resources.extend(others)
        istio.wasm_of(resources)["pluginConfig"]["providers"].append({"type": "anthropic", "name": "elsewhere", "base_url": "https://llm.example.org", "key": {"value": "sk-ant-secret"}})

    with istio.run(upstream.address, change=change) as running:
        running.address = ("127.0.0.1", port)
        yield running


@pytest.mark.parametrize("path", [MESSAGES, CHAT, RESPONSES, COPILOT, "/ai/anthropic/v1/models", "/ai/openai/v1/models", "/ai/elsewhere/v1/messages"])
@pytest.mark.parametrize("credential", [TOKEN, GITHUB, OWN_KEY], ids=["token", "github", "own"])
def test_a_rewritten_request_on_a_port_without_routes_goes_nowhere(apart, upstream, application, path, credential):
    application.begin(json_answer({"from": "web"}))
    with Http1(apart.address) as client:
        assert client.request("POST", path, [JSON, credential], b"{}").status in (401, 403, 404)
        assert application.requests == [] and upstream.requests == []
        assert client.request("POST", "/v1/messages", [JSON, credential], b"{}").json() == {"from": "web"}
        assert application.only().header(credential[0]) == credential[1]


@pytest.mark.parametrize("host", ["gateway.test", "api.anthropic.com"])
def test_a_cluster_named_by_a_client_changes_nothing(client, upstream, application, host):
    application.begin(json_answer({}))
    answer = client.request("POST", "/v1/messages", [JSON, TOKEN, ("host", host), ("x-ai-bridge-cluster", "anthropic")], messages_request())
    assert upstream.requests == []
    if host == "gateway.test":
        assert answer.status == 200 and "x-ai-bridge-cluster" not in application.only().names()
    else:
        assert answer.status == 404 and application.requests == []


def test_where_the_filter_is_taken_away_a_named_cluster_reaches_nothing(upstream, application):
    """The clusters have the keys (`instead/keys-from-files`), so this would give access to the provider."""

    def without_filter(resources: istio.Resources) -> None:
        shared_with(application.address)(resources)
        resources[:] = [each for each in resources if each["kind"] != "WasmPlugin"]

    with istio.run(upstream.address, change=without_filter) as gateway, Http1(gateway.address) as client:
        application.begin(json_answer({}))
        for host, status in (("gateway.test", 200), ("api.anthropic.com", 404)):
            assert client.request("POST", "/v1/messages", [("host", host), ("x-ai-bridge-cluster", "anthropic")], b"{}").status == status
        assert upstream.requests == []
        assert [received.names() & {"x-ai-bridge-cluster"} for received in application.requests] == [set()]


def test_authorization_sees_the_clients_path(upstream, application):
    def with_policy(resources: istio.Resources) -> None:
        resources.append(DENY_TEAM)

    with istio.run(upstream.address, change=with_policy) as gateway, Http1(gateway.address) as client:
        upstream.begin(json_answer(MESSAGE))
        # The filter rewrites the path to `/v1/messages`; the policy must see the original.
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
        answer = client.request("POST", CHAT, [JSON, TOKEN], b"{}")
        assert (answer.status, answer.body) == (403, b"RBAC: access denied")
        assert [received.target for received in upstream.requests] == ["/v1/messages"]


# === the circuit breakers ===


@pytest.fixture
def breakable(upstream: Upstream) -> Iterator[istio.IstioGateway]:
    with istio.run(upstream.address, change=istio.short_breaks) as running:
        yield running


def ask(gateway: istio.IstioGateway, path: str = MESSAGES, credential: tuple[str, str] = TOKEN):
    with Http1(gateway.address) as client:
        return client.request("POST", path, [JSON, credential], messages_request(stream=False))


def wait_until_open(gateway: istio.IstioGateway, cluster: str) -> None:
    def ejected() -> bool:
        return any(value == 1 for name, value in gateway.stats(r"outlier_detection\.ejections_active$").items() if name.startswith(f"cluster.{cluster};."))

    gateway.wait_until(ejected, f"the circuit of {cluster} opens")


@pytest.mark.parametrize(
    "path,cluster,statuses",
    [
        (MESSAGES, "outbound|443||api.anthropic.com", [429, 503, 504, 529, 429]), (CHAT, "outbound|443||api.openai.com", [429, 503, 504, 429, 503]),
        ("/ai/copilot/v1/messages", "outbound|443||api.individual.githubcopilot.com", [429] * 5),
    ],
)
def test_five_failures_in_a_row_open_the_circuit_and_time_closes_it(breakable, upstream, path, cluster, statuses):
    credential = ("authorization", "Bearer gho_0123456789abcdefgh") if "copilot" in path else TOKEN
    for status in statuses:
        upstream.begin(json_answer({"error": {"message": "no", "type": "x"}}, status))
        assert ask(breakable, path, credential).status == status
        assert len(upstream.requests) == 1, "asked once, never again"
    wait_until_open(breakable, cluster)
    upstream.begin(json_answer({}))
    answer = ask(breakable, path, credential)
    error = refused(answer, 503, path, retry=None)
    assert "circuit breaker is open" in error["message"] and answer.header("retry-after") == "32"
    assert upstream.requests == []
    breakable.wait_until(lambda: ask(breakable, path, credential).status == 200, "the circuit closes again")


def test_rate_limits_of_callers_own_keys_open_no_circuit(breakable, upstream):
    upstream.begin(json_answer({"error": {}}, 429))
    for _ in range(8):
        assert ask(breakable, credential=OWN_KEY).status == 429
    upstream.begin(json_answer({"error": {}}, 503))
    for _ in range(5):
        assert ask(breakable, credential=OWN_KEY).status == 503
    wait_until_open(breakable, "outbound|443|byok|api.anthropic.com")
    upstream.begin(json_answer(MESSAGE))
    assert "circuit breaker is open" in ask(breakable, credential=OWN_KEY).json()["error"]["message"]
    assert ask(breakable).status == 200, "the central key's circuit is another one"


@pytest.mark.parametrize("path,status", [(MESSAGES, 500), (CHAT, 529)])
def test_other_failures_do_not_open_it(breakable, upstream, path, status):
    upstream.begin(json_answer({"error": {"message": "no"}}, status))
    for _ in range(8):
        assert ask(breakable, path).status == status


def test_a_provider_that_is_down_is_asked_once_and_answered_in_the_dialect():
    with istio.run(("127.0.0.1", servers.free_port())) as gateway:
        refused(ask(gateway), 503, MESSAGES, retry=None)
        record = gateway.wait_for_record(1)
        assert record["outcome"] == "unavailable"
