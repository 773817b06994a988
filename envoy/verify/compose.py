"""Checks a Compose file, and the Envoy configurations that its services mount."""

from __future__ import annotations

import re
from pathlib import Path

import secret
from bootstrap import bootstrap
from exposure import is_loopback
from limits import beside
from options import Options
from place import Findings, Place, place_of
from reading import Unusable, read

ADMIN = "9901"


def compose(findings: Findings, root: Place, options: Options) -> None:
    """Checks the services, and every Envoy configuration with the filter that is mounted from here."""
    judged: set[Path] = set()
    for name, service in root["services"].each():
        for port in service["ports"]:
            admin_port(findings, port)
        for variable, place in variables(service["environment"]):
            if secret.KEY.search(place.text()) and not secret.EXAMPLE.search(place.text()) and "${" not in place.text():
                findings.warn(place, f"the secret of {variable} is typed into the file: write `${{{variable}}}`, and keep it in `.env` or a secret")
        for volume in service["volumes"]:
            file = mounted(volume)
            if file is not None and file not in judged and with_the_filter(file):
                judged.add(file)
                follow(findings, file, options)
    if not judged:
        findings.leave_out(f"the configuration that {root.file} mounts: none with the filter is on this machine; give it as well")


def admin_port(findings: Findings, port: Place) -> None:
    """Warns of Envoy's admin port on every address of the machine."""
    text = str(port.value) if isinstance(port.value, (str, int)) else ""
    found = re.fullmatch(r"(?:(\[[^\]]+\]|\d+(?:\.\d+){3}|localhost):)?(?:[^:]*:)?(\d+)(?:/tcp)?", text)
    address, inside = (found.group(1), found.group(2)) if found else (port["host_ip"].text() or None, str(port["target"].value))
    if inside == ADMIN and not (address and is_loopback(address)):
        findings.warn(port, f"Envoy's admin port is published on {address or 'every address'}; it can stop Envoy and shows its configuration: write 127.0.0.1 in front, or leave it out")


def variables(environment: Place) -> list[tuple[str, Place]]:
    found = list(environment.each())
    for each in environment:
        name, _, value = each.text().partition("=")
        found.append((name, Place(value, each.path, each.file, each.line)))
    return found


def mounted(volume: Place) -> Path | None:
    source = volume["source"].text() if isinstance(volume.value, dict) else volume.text().split(":")[0]
    if not source.startswith((".", "/")):
        return None
    file = Path(volume.file).parent / source
    return file if file.suffix in (".yaml", ".yml", ".json") and file.is_file() else None


def with_the_filter(file: Path) -> bool:
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError):
        return False
    return "static_resources" in text and ("ai_bridge" in text or "ai-bridge" in text)


def follow(findings: Findings, file: Path, options: Options) -> None:
    try:
        for document in read(file):
            if place_of(document).at("static_resources", "listeners"):
                bootstrap(findings, document, beside(file, findings), options)
    except Unusable as problem:
        findings.leave_out(f"{file}: {problem}")
