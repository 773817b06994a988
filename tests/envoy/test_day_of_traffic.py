"""A day of mixed traffic: the sum of the costs equals an independent computation from the answers, to the microdollar.

A seed makes 1,000 exchanges of every kind (mixed_traffic.py). Each is billed from what the provider sent (bill.py), without
the filter's numbers. Records, `usage.by_model` and metrics must say the same.

DAY_SEED=… makes another day.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import bill
from client import Http1, Reset
from mixed_traffic import PRICES, PROVIDERS, Planned, mixed_traffic
from render import Json
from samples import JSON, TOKEN
from upstream import Exchange

SEED = int(os.environ.get("DAY_SEED", "17"))
EXCHANGES = 1000
CLIENTS = 4


def plugin(shipped: Json) -> Json:
    """The shipped plugin configuration with prices and providers whose numbers stand elsewhere."""
    return {**shipped, "prices": PRICES, "providers": shipped["providers"] + PROVIDERS}


# Envoy ends a connection whose answer was cut after this time; its default is a second.
GATEWAY = {"plugin": plugin, "breaker": {"consecutive_5xx": 1_000_000}, "connection_manager": {"delayed_close_timeout": "0.02s"}}


def billed(planned: Planned) -> bill.Bill:
    """What the exchange used and cost, by what the provider has told."""
    if planned.status != 200:
        return bill.Bill(planned.requested)
    if planned.api == "messages":
        return bill.messages(PRICES, planned.requested, planned.told)
    if planned.api == "chat_completions":
        return bill.chat_completions(PRICES, planned.requested, planned.told, google=planned.provider == "google")
    return bill.responses(PRICES, planned.requested, planned.told)


@pytest.fixture(scope="module")
def day() -> list[tuple[Planned, bill.Bill]]:
    return [(planned, billed(planned)) for planned in mixed_traffic(SEED, EXCHANGES)]


@pytest.fixture(scope="module")
def found(gateway, upstream, day) -> list[Json]:
    """The records of the day, in the order of its exchanges."""
    plans = {f"day/{planned.number}": planned for planned, _ in day}
    upstream.begin(lambda exchange: answer(exchange, plans[exchange.received.header("user-agent")]))
    lanes = [[planned for planned, _ in day[lane::CLIENTS]] for lane in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        for lane in [clients.submit(send_all, gateway.address, lane) for lane in lanes]:
            lane.result()
    gateway.settle()
    gateway.wait_for_record(EXCHANGES)
    records = {record["user_agent"]: record for record in gateway.records()}
    assert len(gateway.records()) == EXCHANGES and records.keys() == plans.keys()
    return [records[name] for name in plans]


def answer(exchange: Exchange, planned: Planned) -> None:
    """The provider's part."""
    exchange.read_body()
    if not planned.streamed:
        length = len(planned.body) + (1000 if planned.ends == "cut" else 0)
        exchange.head(planned.status, {"content-type": "application/json", "content-length": str(length)})
        exchange.send(planned.body)
    else:
        exchange.stream(planned.status)
        size = 1 + planned.number * 7919 % 3000
        for at in range(0, len(planned.body), size):
            exchange.chunk(planned.body[at : at + size])
    if planned.ends == "cut":
        exchange.close()
    elif planned.ends == "client_gone":
        exchange.wait_until_gone()
    elif planned.streamed:
        exchange.end()


def send_all(address: Any, lane: list[Planned]) -> None:
    """The client's part, on one connection as long as it lasts."""
    client = Http1(address)
    for planned in lane:
        body = json.dumps(planned.request).encode()
        headers = [JSON, TOKEN, ("user-agent", f"day/{planned.number}"), ("content-length", str(len(body)))]
        client.start("POST", planned.path, headers, end=True)
        client.raw(body)
        try:
            assert client.head().status == planned.status, label(planned)
            read = 0
            while planned.ends != "client_gone" or read < len(planned.body):
                piece = client.read()
                if not piece:
                    break
                read += len(piece)
            assert planned.ends != "cut", f"{label(planned)}: the answer ended as if it were whole"
        except Reset:
            assert planned.ends == "cut", label(planned)
        if planned.ends != "complete":
            client.reset()
            client = Http1(address)
    client.close()


