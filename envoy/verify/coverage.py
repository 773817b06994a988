"""Finds paths of the providers on which jwt_authn asks for no token."""

from __future__ import annotations

import re
from typing import Iterator

from find import Gateway, has_central_key, name_of
from place import Findings, Place

# A bridged path of each provider type, below its name.
EXAMPLES = {
    "anthropic": ("/v1/messages",), "openai": ("/v1/chat/completions", "/v1/responses"), "copilot": ("/chat/completions", "/responses", "/v1/messages"),
    "azure": ("/openai/v1/responses", "/anthropic/v1/messages"), "vertex": ("/projects/p/locations/l/publishers/anthropic/models/m:rawPredict",), "gemini": ("/v1beta/models/m:generateContent",),
}
RUNTIME = ("/model/m/invoke",)


def paths(gateway: Gateway) -> Iterator[tuple[Place, str]]:
    """Paths that clients use, with the provider of each."""
    root = gateway.settings["root"].text().rstrip("/")
    for provider in gateway.enabled():
        runtime = provider.at("bedrock", "mode").value == "runtime"
        for path in RUNTIME if runtime else EXAMPLES.get(provider["type"].text(), ()):
            yield provider, f"{root}/{name_of(provider.value)}{path}"


def matches(match: Place, path: str) -> bool | None:
    """Whether Envoy's match of a route or a rule takes a path; `None` if more than the path decides."""
    taken: bool | None = None
    if match["prefix"].value is not None:
        taken = path.startswith(match["prefix"].text())
    elif match["path"].value is not None:
        taken = path == match["path"].text()
    elif match["path_separated_prefix"].value is not None:
        prefix = match["path_separated_prefix"].text()
        taken = path == prefix or path.startswith(f"{prefix}/")
    elif match["safe_regex"]:
        try:
            taken = re.fullmatch(match.at("safe_regex", "regex").text(), path) is not None
        except re.error:
            return None
    if taken and (match["headers"] or match["query_parameters"]):
        return None
    return taken


def demands(typed: Place, requirement: Place, name: str = "", depth: int = 0) -> bool:
    """Whether a requirement of jwt_authn refuses a request that has no token."""
    if name and depth < 8:
        return demands(typed, typed["requirement_map"][name], depth=depth + 1)
    if requirement["requires_any"]:
        inner = [demands(typed, each, depth=depth + 1) for each in requirement.at("requires_any", "requirements")]
        return bool(inner) and all(inner)
    if requirement["requires_all"]:
        return any(demands(typed, each, depth=depth + 1) for each in requirement.at("requires_all", "requirements"))
    return bool(requirement["provider_name"] or requirement["provider_and_audiences"])


def uncovered(findings: Findings, gateway: Gateway, filters: list[Place]) -> None:
    """Reports providers on whose paths no rule of these jwt_authn filters asks for a token."""
    requires = gateway.settings.at("actor", "required").value is True
    if any(each["typed_config"]["filter_state_rules"] for each in filters):
        return
    open_paths: dict[str, str] = {}
    for provider, path in paths(gateway):
        if not requires and not has_central_key(provider.value):
            continue
        states = [first(each["typed_config"], path) for each in filters]
        if all(state == "open" for state in states):
            open_paths.setdefault(name_of(provider.value), path)
        elif "asks" not in states and "unknown" in states:
            findings.leave_out(f"whether jwt_authn asks for a token on {path}: its rule looks at more than the path")
    if not open_paths:
        return
    which = ", ".join(open_paths.values())
    then = "names no caller, so that AI Bridge answers 401" if requires else "uses your keys, whoever sends it"
    findings.error(filters[0]["typed_config"].at_name("rules"), f"no rule asks for a token on {which}: such a request passes and {then}. Add a rule that does, best `{{ match: {{ prefix: / }}, requires: … }}`")


def first(typed: Place, path: str) -> str:
    """What the first rule that matches a path does: asks for a token, is open, or is not known."""
    for rule in typed["rules"]:
        taken = matches(rule["match"], path)
        if taken is None:
            return "unknown"
        if taken:
            asks = bool(rule["requires"] or rule["requirement_name"])
            return "asks" if asks else "open"
    return "open"
