"""`make verify` accepts the shipped files and reports each mistake with its place."""

from __future__ import annotations

import copy
import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from budgets import CONFIGURATION, trust
from gateway import KEYS, TOOLS
from render import REPOSITORY, SHIPPED, cluster_of, connection_manager_of, shipped, wasm_of

VERIFY = REPOSITORY / "envoy" / "verify"
COMPLETE = sorted(path for path in (REPOSITORY / "envoy").rglob("*.yaml") if "\nstatic_resources:" in path.read_text() and "root_id: ai_bridge" in path.read_text())

Change = Callable[[Any], Any]


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name not in KEYS}
    return subprocess.run([sys.executable, VERIFY, *arguments], env={**plain, **environment}, capture_output=True, text=True, timeout=300)


def judged(config: Any, directory: Path) -> list[tuple[str, str, str]]:
    """Level, path and message of every finding about a configuration."""
    file = directory / "envoy.json"
    file.write_text(json.dumps(config))
    done = run("--json", "--without-envoy", file)
    found = json.loads(done.stdout)
    assert "problems" in found, found
    problems = [(each["level"], each["path"], each["message"]) for each in found["problems"]]
    assert done.returncode == (1 if any(level == "error" for level, *_ in problems) else 0), done.stderr
    return problems


# === shipped files ===


def test_the_complete_files_are_found():
    assert {SHIPPED, CONFIGURATION} <= set(COMPLETE)


@pytest.mark.parametrize("file", COMPLETE, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_nothing_is_wrong_with_what_is_shipped(file, tmp_path):
    """With Envoy's own check, which needs the files that the configuration names, but not the keys."""
    config = shipped(file)
    trust(config, tmp_path)
    rendered = tmp_path / "envoy.json"
    rendered.write_text(json.dumps(config))
    done = run("--json", rendered)
    assert json.loads(done.stdout) == {"file": str(rendered), "problems": [], "left_out": []}
    assert done.returncode == 0
    done = run(file)
    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (0, f"{file}: 0 errors, 0 warnings", "")


def test_a_filter_that_envoy_reads_from_a_file_is_judged_too(tmp_path):
    config = shipped()
    ecds = tmp_path / "ai_bridge.yaml"
    fragment = yaml.safe_load((REPOSITORY / "envoy" / "dynamic" / "filter.yaml").read_text())[0]
    fragment["config_discovery"]["config_source"]["path_config_source"]["path"] = str(ecds)
    manager = connection_manager_of(config)
    manager["http_filters"] = [fragment if each["name"] == "ai_bridge" else each for each in manager["http_filters"]]
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(config))
    done = run("--without-envoy", file)
    assert done.returncode == 2 and str(ecds) in done.stderr
    text = (REPOSITORY / "envoy" / "dynamic" / "ecds" / "ai_bridge.yaml").read_text()
    ecds.write_text(text)
    assert judged(config, tmp_path) == []
    ecds.write_text(text.replace("FAIL_RELOAD", "FAIL_OPEN"))
    ((level, path, _),) = judged(config, tmp_path)
    assert (level, path) == ("error", f"{ecds}: ai_bridge.typed_config.config.failure_policy")


@pytest.mark.parametrize("content,says", [
    ("", "not a complete Envoy configuration"), ("[1]", "not a complete Envoy configuration"), ("a: [", "neither YAML nor JSON"), ("\0", "neither YAML nor JSON"),
    ('{"a":' * 100_000, "nested too deeply"), ("static_resources: { listeners: [ { name: x } ] }", "no listener loads AI Bridge"), ((REPOSITORY / "envoy" / "keys" / "injector.yaml").read_text(), "not a complete Envoy configuration"),
], ids=["empty", "list", "broken", "binary", "deep", "other", "fragment"])
def test_an_unusable_file_is_reported(tmp_path, content, says):
    file = tmp_path / "envoy.yaml"
    file.write_text(content)
    done = run(file)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"{file}: {says}"), done.stderr
    assert says in json.loads(run("--json", file).stdout)["unusable"]
    assert run(tmp_path / "nowhere.yaml").returncode == 2


