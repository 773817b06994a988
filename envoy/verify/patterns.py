"""Checks base URLs, patterns of models, and the order of prices in the filter's configuration."""

from __future__ import annotations

import re
from typing import Iterator
from urllib.parse import urlsplit

from place import Findings, Place

REGEX = re.compile(r"\\[-.dwsbSDW]|\.\*|\.\+|^\^|\$$|\[[^\]]*\]|\([^)]*\)|\{\d+(?:,\d*)?\}|\||\?")
# Hosts whose OpenAI routes begin elsewhere.
WITHOUT_VERSION = ("chatgpt.com", "api.perplexity.ai", "api.deepseek.com")


def patterns(findings: Findings, settings: Place) -> None:
    """Checks what the filter itself accepts but is probably not meant."""
    for place in lists(settings):
        for each in place:
            if each.text() and REGEX.search(each.text()):
                findings.warn(each, f'"{each.text()[:80]}" looks like a regular expression, but in patterns only `*` has a meaning (any text): write it with `*`')
    for member in settings["providers"]:
        for pool in member["pool"]:
            for name, value in pool["models"].each():
                if REGEX.search(name):
                    findings.warn(value, f'"{name[:80]}" looks like a regular expression, but in patterns only `*` has a meaning (any text)')
        versions(findings, member)
        twice(findings, member)
    order(findings, settings["prices"])


def lists(settings: Place) -> Iterator[Place]:
    for provider in settings["providers"]:
        yield provider.at("models", "allow")
        yield provider.at("models", "deny")
    for price in settings["prices"]:
        yield price["models"]


def versions(findings: Findings, provider: Place) -> None:
    """Warns of an OpenAI base URL that has no version in its path."""
    if provider["type"].value != "openai":
        return
    for place in (provider["base_url"], *(each["base_url"] for each in provider["pool"])):
        try:
            url = urlsplit(place.text())
            host = (url.hostname or "").lower()
        except ValueError:
            continue
        if not host or any(host == each or host.endswith(f".{each}") for each in WITHOUT_VERSION):
            continue
        if not any(re.fullmatch(r"v\d+[a-z0-9]*", part) for part in url.path.split("/")):
            findings.warn(place, f"without /v1 requests go to {url.path.rstrip('/')}/chat/completions, which OpenAI-compatible servers mostly answer with 404: end it with /v1")


def twice(findings: Findings, provider: Place) -> None:
    """Warns of an Anthropic base URL with the version that the route has already."""
    if provider["type"].value != "anthropic" or provider["bedrock"]:
        return
    for place in (provider["base_url"], *(each["base_url"] for each in provider["pool"])):
        if place.text().rstrip("/").endswith("/v1"):
            findings.warn(place, "with /v1 at its end requests go to /v1/v1/messages, because the route begins with /v1 already: leave it out")


def covers(wide: str, narrow: str) -> bool:
    """Whether a pattern matches all that another one matches. Each `*` of the other one stands for a character of its own."""
    first, *middle, last = wide.split("*") if "*" in wide else (wide, wide)
    text = narrow.replace("*", "\0")
    if "*" not in wide:
        return wide == narrow
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def order(findings: Findings, prices: Place) -> None:
    """Warns of prices that are never used, because a wider one stands ahead of them."""
    before: list[tuple[str, Place]] = []
    hidden: dict[str, tuple[tuple[str, Place], list[Place]]] = {}       # by the wider one's place
    for price in prices:
        here = [each for each in price["models"] if each.text()]
        for each in here:
            wider = next(((pattern, place) for pattern, place in before if covers(pattern, each.text())), None)
            if wider:
                hidden.setdefault(wider[1].path, (wider, []))[1].append(each)
        before += [(each.text(), each) for each in here]
        if len(before) > 1000:
            break
    for (pattern, place), narrower in hidden.values():
        more = f" (and {len(narrower) - 1} more, to line {narrower[-1].line})" if len(narrower) > 1 else ""
        findings.warn(narrower[0], f'this price of "{narrower[0].text()[:80]}"{more} is never used, because "{pattern[:80]}" in line {place.line} is wider and stands ahead of it: put the narrower one first')
