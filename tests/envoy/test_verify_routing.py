"""`make verify` reports clusters, circuit breakers and routes that do not fit."""

from __future__ import annotations

from typing import Any

from render import cluster_of
from verifying import Change, Found, ai_route, each_is_reported, manager_of, none_is_reported, plugin, routes_of


def only_specific_host(config: Any) -> None:
    manager_of(config)["route_config"]["virtual_hosts"][0]["domains"] = ["ai.example.com"]


def every(config: Any, member: str, value: Any) -> None:
    for cluster in config["static_resources"]["clusters"]:
        if "outlier_detection" in cluster:
            cluster["outlier_detection"][member] = value


# name: (what is changed, [(level, the path ends with, the message contains)])
MISTAKES: dict[str, tuple[Change, Found]] = {
    "a cluster that there is not": (
        lambda config: cluster_of(config, "copilot").update(name="copilot-2"), [("error", ".clusters[2].name", 'no cluster is called "copilot", the cluster of the provider "copilot"')],
    ),
    "a byok_cluster that there is not": (
        plugin(lambda given: given["providers"][0].update(byok_cluster="nowhere")), [("error", "providers[0].byok_cluster", 'no cluster is called "nowhere", the byok_cluster of the provider "anthropic"')],
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
    "the route matches on a header that is mistyped": (lambda config: ai_route(config)["match"]["headers"][0].update(name="x-ai-bridge-clusters"), [("warning", ".routes[0].match.headers", "reach this route only if they have x-ai-bridge-clusters, too: match on x-ai-bridge-cluster")]),
    "Envoy's default timeout": (lambda config: ai_route(config)["route"].pop("timeout"), [("warning", ".routes[0].route.timeout", "cuts long answers")]),
    "a virtual host that the rewritten authority does not reach": (only_specific_host, [("error", ".route_config.virtual_hosts", 'none is for "api.anthropic.com"'), ("error", ".virtual_hosts", "api.openai.com"), ("error", ".virtual_hosts", "githubcopilot")]),
    "another ejection time": (lambda config: every(config, "base_ejection_time", "60s"), [("error", ".outlier_detection.base_ejection_time", "closes within 61 s (with `interval`), but the provider")] * 5),
    "Envoy's default interval of ten seconds": (lambda config: [each["outlier_detection"].pop("interval") for each in config["static_resources"]["clusters"] if "interval" in each.get("outlier_detection", {})], [("error", ".outlier_detection.base_ejection_time", "closes within 40 s")] * 5),
    "another retry-after": (
        plugin(lambda given: given["providers"][2].update(open_retry_after_seconds=5)), [("error", "providers[2].open_retry_after_seconds", "told to come back after 5 s, but an open circuit closes within 31 s")],
    ),
    "a circuit that never opens": (lambda config: every(config, "max_ejection_percent", 50), [("error", ".max_ejection_percent", "its circuit never opens")] * 5),
    "a circuit that Envoy ignores": (lambda config: cluster_of(config, "openai").pop("common_lb_config"), [("error", ".clusters[1].common_lb_config.healthy_panic_threshold", "goes on using the host")]),
}

# Configurations that look wrong but are right.
FINE: dict[str, Change] = {
    "the header removed on the virtual host": lambda config: (ai_route(config).pop("request_headers_to_remove"), manager_of(config)["route_config"]["virtual_hosts"][0].update(request_headers_to_remove=["X-AI-Bridge-Cluster"])),
    "three hosts": lambda config: (
        cluster_of(config, "openai").update(type="STRICT_DNS", load_assignment={"endpoints": [{"lb_endpoints": [{}, {}, {}]}]}), cluster_of(config, "openai").pop("common_lb_config"),
    ),
    "a virtual host of its own for each provider": lambda config: manager_of(config)["route_config"]["virtual_hosts"].insert(0, {
        "name": "anthropic", "domains": ["*.anthropic.com"], "routes": [ai_route(config)]}),
    "a threshold of nothing, written shortly": lambda config: cluster_of(config, "openai").update(common_lb_config={"healthy_panic_threshold": {}}),
    "a long timeout": lambda config: ai_route(config)["route"].update(timeout="3600s"),
}


test_each_mistake_is_reported_with_its_place_and_nothing_else = each_is_reported(MISTAKES)
test_what_is_no_mistake_is_not_reported = none_is_reported(FINE)
