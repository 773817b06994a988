"""The files of envoy/budgets agree with envoy/envoy.yaml and with each other."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

import yaml

from budgets import AUDIENCE, CONFIGURATION, ISSUER, LIMITS, rate_limit_service
from budgets import redis, service  # noqa: F401 (fixtures)
from render import SHIPPED, connection_manager_of, shipped, wasm_of
from traffic import ACTORS, TEAMS


def test_the_file_is_the_reference_and_the_parts_for_budgets():
    """Every change of envoy.yaml has to be made here too, with `git diff … | patch` or by hand."""
    found, reference = shipped(CONFIGURATION), shipped()
    manager, reference_manager = connection_manager_of(found), connection_manager_of(reference)
    del manager["early_header_mutation_extensions"]
    # With authentication others may come.
    for config, address in ((found, "0.0.0.0"), (reference, "127.0.0.1")):
        assert config["static_resources"]["listeners"][0]["address"]["socket_address"].pop("address") == address
    # The access loggers by actor and by team are exact copies of the shipped files.
    assert [manager["access_log"].pop()] == yaml.safe_load(TEAMS.read_text())
    assert [manager["access_log"].pop()] == yaml.safe_load(ACTORS.read_text())
    added = {"envoy.filters.http.jwt_authn", "envoy.filters.http.ratelimit"}
    manager["http_filters"] = [each for each in manager["http_filters"] if each["name"] not in added]
    route = manager["route_config"]["virtual_hosts"][0]["routes"][0]
    del route["typed_per_filter_config"]
    # A provider's own budgets do not look like the gateway's.
    assert route.pop("response_headers_to_remove") == ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
    found["static_resources"]["clusters"] = [each for each in found["static_resources"]["clusters"] if each["name"] != "rate_limits"]
    for config in (found, reference):
        value = wasm_of(config)["configuration"]
        value["value"] = json.loads(value["value"])
    plugin = wasm_of(found)["configuration"]["value"]
    del plugin["actor"], plugin["prices"], plugin["gateway_credentials"]["headers"]
    assert found == reference
    assert reference_manager["http_filters"]


def test_its_comments_are_those_of_the_reference():
    """Every other line of envoy.yaml is in it unchanged."""
    replaced = {
        "# AI Bridge: the reference Envoy configuration. Copy it, change what is yours, run",
        "# Header names that clients must not choose go away before anything else sees the request. If an",
        "# authentication filter names the caller in a header (`actor.header` below), remove the client's own copy:",
        "# early_header_mutation_extensions:", "# - name: no_self_made_actors", "#   typed_config:",
        '#     "@type": type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
        "#     mutations: [ { remove: x-ai-bridge-actor-id }, { remove: x-team } ]",
        "# Your authentication (jwt_authn, ext_authz, api_key_auth, …) goes here. AI Bridge recognises gateway",
        "# tokens and keeps them away from providers, but it verifies no caller. With your issuer, audience and keys these",
        "# two lines let only holders of a signed token in, sent as API key with gw_ in front; budgets/envoy.yaml has more.",
        "# Only this machine: anyone who reaches the filter uses your keys. To let others in, take the second line instead of the",
        "# first, and uncomment the two lines of authentication that it then needs (below, in front of `ai_bridge`).",
        "address: { socket_address: { address: 127.0.0.1, port_value: 10000 } }",
        "# address: { socket_address: { address: 0.0.0.0, port_value: 10000 } }",
        *(line.strip() for line in SHIPPED.read_text().splitlines() if re.match(r" +# ( +providers: \{ company|- \{ name: envoy.filters.http.jwt_authn)", line)),
        '"gateway_credentials": {"value_prefixes": ["gw_"]}',
        "# Token and money budgets (envoy.filters.http.ratelimit) go here: behind AI Bridge, so that they can use",
        "# what it knows, and so that their 429 reaches the client in its API's own dialect: budgets/envoy.yaml.",
    }
    lines = difflib.ndiff(SHIPPED.read_text().splitlines(), CONFIGURATION.read_text().splitlines())
    assert {line[2:].strip() for line in lines if line.startswith("- ")} - {""} == replaced


def budgets_of(config: Any) -> list[tuple[str, str, Any, bool]]:
    """Each rate limit: its key, its value, its addend, and whether it charges."""
    route = connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"][0]
    found = []
    for limit in route["typed_per_filter_config"]["envoy.filters.http.ratelimit"]["rate_limits"]:
        (action,) = limit["actions"]
        descriptor = action["extension"]["typed_config"]
        found.append((descriptor["descriptor_key"], descriptor["text"], limit["hits_addend"], limit.get("apply_on_stream_done", False)))
    return found


def test_each_budget_is_asked_and_charged_and_those_of_models_are_only_charged():
    found = budgets_of(shipped(CONFIGURATION))
    values = {"actor": "actor", "team": "actor_team", "provider": "provider", "path_model": "requested_model", "model": "model"}
    expected = []
    for unit, value in (("tokens", "total_tokens"), ("microusd", "cost_microusd")):
        for whose, property_name in values.items():
            name, text = f"{unit}_per_{whose}", f"filter_state['wasm.ai_bridge_{property_name}']"
            if whose != "model":
                expected.append((name, text, {"number": 0}, False))
            expected.append((name, text, {"format": f"%FILTER_STATE(wasm.ai_bridge_{value}:PLAIN)%"}, True))
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_the_services_limits_have_the_same_names_and_none_leads_into_another(redis):
    names = {name for name, *_ in budgets_of(shipped(CONFIGURATION))}
    descriptors = yaml.safe_load(LIMITS.read_text())["descriptors"]
    assert {each["key"] for each in descriptors} == names
    assert not any(other.startswith(f"{name}_") for name in names for other in names)
    assert {each["key"] for each in descriptors if each.get("shadow_mode")} == {name for name in names if name.endswith("_per_model")}
    with rate_limit_service(redis) as service:
        lines = service.in_force().splitlines()
    assert len(lines) == len(descriptors)
    assert "ai_budgets.microusd_per_team: unit=MONTH requests_per_unit=4000000000, shadow_mode: false, quota_mode: false" in lines


def test_the_tokens_of_these_tests_are_those_that_the_file_asks_for():
    (provider,) = [each["typed_config"]["providers"]["company"] for each in connection_manager_of(shipped(CONFIGURATION))["http_filters"] if each["name"] == "envoy.filters.http.jwt_authn"]
    assert (provider["issuer"], provider["audiences"]) == (ISSUER, [AUDIENCE])


def test_the_comment_in_limits_yaml_starts_the_service_as_these_tests_do(service):
    said = set(re.findall(r"\b([A-Z][A-Z_]+)=", LIMITS.read_text().split("domain:")[0]))
    assert said <= set(service.environment)
    assert said >= {"CONFIG_TYPE", "RUNTIME_ROOT", "RUNTIME_SUBDIRECTORY", "RUNTIME_WATCH_ROOT", "REDIS_SOCKET_TYPE", "REDIS_URL", "GRPC_PORT"}
