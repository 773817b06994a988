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
ACCEPT_UNTRUSTED = ("ACCEPT_UNTRUSTED", 1)
UNVERIFIED = "lets any certificate pass, so that whoever is in between gets the keys: remove it, and name the authorities (trusted_ca)"
WRAPPERS = ("proxy_protocol", "http_11_proxy", "tap", "tcp_stats", "starttls", "internal_upstream")


def tls(findings: Findings, gateway: Gateway) -> None:
    """Checks the cluster of every provider whose base URL is https."""
    secure: list[tuple[Place, Target]] = []
    for provider in gateway.enabled():
        plain: dict[str, list[tuple[Target, Place]]] = {}
        for target in targets(provider):
            cluster = gateway.clusters.get(target.cluster)
            if cluster is None:
                continue
            if target.base_url.lower().startswith("https://"):
                encrypted(findings, cluster)
                destination(findings, cluster)
                secure.append((cluster, target))
            elif is_public(target.base_url):
                plain.setdefault(target.base_url, []).append((target, cluster))
        for base_url, reached in plain.items():
            clear(findings, provider, base_url, reached)
    meant(findings, [each for each in secure if each[0].path not in pools_of(gateway)])


def pools_of(gateway: Gateway) -> set[str]:
    """The clusters of pools, whose names are compared with what the generator makes."""
    return {gateway.clusters[target.cluster].path for provider in gateway.enabled() if isinstance(provider["pool"].value, list) for target in targets(provider) if target.cluster in gateway.clusters}


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
    place = next((own for target, _ in reached if (own := target.base_url_place(Place(None))).value is not None), provider["base_url"])
    if any(tls_context(socket) is None for _, cluster in reached for socket in sockets_of(cluster)):
        host = host_of(base_url)
        fix = "write https, and give its clusters a `transport_socket` with UpstreamTlsContext, as in envoy/envoy.yaml"
        if is_provider(host):
            findings.error(place, f"http, so that requests, keys included, go to {host} in clear text: {fix}")
        else:
            findings.warn(place, f"http, so that requests, keys included, go to {host} in clear text: unless it is in a network of your own, {fix}")
        return
    findings.warn(place, "http, though its cluster encrypts: write https, so that the two agree")
    for _, cluster in reached:
        encrypted(findings, cluster)


def sockets_of(cluster: Place) -> list[Place]:
    """The transport sockets that a cluster's hosts use."""
    matches = [*cluster["transport_socket_matches"]]
    labels = [host.at("metadata", "filter_metadata", "envoy.transport_socket_match").value or {} for place in cluster.at("load_assignment", "endpoints") for host in place["lb_endpoints"]]
    criteria = [each["match"].value if isinstance(each["match"].value, dict) else {} for each in matches]
    # A host that none matches gets the cluster's own, which is clear text where there is none.
    all_match = any(not each for each in criteria) or (bool(labels) and all(any(isinstance(label, dict) and each.items() <= label.items() for each in criteria) for label in labels))
    return [each["transport_socket"] for each in matches] + ([] if all_match else [cluster["transport_socket"]])


def encrypted(findings: Findings, cluster: Place) -> None:
    """Checks a cluster that leads to an https URL."""
    for socket in sockets_of(cluster):
        context = tls_context(socket)
        if context is None:
            findings.error(
                Place(None, socket.path, socket.file, cluster.line_of("transport_socket") if socket.value is None else socket.line),
                "without TLS the requests of this provider, keys included, go in clear text, though its base URL is https: add a `transport_socket` with UpstreamTlsContext, as in envoy/envoy.yaml",
            )
            continue
        if not context:
            findings.leave_out(f"the TLS in {socket.file}:{socket.line}: its kind is not known here")
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
    automatic = options["upstream_http_protocol_options"] if options["upstream_http_protocol_options"].value is not None else cluster["upstream_http_protocol_options"]
    where = next((each for each in (automatic, options) if each.value is not None), cluster)
    common = context["common_tls_context"]
    combined = common["combined_validation_context"]
    validation = common["validation_context"] or combined["default_validation_context"]
    from_server = common["validation_context_sds_secret_config"] or combined["validation_context_sds_secret_config"]
    if from_server:
        findings.leave_out(f"which authorities {context.path} trusts: Envoy reads them from {from_server['name'].text() or 'a server'} (SDS)")
    unverified = validation["trust_chain_verification"].value in ACCEPT_UNTRUSTED
    if not any(believes(validation, each) for each in AUTHORITIES) and not from_server and not unverified:
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


def destination(findings: Findings, cluster: Place) -> None:
    """Checks that the address of a cluster is not the client's choice."""
    if cluster["type"].value in ("ORIGINAL_DST", 4) or cluster["cluster_type"]["name"].text() == "envoy.clusters.dynamic_forward_proxy":
        if cluster.at("original_dst_lb_config", "use_http_header").value is True:
            findings.error(cluster.at("original_dst_lb_config", "use_http_header"), "the client's x-envoy-original-dst-host says where the request goes, with your key in it: use LOGICAL_DNS and the provider's address")
        elif cluster["type"].value in ("ORIGINAL_DST", 4):
            findings.error(cluster["type"], "ORIGINAL_DST sends to where the client has connected, which is this Envoy, not the provider: use LOGICAL_DNS and the provider's address")


