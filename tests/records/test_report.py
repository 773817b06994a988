"""The report: exact sums, whatever else a file of records contains, and its page."""

from __future__ import annotations

import gzip
import html.parser
import io
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = REPOSITORY / "envoy" / "records" / "report.py"
SAMPLE = Path(__file__).resolve().parent / "sample.jsonl"

sys.path.insert(0, str(SHIPPED.parent))

from reporting import counting, page as pages, plots, reading, record as records, text as texts, totals, words  # noqa: E402
from reporting.command import bound  # noqa: E402


def record(number: int, **changes: Any) -> dict[str, Any]:
    """A record as the gateway writes it; a change to `None` takes a member away."""
    whole = {
        "version": 1, "id": f"01a20e27-7f50-7c87-8bbf-{number:012x}", "started_at": f"2026-11-24T15:00:{number % 60:02}.000Z", "ended_at": "2026-11-24T16:00:00.000Z",
        "duration_ms": 100, "provider": {"type": "anthropic", "name": "anthropic"}, "api": "messages", "method": "POST", "path": "/anthropic/v1/messages",
        "upstream": {"host": "api.anthropic.com", "cluster": "anthropic"}, "streaming": False, "model": {"requested": "claude-opus-4-8"}, "client": "Unknown",
        "credential": {"kind": "centralized"}, "response": {"status": 200, "finish_reasons": []}, "usage": usage(10, 0, 0, 5), "cost_microusd": 100,
        "tool_calls": [], "thoughts": [], "outcome": "completed", "notes": [], **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def usage(plain: int, read: int, write: int, output: int, status: str = "complete", **more: int) -> dict[str, Any]:
    whole = plain + read + write
    return {
        "usage_status": status, "input_tokens": plain, "cache_read_tokens": read, "cache_write_tokens": write, "output_tokens": output,
        "total_input_tokens": whole, "total_tokens": whole + output, "details": {}, **more,
    }


MISSING = {"usage_status": "missing", "details": {}}


def run(*arguments: Any, stdin: bytes = b"") -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-I", str(SHIPPED), *map(str, arguments)], input=stdin, capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def lines(*records: Any) -> bytes:
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in records)


def found(*records: Any, options: list[str] | None = None) -> Any:
    """The report on some lines, as JSON."""
    code, out, err = run("--json", *(options or []), stdin=lines(*records))
    assert code == 0, err
    return json.loads(out)


ALICE, BOB = {"id": "alice", "metadata": {"team": "payments"}}, {"id": "bob", "metadata": {"team": "search"}}
HAND = [
    record(1, actor=ALICE, usage=usage(10, 900, 90, 50, reasoning_tokens=20), cost_microusd=1_000_001, time_to_first_event_ms=200, duration_ms=900, session_id="s1", client="Claude Code",
           tool_calls=[{"name": "Bash", "kind": "client", "complete": True}, {"name": "Bash", "kind": "client", "complete": True}, {"server": "tickets", "kind": "hosted", "complete": True}]),
    record(2, actor=ALICE, usage=usage(100, 0, 0, 5, "partial"), cost_microusd=7, time_to_first_event_ms=400, duration_ms=5_000, session_id="s1", client="Claude Code", outcome="aborted_client", notes=["cost_partial", "text_cut"]),
    record(3, actor=BOB, usage=usage(20, 0, 0, 10), cost_microusd=None, model={"requested": "gpt-5.5", "served": "gpt-5.5-2026"}, provider={"type": "openai", "name": "openai"}, api="responses", notes=["price"]),
    record(4, actor=BOB, usage=MISSING, cost_microusd=None, outcome="failed", response={"status": 529, "finish_reasons": []}, error={"type": "overloaded_error", "message": "Overloaded"}),
    record(5, actor=BOB, usage=MISSING, cost_microusd=None, outcome="failed", response={"status": 529, "finish_reasons": []}, error={"type": "overloaded_error", "message": "again"}),
    record(6, usage=MISSING, cost_microusd=None, outcome="rejected", response={"status": 400, "finish_reasons": []}, error={"type": "invalid_request_error", "code": "invalid_json", "message": "no"}, model={}),
    record(7, usage=MISSING, cost_microusd=None, outcome="completed", notes=["tool_calls_dropped:3"]),
    record(8, usage=MISSING, cost_microusd=None, outcome="unavailable", response={"status": 504, "finish_reasons": []}, error={"code": "gateway_timeout"}, duration_ms=60_000),
    record(9, usage=MISSING, cost_microusd=None, outcome="unavailable", response={"status": 503, "finish_reasons": []}, error={"code": "service_unavailable"}),
]


