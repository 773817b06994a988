"""What an exchange used and cost, computed from the provider's answer alone by the rules of envoy/behaviour.md.

It shares no code with the filter and reads no record: its input is the JSON objects that the scripted provider sent.
Money is exact (`Fraction`, in microUSD) until the one rounding.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

Json = dict[str, Any]

KINDS = ("input", "output", "cache_read", "cache_write", "reasoning")
NAMED_MODELS = 16


@dataclass
class Tokens:
    """Tokens of one model. `None`: never stated. `total_input` includes what was read from and written to caches."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    total_input: int | None = None
    write_5m: int | None = None
    write_1h: int | None = None


@dataclass
class Share:
    """What one model used and cost. `cost`: unrounded; `None` without a price."""

    model: str
    tokens: Tokens = field(default_factory=Tokens)
    cost: Fraction | None = None

    @property
    def microusd(self) -> int | None:
        return None if self.cost is None else half_up(self.cost)


@dataclass
class Bill:
    """What one exchange used and cost. `shares`: each model, where more than one worked."""

    model: str | None
    tokens: Tokens = field(default_factory=Tokens)
    cost: Fraction | None = None
    shares: list[Share] = field(default_factory=list)
    stated: bool = False

    @property
    def microusd(self) -> int | None:
        return None if self.cost is None else half_up(self.cost)


def half_up(amount: Fraction) -> int:
    """The nearest integer; a half is rounded up."""
    return int(amount + Fraction(1, 2))


def count(stated: Any) -> int | None:
    """An integer from 0 to 2^53 − 1, in any notation; nothing else is a count."""
    if isinstance(stated, bool) or not isinstance(stated, (int, float)) or not 0 <= stated < 2**53 or stated != int(stated):
        return None
    return int(stated)


def counts_of(stated: Any) -> dict[str, int]:
    """The members of an object that are counts."""
    return {name: count(value) for name, value in (stated or {}).items() if count(value) is not None}


# === money


def exact(number: float) -> Fraction:
    """The decimal number that the configuration writes."""
    return Fraction(Decimal(str(number)))


def price_of(prices: list[Json], model: str) -> Json | None:
    """The first price with a pattern that matches."""
    return next((price for price in prices if any(fnmatch.fnmatchcase(model, pattern) for pattern in price["models"])), None)


def cost_of_tokens(price: Json, tokens: Tokens, details: Json) -> Fraction:
    """The cost of tokens after `adjust`. Writes of unknown age have the price of five minutes."""
    one_hour = tokens.write_1h or 0
    aged = (tokens.write_5m or 0) + one_hour
    five_minutes = max(tokens.cache_write or 0, aged) - one_hour
    counts = {"input": tokens.input or 0, "output": tokens.output or 0, "cache_read": tokens.cache_read or 0, "cache_write_5m": five_minutes, "cache_write_1h": one_hour}
    money = Fraction(0)
    for kind, count in counts.items():
        each = exact(price.get(kind, price["input"]))
        for change in price.get("adjust", []):
            if any(details.get(text) != change[text] for text in ("service_tier", "speed", "inference_geo") if text in change):
                continue
            if (tokens.total_input or 0) <= change.get("total_input_tokens_above", -1):
                continue
            if kind == "cache_read" and "cache_read_factor" in change:
                each *= exact(change["cache_read_factor"])
            else:
                each *= exact(change.get("factor", 1)) * exact(change.get("output_factor" if kind == "output" else "input_factor", 1))
        money += count * each
    return money


def cost_of_details(price: Json, details: Json) -> Fraction:
    """The cost of what `per_million` and `per_use` name."""
    money = sum((exact(each) * (details.get(what) or 0) for what, each in price.get("per_million", {}).items()), Fraction(0))
    return money + sum((exact(each) * 1_000_000 * (details.get(what) or 0) for what, each in price.get("per_use", {}).items()), Fraction(0))


def of_one_model(prices: list[Json], model: str, tokens: Tokens, details: Json) -> Bill:
    """The bill where one model did all."""
    price = price_of(prices, model)
    cost = None if price is None else cost_of_tokens(price, tokens, details) + cost_of_details(price, details)
    return Bill(model, tokens, cost, stated=True)


