"""What the module takes from Envoy's interface and gives to it: arities by Envoy's abi.h, names by its binary."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from gateway import ENVOY
from render import NATIVE, REPOSITORY

pytestmark = pytest.mark.native

SOURCES = REPOSITORY / "src" / "host" / "native"
# Names with the number of arguments, by abi.h of Envoy 1.39 and 1.40, which agree on all of these.
INTERFACE = json.loads((Path(__file__).parent / "native_interface.json").read_text())


def symbols(file: Path) -> tuple[set[str], set[str]]:
    """The names that an ELF file exports, and those that it needs from elsewhere."""
    data = file.read_bytes()
    assert data[:6] == b"\x7fELF\x02\x01", "64 bits, little endian"
    (start,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, start + at * size) for at in range(count)]
    exported, needed = set(), set()
    for _, kind, _, _, offset, length, link, _, _, entry in sections:
        if kind != 11:      # SHT_DYNSYM
            continue
        names = sections[link][4]
        for at in range(offset, offset + length, entry):
            name, _, _, section = struct.unpack_from("<IBBH", data, at)
            text = data[names + name:data.index(b"\0", names + name)].decode()
            (exported if section else needed).add(text)
    return exported, needed


def functions(source: str, kind: str) -> dict[str, int]:
    """The functions of a Rust source with the number of arguments of each."""
    found = re.findall(rf"\bfn (envoy_dynamic_module_{kind}_\w+)\(([^)]*)\)", (SOURCES / source).read_text())
    return {name: len(re.findall(r"\w:(?!:)", arguments)) for name, arguments in found}


def unused_hooks() -> dict[str, int]:
    """The hooks of which only the types are written."""
    found = re.findall(r"^ +(envoy_dynamic_module_on_\w+)\(([^)]*)\);", (SOURCES / "hooks.rs").read_text(), re.MULTILINE)
    return {name: arguments.count(",") + 1 for name, arguments in found}


def test_every_declared_callback_has_the_arguments_of_envoys_interface():
    found = functions("abi.rs", "callback")
    assert found and found == {name: INTERFACE["callbacks"].get(name) for name in found}


def test_every_hook_has_the_arguments_of_envoys_interface():
    assert functions("hooks.rs", "on") | unused_hooks() == INTERFACE["hooks"]


def test_envoy_exports_every_callback_that_the_module_needs():
    exported, _ = symbols(ENVOY.resolve())
    _, needed = symbols(NATIVE)
    needed = {name for name in needed if name.startswith("envoy_")}
    assert needed and needed <= set(INTERFACE["callbacks"])
    assert needed - exported == set()


def test_the_module_exports_its_hooks_and_nothing_else():
    exported, _ = symbols(NATIVE)
    assert exported == set(INTERFACE["hooks"])
