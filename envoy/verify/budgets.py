"""Checks budgets: rate limits that use the filter's values."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass

from find import Gateway, leads, override, route_levels
from limits import Served, serves
from place import Findings, Place, flag
from pools import POOL_HEADER, pool_of
from routing import has_servers
from values import AT_END

GRPC_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

FORMATTER = "envoy.reloadable_features.enable_formatter_for_ratelimit_action_descriptor_value"


@dataclass(frozen=True)
class Limit:
    """One entry of `rate_limits`."""

    place: Place
    descriptor: str             # its actions as JSON, for comparison
    keys: tuple[str, ...]
    charges: bool
    addend: str
    values: frozenset[str]      # the single values in its descriptor
    entries: list[tuple[str, str | None]]       # the descriptor's keys, with values where these are fixed; empty if not known
    key_place: Place

    @classmethod
    def of(cls, place: Place) -> "Limit":
        keys = tuple(str(text.value) for text in place["actions"].texts() if text.is_called("descriptor_key"))
        values = frozenset(name for text in place["actions"].texts() for name in re.findall(r"\bwasm\.ai_bridge_([A-Za-z0-9_-]+)", text.value))
        addend = str(place.at("hits_addend", "format").value or "")
        entries = [entry for action in place["actions"] if (entry := entry_of(action)) is not None]
        key_place = next((text for text in place["actions"].texts() if text.is_called("descriptor_key")), place)
        known = entries if len(entries) == len(list(place["actions"])) else []
        return cls(place, json.dumps(place["actions"].value, sort_keys=True), keys, place["apply_on_stream_done"].value is True, addend, values, known, key_place)

    def is_ours(self) -> bool:
        return bool(self.values) or "ai_bridge_" in self.addend


def entry_of(action: Place) -> tuple[str, str | None] | None:
    """The entry that an action adds to the descriptor; `None` if that is not known here."""
    for name, value in action.each():
        if name in ("extension",):
            typed = value["typed_config"]
            return (typed["descriptor_key"].text(), None) if typed["descriptor_key"].text() else None
        if name in ("generic_key", "genericKey"):
            fixed = value["descriptor_value"].text()
            return value["descriptor_key"].text() or "generic_key", fixed if "%" not in fixed else None
        if name in ("request_headers", "requestHeaders", "metadata", "query_parameters", "queryParameters"):
            return (value["descriptor_key"].text(), None) if value["descriptor_key"].text() else None
        fixed_keys = {"remote_address": "remote_address", "remoteAddress": "remote_address", "source_cluster": "source_cluster", "destination_cluster": "destination_cluster"}
        if name in fixed_keys:
            return fixed_keys[name], None
    return None


def budgets(findings: Findings, gateway: Gateway, served: list[Served]) -> None:
    """Checks the rate limits that use the filter's values. `served`: what the rate limit service was given, if that is known."""
    names = {each["name"].text(): (index, each) for index, each in enumerate(gateway.filters)}
    limits: list[Limit] = []
    asked: dict[str, list[Limit]] = {}          # by the name of the filter
    for level in route_levels(gateway.table):
        for name, typed in ((name, level["typed_per_filter_config"][name]) for name in level["typed_per_filter_config"].members()):
            if not typed.type().endswith("http.ratelimit.v3.RateLimitPerRoute"):
                continue
            here = [each for each in map(Limit.of, typed["rate_limits"]) if each.is_ours()]
            limits += here
            asked.setdefault(name, []).extend(map(Limit.of, typed["rate_limits"]))
            if not here:
                continue
            if name not in names:
                findings.error(typed, f'no filter in `http_filters` is called "{name}": nothing is asked or charged')
            elif names[name][0] < gateway.at:
                findings.error(names[name][1], "the rate limit filter stands in front of AI Bridge, where none of its values are known: put it behind")
        for each in [*level["rate_limits"], *level.at("route", "rate_limits")]:
            if Limit.of(each).is_ours():
                findings.error(each, "Envoy ignores `hits_addend` here: put the rate limit into the RateLimitPerRoute of typed_per_filter_config")
    for index, http_filter in enumerate(gateway.filters):
        typed = http_filter["typed_config"]
        if not typed.type().endswith("http.ratelimit.v3.RateLimit"):
            continue
        own = [each for each in map(Limit.of, typed["rate_limits"]) if each.is_ours()]
        limits += own
        its_own = [*map(Limit.of, typed["rate_limits"]), *asked.get(http_filter["name"].text(), [])]
        if typed["rate_limit_service"] or any(each.is_ours() for each in its_own):
            service(findings, gateway, typed)
        answered(findings, typed, its_own, served)
        if own and index < gateway.at:
            findings.error(http_filter, "the rate limit filter stands in front of AI Bridge, where none of its values are known: put it behind")
        if (own or limits) and index > gateway.at and typed["enable_x_ratelimit_headers"].value != "DRAFT_VERSION_03":
            findings.warn(typed.at_name("enable_x_ratelimit_headers"), "without DRAFT_VERSION_03 callers over budget are told to come back after 60 s, whenever that may be")
    each_limit(findings, gateway, limits)
    routes_of_pools(findings, gateway)


