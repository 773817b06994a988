"""Checks that keys travel encrypted, and to the host that they are for."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from find import Gateway, Target, targets
from place import Findings, Place

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
# What makes Envoy check a certificate against an authority, in a validation context.
AUTHORITIES = ("trusted_ca", "ca_certificate_provider_instance", "system_root_certs", "custom_validator_config", "verify_certificate_spki", "verify_certificate_hash")
NAMES = ("match_typed_subject_alt_names", "match_subject_alt_names")
PINS = ("verify_certificate_spki", "verify_certificate_hash", "custom_validator_config")
# Hosts in one's own network, by their names.
PRIVATE = (".local", ".internal", ".svc", ".localhost", ".lan", ".home.arpa", ".test", ".example", ".intranet", ".corp", ".private")
# Providers in the Internet (src/provider/hosts.rs has all of them): http to one of these is never meant.
PROVIDERS = (
    "anthropic.com", "openai.com", "githubcopilot.com", "googleapis.com", "api.aws", "openai.azure.com", "ai.azure.com", "cognitiveservices.azure.com", "x.ai", "groq.com", "openrouter.ai",
    "mistral.ai", "deepseek.com", "moonshot.ai", "z.ai", "vercel.com", "perplexity.ai", "together.ai", "fireworks.ai", "cerebras.ai",
)
UNVERIFIED = "lets any certificate pass, so that whoever is in between gets the keys: remove it, and name the authorities (trusted_ca)"
WRAPPERS = ("proxy_protocol", "http_11_proxy", "tap", "tcp_stats", "starttls", "internal_upstream")


def tls(findings: Findings, gateway: Gateway) -> None:
    """Checks the cluster of every provider whose base URL is https."""
    for provider in gateway.enabled():
        plain: dict[str, list[tuple[Target, Place]]] = {}
        for target in targets(provider):
            cluster = gateway.clusters.get(target.cluster)
            if cluster is None:
                continue
            if target.base_url.lower().startswith("https://"):
                encrypted(findings, cluster)
            elif is_public(target.base_url):
                plain.setdefault(target.base_url, []).append((target, cluster))
        for base_url, reached in plain.items():
            clear(findings, provider, base_url, reached)


def is_public(base_url: str) -> bool:
    """Whether an http URL leads out of one's own network, as far as its host says."""
    try:
        url = urlsplit(base_url)
        host = (url.hostname or "").lower()
    except ValueError:
        return False
    if url.scheme.lower() != "http" or "." not in host or host.endswith(PRIVATE):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True


def is_provider(host: str) -> bool:
    """Whether a host is one of the known providers'."""
    return any(host == each or host.endswith(f".{each}") for each in PROVIDERS) or (host.startswith("bedrock") and host.endswith(".amazonaws.com"))


def clear(findings: Findings, provider: Place, base_url: str, reached: list[tuple[Target, Place]]) -> None:
    """Reports an http base URL of a host in the Internet; where its clusters encrypt all the same, checks them as https."""
    holder = next((target.place for target, _ in reached if isinstance(target.place.value, dict) and target.place["base_url"].value is not None), provider)
    sockets = [each for _, cluster in reached for each in [*(match["transport_socket"] for match in cluster["transport_socket_matches"])] or [cluster["transport_socket"]]]
    if any(tls_context(socket) is None for socket in sockets):
        host = str(urlsplit(base_url).hostname)
        fix = "write https, and give its clusters a `transport_socket` with UpstreamTlsContext, as in envoy/envoy.yaml"
        if is_provider(host):
            findings.error(holder["base_url"], f"http, so that requests, keys included, go to {host} in clear text: {fix}")
        else:
            findings.warn(holder["base_url"], f"http, so that requests, keys included, go to {host} in clear text: unless it is in a network of your own, {fix}")
        return
    findings.warn(holder["base_url"], "http, though its cluster encrypts: write https, so that the two agree")
    for _, cluster in reached:
        encrypted(findings, cluster)


