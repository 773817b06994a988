"""The routes of pools: one for each list of members, and one for callers' own keys."""

from __future__ import annotations

from typing import Any

from configuration import Configuration, Member, Pool
from lists import HEADER, lists, value_of

Json = Any

SPECIFIER = "envoy.extensions.router.cluster_specifiers.priority_group.v3.PriorityGroupClusterSpecifier"
# Envoy keeps a copy of each body up to this size, however large bodies may be.
MOST_COPIED_BYTES = 48 << 20
RETRY_HEADER = "x-ai-bridge-retry"
# The upstream filter marks an answer that is worth another attempt. A failure without an answer is always worth one.
RETRY_ON = "retriable-headers,connect-failure,refused-stream,reset"


def routes(configuration: Configuration) -> list[Json]:
    """The routes of all pools. Their values exclude each other, so that their order does not matter."""
    made = []
    for pool in configuration.pools:
        made += [of_list(configuration, pool, members) for members in lists(pool)]
        made.append(of_own_keys(configuration, pool))
    return made


def of_list(configuration: Configuration, pool: Pool, members: tuple[Member, ...]) -> Json:
    """The route of a list: attempt N goes to the cluster of member N."""
    value = value_of(pool, members)
    groups = [{"name": each.name, "clusters": [{"cluster_name": each.cluster, "weight": 1}]} for each in members]
    retries: Json = {"num_retries": len(members) - 1}
    if len(members) > 1:
        retries |= {
            "retry_on": RETRY_ON,
            "retriable_headers": [{"name": RETRY_HEADER, "present_match": True}],
            "refresh_cluster_on_retry": True,
            "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
        }
    return {
        "name": f"pool {value}",
        "match": match(value),
        "request_headers_to_remove": removed(configuration),
        "request_body_buffer_limit": buffer_limit(configuration),
        "route": {
            "inline_cluster_specifier_plugin": {
                "extension": {"name": "envoy.router.cluster_specifier_plugin.priority_group", "typed_config": {"@type": f"type.googleapis.com/{SPECIFIER}", "priority_groups": groups}}
            },
            "timeout": "0s",
            "retry_policy": retries,
        },
    }


def of_own_keys(configuration: Configuration, pool: Pool) -> Json:
    """The route of callers' own keys. Without a retry policy: Envoy retries a refused connection without asking the filter."""
    return {
        "name": f"pool {pool.provider}",
        "match": match(pool.provider),
        "request_headers_to_remove": removed(configuration),
        "route": {"cluster": pool.own_keys_cluster, "timeout": "0s"},
    }


def match(value: str) -> Json:
    return {"prefix": "/", "headers": [{"name": HEADER, "string_match": {"exact": value}}]}


def buffer_limit(configuration: Configuration) -> int:
    return min(configuration.body_bytes, MOST_COPIED_BYTES)


def removed(configuration: Configuration) -> list[str]:
    """What Envoy and the filter have added. The upstream filter removes the pool's own headers: it still needs them."""
    return [configuration.cluster_header, "x-envoy-external-address", "x-forwarded-proto"]