def meant(findings: Findings, reached: list[tuple[Place, Target]]) -> None:
    """Checks that clusters lead to the hosts of their base URLs, as far as a cluster names its host."""
    names: dict[tuple[str, int], tuple[Place, str, list[str]]] = {}
    for cluster, target in reached:
        host = host_of(target.base_url)
        for context in (context for socket in sockets_of(cluster) if (context := tls_context(socket))):
            wrong = wrong_name(cluster, context, host)
            if wrong is not None:
                names.setdefault((wrong[0].file, wrong[0].line), (*wrong, []))[2].append(host)
        for address in addresses(cluster):
            given = address["address"].text().lower()
            if is_provider(given) and is_provider(host) and given != host:
                findings.warn(address["address"], f'the base URL of this provider has the host "{host}", whose certificate is not this one\'s: each request would be 503. Make both the same')
            elif address["port_value"].value == 80 and port_of(target.base_url) != 80:
                findings.warn(address["port_value"], f"80 is the port of http, where no TLS is spoken: write {port_of(target.base_url)}")
    for place, then, hosts in names.values():
        findings.error(place, f"the provider's base URL has the host {' or '.join(dict.fromkeys(hosts))}: {then}")


def host_of(base_url: str) -> str:
    """The host of a URL; empty if it is unreadable."""
    try:
        return (urlsplit(base_url).hostname or "").lower()
    except ValueError:
        return ""


def port_of(base_url: str) -> int:
    """The port of an https URL."""
    try:
        return urlsplit(base_url).port or 443
    except ValueError:          # the filter refuses it
        return 443


def addresses(cluster: Place) -> list[Place]:
    """The addresses of a cluster that Envoy resolves or connects to."""
    return [host["endpoint"]["address"]["socket_address"] for place in cluster.at("load_assignment", "endpoints") for host in place["lb_endpoints"]]


def names_none(names: list[str], host: str) -> bool:
    """Whether there are names of certificates, and none of them is the host's."""
    return bool(names) and bool(host) and not any(each.lower() in (host, wildcard(host)) for each in names)


def wildcard(host: str) -> str:
    """The name of a certificate for all hosts beside this one."""
    return "*." + host.partition(".")[2]


def wrong_name(cluster: Place, context: Place, host: str) -> tuple[Place, str] | None:
    """What in a TLS context names another host, and what follows."""
    automatic = cluster.at("typed_extension_protocol_options", HTTP_OPTIONS, "upstream_http_protocol_options")
    sni = context["sni"]
    if sni.text() and automatic["auto_sni"].value is not True and sni.text().lower() != host:
        return sni, "its requests, keys included, would go to the holder of another certificate. Make both the same, or remove `sni` and use `auto_sni`"
    common = context["common_tls_context"]
    validation = common["validation_context"] or common.at("combined_validation_context", "default_validation_context")
    names = [*validation["match_typed_subject_alt_names"], *validation["match_subject_alt_names"]]
    if names and not any(accepts(each["matcher"] if each["matcher"] else each, host) for each in names):
        return names[0], "no name here is its own, so that either each request fails, or the key goes to another host. Use `auto_san_validation` of the cluster instead"
    return None


def accepts(matcher: Place, host: str) -> bool:
    """Whether a string matcher takes a host, as far as that is known here; a certificate may have a wildcard instead."""
    for member, test in (("exact", str.__eq__), ("prefix", str.startswith), ("suffix", str.endswith), ("contains", str.__contains__)):
        if matcher[member].value is not None:
            return any(test(each, matcher[member].text().lower()) for each in (host, wildcard(host)))
    return True


def believes(validation: Place, member: str) -> bool:
    """Whether a validation context names authorities by this member."""
    if member == "trusted_ca":
        return any(validation[member][each] for each in ("filename", "inline_string", "inline_bytes", "environment_variable"))
    # Authorities of the system need no setting: `{}`.
    return validation[member].value is not None if member == "system_root_certs" else bool(validation[member])


def unverified(findings: Findings, root: Place) -> None:
    """Finds settings that switch the check of certificates off, anywhere."""
    for place in root.all():
        if place.value == "ACCEPT_UNTRUSTED" or (place.value == 1 and place.value is not True and place.is_called("trust_chain_verification")):
            findings.error(place, f"ACCEPT_UNTRUSTED {UNVERIFIED}")
        elif place.value is True and place.is_called("allow_expired_certificate"):
            findings.warn(place, "certificates that are no longer valid pass: remove it")
        elif place.value is True and place.is_called("insecureSkipVerify"):
            findings.error(place, f"insecureSkipVerify {UNVERIFIED}")
