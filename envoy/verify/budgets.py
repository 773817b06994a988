"""Checks budgets: rate limits that use the filter's values."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Iterator

from find import Gateway
from place import Findings, Json, Place
from values import AT_END

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

    @classmethod
    def of(cls, place: Place) -> "Limit":
        keys = tuple(str(text.value) for text in place["actions"].texts() if text.is_called("descriptor_key"))
        values = frozenset(name for text in place["actions"].texts() for name in re.findall(r"\bwasm\.ai_bridge_([A-Za-z0-9_-]+)", text.value))
        addend = str(place.at("hits_addend", "format").value or "")
        return cls(place, json.dumps(place["actions"].value, sort_keys=True), keys, place["apply_on_stream_done"].value is True, addend, values)

    def is_ours(self) -> bool:
        return bool(self.values) or "ai_bridge_" in self.addend


def budgets(findings: Findings, gateway: Gateway) -> None:
    """Checks the rate limits that use the filter's values."""
    names = {each["name"].text(): (index, each) for index, each in enumerate(gateway.filters)}
    limits: list[Limit] = []
    for level in route_levels(gateway.manager["route_config"]):
        for name, typed in ((name, level["typed_per_filter_config"][name]) for name in level["typed_per_filter_config"].members()):
            if not typed.type().endswith("http.ratelimit.v3.RateLimitPerRoute"):
                continue
            here = [each for each in map(Limit.of, typed["rate_limits"]) if each.is_ours()]
            limits += here
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
        if own and index < gateway.at:
            findings.error(http_filter, "the rate limit filter stands in front of AI Bridge, where none of its values are known: put it behind")
        if (own or limits) and index > gateway.at and typed["enable_x_ratelimit_headers"].value != "DRAFT_VERSION_03":
            findings.warn(typed["enable_x_ratelimit_headers"], "without DRAFT_VERSION_03 callers over budget are told to come back after 60 s, whenever that may be")
    each_limit(findings, gateway, limits)


def route_levels(table: Place) -> Iterator[Place]:
    """Every level at which a route's settings may be: the table, its hosts, their routes."""
    yield table
    for host in table["virtual_hosts"]:
        yield host
        yield from host["routes"]


def each_limit(findings: Findings, gateway: Gateway, limits: list[Limit]) -> None:
    """Checks each rate limit, and that what is asked and what is charged match."""
    formats = any(has_flag(layer["static_layer"].value) for layer in gateway.root.at("layered_runtime", "layers"))
    asked = {each.descriptor for each in limits if not each.charges}
    charged = {each.descriptor for each in limits if each.charges}
    prices = Place(gateway.plugin)["prices"]
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
            if not prices:
                findings.error(place["hits_addend"], "this charges money, but the filter's configuration has no `prices`: every request is charged 0")
            elif not any(pattern.value == "*" for price in prices for pattern in price["models"]):
                findings.warn(place["hits_addend"], 'no price is for the models "*": a model that none names is charged no money')
    keys = {key: each.place for each in limits for key in each.keys}
    for key, place in keys.items():
        for other in keys:
            if other.startswith(f"{key}_"):
                findings.error(place["actions"], f'"{key}" begins "{other}": a value could be chosen so that it spends the other\'s budget. Rename one of them')


def has_flag(layer: Json, prefix: str = "") -> bool:
    """Whether a runtime layer, flat or nested, sets FORMATTER."""
    if not isinstance(layer, dict):
        return False
    for name, value in layer.items():
        full = f"{prefix}{name}"
        if full == FORMATTER:
            return value is True or str(value).lower() == "true"
        if FORMATTER.startswith(f"{full}.") and has_flag(value, f"{full}."):
            return True
    return False
