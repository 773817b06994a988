"""Puts what a release consists of into one folder, with checksums.

    python release.py --version 0.1.0 --wasm ai_bridge.wasm --out target/dist/ai-bridge-0.1.0 [--also libai_bridge.so]

ai_bridge.wasm          the filter
ai_bridge.image.tar     the same as an OCI image, one layer: what gateways fetch, and `docker load` or `crane push` take
ai_bridge.artifact.tar  the same as an OCI artifact, two layers
ai_bridge.cdx.json      what the filter is made of (sbom.py)
prices.json             the price list
report.pyz              the report on records as one file: python3 report.pyz records.jsonl
record.schema.json      the schema of records
CHANGELOG.md, LICENSE
SHA256SUMS              of all of these: sha256sum --check SHA256SUMS

The same sources and the same zlib give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

from pack import module_of

REPOSITORY = Path(__file__).resolve().parents[2]
RECORDS = REPOSITORY / "envoy" / "records"
FIRST_DAY = (1980, 1, 1, 0, 0, 0)           # the earliest time of an archive


def tar_of(layout: Path) -> bytes:
    """An image layout as one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for file in sorted(path for path in layout.rglob("*") if path.is_file()):
            content = file.read_bytes()
            entry = tarfile.TarInfo(file.relative_to(layout).as_posix())
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def report() -> bytes:
    """The report as a Python archive that runs by itself."""
    files = {path.relative_to(RECORDS).as_posix(): path.read_bytes() for path in [RECORDS / "lines.py", *sorted((RECORDS / "reporting").glob("*.py"))]}
    files["__main__.py"] = b"import sys\n\nfrom reporting.command import run\n\nsys.exit(run())\n"
    packed = io.BytesIO(b"")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, FIRST_DAY)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return b"#!/usr/bin/env python3\n" + packed.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description="Puts what a release consists of into one folder.")
    parser.add_argument("--version", required=True)
    parser.add_argument("--wasm", type=Path, required=True)
    parser.add_argument("--built", type=Path, required=True, help="the folder with image, artifact and ai_bridge.cdx.json")
    parser.add_argument("--also", type=Path, action="append", default=[], help="a further file")
    parser.add_argument("--out", type=Path, required=True, help="a directory; replaced")
    arguments = parser.parse_args()
    try:
        files = {
            "ai_bridge.wasm": module_of(arguments.wasm),
            "ai_bridge.image.tar": tar_of(arguments.built / "image"),
            "ai_bridge.artifact.tar": tar_of(arguments.built / "artifact"),
            "ai_bridge.cdx.json": (arguments.built / "ai_bridge.cdx.json").read_bytes(),
            "prices.json": (REPOSITORY / "envoy" / "prices" / "prices.json").read_bytes(),
            "report.pyz": report(),
            "record.schema.json": (RECORDS / "record.schema.json").read_bytes(),
            "CHANGELOG.md": (REPOSITORY / "CHANGELOG.md").read_bytes(),
            "LICENSE": (REPOSITORY / "LICENSE").read_bytes(),
            **{path.name: path.read_bytes() for path in arguments.also},
        }
        shutil.rmtree(arguments.out, ignore_errors=True)
        arguments.out.mkdir(parents=True)
        for name, content in files.items():
            (arguments.out / name).write_bytes(content)
        sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
        (arguments.out / "SHA256SUMS").write_text(sums)
    except (OSError, ValueError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"AI Bridge {arguments.version}: {arguments.out}\n{sums}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
