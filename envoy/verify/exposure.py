"""Checks who can reach the gateway and its admin port."""

from __future__ import annotations

import ipaddress

from authentication import AUTHENTICATES, PROGRAMS, checks_nobody, guards, kind_of, lets_missing_pass
from find import Gateway, has_central_key
from place import Findings, Place


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        ip = ipaddress.ip_address(address.strip("[]"))
        return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
    except ValueError:
        return address == "localhost"


def addresses(listener: Place) -> list[Place]:
    """Where a listener listens, but for pipes and internal addresses."""
    return [each for place in (listener["address"], *(extra["address"] for extra in listener["additional_addresses"])) if (each := place["socket_address"])]


def exposed(findings: Findings, gateway: Gateway) -> None:
    """Warns of a key that everyone who reaches the listener may use."""
    if not any(has_central_key(each) for each in gateway.providers()):
        return
    opened = [each["address"] for each in addresses(gateway.listener) if each["address"].text() and not is_loopback(each["address"].text())]
    guarding = guards(gateway)
    if guarding:
        if opened and all(kind_of(each) in PROGRAMS for each in guarding):
            findings.leave_out(f"whether {guarding[0]['name'].text() or kind_of(guarding[0])} authenticates callers: only its program says so, and if it does not, everyone uses your keys")
        return
    actor = gateway.settings["actor"]
    optional = [each for each in gateway.filters[: gateway.at] if lets_missing_pass(each) and not checks_nobody(each)]
    if any(kind_of(each) in AUTHENTICATES for each in gateway.filters if each not in optional) or (actor["required"].value is True and (actor["header"] or actor["property"])):
        return                  # reported as what it is: authentication that checks nobody, or an actor whom nobody names
    why = "no authentication stands in front of the filter: listen on 127.0.0.1, or add authentication (budgets/envoy.yaml has jwt_authn)"
    if optional:
        why = "jwt_authn in front of the filter lets requests without a token pass (allow_missing): listen on 127.0.0.1, or require a token"
    for address in opened:
        findings.warn(address, f"anyone who reaches {address.text()} uses your keys, because {why}")


def admin(findings: Findings, root: Place) -> None:
    """Warns of an admin port that other machines reach."""
    address = root.at("admin", "address", "socket_address", "address")
    if address.text() and not is_loopback(address.text()):
        findings.warn(address, f"the admin port at {address.text()} can stop Envoy and shows its configuration to anyone who reaches it: use 127.0.0.1")
