"""Converts the model table of the `litellm` package into the filter's `prices`.

The table states prices in USD per token; `prices` states them in USD per million tokens. A price of the table that the
answer of a provider cannot select (batches, caches of twelve hours, regional hosts) is left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Iterator

Entry = dict[str, Any]
Row = dict[str, Any]

PROVIDERS = ("anthropic", "openai", "gemini", "xai", "mistral", "deepseek")
MODES = ("chat", "responses")
MILLION = 1_000_000
# The tier that an answer states, and how the table calls it: OpenAI renamed `priority` to `fast`.
TIERS = {"priority": "priority", "fast": "priority", "flex": "flex", "ultrafast": "ultrafast"}
RENAMED = {"fast": ("openai",)}
# xAI bills the higher price from the bound on, the others above it.
INCLUSIVE = ("xai",)
# The model of OpenAI's image_generation tool, whose tokens come on top of the answering model's.
IMAGE_MODEL = "gpt-image-2"
# These state in their answers how often they searched. Anthropic has one price for all models; the table omits some.
SEARCH = {"anthropic": Fraction(1, 100), "openai": None}
# Their snapshots are called NAME-20….
DATED = ("anthropic", "openai")
SNAPSHOT = re.compile(r"-20\d\d-?\d\d-?\d\d$")


class Unusable(Exception):
    """The table is not what this program knows."""


@dataclass(frozen=True)
class Model:
    """One model of the table."""

    provider: str
    name: str
    entry: Entry            # an element of `prices` without `models`
    deprecated: str | None  # the day on which the provider turns it off


def read(text: str) -> dict[str, Row]:
    """The table, with exact numbers."""
    table = json.loads(text, parse_float=Decimal)
    if not isinstance(table, dict) or "sample_spec" not in table:
        raise Unusable("this is not litellm's table of models: it has no sample_spec")
    return table


def price_list(table: dict[str, Row], *, date: str, source: dict[str, str]) -> dict[str, Any]:
    """The list: `prices` for the filter and, beside it, what an operator wants to know."""
    found = models(table)
    serving = [model for model in found if not (model.deprecated and model.deprecated < date)]
    prices: list[Entry] = []
    providers = {}
    for provider in PROVIDERS:
        entries = grouped([model for model in serving if model.provider == provider], [model.name for model in found])
        deprecated = {model.name: model.deprecated for model in found if model.provider == provider and model.deprecated}
        providers[provider] = {"entries": len(entries), "deprecated": dict(sorted(deprecated.items()))}
        prices += entries
    return {"date": date, "source": source, "providers": providers, "prices": prices}


def models(table: dict[str, Row]) -> list[Model]:
    """Every model of `PROVIDERS` that answers in text and has a price."""
    found: dict[tuple[str, str], Model] = {}
    for key, row in sorted(table.items(), key=lambda item: "/" not in item[0]):
        provider = row.get("litellm_provider")
        name = key.removeprefix(f"{provider}/")
        # Fine-tuned models (`ft:`) have names of their own. What has no price of input is no model.
        if provider not in PROVIDERS or row.get("mode") not in MODES or name.startswith("ft:") or "input_cost_per_token" not in row:
            continue
        entry = entry_of(row, str(provider), table)
        if entry["input"] == entry["output"] == 0:
            continue
        found.setdefault((str(provider), name), Model(str(provider), name, entry, row.get("deprecation_date")))
    return [found[key] for key in sorted(found)]


def entry_of(row: Row, provider: str, table: dict[str, Row]) -> Entry:
    """An element of `prices` without its `models`."""
    base = {
        "input": money(row, "input_cost_per_token"), "output": money(row, "output_cost_per_token"),
        "cache_read": money(row, "cache_read_input_token_cost"),
        # DeepSeek's 0 means that it charges no more than the input: so does a missing member.
        "cache_write_5m": money(row, "cache_creation_input_token_cost") or None,
        "cache_write_1h": money(row, "cache_creation_input_token_cost_above_1hr") or None,
    }
    if base["input"] is None or base["output"] is None:
        raise Unusable(f"a model of {provider} has no price of input or output: {row}")
    entry: Entry = {member: number(price) for member, price in base.items() if price is not None}
    extra = per_million(row, base, provider, table)
    if extra:
        entry["per_million"] = extra
    search = row.get("search_context_cost_per_query", {}).get("search_context_size_medium") or SEARCH.get(provider)
    if search and provider in SEARCH:
        entry["per_use"] = {"web_search_requests": number(Fraction(search))}
    changes = [*tiers(row, base, provider), *long_inputs(row, base, provider), *named(row)]
    if changes:
        entry["adjust"] = changes
    return entry


def per_million(row: Row, base: dict[str, Fraction | None], provider: str, table: dict[str, Row]) -> Entry:
    """Counts that come on top: images of a tool, and what a token of audio costs more than one of text."""
    extra: Entry = {}
    for member, kind in (("input_audio_tokens", "input"), ("output_audio_tokens", "output")):
        audio = money(row, f"{kind}_cost_per_audio_token")
        if audio is not None and audio > base[kind]:
            extra[member] = number(audio - base[kind])
    if provider == "openai" and (row["mode"] == "responses" or "/v1/responses" in row.get("supported_endpoints", [])):
        image = table.get(IMAGE_MODEL, {})
        for member, cost in (("image_input_tokens", "input_cost_per_image_token"), ("image_output_tokens", "output_cost_per_image_token")):
            price = money(image, cost)
            if price is not None:
                extra[member] = number(price)
    return extra


def tiers(row: Row, base: dict[str, Fraction | None], provider: str) -> Iterator[Entry]:
    """`service_tier`, alone."""
    for tier, suffix in TIERS.items():
        if tier not in RENAMED or provider in RENAMED[tier]:
            factors = factors_of(base, at(row, f"_{suffix}"))
            if factors:
                yield {"service_tier": tier, **factors}


def long_inputs(row: Row, base: dict[str, Fraction | None], provider: str) -> Iterator[Entry]:
    """`total_input_tokens_above`, and where a tier has a price of its own there."""
    bounds = sorted({int(match.group(1)) for name in row if (match := re.fullmatch(r"input_cost_per_token_above_(\d+)k_tokens", name))})
    if len(bounds) > 1:
        raise Unusable(f"more than one bound of long input: {bounds}")
    for bound in bounds:
        above = bound * 1000 - (provider in INCLUSIVE)
        there = at(row, f"_above_{bound}k_tokens")
        factors = factors_of(base, there)
        if factors:
            yield {"total_input_tokens_above": above, **factors}
        for tier, suffix in TIERS.items():
            if tier in RENAMED and provider not in RENAMED[tier]:
                continue
            # What both entries together make of the price, and what it is.
            both = at(row, f"_above_{bound}k_tokens_{suffix}")
            alone = at(row, f"_{suffix}")
            made = {member: there[member] * alone[member] / base[member] for member in there if base[member] and there[member] is not None and alone[member] is not None}
            factors = factors_of({**dict.fromkeys(there), **made}, {member: both[member] if member in made else None for member in both})
            if factors:
                yield {"service_tier": tier, "total_input_tokens_above": above, **factors}


def named(row: Row) -> Iterator[Entry]:
    """Anthropic's fast mode and inference in the United States."""
    factors = row.get("provider_specific_entry", {})
    for member, value, key in (("speed", "fast", "fast"), ("inference_geo", "us", "us")):
        if key in factors:
            yield {member: value, "factor": number(Fraction(factors[key]))}


