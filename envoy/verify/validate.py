"""Runs Envoy's own check, in which the filter checks its configuration."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

import placeholders
from filter_entry import WASM, configuration_of, entry_of, is_native
from find import Gateway, connection_managers
from options import Options
from place import Findings, Place
from tls import HTTP_OPTIONS

ENVOY = Path(__file__).resolve().parents[2] / "target" / "tools" / "envoy"
WHAT = "Envoy's own check, and the filter's of its configuration"
# The path of a member in the filter's configuration, as the filter writes it.
PROBLEM = re.compile(r"((?:[A-Za-z_][\w-]*|\[\d+\])(?:\.[A-Za-z_@*][^\s:\[\]]*|\[(?:\d+|\"[^\"]*\")\])*): (.+)")


def envoy_validates(findings: Findings, root: Place, gateways: list[Gateway], options: Options) -> None:
    """Runs `envoy --mode validate`, in which the filter checks its configuration."""
    program = options.envoy or (str(ENVOY) if ENVOY.exists() else shutil.which("envoy"))
    if program is None:
        findings.leave_out(f"{WHAT}: no envoy here (`make tools`, or --envoy)")
        return
    if any(problem.level == "error" for problem in findings.problems) and any(not gateway.plugin for gateway in gateways):
        findings.leave_out(f"{WHAT}: its configuration cannot be read")
        return
    config = json.loads(json.dumps(root.value))         # no two parts of it are the same object
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory() as directory:
        for plugin in plugins(Place(config)):
            missing = put_module(plugin, options)
            if missing:
                findings.leave_out(f"{WHAT}: {missing}")
                return
            variables(plugin, environment)
        placeholders.put(config, Path(directory))
        file = Path(directory) / "envoy.json"
        file.write_text(json.dumps(config))
        try:
            done = subprocess.run([program, "--mode", "validate", "-c", str(file)], env=environment, capture_output=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired) as problem:
            findings.leave_out(f"{WHAT}: {program} does not run ({type(problem).__name__})")
            return
        log = (done.stderr + done.stdout).decode("utf-8", "replace").replace(directory, "…")
    if done.returncode != 0:
        report(findings, root, gateways, complaints(log))


def filter_validates(findings: Findings, settings: Place, options: Options) -> None:
    """Runs Envoy with the filter alone, which checks its configuration `settings`."""
    module = options.module(native=False)
    names = [each.value for provider in settings["providers"] for holder in (provider, *provider["pool"]) if isinstance((each := holder.at("key", "env")).value, str)]
    config = {
        "name": "ai_bridge", "root_id": "ai_bridge", "failure_policy": "FAIL_RELOAD", "allow_on_headers_stop_iteration": True,
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": json.dumps(settings.value)},
        "vm_config": {"runtime": "envoy.wasm.runtime.v8", "environment_variables": {"host_env_keys": sorted(set(names))}, "code": {"local": {"filename": str(module)}}},
    }
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "x", "route_config": {},
        "http_filters": [
            {"name": "ai_bridge", "typed_config": {"@type": f"type.googleapis.com/envoy.extensions.filters.{WASM}", "config": config}},
            {"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}},
        ],
    }
    listener = {"name": "x", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}, "filter_chains": [{"filters": [{"name": "hcm", "typed_config": manager}]}]}
    root = Place({"static_resources": {"listeners": [listener]}}, "", settings.file, settings.line)
    if not module.exists():
        findings.leave_out(f"the filter's check of its configuration: {module} is not there (`make build`, or --wasm)")
        return
    gateway = Gateway(root, Place({}), [], 0, Place({}), settings.value if isinstance(settings.value, dict) else {}, "", settings)
    envoy_validates(findings, root, [gateway], options)


def put_module(plugin: Place, options: Options) -> str:
    """Replaces a module that is not on this machine. Returns what is missing, else nothing. Changes the entry."""
    native = is_native(plugin)
    modules = plugin["dynamic_module_config"]
    module = options.module(native)
    build = "`make native`, or --native" if native else "`make build`, or --wasm"
    if native and modules["name"].text() and not modules["module"]:
        if not module.exists():
            return f"{module} is not there ({build})"
        del modules.value["name"]
        modules.value["module"] = {"local": {"filename": str(module)}}
        return ""
    code = modules.at("module", "local") if native else plugin.at("vm_config", "code", "local")
    file = code["filename"].value
    if isinstance(file, str) and not Path(file).exists():
        if not module.exists():
            return f"neither {file} nor {module} is there ({build})"
        code.value["filename"] = str(module)
    return ""


def variables(plugin: Place, environment: dict[str, str]) -> None:
    """Gives the filter every variable that it names; which are missing in `host_env_keys` is reported elsewhere."""
    given = configuration_of(plugin)["value"].value
    wanted = re.findall(r'"env"\s*:\s*"([A-Za-z_][A-Za-z0-9_]*)"', given if isinstance(given, str) else json.dumps(given))
    if is_native(plugin):
        for name in wanted:
            environment.setdefault(name, "a-key-that-is-not-set-here")
        return
    vm = plugin["vm_config"]
    if not isinstance(vm.value, dict):
        return
    member = "environmentVariables" if "environmentVariables" in vm.value else "environment_variables"
    given = vm.value.setdefault(member, {})
    if not isinstance(given, dict):
        return
    keys = "hostEnvKeys" if "hostEnvKeys" in given else "host_env_keys"
    listed = given.setdefault(keys, [])
    if isinstance(listed, list):
        values = given.get("keyValues", given.get("key_values"))
        listed += [name for name in wanted if name not in listed and not (isinstance(values, dict) and name in values)]
        for name in listed:
            if isinstance(name, str) and name and "=" not in name and "\0" not in name:
                environment.setdefault(name, "a-key-that-is-not-set-here")


def plugins(root: Place) -> Iterator[Place]:
    """The filter's entries."""
    managers = [manager["http_filters"] for _, _, manager in connection_managers(None, root)]
    members = [cluster.at("typed_extension_protocol_options", HTTP_OPTIONS)["http_filters"] for cluster in root.at("static_resources", "clusters")]
    for http_filters in (*managers, *members):
        for http_filter in http_filters:
            entry = entry_of(http_filter["typed_config"])
            if entry is not None:
                yield entry


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


