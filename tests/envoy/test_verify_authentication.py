"""`make verify` reports authentication that stands wrong or names nobody."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from render import REPOSITORY, cluster_of, wasm_of
from verifying import LINE, Change, Found, ai_route, all_of, budget, changed, drop, expect, filter_of, judged, limits_of, manager_of, plugin, routes_of, set_at, text

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


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_reported_with_its_place_and_nothing_else(tmp_path, name):
    change, expected = MISTAKES[name]
    expect(judged(changed(change), tmp_path), expected)