def test_sums_are_exact():
    whole = found(*HAND)
    assert (whole["first"], whole["last"]) == ("2026-11-24T15:00:01.000Z", "2026-11-24T15:00:09.000Z")
    assert whole["total"] == {
        "requests": 9, "not_completed": 6, "cost_microusd": 1_000_008, "input_tokens": 130, "output_tokens": 65, "cache_read_tokens": 900, "cache_write_tokens": 90,
        "reasoning_tokens": 20, "total_input_tokens": 1120, "total_tokens": 1185, "cache_hit_percent": 80.4,
        # partial: 2; without any: 7, and 8, which timed out; without a price: 3
        "incomplete": 4, "partial_usage": 1, "missing_usage": 2, "without_price": 1,
        "estimated": 0, "estimated_input_tokens": 0, "estimated_output_tokens": 0,
    }
    assert whole["outcomes"] == {"completed": 3, "failed": 2, "rejected": 1, "unavailable": 2, "aborted_client": 1, "aborted_upstream": 0}
    assert whole["usage_status"] == {"complete": 2, "partial": 1, "missing": 6}
    assert whole["notes"] == {"cost_partial": 1, "text_cut": 1, "price": 1, "tool_calls_dropped": 1}
    assert whole["time_to_first_event_ms"] == {"count": 2, "p50": 200, "p95": 400, "longest": 400}
    assert whole["duration_ms"] == {"count": 9, "p50": 100, "p95": 60_000, "longest": 60_000}


def test_estimates_are_apart_from_what_was_stated():
    begun = record(1, usage=usage(10, 0, 0, 1, "partial", estimate={"input_tokens": 10, "output_tokens": 31}), outcome="aborted_client", notes=["usage_estimated"])
    unstated = record(2, usage={**MISSING, "estimate": {"input_tokens": 200, "output_tokens": 8}}, cost_microusd=None, actor=ALICE, notes=["usage_estimated"])
    members = ("estimated", "estimated_input_tokens", "estimated_output_tokens", "input_tokens", "output_tokens", "cost_microusd")
    numbers = lambda row: [row[name] for name in members]
    whole = found(begun, unstated, record(3))
    assert numbers(whole["total"]) == [2, 200, 38, 20, 6, 200]
    assert numbers(whole["by"]["actor"]["rows"][1]) == [1, 200, 8, None, None, None]
    _, text, _ = run(stdin=lines(begun, unstated))
    assert "200 tokens of input and 38 of output in 2 requests" in text
    _, text, _ = run(stdin=lines(record(3)))
    assert "estimated" not in text


def test_each_list_adds_up_to_the_same_sums():
    by = found(*HAND)["by"]
    assert list(by) == ["actor", "actor.team", "model", "provider", "client", "session"]
    rows = lambda group: [(row["name"], row["requests"], row["cost_microusd"], row["total_tokens"]) for row in by[group]["rows"]]
    assert rows("actor") == [("alice", 2, 1_000_008, 1155), ("bob", 3, None, 30), (None, 4, None, None)]
    assert rows("actor.team") == [("payments", 2, 1_000_008, 1155), ("search", 3, None, 30), (None, 4, None, None)]
    assert rows("model") == [("claude-opus-4-8", 7, 1_000_008, 1155), ("gpt-5.5-2026", 1, None, 30), (None, 1, 0, 0)]
    assert rows("provider") == [("anthropic", 8, 1_000_008, 1155), ("openai", 1, None, 30)]
    assert rows("client") == [("Claude Code", 2, 1_000_008, 1155), ("Unknown", 7, None, 30)]
    assert rows("session") == [("s1", 2, 1_000_008, 1155), (None, 7, None, 30)]