# === mistakes ===


def manager_of(config: Any) -> Any:
    return connection_manager_of(config)


def filter_of(config: Any, name: str) -> Any:
    return next(each for each in manager_of(config)["http_filters"] if each["name"] == name)


def ai_route(config: Any) -> Any:
    return routes_of(config)[0]


def routes_of(config: Any) -> Any:
    return manager_of(config)["route_config"]["virtual_hosts"][0]["routes"]


def limits_of(config: Any) -> Any:
    return ai_route(config)["typed_per_filter_config"]["envoy.filters.http.ratelimit"]["rate_limits"]


def plugin(change: Callable[[Any], Any]) -> Change:
    """A change of the filter's own configuration."""

    def changes(config: Any) -> None:
        value = wasm_of(config)["configuration"]
        given = json.loads(value["value"])
        change(given)
        value["value"] = json.dumps(given)

    return changes


def text(old: str, new: str) -> Change:
    """Replaces words everywhere in the text."""

    def changes(config: Any) -> Any:
        whole = json.dumps(config)
        assert old in whole, old
        return json.loads(whole.replace(old, new))

    return changes


def budget(name: str, *, charges: bool) -> Callable[[Any], Any]:
    return lambda config: next(each for each in limits_of(config) if f'"{name}"' in json.dumps(each) and bool(each.get("apply_on_stream_done")) == charges)


def in_front(config: Any) -> None:
    filters = manager_of(config)["http_filters"]
    limit = filter_of(config, "envoy.filters.http.ratelimit")
    filters.remove(limit)
    filters.insert(0, limit)


def struct(config: Any) -> None:
    given = wasm_of(config)["configuration"]
    given["@type"] = "type.googleapis.com/google.protobuf.Struct"
    given["value"] = json.loads(given["value"])


def literal(config: Any) -> None:
    budget("tokens_per_actor", charges=False)(config)["actions"] = [{"generic_key": {"descriptor_key": "everybody", "descriptor_value": "%FILTER_STATE(wasm.ai_bridge_actor:PLAIN)%"}}]
    budget("tokens_per_actor", charges=True)(config)["actions"] = copy.deepcopy(limits_of(config)[0]["actions"])


def literal_with_the_flag(config: Any) -> None:
    literal(config)
    flag = "envoy.reloadable_features.enable_formatter_for_ratelimit_action_descriptor_value"
    config["layered_runtime"] = {"layers": [{"name": "static", "static_layer": {flag: True}}]}


def to_the_routes_own(config: Any) -> None:
    route = ai_route(config)
    route["route"]["rate_limits"] = route.pop("typed_per_filter_config")["envoy.filters.http.ratelimit"]["rate_limits"][:1]


def called_otherwise(config: Any) -> None:
    per_filter = ai_route(config)["typed_per_filter_config"]
    per_filter["budgets"] = per_filter.pop("envoy.filters.http.ratelimit")


def only_specific_host(config: Any) -> None:
    manager_of(config)["route_config"]["virtual_hosts"][0]["domains"] = ["ai.example.com"]


def every(config: Any, member: str, value: Any) -> None:
    for cluster in config["static_resources"]["clusters"]:
        if "outlier_detection" in cluster:
            cluster["outlier_detection"][member] = value


def drop(*path: Any) -> Change:
    """Removes the member at a path that begins at the connection manager."""

    def changes(config: Any) -> None:
        place = manager_of(config)
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]

    return changes


def set_at(find: Callable[[Any], Any], member: str, value: Any) -> Change:
    return lambda config: find(config).__setitem__(member, value)


def other_spelling(value: Any) -> Any:
    """Rewrites all names in camel case (`rootId`), which Envoy accepts too."""
    if isinstance(value, dict):
        names = {name: name if "." in name else re.sub(r"_([a-z])", lambda match: match.group(1).upper(), name) for name in value}
        return {names[name]: other_spelling(member) for name, member in value.items()}
    return [other_spelling(each) for each in value] if isinstance(value, list) else value


