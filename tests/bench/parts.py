"""Splits an Envoy's CPU time with `perf`: the filter, Envoy, the kernel, libraries."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import measures
from gateways import TITLES, Envoy
from scenarios import Scenario

SECONDS = 4.0
HERTZ = 2999
WASM, ENVOY, KERNEL, LIBRARIES = "compiled wasm", "Envoy and V8", "kernel", "libraries"
PARTS = (WASM, ENVOY, KERNEL, LIBRARIES)


def print_all(machine: measures.Machine, scenario: Scenario, envoys: list[Envoy], directory: Path) -> None:
    """Prints a line for each Envoy: microseconds per request in each part."""
    print(f"\n{scenario.name}: {scenario.title}, CPU us/request by perf\n{'':<37}{'all':>8}" + "".join(f"{part:>15}" for part in PARTS))
    for envoy in envoys:
        measures.load(machine, envoy, scenario, seconds=measures.WARM_UP_SECONDS).wait()
        used, shares = _measured(machine, envoy, scenario, directory / "perf.data")
        print(f"{TITLES[envoy.name]:<37}{used:>8.0f}" + "".join(f"{used * shares.get(part, 0):>15.1f}" for part in PARTS), flush=True)


def _measured(machine: measures.Machine, envoy: Envoy, scenario: Scenario, data: Path) -> tuple[float, dict[str, float]]:
    command = ["perf", "record", "--quiet", "--output", str(data), "--freq", str(HERTZ), "--pid", str(envoy.pid)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as perf:
        try:
            sample: dict[str, Any] = measures.flood(machine, envoy, scenario, SECONDS)
        finally:
            perf.terminate()        # perf writes its data on SIGTERM
    report = ["perf", "report", "--quiet", "--input", str(data), "--stdio", "--sort", "dso"]
    said = subprocess.run(report, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    shares: dict[str, float] = {}
    for share, place in re.findall(r"^\s*([\d.]+)%\s+(\S.*?)\s*$", said, re.MULTILINE):
        part = _part(place)
        shares[part] = shares.get(part, 0) + float(share) / 100
    if not shares:
        sys.exit(f"perf saw nothing of Envoy:\n{said}")
    return sample["cpu_us"], shares


def _part(place: str) -> str:
    """The part to which perf's DSO `place` belongs."""
    if "kernel" in place:
        return KERNEL
    if place.startswith(("[JIT]", "//anon", "[anon", "anon", "memfd", "perf-")):
        return WASM
    return ENVOY if Path(place).name.startswith("envoy") else LIBRARIES
