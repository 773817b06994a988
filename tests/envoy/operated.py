"""What operators put around the filter, for the tests of metrics: authentication, budgets, receivers, configuration by file; all but the first in trouble."""

from __future__ import annotations

import base64
import json
import socket
import threading
from pathlib import Path
from typing import Any

from client import Http1
from gateway import Gateway
from render import Address, DiscoveredFilter, Json, connection_manager_of
from samples import JSON, MESSAGES, TOKEN, messages_request

import traffic

FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
LOGGERS = "type.googleapis.com/envoy.extensions.access_loggers"
MEMBERS_ONLY = "/members-only"


def add_to(config: Json, without_tls: Address, directory: Path) -> DiscoveredFilter:
    """Adds all of it. The servers beside the gateway speak no TLS (`tls_without`) or are not there (`down`)."""
    traffic.circuit_stays_open(config)
    clusters = config["static_resources"]["clusters"]
    http2 = {"http2_protocol_options": {}}
    tls = {"name": "tls", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}}
    clusters += [{**server("tls_without", without_tls), **http2, "transport_socket": tls}, {**server("down", ("127.0.0.1", 1)), **http2}]
    manager = connection_manager_of(config)
    common = {"log_name": "records", "transport_api_version": "V3", "grpc_service": {"envoy_grpc": {"cluster_name": "down"}}, "buffer_flush_interval": "0.1s", "buffer_size_bytes": 1}
    manager["access_log"] += [
        {"name": "grpc", "typed_config": {"@type": f"{LOGGERS}.grpc.v3.HttpGrpcAccessLogConfig", "common_config": common}},
        {"name": "otel", "typed_config": {"@type": f"{LOGGERS}.open_telemetry.v3.OpenTelemetryAccessLogConfig", "common_config": common}},
    ]
    filters = manager["http_filters"]
    at = next(at for at, each in enumerate(filters) if each["name"] == "ai_bridge")
    limits = {"@type": f"{FILTERS}.ratelimit.v3.RateLimit", "domain": "d", "rate_limit_service": {"transport_api_version": "V3", "grpc_service": {"envoy_grpc": {"cluster_name": "tls_without"}}}}
    filters.insert(at + 1, {"name": "budgets", "typed_config": limits})
    manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"]["rate_limits"] = [{"actions": [{"generic_key": {"descriptor_value": "all"}}]}]
    key = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    provider = {"issuer": "https://login.example.com", "local_jwks": {"inline_string": json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "k": key}]})}}
    filters.insert(at, {"name": "jwt", "typed_config": {
        "@type": f"{FILTERS}.jwt_authn.v3.JwtAuthentication", "providers": {"login": provider}, "rules": [{"match": {"prefix": MEMBERS_ONLY}, "requires": {"provider_name": "login"}}],
    }})
    sources = {}
    for kind in ("lds", "cds"):
        (directory / f"{kind}.json").write_text(json.dumps({"resources": []}))
        sources[f"{kind}_config"] = {"resource_api_version": "V3", "path_config_source": {"path": str(directory / f"{kind}.json")}}
    config["dynamic_resources"] = sources
    return DiscoveredFilter(config, directory)


def server(name: str, address: Address) -> Json:
    host, port = address
    endpoint: Any = {"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}
    return {"name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}}


def without_a_token(gateway: Gateway) -> None:
    """A request that authentication refuses."""
    with Http1(gateway.address) as client:
        assert client.request("GET", MEMBERS_ONLY, []).status == 401


def refuse_an_update(gateway: Gateway, discovered: DiscoveredFilter) -> None:
    """Gives the filter a configuration that it refuses."""
    discovered.reconfigure("{")
    gateway.wait_until(lambda: any(gateway.stats("config_fail$").values()), "the update is refused")


class NoTls:
    """A server that answers TLS with something else."""

    def __enter__(self) -> "NoTls":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: Address = self._listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self) -> None:
        try:
            while True:
                with self._listener.accept()[0] as connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        except OSError:
            pass            # closed

    def __exit__(self, *_: object) -> None:
        self._listener.close()


class OpenStream:
    """A stream that goes on until it is closed."""

    def __init__(self, gateway: Gateway) -> None:
        self._client = Http1(gateway.address).__enter__()
        body = messages_request()
        self._client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body) + 1))])
        self._client.send(body)

    def close(self) -> None:
        self._client.reset()
