"""Finds the filter in a configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

import reading
from base_urls import BASE_URLS
from filter_entry import configuration_of, entry_of, is_native
from place import Findings, Json, Place, place_of
from reading import Document, Node, Unusable


@dataclass
class Gateway:
    """One HTTP connection manager that has the filter."""

    root: Place
    manager: Place
    filters: list[Place]
    at: int                     # the index of the filter in `filters`
    config: Place               # its entry: a PluginConfig, or a DynamicModuleFilter
    plugin: dict[str, Json]     # the filter's configuration; empty if it is unreadable
    source: str = ""            # the text of the file that holds it
    settings: Place = field(default_factory=lambda: Place({}))      # the filter's configuration, with lines
    listener: Place = field(default_factory=lambda: Place({}))
    chain: Place = field(default_factory=lambda: Place({}))
    clusters: dict[str, Place] = field(default_factory=dict)
    table: Place = field(default_factory=lambda: Place({}))         # its routes
    anew: set[str] = field(default_factory=set)         # providers for whose pools a finding says that the names changed
    said: set[str] = field(default_factory=set)         # missing clusters that have a finding already
    entered: set[str] | None = None     # the routes by which requests to the providers can enter

    def native(self) -> bool:
        """Whether a dynamic module is the filter."""
        return is_native(self.config)

    def providers(self) -> list[dict[str, Json]]:
        """The enabled providers."""
        return [each.value for each in self.enabled()]

    def enabled(self) -> list[Place]:
        """The same, with their lines."""
        return enabled(self.settings)

    def cluster_header(self) -> str:
        return str(self.plugin.get("cluster_header") or "x-ai-bridge-cluster").lower()


def enabled(settings: Place) -> list[Place]:
    """The enabled providers of a configuration of the filter."""
    return [each for each in settings["providers"] if isinstance(each.value, dict) and each["enabled"].value is not False]


def name_of(provider: dict[str, Json]) -> str:
    return str(provider.get("name") or provider.get("type"))


@dataclass(frozen=True)
class Target:
    """A cluster that a provider sends to."""

    member: str         # what names it: cluster, byok_cluster
    cluster: str
    base_url: str       # empty if it is not known
    place: Place        # what names it

    def base_url_place(self, provider: Place) -> Place:
        """The place of its base URL: a pool's member may have one of its own."""
        own = self.place["base_url"] if isinstance(self.place.value, dict) else Place(None)
        return own if own.value is not None else provider["base_url"]


def bedrock_base_url(bedrock: object) -> str:
    """The default base URL of a provider on Bedrock, else nothing."""
    if not isinstance(bedrock, dict):
        return ""
    region = bedrock.get("region")
    host = f"bedrock-mantle.{region}.api.aws" if bedrock.get("mode", "native") == "native" else f"bedrock-runtime.{region}.amazonaws.com"
    return f"https://{host}"


def targets(provider: Place) -> list[Target]:
    """The clusters of a provider, each once."""
    given = provider.value
    name = name_of(given)
    base = str(given.get("base_url") or bedrock_base_url(given.get("bedrock")) or BASE_URLS.get(str(given.get("type")), ""))
    found: list[Target] = []
    if isinstance(given.get("pool"), list):
        for each in provider["pool"]:
            if isinstance(each.value, dict):
                found.append(Target("cluster", str(each["cluster"].value or f"{name}-{each['name'].value}"), str(each["base_url"].value or base), each))
    else:
        found.append(Target("cluster", str(given.get("cluster") or name), base, provider["cluster"]))
    own = given.get("byok_cluster")
    if own and str(own) not in [each.cluster for each in found]:
        found.append(Target("byok_cluster", str(own), found[0].base_url if found else base, provider["byok_cluster"]))
    return found


def has_central_key(provider: Json) -> bool:
    """Whether the gateway adds a key of its own."""
    if not isinstance(provider, dict):
        return False
    pool = provider.get("pool")
    keys = [provider.get("key"), *(each.get("key") for each in pool if isinstance(each, dict))] if isinstance(pool, list) else [provider.get("key")]
    return any(isinstance(key, dict) and key and not key.get("none") for key in keys)


def find(findings: Findings, root: Place, document: Document) -> list[Gateway]:
    """Every connection manager that has the filter."""
    found = []
    for listener, chain, manager in connection_managers(findings, root):
        sources = [resolved(findings, each, document) for each in manager["http_filters"]]
        filters = [each for each, _ in sources]
        for at, (each, source) in enumerate(sources):
            config = entry_of(each["typed_config"])
            if config is not None:
                settings = settings_of(findings, config, source)
                plugin = settings.value if isinstance(settings.value, dict) else {}
                found.append(Gateway(root, manager, filters, at, config, plugin, source.source.text, settings, listener, chain, table=route_table(findings, manager)))
    return found


def resolved(findings: Findings, http_filter: Place, document: Document) -> tuple[Place, Document]:
    """A filter, and the document that configures it: its own file (ECDS) if that can be read here, else `document`."""
    discovery = http_filter["config_discovery"]
    if not discovery:
        return http_filter, document
    source = discovery["config_source"]
    name = http_filter["name"].value
    try:
        for own in documents_of(source):
            for each in place_of(own)["resources"]:
                if each["name"].value == name:
                    return each.named(str(name)), own
    except Unusable:
        pass
    findings.leave_out(f"the filter {name!r}: Envoy reads it from {path_of(source) or 'a server'}, which cannot be read here")
    return http_filter, document


