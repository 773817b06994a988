"""Checks the configuration of the rate limit service, and that it serves what Envoy asks."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from place import Findings, Place, place_of
from reading import Unusable, read

MEMBERS = ("key", "value", "rate_limit", "descriptors", "shadow_mode", "detailed_metric", "quota_mode", "value_to_metric", "share_threshold", "metadata")
OF_A_LIMIT = ("unit", "requests_per_unit", "unlimited", "name", "replaces")
UNITS = ("second", "minute", "hour", "day", "week", "month", "year")
MOST = (1 << 32) - 1


@dataclass(frozen=True)
class Served:
    """The budgets of one domain."""

    domain: str
    root: Place


def limits(findings: Findings, root: Place) -> Served:
    """Checks a file of limits."""
    domain = root["domain"]
    if not domain.text():
        findings.error(domain, "without `domain` the rate limit service refuses the file")
    for name in root.members():
        if name not in ("domain", "descriptors"):
            findings.error(root.at_name(name), unknown(name, ("domain", "descriptors")))
    for each in root["descriptors"]:
        descriptor(findings, each)
    return Served(domain.text(), root)


def unknown(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return "there is no such member, so the rate limit service refuses the file" + (f"; did you mean {near[0]}?" if near else "")


def descriptor(findings: Findings, given: Place) -> None:
    for name in given.members():
        if name not in MEMBERS:
            findings.error(given.at_name(name), unknown(name, MEMBERS))
    if not given["key"].text():
        findings.error(given, "a descriptor without `key`: the rate limit service refuses the file")
    limit = given["rate_limit"]
    if limit:
        for name in limit.members():
            if name not in OF_A_LIMIT:
                findings.error(limit.at_name(name), unknown(name, OF_A_LIMIT))
        if limit["unlimited"].value is not True:
            unit, most = limit["unit"], limit["requests_per_unit"]
            if str(unit.value).lower() not in UNITS:
                findings.error(unit, f"not a unit, so the rate limit service refuses the file: one of {', '.join(UNITS)}")
            misspelt = any(difflib.get_close_matches(name, ["requests_per_unit"]) for name in limit.members() if name not in OF_A_LIMIT)
            if misspelt and most.value is None:
                pass                # said already
            elif not isinstance(most.value, int) or isinstance(most.value, bool) or not 0 <= most.value <= MOST:
                findings.error(most, f"not a whole number from 0 to {MOST:_}: the rate limit service refuses the file")
    for each in given["descriptors"]:
        descriptor(findings, each)


def serves(level: Place, entries: list[tuple[str, str | None]]) -> tuple[Place | None, list[str]]:
    """The descriptor that serves these entries (keys, with their values where they are fixed), and the values that are served
    where there is none for all others."""
    (key, value), *rest = entries
    same = [each for each in level["descriptors"] if each["key"].value == key]
    found, only = None, []
    for each in sorted(same, key=lambda place: place["value"].value is not None):
        has = each["value"].value
        if value is None and has is not None and not str(has).endswith("*"):
            only.append(str(has))
            continue
        if value is not None and has is not None and not (str(has) == value or (str(has).endswith("*") and value.startswith(str(has)[:-1]))):
            continue
        if rest:
            inner, below = serves(each, rest)
            only += below
            found = inner or found
        elif each["rate_limit"] or not each["descriptors"]:
            found = each
    return found, only


def beside(file: Path, findings: Findings) -> list[Served]:
    """The limits in the same directory, if they are there."""
    try:
        documents = read(file.parent / "limits.yaml")
    except Unusable:
        return []
    return [limits(findings, place_of(each)) for each in documents if place_of(each)["descriptors"]]
