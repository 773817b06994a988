"""Runs the shipped files of envoy/istio: Istio's own code makes Envoy's configuration from them, and real Envoy runs it.

As with render.py this is no second configuration: everything an operator copies stays as it is, and only what must
differ is replaced: ports, the providers' addresses and their TLS, and the place of the filter.
"""

from __future__ import annotations

import copy
import json
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import yaml

import servers
from conftest import assert_alive
from gateway import Gateway
from render import REPOSITORY, WASM, Address, Json

ISTIO = REPOSITORY / "envoy" / "istio"
FILES = ["connections", "gateway", "providers", "breaker", "routes", "telemetry", "wasm-plugin"]
SDS_DIRECTORY = Path("/etc/istio/ai-bridge-sds")

# Filters that only Istio's build of Envoy has.
STOCK_ENVOY = {"PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false"}
# Statistics that only the tests need: active requests, and the circuit breakers' state.
MORE_STATS = [r"http\..*\.downstream_rq_active$", r"cluster\..*outlier_detection.*", "extension_config_discovery.*", r"listener_manager\..*", "rbac.*"]

Resources = list[Json]


def read(name: str) -> Resources:
    """The resources of one shipped file (no two parts of them are the same object)."""
    return [json.loads(json.dumps(each)) for each in yaml.safe_load_all((ISTIO / f"{name}.yaml").read_text()) if each]


def shipped(*, instead: dict[str, str] | None = None, more: tuple[str, ...] = ()) -> Resources:
    """All resources that an operator applies. `instead`: replacements for files; `more`: further files."""
    names = [(instead or {}).get(name, name) for name in FILES] + list(more)
    return [resource for name in names for resource in read(name)]


def of_kind(resources: Resources, kind: str) -> Resources:
    """All resources of a kind."""
    return [each for each in resources if each["kind"] == kind]


def wasm_of(resources: Resources) -> Json:
    """The part of a WasmPlugin or TrafficExtension with the module and its configuration."""
    [found] = [each["spec"] if each["kind"] == "WasmPlugin" else each["spec"]["wasm"] for each in resources if each["kind"] in ("WasmPlugin", "TrafficExtension")]
    return found


def on_loopback(resources: Resources, upstream: Address | dict[str, Address], port: int, *, tls: bool = False) -> Resources:
    """Changes the resources so that they run on this machine. `upstream`: one address for all providers, or an address for each host."""
    for each in of_kind(resources, "Gateway"):
        for server in each["spec"]["servers"]:
            server.pop("tls", None)
            server["port"] = {"number": port, "name": "http", "protocol": "HTTP"}
            server["bind"] = "127.0.0.1"
    for each in of_kind(resources, "ServiceEntry"):
        [host], [service_port] = each["spec"]["hosts"], each["spec"]["ports"]
        address = upstream if isinstance(upstream, tuple) else upstream[host]
        each["spec"]["endpoints"] = [{"address": address[0], "ports": {service_port["name"]: address[1]}}]
    for each in of_kind(resources, "DestinationRule") if not tls else []:
        for policy in (each["spec"]["trafficPolicy"], *(subset["trafficPolicy"] for subset in each["spec"].get("subsets", []))):
            del policy["tls"]
    if of_kind(resources, "WasmPlugin") or of_kind(resources, "TrafficExtension"):
        module = wasm_of(resources)
        module["url"] = WASM.as_uri()
        del module["sha256"]
    return resources


def short_breaks(resources: Resources) -> None:
    """Makes circuits close after two seconds, so that tests can wait for it."""
    for each in of_kind(resources, "DestinationRule"):
        for policy in (each["spec"]["trafficPolicy"], *(subset["trafficPolicy"] for subset in each["spec"].get("subsets", []))):
            policy["outlierDetection"].update(interval="0.1s", baseEjectionTime="2s")
    text = json.dumps([each for each in resources if each["metadata"]["name"] == "ai-bridge-breaker"])
    [breaker] = json.loads(text.replace('"max_ejection_time": "30s"', '"max_ejection_time": "2s"'))
    resources[:] = [breaker if each["metadata"]["name"] == "ai-bridge-breaker" else each for each in resources]


