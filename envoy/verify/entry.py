"""Checks the filter's entry in its connection manager, and the settings around it."""

from __future__ import annotations

import json

from find import Gateway
from place import Findings, Place

LABELS = ("provider", "api", "model", "outcome", "type", "reason", "status_class", "of")
AUTHENTICATION = ("jwt_authn", "ext_authz", "api_key_auth", "basic_auth", "oauth2", "ext_proc", "lua", "wasm", "golang", "dynamic_modules", "set_filter_state", "header_mutation")


def entry(findings: Findings, gateway: Gateway) -> None:
    """Checks the filter's entry, and the connection manager's settings that it depends on."""
    config, plugin = gateway.config, gateway.plugin
    if config["root_id"].value != "ai_bridge":
        findings.warn(config["root_id"], f'expected "ai_bridge", found {json.dumps(config["root_id"].value)}')
    if config["failure_policy"].value == "FAIL_OPEN" or config["fail_open"].value is True:
        findings.error(config["failure_policy"], "FAIL_OPEN lets requests past the filter when its VM has stopped: use FAIL_RELOAD")
    elif config["failure_policy"].value != "FAIL_RELOAD":
        findings.warn(config["failure_policy"], "with FAIL_RELOAD a VM that has stopped is replaced; without it every request fails from then on")
    environment = config.at("vm_config", "environment_variables")
    names = {str(each.value) for each in environment["host_env_keys"]} | set(environment["key_values"].members())
    for each in Place(plugin)["providers"]:
        variable = each.at("key", "env").value
        if each["enabled"].value is not False and variable is not None and str(variable) not in names:
            findings.error(environment["host_env_keys"], f"{variable} is not in it, but {each.path}.key.env names it: the filter cannot read the variable")
    manager = gateway.manager
    if not any(str(each["upgrade_type"].value).lower() == "websocket" for each in manager["upgrade_configs"]):
        findings.warn(manager["upgrade_configs"], "without `upgrade_type: websocket` Envoy answers 403 to an upgrade; with it the filter answers 426, and Codex and Copilot go on with HTTP at once")
    for member in ("normalize_path", "merge_slashes"):
        if manager[member].value is True:
            findings.warn(manager[member], "the filter judges paths as the client wrote them: leave this false")
    slashes = manager["path_with_escaped_slashes_action"]
    if slashes.value not in (None, "KEEP_UNCHANGED", "IMPLEMENTATION_SPECIFIC_DEFAULT"):
        findings.warn(slashes, "the filter judges paths as the client wrote them: use KEEP_UNCHANGED")
    actor(findings, gateway)


def actor(findings: Findings, gateway: Gateway) -> None:
    """Checks that a header that names the caller comes from the gateway, not from the client."""
    given = gateway.plugin.get("actor")
    if not isinstance(given, dict):
        return
    named = [("actor.header", given.get("header"))]
    metadata = given.get("metadata_headers")
    named += [(f"actor.metadata_headers.{key}", header) for key, header in metadata.items()] if isinstance(metadata, dict) else []
    removed: set[str] = set()
    for extension in gateway.manager["early_header_mutation_extensions"]:
        removed |= {str(each["remove"].value).lower() for each in extension.at("typed_config", "mutations")}
    for http_filter in gateway.filters[: gateway.at]:
        removed |= {str(each["remove"].value).lower() for each in http_filter.at("typed_config", "mutations", "request_mutations")}
    for member, header in named:
        if header and str(header).lower() not in removed:
            findings.error(
                gateway.manager["early_header_mutation_extensions"],
                f"{header} is not removed from what clients send, and {member} trusts it: anybody could be anybody. Remove it here, ahead of the authentication",
            )
    kinds = [each["typed_config"].type() for each in gateway.filters[: gateway.at]]
    if any(header for _, header in named) and not any(f"http.{name}." in kind for kind in kinds for name in AUTHENTICATION) and not any(each["config_discovery"] for each in gateway.filters[: gateway.at]):
        findings.warn(gateway.manager["http_filters"], "no authentication filter stands in front of the filter, so nobody sets the headers that `actor` names")


def metrics(findings: Findings, gateway: Gateway) -> None:
    """Checks that `stats_tags` extracts every label."""
    if gateway.plugin.get("metrics") is False:
        return
    tags = gateway.root.at("stats_config", "stats_tags")
    patterns = [str(each["regex"].value).replace("\\", "") for each in tags]
    missing = [label for label in LABELS if not any(f"{label}=" in pattern for pattern in patterns)]
    if missing:
        findings.warn(tags, f"none for {', '.join(missing)}: these labels stay in the names of the metrics (envoy.yaml has all of them; or set `metrics` to false)")
