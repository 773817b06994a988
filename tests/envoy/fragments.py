"""Inserts the fragments below envoy/ into the reference configuration, as their first lines say."""

from __future__ import annotations

import json
from typing import Any

import yaml

from render import HTTP_OPTIONS, REPOSITORY, Address, Json, connection_manager_of


def fragment(name: str) -> Any:
    """One fragment, parsed."""
    return json.loads(json.dumps(yaml.safe_load((REPOSITORY / "envoy" / name).read_text())))


def add_access_log(config: Json, entry: Json, *, flush: str | None = "0.02s") -> Json:
    """Adds an access logger. `flush`: sends batches earlier than shipped. Returns the logger's configuration."""
    connection_manager_of(config)["access_log"].append(entry)
    logger: Json = entry["typed_config"]
    if flush is not None:
        logger.get("common_config", logger)["buffer_flush_interval"] = flush
    return logger


def add_cluster(config: Json, cluster: Json, address: Address) -> None:
    """Adds a cluster, at this address on loopback."""
    cluster["type"] = "STATIC"
    endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["address"]["socket_address"] = {"address": address[0], "port_value": address[1]}
    config["static_resources"]["clusters"].append(cluster)


def add_otlp(config: Json, collector: Address, *, http: bool = False, tracing: bool = True) -> None:
    """Adds all fragments of envoy/otel for Envoy; batches are sent earlier than shipped."""
    logs, traces, cluster = fragment("otel/access-log.yaml")[0], fragment("otel/tracing.yaml"), fragment("otel/cluster.yaml")[0]
    by_http = fragment("otel/otlp-http.yaml")
    tracer = traces["tracing"]["provider"]["typed_config"]
    if http:
        for each, kind in ((logs["typed_config"], "access_log"), (tracer, "tracing")):
            del each["grpc_service"]
            each.update(by_http[kind])
        cluster["typed_extension_protocol_options"][HTTP_OPTIONS]["explicit_http_config"] = {"http_protocol_options": {}}
    add_access_log(config, logs)
    if tracing:
        connection_manager_of(config).update(traces)
    add_cluster(config, cluster, collector)
    config["layered_runtime"] = {
        "layers": [{"name": "sooner", "static_layer": {"tracing": {"opentelemetry": {"flush_interval_ms": 20, "min_flush_spans": 1}}}}]
    }
