"""Changes the shipped envoy/envoy.yaml so that it runs on loopback.

Not a second configuration: everything an operator copies stays as it is, and only what must differ is replaced:
ports, the providers' addresses and their TLS, and the place of the filter. A test may replace more, by name.
The tests, `make run` and the bench all start from here.

    python render.py --wasm ai_bridge.wasm --upstream 127.0.0.1:9000 > envoy.json
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import sys
from pathlib import Path
from typing import Any, Callable

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = REPOSITORY / "envoy" / "envoy.yaml"
WASM = REPOSITORY / "target" / "wasm32-wasip1" / "release" / "ai_bridge.wasm"

# Which host carries the filter: "wasm", or "native" for Envoy's dynamic modules. `Gateway` swaps it in every configuration.
# (Some shells export HOST with the machine's name.)
HOST = "native" if os.environ.get("HOST") == "native" else "wasm"
NATIVE = REPOSITORY / "target" / "release" / "libai_bridge.so"

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
WASM_TYPE = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"

NATIVE_TYPE = "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter"
# Without it Envoy puts a prefix before the names of a module's metrics.
NATIVE_RUNTIME = {"envoy.reloadable_features.dynamic_modules_strip_custom_stat_prefix": True}

Address = tuple[str, int]
Json = Any


def shipped(file: Path = SHIPPED) -> Json:
    """The reference configuration, parsed. No two parts of it are the same object."""
    # YAML aliases become shared objects; a round trip through JSON separates them.
    return json.loads(json.dumps(yaml.safe_load(file.read_text())))


def render(
    upstream: Address | dict[str, Address] | None,
    *,
    file: Path = SHIPPED,
    wasm: Path | str | None = WASM,
    port: int = 0,
    admin_port: int = 0,
    plugin: Json | str | Callable[[Json], Json] | None = None,
    breaker: Json | None = None,
    connection_manager: Json | None = None,
    route: Json | None = None,
    routes: list[Json] | None = None,
    cluster: Json | None = None,
    http2_upstream: bool = False,
    environment: list[str] | None = None,
    change: Callable[[Json], None] | None = None,
) -> Json:
    """Returns the configuration to start Envoy with.

    upstream            where the providers are: one address for all clusters, one for each by name, or None: where they really are
    file                another complete configuration below envoy/
    wasm                the filter's file; None takes the filter out (for measuring Envoy alone)
    port, admin_port    0 lets the system choose; `Gateway` finds out
    plugin              the plugin configuration instead of the shipped one: JSON, raw text, or a function of the shipped one
    breaker             members of every cluster's outlier_detection to replace
    connection_manager  members of the connection manager to replace
    route               members of the AI route's action to replace (timeout, …)
    routes              routes of "another application", behind the filter's
    cluster             members of every cluster to replace
    http2_upstream      speak HTTP/2 (prior knowledge) to the providers
    environment         host_env_keys instead of the shipped ones
    change              a last word on the whole
    """
    config = shipped(file)
    config["admin"]["address"]["socket_address"]["port_value"] = admin_port

    listener = config["static_resources"]["listeners"][0]
    listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
    manager = connection_manager_of(config)
    manager.update(copy.deepcopy(connection_manager or {}))

    for each in config["static_resources"]["clusters"]:
        if "transport_socket" not in each or upstream is None:
            continue                        # a server beside the gateway: the test sets its address; or the providers themselves
        address = upstream if isinstance(upstream, tuple) else upstream.get(each["name"], ("127.0.0.1", 1))
        to_loopback(each, address, http2_upstream)
        each["outlier_detection"].update(breaker or {})
        each.update(copy.deepcopy(cluster or {}))

    ai_routes = manager["route_config"]["virtual_hosts"][0]["routes"]
    ai_routes[0]["route"].update(route or {})
    ai_routes[1:1] = copy.deepcopy(routes or [])

    if wasm is None:
        manager["http_filters"] = [f for f in manager["http_filters"] if f["typed_config"]["@type"] != WASM_TYPE]
    else:
        filter_config = wasm_of(config)
        filter_config["vm_config"]["code"]["local"]["filename"] = str(wasm)
        if environment is not None:
            filter_config["vm_config"]["environment_variables"]["host_env_keys"] = environment
        if plugin is not None:
            value = filter_config["configuration"]
            if callable(plugin):
                plugin = plugin(json.loads(value["value"]))
            value["value"] = plugin if isinstance(plugin, str) else json.dumps(plugin)
    if change is not None:
        change(config)
    return config


def shipped_plugin() -> Json:
    """The plugin configuration of the shipped file."""
    return json.loads(wasm_of(shipped())["configuration"]["value"])


def connection_manager_of(config: Json) -> Json:
    """The HTTP connection manager's own configuration."""
    return config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]


def wasm_of(config: Json) -> Json:
    """The PluginConfig of the filter."""
    for http_filter in connection_manager_of(config)["http_filters"]:
        if http_filter["typed_config"]["@type"] == WASM_TYPE:
            return http_filter["typed_config"]["config"]
    raise LookupError("no wasm filter in the configuration")


def cluster_of(config: Json, name: str) -> Json:
    """One cluster by its name."""
    return next(c for c in config["static_resources"]["clusters"] if c["name"] == name)


