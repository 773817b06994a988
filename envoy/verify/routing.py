"""Checks the clusters, circuit breakers and routes of the providers."""

from __future__ import annotations

import difflib
import math
import re
from pathlib import Path
from typing import Iterator

from find import Gateway, Target, leads, name_of, targets
from place import Findings, Json, Place

LONG_ANSWER_SECONDS = 600


def clusters(findings: Findings, gateway: Gateway) -> None:
    """Checks each provider's clusters and their circuit breakers."""
    if not gateway.clusters and not has_servers(gateway.root):
        findings.error(gateway.root["static_resources"].at_name("clusters"), "there are no clusters, so that no provider is reached: add one for each, as in envoy/envoy.yaml")
        return
    used = {target.cluster for provider in gateway.enabled() for target in targets(provider)}
    for provider in gateway.enabled():
        for target in targets(provider):
            cluster = gateway.clusters.get(target.cluster)
            if cluster is not None:
                if not isinstance(provider.value.get("pool"), list):
                    breaker(findings, cluster, provider)
            elif not has_servers(gateway.root) and name_of(provider.value) not in gateway.anew and target.cluster not in gateway.said:
                missing(findings, gateway, provider, target, used)
    for place, cluster in named_clusters(gateway):
        if cluster not in gateway.clusters and not has_servers(gateway.root):
            findings.error(place, f'no cluster is called "{cluster}", so nothing answers here: correct the name, or add the cluster')


