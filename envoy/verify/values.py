"""Checks single values, `wasm.ai_bridge_…`, in formats, tags, rate limits and expressions."""

from __future__ import annotations

import difflib
import re
from typing import Iterable

from filter_entry import configuration_of
from find import Gateway
from place import Findings, Place

# envoy/records/README.md#single-values: the single values, by when they are set.
AT_START = ("id", "provider", "api", "actor", "session", "requested_model")
AT_END = ("model", "outcome", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "total_tokens", "cost_microusd")
RECORD = "record"


def values(findings: Findings, gateway: Gateway) -> None:
    """Checks every `wasm.ai_bridge_…` in formats, tags, rate limits and expressions."""
    own = configuration_of(gateway.config).path
    if not named(findings, [text for text in gateway.root.texts() if not text.path.startswith(own)], gateway.settings):
        findings.warn(gateway.manager.at_name("access_log"), "no access logger writes wasm.ai_bridge_record: the records go nowhere")


def named(findings: Findings, texts: Iterable[Place], settings: Place) -> bool:
    """Checks the values in these texts; returns whether the record is among them."""
    known = [*AT_START, *AT_END, *(f"actor_{key}" for key in settings.at("actor", "metadata_headers").members()), RECORD]
    publish = settings["publish"].value
    recorded = False
    unset: dict[str, Place] = {}
    keys: dict[str, list[Place]] = {}       # values of keys that `actor` does not have
    for text in texts:
        if "ai_bridge_" not in text.value:
            continue
        for match in re.finditer(r"FILTER_STATE\((wasm\.)?ai_bridge_[A-Za-z0-9_-]+(:\w+)?", text.value):
            if not match.group(1):
                findings.error(text, f"{match.group(0)}…: the name begins with `wasm.`, else it prints nothing")
            if match.group(2) != ":PLAIN":
                findings.error(text, f"{match.group(0)}…: add `:PLAIN`, else Envoy prints the bytes in base64, which is no number")
        for name in re.findall(r"\bwasm\.ai_bridge_([A-Za-z0-9_-]+)", text.value):
            recorded |= name == RECORD
            if name not in known and name.startswith("actor_"):
                keys.setdefault(name, []).append(text)
            elif name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"; did you mean wasm.ai_bridge_{near[0]}?" if near else ""
                findings.error(text, f"there is no value wasm.ai_bridge_{name}{hint}")
            elif isinstance(publish, list) and name != RECORD and name not in publish:
                unset.setdefault(name, text)
    for name, places in keys.items():
        lines = sorted({place.line for place in places})
        more = f" (also in line {', '.join(map(str, lines[1:6]))})" if len(lines) > 1 else ""
        findings.error(places[0], f"there is no value wasm.ai_bridge_{name}{more}; its key is not in actor.metadata_headers")
    for name, text in unset.items():
        findings.error(text, f"wasm.ai_bridge_{name} is never set: `publish` leaves {name} out. Add it there, or leave this out")
    return recorded
