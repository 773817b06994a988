"""`make verify` compares the clusters and routes of pools with the filter's configuration, and reports each difference."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from typing import Any, Callable

import pytest
import yaml

from render import HTTP_OPTIONS, REPOSITORY, cluster_of, connection_manager_of, shipped, wasm_of

FILE = REPOSITORY / "envoy" / "pools" / "envoy.yaml"
VERIFY = REPOSITORY / "envoy" / "verify"
LISTS = 4 + 3       # two members by session, two in the configured order

Json = Any
Change = Callable[[Json], Any]


def judged(config: Json, directory) -> list[tuple[str, str, str]]:
    """Level, path and message of every finding about a configuration."""
    file = directory / "envoy.json"
    file.write_text(json.dumps(config))
    done = subprocess.run([sys.executable, VERIFY, "--json", "--without-envoy", file], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    return [(each["level"], each["path"], each["message"]) for each in found["problems"]]


def routes_of(config: Json) -> Json:
    return connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"]


def route_of(config: Json, value: str) -> Json:
    return next(each for each in routes_of(config) if each["name"] == f"pool {value}")


def options_of(config: Json, cluster: str) -> Json:
    return cluster_of(config, cluster)["typed_extension_protocol_options"][HTTP_OPTIONS]


def upstream_of(config: Json, cluster: str = "anthropic-main") -> Json:
    return options_of(config, cluster)["http_filters"][0]["typed_config"]["config"]


def policy_of(config: Json, value: str = "anthropic/main,spare") -> Json:
    return route_of(config, value)["route"]["retry_policy"]


def plugin(change: Change) -> Change:
    def changes(config: Json) -> None:
        value = wasm_of(config)["configuration"]
        given = json.loads(value["value"])
        change(given)
        value["value"] = json.dumps(given)

    return changes


def to_the_end(config: Json) -> None:
    routes = routes_of(config)
    routes.append(routes.pop(0))


def swap(config: Json) -> None:
    main, spare = upstream_of(config, "anthropic-main"), upstream_of(config, "anthropic-spare")
    main["configuration"], spare["configuration"] = spare["configuration"], main["configuration"]


def reverse(config: Json) -> None:
    route_of(config, "openai/openai,azure")["route"]["inline_cluster_specifier_plugin"]["extension"]["typed_config"]["priority_groups"].reverse()


def rename(config: Json) -> None:
    cluster_of(config, "anthropic-spare")["name"] = "anthropic-other"


def extra(config: Json) -> None:
    more = copy.deepcopy(cluster_of(config, "anthropic-spare"))
    more["name"] = "anthropic-old"
    config["static_resources"]["clusters"].append(more)


ANOTHER_VM = "so the two share no VM"
MISTAKES: dict[str, tuple[Change, list[tuple[str, str, str]]]] = {
    "a cluster is missing": (rename, [
        ("error", ".clusters[1].name", 'this cluster has the key of the pool\'s "anthropic-spare", and no other is called so'),
    ]),
    "a cluster of a former member": (extra, [("error", ".clusters[5]", 'the cluster "anthropic-old" has the upstream filter, but is no member')]),
    "outlier detection": (lambda config: cluster_of(config, "openai-azure").update(outlier_detection={"consecutive_5xx": 5}), [("error", ".outlier_detection", "it answers 503 and asks no other member")]),
    "health checks": (lambda config: cluster_of(config, "openai-azure").update(health_checks=[{"timeout": "1s"}]), [("error", ".health_checks", "it answers 503 and asks no other member")]),
    "no second endpoint": (lambda config: cluster_of(config, "openai-azure")["load_assignment"]["endpoints"].pop(), [("warning", ".load_assignment", "while its name has no address")]),
    "few retries": (lambda config: cluster_of(config, "openai-azure").pop("circuit_breakers"), [("error", ".circuit_breakers", "`max_retries` allows 3 failovers at a time")]),
    "no TLS": (lambda config: cluster_of(config, "openai-azure").pop("transport_socket"), [("error", ".transport_socket", "in clear text")]),
    "the name of another host": (lambda config: cluster_of(config, "openai-azure")["transport_socket"]["typed_config"].update(sni="api.openai.com"), [("error", ".sni", 'has the host "your-resource.openai.azure.com"')]),
    "the name of the first attempt's host": (lambda config: options_of(config, "openai-azure").update(upstream_http_protocol_options={"auto_sni": True}), [("error", ".auto_sni", "for every member")]),
    "no upstream filter": (lambda config: options_of(config, "openai-azure")["http_filters"].pop(0), [("error", ".http_filters", "0 upstream filters of AI Bridge, where openai/azure needs one")]),
    "no filters at all": (lambda config: options_of(config, "openai-azure").pop("http_filters"), [("error", ".http_filters", "0 upstream filters of AI Bridge")]),
    "the codec is not the last": (lambda config: options_of(config, "openai-azure")["http_filters"].reverse(), [("error", ".http_filters[1]", "the last upstream filter has to be")]),
    "members' filters are swapped": (swap, [("error", ".configuration.value", '"member": "main"'), ("error", ".configuration.value", '"member": "spare"')]),
    "another VM": (lambda config: upstream_of(config)["vm_config"].update(vm_id="other"), [("error", ".vm_config.vm_id", ANOTHER_VM)]),
    "another module": (lambda config: upstream_of(config)["vm_config"].update(code={"local": {"filename": "/tmp/x.wasm"}}), [("error", ".vm_config.code", ANOTHER_VM)]),
    "other variables": (lambda config: upstream_of(config)["vm_config"]["environment_variables"]["host_env_keys"].pop(), [("error", ".environment_variables", "missing here: AZURE_API_KEY")]),
    "another root": (lambda config: upstream_of(config).update(root_id="x"), [("error", ".root_id", "differs from the main filter's")]),
    "it fails open": (lambda config: upstream_of(config).update(failure_policy="FAIL_OPEN"), [("error", ".failure_policy", "FAIL_RELOAD")]),
    "a route is missing": (lambda config: routes_of(config).remove(route_of(config, "anthropic/spare,main")), [("error", ".routes", "no route for x-ai-bridge-pool: anthropic/spare,main: ")]),
    "all routes are missing": (lambda config: routes_of(config).__delitem__(slice(0, LISTS + 2)), [("error", ".routes", "anthropic/main,spare, anthropic/spare,main, anthropic/main and 6 more")]),
    "a member more": (plugin(lambda given: given["providers"][1]["pool"].append({"name": "third", "key": {"env": "OPENAI_API_KEY"}})), [
        ("error", "providers[1].pool[2].name", 'no cluster is called "openai-third"'),
    ]),
    "a list that is never chosen": (plugin(lambda given: given["providers"][0].pop("start")), [("warning", ".routes[1]", 'the filter never chooses "anthropic/spare,main"')]),
    "a route behind others": (to_the_end, [("error", ".routes[10]", "a pool's route has to be in front of all others")]),
    "members in another order": (reverse, [("error", ".route", "expected one priority group for each of openai-openai, openai-azure, in this order; found openai-azure, openai-openai")]),
    "too many retries": (lambda config: policy_of(config).update(num_retries=2), [("error", ".retry_policy", "`num_retries` has to be 1, one less than its members; found 2")]),
    "retries to one member": (lambda config: policy_of(config, "anthropic/main").update(num_retries=1), [("error", ".retry_policy", "`num_retries` has to be 0")]),
    "no retry policy": (lambda config: route_of(config, "anthropic/main,spare")["route"].pop("retry_policy"), [
        ("error", ".retry_policy", "`num_retries` has to be 1"), ("error", ".retry_policy", "`retry_on` lacks"), ("error", ".retry_policy", "`retriable_headers` lacks x-ai-bridge-retry"), ("error", ".retry_policy", "refresh_cluster_on_retry"),
    ]),
    "retries without asking": (lambda config: policy_of(config).update(retry_on="5xx,retriable-headers,reset"), [
        ("error", ".retry_policy", "`retry_on` lacks connect-failure, refused-stream"), ("error", ".retry_on", "5xx retries without asking the filter"),
    ]),
    "always the first member": (lambda config: policy_of(config).pop("refresh_cluster_on_retry"), [("error", ".retry_policy", "every attempt goes to the first member")]),
    "a small copy": (lambda config: route_of(config, "anthropic/main,spare").update(request_body_buffer_limit=1000), [("error", ".request_body_buffer_limit", "expected 33554432 (limits.request_body_bytes, at most 48 MiB), found 1000")]),
    "no copy": (lambda config: route_of(config, "anthropic/main,spare").pop("request_body_buffer_limit"), [("error", ".request_body_buffer_limit", "found Envoy's default")]),
    "larger bodies": (plugin(lambda given: given.update(limits={"request_body_bytes": 1 << 30})), [("error", ".request_body_buffer_limit", "expected 50331648")]),
    "own keys are tried again": (lambda config: route_of(config, "anthropic")["route"].update(retry_policy={"retry_on": "reset"}), [("error", ".retry_policy", "callers' own keys (anthropic) must have none")]),
    "everything is tried again": (lambda config: connection_manager_of(config)["route_config"]["virtual_hosts"][0].update(retry_policy={"retry_on": "reset"}), [
        ("error", "virtual_hosts[0].retry_policy", "callers' own keys (anthropic) must have none"), ("error", "virtual_hosts[0].retry_policy", "callers' own keys (openai) must have none"),
    ]),
    "own keys go elsewhere": (lambda config: route_of(config, "openai")["route"].update(cluster="openai-azure"), [("error", ".route", 'go to the cluster "openai-openai", found "openai-azure"')]),
    "a path": (lambda config: route_of(config, "openai")["match"].update(prefix="/v1"), [("error", ".match", 'expected `prefix: "/"`')]),
    "two members have one cluster": (plugin(lambda given: given["providers"][1]["pool"][0].update(cluster="anthropic-main")), [
        ("error", "providers[0]", 'the cluster "anthropic-main" is that of anthropic/main and of openai/openai: each needs one of its own'),
    ]),
    "a provider without a pool has a member's cluster": (plugin(lambda given: given["providers"][2].update(cluster="anthropic-main")), [
        ("error", "providers[0]", 'the cluster "anthropic-main" is that of the provider copilot and of anthropic/main: each needs one of its own'),
    ]),
    "no pool can be made": (plugin(lambda given: given["providers"][0]["pool"].pop()), [("error", "providers[0]", "no clusters and routes can be made for its pools: expected a list of 2 to 5 members, found 1")]),
}


def test_nothing_is_wrong_with_the_sample(tmp_path):
    assert judged(shipped(FILE), tmp_path) == []


@pytest.mark.parametrize("change,expected", MISTAKES.values(), ids=list(MISTAKES))
def test_a_difference_is_reported_with_its_place(tmp_path, change, expected):
    config = shipped(FILE)
    change(config)
    found = judged(config, tmp_path)
    left = list(expected)
    for level, path, message in found:
        match = next((each for each in left if (level, True, True) == (each[0], path.endswith(each[1]), each[2] in message)), None)
        assert match is not None, (level, path, message)
        left.remove(match)
    assert not left, found


def test_other_spellings_of_the_members_are_read_too(tmp_path):
    """Envoy accepts `retryPolicy` for `retry_policy`."""

    def other(value: Json) -> Json:
        if isinstance(value, dict):
            names = {name: name if "." in name else re.sub(r"_([a-z])", lambda match: match.group(1).upper(), name) for name in value}
            return {names[name]: other(member) for name, member in value.items()}
        return [other(each) for each in value] if isinstance(value, list) else value

    assert judged(other(shipped(FILE)), tmp_path) == []


def places(value: Json, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    for name, member in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(member, (*path, name))
    return found


def test_no_configuration_makes_it_crash(tmp_path):
    """Each part of the clusters and routes in turn has a wrong type."""
    config = shipped(FILE)
    static = config["static_resources"]
    del static["clusters"][4:]
    del routes_of(config)[3:9]
    kept = {"clusters", "routes", "route_config", "virtual_hosts"}
    files = []
    for number, path in enumerate(path for path in places(config) if kept & set(path)):
        mutated = copy.deepcopy(config)
        place = mutated
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = [None, 5, "x", [], {}, [None], [[]], {"x": None}, True][number % 9]
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(mutated))
    assert len(files) > 300
    done = subprocess.run([sys.executable, VERIFY, "--json", "--without-envoy", *files], capture_output=True, text=True, timeout=300)
    assert done.stderr == "" and len(done.stdout.splitlines()) == len(files)


# === resources of Istio and Envoy Gateway ===


def of_resources(platform: str, directory, change: Callable[[list[Json]], None]) -> list[str]:
    """What is said about the pools of the shipped files of a platform."""
    folder = REPOSITORY / "envoy" / platform
    names = [each for each in sorted(folder.glob("*.yaml")) if each.stem not in ("wasm-plugin", "extension-policy", "helm-values")]
    resources = list(yaml.safe_load_all((REPOSITORY / "envoy" / "pools" / f"{platform}.yaml").read_text()))
    change(resources)
    own = directory / "pools.yaml"
    own.write_text("---\n".join(json.dumps(each) + "\n" for each in resources))
    done = subprocess.run([sys.executable, VERIFY, "--json", "--without-envoy", *names, own], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    found = [each for line in done.stdout.splitlines() for each in json.loads(line)["problems"]]
    # What is about the pod, the listener and the module is the same without pools.
    return [each["message"] for each in found if "pool" in each["message"] or "no route matches" in each["message"] or "no HTTPRoute matches" in each["message"]]


def patches_of(resources: list[Json]) -> list[Json]:
    spec = resources[1]["spec"]
    return spec.get("configPatches", spec.get("jsonPatches"))


def value_of(patch: Json) -> Json:
    return patch.get("patch", patch.get("operation"))["value"]


def name_of(patch: Json) -> Any:
    value = value_of(patch)
    return value.get("name") if isinstance(value, dict) else None


def without_vm(resources: list[Json]) -> None:
    patches_of(resources)[:] = [each for each in patches_of(resources) if each["operation"]["path"] != "vm_config"]


def with_another_module(resources: list[Json]) -> None:
    [vm] = [value_of(each) for each in patches_of(resources) if each["operation"]["path"] == "vm_config"]
    for each in patches_of(resources):
        if name_of(each) == "openai-azure":
            [upstream, _] = value_of(each)["typed_extension_protocol_options"][HTTP_OPTIONS]["http_filters"]
            upstream["typed_config"]["config"]["vm_config"] = {**vm, "code": {"local": {"filename": "/opt/other.wasm"}}}


def without_cluster(resources: list[Json]) -> None:
    patches_of(resources)[:] = [each for each in patches_of(resources) if name_of(each) != "openai-azure"]


def without_route(resources: list[Json]) -> None:
    patches_of(resources)[:] = [each for each in patches_of(resources) if name_of(each) != "pool openai/azure"]


def with_circuit(resources: list[Json]) -> None:
    next(value_of(each) for each in patches_of(resources) if name_of(each) == "openai-azure")["outlier_detection"] = {"consecutive_5xx": 5}


def test_the_resources_of_envoy_gateway_are_compared_with_the_pools_too(tmp_path):
    assert of_resources("envoy-gateway", tmp_path, lambda _: None) == []
    for change, says in (
        (without_cluster, "adds the clusters of its pools (openai-azure)"), (without_route, "no route for x-ai-bridge-pool: openai/azure:"),
        (without_vm, "no EnvoyPatchPolicy loads the filter from a file"), (with_another_module, "so the two share no VM and this member answers 503"),
        (with_circuit, "it answers 503 and asks no other member"), (lambda resources: resources.pop(), "adds the clusters of its pools (anthropic-main, "),
    ):
        [message] = of_resources("envoy-gateway", tmp_path, change)
        assert says in message


def with_another_listener(resources: list[Json]) -> None:
    """As `--listener http --listener https` of the generator."""
    patches = patches_of(resources)
    of_listener = [each for each in patches if each["name"].endswith("/http")]
    patches += [{**copy.deepcopy(each), "name": each["name"] + "s"} for each in of_listener]


def of_second(resources: list[Json], name: str) -> Json:
    with_another_listener(resources)
    return next(each for each in patches_of(resources) if each["name"].endswith("/https") and name in (each["operation"]["path"], name_of(each)))


def test_each_listener_of_envoy_gateway_needs_the_vm_and_the_routes(tmp_path):
    assert of_resources("envoy-gateway", tmp_path, with_another_listener) == []

    def lacks(name: str) -> Callable[[list[Json]], None]:
        return lambda resources: patches_of(resources).remove(of_second(resources, name))

    for change, says in (
        (lacks("vm_config"), "loads the filter from a file in the listener ai-gateway/ai-gateway/https"),
        (lacks("pool openai/azure"), "no route for x-ai-bridge-pool: openai/azure:"),
        (lambda resources: of_second(resources, "vm_config")["operation"]["value"].update(vm_id="other"), "differs from the VM of another listener"),
    ):
        [message] = of_resources("envoy-gateway", tmp_path, change)
        assert says in message


def test_a_listener_of_envoy_gateway_must_not_fail_open(tmp_path):
    resources = list(yaml.safe_load_all((REPOSITORY / "envoy" / "pools" / "envoy-gateway.yaml").read_text()))
    for each in patches_of(resources):
        if each["operation"]["path"] == "failure_policy":
            each["operation"]["value"] = "FAIL_OPEN"
    file = tmp_path / "pools.yaml"
    file.write_text("---\n".join(json.dumps(each) + "\n" for each in resources))
    done = subprocess.run([sys.executable, VERIFY, "--without-envoy", file], capture_output=True, text=True, timeout=120)
    assert "FAIL_OPEN lets requests past the filter" in done.stdout


def test_on_istio_a_wasm_plugin_cannot_have_pools(tmp_path):
    def as_a_plugin(resources: list[Json]) -> None:
        [plugin] = yaml.safe_load_all((REPOSITORY / "envoy" / "istio" / "wasm-plugin.yaml").read_text())
        plugin["spec"]["pluginConfig"] = json.loads(wasm_of(shipped(FILE))["configuration"]["value"])
        resources[0] = plugin

    assert of_resources("istio", tmp_path, lambda _: None) == []
    found = of_resources("istio", tmp_path, as_a_plugin)
    assert sum("share no VM with it" in message for message in found) == 1, found


def with_pools_and_budgets() -> Json:
    """The sample of budgets with the pools' configuration, clusters and routes."""
    config, pools = shipped(REPOSITORY / "envoy" / "budgets" / "envoy.yaml"), shipped(FILE)
    value = wasm_of(config)["configuration"]
    given = json.loads(value["value"])
    value["value"] = json.dumps({**given, "providers": json.loads(wasm_of(pools)["configuration"]["value"])["providers"]})
    wasm_of(config)["vm_config"] = wasm_of(pools)["vm_config"]
    config["static_resources"]["clusters"] += [each for each in pools["static_resources"]["clusters"] if each["name"] not in {known["name"] for known in config["static_resources"]["clusters"]}]
    routes_of(config)[0:0] = [each for each in routes_of(pools) if each["name"].startswith("pool ")]
    return config


def test_a_pool_without_the_budgets_of_other_providers_is_an_error(tmp_path):
    config = with_pools_and_budgets()
    route = next(each for each in routes_of(config) if each["name"] == "ai_bridge")
    host = connection_manager_of(config)["route_config"]["virtual_hosts"][0]
    pools = [each for each in routes_of(config) if each["name"].startswith("pool ")]

    def found() -> list[str]:
        return [message for level, _, message in judged(config, tmp_path) if level == "error"]

    [message] = found()
    assert message.startswith(f"requests by this route and {len(pools) - 1} more routes are neither asked for a budget nor charged")
    pools[0]["typed_per_filter_config"] = route["typed_per_filter_config"]
    [message] = found()
    assert f"and {len(pools) - 2} more routes" in message
    del pools[0]["typed_per_filter_config"]
    host["typed_per_filter_config"] = route.pop("typed_per_filter_config")
    assert found() == []