def encrypted(findings: Findings, cluster: Place) -> None:
    """Checks a cluster that leads to an https URL."""
    sockets = [each["transport_socket"] for each in cluster["transport_socket_matches"]] or [cluster["transport_socket"]]
    for socket in sockets:
        context = tls_context(socket)
        if context is None:
            findings.error(
                Place(None, socket.path, socket.file, cluster.line_of("transport_socket") if socket.value is None else socket.line),
                "without TLS the requests of this provider, keys included, go in clear text, though its base URL is https: add a `transport_socket` with UpstreamTlsContext, as in envoy/envoy.yaml",
            )
            continue
        if not context:
            findings.leave_out(f"the TLS of {cluster.path} ({cluster.file}:{cluster.line}): its kind is not known here")
            continue
        if context.type().endswith("DownstreamTlsContext"):
            findings.error(context.at_name("@type"), "DownstreamTlsContext is for listeners, and Envoy refuses it here: use type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext")
            continue
        names(findings, cluster, context)


def tls_context(socket: Place) -> Place | None:
    """The UpstreamTlsContext of a transport socket, also inside another one; `None` if there is none, nothing if its kind is unknown."""
    for _ in range(4):
        typed = socket["typed_config"]
        kind = typed.type()
        if kind.endswith(("tls.v3.UpstreamTlsContext", "tls.v3.DownstreamTlsContext")):
            return typed
        if not socket or kind.endswith("RawBuffer") or "raw_buffer" in socket["name"].text() or not kind:
            return None
        inner = typed["transport_socket"] or typed["tls_socket_config"]
        if not inner:
            return None if any(f".{each}." in kind for each in WRAPPERS) else Place({})
        socket = inner if inner["typed_config"] else Place({"typed_config": inner.value}, inner.path, inner.file, inner.line)
    return None


def names(findings: Findings, cluster: Place, context: Place) -> None:
    """Checks which host the TLS context asks for, and whom it believes."""
    options = cluster.at("typed_extension_protocol_options", HTTP_OPTIONS)
    automatic = options["upstream_http_protocol_options"] or cluster["upstream_http_protocol_options"]
    where = next((each for each in (automatic, options) if each.value is not None), cluster)
    common = context["common_tls_context"]
    combined = common["combined_validation_context"]
    validation = common["validation_context"] or combined["default_validation_context"]
    from_server = common["validation_context_sds_secret_config"] or combined["validation_context_sds_secret_config"]
    if from_server:
        findings.leave_out(f"which authorities {context.path} trusts: Envoy reads them from {from_server['name'].text() or 'a server'} (SDS)")
    unverified = validation["trust_chain_verification"].value == "ACCEPT_UNTRUSTED"
    if not any(validation[each] for each in AUTHORITIES) and not from_server and not unverified:
        empty = (common.at_name("validation_context"), combined.at_name("default_validation_context"), context.at_name("common_tls_context"), context)
        place = next((each for each in empty if each.value is not None), cluster)
        findings.error(place, "no certificate authority, so any certificate is believed: add `validation_context: { trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt } }`")
        return
    if not context["sni"].text() and automatic["auto_sni"].value is not True and context["auto_host_sni"].value is not True:
        findings.error(where, "no SNI, so the provider cannot tell which certificate to show: add `upstream_http_protocol_options: { auto_sni: true, auto_san_validation: true }`")
        return
    checked = automatic["auto_san_validation"].value is True or context["auto_sni_san_validation"].value is True
    if not checked and not any(validation[each] for each in (*NAMES, *PINS)) and not from_server and not unverified:
        findings.error(where, "no check of the certificate's name (SAN), so the certificate of any other host is believed: add `auto_san_validation: true` beside `auto_sni`")


def unverified(findings: Findings, root: Place) -> None:
    """Finds settings that switch the check of certificates off, anywhere."""
    for place in root.all():
        if place.value == "ACCEPT_UNTRUSTED":
            findings.error(place, f"ACCEPT_UNTRUSTED {UNVERIFIED}")
        elif place.value is True and place.is_called("insecureSkipVerify"):
            findings.error(place, f"insecureSkipVerify {UNVERIFIED}")