def report(findings: Findings, root: Place, gateways: list[Gateway], lines: list[str]) -> None:
    """Reports Envoy's complaints, those of the filter each in its own line of the file."""
    errors = [each for each in findings.problems if each.level == "error"]
    known = {each.path for each in errors}
    of_filter = [found for line in lines if (found := PROBLEM.fullmatch(line)) and places_of(gateways, found.group(1)) is not None]
    for match in of_filter:
        place = places_of(gateways, match.group(1))
        assert place is not None
        if not any(path == match.group(1) or match.group(1).startswith(f"{path}.") or path.startswith(f"{match.group(1)}.") for path in known) and not any(match.group(1) in each.message for each in errors):
            findings.error(place, match.group(2))
    if of_filter or errors:
        return
    text = " ".join(re.sub(r"^error initializing configuration '[^']*': ", "", line) for line in lines if line != "exiting")[:600]
    names = re.findall(r"['\"]([\w.@-]+)['\"]|(?:no such field|field): ?'?(\w+)", text)
    for name in (each for pair in names for each in pair if each):
        for place in root.all():
            if name in place.members():
                findings.error(place.at_name(name), f"Envoy refuses it: {text}")
                return
    findings.error(Place(None, "", root.file, root.line), f"Envoy refuses it: {text}")


def places_of(gateways: list[Gateway], path: str) -> Place | None:
    """The place of a path in the filter's configuration; the nearest that there is."""
    parts = re.findall(r"\[(\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]|([^.\[\]]+)", path)
    for gateway in gateways:
        place = gateway.settings
        for index, quoted, name in parts:
            if index and isinstance(place.value, list) and int(index) < len(place.value):
                place = place[int(index)]
            elif isinstance(place.value, dict) and not index:
                here = quoted or name
                place = place.at_name(here) if here in place.value and not isinstance(place.value[here], (dict, list)) else place[here]
            else:
                break
        if place.path or not parts:
            return Place(place.value, path, place.file, place.line)
        first = next((quoted or name for _, quoted, name in parts[:1]), "")
        if first and gateway.settings.file and re.fullmatch(r"[a-z_]+", first):
            return Place(None, path, gateway.settings.file, gateway.settings.line)
    return None


