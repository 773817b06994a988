"""Checks the file of the module."""

from __future__ import annotations

from pathlib import Path

from find import Gateway
from place import Findings, Place

# Where the documents put it. A machine without this directory is not the gateway, so that nothing follows from its absence.
DOCUMENTED = "/etc/envoy/ai_bridge.wasm"
CORE = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"


def module(findings: Findings, gateway: Gateway, given: Path | None) -> None:
    """Checks that the module is there and is one. `given`: the file that will be in its place on the gateway."""
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
    file_of_module(findings, file, file.text(), given)


def file_of_module(findings: Findings, place: Place, name: str, given: Path | None) -> None:
    """Checks the file that a path names."""
    path = Path(name)
    wrong = what_it_is(path)
    if wrong is None:
        return
    if wrong == "is not there" and (given is not None or (name == DOCUMENTED and Path(place.file).absolute().parent != path.parent)):
        return
    fix = "correct the path, or name the file that will be there (`--wasm FILE`)" if wrong == "is not there" else "`make build` makes the module, target/wasm32-wasip1/release/ai_bridge.wasm"
    findings.error(place, f"{name} {wrong}: {fix}")


def what_it_is(path: Path) -> str | None:
    """What is wrong with a module's file; `None` if it begins like a module."""
    try:
        with path.open("rb") as opened:
            begins = opened.read(8)
    except FileNotFoundError:
        return "is not there"
    except NotADirectoryError:
        return "is not there"
    except OSError as problem:
        return f"cannot be read ({problem.strerror})"
    if begins == CORE:
        return None
    return "is a component, not a module" if begins == COMPONENT else "is no wasm module"
