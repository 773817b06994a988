"""`make verify` reports budgets that cannot work."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from budgets import CONFIGURATION, LIMITS
from render import cluster_of
from verifying import Change, Found, ai_route, budget, changed, each_is_reported, expect, filter_of, found_in, limits_of, manager_of, none_is_reported, plugin, run, text

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
    "money without prices": (plugin(lambda given: given.pop("prices")), [("error", ".hits_addend", "no `prices`")]),
    "money without a price for every model": (plugin(lambda given: given["prices"].pop()), [("warning", "prices", 'no price is for the models "*"')]),
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


test_each_mistake_is_reported_with_its_place_and_nothing_else = each_is_reported(MISTAKES)
test_what_is_no_mistake_is_not_reported = none_is_reported(FINE)


# === limits.yaml, and the service ===


def with_limits(tmp_path: Path, old: str, new: str) -> Found:
    """The shipped configuration with changed limits beside it."""
    text = LIMITS.read_text()
    assert old in text
    (tmp_path / "limits.yaml").write_text(text.replace(old, new, 1))
    file = tmp_path / "envoy.yaml"
    file.write_text(CONFIGURATION.read_text())
    return found_in(file)


@pytest.mark.parametrize("old,new,expected", [
    ("domain: ai_budgets", "domain: ai_budget", [("error", "domain", 'no limits are for the domain "ai_budgets", only for "ai_budget"')]),
    ("domain: ai_budgets", "domains: ai_budgets", [("error", "domain", "without `domain`"), ("error", "domains", "did you mean domain?"), ("error", ".domain", "no limits are for the domain")]),
    ("- key: tokens_per_team\n", "- key: token_per_team\n", [("error", ".descriptor_key", 'has no limit for "tokens_per_team", so this budget never refuses: add it there; did you mean "token_per_team"?')]),
    ("- key: tokens_per_provider\n  rate_limit: { unit: day, requests_per_unit: 4_000_000_000 }\n", "", [("error", ".descriptor_key", 'has no limit for "tokens_per_provider"')]),
    ("- key: tokens_per_team\n", "- key: tokens_per_team\n  value: research\n", [("warning", ".descriptor_key", 'has "tokens_per_team" only for research: nobody else is limited')]),
    ("unit: month, requests_per_unit: 4_000_000_000", "unit: months, requests_per_unit: 4_000_000_000", [("error", ".rate_limit.unit", "not a unit")]),
    ("requests_per_unit: 50_000_000 }", "requests_per_unit: 5_000_000_000 }", [("error", ".requests_per_unit", "not a whole number from 0 to 4_294_967_295")]),
    ("requests_per_unit: 50_000_000 }", "request_per_unit: 50_000_000 }", [("error", ".request_per_unit", "did you mean requests_per_unit?")]),
    ("rate_limit: { unlimited: true }", "rate_limits: { unlimited: true }", [("error", ".rate_limits", "did you mean rate_limit?")]),
    ("- key: tokens_per_actor\n  rate_limit", "- name: tokens_per_actor\n  rate_limit", [("error", "descriptors[0].name", "there is no such member"), ("error", "descriptors[0]", "a descriptor without `key`"), ("warning", ".descriptor_key", "only for nightly-batch")]),
])
def test_limits_that_do_not_fit_are_reported(tmp_path, old, new, expected):
    expect(with_limits(tmp_path, old, new), expected)


def test_limits_that_fit_may_be_given_in_three_ways(tmp_path):
    file, limits = tmp_path / "envoy.yaml", tmp_path / "my-limits.yaml"
    file.write_text(CONFIGURATION.read_text())
    limits.write_text(LIMITS.read_text())
    assert found_in(file, limits) == found_in(file, "--limits", limits) == []
    done = run("--without-envoy", file)
    assert done.returncode == 2 and "not checked: whether the rate limit service knows these budgets" in done.stdout
    limits.rename(tmp_path / "limits.yaml")
    assert found_in(file) == [], "beside the file"


def service_of(config: Any) -> Any:
    return filter_of(config, "envoy.filters.http.ratelimit")["typed_config"]


SERVICE: dict[str, tuple[Change, Found]] = {
    "a cluster that there is not": (lambda config: cluster_of(config, "rate_limits").update(name="rate_limit"), [("error", ".envoy_grpc.cluster_name", 'no cluster is called "rate_limits", so no rate limit service is asked and every budget passes')]),
    "no service": (lambda config: service_of(config).pop("rate_limit_service"), [("error", ".rate_limit_service", "no cluster of a rate limit service")]),
    "a cluster without HTTP/2": (lambda config: cluster_of(config, "rate_limits").pop("typed_extension_protocol_options"), [("error", "clusters[5]", "speaks gRPC, which needs HTTP/2")]),
    "a cluster without an endpoint": (lambda config: cluster_of(config, "rate_limits").pop("load_assignment"), [("error", "clusters[5]", "a cluster without an endpoint")]),
    "another domain": (lambda config: service_of(config).update(domain="budgets"), [("error", ".typed_config.domain", 'no limits are for the domain "budgets"')]),
    "a descriptor that limits.yaml lacks": (text('"tokens_per_team"', '"tokens_per_taem"'), [("error", ".descriptor_key", 'has no limit for "tokens_per_taem", so this budget never refuses: add it there; did you mean "tokens_per_team"?')]),
}


test_a_service_that_would_not_be_asked_is_reported = each_is_reported(SERVICE)