def native(config: Json, module: Path = NATIVE) -> Json:
    """A copy of a configuration with the dynamic module in place of every wasm filter that is this project's."""
    config = copy.deepcopy(config)
    replace_filters(config, module)
    layers = config.setdefault("layered_runtime", {}).setdefault("layers", [])
    if not any(layer["name"] == "dynamic_modules" for layer in layers):
        layers.append({"name": "dynamic_modules", "static_layer": NATIVE_RUNTIME})
    # The buckets of histograms are set by the name with its prefix.
    for bucket in config.get("stats_config", {}).get("histogram_bucket_settings", []):
        bucket["match"] = {kind: text.replace("wasmcustom.", "dynamicmodulescustom.") for kind, text in bucket["match"].items()}
    return config


def for_host(part: Json) -> Json:
    """A part of a configuration that Envoy reads from a file of its own, with the filter of the host that is tested."""
    if HOST == "native":
        part = copy.deepcopy(part)
        replace_filters(part, NATIVE)
    return part


def replace_filters(node: Json, module: Path) -> bool:
    """Replaces the wasm filter wherever it is in a configuration. Returns whether there was one."""
    if isinstance(node, list):
        return any([replace_filters(each, module) for each in node])
    if not isinstance(node, dict):
        return False
    if node.get("@type") == WASM_TYPE and Path(node["config"]["vm_config"]["code"]["local"]["filename"]).name == WASM.name:
        configuration = node["config"].get("configuration")
        node.clear()
        node.update(native_filter(configuration, module))
        return True
    replaced = any([replace_filters(each, module) for each in node.values()])
    if replaced and "type_urls" in node:
        node["type_urls"] = [NATIVE_TYPE if url == WASM_TYPE else url for url in node["type_urls"]]
    return replaced


def native_filter(configuration: Json, module: Path = NATIVE) -> Json:
    """The dynamic module as a filter with the plugin configuration of the wasm filter."""
    return {
        "@type": NATIVE_TYPE,
        "dynamic_module_config": {"module": {"local": {"filename": str(module)}}, "do_not_close": True},
        "filter_name": "ai_bridge",
        **({"filter_config": configuration} if configuration is not None else {}),
    }


class DiscoveredFilter:
    """Moves the filter of a configuration to a file that Envoy watches (ECDS)."""

    def __init__(self, config: Json, directory: Path) -> None:
        self._file = directory / "ai_bridge.json"
        for http_filter in connection_manager_of(config)["http_filters"]:
            if http_filter.get("typed_config", {}).get("@type") == WASM_TYPE:
                self._typed_config = http_filter.pop("typed_config")
                self._name = http_filter["name"]
                http_filter["config_discovery"] = {
                    "config_source": {"resource_api_version": "V3", "path_config_source": {"path": str(self._file), "watched_directory": {"path": str(directory)}}},
                    "type_urls": [NATIVE_TYPE if HOST == "native" else WASM_TYPE],
                }
        self._write()

    def reconfigure(self, plugin: Json | str) -> None:
        """Writes another configuration of the filter. Envoy notices the change."""
        text = plugin if isinstance(plugin, str) else json.dumps(plugin)
        self._typed_config["config"]["configuration"]["value"] = text
        self._write()

    @property
    def environment(self) -> Json:
        """The VM's environment_variables. A change takes effect at the next `reconfigure`."""
        return self._typed_config["config"]["vm_config"]["environment_variables"]

    @environment.setter
    def environment(self, variables: Json) -> None:
        self._typed_config["config"]["vm_config"]["environment_variables"] = variables

    def _write(self) -> None:
        typed_config = self._typed_config
        if HOST == "native":
            typed_config = native_filter(typed_config["config"]["configuration"])
        extension = {"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": self._name, "typed_config": typed_config}
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({"resources": [extension]}))
        new.rename(self._file)       # Envoy reacts to a move into the directory, not to a write


def to_loopback(cluster: Json, address: Address, http2: bool) -> None:
    """Points a cluster at a plain-text server on this machine."""
    cluster["type"] = "STATIC"
    endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["address"]["socket_address"] = {"address": address[0], "port_value": address[1]}
    del cluster["transport_socket"]
    options = cluster["typed_extension_protocol_options"][HTTP_OPTIONS]
    del options["upstream_http_protocol_options"]        # settings for TLS names
    if http2:
        options["explicit_http_config"] = {"http2_protocol_options": {}}


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints the shipped Envoy configuration, made to run on loopback.")
    parser.add_argument("--upstream", required=True, metavar="HOST:PORT", help="the one upstream of all clusters")
    parser.add_argument("--wasm", default=str(WASM), help='the filter (default: %(default)s); "none" takes it out')
    parser.add_argument("--port", type=int, default=0, help="of the listener (default: the system chooses)")
    parser.add_argument("--admin-port", type=int, default=0)
    parser.add_argument("--plugin", type=Path, help="a file with another plugin configuration")
    arguments = parser.parse_args()
    host, port = arguments.upstream.rsplit(":", 1)
    config = render(
        (host, int(port)),
        wasm=None if arguments.wasm == "none" else arguments.wasm,
        port=arguments.port,
        admin_port=arguments.admin_port,
        plugin=arguments.plugin.read_text() if arguments.plugin else None,
    )
    json.dump(config, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