def at(row: Row, suffix: str) -> dict[str, Fraction | None]:
    """The prices of a tier or of long input."""
    costs = {"input": "input_cost_per_token", "output": "output_cost_per_token", "cache_read": "cache_read_input_token_cost"}
    return {member: money(row, f"{cost}{suffix}") for member, cost in costs.items()}


def factors_of(base: dict[str, Fraction | None], other: dict[str, Fraction | None]) -> Entry:
    """The factors from the prices of `base` to those of `other`; empty if they are equal."""
    ratio = {member: price / base[member] for member, price in other.items() if price is not None and base.get(member)}
    uncached = ratio.get("input", Fraction(1)), ratio.get("output", Fraction(1))
    cached = ratio.get("cache_read", uncached[0])
    if not ratio or {*uncached, cached} == {1}:
        return {}
    if {*uncached, cached} == {uncached[0]}:
        return {"factor": number(uncached[0])}
    factors: Entry = {}
    if uncached[0] != 1:
        factors["input_factor"] = number(uncached[0])
    if uncached[1] != 1:
        factors["output_factor"] = number(uncached[1])
    if cached != uncached[0]:
        factors["cache_read_factor"] = number(cached)
    return factors


def money(row: Row, cost: str) -> Fraction | None:
    """USD per million tokens."""
    value = row.get(cost)
    if value is None:
        return None
    if not isinstance(value, (int, Decimal)) or value < 0:
        raise Unusable(f"{cost} is {value!r}")
    return Fraction(value) * MILLION


def number(value: Fraction) -> int | float:
    """A number of JSON: twelve digits are kept."""
    if value.denominator == 1:
        return int(value)
    return float(f"{value.numerator / value.denominator:.12g}")


def grouped(own: list[Model], everyone: list[str]) -> list[Entry]:
    """An element for each price, with the models that have it."""
    groups: dict[str, list[Model]] = {}
    for model in own:
        groups.setdefault(json.dumps(model.entry), []).append(model)
    return [{"models": patterns([model.name for model in group], group[0].provider, everyone), **group[0].entry} for group in groups.values()]


def patterns(names: list[str], provider: str, everyone: list[str]) -> list[str]:
    """The names of one price, with patterns instead of snapshots where no other model of the list matches them."""
    kept: list[str] = []
    others = set(everyone) - set(names)
    for name in sorted(names, key=lambda name: (len(name), name)):
        if any(matches(pattern, name) for pattern in kept):
            continue
        kept.append(name)
        family = [other for other in everyone if other.startswith(f"{name}-")]
        is_dated = all(SNAPSHOT.search(other) for other in family)
        if family and not is_dated:
            pattern = f"{name}-*"
        elif family or (provider in DATED and not SNAPSHOT.search(name) and not name.endswith("-latest")):
            pattern = f"{name}-20*"
        else:
            continue
        if provider in DATED and others & set(family):
            pattern = f"{name}-20*"
        if not any(matches(pattern, other) for other in others):
            kept.append(pattern)
    return sorted(kept)


def matches(pattern: str, name: str) -> bool:
    """Whether `name` fits; `*` stands for any characters, as in the filter's configuration."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name, re.DOTALL) is not None


def written(found: dict[str, Any]) -> str:
    """The list as JSON, an element of `prices` a line."""
    lines = ",\n".join(f"    {json.dumps(entry)}" for entry in found["prices"])
    head = json.dumps({member: value for member, value in found.items() if member != "prices"}, indent=2)
    return f'{head[:-2]},\n  "prices": [\n{lines}\n  ]\n}}\n'