# === Messages


def messages(prices: list[Json], requested: str, objects: list[Json]) -> Bill:
    """The bill of a stream's events, or of one document."""
    usage: Json = {}
    served, fallback, seen = None, None, False
    for said in objects:
        message = said.get("message", said) if said.get("type") in ("message_start", "message") else {}
        served = message.get("model", served)
        blocks = message.get("content", []) + ([said["content_block"]] if "content_block" in said else [])
        for block in blocks:
            if block["type"] == "fallback":
                fallback = block["to"]["model"]
        stated = said["usage"] if said.get("type") == "message_delta" else message.get("usage")
        if stated is not None:
            seen = True
            merge_messages_usage(usage, stated, keeps_input=said.get("type") == "message_delta")
    model = fallback or served or requested
    if not seen:
        return Bill(model)
    tools, thinking = counts_of(usage.get("server_tool_use")), counts_of(usage.get("output_tokens_details")).get("thinking_tokens")
    details = {name: usage.get(name) for name in ("service_tier", "speed", "inference_geo")}
    details |= {name: tools.get(name) for name in ("web_search_requests", "web_fetch_requests")}
    entries = [entry for entry in usage.get("iterations") or [] if is_good(entry) and entry.get("output_tokens") != 0]
    if not entries:
        return of_one_model(prices, model, messages_tokens(usage, thinking), details)
    return of_iterations(prices, model, entries, details, thinking)


def merge_messages_usage(usage: Json, stated: Json, keeps_input: bool) -> None:
    """Each number that is not null replaces the one before. An input that is 0 throughout does not."""
    of_input = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation")
    ages = counts_of(stated.get("cache_creation")).values()
    all_zero = keeps_input and not any(count(stated.get(name)) for name in of_input[:3]) and not any(ages)
    for name, value in stated.items():
        if name.endswith("_tokens"):
            value = count(value)
        if value is not None and not (all_zero and name in of_input and usage.get(name) is not None):
            usage[name] = value
    written = count(stated.get("cache_creation_input_tokens"))
    if written is not None and not all_zero and not ages and sum(counts_of(usage.get("cache_creation")).values()) > written:
        del usage["cache_creation"]        # The ages are those of an earlier count, which this one replaces.


def messages_tokens(usage: Json, thinking: int | None) -> Tokens:
    ages = counts_of(usage.get("cache_creation"))
    five_minutes, one_hour = ages.get("ephemeral_5m_input_tokens"), ages.get("ephemeral_1h_input_tokens")
    usage = counts_of(usage)
    write = usage.get("cache_creation_input_tokens")
    # A 0 beside ages that are not 0 is that of a `message_delta` which says nothing of the input.
    written = write or (five_minutes or 0) + (one_hour or 0)
    total = usage["input_tokens"] + (usage.get("cache_read_input_tokens") or 0) + written
    return Tokens(usage["input_tokens"], usage.get("output_tokens"), usage.get("cache_read_input_tokens"), write, thinking, total, five_minutes, one_hour)


def is_good(entry: Any) -> bool:
    """Whether an iteration is an object whose numbers are counts."""
    if not isinstance(entry, dict):
        return False
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    numbers = [entry.get(name) for name in names] + list((entry.get("cache_creation") or {}).values())
    return all(count(number) is not None for number in numbers if number is not None)


def of_iterations(prices: list[Json], served: str, entries: list[Json], details: Json, thinking: int | None) -> Bill:
    """Tokens and cost are the sums over the entries. Each has its own model's price; the details have the served one's."""
    shares: list[Share] = []
    whole = Tokens()
    for entry in entries:
        model = entry.get("model") or served
        tokens = messages_tokens(entry, None)
        if tokens.cache_write is None and (tokens.write_5m, tokens.write_1h) != (None, None):
            tokens.cache_write = (tokens.write_5m or 0) + (tokens.write_1h or 0)
        price = price_of(prices, model)
        cost = None if price is None else cost_of_tokens(price, tokens, details)
        known = {share.model for share in shares}
        name = model if model in known or len(known - {"other"}) < NAMED_MODELS else "other"
        if name not in known:
            shares.append(Share(name))
        share = next(share for share in shares if share.model == name)
        add(share.tokens, tokens)
        add(whole, tokens)
        share.cost = plus(share.cost, cost)
    serving = next((share for share in shares if share.model == served), shares[-1])
    price = price_of(prices, served)
    if price is not None and cost_of_details(price, details):
        serving.cost = plus(serving.cost, cost_of_details(price, details))
    serving.tokens.reasoning = whole.reasoning = thinking
    cost = None
    for share in shares:
        cost = plus(cost, share.cost)
    return Bill(served, whole, cost, shares if len(shares) > 1 else [], stated=True)