def test_each_model_of_a_request_has_its_own_tokens_and_spend():
    shares = [
        {"model": "claude-opus-4-8", "input_tokens": 10, "output_tokens": 5, "total_input_tokens": 10, "cost_microusd": 100},
        {"model": "claude-fable-5", "input_tokens": 80, "output_tokens": 20, "total_input_tokens": 80, "cost_microusd": 900},
        {"model": "other", "output_tokens": 7},
    ]
    several = record(1, usage=usage(90, 0, 0, 32, by_model=shares), cost_microusd=1000)
    by = found(several, record(2))["by"]["model"]["rows"]
    rows = [(row["name"], row["requests"], row["cost_microusd"], row["total_tokens"], row["incomplete"]) for row in by]
    assert sorted(rows) == [("claude-fable-5", 0, 900, 100, 0), ("claude-opus-4-8", 2, 200, 30, 0), ("other", 0, None, 7, 1)]


def test_agents_are_listed_where_a_record_names_one():
    delegated = record(20, session_id="s1", agent={"id": "a7", "parent_id": "a1"}, cost_microusd=5)
    rows = [(row["name"], row["requests"], row["cost_microusd"]) for row in found(record(1), delegated)["by"]["agent"]["rows"]]
    assert rows == [(None, 1, 100), ("a7", 1, 5)]
    assert "agent" not in found(record(1))["by"]
    assert [row["name"] for row in found(record(1), options=["--by", "agent"])["by"]["agent"]["rows"]] == [None]
    assert "By agent (2 of 2)" in run("--by", "agent", stdin=lines(record(1), delegated))[1]


def test_errors_tools_and_single_interceptions_are_listed():
    whole = found(*HAND, options=["--top", "3"])
    assert whole["errors"]["names"] == 5
    assert whole["errors"]["rows"][0] == {"outcome": "failed", "status": 529, "type": "overloaded_error", "code": None, "provider": "anthropic", "count": 2, "last": "2026-11-24T15:00:05.000Z", "message": "Overloaded"}
    assert whole["tools"]["rows"] == [{"name": "Bash", "server": None, "kind": "client", "calls": 2, "interceptions": 1}, {"name": None, "server": "tickets", "kind": "hosted", "calls": 1, "interceptions": 1}]
    assert whole["tool_calls"] == {"calls": 3, "interceptions": 1}
    assert [(row["duration_ms"], row["id"][-1]) for row in whole["slowest"]] == [(60_000, "8"), (5_000, "2"), (900, "1")]
    assert [row["id"][-1] for row in whole["failed"]] == ["9", "8", "6"]
    assert whole["times"]["rows"] == [{"provider": "anthropic", "model": "claude-opus-4-8", "count": 2, "p50": 200, "p95": 400, "longest": 400}]


def test_a_failure_with_the_status_0_is_listed():
    code, out, err = run(stdin=lines(record(1, outcome="failed", response={"status": 0, "finish_reasons": []})))
    assert (code, err) == (0, "")
    assert re.search(r"^  failed +\(none\) +\(none\) +anthropic +1 ", out, re.MULTILINE), "the row of errors has no status"


def test_members_of_pools_are_listed_with_what_they_failed_over():
    asked = lambda *pairs: [{"member": member, "ms": 5, **({"status": result} if isinstance(result, int) else {"error": result} if result else {})} for member, result in pairs]
    whole = found(
        record(1, attempts=asked(("main", 200))),
        record(2, attempts=asked(("main", 429), ("spare", "reset"), ("third", 200)), affinity={"member": "third", "moved": True}),
        record(3, attempts=asked(("main", 429), ("spare", 200)), affinity={"member": "spare"}),
        record(4, attempts=asked(("main", None), ("spare", 529))),
        record(5),
    )
    rows = {row["member"]: row for row in whole["pools"]["rows"]}
    assert list(rows) == ["main", "spare", "third"]
    assert {name: (row["attempts"], row["served"], row["failed_over"], row["reasons"], row["sessions_moved_here"]) for name, row in rows.items()} == {
        "main": (4, 1, 3, {"429": 2, "no answer": 1}, 0), "spare": (3, 2, 1, {"reset": 1}, 0), "third": (1, 1, 0, {}, 1),
    }
    status, text, _ = run(stdin=lines(record(1, attempts=asked(("main", 429), ("spare", 200)))))
    assert status == 0 and "Members of pools" in text and "429 1" in text
    assert "Members of pools" not in run(stdin=lines(record(1)))[1]


