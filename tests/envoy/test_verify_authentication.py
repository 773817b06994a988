"""`make verify` reports authentication that stands wrong or names nobody."""

from __future__ import annotations

import json
from typing import Any

from verifying import Change, Found, all_of, changed, drop, each_is_reported, filter_of, judged, limits_of, manager_of, none_is_reported, plugin, run

# name: (what is changed, [(level, the path ends with, the message contains)])
MISTAKES: dict[str, tuple[Change, Found]] = {
    "a client may say who it is": (
        drop("early_header_mutation_extensions"),
        [("error", ".early_header_mutation_extensions", "x-ai-bridge-actor-id is not removed"), ("error", ".early_header_mutation_extensions", "x-team is not removed")],
    ),
    "a client may say which team it is": (
        lambda config: manager_of(config)["early_header_mutation_extensions"][0]["typed_config"]["mutations"].pop(), [("error", ".early_header_mutation_extensions", "x-team is not removed from what clients send, and actor.metadata_headers.team trusts it")],
    ),
    "nobody says who it is": (
        lambda config: manager_of(config)["http_filters"].remove(filter_of(config, "envoy.filters.http.jwt_authn")), [("error", "actor", "no authentication filter stands in front")],
    ),
}


test_each_mistake_is_reported_with_its_place_and_nothing_else = each_is_reported(MISTAKES)


def jwt(config: Any) -> Any:
    return filter_of(config, "envoy.filters.http.jwt_authn")["typed_config"]


def claims(config: Any) -> Any:
    return jwt(config)["providers"]["company"]["claim_to_headers"]


def behind(config: Any) -> None:
    filters = manager_of(config)["http_filters"]
    own = filter_of(config, "envoy.filters.http.jwt_authn")
    filters.remove(own)
    filters.insert(len(filters) - 1, own)


def instead(typed: Any) -> Change:
    """Another authentication, in the same place."""

    def change(config: Any) -> None:
        filters = manager_of(config)["http_filters"]
        at = filters.index(filter_of(config, "envoy.filters.http.jwt_authn"))
        filters[at] = {"name": "authentication", "typed_config": typed}

    return change


API_KEYS = {"@type": "type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth", "forwarding": {"header": "x-ai-bridge-actor-id"}}
EXT_AUTHZ = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
NO_TEAMS = plugin(lambda given: given["actor"].pop("metadata_headers"))


def without_team_budgets(config):
    """Takes the budgets and the counters of teams out."""
    for whole, words in ((limits_of(config), "per_team"), (manager_of(config)["access_log"], "ai_bridge_team")):
        whole[:] = [each for each in whole if words not in json.dumps(each)]


NAMES: dict[str, tuple[Change, Found]] = {
    "authentication behind the filter": (behind, [("error", "http_filters[6]", "this authentication (envoy.filters.http.jwt_authn) stands behind AI Bridge")]),
    "a claim that is copied elsewhere": (
        lambda config: claims(config)[0].update(header_name="x-user"),
        [("error", "actor.header", "no authentication in front sets x-ai-bridge-actor-id, and an actor is required: every request would be 401; authentication sets x-user: make both the same")],
    ),
    "a claim that is copied nowhere": (lambda config: claims(config).pop(0), [("error", "actor.header", "no authentication in front sets x-ai-bridge-actor-id")]),
    "a team that is copied elsewhere": (lambda config: claims(config)[1].update(header_name="x-group"), [("error", "actor.metadata_headers.team", "no authentication in front sets x-team, so this is never known, and budgets by it hold for nobody; authentication sets x-group: make both the same")]),
    "a team that is read elsewhere": (
        plugin(lambda given: given["actor"]["metadata_headers"].update(team="x-group")),
        [("error", "actor.metadata_headers.team", "no authentication in front sets x-group")],
    ),
    "an actor who is not required": (
        all_of(lambda config: claims(config)[0].update(header_name="x-user"), plugin(lambda given: given["actor"].pop("required"))), [("warning", "actor.header", "no authentication in front sets x-ai-bridge-actor-id, so no caller has a name")],
    ),
    "rules that require nothing": (lambda config: jwt(config).update(rules=[{"match": {"prefix": "/"}}]), [("error", "http_filters[4]", "jwt_authn without a rule that requires a provider lets everyone pass")]),
    "an actor without a place": (
        all_of(plugin(lambda given: given.update(actor={"required": True})), without_team_budgets), [("error", "actor.required", "neither `header` nor `property` says where it is")],
    ),
    "metadata that is not written": (
        all_of(plugin(lambda given: given.update(actor={"property": ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "claims", "sub"], "required": True})), without_team_budgets),
        [("error", "actor.property", "no authentication writes this metadata: jwt_authn needs `payload_in_metadata: claims`")],
    ),
    "keys without teams": (instead(API_KEYS), [("error", "actor.metadata_headers.team", "no authentication in front sets x-team")]),
    "a service that sets other headers": (
        all_of(instead({"@type": EXT_AUTHZ, "http_service": {"authorization_response": {"allowed_upstream_headers": {"patterns": [{"prefix": "x-auth-"}]}}}}), NO_TEAMS, without_team_budgets), [("error", "actor.header", "no authentication in front sets x-ai-bridge-actor-id")],
    ),
}

NAMED: dict[str, Change] = {
    "metadata that is written": all_of(
        lambda config: jwt(config)["providers"]["company"].update(payload_in_metadata="claims"),
        plugin(lambda given: given.update(actor={"property": ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "claims", "sub"], "required": True})), without_team_budgets),
    "keys": all_of(instead(API_KEYS), NO_TEAMS, without_team_budgets),
    "a service that sets the headers": instead({"@type": EXT_AUTHZ, "http_service": {"authorization_response": {"allowed_upstream_headers": {"patterns": [{"prefix": "x-ai-bridge-"}, {"exact": "X-Team"}]}}}}),
}


test_a_caller_whom_nobody_names_is_reported = each_is_reported(NAMES)
test_a_caller_who_is_named_is_not_reported = none_is_reported(NAMED)


def test_what_only_a_program_knows_is_not_checked(tmp_path):
    config = changed(instead({"@type": EXT_AUTHZ, "grpc_service": {"envoy_grpc": {"cluster_name": "rate_limits"}}}))
    assert judged(config, tmp_path) == [], "and the exit status is 2"
    assert "not checked: whether authentication sets x-team" in run("--without-envoy", tmp_path / "envoy.json").stdout
