"""The files of envoy/pools: they agree with the generator and the reference, and run, also on Istio and Envoy Gateway."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest
import yaml

import envoy_gateway
import istio
from client import Http1
from conftest import Records, assert_alive
from gateway import Gateway
from pools import Member, generated, key_of, refusal
from render import HTTP_OPTIONS, REPOSITORY, WASM, cluster_of, connection_manager_of, shipped, wasm_of
from samples import COMPLETION, JSON, MESSAGE, TOKEN, chat_request, messages_request
from upstream import json_answer

FOLDER = REPOSITORY / "envoy" / "pools"
MEMBERS = {"anthropic-main": "ANTHROPIC_API_KEY", "anthropic-spare": "ANTHROPIC_API_KEY_2", "openai-openai": "OPENAI_API_KEY", "openai-azure": "AZURE_API_KEY"}

Json = Any


def read(name: str) -> list[Json]:
    return [json.loads(json.dumps(each)) for each in yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text())]


# === the files ===


def test_the_sample_is_the_reference_with_pools():
    """Every change of envoy.yaml has to be made here too."""
    found, reference = shipped(FOLDER / "envoy.yaml"), shipped()
    made = generated(json.loads(wasm_of(found)["configuration"]["value"]))
    routes = connection_manager_of(found)["route_config"]["virtual_hosts"][0]["routes"]
    assert routes[: len(made["routes"])] == made["routes"]
    del routes[: len(made["routes"])]
    clusters = found["static_resources"]["clusters"]
    assert clusters[:-1] == made["clusters"]
    assert clusters[-1] == cluster_of(reference, "copilot")
    for config in (found, reference):
        del config["static_resources"]["clusters"]
        plugin = wasm_of(config)
        del plugin["configuration"], plugin["vm_config"]["environment_variables"]
    assert found == reference


def filter_of(policy: Json) -> Json:
    """The PluginConfig in the EnvoyFilter for Istio."""
    return policy["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]["config"]


@pytest.mark.parametrize("platform", ["istio", "envoy-gateway"])
def test_the_kubernetes_files_are_what_is_generated(platform):
    policy, patches = read(platform)
    plugin = json.loads(filter_of(policy)["configuration"]["value"]) if platform == "istio" else policy["spec"]["wasm"][0]["config"]
    assert generated(plugin, "--for", platform) == patches
    assert {**plugin, "root": ""} == {**json.loads(wasm_of(shipped(FOLDER / "envoy.yaml"))["configuration"]["value"]), "root": ""}


def test_clients_cannot_choose_a_list_on_any_platform():
    connections = (REPOSITORY / "envoy" / "istio" / "connections.yaml").read_text()
    assert "{ remove: x-ai-bridge-pool }" in connections
    assert "earlyRequestHeaders: { remove: [ x-ai-bridge-cluster, x-ai-bridge-pool ] }" in (REPOSITORY / "envoy" / "envoy-gateway" / "gateway.yaml").read_text()


# === run ===


@pytest.fixture
def members() -> Iterator[dict[str, Member]]:
    made = {name: Member(name, json_answer(COMPLETION if "openai" in name else MESSAGE)) for name in MEMBERS}
    yield made
    for each in made.values():
        each.close()
    assert not [failure for each in made.values() for failure in each.failures]


def keys(members: dict[str, Member]) -> dict[str, str]:
    own = {"openai-openai": "sk-proj-openai-0123456789", "openai-azure": "0123456789abcdef0123456789abcdef"}
    return {variable: own.get(name, members[name].key) for name, variable in MEMBERS.items()}


def to_loopback(cluster: Json, member: Member) -> None:
    """Points a generated cluster at a member on this machine."""
    cluster["type"] = "STATIC"
    cluster.pop("transport_socket", None)
    first = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]
    first["endpoint"]["address"]["socket_address"] = {"address": member.address[0], "port_value": member.address[1]}
    options = cluster["typed_extension_protocol_options"][HTTP_OPTIONS]
    options["http_filters"][0]["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] = str(WASM)


def failover(gateway: Gateway, members: dict[str, Member], root: str, without: set[str]) -> None:
    """A key that is used up, and OpenAI that is down: the other members answer, each with its own key, model and path."""
    records = Records(gateway)
    members["openai-openai"].script = refusal(529)
    with Http1(gateway.address) as client:
        session = [JSON, TOKEN, ("user-agent", "claude-cli/2.0"), ("x-claude-code-session-id", "s")]
        assert client.request("POST", f"{root}/anthropic/v1/messages", session, messages_request(stream=False)).status == 200
        [home] = [name for name in ("anthropic-main", "anthropic-spare") if members[name].requests]
        members[home].script = refusal(429, retry_after="60")
        answer = client.request("POST", f"{root}/anthropic/v1/messages", session, messages_request(stream=False, prompt="x" * 2_000_000))
        assert (answer.status, answer.json()) == (200, MESSAGE)
        answer = client.request("POST", f"{root}/openai/v1/chat/completions", [JSON, TOKEN, ("x-ai-bridge-pool", "openai/openai")], chat_request(model="gpt-5.5"))
        assert (answer.status, answer.json()) == (200, COMPLETION)
        own = ("authorization", "Bearer sk-own-0123456789abcdefghij")
        assert client.request("POST", f"{root}/openai/v1/chat/completions", [JSON, own], chat_request()).status == 529
    [away] = {"anthropic-main", "anthropic-spare"} - {home}
    assert [len(each.requests) for each in (members[home], members[away])] == [2, 1]
    known = keys(members)
    for name in (home, away):
        received = members[name].requests[-1]
        assert (key_of(received), received.target, received.header("host")) == (known[MEMBERS[name]], "/v1/messages", "api.anthropic.com")
    azure = members["openai-azure"].only()
    assert (azure.target, azure.header("host"), azure.header("api-key")) == ("/openai/v1/chat/completions", "your-resource.openai.azure.com", known["AZURE_API_KEY"])
    assert "authorization" not in azure.names() and json.loads(bytes(azure.body))["model"] == "your-deployment"
    first, second = members["openai-openai"].requests
    assert (first.header("authorization"), second.header("authorization")) == (f"Bearer {known['OPENAI_API_KEY']}", own[1])
    for member in members.values():
        for received in member.requests:
            assert not {name for name in received.names() if name.startswith(("x-ai-bridge", "x-envoy"))} - without, received.head
    found = records.all()
    assert [[(each["member"], each["status"]) for each in record.get("attempts", [])] for record in found] == [
        [(home.removeprefix("anthropic-"), 200)], [(home.removeprefix("anthropic-"), 429), (away.removeprefix("anthropic-"), 200)], [("openai", 529), ("azure", 200)], [],
    ]
    assert_alive(gateway)


def test_the_sample_runs(members):
    def change(config: Json) -> None:
        for name in MEMBERS:
            to_loopback(cluster_of(config, name), members[name])

    config = shipped(FOLDER / "envoy.yaml")
    config["admin"]["address"]["socket_address"]["port_value"] = 0
    config["static_resources"]["listeners"][0]["address"]["socket_address"]["port_value"] = 0
    wasm_of(config)["vm_config"]["code"]["local"]["filename"] = str(WASM)
    change(config)
    with Gateway(config, concurrency=2, environment=keys(members)) as gateway:
        failover(gateway, members, "", set())


def of_kind(resources: list[Json], kind: str) -> Json:
    return next(each for each in resources if each["kind"] == kind and each["metadata"]["name"] == "ai-bridge-pools")


def test_istio_runs_it(members):
    def change(resources: list[Json]) -> None:
        [policy] = [each for each in resources if each["kind"] == "EnvoyFilter" and each["metadata"]["name"] == "ai-bridge"]
        filter_of(policy)["vm_config"]["code"]["local"]["filename"] = str(WASM)
        for patch in of_kind(resources, "EnvoyFilter")["spec"]["configPatches"]:
            if patch["applyTo"] == "CLUSTER":
                to_loopback(patch["patch"]["value"], members[patch["patch"]["value"]["name"]])

    with istio.run(("127.0.0.1", 1), change=change, instead={"wasm-plugin": "../pools/istio"}, concurrency=2, environment=keys(members)) as gateway:
        failover(gateway, members, "/ai", set())


def test_envoy_gateway_runs_it(members):
    resources = read("envoy-gateway")
    for patch in of_kind(resources, "EnvoyPatchPolicy")["spec"]["jsonPatches"]:
        value = patch["operation"]["value"]
        if patch["type"].endswith("Cluster"):
            to_loopback(value, members[patch["name"]])
        elif patch["operation"]["path"] == "vm_config":
            value["code"]["local"]["filename"] = str(WASM)

    def prepare(given: list[Json]) -> None:
        envoy_gateway.on_loopback(given, ("127.0.0.1", 1))

    with envoy_gateway.published() as image, envoy_gateway.EnvoyGateway(image, prepare, concurrency=2, environment=keys(members), instead=resources) as gateway:
        gateway.wait_until(lambda: ask(gateway, "/ai/nowhere") == 404, "the filter serves", 60)
        failover(gateway, members, "/ai", set())


def ask(gateway: Gateway, path: str) -> int:
    with Http1(gateway.address) as client:
        return client.request("GET", path).status


