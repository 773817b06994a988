"""`make verify` reports keys that would travel in clear text, or to a host that nobody has checked."""

from __future__ import annotations

from typing import Any

from render import SHIPPED, cluster_of
from verifying import Change, Found, changed, each_is_reported, found_in, judged, none_is_reported, plugin

OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def context(config: Any, name: str = "openai") -> Any:
    return cluster_of(config, name)["transport_socket"]["typed_config"]


def validation(config: Any) -> Any:
    return context(config)["common_tls_context"]["validation_context"]


def http(config: Any) -> Any:
    return cluster_of(config, "openai")["typed_extension_protocol_options"][OPTIONS]


def byok(config: Any) -> None:
    cluster_of(config, "anthropic-byok").pop("transport_socket")


def plain(config: Any) -> None:
    plugin(lambda given: given["providers"][1].update(base_url="http://ollama:11434/v1"))(config)
    cluster_of(config, "openai").pop("transport_socket")
    cluster_of(config, "openai-byok").pop("transport_socket")


def wrapped(config: Any) -> None:
    cluster = cluster_of(config, "openai")
    inner = cluster["transport_socket"]
    cluster["transport_socket"] = {"name": "proxy", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport", "transport_socket": inner}}


def named(config: Any) -> None:
    context(config)["sni"] = "api.openai.com"
    validation(config)["match_typed_subject_alt_names"] = [{"san_type": "DNS", "matcher": {"exact": "api.openai.com"}}]
    http(config).pop("upstream_http_protocol_options")


CLEAR = "without TLS the requests of this provider, keys included, go in clear text"

MISTAKES: dict[str, tuple[Change, Found]] = {
    "no transport socket": (lambda config: cluster_of(config, "openai").pop("transport_socket"), [("error", "clusters[1].transport_socket", CLEAR)]),
    "no transport socket for callers' own keys": (byok, [("error", "clusters[3].transport_socket", CLEAR)]),
    "a raw buffer": (
        lambda config: cluster_of(config, "openai").update(transport_socket={"name": "envoy.transport_sockets.raw_buffer", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}),
        [("error", "clusters[1].transport_socket", CLEAR)],
    ),
    "a transport socket without a configuration": (lambda config: cluster_of(config, "openai").update(transport_socket={"name": "envoy.transport_sockets.tls"}), [("error", "clusters[1].transport_socket", CLEAR)]),
    "no SNI": (lambda config: http(config)["upstream_http_protocol_options"].pop("auto_sni"), [("error", ".upstream_http_protocol_options", "no SNI")]),
    "neither SNI nor a check of the name": (lambda config: http(config).pop("upstream_http_protocol_options"), [("error", OPTIONS + '"]', "no SNI")]),
    "an SNI that is switched off": (lambda config: http(config)["upstream_http_protocol_options"].update(auto_sni=False), [("error", ".upstream_http_protocol_options", "no SNI")]),
    "no check of the name": (lambda config: http(config)["upstream_http_protocol_options"].pop("auto_san_validation"), [("error", ".upstream_http_protocol_options", "no check of the certificate's name")]),
    "no authority": (lambda config: validation(config).pop("trusted_ca"), [("error", ".common_tls_context.validation_context", "no certificate authority")]),
    "no validation": (lambda config: context(config)["common_tls_context"].pop("validation_context"), [("error", ".common_tls_context", "no certificate authority")]),
    "no common context": (lambda config: context(config).pop("common_tls_context"), [("error", "clusters[1].transport_socket.typed_config", "no certificate authority")]),
    "certificates that are not verified": (lambda config: validation(config).update(trust_chain_verification="ACCEPT_UNTRUSTED"), [("error", ".trust_chain_verification", "ACCEPT_UNTRUSTED lets any certificate pass")]),
    "an openly unverified cluster without authority": (
        lambda config: (validation(config).pop("trusted_ca"), validation(config).update(trust_chain_verification="ACCEPT_UNTRUSTED")), [("error", ".trust_chain_verification", "ACCEPT_UNTRUSTED lets any certificate pass")],
    ),
}

FINE: dict[str, Change] = {
    "a base URL without TLS": plain,
    "TLS through a proxy": wrapped,
    "fixed names": named,
    "the system's authorities": lambda config: context(config)["common_tls_context"].update(validation_context={"system_root_certs": {}, "trusted_ca": {"filename": "/x"}}),
}


test_each_mistake_is_reported_with_its_place_and_nothing_else = each_is_reported(MISTAKES)
test_what_is_no_mistake_is_not_reported = none_is_reported(FINE)


def test_what_an_anchor_repeats_is_one_cause(tmp_path):
    """Five clusters use it."""
    text = SHIPPED.read_text()
    file = tmp_path / "envoy.yaml"
    file.write_text(text.replace("          validation_context: { trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt } }\n", ""))
    ((level, path, message),) = found_in(file)
    assert level == "error" and "no certificate authority" in message and path.startswith("static_resources.clusters[0]")
    file.write_text(text.replace("auto_sni: true, auto_san_validation: true", "auto_sni: true"))
    ((level, _, message),) = found_in(file)
    assert level == "error" and "no check of the certificate's name" in message


def test_authorities_from_a_server_are_not_judged(tmp_path):
    def change(config: Any) -> None:
        context(config)["common_tls_context"] = {"validation_context_sds_secret_config": {"name": "authorities", "sds_config": {"ads": {}}}}

    assert judged(changed(change), tmp_path) == [], "and the exit status is 2"
