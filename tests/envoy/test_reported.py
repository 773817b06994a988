"""What the gateway records, the shipped report sums up: to the token and to the millionth of a dollar, as the metrics do."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path

from client import Http1, Reset
from conftest import Records
from render import REPOSITORY
from samples import COMPLETION, JSON, MESSAGE_START, MESSAGE_STREAM, MESSAGES, CHAT, TOKEN, chat_request, event, messages_request
from upstream import Exchange, json_answer, stream_answer

GATEWAY = {"plugin": json.loads((REPOSITORY / "tests" / "transcripts" / "config.json").read_text()), "breaker": {"consecutive_5xx": 1_000_000}}

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

    # The module's gateway has served nothing else that costs.
    assert sum(value for _, value in gateway.prometheus("ai_bridge_cost_microusd_total")) == total["cost_microusd"]
    of_metrics = {kind: sum(value for labels, value in gateway.prometheus("ai_bridge_tokens_total") if labels["type"] == kind) for kind in ("input", "output", "cache_read")}
    assert of_metrics == {kind: total[f"{kind}_tokens"] for kind in of_metrics}

    text = page.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "<script" not in text and "<b>Bash" not in text


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    done = subprocess.run(["make", "-s", "report", f"FILE={tmp_path}/gone.jsonl"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "gone.jsonl: No such file or directory" in done.stderr
