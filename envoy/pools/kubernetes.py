"""The same clusters and routes as resources of Istio and of Envoy Gateway."""

from __future__ import annotations

import copy
from typing import Any

Json = Any

CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
# The filter, wherever an EnvoyExtensionPolicy has placed it in a listener.
MAIN_FILTER = "..http_filters[?(@.typed_config.config.root_id=='ai_bridge')].typed_config.config"
TYPED_STRUCT = "type.googleapis.com/xds.type.v3.TypedStruct"
# Istio itself adds these. The filter has removed most; a provider gets the client's headers and no more.
OF_ISTIO = ["x-forwarded-for", "x-envoy-decorator-operation", "x-envoy-attempt-count", "x-envoy-peer-metadata", "x-envoy-peer-metadata-id"]
# Behind the shipped EnvoyFilters (priority 0), so that these routes are inserted in front of theirs.
PRIORITY = 10


def known(route: Json) -> Json:
    """A route whose specifier is a TypedStruct: control planes refuse types that only Envoy knows."""
    copied = copy.deepcopy(route)
    extension = copied["route"].get("inline_cluster_specifier_plugin", {}).get("extension")
    if extension:
        typed = extension["typed_config"]
        extension["typed_config"] = {"@type": TYPED_STRUCT, "type_url": typed.pop("@type"), "value": typed}
    return copied


def envoy_filter(clusters: list[Json], routes: list[Json], namespace: str) -> Json:
    """Istio: an EnvoyFilter for the ingress gateway."""
    context = {"context": "GATEWAY"}
    patches = [{"applyTo": "CLUSTER", "match": context, "patch": {"operation": "ADD", "value": each}} for each in clusters]
    for each in map(known, routes):
        route = {**each, "request_headers_to_remove": [*each["request_headers_to_remove"], *OF_ISTIO]}
        patches.append({"applyTo": "HTTP_ROUTE", "match": context, "patch": {"operation": "INSERT_FIRST", "value": route}})
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "ai-bridge-pools", "namespace": namespace},
        "spec": {"workloadSelector": {"labels": {"istio": "ingressgateway"}}, "priority": PRIORITY, "configPatches": patches},
    }


def patch_policy(clusters: list[Json], routes: list[Json], vm_config: Json, namespace: str, gateway: str, listeners: list[str]) -> Json:
    """Envoy Gateway: an EnvoyPatchPolicy for these listeners of a Gateway.

    It gives the filter the VM of the clusters. Envoy Gateway's own has another `vm_id`, and code that Envoy fetches;
    Envoy shares no VM between fetched code and a file, even if both are the same.
    """
    names = [f"{namespace}/{gateway}/{listener}" for listener in listeners]
    whole = {"vm_config": vm_config, "failure_policy": "FAIL_RELOAD"}
    patches = [{"type": LISTENER, "name": name, "operation": {"op": "add", "jsonPath": MAIN_FILTER, "path": path, "value": value}} for name in names for path, value in whole.items()]
    patches += [{"type": CLUSTER, "name": each["name"], "operation": {"op": "add", "path": "", "value": each}} for each in clusters]
    patches += [
        {"type": ROUTES, "name": name, "operation": {"op": "add", "jsonPath": "$.virtual_hosts[*]", "path": "routes/0", "value": {**each, "request_headers_to_remove": [*each["request_headers_to_remove"], "x-forwarded-for"]}}}
        for name in names
        for each in map(known, routes)
    ]
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyPatchPolicy",
        "metadata": {"name": "ai-bridge-pools", "namespace": namespace},
        "spec": {"targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway}, "type": "JSONPatch", "jsonPatches": patches},
    }
