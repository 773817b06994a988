"""What is shown, as text and on the page."""

from __future__ import annotations

from typing import Any, NamedTuple

from .totals import METADATA_KEYS
from .words import fit, number, percent, usd, when


class Column(NamedTuple):
    name: str
    unit: str = ""
    text: bool = False


class Section(NamedTuple):
    title: str
    columns: list[Column]
    rows: list[list[str]]
    remarks: list[str]


TALLY = [
    Column("requests"), Column("not completed"), Column("spend", "USD"), Column("input", "tokens"), Column("from cache", "% of input"),
    Column("output", "tokens"), Column("incomplete", "requests"),
]
PLURAL = {"actor": "actors", "model": "models", "provider": "providers", "api": "APIs", "client": "clients", "session": "sessions", "agent": "agents"}


def tally(row: dict[str, Any]) -> list[str]:
    share = "–" if row["cache_hit_percent"] is None else percent(row["cache_read_tokens"], row["total_input_tokens"])
    return [number(row["requests"]), number(row["not_completed"]), usd(row["cost_microusd"]), number(row["total_input_tokens"]), share, number(row["output_tokens"]), number(row["incomplete"])]


def summary(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The whole in a few lines."""
    total, reading = found["total"], found["input"]
    parts = lambda pairs: " · ".join(f"{name} {number(value)}" for name, value in pairs if value)
    times = lambda t: "–" if not t["count"] else f"p50 {number(t['p50'])} ms · p95 {number(t['p95'])} ms · longest {number(t['longest'])} ms"
    lines = [
        ("interceptions", number(total["requests"]) + (f", {when(found['first'])} to {when(found['last'])} UTC" if found["first"] else "")),
        ("spend", f"{usd(total['cost_microusd'])} USD" if total["cost_microusd"] is not None else "– (no record has a price)"),
        ("input", f"{number(total['total_input_tokens'])} tokens: {number(total['input_tokens'])} plain, {number(total['cache_read_tokens'])} read from and {number(total['cache_write_tokens'])} written to caches"),
        ("output", f"{number(total['output_tokens'])} tokens, of these {number(total['reasoning_tokens'])} reasoning"),
        ("cache hit share", "–" if total["cache_hit_percent"] is None else f"{percent(total['cache_read_tokens'], total['total_input_tokens'])} % of the input tokens"),
        ("outcomes", " · ".join(f"{name} {number(value)} ({percent(value, total['requests'])} %)" for name, value in found["outcomes"].items() if value)),
        ("usage", parts(found["usage_status"].items())),
        ("incomplete", incompleteness(total)),
        ("estimated", estimation(total)),
        ("first event", times(found["time_to_first_event_ms"]) + f" ({number(found['time_to_first_event_ms']['count'])} streams)"),
        ("duration", times(found["duration_ms"])),
        ("tool calls", f"{number(found['tool_calls']['calls'])} in {number(found['tool_calls']['interceptions'])} interceptions"),
        ("notes", parts((fit(name, 32), times) for name, times in list(found["notes"].items())[:20])),
    ]
    if not total["requests"]:
        lines = [("interceptions", "none")]
    if found["since"] or found["until"]:
        lines.insert(1, ("time range", f"{found['since'] or 'any time'} up to {found['until'] or 'now'}; {number(reading['out_of_range'])} records are outside"))
    if found["more_metadata_keys"]:
        lines.append(("lists", f"of the actors' metadata only for the first {METADATA_KEYS} keys; --by actor.KEY makes others"))
    skipped = parts(reading["skipped"].items())
    if skipped:
        lines.append(("skipped lines", f"{skipped} (of {number(reading['lines'])})"))
        lines += [("", f"{each['file']}:{each['line']}: {each['reason']}") for each in reading["examples"]]
    if reading["duplicates"]:
        lines.append(("duplicates", f"{number(reading['duplicates'])} records came again and count once"))
    lines += [("could not read", problem) for problem in reading["problems"]]
    return [(name, value) for name, value in lines if value]


def incompleteness(total: dict[str, Any]) -> str:
    """How much of spend and tokens is not known."""
    kinds = (("partial_usage", "partial usage"), ("missing_usage", "no usage, though perhaps billed"), ("without_price", "no price"))
    if not total["incomplete"]:
        return "none: spend and tokens are whole"
    least = "spend and tokens are" if total["partial_usage"] or total["missing_usage"] else "spend is"
    return f"{number(total['incomplete'])} ({', '.join(f'{words} {number(total[name])}' for name, words in kinds if total[name])}): {least} at least what is shown"


def estimation(total: dict[str, Any]) -> str:
    """What is charged to budgets and is in no other number of the report."""
    if not total["estimated"]:
        return ""
    tokens = f"{number(total['estimated_input_tokens'])} tokens of input and {number(total['estimated_output_tokens'])} of output"
    return f"{tokens} in {number(total['estimated'])} interceptions whose final usage never came: charged to budgets, in no other number here"


def sections(found: dict[str, Any]) -> list[Section]:
    """The tables."""
    shown = []
    for group, counted in found["by"].items():
        if [row["name"] for row in counted["rows"]] == [None] and not counted["others"]:
            continue        # nothing is known of anybody
        noun, others = PLURAL.get(group, f"values of {group}"), counted["others"]
        rows = [[name_of(row["name"])] + tally(row) for row in counted["rows"]]
        if others:
            rows.append([f"({number(others['names'])} others)" if not counted["more_than"] else "(all others)"] + tally(others))
        remarks = [f"More than {number(counted['more_than'])} {noun}: those seen first are counted each, the later ones together as others."] if counted["more_than"] else []
        order = "newest first" if group in ("day", "hour") else f"{number(len(counted['rows']))} of {number(counted['names'])}{'+' if counted['more_than'] else ''}"
        shown.append(Section(f"By {group} ({order})", [Column(group, text=True)] + TALLY, rows, remarks))
    milliseconds = [Column(name, "ms") for name in ("p50", "p95", "longest")]
    times = [[row["provider"], name_of(row["model"]), number(row["count"]), *(number(row[key]) for key in ("p50", "p95", "longest"))] for row in found["times"]["rows"]]
    shown.append(Section("Time to first event", [Column("provider", text=True), Column("model", text=True), Column("streams")] + milliseconds, times, more(found["times"], "pairs of provider and model")))
    tools = [[name_of(row["name"]), row["server"] or "", row["kind"], number(row["calls"]), number(row["interceptions"])] for row in found["tools"]["rows"]]
    shown.append(Section("Tools", [Column("tool", text=True), Column("server", text=True), Column("run by", text=True), Column("calls"), Column("interceptions")], tools, more(found["tools"], "tools")))
    errors = [
        [row["outcome"], name_of(row["status"] and str(row["status"])), name_of(row["code"] or row["type"]), row["provider"], number(row["count"]), when(row["last"]), row["message"] or ""]
        for row in found["errors"]["rows"]
    ]
    columns = [Column("outcome", text=True), Column("status"), Column("error", text=True), Column("provider", text=True), Column("requests"), Column("last", "UTC", True), Column("first message", text=True)]
    shown.append(Section("Errors", columns, errors, more(found["errors"], "kinds of errors")))
    columns = [Column("started", "UTC", True), Column("duration", "ms"), Column("first event", "ms"), Column("actor", text=True), Column("model", text=True), Column("outcome", text=True), Column("input + output", "tokens"), Column("spend", "USD"), Column("id", text=True)]
    slowest = [
        [when(row["started_at"]), number(row["duration_ms"]), number(row["time_to_first_event_ms"]), name_of(row["actor"]), name_of(row["model"]), row["outcome"], number(row["total_tokens"]), usd(row["cost_microusd"]), row["id"]]
        for row in found["slowest"]
    ]
    shown.append(Section("Slowest interceptions", columns, slowest, []))
    columns = [Column("started", "UTC", True), Column("outcome", text=True), Column("status"), Column("error", text=True), Column("actor", text=True), Column("model", text=True), Column("id", text=True), Column("message", text=True)]
    failed = [
        [when(row["started_at"]), row["outcome"], name_of(row["status"] and str(row["status"])), name_of(row["error"]["code"] or row["error"]["type"]), name_of(row["actor"]), name_of(row["model"]), row["id"], row["error"]["message"] or ""]
        for row in found["failed"]
    ]
    shown.append(Section("Interceptions that were not completed, newest first", columns, failed, []))
    return [section for section in shown if section.rows]


def more(counted: dict[str, Any], noun: str) -> list[str]:
    if counted["more_than"]:
        return [f"More than {number(counted['more_than'])} {noun}: those seen later are not listed."]
    left = counted["names"] - len(counted["rows"])
    return [f"{number(left)} more."] if left else []


def name_of(value: str | None) -> str:
    return "(none)" if value is None else value


LEGEND = [
    "not completed: failed, rejected, unavailable or aborted. Input: plain, read from and written to caches.",
    "incomplete: requests with partial usage, without usage though the provider may have billed, or without a price. Spend and tokens of such a row are at least what is shown; – is unknown.",
]
