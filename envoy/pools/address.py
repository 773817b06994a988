"""Where a base URL leads: the host and port that Envoy connects to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from mistake import Mistake

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """Host, port and TLS of a base URL."""

    host: str           # a DNS name in lower case, or an IP address without brackets
    port: int
    tls: bool

    @property
    def is_ip(self) -> bool:
        return is_ip(self.host)

    @property
    def authority(self) -> str:
        """The `:authority` that the filter writes: without the scheme's default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"


def address_of(base_url: str, path: str) -> Address:
    """The address in a base URL. `path` says where the URL is written."""
    match = re.fullmatch(r"(https?)://([^/?#@\s\\]+)(/[^?#\s\\]*)?", base_url, re.IGNORECASE)
    if match is None:
        # A text that may hold a password is not repeated.
        found = "something else" if re.search("[@?#]", base_url) else f'"{base_url}"'
        raise Mistake(path, f"expected an absolute http or https URL of a host and an optional path, found {found}")
    scheme = match[1].lower()
    parts = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d*))?", match[2])
    port = int(parts[2] or PORTS[scheme]) if parts else 0
    if parts is None or not 0 < port < 65536:
        raise Mistake(path, f'"{match[2]}" is no host with an optional port from 1 to 65535')
    host = parts[1].strip("[]").lower()
    if parts[1].startswith("[") and not is_ip(host):
        raise Mistake(path, f'"{parts[1]}" is no IPv6 address')
    return Address(host, port, scheme == "https")


def is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
