"""Checks resources of Istio, Envoy Gateway and Kubernetes together, with the values for their charts, as one gateway."""

from __future__ import annotations

import secret
from budgets import Limit, answered
from compose import compose
from documents import Kind, kind_of
from envoy_gateway import envoy_gateway
from find import duplicates, enabled, targets
from istio import istio
from limits import Served
from options import Options
from patterns import patterns
from place import Findings, Place, place_of
from prices import age
from reading import Document
from resources import Resources, resource_file
from tls import host_of, is_provider, is_public, unverified
from validate import filter_validates
from values import named

MIRROR = "the mirror gets every prompt, and the key that the filter has put in (only an `external` key is not in the copy): remove it from the way of these requests"
# Kinds in which nothing of the gateway can be wrong that this program knows of.
PLAIN = {"Namespace", "ServiceAccount", "Service", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Secret", "PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy", "ReferenceGrant", "EnvoyGateway", "PodMonitor", "ServiceMonitor"}
# Kinds that one of the checks reads.
READ = {
    "WasmPlugin", "TrafficExtension", "VirtualService", "DestinationRule", "ServiceEntry", "Gateway", "EnvoyFilter", "Telemetry", "RequestAuthentication", "AuthorizationPolicy",
    "EnvoyExtensionPolicy", "HTTPRoute", "HTTPRouteFilter", "Backend", "BackendTLSPolicy", "BackendTrafficPolicy", "ClientTrafficPolicy", "SecurityPolicy", "EnvoyPatchPolicy", "EnvoyProxy", "GatewayClass",
}


def check(findings: Findings, documents: list[Document], served: list[Served], options: Options) -> None:
    """Checks these documents. Raises `Unusable` if there is nothing of this filter in them."""
    found = Resources()
    others: list[tuple[Kind, Document]] = []
    for document in documents:
        duplicates(findings, document, "which one counts is not certain")
        root = place_of(document)
        unverified(findings, root)
        kind = kind_of(root)
        if kind is Kind.KUBERNETES:
            found.add(root, document)
        elif kind is Kind.HELM:
            found.values.append(root)
        else:
            others.append((kind, document))
    for kind, document in others:
        root = place_of(document)
        if kind is Kind.COMPOSE:
            compose(findings, root, options)
        elif kind is Kind.PLUGIN:
            settings(findings, root, document, options)
            if options.runs_envoy:
                filter_validates(findings, root, options)
            findings.leave_out(f"everything around the filter's configuration: {document.file} has nothing else")
        else:
            resource_file(findings, root, document, options)
    if not found.any() and not found.values:
        return
    plugins = found.plugins()
    for name, places in found.of.items():
        if name not in READ and name not in PLAIN:
            for place in places:
                findings.leave_out(f"{name} {place.at('metadata', 'name').text()} ({place.file}:{place.line}): this program does not know the kind")
    if not plugins:
        if found.any():
            findings.leave_out("the filter: no WasmPlugin, TrafficExtension or EnvoyExtensionPolicy among the files loads it, so most of the rest has nothing to be compared with")
        else:
            findings.leave_out("Helm values: give the resources of the gateway as well")
    for document, plugin in plugins:
        settings(findings, plugin.settings, document, options)
        if not plugin.settings:
            findings.error(plugin.place, "no configuration of the filter: it needs `providers`")
    istio(findings, found, options)
    envoy_gateway(findings, found)
    environment(findings, found)
    for root in (each for places in found.of.values() for each in places):
        if plugins:
            named(findings, root.texts(), plugins[0][1].settings)
        copies(findings, root)
        rate_limits(findings, root, served)
    if plugins and not options.runs_envoy:
        findings.skipped.append("Envoy's own check, and the filter's of its configuration: as asked")
    for _, plugin in plugins if options.runs_envoy else []:
        if plugin.settings:
            filter_validates(findings, plugin.settings, options)


def settings(findings: Findings, place: Place, document: Document, options: Options) -> None:
    """Checks the filter's configuration by itself."""
    patterns(findings, place)
    for provider in enabled(place):
        for target in targets(provider):
            if is_public(target.base_url):
                report = findings.error if is_provider(host_of(target.base_url)) else findings.warn
                report(target.base_url_place(provider), "http, so that this program asks for no TLS to this host: write https, unless it is in a network of your own")
    age(findings, place["prices"], document.source.text, options.prices_of, options.today)


def copies(findings: Findings, root: Place) -> None:
    """Finds what sends a request, with its prompt and its key, to somebody else as well."""
    ours = root["kind"].text() in ("EnvoyFilter", "EnvoyPatchPolicy", "BackendTrafficPolicy")
    for place in root.all():
        mirrors = place.is_called("request_mirror_policies") or (place.is_called("path") and place.text().rstrip("/-0123456789").endswith("request_mirror_policies"))
        redirects = place.is_called("internal_redirect_policy") or (place.is_called("path") and "internal_redirect_policy" in place.text())
        if mirrors and ours and place:
            findings.error(place, MIRROR)
        elif redirects and ours and place.value is not None:
            findings.error(place, "a redirect of a provider would be followed inside of Envoy, so that the key could reach another application: remove it; the client gets the 3xx")
    if root["kind"].value == "VirtualService":
        for route in root.at("spec", "http"):
            if any(name.lower() == "x-ai-bridge-cluster" for match in route["match"] for name in match["headers"].members()):
                for member in ("mirror", "mirrors"):
                    if route[member]:
                        findings.error(route.at_name(member), MIRROR)
    if root["kind"].value == "HTTPRoute":
        for rule in root.at("spec", "rules"):
            if any(each["name"].text().lower() == "x-ai-bridge-cluster" for match in rule["matches"] for each in match["headers"]):
                for each in rule["filters"]:
                    if each["type"].value == "RequestMirror":
                        findings.error(each, MIRROR)


def rate_limits(findings: Findings, root: Place, served: list[Served]) -> None:
    """Checks the rate limit filters and limits that patches of Envoy's configuration bring."""
    patches = [*root.at("spec", "configPatches")]
    for patch in patches:
        value = patch.at("patch", "value")
        if value["typed_config"].type().endswith("http.ratelimit.v3.RateLimit"):
            limits = [limit for place in root.all() if place.type().endswith("RateLimitPerRoute") for limit in map(Limit.of, place["rate_limits"])]
            limits += [*map(Limit.of, value.at("typed_config", "rate_limits"))]
            answered(findings, value["typed_config"], limits, served)
            if any(limit.is_ours() for limit in limits) and patch.at("patch", "operation").value == "INSERT_FIRST":
                findings.error(patch.at("patch", "operation"), "the rate limit filter would stand in front of AI Bridge, where none of its values are known: insert it before the router")


def environment(findings: Findings, found: Resources) -> None:
    """Checks that the filter may read the variables that it names, and that the pod has them."""
    for _, plugin in found.plugins():
        names = {secret.ANY} if plugin.native else secret.listed(findings, plugin.variables)
        for entry in plugin.place.at("vmConfig", "env"):
            secret.written(findings, entry["value"])
        secret.variables(findings, plugin.settings, names, plugin.variables_place)
        given = [each["name"] for values in found.values for member in ("envVarFrom", "env") for each in values[member]]
        plain = {name for values in found.values for name in values["env"].members()}
        if not given and not plain:
            continue
        used = {str(holder.at("key", "env").value) for provider in plugin.settings["providers"] for holder in (provider, *provider["pool"])}
        for name in plugin.variables:
            if name.text() in used and name.text() in names and name.text() not in {each.text() for each in given} | plain:
                findings.error(name, f"{name.text()} is in no variable of the pod (`envVarFrom` of {found.values[0].file}), so the filter refuses its configuration: add it there")
    for values in found.values:
        for each in values["envVarFrom"]:
            secret.typed(findings, each["name"], each["name"].text()) if each["name"].text() else None
        for name, value in values["env"].each():
            if value.text() and secret.KEY.search(value.text()) and not secret.EXAMPLE.search(value.text()):
                findings.error(value, f"the secret of {name} is typed into the file: take it from a Secret (`envVarFrom`), and make a new key")