def missing(findings: Findings, gateway: Gateway, provider: Place, target: Target, used: set[str]) -> None:
    """Reports a missing cluster at the place that names it: a `cluster` member, else the provider's name or type."""
    given = target.place if isinstance(target.place.value, str) else target.place["cluster"] if target.place["cluster"].value is not None else target.place["name"]
    given = given if given.value is not None else provider["name"]
    near = difflib.get_close_matches(target.cluster, [each for each in gateway.clusters if each not in used], 1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    place = given if given.value is not None else gateway.clusters[near[0]]["name"] if near else provider
    findings.error(place, f'no cluster is called "{target.cluster}", the {target.member} of the provider "{name_of(provider.value)}": its requests would be 503{hint}')


def has_servers(root: Place) -> bool:
    """Whether Envoy learns of clusters that cannot be read here."""
    source = root.at("dynamic_resources", "cds_config")
    if not source:
        return False
    path = source.at("path_config_source", "path").text() or source["path"].text()
    return not path or not Path(path).exists()


def named_clusters(gateway: Gateway) -> Iterator[tuple[Place, str]]:
    """The clusters that authentication, access logs and tracing ask; rate limits have a check of their own."""
    for place in gateway.manager.all():
        if place.is_called("cluster_name") and place.path.endswith(("envoy_grpc.cluster_name", "envoyGrpc.clusterName")) and "rate_limit_service" not in place.path and "rateLimitService" not in place.path:
            yield place, str(place.value)
        elif place.is_called("cluster") and re.search(r"(http_uri|httpUri|server_uri|serverUri|token_endpoint|tokenEndpoint)\.cluster$", place.path):
            yield place, str(place.value)


def breaker(findings: Findings, cluster: Place, provider: Place) -> None:
    detection = cluster["outlier_detection"]
    if not detection:
        return
    announced_too_early(findings, detection, detection["base_ejection_time"], detection["interval"], provider)
    longest = seconds(detection["max_ejection_time"].value, 300.0)
    base = seconds(detection["base_ejection_time"].value, 30.0)
    looks = seconds(detection["interval"].value, 10.0)
    announced = provider.value.get("open_retry_after_seconds", 32)
    if None not in (longest, base, looks) and isinstance(announced, (int, float)) and base < longest and base + looks <= announced < longest + looks:       # type: ignore[operator]
        findings.warn(
            detection.at_name("max_ejection_time"),
            f"a circuit that opens again stays open longer each time, up to {longest:g} s, but callers are told to come back after {announced:g} s: make it {base:g}s, as base_ejection_time",
        )
    hosts = [host for locality in cluster.at("load_assignment", "endpoints") for host in locality["lb_endpoints"]]
    if len(hosts) != 1 and cluster["type"].value != "LOGICAL_DNS":
        return
    if detection["max_ejection_percent"].value != 100 and detection["always_eject_one_host"].value is not True:
        findings.error(detection["max_ejection_percent"], "a cluster of one host has to allow 100 percent, else its circuit never opens")
    threshold = cluster.at("common_lb_config", "healthy_panic_threshold")
    if threshold.value is None or (threshold["value"].value or 0) != 0:
        findings.error(threshold, "a cluster of one host needs `{ value: 0 }`, else Envoy goes on using the host that it has taken out")


def announced_too_early(findings: Findings, detection: Place, base: Place, interval: Place, provider: Place, every: float = 10.0) -> None:
    """Checks that callers are not told to come back before the circuit closes. `every`: the default of `interval`."""
    given = provider["open_retry_after_seconds"]
    announced = 32 if given.value is None else given.value
    ejected, looks = seconds(base.value, 30.0), seconds(interval.value, every)
    if not isinstance(announced, (int, float)) or ejected is None or looks is None or announced >= ejected + looks:
        return
    name = base.path.rpartition(".")[2]
    at = detection.at_name(name)
    if given.value is not None:
        findings.error(given, f"callers are told to come back after {announced:g} s, but an open circuit closes within {ejected + looks:g} s ({name} and `interval` of its cluster), so that they would be refused again: make it {math.ceil(ejected + looks)}")
    else:
        # Without the provider's name: clusters that share these lines have one cause.
        findings.error(at, f"an open circuit closes within {ejected + looks:g} s (with `interval`), but the provider tells its callers to come back after {announced:g} s, so that they would be refused again: set open_retry_after_seconds to {math.ceil(ejected + looks)}")


def routes(findings: Findings, gateway: Gateway) -> None:
    """Checks the route that sends rewritten requests to the cluster that the filter has named."""
    table = gateway.table
    if not table:
        return                  # said already
    hosts = {}
    for provider in gateway.enabled():
        # Of a pool the first member's host decides the route.
        for target in targets(provider)[: 1 if isinstance(provider.value.get("pool"), list) else None]:
            authority = re.sub(r"^\w+://", "", target.base_url).split("/")[0].lower()
            host = virtual_host(table, authority)
            if host is not None:
                hosts[host.path] = host
            elif authority:
                findings.error(table.at_name("virtual_hosts"), f'none is for "{authority}", the host that the filter writes for the provider "{name_of(provider.value)}": a virtual host for "*" serves all')
    for host in hosts.values():
        first_route(findings, table, host, gateway.cluster_header())
    for host in hosts.values():
        copies(findings, table, host, gateway)


def first_route(findings: Findings, table: Place, host: Place, header: str) -> None:
    for index, route in enumerate(host["routes"]):
        if not leads(route, header):
            continue
        for each in route.at("route", "weighted_clusters", "clusters"):
            if each["cluster_header"].text().lower() != header:
                findings.error(each, f'a part of the requests, with keys in them, goes to "{each["name"].text() or each["cluster_header"].text()}", whatever cluster the filter has named: leave only `cluster_header: {header}`')
        if any(not is_pools(each) for each in [*host["routes"]][:index]):
            findings.error(route, f"the route with `cluster_header: {header}` has to be the first: what matches before it gets the provider's request, with a key in it")
        if route.at("match", "prefix").value != "/":
            findings.error(route["match"], 'expected `prefix: "/"`: the path is the provider\'s by now, and every one has to match')
        matched = [each["name"].text().lower() for each in route.at("match", "headers")]
        if not matched:
            findings.warn(route.at("match", "headers"), f"without a match on {header} no route behind this one is ever reached")
        elif header not in matched:
            findings.warn(route.at("match", "headers"), f"the filter's requests have the header {header}, and reach this route only if they have {' and '.join(matched)}, too: match on {header}")
        levels = (route, host, table)
        if not any(str(each.value).lower() == header for level in levels for each in level["request_headers_to_remove"]):
            findings.error(route.at_name("request_headers_to_remove"), f"{header} is not in it: the provider would see the name of your cluster")
        timeout = route.at("route", "timeout")
        if 0 < (seconds(timeout.value, 15.0) or 0) < LONG_ANSWER_SECONDS:
            findings.warn(route["route"].at_name("timeout"), "a short timeout (Envoy's default is 15 s) cuts long answers: use 0s, which is none")
        return
    meant = next((route for route in host["routes"] if any(each["name"].text().lower() == header for each in route.at("match", "headers")) and not is_pools(route)), None)
    if meant is not None:
        action = meant["route"]
        findings.error(action["cluster_header"] if action["cluster_header"] else action if action else meant, f"expected `cluster_header: {header}`: else nothing that the filter rewrites reaches the provider that it has named")
        return
    findings.error(host.at_name("routes"), f"none has `cluster_header: {header}`: nothing that the filter rewrites reaches a provider")


def is_pools(route: Place) -> bool:
    """Whether only a pool's request can match a route: the filter alone sets this header (pools.py checks these)."""
    return any(each["name"].text().lower() == "x-ai-bridge-pool" for each in route.at("match", "headers"))


def copies(findings: Findings, table: Place, host: Place, gateway: Gateway) -> None:
    """Finds what sends a request, with its prompt and its key, to somebody else as well."""
    ours = [route for route in host["routes"] if leads(route, gateway.cluster_header())]
    for level in [*(route["route"] for route in ours), host, table]:
        if level["request_mirror_policies"] and (level.path.endswith(".route") or not any(each.at("route", "request_mirror_policies") for each in ours)):
            findings.error(level.at_name("request_mirror_policies"), "the mirror gets every prompt, and the key that the filter has put in (only an `external` key is not in the copy): remove it from the way of these requests")
    for route in ours:
        for member in ("internal_redirect_policy", "internal_redirect_action"):
            # An empty policy is one: it follows a 302.
            if route.at("route", member).value not in (None, 0, "PASS_THROUGH_INTERNAL_REDIRECT"):
                findings.error(route["route"].at_name(member), "a redirect of a provider would be followed inside of Envoy, so that the key could reach another application: remove it; the client gets the 3xx")


def virtual_host(table: Place, authority: str) -> Place | None:
    """The virtual host that Envoy selects for an authority: exact, then `*.suffix`, then `prefix.*`, then `*`."""
    best: tuple[int, int, Place] | None = None
    for host in table["virtual_hosts"]:
        for domain in (str(each.value).lower() for each in host["domains"]):
            rank = 0
            if domain == authority:
                rank = 4
            elif domain == "*":
                rank = 1
            elif domain.startswith("*") and authority.endswith(domain[1:]):
                rank = 3
            elif domain.endswith("*") and authority.startswith(domain[:-1]):
                rank = 2
            if rank and (best is None or (rank, len(domain)) > best[:2]):
                best = (rank, len(domain), host)
    return best[2] if best else None


def seconds(value: Json, default: float) -> float | None:
    """A duration as Envoy writes it: `30s`."""
    if value is None:
        return default
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(value))
    return float(match.group(1)) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[match.group(2)] if match else None