class ControlPlane(servers.Server):
    """Istio's discovery server with these resources, and the parts of its agent around Envoy."""

    def __init__(self, resources: Resources, *, mesh: Json | None = None, ca: Path | None = None) -> None:
        directory = servers.server_directory()
        self._directory = directory
        self.write(resources)
        (directory / "mesh.yaml").write_text(json.dumps(mesh_config() if mesh is None else mesh))
        (directory / "pod.json").write_text(json.dumps(pod()))
        environment = {**STOCK_ENVOY, "HOME": str(directory), "CA_ROOT": str(ca or "")}
        super().__init__("istio-discovery", ["serve", str(directory)], ready=(directory / "address").exists, environment=environment, directory=directory)

    def write(self, resources: Resources) -> None:
        """Sets the resources of the next `apply`."""
        new = self._directory / "resources.new"
        new.write_text("\n---\n".join(json.dumps(each) for each in resources if each["kind"] != "Secret"))
        new.rename(self._directory / "resources.yaml")

    def apply(self, resources: Resources) -> None:
        """As `kubectl apply`: sets the resources of the cluster."""
        self.write(resources)
        self._process.send_signal(signal.SIGHUP)

    def bootstrap(self) -> Json:
        """The bootstrap configuration from Istio's agent, with the agent's ports replaced."""
        host, port = (self.directory / "address").read_text().rsplit(":", 1)
        config = json.loads((self.directory / "bootstrap.json").read_text())
        config["admin"]["address"]["socket_address"]["port_value"] = 0
        del config["admin"]["profile_path"]
        static = config["static_resources"]
        static["listeners"] = []                 # Prometheus' and the health check's, on fixed ports
        places = {"xds-grpc": {"socket_address": {"address": host, "port_value": int(port)}}, "sds-grpc": {"pipe": {"path": str(self.directory / "var/run/secrets/credential-uds/files-socket")}}}
        static["clusters"] = [each for each in static["clusters"] if each["name"] in places]
        for each in static["clusters"]:
            each["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"] = places[each["name"]]
        return config


class IstioGateway(Gateway):
    """Envoy as Istio's ingress gateway. Use as a context manager inside that of its control plane."""

    barrier = "/ai/anthropic/v1/messages"

    def __init__(self, control_plane: ControlPlane, resources: Resources, **more: Any) -> None:
        super().__init__(control_plane.bootstrap(), **more)
        self.control_plane = control_plane
        self.resources = resources

    def apply(self, change: Callable[[Resources], None]) -> None:
        """Changes the resources of the cluster, and returns at once."""
        change(self.resources)
        self.control_plane.apply(self.resources)

    def _take_log(self, line: str) -> None:
        if "Deprecated field" not in line:      # Istio writes deprecated fields for older Envoys
            super()._take_log(line)

    def settle(self) -> None:
        def idle() -> bool:
            active = self.stats(r"^http\.outbound.*\.downstream_rq_active$")
            return bool(active) and not any(active.values())

        self.wait_until(idle, "no request is active")


def mesh_config() -> Json:
    """The mesh configuration of the shipped Helm values."""
    return yaml.safe_load((ISTIO / "helm" / "istiod-values.yaml").read_text())["meshConfig"]


def gateway_values() -> Json:
    """The shipped Helm values of the gateway."""
    return yaml.safe_load((ISTIO / "helm" / "gateway-values.yaml").read_text())


def pod() -> Json:
    """The gateway's pod, with the shipped annotations and the tests' statistics."""
    annotations = copy.deepcopy(gateway_values()["podAnnotations"])
    proxy_config = yaml.safe_load(annotations["proxy.istio.io/config"])
    proxy_config.setdefault("proxyStatsMatcher", {}).setdefault("inclusionRegexps", []).extend(MORE_STATS)
    annotations["proxy.istio.io/config"] = yaml.safe_dump(proxy_config)
    return {"name": "istio-ingressgateway-1", "namespace": "istio-ingress", "labels": {"app": "istio-ingressgateway", "istio": "ingressgateway"}, "annotations": annotations}


@contextmanager
def run(upstream: Address | dict[str, Address], *, change: Callable[[Resources], None] = lambda _: None, instead: dict[str, str] | None = None, more: tuple[str, ...] = (), tls: bool = False, **settings: Any) -> Iterator[IstioGateway]:
    """The shipped gateway on loopback, with changes; `mesh` and `ca` are the control plane's, the rest is Envoy's."""
    resources = on_loopback(shipped(instead=instead, more=more), upstream, servers.free_port(), tls=tls)
    change(resources)
    of_control_plane = {name: settings.pop(name) for name in ("mesh", "ca") if name in settings}
    with ControlPlane(resources, **of_control_plane) as control_plane, IstioGateway(control_plane, resources, **settings) as gateway:
        yield gateway
        assert_alive(gateway)
