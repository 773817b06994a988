"""`make verify` reports budgets that cannot work."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from render import REPOSITORY, cluster_of, wasm_of
from verifying import LINE, Change, Found, ai_route, all_of, budget, changed, drop, expect, filter_of, judged, limits_of, manager_of, plugin, routes_of, set_at, text

# Values that the logger by actor reads besides those of budgets.
BY_ACTOR = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"]


def in_front(config: Any) -> None:
    filters = manager_of(config)["http_filters"]
    limit = filter_of(config, "envoy.filters.http.ratelimit")
    filters.remove(limit)
    filters.insert(0, limit)


def literal(config: Any) -> None:
    budget("tokens_per_actor", charges=False)(config)["actions"] = [{"generic_key": {"descriptor_key": "tokens_per_actor", "descriptor_value": "%FILTER_STATE(wasm.ai_bridge_actor:PLAIN)%"}}]
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


# name: (what is changed, [(level, the path ends with, the message contains)])
MISTAKES: dict[str, tuple[Change, Found]] = {
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
        [("error", ".hits_addend", "add `apply_on_stream_done: true`")],
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
        text("tokens_per_provider", "tokens_per_actor_x"), [("error", ".actions", '"tokens_per_actor" begins "tokens_per_actor_x"'), ("error", ".descriptor_key", 'has no limit for "tokens_per_actor_x"')],
    ),
    "no reset for callers over budget": (
        lambda config: filter_of(config, "envoy.filters.http.ratelimit")["typed_config"].pop("enable_x_ratelimit_headers"),
        [("warning", ".enable_x_ratelimit_headers", "after 60 s")],
    ),
}

# Configurations that look wrong but are right.
FINE: dict[str, Change] = {
    "the runtime flag that makes descriptor values formats": literal_with_the_flag,
    "a rate limit of addresses in front": lambda config: manager_of(config)["http_filters"].insert(0, {"name": "by_address", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit", "rate_limits": [{"actions": [{"remote_address": {}}]}]}}),
    "everything published": plugin(lambda given: given.update(publish=["id", "provider", "api", "model", "requested_model", "outcome", "total_tokens", "cost_microusd", "actor", "actor_team", *BY_ACTOR])),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_reported_with_its_place_and_nothing_else(tmp_path, name):
    change, expected = MISTAKES[name]
    expect(judged(changed(change), tmp_path), expected)


@pytest.mark.parametrize("name", FINE)
def test_what_is_no_mistake_is_not_reported(tmp_path, name):
    assert judged(changed(FINE[name]), tmp_path) == []