def label(planned: Planned) -> str:
    return f"seed {SEED}, exchange {planned.number} ({planned.kind})"


def test_each_record_has_the_tokens_and_the_cost_of_its_answer(day, found):
    wrong = []
    for (planned, expected), record in zip(day, found):
        usage, tokens = record["usage"], expected.tokens
        pairs = [("cost_microusd", record.get("cost_microusd"), expected.microusd), ("missing", usage["usage_status"] == "missing", not expected.stated)]
        pairs += [(f"{kind}_tokens", usage.get(f"{kind}_tokens"), getattr(tokens, kind)) for kind in bill.KINDS]
        pairs.append(("total_input_tokens", usage.get("total_input_tokens"), tokens.total_input))
        pairs.append(("by_model", [by_model(line) for line in usage.get("by_model") or []], [by_model(line_of(share)) for share in expected.shares]))
        if expected.stated:
            pairs.append(("model", record["model"].get("served"), expected.model))
        wrong += [f"{label(planned)}: {what} {got}, the answer says {wanted}\n  {json.dumps(planned.told)[-1500:]}" for what, got, wanted in pairs if got != wanted]
    assert not wrong, f"{len(wrong)} differences\n" + "\n".join(wrong[:20])


def by_model(line: Json) -> tuple[Any, ...]:
    """A line of `usage.by_model`, comparable."""
    kinds = ("model", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "total_input_tokens", "cost_microusd")
    return tuple(line.get(kind) for kind in kinds)


def line_of(share: bill.Share) -> Json:
    tokens = share.tokens
    return {
        "model": share.model, "input_tokens": tokens.input, "output_tokens": tokens.output, "cache_read_tokens": tokens.cache_read,
        "cache_write_tokens": tokens.cache_write, "total_input_tokens": tokens.total_input, "cost_microusd": share.microusd,
    }


def test_the_sum_of_the_costs_is_the_bill(day, found):
    expected = sum(expected.microusd or 0 for _, expected in day)
    assert expected > 0 and sum(record.get("cost_microusd") or 0 for record in found) == expected, f"seed {SEED}"
    for what, kind in (("priced", lambda expected: expected.cost is not None), ("without a price", lambda expected: expected.stated and expected.cost is None), ("without usage", lambda expected: not expected.stated), ("of several models", lambda expected: expected.shares)):
        assert sum(bool(kind(expected)) for _, expected in day) > EXCHANGES / 100, f"seed {SEED}: too few exchanges {what}"


def test_the_sums_by_model_in_records_and_metrics_are_the_bills(gateway, day, found):
    """The cost of each model in `usage.by_model` is rounded by itself; the metrics count these."""
    money: Counter[tuple[str, str]] = Counter()
    recorded: Counter[tuple[str, str]] = Counter()
    tokens: Counter[tuple[str, str, str]] = Counter()
    for (planned, expected), record in zip(day, found):
        for share in expected.shares or [bill.Share(expected.model, expected.tokens, expected.cost)]:
            money[planned.provider, share.model] += share.microusd or 0
            for kind in bill.KINDS:
                tokens[planned.provider, share.model, kind] += getattr(share.tokens, kind) or 0
        own = {"model": record["model"].get("served") or record["model"]["requested"], "cost_microusd": record.get("cost_microusd")}
        for line in record["usage"].get("by_model") or [own]:
            recorded[planned.provider, line["model"]] += line.get("cost_microusd") or 0
    assert +recorded == +money, difference(recorded, money)
    counted = Counter({(labels["provider"], labels["model"]): int(value) for labels, value in gateway.prometheus("ai_bridge_cost_microusd_total")})
    assert +counted == +money, difference(counted, money)
    counted_tokens = Counter({(labels["provider"], labels["model"], labels["type"]): int(value) for labels, value in gateway.prometheus("ai_bridge_tokens_total")})
    assert +counted_tokens == +tokens, difference(counted_tokens, tokens)


def difference(got: Counter[Any], wanted: Counter[Any]) -> str:
    lines = [f"{key}: {got[key]}, the answers say {wanted[key]}" for key in sorted({*got, *wanted}) if got[key] != wanted[key]]
    return f"seed {SEED}\n" + "\n".join(lines)
