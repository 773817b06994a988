"""What is checked alike on Istio and Envoy Gateway: the digest of a module from a registry, and the route of a provider's cluster."""

from __future__ import annotations

import re
from typing import TypeVar

from find import Target, name_of
from place import Findings, Place

PLACEHOLDER = re.compile(r"(?:sha256:)?0{64}")
Matched = TypeVar("Matched")


def digest(findings: Findings, source: Place, given: Place, pinned: bool) -> None:
    """Checks the digest of a module from elsewhere. `pinned`: whether it has to have one."""
    if PLACEHOLDER.fullmatch(given.text()):
        findings.warn(given, "the digest is the sample's: put the one here that `make publish` prints")
    elif pinned and not given.text():
        findings.error(source, "a module from elsewhere needs `sha256`, else anyone in between chooses what gets your keys")


def first_route(findings: Findings, matching: list[Matched], kind: str, where: Place, header: str, target: Target, provider: Place) -> list[Matched]:
    """The first of the routes that match a provider's cluster, in a list; empty, with an error, if there is none."""
    if not matching:
        findings.error(where, f'no {kind} matches {header}: {target.cluster}, the {target.member} of the provider "{name_of(provider.value)}": its requests would be 404')
    return matching[:1]


def removes_header(findings: Findings, place: Place, removed: list[Place], header: str) -> None:
    """Checks that a route removes the header that names the cluster."""
    if header not in [each.text().lower() for each in removed]:
        findings.error(place, f"{header} is not removed: the provider would see the name of your cluster")