def test_money_is_exact_where_floats_are_not():
    _, text, _ = run("--by", "actor", stdin=lines(record(1, cost_microusd=2**53 + 1), record(2, cost_microusd=2**53), record(3, cost_microusd=1)))
    assert re.search(r"^  spend +\$18,014,398,509 \(exactly 18,014,398,509\.481986 USD\), ", text, re.M), text
    assert words.usd(1_234_567_000_001) == "1,234,567.000001"
    assert (words.plain(2_500_000), words.plain(40), words.plain(1_000_000_000)) == ("2.5", "0.00004", "1,000")


def test_money_and_tokens_are_written_as_people_write_them():
    amounts = {0: "$0.00", 200: "$0.000200", 266_214: "$0.2662", 693_174_210: "$693.17", 1_234_567_895_000: "$1,234,568", None: "–"}
    assert {micro: words.money(micro) for micro in amounts} == amounts
    assert (words.money(100, 5_000_000), words.money(40_000, 5_000_000)) == ("<$0.01", "$0.04")
    tokens = {0: "0", 999: "999", 1_000: "1.0 k", 13_349: "13.3 k", 999_960: "1.0 M", 135_449_999: "135.4 M", None: "–"}
    assert {number: words.short(number) for number in tokens} == tokens
    assert [words.seconds(ms) for ms in (360, 2_449, 119_999, 3_600_000)] == ["360 ms", "2.4 s", "120.0 s", "60 min"]
    assert [words.change(*pair) for pair in ((112, 100), (88, 100), (100, 100), (1, 0), (None, 5))] == ["+12 %", "−12 %", "±0 %", "–", "–"]


def test_a_long_name_is_cut_in_the_middle():
    assert words.fit_middle("us.anthropic.claude-sonnet-4-6-20260101-v1:0", 21) == "us.anthrop…60101-v1:0"
    assert words.fit_middle("short", 5) == "short"
    for text in (*EVIL, "e\u0301" * 300, "名" * 200):
        assert words.width(words.fit_middle(words.printable(text), 20)) <= 20 and len(words.fit_middle(text, 20)) <= 45


def test_the_period_before_stands_beside():
    days = {"2026-11-08": 100, "2026-11-16": 300, "2026-11-17": 500, "2026-11-23": 700}
    four = [record(at, started_at=f"{day}T00:00:00.000Z", cost_microusd=cost, actor=ALICE if cost > 300 else BOB) for at, (day, cost) in enumerate(days.items())]
    whole = found(*four, options=["--since", "2026-11-17", "--until", "2026-11-24", "--by", "actor"])
    before = whole["before"]
    assert (before["since"][:10], before["until"][:10], before["total"]["requests"], before["total"]["cost_microusd"]) == ("2026-11-10", "2026-11-17", 1, 300)
    assert [(row["name"], row["cost_microusd"], row["cost_microusd_before"]) for row in whole["by"]["actor"]["rows"]] == [("alice", 1200, 0)]
    assert "spend +300 %" in run("--since", "2026-11-17", "--until", "2026-11-24", stdin=lines(*four))[1]
    assert found(*four)["before"] is None and found(*four, options=["--since", "2026-11-01"])["before"] is None


def test_no_member_of_a_record_is_a_heading():
    page = pages.as_page(found(*HAND))
    for jargon in ("actor", "interception", "p50", "aborted_", "microusd", "USD<", "time_to_first"):
        assert jargon not in re.sub(r"<style>.*?</style>", "", page, flags=re.S), jargon
    assert "<h2>By team (" in page and ">Spend by team " in page


def test_rows_and_what_is_left_of_a_list_add_up_to_the_whole():
    records = [record(at, actor={"id": f"a{at}", "metadata": {}}, cost_microusd=at) for at in range(1, 31)]
    whole = found(*records, options=["--top", "4", "--by", "actor"])
    actors = whole["by"]["actor"]
    assert [row["name"] for row in actors["rows"]] == ["a30", "a29", "a28", "a27"]
    assert (actors["names"], actors["more_than"], actors["others"]["names"]) == (30, None, 26)
    assert sum(row["cost_microusd"] for row in actors["rows"]) + actors["others"]["cost_microusd"] == whole["total"]["cost_microusd"] == 465


