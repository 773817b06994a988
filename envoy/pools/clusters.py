"""The clusters of pools, one for each member."""

from __future__ import annotations

from typing import Any

from address import Address
from configuration import Configuration, Pool
from plugin import Plugin, upstream_filter

Json = Any

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
# Envoy's default of three retries at a time would end failover as soon as a few requests need it.
MANY = 20_000


def clusters(configuration: Configuration, plugin: Plugin, trusted_ca: str) -> list[Json]:
    """The clusters of all pools. None has outlier detection: Envoy would answer 503 for it and ask no other member."""
    return [each for pool in configuration.pools for each in of_pool(pool, plugin, trusted_ca)]


def of_pool(pool: Pool, plugin: Plugin, trusted_ca: str) -> list[Json]:
    named = [(each.cluster, each) for each in pool.members]
    if pool.extra_cluster:
        named.append((pool.extra_cluster, pool.members[0]))
    return [cluster(name, member.address, upstream_filter(plugin, pool.provider, member.name), trusted_ca) for name, member in named]


def cluster(name: str, address: Address, http_filter: Json, trusted_ca: str) -> Json:
    # Envoy's default would take a name's IPv6 addresses alone, also where there is no route to them.
    made: Json = {"name": name, "type": "STATIC"} if address.is_ip else {"name": name, "type": "STRICT_DNS", "dns_lookup_family": "V4_PREFERRED"}
    made |= {
        "connect_timeout": "3s",
        "per_connection_buffer_limit_bytes": 262144,
        "circuit_breakers": {"thresholds": [{"max_connections": MANY, "max_pending_requests": MANY, "max_requests": MANY, "max_retries": MANY}]},
        "load_assignment": {"cluster_name": name, "endpoints": endpoints(address)},
    }
    if address.tls:
        made["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": tls(address.host, address.is_ip, trusted_ca)}
    made["typed_extension_protocol_options"] = {
        HTTP_OPTIONS: {
            "@type": f"type.googleapis.com/{HTTP_OPTIONS}",
            "common_http_protocol_options": {"idle_timeout": "45s"},
            "explicit_http_config": {"http_protocol_options": {}},
            "http_filters": [
                http_filter,
                {"name": "envoy.filters.http.upstream_codec", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"}},
            ],
        }
    }
    return made


def endpoints(address: Address) -> list[Json]:
    """The member's host. While its name has no address, Envoy uses port 0, where every connection is refused at once.

    Without any endpoint Envoy would answer 503 and ask no other member. A refused connection is retried.
    """
    first = {"lb_endpoints": [endpoint(address.host, address.port)]}
    return [first] if address.is_ip else [first, {"priority": 1, "lb_endpoints": [endpoint("127.0.0.1", 0)]}]


def endpoint(host: str, port: int) -> Json:
    return {"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}


def tls(host: str, is_ip: bool, trusted_ca: str) -> Json:
    """TLS with names of the member's own. `auto_sni` would use the first attempt's host for every attempt."""
    context: Json = {"@type": TLS} if is_ip else {"@type": TLS, "sni": host}
    context["common_tls_context"] = {
        "alpn_protocols": ["http/1.1"],
        "validation_context": {
            "trusted_ca": {"filename": trusted_ca},
            "match_typed_subject_alt_names": [{"san_type": "IP_ADDRESS" if is_ip else "DNS", "matcher": {"exact": host}}],
        },
    }
    return context
