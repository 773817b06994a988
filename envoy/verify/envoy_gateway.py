"""Checks the filter on Envoy Gateway."""

from __future__ import annotations

import istio_and_envoy_gateway as both
from authentication import Named, is_named
from find import Target, enabled, has_central_key, targets
from place import Findings, Place
from pools import pools_of_resources
from resources import Plugin, Resources
from routing import announced_too_early
from tls import host_of, is_provider

AUTHENTICATION = ("jwt", "apiKeyAuth", "basicAuth", "extAuth", "oidc")
FILTERS = ("jwt_authn", "ext_authz", "api_key_auth", "basic_auth", "oauth2")


def envoy_gateway(findings: Findings, found: Resources) -> None:
    """Checks every EnvoyExtensionPolicy that loads the filter, and what it needs."""
    for _, plugin in found.plugins():
        if plugin.istio:
            continue
        loading(findings, plugin, found)
        header = str(plugin.settings["cluster_header"].value or "x-ai-bridge-cluster").lower()
        for provider in enabled(plugin.settings):
            for target in targets(provider) if not isinstance(provider["pool"].value, list) else ():
                way(findings, found, provider, target, header)
        pools_of_resources(findings, plugin, found)
        callers(findings, found, plugin)
        order(findings, found)


def loading(findings: Findings, plugin: Plugin, found: Resources) -> None:
    spec = plugin.place
    if spec["failOpen"].value is True:
        findings.error(spec["failOpen"], "with failOpen requests pass without the filter when it cannot be loaded: use false")
    if not plugin.native and spec["rootID"].value != "ai_bridge":
        findings.warn(spec.at_name("rootID"), "expected `rootID: ai_bridge`")
    if plugin.native:
        listed = [each["name"].text() for proxy in found.all("EnvoyProxy") for each in proxy.at("spec", "dynamicModules")]
        if not found.all("EnvoyProxy"):
            findings.leave_out("whether Envoy Gateway knows the dynamic module: no EnvoyProxy with `dynamicModules` among the files")
        elif spec["name"].text() not in listed:
            findings.error(spec.at_name("name"), f'no EnvoyProxy lists the dynamic module "{spec["name"].text()}" in `dynamicModules`: nothing is loaded')
        if spec["filterName"].value != "ai_bridge":
            findings.error(spec.at_name("filterName"), "expected `filterName: ai_bridge`: the module refuses another name")
        return
    code = spec["code"]["http" if spec.at("code", "http", "url") else "image"]
    both.digest(findings, code, code["sha256"], pinned=code.is_called("http"))


def way(findings: Findings, found: Resources, provider: Place, target: Target, header: str) -> None:
    """Checks the way of a provider's requests: route, backend, TLS, circuit breaker."""
    routes = found.all("HTTPRoute")
    if not routes:
        findings.leave_out("the routes to the providers, their TLS and their circuit breakers: no HTTPRoute among the files")
        return
    matching = [
        (route, rule) for route in routes for rule in route.at("spec", "rules")
        if any(each["name"].text().lower() == header and each["value"].value == target.cluster for match in rule["matches"] for each in match["headers"])
    ]
    for route, rule in both.first_route(findings, matching, "HTTPRoute", routes[0].at("spec"), header, target, provider):
        both.removes_header(findings, rule.at_name("filters"), [name for each in rule["filters"] for name in each.at("requestHeaderModifier", "remove")], header)
        for reference in rule["backendRefs"]:
            if target.base_url.lower().startswith("https://"):
                tls(findings, found, reference, host_of(target.base_url))
        breaker(findings, found, route, provider)


def tls(findings: Findings, found: Resources, reference: Place, host: str) -> None:
    name, kind = reference["name"].text(), reference["kind"].text() or "Service"
    backend = next((each for each in found.all("Backend") if each.at("metadata", "name").value == name), None)
    if kind == "Backend" and backend is None:
        if found.all("Backend"):
            findings.error(reference, f'no Backend is called "{name}": its requests would be 500')
        else:
            findings.leave_out("the TLS to the providers: no Backend among the files")
        return
    policies = [
        each for each in found.all("BackendTLSPolicy")
        if any(ref["name"].value == name and (ref["kind"].text() or "Service") == kind for ref in [*each.at("spec", "targetRefs"), each.at("spec", "targetRef")])
    ]
    own = backend.at("spec", "tls") if backend is not None else Place(None)
    if not policies and not own:
        findings.error(
            (backend if backend is not None else reference)["spec"] if backend is not None else reference,
            "without TLS the requests of this provider, keys included, go in clear text, though its base URL is https: add a BackendTLSPolicy with `validation: { hostname: …, wellKnownCACertificates: System }`",
        )
    for policy in policies:
        validation = policy.at("spec", "validation")
        if not validation["hostname"].text():
            findings.error(validation if validation.value is not None else policy["spec"], "no `hostname`: neither SNI nor the certificate's name is known: add it")
        else:
            names = [each["hostname"].text() for each in validation["subjectAltNames"] if each["hostname"].text()]
            both.another_host(findings, validation["hostname"], validation["subjectAltNames"], names, host)
        if not validation["wellKnownCACertificates"].text() and not validation["caCertificateRefs"]:
            findings.error(validation if validation.value is not None else policy["spec"], "no certificate authority, so any certificate is believed, or none: add `wellKnownCACertificates: System`")
    for endpoint in backend.at("spec", "endpoints") if backend is not None else ():
        name = endpoint.at("fqdn", "hostname")
        if is_provider(name.text().lower()) and is_provider(host) and name.text().lower() != host:
            findings.warn(name, f"the base URL of this provider has the host {host}, whose certificate is not this one's: each request would be 503. Make both the same")
    if own and not policies and not own["wellKnownCACertificates"].text() and not own["caCertificateRefs"] and own["insecureSkipVerify"].value is not True:
        findings.error(own, "no certificate authority: add `wellKnownCACertificates: System`")