def test_names_beyond_the_bound_are_counted_together_and_the_report_says_so():
    counted = totals.Report(["actor", "actor.*"], 10, names=3)
    taken = reading.Reading(counted)
    for at in range(10_000):
        key = f"k{at % 20}"
        taken._take("x", at, json.dumps(record(at, actor={"id": f"a{at}", "metadata": {key: f"t{at}"}}, model={"requested": f"m{at}"}, time_to_first_event_ms=1, tool_calls=[{"name": f"tool{at}", "kind": "client"}], outcome="failed", error={"code": f"e{at}"})).encode())
    whole = taken.result()
    actors = whole["by"]["actor"]
    assert [row["name"] for row in actors["rows"]] == ["a0", "a1", "a2"] and actors["more_than"] == 3
    assert actors["others"]["requests"] == 9_997 and whole["total"]["requests"] == 10_000
    assert all(len(each.named) <= 3 for each in (*counted.by.values(), counted.times, counted.errors, counted.tools))
    assert len(counted.by) == 1 + totals.METADATA_KEYS
    assert sum(row["requests"] for row in whole["by"]["actor.k3"]["rows"]) + whole["by"]["actor.k3"]["others"]["requests"] == 10_000
    text = texts.as_text(whole)
    assert "only for the first 8 keys" in text
    assert "More than 3 callers: those seen first are counted each, the later ones together as others." in text
    assert "More than 3 kinds of errors: those seen later are not listed." in text
    assert "(all others)" in pages.as_page(whole)


def test_a_list_can_be_of_anything_a_record_is_grouped_by():
    by = found(*HAND, options=["--by", "day,hour,api,outcome,credential,actor.team", "--sort", "requests"])["by"]
    assert list(by) == ["day", "hour", "api", "outcome", "credential", "actor.team"]
    assert [row["name"] for row in by["day"]["rows"] + by["hour"]["rows"]] == ["2026-11-24", "2026-11-24T15:00Z"]
    assert [(row["name"], row["requests"]) for row in by["outcome"]["rows"]][0] == ("completed", 3)
    assert [(row["name"], row["requests"]) for row in by["api"]["rows"]] == [("messages", 8), ("responses", 1)]


def test_percentiles_are_nearest_ranks_and_long_times_keep_three_digits():
    times = counting.Times()
    for ms in range(1, 101):
        times.add(ms)
    assert times.result() == {"count": 100, "p50": 50, "p95": 95, "longest": 100}
    times = counting.Times()
    for ms in (12_345, 999, 1_004, 1_005):
        times.add(ms)
    assert sorted(times.counts) == [999, 1_000, 1_010, 12_300] and times.longest == 12_345
    for ms in range(0, 50_000_000, 997):
        times.add(ms)
    times.add(records.LARGEST)
    assert len(times.counts) < 6_000 and times.longest == records.LARGEST


@pytest.mark.parametrize("days", [0, 1, 40, 2_000, 700_000])
def test_a_plot_over_time_has_few_bars_however_long_the_time_and_loses_nothing(days):
    timeline = counting.Timeline()
    for at in range(300):
        started = datetime.fromisoformat("2026-11-24T00:00:00+00:00") + timedelta(days=days * at / 300)
        timeline.add(records.read_record(record(at, started_at=started.isoformat(timespec="milliseconds"))))
    whole = timeline.result()
    assert 1 <= len(whole["slots"]) <= counting.SLOTS
    assert sum(slot["completed"] for slot in whole["slots"]) == 300 and sum(slot["cost_microusd"] for slot in whole["slots"]) == 30_000
    starts = [slot["start"] for slot in whole["slots"]]
    assert all(later - earlier == whole["width_seconds"] for earlier, later in zip(starts, starts[1:]))


# === other lines of a file ===