# Values that the logger by actor reads besides those of budgets.
BY_ACTOR = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"]

# name: (what is changed, [(level, the path ends with, the message contains)])
MISTAKES: dict[str, tuple[Change, list[tuple[str, str, str]]]] = {
    "a value that publish leaves out": (
        plugin(lambda given: given.update(publish=["id", "provider", "api", "model", "requested_model", "actor", "actor_team", "total_tokens", *BY_ACTOR])),
        [
            *[("error", ".hits_addend.format", "wasm.ai_bridge_cost_microusd is never set: `publish` leaves cost_microusd out")] * 5,
            ("error", ".access_log[1].typed_config.counters[1].value_format", "wasm.ai_bridge_cost_microusd is never set"),
        ],
    ),
    "a value in a CEL expression that publish leaves out": (
        plugin(lambda given: given.update(publish=["provider", "model", "requested_model", "actor", "total_tokens", "cost_microusd", *BY_ACTOR])),
        [("error", ".typed_config.text", "wasm.ai_bridge_actor_team is never set")] * 4,
    ),
    "a value that there is not, in a budget": (
        text("wasm.ai_bridge_total_tokens", "wasm.ai_bridge_tokens"),
        [("error", ".hits_addend.format", "there is no value wasm.ai_bridge_tokens; did you mean wasm.ai_bridge_")] * 5,
    ),
    "a value that there is not, in an access log": (
        lambda config: manager_of(config)["access_log"].append({"name": "x", "typed_config": {"log_format": {"json_format": {"cost": "%FILTER_STATE(wasm.ai_bridge_cost:PLAIN)%"}}}}),
        [("error", ".access_log[2].typed_config.log_format.json_format.cost", "there is no value wasm.ai_bridge_cost")],
    ),
    "a value that there is not, in a tag": (
        set_at(manager_of, "tracing", {"custom_tags": [{"tag": "gen_ai.model", "value": "%FILTER_STATE(wasm.ai_bridge_modell:PLAIN)%"}]}),
        [("error", ".tracing.custom_tags[0].value", "did you mean wasm.ai_bridge_model?")],
    ),
    "a name without wasm.": (
        set_at(manager_of, "tracing", {"custom_tags": [{"tag": "x", "value": "%FILTER_STATE(ai_bridge_model:PLAIN)%"}]}),
        [("error", ".tracing.custom_tags[0].value", "the name begins with `wasm.`")],
    ),
    "a number that is printed as base64": (
        set_at(budget("tokens_per_model", charges=True), "hits_addend", {"format": "%FILTER_STATE(wasm.ai_bridge_total_tokens)%"}),
        [("error", ".hits_addend.format", "add `:PLAIN`")],
    ),
    "a team that the filter does not know": (
        plugin(lambda given: given["actor"].pop("metadata_headers")),
        [("error", ".typed_config.text", "its key is not in actor.metadata_headers")] * 4,
    ),
    "no access log": (drop("access_log"), [("warning", ".access_log", "the records go nowhere")]),
    "money without prices": (plugin(lambda given: given.pop("prices")), [("error", ".hits_addend", "no `prices`")] * 5),
    "money without a price for every model": (plugin(lambda given: given["prices"].pop()), [("warning", ".hits_addend", 'no price is for the models "*"')] * 5),
    "the rate limit filter in front": (in_front, [("error", ".http_filters[0]", "stands in front of AI Bridge")]),
    "budgets for a filter of another name": (called_otherwise, [("error", ".typed_per_filter_config.budgets", 'no filter in `http_filters` is called "budgets"')]),
    "budgets where Envoy ignores the addend": (to_the_routes_own, [("error", ".route.rate_limits[0]", "Envoy ignores `hits_addend` here")]),
    "a descriptor that is taken literally": (literal, [("error", ".generic_key.descriptor_value", "Envoy takes this literally")] * 2),
    "a budget that asks for the model": (
        lambda config: limits_of(config).append({"actions": copy.deepcopy(budget("tokens_per_model", charges=True)(config)["actions"]), "hits_addend": {"number": 0}}),
        [("error", "].actions", "this asks about ai_bridge_model, which is not known before the end")],
    ),
    "a budget that charges at the start": (
        lambda config: budget("tokens_per_team", charges=True)(config).pop("apply_on_stream_done"),
        [("error", ".hits_addend", "add `apply_on_stream_done: true`"), ("error", "]", "nothing is ever charged to it")],
    ),
    "a budget that is never charged": (
        lambda config: limits_of(config).remove(budget("microusd_per_team", charges=True)(config)),
        [("error", "]", "this is asked, but nothing is ever charged to it")],
    ),
    "a budget that is never asked": (
        lambda config: limits_of(config).remove(budget("microusd_per_actor", charges=False)(config)),
        [("warning", "]", "this is charged, but never asked")],
    ),
    "a budget that counts requests": (
        lambda config: budget("tokens_per_actor", charges=False)(config).pop("hits_addend"),
        [("warning", ".hits_addend", "without it this counts requests")],
    ),
    "one budget's name leads into another": (
        text("tokens_per_provider", "tokens_per_actor_x"), [("error", ".actions", '"tokens_per_actor" begins "tokens_per_actor_x"')],
    ),
    "no reset for callers over budget": (
        lambda config: filter_of(config, "envoy.filters.http.ratelimit")["typed_config"].pop("enable_x_ratelimit_headers"),
        [("warning", ".enable_x_ratelimit_headers", "after 60 s")],
    ),
    "a cluster that there is not": (
        lambda config: cluster_of(config, "copilot").update(name="copilot-2"), [("error", "static_resources.clusters", 'no cluster is called "copilot", the cluster of the provider "copilot"')],
    ),
    "a byok_cluster that there is not": (
        plugin(lambda given: given["providers"][0].update(byok_cluster="nowhere")), [("error", "static_resources.clusters", 'no cluster is called "nowhere", the byok_cluster of the provider "anthropic"')],
    ),
    "no route with cluster_header": (
        lambda config: routes_of(config).pop(0), [("error", ".virtual_hosts[0].routes", "none has `cluster_header: x-ai-bridge-cluster`")],
    ),
    "another cluster_header": (
        plugin(lambda given: given.update(cluster_header="x-other")), [("error", ".virtual_hosts[0].routes", "none has `cluster_header: x-other`")],
    ),
    "the route with cluster_header is not the first": (lambda config: routes_of(config).reverse(), [("error", ".routes[1]", "has to be the first")]),
    "the cluster header is not stripped": (
        lambda config: ai_route(config)["request_headers_to_remove"].remove("x-ai-bridge-cluster"), [("error", ".routes[0].request_headers_to_remove", "the provider would see the name of your cluster")],
    ),
    "the route matches some paths only": (lambda config: ai_route(config)["match"].update(prefix="/v1"), [("error", ".routes[0].match", 'expected `prefix: "/"`')]),
    "the route matches without the header": (lambda config: ai_route(config)["match"].pop("headers"), [("warning", ".routes[0].match.headers", "no route behind this one is ever reached")]),
    "Envoy's default timeout": (lambda config: ai_route(config)["route"].pop("timeout"), [("warning", ".routes[0].route.timeout", "cuts long answers")]),
    "a virtual host that the rewritten authority does not reach": (only_specific_host, [("error", ".route_config.virtual_hosts", 'none is for "api.anthropic.com"'), ("error", ".virtual_hosts", "api.openai.com"), ("error", ".virtual_hosts", "githubcopilot")]),
    "another ejection time": (lambda config: every(config, "base_ejection_time", "60s"), [("error", ".outlier_detection.base_ejection_time", "closes within 61 s (with `interval`), but the provider")] * 5),
    "Envoy's default interval of ten seconds": (lambda config: [each["outlier_detection"].pop("interval") for each in config["static_resources"]["clusters"] if "interval" in each.get("outlier_detection", {})], [("error", ".outlier_detection.base_ejection_time", "closes within 40 s")] * 5),
    "another retry-after": (
        plugin(lambda given: given["providers"][2].update(open_retry_after_seconds=5)), [("error", ".clusters[2].outlier_detection.base_ejection_time", "after 5 s (open_retry_after_seconds)")],
    ),
    "a circuit that never opens": (lambda config: every(config, "max_ejection_percent", 50), [("error", ".max_ejection_percent", "its circuit never opens")] * 5),
    "a circuit that Envoy ignores": (lambda config: cluster_of(config, "openai").pop("common_lb_config"), [("error", ".clusters[1].common_lb_config.healthy_panic_threshold", "goes on using the host")]),
    "a key that the filter cannot read": (
        lambda config: wasm_of(config)["vm_config"]["environment_variables"]["host_env_keys"].remove("OPENAI_API_KEY"), [("error", ".environment_variables.host_env_keys", "OPENAI_API_KEY is not in it, but providers[1].key.env names it")],
    ),
    "no stats_tags": (lambda config: config.pop("stats_config"), [("warning", "stats_config.stats_tags", "none for provider, api, model, outcome, type, reason, status_class, of, member, from, to")]),
    "one of the stats_tags is missing": (
        lambda config: config["stats_config"].update(stats_tags=[each for each in config["stats_config"]["stats_tags"] if each["tag_name"] != "model"]), [("warning", "stats_config.stats_tags", "none for model:")],
    ),
    "a client may say who it is": (
        drop("early_header_mutation_extensions"),
        [("error", ".early_header_mutation_extensions", "x-ai-bridge-actor-id is not removed"), ("error", ".early_header_mutation_extensions", "x-team is not removed")],
    ),
    "a client may say which team it is": (
        lambda config: manager_of(config)["early_header_mutation_extensions"][0]["typed_config"]["mutations"].pop(), [("error", ".early_header_mutation_extensions", "x-team is not removed from what clients send, and actor.metadata_headers.team trusts it")],
    ),
    "nobody says who it is": (
        lambda config: manager_of(config)["http_filters"].remove(filter_of(config, "envoy.filters.http.jwt_authn")), [("warning", ".http_filters", "no authentication filter")],
    ),
    "a Struct": (struct, [("error", ".configuration.@type", "StringValue")]),
    "no JSON": (lambda config: wasm_of(config)["configuration"].update(value='{"providers": [}'), [("error", ".configuration.value", "not one JSON object")]),
    "another root_id": (lambda config: wasm_of(config).update(root_id="bridge"), [("warning", ".config.root_id", 'expected "ai_bridge", found "bridge"')]),
    "no WebSocket": (drop("upgrade_configs"), [("warning", ".upgrade_configs", "426")]),
    "paths that are tidied up": (set_at(manager_of, "normalize_path", True), [("warning", ".normalize_path", "leave this false")]),
    "slashes that are unescaped": (set_at(manager_of, "path_with_escaped_slashes_action", "UNESCAPE_AND_REDIRECT"), [("warning", ".path_with_escaped_slashes_action", "KEEP_UNCHANGED")]),
    "requests that pass a stopped filter": (lambda config: wasm_of(config).update(failure_policy="FAIL_OPEN"), [("error", ".failure_policy", "FAIL_OPEN lets requests past")]),
    "a filter that stays stopped": (lambda config: wasm_of(config).pop("failure_policy"), [("warning", ".failure_policy", "every request fails from then on")]),
}

