"""Checks a complete Envoy configuration."""

from __future__ import annotations

from authentication import authentication
from budgets import budgets
from entry import entry, metrics
from exposure import admin, exposed
from find import Gateway, discovered, duplicates, find
from limits import Served
from module import module
from options import Options
from patterns import patterns
from place import Findings, Place, place_of
from pools import pools
from prices import age
from reading import Document, Unusable
from routing import clusters, routes
from secret import in_headers
from tls import tls, unverified
from validate import envoy_validates
from values import values


def bootstrap(findings: Findings, document: Document, served: list[Served], options: Options) -> None:
    """Checks a configuration. `served`: what the rate limit service was given. Raises `Unusable` if it cannot be checked."""
    root = place_of(document)
    duplicates(findings, document, "Envoy takes one of them")
    for line in document.merges:
        findings.error(Place(None, "", document.file, line), "Envoy does not know merge keys (`<<`): write the members out, or use an anchor for a whole value")
    gateways = find(findings, root, document)
    if not gateways:
        left_out = "".join(f" ({each})" for each in findings.left_out)
        raise Unusable(f"no listener loads AI Bridge (a Wasm HTTP filter with `root_id: ai_bridge`, or a dynamic module with `filter_name: ai_bridge`){left_out}")
    unverified(findings, root)
    in_headers(findings, root)
    known = clusters_of(findings, root)
    for gateway in gateways:
        gateway.clusters = known
        check(findings, gateway, served, options)
    admin(findings, root)
    if options.runs_envoy:
        envoy_validates(findings, root, gateways, options)
    else:
        findings.skipped.append("Envoy's own check, and the filter's of its configuration: as asked")


def check(findings: Findings, gateway: Gateway, served: list[Served], options: Options) -> None:
    """Checks one connection manager and what it uses."""
    module(findings, gateway, options)
    for rule in (entry, authentication, exposed, pools, clusters, tls, routes, values, metrics) if gateway.plugin else ():
        rule(findings, gateway)
    if gateway.plugin:
        budgets(findings, gateway, served)
        patterns(findings, gateway.settings)
        age(findings, gateway.settings["prices"], gateway.source, options.prices_of, options.today)


def clusters_of(findings: Findings, root: Place) -> dict[str, Place]:
    """The clusters of a configuration by their names."""
    found = list(root.at("static_resources", "clusters"))
    found += discovered(findings, root, "cds_config", "cluster.v3.Cluster", "clusters")
    return {each["name"].text(): each for each in found}