def service(findings: Findings, gateway: Gateway, typed: Place) -> None:
    """Checks the cluster of the rate limit service. Envoy counts a service that does not answer, and lets the request pass."""
    name = typed.at("rate_limit_service", "grpc_service", "envoy_grpc", "cluster_name")
    cluster = gateway.clusters.get(name.text())
    if not name.text():
        if not typed.at("rate_limit_service", "grpc_service", "google_grpc"):
            findings.error(typed["rate_limit_service"], "no cluster of a rate limit service, so that no budget is ever asked: name it in `grpc_service: { envoy_grpc: { cluster_name: … } }`")
    elif cluster is None:
        if not has_servers(gateway.root):
            findings.error(name, f'no cluster is called "{name.text()}", so no rate limit service is asked and every budget passes: correct the name, or add the cluster')
    else:
        options = cluster.at("typed_extension_protocol_options", GRPC_OPTIONS)
        http2 = options.at("explicit_http_config", "http2_protocol_options").value is not None or options["auto_config"] or cluster["http2_protocol_options"].value is not None
        if not http2:
            findings.error(cluster, "the rate limit service speaks gRPC, which needs HTTP/2: add `explicit_http_config: { http2_protocol_options: {} }`, else every budget passes")
        endpoints = [each for locality in cluster.at("load_assignment", "endpoints") for each in locality["lb_endpoints"]]
        if not endpoints and cluster["type"].value in (None, "STATIC", "STRICT_DNS", "LOGICAL_DNS"):
            findings.error(cluster, "a cluster without an endpoint, so that no rate limit service is asked and every budget passes: add its address")


def answered(findings: Findings, typed: Place, limits: list["Limit"], served: list[Served]) -> None:
    """Checks that the rate limit service knows the domain and the descriptors."""
    domain = typed["domain"]
    if not any(each.is_ours() for each in limits):
        return
    if not served:
        findings.leave_out("whether the rate limit service knows these budgets: give its limits.yaml as well (`make verify FILE=\"envoy.yaml limits.yaml\"`)")
        return
    of_it = next((each for each in served if each.domain == domain.text()), None)
    if of_it is None:
        known = ", ".join(f'"{each.domain}"' for each in served)
        findings.error(domain, f'no limits are for the domain "{domain.text()}", only for {known} ({served[0].root.file}), so that every budget passes: make both the same')
        return
    judged: list[list[tuple[str, str | None]]] = []
    for limit in limits:
        if not limit.is_ours() or not limit.entries or limit.entries in judged:
            continue
        judged.append(limit.entries)
        found, only = serves(of_it.root, limit.entries)
        names = ", ".join(f'"{key}"' for key, _ in limit.entries)
        if found is None and only:
            findings.warn(limit.key_place, f"{of_it.root.file} has {names} only for {', '.join(only[:5])}: nobody else is limited")
        elif found is None:
            near = difflib.get_close_matches(limit.entries[0][0], [each["key"].text() for each in of_it.root["descriptors"]], 1)
            hint = f'; did you mean "{near[0]}"?' if near and near[0] != limit.entries[0][0] else ""
            findings.error(limit.key_place, f"{of_it.root.file} has no limit for {names}, so this budget never refuses: add it there{hint}")


