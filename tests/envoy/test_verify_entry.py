"""`make verify` reports the filter's own entry and the settings around it."""

from __future__ import annotations

import json
import re
from typing import Any

from render import wasm_of
from verifying import Change, Found, changed, drop, each_is_reported, manager_of, none_is_reported, plugin, set_at


def struct(config: Any) -> None:
    given = wasm_of(config)["configuration"]
    given["@type"] = "type.googleapis.com/google.protobuf.Struct"
    given["value"] = json.loads(given["value"])


def other_spelling(value: Any) -> Any:
    """Rewrites all names in camel case (`rootId`), which Envoy accepts too."""
    if isinstance(value, dict):
        names = {name: name if "." in name else re.sub(r"_([a-z])", lambda match: match.group(1).upper(), name) for name in value}
        return {names[name]: other_spelling(member) for name, member in value.items()}
    return [other_spelling(each) for each in value] if isinstance(value, list) else value


# name: (what is changed, [(level, the path ends with, the message contains)])
MISTAKES: dict[str, tuple[Change, Found]] = {
    "a key that the filter cannot read": (
        lambda config: wasm_of(config)["vm_config"]["environment_variables"]["host_env_keys"].remove("OPENAI_API_KEY"), [("error", ".environment_variables.host_env_keys", "OPENAI_API_KEY is not in it, but providers[1].key.env names it")],
    ),
    "no stats_tags": (lambda config: config.pop("stats_config"), [("warning", "stats_config.stats_tags", "none for provider, api, model, outcome, type, reason, status_class, of, member, from, to")]),
    "one of the stats_tags is missing": (
        lambda config: config["stats_config"].update(stats_tags=[each for each in config["stats_config"]["stats_tags"] if each["tag_name"] != "model"]), [("warning", "stats_config.stats_tags", "none for model:")],
    ),
    "a Struct": (struct, [("error", ".configuration.@type", "StringValue")]),
    "no JSON": (lambda config: wasm_of(config)["configuration"].update(value='{"providers": [}'), [("error", ".configuration.value", "not one JSON object")]),
    "another root_id": (lambda config: wasm_of(config).update(root_id="bridge"), [("warning", ".config.root_id", 'expected "ai_bridge", found "bridge"')]),
    "no WebSocket": (drop("upgrade_configs"), [("warning", ".upgrade_configs", "426")]),
    "paths that are tidied up": (set_at(manager_of, "normalize_path", True), [("warning", ".normalize_path", "leave this false")]),
    "slashes that are unescaped": (set_at(manager_of, "path_with_escaped_slashes_action", "UNESCAPE_AND_REDIRECT"), [("warning", ".path_with_escaped_slashes_action", "KEEP_UNCHANGED")]),
    "requests that pass a stopped filter": (lambda config: wasm_of(config).update(failure_policy="FAIL_OPEN"), [("error", ".failure_policy", "FAIL_OPEN lets requests past")]),
    "a filter that stays stopped": (lambda config: wasm_of(config).pop("failure_policy"), [("warning", ".failure_policy", "every request fails from then on")]),
}

# Configurations that look wrong but are right.
FINE: dict[str, Change] = {
    "a provider that is switched off": plugin(lambda given: given["providers"].append({"type": "openai", "name": "off", "enabled": False, "key": {"env": "OTHER"}})),
    "keys in key_values": lambda config: wasm_of(config)["vm_config"].update(environment_variables={"key_values": {"ANTHROPIC_API_KEY": "x", "OPENAI_API_KEY": "y"}}),
    "metrics off": lambda config: (plugin(lambda given: given.update(metrics=False))(config), config.pop("stats_config")),
    "names in the other spelling": lambda config: other_spelling(config),
}


test_each_mistake_is_reported_with_its_place_and_nothing_else = each_is_reported(MISTAKES)
test_what_is_no_mistake_is_not_reported = none_is_reported(FINE)
