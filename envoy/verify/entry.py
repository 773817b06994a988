"""Checks the filter's entry in its connection manager, and the settings around it."""

from __future__ import annotations

import json

import secret
from find import Gateway
from place import Findings

LABELS = ("provider", "api", "model", "outcome", "type", "reason", "status_class", "of", "member", "from", "to")


def entry_alone(findings: Findings, gateway: Gateway) -> None:
    """Checks the filter's entry by itself."""
    config = gateway.config
    if config["root_id"].value != "ai_bridge":
        findings.warn(config["root_id"], f'expected "ai_bridge", found {json.dumps(config["root_id"].value)}')
    if config["failure_policy"].value == "FAIL_OPEN" or config["fail_open"].value is True:
        findings.error(config["failure_policy"], "FAIL_OPEN lets requests past the filter when its VM has stopped: use FAIL_RELOAD")
    elif config["failure_policy"].value != "FAIL_RELOAD":
        findings.warn(config["failure_policy"], "with FAIL_RELOAD a VM that has stopped is replaced; without it every request fails from then on")
    environment = config.at("vm_config", "environment_variables")
    names = secret.listed(findings, environment["host_env_keys"]) | set(environment["key_values"].members())
    for _, value in environment["key_values"].each():
        secret.written(findings, value)
    secret.variables(findings, gateway.settings, names, environment.at_name("host_env_keys"))


def entry(findings: Findings, gateway: Gateway) -> None:
    """Checks the filter's entry, and the connection manager's settings that it depends on."""
    entry_alone(findings, gateway)
    manager = gateway.manager
    if not any(str(each["upgrade_type"].value).lower() == "websocket" for each in manager["upgrade_configs"]):
        findings.warn(manager.at_name("upgrade_configs"), "without `upgrade_type: websocket` Envoy answers 403 to an upgrade; with it the filter answers 426, and Codex and Copilot go on with HTTP at once")
    for member in ("normalize_path", "merge_slashes"):
        if manager[member].value is True:
            findings.warn(manager[member], "the filter judges paths as the client wrote them: leave this false")
    slashes = manager["path_with_escaped_slashes_action"]
    if slashes.value not in (None, "KEEP_UNCHANGED", "IMPLEMENTATION_SPECIFIC_DEFAULT"):
        findings.warn(slashes, "the filter judges paths as the client wrote them: use KEEP_UNCHANGED")


def metrics(findings: Findings, gateway: Gateway) -> None:
    """Checks that `stats_tags` extracts every label."""
    if gateway.plugin.get("metrics") is False:
        return
    tags = gateway.root.at("stats_config", "stats_tags")
    patterns = [str(each["regex"].value).replace("\\", "") for each in tags]
    missing = [label for label in LABELS if not any(f"{label}=" in pattern for pattern in patterns)]
    if missing:
        findings.warn(tags, f"none for {', '.join(missing)}: these labels stay in the names of the metrics (envoy.yaml has all of them; or set `metrics` to false)")
