"""Checks the filter on an Istio gateway."""

from __future__ import annotations

import difflib
from urllib.parse import urlsplit

import istio_and_envoy_gateway as both
from authentication import Named, is_named
from find import Target, enabled, has_central_key, targets
from module import file_of_module
from options import Options
from place import Findings, Place
from pools import pools_of_resources
from resources import Plugin, Resources
from routing import LONG_ANSWER_SECONDS, announced_too_early, seconds
from tls import host_of


def istio(findings: Findings, found: Resources, options: Options) -> None:
    """Checks every WasmPlugin and TrafficExtension that is the filter, and what it needs."""
    plugins = [plugin for _, plugin in found.plugins() if plugin.istio]
    for plugin in plugins:
        loading(findings, plugin, options)
        phase(findings, plugin, found)
    if len(plugins) > 1:
        findings.warn(plugins[1].place, f"the filter is loaded twice, here and in {plugins[0].place.file}:{plugins[0].place.line}: use one of the two")
    for plugin in plugins[:1]:
        header = str(plugin.settings["cluster_header"].value or "x-ai-bridge-cluster").lower()
        for provider in enabled(plugin.settings):
            for target in targets(provider) if not isinstance(provider["pool"].value, list) else ():
                way(findings, found, provider, target, header)
        pools_of_resources(findings, plugin, found)
        callers(findings, found, plugin)


def loading(findings: Findings, plugin: Plugin, options: Options) -> None:
    spec = plugin.place
    url = spec["url"]
    if spec["failStrategy"].value == "FAIL_OPEN":
        findings.error(spec["failStrategy"], "FAIL_OPEN lets requests past the filter when its VM has stopped: use FAIL_RELOAD")
    elif spec["failStrategy"].value != "FAIL_RELOAD":
        findings.warn(spec.at_name("failStrategy"), "with FAIL_RELOAD a VM that has stopped is replaced; without it every request fails from then on")
    if not url.text():
        findings.error(spec, "no `url`: nothing is loaded")
    elif url.text().startswith("file://"):
        file_of_module(findings, url, urlsplit(url.text()).path, options.wasm)
    else:
        both.digest(findings, url, spec["sha256"], url.text().startswith("http"))


def phase(findings: Findings, plugin: Plugin, found: Resources) -> None:
    for kind in ("WasmPlugin", "TrafficExtension"):
        for root in found.all(kind):
            place = root.at("spec", "phase")
            spec = root["spec"] if kind == "WasmPlugin" else root.at("spec", "wasm")
            if spec.line == plugin.place.line and spec.file == plugin.place.file and place.value in ("AUTHN", "AUTHZ"):
                findings.error(place, f"with {place.value} the filter stands in front of authentication and authorization, which then see the provider's path and not the caller's credentials: use STATS")


def way(findings: Findings, found: Resources, provider: Place, target: Target, header: str) -> None:
    """Checks the way of a provider's requests: route, host, TLS, circuit breaker."""
    services = found.all("VirtualService")
    if not services:
        findings.leave_out("the routes to the providers, their TLS and their circuit breakers: no VirtualService among the files")
        return
    matching = [
        (service, route) for service in services for route in service.at("spec", "http")
        if any(match.at("headers", header, "exact").value == target.cluster for match in route["match"])
    ]
    for _, route in both.first_route(findings, matching, "route", services[0].at("spec").at_name("http"), header, target, provider):
        both.removes_header(findings, route.at_name("headers"), [*route.at("headers", "request", "remove"), *(each for destination in route["route"] for each in destination.at("headers", "request", "remove"))], header)
        if 0 < (seconds(route["timeout"].value, 0.0) or 0) < LONG_ANSWER_SECONDS:
            findings.warn(route.at_name("timeout"), "a short timeout cuts long answers: leave it out, which is none")
        for destination in route["route"]:
            host = destination.at("destination", "host").text()
            subset = destination.at("destination", "subset").text()
            tls(findings, found, destination, host, subset, provider, target)


