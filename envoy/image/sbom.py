"""Lists what the filter is made of, as a CycloneDX 1.6 document (https://cyclonedx.org): every crate in the module, with its
version, licence and checksum.

    cargo metadata --locked --format-version 1 --filter-platform wasm32-wasip1 | python sbom.py --wasm ai_bridge.wasm --lock Cargo.lock

Needs the package `cyclonedx-python-lib`. The same sources and the same module give the same document.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

Json = Any

FILTER = "ai-bridge"


def shipped(metadata: Json) -> tuple[list[Json], dict[str, list[str]]]:
    """The packages that end up in the module, and who needs whom: no build scripts, macros or tests."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    [root] = [name for name, package in packages.items() if package["name"] == FILTER and package["source"] is None]
    needs: dict[str, list[str]] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name in needs:
            continue
        # `kind` is null for what is linked; "build" and "dev" are not.
        linked = [each["pkg"] for each in nodes[name]["deps"] if any(kind["kind"] is None for kind in each["dep_kinds"])]
        needs[name] = [each for each in linked if not is_macro(packages[each])]
        waiting += needs[name]
    return [packages[name] for name in needs], needs


def is_macro(package: Json) -> bool:
    """Runs in the compiler, and is in no module."""
    return any("proc-macro" in target["kind"] for target in package["targets"])


def checksums(lock: str) -> dict[tuple[str, str], str]:
    """What Cargo.lock says each crate's archive hashes to."""
    found = re.findall(r'^name = "([^"]+)"\nversion = "([^"]+)"\n(?:source = .*\n)?checksum = "([0-9a-f]{64})"', lock, re.MULTILINE)
    return {(name, version): checksum for name, version, checksum in found}


def component(package: Json, hashes: dict[tuple[str, str], str]) -> Component:
    """One crate."""
    checksum = hashes.get((package["name"], package["version"]))
    references = [ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(package["repository"]))] if package["repository"] else []
    return Component(
        type=ComponentType.LIBRARY,
        name=package["name"],
        version=package["version"],
        bom_ref=f"{package['name']}@{package['version']}",
        purl=PackageURL("cargo", None, package["name"], package["version"]),
        # Cargo still allows "MIT/Apache-2.0", which SPDX does not.
        licenses=[LicenseExpression(package["license"].replace("/", " OR "))] if package["license"] else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        external_references=references,
    )


def bill(metadata: Json, lock: str, module: bytes) -> Bom:
    """The whole document."""
    packages, needs = shipped(metadata)
    hashes = checksums(lock)
    digest = hashlib.sha256(module).hexdigest()
    components = {package["id"]: component(package, hashes) for package in packages}
    [root] = [package for package in packages if package["name"] == FILTER and package["source"] is None]
    filter_itself = components[root["id"]]
    filter_itself.type = ComponentType.APPLICATION
    filter_itself.hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)]
    bom = Bom(components=[each for name, each in components.items() if name != root["id"]])
    bom.metadata.component = filter_itself
    # The library would take the time and a random number.
    bom.metadata.timestamp = None
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_OID, digest)
    for name, each in components.items():
        bom.register_dependency(each, [components[needed] for needed in needs[name]])
    return bom


def main() -> int:
    parser = argparse.ArgumentParser(description="Lists what the filter is made of, as CycloneDX. Reads `cargo metadata` from standard input.")
    parser.add_argument("--wasm", type=Path, required=True)
    parser.add_argument("--lock", type=Path, required=True)
    arguments = parser.parse_args()
    document = bill(json.load(sys.stdin), arguments.lock.read_text(), arguments.wasm.read_bytes())
    print(JsonV1Dot6(document).output_as_string(indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