# Configurations that look wrong but are right.
FINE: dict[str, Change] = {
    "the runtime flag that makes descriptor values formats": literal_with_the_flag,
    "a provider that is switched off": plugin(lambda given: given["providers"].append({"type": "openai", "name": "off", "enabled": False, "key": {"env": "OTHER"}})),
    "keys in key_values": lambda config: wasm_of(config)["vm_config"].update(environment_variables={"key_values": {"ANTHROPIC_API_KEY": "x", "OPENAI_API_KEY": "y"}}),
    "metrics off": lambda config: (plugin(lambda given: given.update(metrics=False))(config), config.pop("stats_config")),
    "a rate limit of addresses in front": lambda config: manager_of(config)["http_filters"].insert(0, {"name": "by_address", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit", "rate_limits": [{"actions": [{"remote_address": {}}]}]}}),
    "the header removed on the virtual host": lambda config: (ai_route(config).pop("request_headers_to_remove"), manager_of(config)["route_config"]["virtual_hosts"][0].update(request_headers_to_remove=["X-AI-Bridge-Cluster"])),
    "everything published": plugin(lambda given: given.update(publish=["id", "provider", "api", "model", "requested_model", "outcome", "total_tokens", "cost_microusd", "actor", "actor_team", *BY_ACTOR])),
    "three hosts": lambda config: (
        cluster_of(config, "openai").update(type="STRICT_DNS", load_assignment={"endpoints": [{"lb_endpoints": [{}, {}, {}]}]}), cluster_of(config, "openai").pop("common_lb_config"),
    ),
    "a virtual host of its own for each provider": lambda config: manager_of(config)["route_config"]["virtual_hosts"].insert(0, {
        "name": "anthropic", "domains": ["*.anthropic.com"], "routes": [ai_route(config)]}),
    "a threshold of nothing, written shortly": lambda config: cluster_of(config, "openai").update(common_lb_config={"healthy_panic_threshold": {}}),
    "names in the other spelling": lambda config: other_spelling(config),
    "a long timeout": lambda config: ai_route(config)["route"].update(timeout="3600s"),
}


def changed(change: Change) -> Any:
    """The configuration with budgets, in which every check applies, with one change."""
    config = shipped(CONFIGURATION)
    result = change(config)
    return result if isinstance(result, dict) and {"static_resources", "staticResources"} & set(result) else config


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_reported_with_its_place_and_nothing_else(tmp_path, name):
    change, expected = MISTAKES[name]
    found = judged(changed(change), tmp_path)
    if len(set(expected)) == 1 and len(expected) > 1:
        assert len(found) == len(expected), found
    for level, path, message in expected:
        assert any(each[0] == level and each[1].endswith(path) and message in each[2] for each in found), f"{level} {path} {message!r} not in {found}"
    for each in found:
        assert any(each[0] == level and each[1].endswith(path) and message in each[2] for level, path, message in expected), f"not expected: {each}"


@pytest.mark.parametrize("name", FINE)
def test_what_is_no_mistake_is_not_reported(tmp_path, name):
    assert judged(changed(FINE[name]), tmp_path) == []


def test_the_path_leads_to_the_place(tmp_path):
    """It is written as one would in a program."""
    config = changed(MISTAKES["a number that is printed as base64"][0])
    ((_, path, _),) = judged(config, tmp_path)
    place = config
    for name, index, quoted in re.findall(r"([A-Za-z_@-]+)|\[(\d+)\]|\[(\"[^\"]+\")\]", path):
        place = place[name or (int(index) if index else json.loads(quoted))]
    assert place == "%FILTER_STATE(wasm.ai_bridge_total_tokens)%"


def test_all_problems_are_printed_at_once(tmp_path):
    config = shipped(CONFIGURATION)
    for name in ("no WebSocket", "another root_id", "a key that the filter cannot read", "no stats_tags", "a client may say who it is"):
        MISTAKES[name][0](config)
    file = tmp_path / "envoy.yaml"
    file.write_text(yaml.safe_dump(config, default_flow_style=False))
    done = run("--without-envoy", file)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[-1] == f"{file}: 3 errors, 3 warnings"
    assert lines[-2].startswith("not checked: Envoy's own check")
    assert [line.split(": ")[0] for line in lines[:-2]].count("error") == 3


# === Envoy's own check ===


def test_the_filters_own_problems_come_from_the_filter(tmp_path):
    """Problems such as a price that is no number, with the filter's own messages."""
    config = shipped()
    plugin(lambda given: given.update(prices=[{"models": ["*"], "input": "5", "output": 1}], limit={}))(config)
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(config))
    done = run("--json", file)
    (problem,) = json.loads(done.stdout)["problems"]
    assert done.returncode == 1
    assert problem["level"] == "error" and problem["message"].startswith("Envoy refuses it:\n")
    assert "prices[0].input: expected a number from 0 to 1000000, found a string" in problem["message"]
    assert re.search(r"^ *limit: .*limits", problem["message"], re.M)


def test_what_envoy_itself_does_not_know_comes_from_envoy(tmp_path):
    config = shipped()
    connection_manager_of(config)["upgrade_configz"] = []
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(config))
    (problem,) = json.loads(run("--json", file).stdout)["problems"]
    assert "upgrade_configz" in problem["message"]