def breaker(findings: Findings, found: Resources, route: Place, provider: Place) -> None:
    name = route.at("metadata", "name").value
    for policy in found.all("BackendTrafficPolicy"):
        if not any(ref["name"].value == name for ref in [*policy.at("spec", "targetRefs"), policy.at("spec", "targetRef")]):
            continue
        check = policy.at("spec", "healthCheck")
        passive = check["passive"]
        if not passive:
            continue
        announced_too_early(findings, passive, passive["baseEjectionTime"], passive["interval"], provider, 3.0)
        if passive["maxEjectionPercent"].value != 100:
            findings.error(passive.at_name("maxEjectionPercent"), "a provider is one host and needs 100 percent, else its circuit never opens")
        if check["panicThreshold"].value != 0:
            findings.error(check.at_name("panicThreshold"), "a provider is one host and needs 0, else Envoy goes on using the host that it has taken out")


def callers(findings: Findings, found: Resources, plugin: Plugin) -> None:
    """Checks who authenticates callers, and who names them."""
    named, guards = Named(), []
    for root in found.all("SecurityPolicy"):
        spec = root["spec"]
        if any(spec[member] for member in (*AUTHENTICATION, "authorization")):
            guards.append(root)
        for provider in spec.at("jwt", "providers"):
            for claim in provider["claimToHeaders"]:
                named.headers.add(claim["header"].text().lower())
                named.claims.setdefault(claim["claim"].text(), []).append(claim["header"].text().lower())
        named.headers.add(spec.at("apiKeyAuth", "forwardClientIDHeader").text().lower())
        named.headers.add(spec.at("basicAuth", "forwardUsernameHeader").text().lower())
        named.headers |= {str(each.value).lower() for each in spec.at("extAuth", "http", "headersToBackend")}
        if spec.at("extAuth", "grpc") or spec["oidc"]:
            named.programs.append(Place({"name": root.at("metadata", "name").value}))
    named.headers.discard("")
    policies = found.all("ClientTrafficPolicy")
    removed = {str(each.value).lower() for policy in policies for each in policy.at("spec", "headers", "earlyRequestHeaders", "remove")}
    where = policies[0].at("spec", "headers") if policies and policies[0].at("spec", "headers") else policies[0]["spec"] if policies else plugin.place
    is_named(findings, plugin.settings["actor"], named, removed, where, bool(guards), plugin.place)
    mutual = any(policy.at("spec", "tls", "clientValidation") for policy in policies)
    if guards or mutual or plugin.settings.at("actor", "required").value is True or not any(has_central_key(each.value) for each in enabled(plugin.settings)):
        return
    gateways = [each for each in found.all("Gateway") if "gateway.networking.k8s.io" in each["apiVersion"].text()]
    if not gateways:
        findings.leave_out("who may use the keys: neither Gateway nor SecurityPolicy among the files")
        return
    findings.warn(gateways[0].at("spec", "listeners"), "anyone who reaches this gateway uses your keys, because no SecurityPolicy stands in front of the filter: add one with `jwt`, `apiKeyAuth` or `extAuth`")


def order(findings: Findings, found: Resources) -> None:
    """Checks that no one moved authentication behind the filter, or rate limits in front of it."""
    for proxy in found.all("EnvoyProxy"):
        for each in proxy.at("spec", "filterOrder"):
            name, before, after = (each[member].text().removeprefix("envoy.filters.http.") for member in ("name", "before", "after"))
            if (name in FILTERS and after == "wasm") or (name == "wasm" and before in FILTERS):
                findings.error(each, "this puts authentication behind AI Bridge, which has replaced the caller's credentials by then: leave the order as it is")
            if (name == "ratelimit" and before == "wasm") or (name == "wasm" and after == "ratelimit"):
                findings.error(each, "this puts the rate limits in front of AI Bridge, where none of its values are known: leave the order as it is")