def settings_of(findings: Findings, entry: Place, document: Document) -> Place:
    """The filter's configuration in an entry, with the lines of the file; nothing if it is unreadable."""
    given = configuration_of(entry)
    value = given["value"]
    if given.type().endswith("google.protobuf.Struct") and is_native(entry) and isinstance(value.value, dict):
        return value.named("")
    if given.type().endswith("google.protobuf.Struct"):
        findings.error(given.at_name("@type"), "the filter takes one JSON text: use type.googleapis.com/google.protobuf.StringValue; Envoy does not hand a Struct over as JSON")
        return value.named("") if isinstance(value.value, dict) else Place({})
    if not isinstance(value.value, str) or value.node is None:
        findings.error(given.at_name("value"), "not one JSON object: the filter takes its configuration as one JSON text")
        return Place({})
    source = reading.inside(document, value.node)
    inner = Document(Node(None, value.line, None), document.file, source)
    try:
        inner.node = reading.decode(source, inner)
    except json.JSONDecodeError as problem:
        # A comma is missing behind what comes before, which may be in another line.
        at = len(problem.doc[: problem.pos].rstrip()) - 1 if "',' delimiter" in problem.msg else problem.pos
        place = Place(None, value.path, value.file, source.line(max(at, 0)))
        rest = problem.doc[problem.pos :].lstrip()
        before = problem.doc[: problem.pos].rstrip()
        if rest.startswith(("//", "/*", "#")):
            findings.error(place, "not one JSON object: JSON has no comments; write them into the YAML around it")
        elif reading.TEMPLATE.search(value.value):
            findings.error(place, "not one JSON object: a template, to be rendered first")
        elif before.endswith(","):
            findings.error(Place(None, value.path, value.file, source.line(len(before) - 1)), "not one JSON object: a comma without an element behind it")
        else:
            findings.error(place, f"not one JSON object: {problem.msg[:1].lower()}{problem.msg[1:]} (column {at - problem.doc.rfind(chr(10), 0, max(at, 0))} of the JSON)")
        return Place({})
    except ValueError as problem:
        findings.error(value, f"not one JSON object: {problem}")
        return Place({})
    duplicates(findings, inner, "the filter refuses it")
    if not isinstance(inner.node.value, dict):
        findings.error(value, "not one JSON object: it has to begin with `{`")
        return Place({})
    return place_of(inner)


def duplicates(findings: Findings, document: Document, reason: str) -> None:
    """Reports members that come twice."""
    for name, first, second in document.twice:
        findings.error(Place(None, name, document.file, second), f"comes twice in one object, first in line {first}: {reason}; remove one of them")


def connection_managers(findings: Findings | None, root: Place) -> Iterator[tuple[Place, Place, Place]]:
    """Every HTTP connection manager, with its listener and its filter chain."""
    for listener in listeners(findings, root):
        for chain in [*listener["filter_chains"], listener["default_filter_chain"]]:
            for network_filter in chain["filters"]:
                if network_filter["typed_config"].type().endswith("HttpConnectionManager"):
                    yield listener, chain, network_filter["typed_config"]


def listeners(findings: Findings | None, root: Place) -> Iterator[Place]:
    """The listeners of a configuration, and those of the file that it names."""
    yield from root.at("static_resources", "listeners")
    yield from discovered(findings, root, "lds_config", "listener.v3.Listener", "the listeners")


def discovered(findings: Findings | None, root: Place, member: str, kind: str, what: str) -> Iterator[Place]:
    """Resources that Envoy reads from a file or a server."""
    source = root.at("dynamic_resources", member)
    if not source:
        return
    try:
        yield from (each for each in resources_of(source) if each.type().endswith(kind))
    except Unusable:
        if findings is not None:
            findings.leave_out(f"{what}: Envoy reads them from {path_of(source) or 'a server'} (dynamic_resources.{member}), which cannot be read here")


def path_of(source: Place) -> str:
    """The file that a config source names; empty: a server."""
    return source.at("path_config_source", "path").text() or source["path"].text()


def documents_of(source: Place) -> Iterator[Document]:
    """The documents in the file that a config source names. Raises `Unusable` if there is no such file here."""
    if not path_of(source):
        raise Unusable("a server")
    yield from reading.read(Path(path_of(source)))


def resources_of(source: Place) -> Iterator[Place]:
    """The resources in the file that a config source names. Raises `Unusable` if there is no such file here."""
    for document in documents_of(source):
        yield from place_of(document)["resources"]


def route_table(findings: Findings, manager: Place) -> Place:
    """The routes of a connection manager, also those in a file; nothing if they cannot be read here."""
    if manager["route_config"]:
        return manager["route_config"]
    source = manager.at("rds", "config_source")
    path, name = path_of(source), manager.at("rds", "route_config_name").text()
    try:
        for each in resources_of(source):
            if each.type().endswith("RouteConfiguration") and each["name"].text() == name:
                return each
    except Unusable:
        pass
    findings.leave_out(f"the routes: Envoy reads them from {path or 'a server'} ({'rds' if manager['rds'] else 'scoped_routes'})" + (", which cannot be read here" if path else ""))
    return Place({})


def leads(route: Place, header: str) -> bool:
    """Whether a route sends to the cluster that this header names, all requests or some."""
    action = route["route"]
    return any(each["cluster_header"].text().lower() == header for each in (action, *action.at("weighted_clusters", "clusters")))


def override(level: Place, name: str) -> Place | None:
    """What this level of the routes configures for the HTTP filter of this name; `None`: nothing."""
    given = level["typed_per_filter_config"]
    return given[name] if name in given.members() else None


def route_levels(table: Place) -> Iterator[Place]:
    """Every level at which a route's settings may be: the table, its hosts, their routes."""
    yield table
    for host in table["virtual_hosts"]:
        yield host
        yield from host["routes"]
