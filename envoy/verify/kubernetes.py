"""Checks resources of Istio, Envoy Gateway and Kubernetes together, with the values for their charts, as one gateway."""

from __future__ import annotations

import secret
from bootstrap import Options
from documents import Kind, kind_of
from envoy_gateway import envoy_gateway
from find import duplicates
from istio import istio
from compose import compose
from limits import Served
from patterns import patterns
from place import Findings, Place, place_of
from prices import age
from reading import Document, Unusable
from resources import Resources, resource_file
from tls import unverified

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
    if plugins:
        if options.runs_envoy:
            findings.skipped.append("the filter's own check of its configuration, and what the control plane makes of these resources: only the gateway itself does that")
        else:
            findings.skipped.append("Envoy's own check, and the filter's of its configuration: as asked")


def settings(findings: Findings, place: Place, document: Document, options: Options) -> None:
    """Checks the filter's configuration by itself."""
    patterns(findings, place)
    age(findings, place["prices"], document.source.text, options.prices_of, options.today)


def environment(findings: Findings, found: Resources) -> None:
    """Checks that the filter may read the variables that it names, and that the pod has them."""
    for _, plugin in found.plugins():
        names = secret.listed(findings, plugin.variables)
        secret.variables(findings, plugin.settings, names, plugin.variables_place)
        given = [each["name"] for values in found.values for member in ("envVarFrom", "env") for each in values[member]]
        plain = {name for values in found.values for name in values["env"].members()}
        if not given and not plain:
            continue
        for name in plugin.variables:
            if name.text() in names and name.text() not in {each.text() for each in given} | plain:
                findings.error(name, f"{name.text()} is in no variable of the pod (`envVarFrom` of {found.values[0].file}), so the filter refuses its configuration: add it there")
    for values in found.values:
        for each in values["envVarFrom"]:
            secret.typed(findings, each["name"], each["name"].text()) if each["name"].text() else None
        for name, value in values["env"].each():
            if value.text() and secret.KEY.search(value.text()) and not secret.EXAMPLE.search(value.text()):
                findings.error(value, f"the secret of {name} is typed into the file: take it from a Secret (`envVarFrom`), and make a new key")


__all__ = ["Unusable", "check"]
