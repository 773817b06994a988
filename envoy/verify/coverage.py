"""Finds paths of the providers on which jwt_authn asks for no token."""

from __future__ import annotations

from find import Gateway, has_central_key, name_of
from paths import first, paths
from place import Findings, Place


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
    unknown: list[str] = []
    for provider, path in paths(gateway):
        if not requires and not has_central_key(provider.value):
            continue
        states = [asks(each["typed_config"], path) for each in filters]
        if all(state == "open" for state in states):
            open_paths.setdefault(name_of(provider.value), path)
        elif "asks" not in states and "unknown" in states:
            unknown.append(path)
    if unknown:
        findings.leave_out(f"whether jwt_authn asks for a token on {', '.join(unknown)}: its rule looks at more than the path, or has an expression that is not judged here")
    if not open_paths:
        return
    which = ", ".join(open_paths.values())
    then = "names no caller, so that AI Bridge answers 401" if requires else "uses your keys, whoever sends it"
    findings.error(filters[0]["typed_config"].at_name("rules"), f"no rule asks for a token on {which}: such a request passes and {then}. Add a rule that does, best `{{ match: {{ prefix: / }}, requires: … }}`")


def asks(typed: Place, path: str) -> str:
    """What the first rule that takes a path does: asks for a token, is open, or is not known."""
    rule, may = first(typed["rules"], path)
    if may:
        return "unknown"
    return "asks" if rule is not None and (rule["requires"] or rule["requirement_name"]) else "open"
