"""Checks the clusters, circuit breakers and routes of the providers."""

from __future__ import annotations

import re

from find import Gateway, name_of
from place import Findings, Json, Place

LONG_ANSWER_SECONDS = 600
HOSTS = {"anthropic": "api.anthropic.com", "openai": "api.openai.com", "copilot": "api.individual.githubcopilot.com", "gemini": "generativelanguage.googleapis.com"}


def clusters(findings: Findings, gateway: Gateway) -> None:
    """Checks each provider's clusters and their circuit breakers."""
    static = {each["name"].text(): each for each in gateway.root.at("static_resources", "clusters")}
    dynamic = gateway.root.at("dynamic_resources", "cds_config")
    if dynamic:
        findings.leave_out("clusters that Envoy reads from a server (dynamic_resources.cds_config)")
    for provider in gateway.providers():
        name = name_of(provider)
        central = str(provider.get("cluster") or name)
        own = str(provider.get("byok_cluster") or central)
        for member, cluster in (("cluster", central), ("byok_cluster", own)) if own != central else (("cluster", central),):
            if cluster not in static:
                if not dynamic:
                    findings.error(gateway.root.at("static_resources", "clusters"), f'no cluster is called "{cluster}", the {member} of the provider "{name}": its requests would be 503')
                continue
            breaker(findings, static[cluster], provider)


def breaker(findings: Findings, cluster: Place, provider: dict[str, Json]) -> None:
    detection = cluster["outlier_detection"]
    if not detection:
        return
    announced = provider.get("open_retry_after_seconds", 32)
    ejected = seconds(detection["base_ejection_time"].value, 30.0)
    interval = seconds(detection["interval"].value, 10.0)
    if isinstance(announced, (int, float)) and ejected is not None and interval is not None and announced < ejected + interval:
        findings.error(
            detection["base_ejection_time"],
            f'an open circuit closes within {ejected + interval:g} s (with `interval`), but the provider "{name_of(provider)}" tells its callers to come back after {announced:g} s (open_retry_after_seconds): they would be refused again',
        )
    hosts = [host for locality in cluster.at("load_assignment", "endpoints") for host in locality["lb_endpoints"]]
    if len(hosts) != 1 and cluster["type"].value != "LOGICAL_DNS":
        return
    if detection["max_ejection_percent"].value != 100 and detection["always_eject_one_host"].value is not True:
        findings.error(detection["max_ejection_percent"], "a cluster of one host has to allow 100 percent, else its circuit never opens")
    threshold = cluster.at("common_lb_config", "healthy_panic_threshold")
    if threshold.value is None or (threshold["value"].value or 0) != 0:
        findings.error(threshold, "a cluster of one host needs `{ value: 0 }`, else Envoy goes on using the host that it has taken out")


def routes(findings: Findings, gateway: Gateway) -> None:
    """Checks the route that sends rewritten requests to the cluster that the filter has named."""
    table = gateway.manager["route_config"]
    if not table:
        findings.leave_out("the routes: Envoy reads them from a server (rds)")
        return
    hosts = {}
    for provider in gateway.providers():
        base = str(provider.get("base_url") or "https://" + (bedrock_host(provider.get("bedrock")) or HOSTS.get(str(provider.get("type")), "")))
        authority = re.sub(r"^\w+://", "", base).split("/")[0].lower()
        host = virtual_host(table, authority)
        if host is None:
            findings.error(table["virtual_hosts"], f'none is for "{authority}", the host that the filter writes for the provider "{name_of(provider)}": a virtual host for "*" serves all')
        else:
            hosts[host.path] = host
    for host in hosts.values():
        first_route(findings, table, host, gateway.cluster_header())


def first_route(findings: Findings, table: Place, host: Place, header: str) -> None:
    for index, route in enumerate(host["routes"]):
        if route.at("route", "cluster_header").text().lower() != header:
            continue
        if index > 0:
            findings.error(route, f"the route with `cluster_header: {header}` has to be the first: what matches before it gets the provider's request, with a key in it")
        if route.at("match", "prefix").value != "/":
            findings.error(route["match"], 'expected `prefix: "/"`: the path is the provider\'s by now, and every one has to match')
        if not any(each["name"].text().lower() == header for each in route.at("match", "headers")):
            findings.warn(route.at("match", "headers"), f"without a match on {header} no route behind this one is ever reached")
        levels = (route, host, table)
        if not any(str(each.value).lower() == header for level in levels for each in level["request_headers_to_remove"]):
            findings.error(route["request_headers_to_remove"], f"{header} is not in it: the provider would see the name of your cluster")
        timeout = route.at("route", "timeout")
        if 0 < (seconds(timeout.value, 15.0) or 0) < LONG_ANSWER_SECONDS:
            findings.warn(timeout, "a short timeout (Envoy's default is 15 s) cuts long answers: use 0s, which is none")
        return
    findings.error(host["routes"], f"none has `cluster_header: {header}`: nothing that the filter rewrites reaches a provider")


def bedrock_host(bedrock: object) -> str:
    """The default host of a provider on Bedrock, else nothing."""
    if not isinstance(bedrock, dict):
        return ""
    region = bedrock.get("region")
    return f"bedrock-mantle.{region}.api.aws" if bedrock.get("mode", "native") == "native" else f"bedrock-runtime.{region}.amazonaws.com"


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
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(value))
    return float(match.group(1)) if match else None
