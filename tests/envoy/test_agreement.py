"""Records, metrics, OpenTelemetry and budgets: four places, one truth, to the unit."""

from __future__ import annotations

from collections import Counter
from typing import Any

from budgets import Redis, as_key, ask, charged, limits, rate_limit_service, redis_server, with_budgets
from budgets import directory  # noqa: F401 (fixture)
from client import Http1
from conftest import assert_alive
from fragments import add_otlp
from gateway import Gateway
from receivers import Otlp
from samples import CHAT, COMPLETION, JSON, MESSAGE, MESSAGE_START, MESSAGE_STREAM, MESSAGES, RESPONSE, RESPONSES, TEXT, messages_request
from upstream import Exchange, Upstream, json_answer, stream_answer

PLENTY = 1_000_000
INTERCEPTIONS = 14


def load(gateway: Gateway, upstream: Upstream) -> None:
    """Two callers, three APIs, whole streams and documents, one stream that its client breaks off, one that its provider does."""
    with Http1(gateway.address) as client:
        for caller in (as_key("alice", "blue"), as_key("bob", "blue")):
            for path, document in ((MESSAGES, MESSAGE), (CHAT, COMPLETION), (RESPONSES, RESPONSE)):
                upstream.begin(json_answer(document))
                assert ask(client, path, caller).status == 200
            for _ in range(3):
                upstream.begin(stream_answer(*MESSAGE_STREAM))
                assert client.request("POST", MESSAGES, [JSON, caller], messages_request()).status == 200
    body = messages_request()
    for end in (Exchange.wait_until_gone, Exchange.reset):

        def begun(exchange: Exchange) -> None:
            exchange.read_body()
            exchange.stream()
            exchange.chunk(MESSAGE_START + TEXT)
            end(exchange)

        upstream.begin(begun)
        with Http1(gateway.address) as client:
            client.start("POST", MESSAGES, [JSON, as_key("alice", "blue"), ("content-length", str(len(body)))])
            client.send(body)
            assert client.head().status == 200
            client.read_until(TEXT)
            if end is Exchange.wait_until_gone:
                client.reset()
            else:
                gateway.settle()
        gateway.settle()


def added(numbers: Any) -> dict[str, int]:
    """Sums by name; what adds up to nothing is left out."""
    total: Counter[str] = Counter()
    for name, number in numbers:
        total[name] += int(number)
    return {name: number for name, number in total.items() if number}


def test_records_metrics_telemetry_and_budgets_agree_to_the_unit(upstream: Upstream, directory: Any) -> None:
    shipped = limits(tokens_per_actor=PLENTY, tokens_per_team=PLENTY, microusd_per_actor=PLENTY)
    with Otlp() as collector, redis_server() as (redis, _), rate_limit_service(redis, shipped) as service:
        config = with_budgets(upstream, service.grpc, directory, change=lambda config: add_otlp(config, collector.grpc_address))
        with Gateway(config) as gateway:
            load(gateway, upstream)
            gateway.wait_for_record(INTERCEPTIONS)
            records = gateway.records()
            assert len(records) == INTERCEPTIONS
            collector.wait_until(lambda: len(collector.logs) == INTERCEPTIONS, "every log record arrives")
            agree(gateway, collector, redis, records)
            assert_alive(gateway)


def agree(gateway: Gateway, collector: Otlp, redis: Redis, records: list[Any]) -> None:
    tokens = lambda record: record["usage"].get("total_tokens", 0)  # noqa: E731
    money = lambda record: record.get("cost_microusd", 0)  # noqa: E731
    model = lambda record: record["model"].get("served") or record["model"]["requested"]  # noqa: E731
    assert {record["outcome"] for record in records} == {"completed", "aborted_client", "aborted_upstream"}
    assert sum(map(tokens, records)) > 0 and sum(map(money, records)) > 0

    # OpenTelemetry says of each interception what its record says.
    told = {log.attributes["ai_bridge.id"]: (log.attributes["ai_bridge.total_tokens"], log.attributes["ai_bridge.cost_microusd"]) for log in collector.logs}
    assert told == {record["id"]: (str(tokens(record)), str(money(record))) for record in records}

    # Metrics count the same by provider and model.
    by_model = lambda numbers: added(((record["provider"]["name"], model(record)), number) for record, number in numbers)  # noqa: E731
    counted = [(labels, value) for labels, value in gateway.prometheus("ai_bridge_tokens_total") if labels["type"] != "reasoning"]      # it is part of the output
    assert added(((labels["provider"], labels["model"]), value) for labels, value in counted) == by_model((record, tokens(record)) for record in records)
    spent = gateway.prometheus("ai_bridge_cost_microusd_total")
    assert added(((labels["provider"], labels["model"]), value) for labels, value in spent) == by_model((record, money(record)) for record in records)

    # And budgets are charged the same, whoever they are kept for.
    expected = {}
    for unit, amount in (("tokens", tokens), ("microusd", money)):
        for kind, name in (("actor", lambda record: record["actor"]["id"]), ("team", lambda record: record["actor"]["metadata"]["team"]), ("provider", lambda record: record["provider"]["name"]), ("model", model)):
            expected |= {f"{unit}_per_{kind}_{whose}": number for whose, number in added((name(record), amount(record)) for record in records).items()}
    charged(gateway, redis, expected)