def test_without_envoy_or_the_module_it_says_what_was_left_out(tmp_path):
    """A copy of the program works without the repository."""
    alone = tmp_path / "verify"
    alone.mkdir()
    for file in VERIFY.glob("*.py"):
        (alone / file.name).write_text(file.read_text())
    done = subprocess.run([sys.executable, alone, SHIPPED], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "not checked: Envoy's own check" in done.stdout and "no envoy here" in done.stdout
    done = subprocess.run([sys.executable, alone, "--envoy", TOOLS / "envoy", SHIPPED], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "neither /etc/envoy/ai_bridge.wasm nor" in done.stdout


# === the age of prices ===


def days_ago(days: int) -> str:
    return (datetime.date.today() - datetime.timedelta(days)).isoformat()


def warned(tmp_path: Path, text: str, *arguments: str | Path) -> list[str]:
    """The messages of a configuration whose only mistake can be its prices."""
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    done = run("--json", "--without-envoy", *arguments, file)
    assert done.returncode == 0, done.stdout + done.stderr
    problems = json.loads(done.stdout)["problems"]
    assert all(each["level"] == "warning" and each["path"].endswith(".configuration") for each in problems)
    return [each["message"] for each in problems]


def test_prices_older_than_90_days_are_warned_of(tmp_path):
    text = CONFIGURATION.read_text()
    assert warned(tmp_path, text) == [], "nothing says how old they are"
    assert warned(tmp_path, f"# prices of {days_ago(90)}\n{text}") == []
    commented = re.sub(r"^( +)value: \|$", rf"\1# Prices: prices of {days_ago(91)}.\n\1value: |", text, count=1, flags=re.MULTILINE)
    (message,) = warned(tmp_path, commented)
    assert f"prices are of {days_ago(91)}, 91 days ago" in message
    (message,) = warned(tmp_path, f"# prices of {days_ago(3)}\n{text}\n# prices of {days_ago(400)}\n")
    assert "400 days ago" in message, "the oldest counts"
    assert warned(tmp_path, f"# prices of 2026-13-01\n{text}") == ['the comment "prices of 2026-13-01" names no day']
    config = shipped(CONFIGURATION)
    value = wasm_of(config)["configuration"]
    value["value"] = json.dumps({**json.loads(value["value"]), "prices": []})
    found = judged_text(tmp_path, f"# prices of {days_ago(400)}\n{yaml.safe_dump(config)}")
    assert not any("days ago" in message for _, _, message in found), "there are none"


def judged_text(tmp_path: Path, text: str) -> list[tuple[str, str, str]]:
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    return [(each["level"], each["path"], each["message"]) for each in json.loads(run("--json", "--without-envoy", file).stdout)["problems"]]


def test_a_list_tells_the_age_instead_of_a_comment(tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"date": days_ago(100), "prices": []}))
    text = f"# prices of {days_ago(1)}\n{CONFIGURATION.read_text()}"
    (message,) = warned(tmp_path, text, "--prices", prices)
    assert "100 days ago" in message
    prices.write_text(json.dumps({"date": days_ago(90), "prices": []}))
    assert warned(tmp_path, f"# prices of {days_ago(400)}\n{text}", "--prices", prices) == []
    (message,) = warned(tmp_path, json.dumps(shipped(CONFIGURATION)), "--prices", REPOSITORY / "envoy" / "prices" / "prices.json") or ["the shipped list is young: 0 days ago"]
    assert "days ago" in message
    for wrong in ("{}", "[]", "x", '{"date": 5}', '{"date": "yesterday"}'):
        prices.write_text(wrong)
        done = run("--prices", prices, CONFIGURATION)
        assert done.returncode == 2 and f"{prices} is no list of prices with a date" in done.stderr
    assert run("--prices", tmp_path / "nowhere", CONFIGURATION).returncode == 2


