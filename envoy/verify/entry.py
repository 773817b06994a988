"""Checks the filter's entry in its connection manager, and the settings around it."""

from __future__ import annotations

import json

import secret
from authentication import reaches_ours, switched_off
from find import Gateway, override, route_levels
from place import Findings, Place, flag

LABELS = ("provider", "api", "model", "outcome", "type", "reason", "status_class", "of", "member", "from", "to")
STRIPS = "envoy.reloadable_features.dynamic_modules_strip_custom_stat_prefix"


def entry_alone(findings: Findings, gateway: Gateway) -> None:
    """Checks the filter's entry by itself."""
    config = gateway.config
    if gateway.native():
        dynamic_module(findings, gateway)
        return
    if config["root_id"].value != "ai_bridge":
        findings.warn(config["root_id"], f'expected "ai_bridge", found {json.dumps(config["root_id"].value)}')
    if config["failure_policy"].value in ("FAIL_OPEN", 3) or config["fail_open"].value is True:
        findings.error(config["failure_policy"], "FAIL_OPEN lets requests past the filter when its VM has stopped: use FAIL_RELOAD")
    elif config["failure_policy"].value not in ("FAIL_RELOAD", 1):
        findings.warn(config["failure_policy"], "with FAIL_RELOAD a VM that has stopped is replaced; without it every request fails from then on")
    environment = config.at("vm_config", "environment_variables")
    names = secret.listed(findings, environment["host_env_keys"]) | set(environment["key_values"].members())
    for _, value in environment["key_values"].each():
        secret.written(findings, value)
    secret.variables(findings, gateway.settings, names, environment.at_name("host_env_keys"))


def dynamic_module(findings: Findings, gateway: Gateway) -> None:
    """Checks the entry of a dynamic module. It may read every variable of Envoy."""
    name = gateway.config["filter_name"]
    if name.value != "ai_bridge":
        findings.error(gateway.config.at_name("filter_name"), f'expected "ai_bridge", found {json.dumps(name.value)}: the module refuses another name')
    secret.variables(findings, gateway.settings, {secret.ANY}, gateway.config)


def entry(findings: Findings, gateway: Gateway) -> None:
    """Checks the filter's entry, and the connection manager's settings that it depends on."""
    entry_alone(findings, gateway)
    manager = gateway.manager
    own = gateway.filters[gateway.at]
    if switched_off(gateway, own):
        findings.error(own["disabled"], "the filter is switched off, so that nothing reaches a provider: remove `disabled`")
    for level in route_levels(gateway.table):
        given = override(level, own["name"].text())
        if given is not None and given["disabled"].value is True and reaches_ours(gateway, level):
            findings.error(given["disabled"], "the filter is switched off here, so requests pass it with all that the client has sent, and a client can name a cluster itself: remove it from the way of these requests")
    if gateway.native():
        per_route(findings, gateway)
    if not any(str(each["upgrade_type"].value).lower() == "websocket" for each in manager["upgrade_configs"]):
        findings.warn(manager.at_name("upgrade_configs"), "without `upgrade_type: websocket` Envoy answers 403 to an upgrade; with it the filter answers 426, and Codex and Copilot go on with HTTP at once")
    for member in ("normalize_path", "merge_slashes"):
        if manager[member].value is True:
            findings.warn(manager[member], "the filter judges paths as the client wrote them: leave this false")
    slashes = manager["path_with_escaped_slashes_action"]
    if slashes.value not in (None, "KEEP_UNCHANGED", "IMPLEMENTATION_SPECIFIC_DEFAULT"):
        findings.warn(slashes, "the filter judges paths as the client wrote them: use KEEP_UNCHANGED")


def per_route(findings: Findings, gateway: Gateway) -> None:
    """Reports configurations of the dynamic module on routes; a Wasm filter has none."""
    name = gateway.filters[gateway.at]["name"].text()
    for level in route_levels(gateway.table):
        given = override(level, name)
        if given is not None and not given.type().endswith("route.v3.FilterConfig"):
            findings.error(level["typed_per_filter_config"].at_name(name), "the filter has one configuration, and refuses one for a route: remove it")


def metrics(findings: Findings, gateway: Gateway) -> None:
    """Checks that the metrics have the documented names and labels."""
    if gateway.plugin.get("metrics") is False:
        return
    buckets(findings, gateway)
    if gateway.native():
        if not any(flag(layer["static_layer"].value, STRIPS) for layer in gateway.root.at("layered_runtime", "layers")):
            findings.warn(gateway.root.at_name("layered_runtime"), f"without {STRIPS} the metrics are called envoy_dynamicmodulescustom_ai_bridge_…, so that dashboards and alerts show nothing: set it to true, as in envoy/native/envoy.yaml")
        return
    tags = gateway.root.at("stats_config", "stats_tags")
    patterns = [str(each["regex"].value).replace("\\", "") for each in tags]
    missing = [label for label in LABELS if not any(f"{label}=" in pattern for pattern in patterns)]
    if missing:
        findings.warn(tags, f"none for {', '.join(missing)}: these labels stay in the names of the metrics (envoy.yaml has all of them; or set `metrics` to false)")


def buckets(findings: Findings, gateway: Gateway) -> None:
    """Checks that buckets that are meant for the filter's histograms match their names in its host."""
    own, other = ("dynamicmodulescustom.", "wasmcustom.") if gateway.native() else ("wasmcustom.", "dynamicmodulescustom.")
    for each in gateway.root.at("stats_config", "histogram_bucket_settings"):
        for pattern in each["match"].texts():
            if f"{other}ai_bridge" in pattern.value:
                findings.warn(pattern, f"matches no metric of the filter here: their names begin with {own}")