BROKEN = [
    (b"[2026-11-24 15:00:00.000][7][info] starting main dispatch loop", "not JSON"),
    (b'{"a": 1', "not JSON"),
    (b"\xff\xfe{}", "not UTF-8"),
    (b"[" * 200_000, "nested too deeply"),
    (b'{"usage": ' + b"9" * 5_000 + b"}", "not JSON"),
    (b"{}", "JSON, but no record"),
    (b"[]", "JSON, but no record"),
    (b"null", "JSON, but no record"),
    (b'{"ai_bridge_record": null, "path": "/v1/models"}', "JSON, but no record"),
    (b'{"ai_bridge_record": "-"}', "not JSON"),
    ({**record(1), "version": 2}, "version: expected 1, found 2"),
    ({**record(1), "version": True}, "version: expected a whole number from 0 to 2^64 - 1, found true"),
    ({**record(1), "id": None}, "id: missing"),
    ({**record(1), "outcome": "fine"}, 'outcome: expected one of completed, failed, rejected, unavailable, aborted_client, aborted_upstream, found "fine"'),
    ({**record(1), "started_at": "yesterday"}, 'started_at: expected a time such as 2026-11-24T15:00:00.000Z, found "yesterday"'),
    ({**record(1), "started_at": "2026-11-24T15:00:00"}, 'started_at: expected a time such as 2026-11-24T15:00:00.000Z, found "2026-11-24T15:00:00"'),
    ({**record(1), "usage": {**usage(1, 2, 3, 4), "output_tokens": -1}}, "usage.output_tokens: expected a whole number from 0 to 2^64 - 1, found -1"),
    ({**record(1), "usage": {**usage(1, 2, 3, 4), "output_tokens": "7"}}, 'usage.output_tokens: expected a whole number from 0 to 2^64 - 1, found "7"'),
    ({**record(1), "usage": [1]}, "usage: expected an object, found a list"),
    ({**record(1), "cost_microusd": 0.5}, "cost_microusd: expected a whole number from 0 to 2^64 - 1, found 0.5"),
    ({**record(1), "cost_microusd": 2**64}, "cost_microusd: expected a whole number from 0 to 2^64 - 1, found 18446744073709551616"),
    (json.dumps(record(1)).replace('"cost_microusd": 100', '"cost_microusd": 1e999').encode(), "cost_microusd: expected a whole number from 0 to 2^64 - 1, found Infinity"),
    ({**record(1), "cost_microusd": float("nan")}, "not JSON: NaN is no number"),
    ({**record(1), "actor": "alice"}, 'actor: expected an object, found "alice"'),
    ({**record(1), "actor": {"metadata": {"team": 7}}}, "actor.metadata.team: expected a text, found 7"),
    ({**record(1), "tool_calls": [{"kind": "client"}, "Bash"]}, 'tool_calls[1]: expected an object, found "Bash"'),
    ({**record(1), "notes": [{}]}, "an element of notes: expected a text, found an object"),
]


@pytest.mark.parametrize("line,reason", BROKEN, ids=range(len(BROKEN)))
def test_a_line_that_is_no_record_is_skipped_and_named(line, reason):
    whole = found(record(7), b"", line, record(8))
    assert whole["input"]["records"] == whole["total"]["requests"] == 2
    assert sum(whole["input"]["skipped"].values()) == 1
    (example,) = whole["input"]["examples"]
    assert (example["file"], example["line"]) == ("standard input", 3) and reason in example["reason"]


def test_a_line_that_is_too_long_is_skipped_and_reading_goes_on(monkeypatch):
    monkeypatch.setattr(reading, "LINE_BYTES", 2_000)
    long = json.dumps(record(2, prompt="x" * 3_000_000)).encode()
    seen = list(reading.lines_of(io.BytesIO(lines(record(1), long, record(3)) + long)))
    assert [(number, line is None) for number, line in seen] == [(1, False), (2, True), (3, False), (4, True)]


def test_records_are_found_behind_what_logs_put_in_front_of_them():
    fronts = [
        b"envoy-1  | ", b"ai-gateway | ", b"2026-11-24T15:00:00.123456789Z ", b"2026-11-24T15:00:00.1234+01:00 stdout F ", b"[pod/gateway-5d/envoy] ", b"envoy-1  | 2026-11-24T15:00:00.123Z ",
    ]
    whole = found(*(front + json.dumps(record(at)).encode() for at, front in enumerate(fronts)))
    assert (whole["input"]["records"], whole["input"]["skipped"]) == (len(fronts), {})


def test_records_are_found_inside_other_json_logs_by_option():
    one, two, three, four = (record(at) for at in range(4))
    inside = [
        {"path": "/x", "ai_bridge_record": one}, {"ai_bridge_record": json.dumps(two)},
        {"log": json.dumps(three) + "\n", "stream": "stdout"}, {"log": json.dumps({"ai_bridge_record": four}) + "\n"},
    ]
    assert found(*inside)["input"]["records"] == 2
    assert found(*inside, options=["--member", "log"])["input"]["records"] == 4


