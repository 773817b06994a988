"""What is checked alike on Istio and Envoy Gateway: the digest of a module from a registry, the route of a provider's cluster, and whose certificate it asks for."""

from __future__ import annotations

import re
from typing import TypeVar

from find import Target, name_of
from place import Findings, Place
from tls import names_none

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


def another_host(findings: Findings, asked: Place, accepted: Place, names: list[str], host: str) -> bool:
    """Reports TLS settings that are for another host than the provider's. `asked`: the name that it asks for (SNI); `accepted`: where `names` of the certificate are. Returns whether it has reported one."""
    if asked.text() and names_none([asked.text()], host):
        findings.error(asked, f"the provider's base URL has the host {host}: its requests, keys included, would go to the holder of another certificate")
        return True
    if names_none(names, host):
        findings.error(accepted, f"the provider's base URL has the host {host}, which is not among these names: either each request fails, or the key goes to another host")
        return True
    return False
