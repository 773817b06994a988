"""Records, metrics, OpenTelemetry, budgets and the report give the same numbers, exactly."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from budgets import Redis, as_key, ask, charged, limits, rate_limit_service, redis_server, with_budgets
from budgets import directory  # noqa: F401 (fixture)
from client import Http1, Reset
from conftest import Records, assert_alive
from fragments import add_otlp
from gateway import Gateway
from receivers import Otlp
from render import REPOSITORY
from samples import CHAT, COMPLETION, JSON, MESSAGE, MESSAGE_START, MESSAGE_STREAM, MESSAGES, RESPONSE, RESPONSES, TEXT, TOKEN, chat_request, event, messages_request
from upstream import Exchange, Upstream, json_answer, stream_answer

GATEWAY = {"plugin": json.loads((REPOSITORY / "tests" / "transcripts" / "config.json").read_text()), "breaker": {"consecutive_5xx": 1_000_000}}

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
    """Sums by name, without sums of 0."""
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

    # Single values and budgets have the estimate, where there is one; here it is of Claude's answers alone, at 25 USD per million.
    beyond = lambda record: record["usage"]["estimate"]["output_tokens"] - record["usage"]["output_tokens"] if "estimate" in record["usage"] else 0  # noqa: E731
    charged_tokens = lambda record: tokens(record) + beyond(record)  # noqa: E731
    charged_money = lambda record: money(record) + 25 * beyond(record)  # noqa: E731
    assert any(map(beyond, records))

    # OpenTelemetry says of each interception what its single values say.
    reported = {log.attributes["ai_bridge.id"]: (log.attributes["ai_bridge.total_tokens"], log.attributes["ai_bridge.cost_microusd"]) for log in collector.logs}
    assert reported == {record["id"]: (str(charged_tokens(record)), str(charged_money(record))) for record in records}

    # Metrics count the same by provider and model.
    by_model = lambda numbers: added(((record["provider"]["name"], model(record)), number) for record, number in numbers)  # noqa: E731
    counted = [(labels, value) for labels, value in gateway.prometheus("ai_bridge_tokens_total") if labels["type"] != "reasoning"]      # it is part of the output
    assert added(((labels["provider"], labels["model"]), value) for labels, value in counted) == by_model((record, tokens(record)) for record in records)
    spent = gateway.prometheus("ai_bridge_cost_microusd_total")
    assert added(((labels["provider"], labels["model"]), value) for labels, value in spent) == by_model((record, money(record)) for record in records)

    # Budgets are charged the same: by actor, team, provider and model.
    expected = {}
    for unit, amount in (("tokens", charged_tokens), ("microusd", charged_money)):
        for kind, name in (("actor", lambda record: record["actor"]["id"]), ("team", lambda record: record["actor"]["metadata"]["team"]), ("provider", lambda record: record["provider"]["name"]), ("model", model)):
            expected |= {f"{unit}_per_{kind}_{whose}": number for whose, number in added((name(record), amount(record)) for record in records).items()}
    charged(gateway, redis, expected)


# === the report ===


TOOL_STREAM = [
    MESSAGE_START,
    event("content_block_start", index=0, content_block={"type": "tool_use", "id": "toolu_1", "name": "<b>Bash</b>", "input": {}}),
    event("content_block_stop", index=0),
    event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 30}),
    event("message_stop"),
]


def cut_short(exchange: Exchange) -> None:
    exchange.read_body()
    exchange.stream(headers={"content-type": "text/event-stream"})
    exchange.chunk(MESSAGE_START)
    exchange.reset()


def test_a_report_of_what_was_recorded_is_exact_and_agrees_with_the_metrics(gateway, upstream, records: Records, tmp_path: Path):
    alice, bob = (("x-actor", "alice"), ("x-team", "payments")), (("x-actor", "bob"), ("x-team", "<script>alert(1)</script>"))
    asked = [
        (alice, MESSAGES, messages_request(), stream_answer(*MESSAGE_STREAM)),          # 12 in, 100 from the cache, 7 out: 60 + 50 + 175 microUSD
        (alice, MESSAGES, messages_request(), stream_answer(*TOOL_STREAM)),             # 12, 100 and 30: 60 + 50 + 750
        (bob, CHAT, chat_request(), json_answer(COMPLETION)),                           # 15, 5 and 3: 18.75 + 0.625 + 30
        (bob, CHAT, chat_request(model="gpt-unpriced"), json_answer({**COMPLETION, "model": "gpt-unpriced"})),
        (bob, MESSAGES, messages_request(), json_answer({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 529)),
        (bob, MESSAGES, b"{oops", json_answer({})),
        (alice, MESSAGES, messages_request(), cut_short),                               # 12, 100 and 1, so far: 60 + 50 + 25
    ]
    for who, path, body, script in asked:
        upstream.begin(script)
        with Http1(gateway.address) as client:
            try:
                client.request("POST", path, [JSON, TOKEN, *who], body)
            except Reset:
                assert script is cut_short
    written = records.all()
    assert len(written) == len(asked)

    plain, packed, page = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz", tmp_path / "report.html"
    wanted = {record["id"] for record in written}
    lines = [line + "\n" for line in gateway.record_lines() if json.loads(line)["id"] in wanted]
    plain.write_text("".join(lines[:3]))
    packed.write_bytes(gzip.compress(("Envoy says something else\n" + "".join(f"envoy-1  | {line}" for line in lines[2:])).encode()))
    done = subprocess.run(["make", "-s", "report", f"FILE={plain} {packed}", f"REPORT=--json --html {page}"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)

    assert (report["input"]["records"], report["input"]["duplicates"], report["input"]["skipped"]) == (len(asked), 1, {"not JSON": 1})
    assert report["outcomes"] == {"completed": 4, "failed": 1, "rejected": 1, "unavailable": 0, "aborted_client": 0, "aborted_upstream": 1}
    rows = {name: {row["name"]: (row["requests"], row["cost_microusd"], row["total_tokens"], row["incomplete"]) for row in report["by"][name]["rows"]} for name in ("actor", "actor.team")}
    assert rows["actor"] == {"alice": (3, 285 + 860 + 135, 119 + 142 + 113, 1), "bob": (4, 49, 23 + 23, 1)}
    assert rows["actor.team"] == {"payments": rows["actor"]["alice"], "<script>alert(1)</script>": rows["actor"]["bob"]}
    total = report["total"]
    assert (total["partial_usage"], total["missing_usage"], total["without_price"]) == (1, 0, 1)
    assert (total["cache_read_tokens"], total["total_input_tokens"]) == (310, 376)
    assert [(row["name"], row["calls"]) for row in report["tools"]["rows"]] == [("<b>Bash</b>", 1)]
    assert report["time_to_first_event_ms"]["count"] == 3
    assert {(row["outcome"], row["status"], row["count"]) for row in report["errors"]["rows"]} == {("failed", 529, 1), ("rejected", 400, 1), ("aborted_upstream", 200, 1)}

    # The module's gateway has served no other request with a cost.
    assert sum(value for _, value in gateway.prometheus("ai_bridge_cost_microusd_total")) == total["cost_microusd"]
    of_metrics = {kind: sum(value for labels, value in gateway.prometheus("ai_bridge_tokens_total") if labels["type"] == kind) for kind in ("input", "output", "cache_read")}
    assert of_metrics == {kind: total[f"{kind}_tokens"] for kind in of_metrics}

    text = page.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "<script" not in text and "<b>Bash" not in text
