"""Says what a document is, and finds documents inside of others."""

from __future__ import annotations

from enum import Enum, auto
from typing import Iterator

import reading
from place import Place, place_of
from reading import Document, Unusable


class Kind(Enum):
    """What a document is."""

    ENVOY = auto()              # a complete configuration
    RESOURCES = auto()          # what Envoy reads from a file (LDS, CDS, ECDS)
    LIMITS = auto()             # of the rate limit service
    KUBERNETES = auto()
    COMPOSE = auto()
    HELM = auto()               # values for charts
    PLUGIN = auto()             # the filter's configuration alone
    PRICES = auto()             # a list that `make prices` has written
    UNKNOWN = auto()


VALUES = {"meshConfig", "envVarFrom", "podAnnotations", "extensionProviders", "pathNormalization"}


def kind_of(root: Place) -> Kind:
    members = set(root.members())
    if root.at("static_resources", "listeners") or root["dynamic_resources"]:
        return Kind.ENVOY
    if {"apiVersion", "kind"} <= members:
        return Kind.KUBERNETES
    if "resources" in members and any(each.type() for each in root["resources"]):
        return Kind.RESOURCES
    if "descriptors" in members:
        return Kind.LIMITS
    if isinstance(root["services"].value, dict):
        return Kind.COMPOSE
    if members & VALUES or root.at("config", "envoyGateway"):
        return Kind.HELM
    if {"date", "prices"} <= members:
        return Kind.PRICES
    if "providers" in members:
        return Kind.PLUGIN
    if {"gateway", "provider"} <= members or "gateway" in members and "extensionApis" in members:
        return Kind.HELM
    return Kind.UNKNOWN


def pieces(document: Document) -> Iterator[Document]:
    """A document, or what it consists of: the items of a List, the files of a ConfigMap that are configurations."""
    root = place_of(document)
    if root["kind"].value == "List" and root["apiVersion"]:
        for item in root["items"]:
            if item.node is not None:
                yield from pieces(Document(item.node, document.file, document.source, document.twice, document.merges))
        return
    found = []
    if root["kind"].value == "ConfigMap" and root["apiVersion"].value == "v1":
        for name, text in root["data"].each():
            if not text.text() or text.node is None or not name.endswith((".yaml", ".yml", ".json")):
                continue
            try:
                found += [each for each in reading.parse(reading.inside(document, text.node), document.file) if kind_of(place_of(each)) is not Kind.UNKNOWN]
            except Unusable:
                continue
    yield from found or [document]