def routes_of_pools(findings: Findings, gateway: Gateway) -> None:
    """Reports routes of pools by which no budget is asked, where the route of the other providers asks some."""
    for host in gateway.table["virtual_hosts"]:
        asking = [route for route in host["routes"] if leads(route, gateway.cluster_header()) and has_budget(gateway, [route, host, gateway.table])]
        silent = [route for route in host["routes"] if pool_of(route, POOL_HEADER) is not None and not has_budget(gateway, [route, host, gateway.table])]
        if asking and silent:
            more = f" and {len(silent) - 1} more routes" if len(silent) > 1 else ""
            findings.error(silent[0], f"requests by this route{more} are neither asked for a budget nor charged: only those of {asking[0].path} are. Move its `typed_per_filter_config` to the virtual host, and its `response_headers_to_remove`, too")


def has_budget(gateway: Gateway, levels: list[Place]) -> bool:
    """Whether a request by a route is asked for a budget that uses the filter's values. `levels`: the route and what surrounds it."""
    for http_filter in gateway.filters:
        typed = http_filter["typed_config"]
        if typed.type().endswith("http.ratelimit.v3.RateLimit"):
            name = http_filter["name"].text()
            given = next((found for level in levels if (found := override(level, name)) is not None), typed)
            if any(Limit.of(each).is_ours() for each in given["rate_limits"]):
                return True
    return False


def each_limit(findings: Findings, gateway: Gateway, limits: list[Limit]) -> None:
    """Checks each rate limit, and that what is asked and what is charged match."""
    formats = any(flag(layer["static_layer"].value, FORMATTER) for layer in gateway.root.at("layered_runtime", "layers"))
    asked = {each.descriptor for each in limits if not each.charges}
    charged = {each.descriptor for each in limits if each.charges or "ai_bridge_" in each.addend}
    prices = gateway.settings["prices"]
    money: list[Place] = []
    for each in limits:
        place = each.place
        for text in place["actions"].texts():
            if text.is_called("descriptor_value") and "%" in text.value and not formats:
                findings.error(text, f"Envoy takes this literally, so that all callers share one budget: use envoy.rate_limit_descriptors.expr, or set {FORMATTER} in layered_runtime")
        late = sorted(each.values & set(AT_END))
        if not each.charges and late:
            findings.error(place["actions"], f"this asks about ai_bridge_{late[0]}, which is not known before the end: it never refuses. With `apply_on_stream_done: true` it counts")
        if not each.charges and "ai_bridge_" in each.addend:
            findings.error(place["hits_addend"], "this charges at the start what is not known before the end: add `apply_on_stream_done: true`, and ask with `{ number: 0 }`")
        if not each.addend and place.at("hits_addend", "number").value is None:
            findings.warn(place["hits_addend"], "without it this counts requests: 1 each")
        if not each.charges and not late and each.descriptor not in charged:
            findings.error(place, "this is asked, but nothing is ever charged to it: add the same `actions` with `apply_on_stream_done: true` and `hits_addend`")
        if each.charges and not late and not each.values & set(AT_END) and each.descriptor not in asked:
            findings.warn(place, "this is charged, but never asked: it counts and never refuses. To enforce it, add the same `actions` with `hits_addend: { number: 0 }`")
        if "ai_bridge_cost_microusd" in each.addend:
            money.append(place["hits_addend"])
    # One finding: what is missing is a price, whatever is charged with it.
    if money and not prices:
        findings.error(money[0], "this charges money, but the filter's configuration has no `prices`: every request is charged 0. Add them (envoy/prices)")
    elif money and not any(pattern.value == "*" for price in prices for pattern in price["models"]):
        findings.warn(prices, 'no price is for the models "*": a model that none names is charged no money. Add one at the end')
    keys = {key: each.place for each in limits for key in each.keys}
    for key, place in keys.items():
        for other in keys:
            if other.startswith(f"{key}_"):
                findings.error(place["actions"], f'"{key}" begins "{other}": a value could be chosen so that it spends the other\'s budget. Rename one of them')
