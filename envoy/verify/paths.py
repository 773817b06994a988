"""Resolves clients' paths: which route, and which rule of jwt_authn, takes the requests of each provider first."""

from __future__ import annotations

import re
from typing import Iterable, Iterator

from find import Gateway, name_of
from place import Place

# A bridged path of each provider type, below its name.
EXAMPLES = {
    "anthropic": ("/v1/messages",), "openai": ("/v1/chat/completions", "/v1/responses"), "copilot": ("/chat/completions", "/responses", "/v1/messages"),
    "azure": ("/openai/v1/responses", "/anthropic/v1/messages"), "vertex": ("/projects/p/locations/l/publishers/anthropic/models/m:rawPredict",), "gemini": ("/v1beta/models/m:generateContent",),
}
RUNTIME = ("/model/m/invoke",)


def paths(gateway: Gateway) -> Iterator[tuple[Place, str]]:
    """Paths that clients use, with the provider of each."""
    root = gateway.settings["root"].text().rstrip("/")
    for provider in gateway.enabled():
        runtime = provider.at("bedrock", "mode").value == "runtime"
        for path in RUNTIME if runtime else EXAMPLES.get(provider["type"].text(), ()):
            yield provider, f"{root}/{name_of(provider.value)}{path}"


def matches(match: Place, path: str) -> bool | None:
    """Whether Envoy's match of a route or a rule takes a path; `None` if more than the path decides."""
    taken: bool | None = None
    if match["prefix"].value is not None:
        taken = path.startswith(match["prefix"].text())
    elif match["path"].value is not None:
        taken = path == match["path"].text()
    elif match["path_separated_prefix"].value is not None:
        prefix = match["path_separated_prefix"].text()
        taken = path == prefix or path.startswith(f"{prefix}/")
    elif match["safe_regex"]:
        expression = match.at("safe_regex", "regex").text()
        if not is_cheap(expression):
            return None
        taken = re.fullmatch(expression, path) is not None
    if taken and (match["headers"] or match["query_parameters"]):
        return None
    return taken


def is_cheap(expression: str) -> bool:
    """Whether Python matches an expression against a path in a short time. Python tries one way after the other; Envoy does not."""
    repeats = re.findall(r"(?<!\\)(?:[*+]|\{\d*,?\d*\})", expression)
    options = re.findall(r"(?<![\\(*+?}])\?", expression)
    # The ways to match a repeated group can double with each character of the path.
    if len(expression) > 500 or len(repeats) > 4 or len(repeats) + len(options) > 6 or re.search(r"\)[*+{]", expression):
        return False
    if re.search(r"\\\d|\(\?[=!<]", expression):
        return False
    try:
        re.compile(expression)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def first(entries: Iterable[Place], path: str) -> tuple[Place | None, list[Place]]:
    """The first route or rule that takes a path, and those ahead of it that may take it: more than the path decides."""
    may = []
    for each in entries:
        taken = matches(each["match"], path)
        if taken:
            return each, may
        if taken is None:
            may.append(each)
    return None, may


def entered(gateway: Gateway) -> set[str]:
    """The routes by which clients' requests to the providers can enter, as the paths of their places."""
    if gateway.entered is None:
        gateway.entered = set()
        hosts = [[*host["routes"]] for host in gateway.table["virtual_hosts"]]
        for _, path in paths(gateway):
            for routes in hosts:
                taken, may = first(routes, path)
                gateway.entered |= {each.path for each in (*may, *([taken] if taken else []))}
    return gateway.entered