def test_the_age_of_prices_is_read_where_the_filter_has_a_file_of_its_own(tmp_path):
    config = shipped()
    ecds = tmp_path / "ai_bridge.yaml"
    fragment = yaml.safe_load((REPOSITORY / "envoy" / "dynamic" / "filter.yaml").read_text())[0]
    fragment["config_discovery"]["config_source"]["path_config_source"]["path"] = str(ecds)
    manager = connection_manager_of(config)
    manager["http_filters"] = [fragment if each["name"] == "ai_bridge" else each for each in manager["http_filters"]]
    own = yaml.safe_load((REPOSITORY / "envoy" / "dynamic" / "ecds" / "ai_bridge.yaml").read_text())
    value = own["resources"][0]["typed_config"]["config"]["configuration"]
    value["value"] = json.dumps({**json.loads(value["value"]), "prices": [{"models": ["*"], "input": 1, "output": 2}]})
    ecds.write_text(f"# prices of {days_ago(91)}\n{yaml.safe_dump(own)}")
    found = judged_text(tmp_path, f"# prices of {days_ago(400)}\n{yaml.safe_dump(config)}")
    assert [message for _, _, message in found if "days ago" in message] == [message for _, _, message in found]
    assert len(found) == 1 and "91 days ago" in found[0][2]


