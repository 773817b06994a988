"""Packs the filter for a registry, as an OCI image layout (https://github.com/opencontainers/image-spec) in a directory.

    python pack.py image    --wasm ai_bridge.wasm --version 0.1.0 --out target/image
    python pack.py artifact --wasm ai_bridge.wasm --version 0.1.0 --out target/artifact
    python pack.py sbom     --document ai_bridge.cdx.json --of target/image --out target/sbom

image     one layer, a gzipped tar with `plugin.wasm`: what Istio and Envoy Gateway call "compat"; docker can pull it too
artifact  two layers, the bare module and its configuration: Istio, Envoy Gateway and Higress take it as well
sbom      a document that refers to the image

The same module and the same zlib give the same bytes, and so the same digest. Prints the manifest's digest: the `sha256` of
a WasmPlugin, TrafficExtension or EnvoyExtensionPolicy.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

Json = Any

MODULE = "plugin.wasm"        # the one name that the gateways look for
# The gateways refuse more (Istio and Envoy Gateway: 256 MiB).
MOST_BYTES = 256 * 1024 * 1024

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
WASM_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm"
WASM_CONFIG = "application/vnd.module.wasm.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
SBOM = "application/vnd.cyclonedx+json"
# Long ago, and always: a time of building would be a different digest every time.
EPOCH = "1970-01-01T00:00:00Z"


class Layout:
    """An image layout that grows in a directory; what stood there before is gone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        (directory / "blobs" / "sha256").mkdir(parents=True)

    def add(self, media_type: str, content: bytes, **more: Json) -> Json:
        """Stores a blob; returns its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        (self._directory / "blobs" / "sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content), **more}

    def finish(self, manifest: Json) -> str:
        """Writes the manifest and the index over it; returns the manifest's digest."""
        descriptor = self.add(MANIFEST, canonical(manifest))
        (self._directory / "oci-layout").write_bytes(canonical({"imageLayoutVersion": "1.0.0"}))
        (self._directory / "index.json").write_bytes(canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]}))
        return str(descriptor["digest"])


def image(layout: Layout, module: bytes, annotations: Json) -> str:
    """One layer with one file."""
    tar = tarred(module)
    layer = layout.add(LAYER, gzip.compress(tar, mtime=0))
    config = {
        # Registries and gateways resolve linux/amd64; the module itself runs anywhere.
        "architecture": "amd64",
        "os": "linux",
        "created": EPOCH,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]},
    }
    return layout.finish({"schemaVersion": 2, "mediaType": MANIFEST, "config": layout.add(CONFIG, canonical(config)), "layers": [layer], "annotations": annotations})


def artifact(layout: Layout, module: bytes, annotations: Json) -> str:
    """Exactly two layers: the gateways count them."""
    titled = lambda name: {"annotations": {"org.opencontainers.image.title": name}}  # noqa: E731
    layers = [layout.add(WASM_CONFIG, canonical({}), **titled("config.json")), layout.add(WASM_LAYER, module, **titled(MODULE))]
    config = layout.add(EMPTY, canonical({}))
    return layout.finish({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": WASM_CONFIG, "config": config, "layers": layers, "annotations": annotations})


def tarred(module: bytes) -> bytes:
    """A tar archive with only the module, owned by uid 0 and readable for every user."""
    entry = tarfile.TarInfo(MODULE)
    entry.size = len(module)
    entry.mode = 0o644        # Envoy runs as an unprivileged user
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(entry, io.BytesIO(module))
    return packed.getvalue()


def canonical(document: Json) -> bytes:
    """The same document gives the same bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def sbom(layout: Layout, document: bytes, subject: Json) -> str:
    """A document that hangs on the image it describes: registries list it among that image's referrers."""
    layer = layout.add(SBOM, document, annotations={"org.opencontainers.image.title": "ai_bridge.cdx.json"})
    config = layout.add(EMPTY, canonical({}))
    return layout.finish({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": SBOM, "config": config, "layers": [layer], "subject": subject})


def module_of(path: Path) -> bytes:
    """The filter, if it is one that the gateways would take."""
    module = path.read_bytes()
    if not module.startswith(b"\0asm"):
        raise ValueError(f"{path}: not a WebAssembly module")
    if len(module) > MOST_BYTES:
        raise ValueError(f"{path}: {len(module)} bytes, the gateways take {MOST_BYTES}")
    return module


def annotations(version: str) -> Json:
    """What registries show of it."""
    about = {
        "title": "AI Bridge for Envoy",
        "description": "A proxy-wasm HTTP filter that makes any Envoy or Istio gateway a governed front door for AI APIs",
        "licenses": "Apache-2.0",
        "version": version,
    }
    return {f"org.opencontainers.image.{name}": value for name, value in about.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Packs the filter as an OCI image layout and prints its digest.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in ("image", "artifact"):
        of_module = kinds.add_parser(kind)
        of_module.add_argument("--wasm", type=Path, required=True, help="the filter (make build)")
        of_module.add_argument("--version", required=True)
    of_document = kinds.add_parser("sbom")
    of_document.add_argument("--document", type=Path, required=True, help="what the filter is made of (sbom.py)")
    of_document.add_argument("--of", type=Path, required=True, help="the layout of the image that it describes")
    for each in kinds.choices.values():
        each.add_argument("--out", type=Path, required=True, help="a directory; replaced")
    arguments = parser.parse_args()
    try:
        if arguments.kind == "sbom":
            [subject] = json.loads((arguments.of / "index.json").read_text())["manifests"]
            digest = sbom(Layout(arguments.out), arguments.document.read_bytes(), subject)
        else:
            pack = image if arguments.kind == "image" else artifact
            module = module_of(arguments.wasm)
            digest = pack(Layout(arguments.out), module, annotations(arguments.version))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(digest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