def test_a_forged_record_inside_a_log_line_is_not_counted():
    forged = json.dumps(record(666, cost_microusd=10**12))
    attempts = [
        {"user_agent": forged, "ai_bridge_record": record(1)}, {"user_agent": forged}, {"headers": {"ai_bridge_record": forged}},
        f'"POST /v1 HTTP/1.1" 200 {forged}'.encode(), {**record(2), "prompt": forged, "tool_calls": [{"name": "x", "kind": "client", "arguments": json.loads(forged)}]},
        f"envoy-1  | ua={forged}".encode(),
    ]
    whole = found(*attempts)
    assert (whole["input"]["records"], whole["total"]["cost_microusd"]) == (2, 200)


def test_a_record_that_comes_twice_counts_once():
    whole = found(record(1), record(2), record(1))
    assert (whole["total"]["requests"], whole["input"]["duplicates"]) == (2, 1)


def test_files_may_be_many_packed_and_damaged(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(lines(record(1), record(2)))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines(record(3))) + gzip.compress(lines(record(4), record(5))))
    torn = gzip.compress(lines(*(record(at, prompt=str(at) * 999) for at in range(100, 400))))
    (tmp_path / "torn.gz").write_bytes(torn[: len(torn) // 2])
    code, out, err = run("--json", tmp_path / "a.jsonl", tmp_path / "gone.jsonl", tmp_path / "torn.gz", tmp_path, tmp_path / "b.jsonl.gz", "-", stdin=gzip.compress(lines(record(6))))
    whole = json.loads(out)
    torn_records = whole["input"]["records"] - 6
    assert code == 1 and 0 < torn_records < 300
    for problem in (f"{tmp_path}/gone.jsonl: No such file or directory", f"{tmp_path}/torn.gz: Compressed file ended before the end-of-stream marker was reached (after line", f"{tmp_path}: Is a directory"):
        assert problem in err and any(problem in each for each in whole["input"]["problems"])


def test_a_time_range_has_its_start_and_not_its_end():
    three = [record(at, started_at=f"2026-11-2{at}T00:00:00.000Z") for at in (3, 4, 5)]
    whole = found(*three, options=["--since", "2026-11-24", "--until", "2026-11-25T01:00:00+01:00"])
    assert (whole["first"], whole["last"], whole["input"]["out_of_range"]) == ("2026-11-24T00:00:00.000Z",) * 2 + (2,)
    now = datetime.now(timezone.utc)
    for text, minutes in (("90m", 90), ("24h", 1_440), ("7d", 10_080)):
        assert abs(now - bound(text) - timedelta(minutes=minutes)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "option,value,words",
    [
        ("--since", "soon", "expected 2026-11-24, 2026-11-24T15:00:00Z, or 90m, 24h, 7d ago, found 'soon'"), ("--by", "actor,nobody", "found 'nobody'"), ("--by", "actor.", "found 'actor.'"),
        ("--top", "0", "expected a whole number from 1 to 1000, found '0'"), ("--sort", "name", "invalid choice"), ("--html", None, "would overwrite a file of records"),
    ],
)
def test_a_wrong_command_says_what_would_be_right(tmp_path, option, value, words):
    (tmp_path / "a.jsonl").write_bytes(lines(record(1)))
    code, out, err = run(option, value or tmp_path / "a.jsonl", tmp_path / "a.jsonl")
    assert (code, out) == (2, "") and words in err
    assert (tmp_path / "a.jsonl").read_bytes() == lines(record(1))


def test_an_empty_input_is_no_error():
    code, out, err = run(stdin=b"")
    assert (code, err) == (0, "") and re.search("requests +none", out)
    assert "No records." in pages.as_page(reading.Reading(totals.Report([], 1)).result())


# === hostile texts ===

EVIL = [
    "</title><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'onmouseover='alert(1)", "&lt;b&gt;", "]]>", "<!--", "\x1b[31mred\x1b]0;title\x07", "a\nb\r\n  spend  0", "\u202etxt.exe",
    "\ud800", "\x00\x01\x7f\x85\u2028", "名" * 200, "e\u0301" * 300, "x" * 5_000, "%s%n{}{0}$(id)`id`", "=cmd|' /C calc'!A0",
]


def evil_records() -> list[Any]:
    return [
        record(1_000 + at, actor={"id": evil, "metadata": {"team": evil}}, model={"requested": evil}, session_id=evil, client=evil, provider={"type": "openai", "name": evil}, user_agent=evil, prompt=evil,
               tool_calls=[{"name": evil, "kind": evil}], notes=[evil], outcome="failed", error={"type": evil, "code": evil, "message": evil}, time_to_first_event_ms=at)
        for at, evil in enumerate(EVIL)
    ]


def test_control_characters_in_records_do_not_reach_the_terminal():
    code, out, _ = run("--top", "100", stdin=lines(*evil_records(), "</script>\x1b[31m".encode() + b"{"))
    assert code == 0
    assert all(c == "\n" or c.isprintable() for c in out)
    assert "a��" not in out and "a�b" in out
    assert max(map(len, out.splitlines())) < 1_000
    assert words.fit("e" + "\u0301" * 5_000, 20) == "e" + "\u0301" * 39 + "…" and words.fit("名" * 10, 20) == "名" * 10 and words.fit("名" * 11, 20) == "名" * 9 + "…"


class Page(html.parser.HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_is_well_formed_needs_nothing_else_and_runs_nothing(tmp_path):
    page = tmp_path / "report.html"
    code, _, err = run("--html", page, "--top", "100", stdin=lines(*evil_records(), *HAND))
    assert (code, err) == (0, "")
    text = page.read_text(encoding="utf-8")
    seen = Page(text)
    assert seen.tags == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "span", "b", "i", "small", "figure", "figcaption", "svg", "g", "rect", "line", "text", "dl", "dt", "dd", "table", "tr", "th", "td",
    }
    assert not {name for name in seen.attributes if name.startswith("on")} | seen.attributes & {"src", "href", "style", "action", "srcset"}
    assert not [value for value in seen.values if "://" in value and value != "http://www.w3.org/2000/svg"]
    style = text.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style and "prefers-color-scheme: dark" in style
    assert "default-src 'none'" in "".join(seen.values)
    assert any(EVIL[0] in each for each in seen.texts), "names stand there as they are"
    # As XML, and each plot by itself.
    whole = ElementTree.fromstring(text.split("<!DOCTYPE html>")[1])
    plots = re.findall(r"<svg .*?</svg>", text, re.S)
    assert len(plots) == len(list(whole.iter("{http://www.w3.org/2000/svg}svg"))) >= 8
    for plot in plots:
        root = ElementTree.fromstring(plot)
        _, _, wide, high = map(float, root.get("viewBox").split())
        for shape in root.iter("{http://www.w3.org/2000/svg}rect"):
            x, y, width, height = (float(shape.get(name)) for name in ("x", "y", "width", "height"))
            assert 0 <= x and x + width <= wide + 0.01 and 0 <= y + 0.01 and y + height <= high + 0.01 and width > 0 and height >= 0


def test_bars_are_as_high_as_what_they_stand_for():
    whole = found(record(1, cost_microusd=1_000_000), record(2, cost_microusd=3_000_000, started_at="2026-11-24T15:01:00.000Z"))
    drawn = ElementTree.fromstring(re.search(r"<svg .*?</svg>", pages.as_page(whole), re.S).group(0))
    heights = [float(rect.get("height")) for rect in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    plot = plots.BOTTOM - plots.TOP
    assert heights == [pytest.approx(plot / 4, abs=0.01), pytest.approx(plot * 3 / 4, abs=0.01)]
    assert [(plots.nice(n)) for n in (0, 1, 3, 9, 10, 11, 61, 99_999)] == [1, 1, 4, 10, 10, 20, 80, 100_000]


# === the page ===


def test_the_page_shows_what_the_report_prints():
    command = "--top 3 --by actor,model tests/records/sample.jsonl"
    page = (REPOSITORY / "envoy" / "records" / "README.md").read_text()
    block = page.split(f"$ python3 envoy/records/report.py {command}\n")[1].split("```")[0]
    code, out, _ = run(*command.split(" ")[:-1], SAMPLE)
    parts = block.split("…\n")[:-1] if block.endswith("\n…\n") else block.split("\n…\n")
    assert code == 0 and len(parts) > 1
    for part in parts:
        assert part in out, out


def test_the_folder_alone_is_all_that_is_needed(tmp_path):
    shutil.copytree(SHIPPED.parent, tmp_path / "records", ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run([sys.executable, "-I", "-S", "records/report.py", "--html", "r.html", str(SAMPLE)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "claude-opus-4-8" in done.stdout, done.stderr
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "r.html"])