# === agreement with the filter, and robustness ===


def test_its_values_and_labels_are_those_of_the_filter():
    source = (REPOSITORY / "src" / "values.rs").read_text()
    names = set(re.findall(r'"(\w+)"', source.split("const NAMES")[1].split("];")[0]))
    text_of = (VERIFY / "values.py").read_text()
    known = [set(re.findall(r'"(\w+)"', text_of.split(f"{name} = (")[1].split(")")[0])) for name in ("AT_START", "AT_END")]
    assert known[0] | known[1] == names
    at_start = (REPOSITORY / "src" / "exchange" / "values.rs").read_text().split("fn of_start")[1].split("\n}")[0].replace("SESSION", '"ai_bridge_session"')
    # `model` is set there where the path names it, and again at the end.
    assert set(re.findall(r'values\.\w+\("ai_bridge_(\w+)"', at_start)) == known[0] | {"model"}
    labels = set(re.findall(r'"(\w+)"', (VERIFY / "entry.py").read_text().split("LABELS = (")[1].split(")")[0]))
    assert labels == {each["tag_name"] for each in shipped()["stats_config"]["stats_tags"]}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    for name, member in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(member, (*path, name))
    return found


def test_no_configuration_makes_it_crash(tmp_path):
    """Each part in turn has a wrong type."""
    config = shipped(CONFIGURATION)
    files = []
    for number, path in enumerate(places(config)):
        mutated = copy.deepcopy(config)
        place = mutated
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = [None, 5, "x", [], {}, [None], [[]], {"x": None}, True][number % 9]
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(mutated))
    given = json.loads(wasm_of(config)["configuration"]["value"])
    for number, path in enumerate(places(given)):
        for wrong in (None, 5, "x", [], {"x": None}, [None]):
            mutated = copy.deepcopy(given)
            place = mutated
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = wrong
            changed_config = copy.deepcopy(config)
            wasm_of(changed_config)["configuration"]["value"] = json.dumps(mutated)
            files.append(tmp_path / f"p{number}-{len(files)}.json")
            files[-1].write_text(json.dumps(changed_config))
    assert len(files) > 800
    done = run("--json", "--without-envoy", *files)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(files)