def tls(findings: Findings, found: Resources, destination: Place, host: str, subset: str, provider: Place, target: Target) -> None:
    rules = [each for each in found.all("DestinationRule") if each.at("spec", "host").text() == host]
    entries = [each for each in found.all("ServiceEntry") if host in [str(name.value) for name in each.at("spec", "hosts")]]
    if found.all("ServiceEntry") and not entries and "." in host and not host.endswith(".svc.cluster.local"):
        # A name that no route uses is the one that is mistyped.
        used = {each.at("destination", "host").text() for service in found.all("VirtualService") for route in service.at("spec", "http") for each in route["route"]}
        idle = [name for each in found.all("ServiceEntry") for name in each.at("spec", "hosts") if name.text() not in used and difflib.get_close_matches(host, [name.text()])]
        findings.error(idle[0] if idle else destination.at("destination", "host"), f"no ServiceEntry has {host}: its requests would be 503")
        return
    if not rules and found.all("DestinationRule"):
        idle = [each.at("spec", "host") for each in found.all("DestinationRule") if difflib.get_close_matches(host, [each.at("spec", "host").text()], cutoff=0.9)]
        if idle:
            findings.error(idle[0], f"no DestinationRule is for {host}, so that its requests, keys included, go in clear text: correct the host")
            return
    secure = target.base_url.lower().startswith("https://")
    if not found.all("DestinationRule") and not found.all("ServiceEntry"):
        findings.leave_out("the TLS to the providers: neither DestinationRule nor ServiceEntry among the files")
        return
    policy = Place(None)
    for rule in rules:
        policy = rule.at("spec", "trafficPolicy")
        named = next((each for each in rule.at("spec", "subsets") if each["name"].value == subset), None) if subset else None
        if subset and named is None:
            findings.error(destination.at("destination", "subset"), f'{rule.file}:{rule.line} has no subset "{subset}": its requests would be 503')
        if named is not None and named.at("trafficPolicy", "tls"):
            policy = named["trafficPolicy"]
        elif named is not None and named["trafficPolicy"]:
            merged = {**(policy.value if isinstance(policy.value, dict) else {}), **(named["trafficPolicy"].value if isinstance(named["trafficPolicy"].value, dict) else {})}
            policy = named["trafficPolicy"] if not policy["tls"] else Place(merged, policy.path, policy.file, policy.line, policy.node)
    given = policy["tls"] or next((each["tls"] for each in policy["portLevelSettings"] if each["tls"]), Place(None))
    place = given if given.value is not None else policy if policy.value is not None else rules[0]["spec"] if rules else entries[0]["spec"] if entries else destination
    if secure:
        if str(given["mode"].value) not in ("SIMPLE", "MUTUAL"):
            findings.error(place, f"without TLS the requests to {host}, keys included, go in clear text, though the base URL is https: add `tls: {{ mode: SIMPLE, sni: {host}, subjectAltNames: [ {host} ] }}` to the trafficPolicy of its DestinationRule")
        elif both.another_host(findings, given["sni"], given["subjectAltNames"], [each.text() for each in given["subjectAltNames"]], host_of(target.base_url)):
            pass                # said
        elif not given["sni"].text():
            findings.error(given, f"no SNI: add `sni: {host}`; whether Istio adds one itself depends on its version and settings")
        elif not given["subjectAltNames"]:
            findings.error(given, f"no check of the certificate's name: add `subjectAltNames: [ {host} ]`; whether Istio adds one itself depends on its version and settings")
    detection = policy["outlierDetection"]
    if detection:
        announced_too_early(findings, detection, detection["baseEjectionTime"], detection["interval"], provider)
        if detection["maxEjectionPercent"].value != 100:
            findings.error(detection.at_name("maxEjectionPercent"), "a cluster of one host has to allow 100 percent, else its circuit never opens")


def callers(findings: Findings, found: Resources, plugin: Plugin) -> None:
    """Checks who authenticates callers, and who names them."""
    named = Named()
    for root in found.all("RequestAuthentication"):
        for rule in root.at("spec", "jwtRules"):
            for claim in rule["outputClaimToHeaders"]:
                named.headers.add(claim["header"].text().lower())
                named.claims.setdefault(claim["claim"].text(), []).append(claim["header"].text().lower())
            named.headers.add(rule["outputPayloadToHeader"].text().lower())
    named.headers.discard("")
    removed: set[str] = set()
    for root in found.all("EnvoyFilter"):
        for place in root.all():
            if place.is_called("remove") and "early_header_mutation_extensions" in place.path:
                removed.add(place.text().lower())
            if place.is_called("header_name") and "claim_to_headers" in place.path:
                named.headers.add(place.text().lower())
            if place.text().startswith("type.googleapis.com/envoy.extensions.filters.http.") and any(f".{kind}." in place.text() for kind in ("ext_authz", "ext_proc", "lua", "golang")):
                named.programs.append(Place({"name": root.at("metadata", "name").value}))
    policies = found.all("AuthorizationPolicy")
    named.programs += [Place({"name": each.at("metadata", "name").value}) for each in policies if each.at("spec", "action").value == "CUSTOM"]
    where = found.all("EnvoyFilter")[0]["spec"] if found.all("EnvoyFilter") else plugin.place
    guarded = bool(policies or named.programs)
    is_named(findings, plugin.settings["actor"], named, removed, where, guarded or bool(found.all("RequestAuthentication")), plugin.place)
    gateways = [each for each in found.all("Gateway") if "istio" in each["apiVersion"].text()]
    mutual = bool(gateways) and all(server.at("tls", "mode").value in ("MUTUAL", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL") for each in gateways for server in each.at("spec", "servers"))
    if guarded or mutual or not any(has_central_key(each.value) for each in enabled(plugin.settings)):
        return
    if plugin.settings.at("actor", "required").value is True:
        return
    if not gateways:
        findings.leave_out("who may use the keys: no Gateway, AuthorizationPolicy or RequestAuthentication among the files")
        return
    only = " (a RequestAuthentication alone lets requests without a token pass)" if found.all("RequestAuthentication") else ""
    findings.warn(gateways[0].at("spec", "servers"), f"anyone who reaches this gateway uses your keys, because no AuthorizationPolicy stands in front of the filter{only}: add a RequestAuthentication and an AuthorizationPolicy")
