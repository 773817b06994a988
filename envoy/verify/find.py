"""Finds the filter in a configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import yaml

from place import Findings, Json, Place


@dataclass
class Gateway:
    """One HTTP connection manager that has the filter."""

    root: Place
    manager: Place
    filters: list[Place]
    at: int                     # the index of the filter in `filters`
    config: Place               # its PluginConfig
    plugin: dict[str, Json]     # the filter's configuration; empty if it is unreadable
    source: str = ""            # the text of the file that holds it

    def providers(self) -> list[dict[str, Json]]:
        """The enabled providers."""
        given = self.plugin.get("providers")
        return [each for each in given if isinstance(each, dict) and each.get("enabled") is not False] if isinstance(given, list) else []

    def cluster_header(self) -> str:
        return str(self.plugin.get("cluster_header") or "x-ai-bridge-cluster").lower()


def name_of(provider: dict[str, Json]) -> str:
    return str(provider.get("name") or provider.get("type"))


def find(findings: Findings, root: Place, text: str) -> list[Gateway]:
    """Every connection manager that has the filter; `text` is the file's."""
    found = []
    for manager in connection_managers(root):
        sources = [resolved(findings, each, text) for each in manager["http_filters"]]
        filters = [each for each, _ in sources]
        for at, (each, source) in enumerate(sources):
            typed = each["typed_config"]
            if typed.type().endswith("http.wasm.v3.Wasm") and is_ours(typed["config"]):
                found.append(Gateway(root, manager, filters, at, typed["config"], plugin_of(findings, typed["config"]), source))
    return found


def resolved(findings: Findings, http_filter: Place, text: str) -> tuple[Place, str]:
    """A filter, and the text of the file that configures it: its own file (ECDS) if that can be read here, else `text`."""
    discovery = http_filter["config_discovery"]
    if not discovery:
        return http_filter, text
    file = discovery.at("config_source", "path_config_source", "path").value
    try:
        own = Path(str(file)).read_text()
        resources = yaml.safe_load(own)["resources"]
        typed = next(each["typed_config"] for each in resources if each["name"] == http_filter["name"].value)
    except (OSError, ValueError, KeyError, TypeError, StopIteration, yaml.YAMLError):
        findings.leave_out(f"the filter {http_filter['name'].value!r}: Envoy reads it from {file or 'a server'}, which cannot be read here")
        return http_filter, text
    return Place({"name": http_filter["name"].value, "typed_config": typed}, f"{file}: {http_filter['name'].value}"), own


def plugin_of(findings: Findings, config: Place) -> dict[str, Json]:
    """The filter's configuration; empty if it is unreadable."""
    given = config["configuration"]
    value = given["value"].value
    if given.type().endswith("google.protobuf.Struct"):
        findings.error(given["@type"], "the filter takes one JSON text: use type.googleapis.com/google.protobuf.StringValue; Envoy does not hand a Struct over as JSON")
        return value if isinstance(value, dict) else {}
    try:
        plugin = json.loads(value)
    except (TypeError, ValueError) as problem:
        findings.error(given["value"], f"not one JSON object: {problem}")
        return {}
    return plugin if isinstance(plugin, dict) else {}


def connection_managers(root: Place) -> Iterator[Place]:
    """Every HTTP connection manager of the listeners."""
    for listener in root.at("static_resources", "listeners"):
        chains = [*listener["filter_chains"], listener["default_filter_chain"]]
        for network_filter in (each for chain in chains for each in chain["filters"]):
            if network_filter["typed_config"].type().endswith("HttpConnectionManager"):
                yield network_filter["typed_config"]


def is_ours(config: Place) -> bool:
    """Whether a Wasm plugin is this filter."""
    words = [config["root_id"], config["name"], config.at("vm_config", "code", "local", "filename")]
    if any("ai_bridge" in str(word.value) or "ai-bridge" in str(word.value) for word in words):
        return True
    value = config.at("configuration", "value").value
    return '"providers"' in value if isinstance(value, str) else isinstance(value, dict) and "providers" in value
