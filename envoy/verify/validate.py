"""Runs Envoy's own check, in which the filter checks its configuration."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from find import connection_managers, is_ours
from place import Findings, Place

ENVOY = Path(__file__).resolve().parents[2] / "target" / "tools" / "envoy"


def envoy_validates(findings: Findings, root: Place, envoy: str | None, module: Path) -> None:
    """Runs `envoy --mode validate`, in which the filter checks its configuration."""
    program = envoy or (str(ENVOY) if ENVOY.exists() else shutil.which("envoy"))
    if program is None:
        findings.leave_out("Envoy's own check, and the filter's of its configuration: no envoy here (`make tools`, or --envoy)")
        return
    config = copy.deepcopy(root.value)
    environment = dict(os.environ)
    for plugin in plugins(Place(config)):
        file = plugin.at("vm_config", "code", "local", "filename")
        if isinstance(file.value, str) and not Path(file.value).exists():
            if not module.exists():
                findings.leave_out(f"Envoy's own check, and the filter's of its configuration: neither {file.value} nor {module} is there (`make build`, or --wasm)")
                return
            plugin.at("vm_config", "code", "local").value["filename"] = str(module)      # changes only the copy
        for variable in plugin.at("vm_config", "environment_variables", "host_env_keys"):
            environment.setdefault(str(variable.value), "a-key-that-is-not-set-here")
    named = (text for text in Place(config).texts() if re.search(r"\.filename$|(path_config_source|pathConfigSource)\.path$", text.path))
    missing = sorted({text.value for text in named if not Path(text.value).exists()})
    if missing:
        findings.leave_out(f"Envoy's own check, and the filter's of its configuration: not on this machine: {', '.join(missing)}")
        return
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "envoy.json"
        file.write_text(json.dumps(config))
        done = subprocess.run([program, "--mode", "validate", "-c", str(file)], env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        findings.error(Place(None, ""), "Envoy refuses it:\n" + "\n".join(f"    {line}" for line in complaints(done.stderr + done.stdout)))


def plugins(root: Place) -> Iterator[Place]:
    """The filter's entries."""
    for http_filter in (each for manager in connection_managers(root) for each in manager["http_filters"]):
        if http_filter["typed_config"].type().endswith("http.wasm.v3.Wasm") and is_ours(http_filter.at("typed_config", "config")):
            yield http_filter.at("typed_config", "config")


def complaints(log: str) -> list[str]:
    """The errors in Envoy's log, with the lines that belong to them."""
    kept, keeps = [], False
    for line in log.splitlines():
        head = re.match(r"\[[^]]*\]\[\d+\]\[(\w+)\]\[\w+\] (?:\[[^]]*\] )?(.*)", line)
        if head:
            keeps = head.group(1) in ("error", "critical")
            line = head.group(2)
        if keeps and line.strip():
            kept.append(line.strip())
    return kept or log.strip().splitlines()[-5:]
