"""The filter's entry in a configuration of Envoy: that of a Wasm filter or of a dynamic module. Both hold the same configuration."""

from __future__ import annotations

import re

from place import Place

WASM = "http.wasm.v3.Wasm"
NATIVE = "http.dynamic_modules.v3.DynamicModuleFilter"


def entry_of(typed: Place) -> Place | None:
    """This filter's entry in the `typed_config` of an HTTP filter: the `config` of a Wasm filter, or all of it; `None` if it is another filter."""
    entry = any_entry_of(typed)
    return entry if entry is not None and is_ours(entry) else None


def any_entry_of(typed: Place) -> Place | None:
    """The same, of any Wasm filter or dynamic module."""
    if typed.type().endswith(WASM):
        return typed["config"]
    return typed if is_native(typed) else None


def is_native(entry: Place) -> bool:
    """Whether an entry is a dynamic module's."""
    return entry.type().endswith(NATIVE)


def configuration_of(entry: Place) -> Place:
    """The filter's configuration in an entry, with its type."""
    return entry["filter_config" if is_native(entry) else "configuration"]


def is_ours(entry: Place) -> bool:
    """Whether an entry loads this filter."""
    module = entry["dynamic_module_config"]
    words = [entry["root_id"], entry["name"], entry.at("vm_config", "code", "local", "filename"), entry["filter_name"], module["name"], module.at("module", "local", "filename")]
    if any(re.search("ai[_-]?bridge", str(word.value)) for word in words):
        return True
    value = configuration_of(entry)["value"].value
    return '"providers"' in value if isinstance(value, str) else isinstance(value, dict) and "providers" in value
