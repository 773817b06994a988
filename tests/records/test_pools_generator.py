"""envoy/pools: which clusters and routes are generated for a configuration, and which mistakes are reported."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
POOLS = REPOSITORY / "envoy" / "pools"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

Json = Any


def run(given: Json, *arguments: str) -> subprocess.CompletedProcess[str]:
    text = given if isinstance(given, str) else json.dumps(given)
    # -I: neither this directory nor installed packages can be imported.
    return subprocess.run([sys.executable, "-I", POOLS, "--config", "-", *arguments], input=text, capture_output=True, text=True, timeout=60)


def generated(given: Json, *arguments: str) -> Json:
    done = run(given, *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    made = yaml.safe_load(done.stdout)
    assert list(made) == ["clusters", "routes", "virtual_host"]
    return made


def provider(count: int = 2, **more: Json) -> Json:
    members = [{"name": f"m{index}", "key": {"env": f"KEY_{index}"}} for index in range(1, count + 1)]
    return {"type": "anthropic", "pool": members, **more}


def configuration(count: int = 2, **more: Json) -> Json:
    return {"providers": [provider(count, **more)]}


def value_of(route: Json) -> str:
    """What the route matches: one header, exactly."""
    assert list(route["match"]) == ["prefix", "headers"] and route["match"]["prefix"] == "/"
    [header] = route["match"]["headers"]
    assert header["name"] == "x-ai-bridge-pool" and list(header["string_match"]) == ["exact"]
    return header["string_match"]["exact"]


def groups_of(route: Json) -> list[str]:
    """The clusters that the route asks, in order."""
    extension = route["route"]["inline_cluster_specifier_plugin"]["extension"]["typed_config"]
    groups = extension["priority_groups"]
    assert all(len(group["clusters"]) == 1 for group in groups)
    return [group["clusters"][0]["cluster_name"] for group in groups]


def by_value(made: Json) -> dict[str, Json]:
    routes = {value_of(route): route for route in made["routes"]}
    assert len(routes) == len(made["routes"])
    return routes


def options_of(cluster: Json) -> Json:
    return cluster["typed_extension_protocol_options"][HTTP_OPTIONS]


# === routes ===


@pytest.mark.parametrize("start,count,lists", [("first", 2, 3), ("first", 3, 7), ("first", 4, 14), ("first", 5, 25), ("session", 2, 4), ("session", 3, 15), ("session", 4, 40), ("session", 5, 85)])
def test_there_is_one_route_for_each_list_that_the_filter_may_choose(start, count, lists):
    routes = by_value(generated(configuration(count, start=start)))
    own = routes.pop("anthropic")
    assert len(routes) == lists
    names = [f"m{index}" for index in range(1, count + 1)]
    expected = {list_ for length in (1, 2, 3) for list_ in itertools.permutations(names, length) if start == "session" or list(list_) == sorted(list_)}
    assert set(routes) == {f"anthropic/{','.join(list_)}" for list_ in expected}
    for value, route in routes.items():
        members = value.split("/")[1].split(",")
        assert groups_of(route) == [f"anthropic-{member}" for member in members]
        retries = route["route"]["retry_policy"]
        assert retries["num_retries"] == len(members) - 1
        assert route["route"]["timeout"] == "0s"
        # Without `retry_on` Envoy keeps no copy of the body: one member needs none.
        assert ("retry_on" in retries) == (len(members) > 1)
        if len(members) > 1:
            assert set(retries["retry_on"].split(",")) == {"retriable-headers", "connect-failure", "refused-stream", "reset"}
            assert retries["retriable_headers"] == [{"name": "x-ai-bridge-retry", "present_match": True}]
            assert retries["refresh_cluster_on_retry"] is True
    assert own["route"] == {"cluster": "anthropic-m1", "timeout": "0s"}, "a caller's own key: once, and to one member"


@pytest.mark.parametrize("bytes_,limit", [(None, 33554432), (1, 1), (50331648, 50331648), (50331649, 50331648), (1 << 40, 50331648)])
def test_the_copy_for_retries_is_as_large_as_bodies_may_be_up_to_48_mib(bytes_, limit):
    given = configuration() if bytes_ is None else {**configuration(), "limits": {"request_body_bytes": bytes_}}
    routes = by_value(generated(given))
    assert {route.get("request_body_buffer_limit") for value, route in routes.items() if "/" in value} == {limit}
    assert "request_body_buffer_limit" not in routes["anthropic"]


def test_routes_remove_the_configured_cluster_header_and_what_envoy_adds():
    for given, header in ((configuration(), "x-ai-bridge-cluster"), ({**configuration(), "cluster_header": "X-Cluster"}, "x-cluster")):
        for route in generated(given)["routes"]:
            assert route["request_headers_to_remove"] == [header, "x-envoy-external-address", "x-forwarded-proto"]


def test_several_pools_have_routes_of_their_own_and_other_providers_none():
    given = {"providers": [provider(), {"type": "copilot"}, provider(3, name="second"), {"type": "openai", "key": {"env": "OPENAI"}}]}
    made = generated(given)
    assert {each["name"] for each in made["clusters"]} == {"anthropic-m1", "anthropic-m2", "second-m1", "second-m2", "second-m3"}
    values = set(by_value(made))
    assert {value.split("/")[0] for value in values} == {"anthropic", "second"} and len(values) == 3 + 1 + 7 + 1


# === clusters ===


def test_clusters_lead_to_the_members_base_urls():
    pool = [
        {"name": "own", "key": {"env": "A"}},
        {"name": "azure", "cluster": "some|cluster", "key": {"env": "B"}, "base_url": "https://Res.openai.azure.com:8443/openai/v1", "key_header": "api-key", "vendor": "azure", "headers": {"a": "b"}, "models": {"*": "m"}},
        {"name": "plain", "key": {"none": True}, "base_url": "http://relay.internal/v1"},
        {"name": "four", "key": {"none": True}, "base_url": "http://127.0.0.1:9000"},
        {"name": "six", "key": {"none": True}, "base_url": "https://[::1]"},
    ]
    made = generated({"providers": [{"type": "openai", "pool": pool}]})
    clusters = {each["name"]: each for each in made["clusters"]}
    assert list(clusters) == ["openai-own", "some|cluster", "openai-plain", "openai-four", "openai-six"]
    expected = {"openai-own": ("api.openai.com", 443), "some|cluster": ("res.openai.azure.com", 8443), "openai-plain": ("relay.internal", 80), "openai-four": ("127.0.0.1", 9000), "openai-six": ("::1", 443)}
    for name, cluster in clusters.items():
        host, port = expected[name]
        assert cluster["load_assignment"]["cluster_name"] == name
        first, *others = cluster["load_assignment"]["endpoints"]
        assert first["lb_endpoints"] == [{"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}]
        is_name = name in ("openai-own", "some|cluster", "openai-plain")
        assert (cluster["type"], cluster.get("dns_lookup_family")) == (("STRICT_DNS", "V4_PREFERRED") if is_name else ("STATIC", None))
        # A name without an address must not hide the members behind it: its connections are refused, and that is retried.
        assert [(each["priority"], each["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]) for each in others] == ([(1, {"address": "127.0.0.1", "port_value": 0})] if is_name else [])
        assert ("transport_socket" in cluster) == (name in ("openai-own", "some|cluster", "openai-six"))
    tls = clusters["some|cluster"]["transport_socket"]["typed_config"]
    assert tls["sni"] == "res.openai.azure.com"
    validation = tls["common_tls_context"]["validation_context"]
    assert validation == {"trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"}, "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": "res.openai.azure.com"}}]}
    six = clusters["openai-six"]["transport_socket"]["typed_config"]
    assert "sni" not in six and six["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"] == [{"san_type": "IP_ADDRESS", "matcher": {"exact": "::1"}}]


def test_no_cluster_has_a_circuit_and_each_allows_many_retries():
    for cluster in generated(configuration(5, byok_cluster="own"))["clusters"]:
        assert "outlier_detection" not in cluster and "health_checks" not in cluster
        assert cluster["circuit_breakers"]["thresholds"][0]["max_retries"] >= 10_000
        # The server name would be that of the first attempt.
        assert "upstream_http_protocol_options" not in options_of(cluster)


def test_callers_own_keys_may_have_a_cluster_of_their_own():
    made = generated(configuration(byok_cluster="anthropic-byok"))
    assert [each["name"] for each in made["clusters"]] == ["anthropic-m1", "anthropic-m2", "anthropic-byok"]
    first, _, own = made["clusters"]
    assert json.loads(json.dumps(own).replace("anthropic-byok", "anthropic-m1")) == first
    assert by_value(made)["anthropic"]["route"]["cluster"] == "anthropic-byok"
    assert len(generated(configuration(byok_cluster="anthropic-m1"))["clusters"]) == 2


def test_the_upstream_filter_shares_the_main_filters_vm():
    arguments = ("--wasm", "/opt/filter.wasm", "--vm-id", "gateway", "--env", "ZETA", "--env", "ALPHA")
    for given, vm_id, module, names in (
        ((), "ai_bridge", "/etc/envoy/ai_bridge.wasm", ["KEY_1", "KEY_2", "OPENAI"]),
        (arguments, "gateway", "/opt/filter.wasm", ["ZETA", "ALPHA"]),
    ):
        made = generated({"providers": [provider(), {"type": "openai", "key": {"env": "OPENAI"}}]}, *given)
        for cluster, member in zip(made["clusters"], ("m1", "m2"), strict=True):
            ours, codec = options_of(cluster)["http_filters"]
            assert codec["name"] == "envoy.filters.http.upstream_codec"
            config = ours["typed_config"]["config"]
            assert (config["root_id"], config["failure_policy"]) == ("ai_bridge", "FAIL_RELOAD")
            assert json.loads(config["configuration"]["value"]) == {"upstream": {"provider": "anthropic", "member": member}}
            assert config["vm_config"] == {"vm_id": vm_id, "runtime": "envoy.wasm.runtime.v8", "environment_variables": {"host_env_keys": names}, "code": {"local": {"filename": module}}}


def test_on_envoy_gateway_every_listener_has_the_vm_of_the_clusters():
    done = run(configuration(), "--for", "envoy-gateway", "--listener", "http", "--listener", "https", "--namespace", "ai", "--wasm", "/opt/filter.wasm")
    patches = [(each["type"].rpartition(".")[2], each["name"], each["operation"]) for each in yaml.safe_load(done.stdout)["spec"]["jsonPatches"]]
    listeners = [(name, operation) for kind, name, operation in patches if kind == "Listener"]
    assert [(name, operation["path"]) for name, operation in listeners] == [(f"ai/ai-gateway/{name}", path) for name in ("http", "https") for path in ("vm_config", "failure_policy")]
    vm = {"vm_id": "ai_bridge", "runtime": "envoy.wasm.runtime.v8", "environment_variables": {"host_env_keys": ["KEY_1", "KEY_2"]}, "code": {"local": {"filename": "/opt/filter.wasm"}}}
    assert [operation["value"] for _, operation in listeners] == [vm, "FAIL_RELOAD"] * 2
    clusters = [operation["value"] for kind, _, operation in patches if kind == "Cluster"]
    assert [options_of(each)["http_filters"][0]["typed_config"]["config"]["vm_config"] for each in clusters] == [vm, vm]
    routes = [(name, operation["value"]["name"]) for kind, name, operation in patches if kind == "RouteConfiguration"]
    own = generated(configuration())["routes"]
    assert routes == [(f"ai/ai-gateway/{name}", each["name"]) for name in ("http", "https") for each in own]


def test_default_base_urls_are_those_of_the_filter():
    table = {}
    for file in (REPOSITORY / "src" / "provider").glob("*.rs"):
        found = re.search(r'pub const PROFILE: Profile = Profile \{\s+name: "(\w+)",.*?\n    base_url: "([^"]*)"', file.read_text(), re.DOTALL)
        if found and file.stem != "bedrock_runtime":
            table[found[1]] = found[2]
    namespace: Json = {}
    exec((REPOSITORY / "envoy" / "verify" / "base_urls.py").read_text(), namespace)
    assert namespace["BASE_URLS"] == table and len(table) == 6


def test_the_text_is_readable_and_the_same_in_json_and_yaml():
    text = run(configuration(5, start="session")).stdout
    assert max(map(len, text.splitlines())) <= 220
    assert re.search(r"^- name: pool anthropic/m1,m2,m3$|^- name: \"pool anthropic/m1,m2,m3\"$", text, re.MULTILINE)


# === mistakes ===


def member(**more: Json) -> Json:
    return {"name": "m1", "key": {"env": "KEY_1"}, **more}


OTHER = {"name": "m2", "key": {"env": "KEY_2"}}
MISTAKES: list[tuple[Json, str]] = [
    ("", "not one JSON object"), ("[]", "the configuration: expected an object"), ("{", "not one JSON object"), ('{"a":' * 100_000, "not one JSON object"),
    ('{"providers": [], "providers": []}', "the member 'providers' is there twice"),
    ({}, "providers: expected a list of one or more providers"), ({"providers": []}, "providers: expected a list"), ({"providers": [5]}, "providers[0]: expected an object"),
    ({"providers": [{"type": "openai"}]}, "providers: none has a `pool`"),
    (configuration(1), "providers[0].pool: expected a list of 2 to 5 members, found 1"), (configuration(6), "found 6"), (configuration(pool={}), "providers[0].pool: expected a list"),
    (configuration(pool=[member(), member()]), 'providers[0].pool[1].name: another member is called "m1" too'),
    (configuration(pool=[member(), {"name": "m2"}]), "providers[0].pool[1].key: missing"), (configuration(pool=[member(), {"key": {}}]), "providers[0].pool[1].name: missing"),
    (configuration(pool=[member(), 5]), "providers[0].pool[1]: expected an object"), (configuration(pool=[member(bas_url="x"), OTHER]), "providers[0].pool[0].bas_url: unknown member"),
    (configuration(pool=[member(name="M1"), OTHER]), 'providers[0].pool[0].name: "M1" is no name'), (configuration(name="a--b"), 'providers[0].name: "a--b" is no name'),
    (configuration(key={"env": "A"}), "providers[0].key: not beside `pool`"), (configuration(cluster="c"), "providers[0].cluster: not beside `pool`"),
    (configuration(start="last"), 'providers[0].start: expected "first" or "session"'), (configuration(start=["first"]), "providers[0].start: expected"),
    (configuration(type="copilot"), "providers[0].pool: a pool is not possible on the type copilot"), (configuration(bedrock={"region": "x"}), "providers[0].pool: a pool is not possible with `bedrock`"),
    (configuration(type="antropic"), "providers[0].type: expected one of"), (configuration(type=None), "providers[0].type: missing"),
    (configuration(type="azure"), "providers[0].pool[0].base_url: missing here and in the provider"),
    ({"providers": [provider(), provider()]}, 'providers[1]: another provider is called "anthropic" too'),
    (configuration(pool=[member(cluster="c"), {**OTHER, "cluster": "c"}]), 'the cluster "c" is that of anthropic/m1 and of anthropic/m2'),
    ({"providers": [provider(), {"type": "openai", "cluster": "anthropic-m1"}]}, 'the cluster "anthropic-m1" is that of the provider openai and of anthropic/m1'),
    (configuration(byok_cluster="anthropic-m2"), "is the cluster of a member that is not the first"), (configuration(byok_cluster=""), "providers[0].byok_cluster: expected a text"),
    ({**configuration(), "limits": {"request_body_bytes": 0}}, "limits.request_body_bytes: expected a whole number"), ({**configuration(), "limits": {"request_body_bytes": True}}, "limits.request_body_bytes"), ({**configuration(), "limits": []}, "limits: expected an object"),
    *((configuration(pool=[member(base_url=url), OTHER]), f"providers[0].pool[0].base_url: {says}") for url, says in (
        ("api.openai.com", "expected an absolute http or https URL"), ("ftp://a", "expected an absolute"), ("https://", "expected an absolute"), ("https://user:secret@host/", "expected an absolute http or https URL of a host and an optional path, found something else"),
        ("https://host?a=b", "expected an absolute"), ("https://host#a", "expected an absolute"), ("https://host:0", '"host:0" is no host'), ("https://host:65536", '"host:65536" is no host'), ("https://[x]", '"[x]" is no host'), ("https://[1.2.3]", '"[1.2.3]" is no IPv6 address'),
        ("https://ho st", "expected an absolute"), (5, "expected a text"), (None, "missing"),
    )),
]


@pytest.mark.parametrize("given,says", MISTAKES, ids=[says[:60] for _, says in MISTAKES])
def test_a_mistake_is_reported_and_nothing_is_printed(given, says):
    done = run(given)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("-: ") and says in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert "secret" not in done.stderr


def test_a_file_that_cannot_be_read_is_reported(tmp_path):
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe")
    for file in (tmp_path / "nowhere.json", tmp_path, binary):
        done = subprocess.run([sys.executable, POOLS, "--config", file], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (1, "") and done.stderr.startswith(f"{file}: ")
    assert subprocess.run([sys.executable, POOLS], capture_output=True, timeout=60).returncode == 2


def places(value: Json, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(inner, (*path, name))
    return found


def test_no_configuration_makes_it_crash():
    """Each part in turn has a wrong type: a sentence, or a result; never a stack trace."""
    given = {"providers": [provider(byok_cluster="b", base_url="http://h"), {"type": "openai", "key": {"env": "K"}}], "limits": {"request_body_bytes": 5}, "cluster_header": "x-c"}
    program = f"import sys; sys.path.insert(0, {str(POOLS)!r})\nimport json, configuration, clusters, routes, yaml_text\nfrom mistake import Mistake\nfrom plugin import Plugin\n"
    program += "for line in sys.stdin:\n    try:\n        c = configuration.read(line)\n        yaml_text.yaml_text({'c': clusters.clusters(c, Plugin(), 'x'), 'r': routes.routes(c)})\n    except Mistake as m:\n        assert '\\n' not in str(m), m\n"
    lines = []
    for path in places(given):
        for wrong in (None, 5, "x", "", [], {}, [None], {"x": None}, True, "\n", 1e400):
            mutated = json.loads(json.dumps(given))
            place = mutated
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = wrong
            lines.append(json.dumps(mutated))
    done = subprocess.run([sys.executable, "-c", program], input="\n".join(lines), capture_output=True, text=True, timeout=60)
    assert done.stderr == "" and len(lines) > 200