def add(sum_: Tokens, tokens: Tokens) -> None:
    for name, value in vars(tokens).items():
        if value is not None:
            setattr(sum_, name, (getattr(sum_, name) or 0) + value)


def plus(one: Fraction | None, other: Fraction | None) -> Fraction | None:
    return other if one is None else one if other is None else one + other


# === OpenAI's APIs


def chat_completions(prices: list[Json], requested: str, objects: list[Json], *, google: bool = False) -> Bill:
    """The bill of a stream's chunks, or of one document. The last usage counts, also one in a choice."""
    model, usage, tier = None, None, None
    for said in objects:
        model = model or said.get("model")
        tier = said.get("service_tier") or tier
        inside = [choice["usage"] for choice in said.get("choices") or [] if choice.get("usage") is not None]
        usage = said.get("usage") or (inside[-1] if inside else usage)
    if usage is None:
        return Bill(model or requested)
    of_input, of_output, usage = counts_of(usage.get("prompt_tokens_details")), counts_of(usage.get("completion_tokens_details")), counts_of(usage)
    read = next((place[name] for place, name in ((of_input, "cached_tokens"), (usage, "cached_tokens"), (usage, "prompt_cache_hit_tokens")) if place.get(name) is not None), None)
    prompt, output, reasoning = usage["prompt_tokens"], usage["completion_tokens"], of_output.get("reasoning_tokens")
    total = usage.get("total_tokens")
    if total is not None and (google or total == prompt + output + (reasoning or 0)):
        output = max(output, total - prompt)
    details = {
        "service_tier": tier,
        "input_audio_tokens": of_input.get("audio_tokens"),
        "output_audio_tokens": of_output.get("audio_tokens"),
        "accepted_prediction_tokens": of_output.get("accepted_prediction_tokens"),
        "rejected_prediction_tokens": of_output.get("rejected_prediction_tokens"),
    }
    return of_one_model(prices, model or requested, openai_tokens(prompt, output, read, of_input.get("cache_write_tokens"), reasoning), details)


def responses(prices: list[Json], requested: str, objects: list[Json]) -> Bill:
    """The bill of a stream's events, or of one document. The final state of the response counts."""
    model, final = None, None
    for said in objects:
        response = said.get("response") or (said if said.get("object") == "response" else {})
        model = response.get("model") or model
        if response.get("status") in ("completed", "incomplete", "failed"):
            final = response
    usage = (final or {}).get("usage")
    if final is None or usage is None:
        return Bill(model or requested)
    tools = final.get("tool_usage") or {}
    images = counts_of(tools.get("image_gen"))
    details = {
        "service_tier": final.get("service_tier"),
        "web_search_requests": counts_of(tools.get("web_search")).get("num_requests"),
        "image_input_tokens": images.get("input_tokens"),
        "image_output_tokens": images.get("output_tokens"),
    }
    of_input, of_output, usage = counts_of(usage.get("input_tokens_details")), counts_of(usage.get("output_tokens_details")), counts_of(usage)
    tokens = openai_tokens(usage["input_tokens"], usage["output_tokens"], of_input.get("cached_tokens"), of_input.get("cache_write_tokens"), of_output.get("reasoning_tokens"))
    return of_one_model(prices, model or requested, tokens, details)


def openai_tokens(all_input: int, output: int, read: int | None, write: int | None, reasoning: int | None) -> Tokens:
    """OpenAI's input includes what was read from and written to caches."""
    return Tokens(max(0, all_input - (read or 0) - (write or 0)), output, read, write, reasoning, all_input)
