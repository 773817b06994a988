"""Checks the file of the module."""

from __future__ import annotations

import os
from pathlib import Path

from find import Gateway
from options import Options
from place import Findings, Place

# Where the documents put it. A machine without this directory is not the gateway, so that nothing follows from its absence.
DOCUMENTED = "/etc/envoy/ai_bridge.wasm"
DOCUMENTED_LIBRARY = "/etc/envoy/libai_bridge.so"
CORE = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"


def module(findings: Findings, gateway: Gateway, options: Options) -> None:
    """Checks that the module is there and is one."""
    if gateway.native():
        library(findings, gateway.config["dynamic_module_config"], options)
        return
    code = gateway.config.at("vm_config", "code")
    file = code.at("local", "filename")
    if code.at("remote", "http_uri"):
        if not code.at("remote", "sha256").text():
            findings.error(code["remote"], "a module from elsewhere needs `sha256`, else anyone in between chooses what gets your keys")
        findings.leave_out(f"the module: Envoy fetches it from elsewhere ({code.path}.remote)")
        return
    if code.at("local", "inline_bytes") or code.at("local", "inline_string"):
        return
    if not file.text():
        findings.error(code, f"no module: add `local: {{ filename: {DOCUMENTED} }}`")
        return
    file_of_module(findings, file, file.text(), options.wasm)


def library(findings: Findings, modules: Place, options: Options) -> None:
    """Checks the file of a dynamic module."""
    file = modules.at("module", "local", "filename")
    if file.text():
        file_of_module(findings, file, file.text(), options.library, native=True)
    elif modules.at("module", "remote"):
        if not modules.at("module", "remote", "sha256").text():
            findings.error(modules.at("module", "remote"), "a module from elsewhere needs `sha256`, else anyone in between chooses what runs inside of Envoy")
        findings.leave_out(f"the module: Envoy fetches it from elsewhere ({modules.path}.module.remote)")
    elif modules["name"].text():
        folder = os.environ.get("ENVOY_DYNAMIC_MODULES_SEARCH_PATH")
        name = f"lib{modules['name'].text()}.so"
        if folder:
            file_of_module(findings, modules["name"], str(Path(folder) / name), options.library, native=True)
        elif options.library is None:
            findings.skipped.append(f"whether Envoy finds {name}: the folder is in ENVOY_DYNAMIC_MODULES_SEARCH_PATH of the gateway (or name the file: --native)")
    else:
        findings.error(modules, f"no module: add `module: {{ local: {{ filename: {DOCUMENTED_LIBRARY} }} }}`")


def file_of_module(findings: Findings, place: Place, name: str, given: Path | None, native: bool = False) -> None:
    """Checks the file that a path names. `given`: the file that will be in its place on the gateway."""
    path = Path(name)
    documented, option = (DOCUMENTED_LIBRARY, "--native") if native else (DOCUMENTED, "--wasm")
    # On another machine than the gateway nothing follows from its absence.
    if not path.exists() and (given is not None or (name == documented and Path(place.file).absolute().parent != path.parent)):
        path = given or Path()
        if given is None:
            return
    wrong = what_is_wrong(path, native)
    if wrong is None:
        return
    build = "`make native` makes it, target/release/libai_bridge.so" if native else "`make build` makes the module, target/wasm32-wasip1/release/ai_bridge.wasm"
    fix = f"correct the path, or name the file that will be there (`{option} FILE`)" if wrong == "is not there" else build
    findings.error(place, f"{path} {wrong}: {fix}")


def what_is_wrong(path: Path, native: bool) -> str | None:
    """What is wrong with a module's file; `None` if it begins like one for this host."""
    try:
        with path.open("rb") as opened:
            begins = opened.read(18)
    except (FileNotFoundError, NotADirectoryError):
        return "is not there"
    except OSError as problem:
        return f"cannot be read ({problem.strerror})"
    if native:
        if begins.startswith(b"\x7fELF") and begins[16:17] == b"\x03":     # ELF's type of a shared object
            return None
        return "is a wasm module, where Envoy expects a shared library" if begins.startswith(CORE) else "is no shared library"
    if begins.startswith(CORE):
        return None
    if begins.startswith(b"\x7fELF"):
        return "is no wasm module, but a program or a shared library"
    return "is a component, not a module" if begins.startswith(COMPONENT) else "is no wasm module"
