"""What is shown, as text and on the page."""

from __future__ import annotations

from typing import Any, NamedTuple

from .totals import METADATA_KEYS
from .words import a_request, change, fit, money, number, percent, seconds, short, usd, when


class Column(NamedTuple):
    """A column of a table."""

    name: str
    unit: str = ""
    text: bool = False
    is_name: bool = False           # may be cut in the middle
    on_phones: bool = False         # is shown where there is little room


class Section(NamedTuple):
    title: str
    columns: list[Column]
    rows: list[list[str]]
    remarks: list[str]


HEADINGS = {"actor": "caller", "api": "API", "client": "program", "credential": "whose key"}
PLURAL = {"actor": "callers", "model": "models", "provider": "providers", "api": "APIs", "client": "programs", "session": "sessions", "agent": "agents"}
WORDS = {
    "outcome": {"rejected": "refused", "unavailable": "not reachable", "aborted_client": "client left", "aborted_upstream": "broken off"},
    "credential": {"centralized": "the gateway's", "byok": "the caller's own", "none": "no key"},
    "api": {"messages": "Messages", "chat_completions": "Chat Completions", "responses": "Responses", "generate_content": "Generate Content"},
    "kind": {"client": "the caller", "hosted": "the provider"},
}


def heading(group: str) -> str:
    """What a list is of, for people: `actor.cost_center` is `cost center`."""
    return HEADINGS.get(group) or group.removeprefix("actor.").replace("_", " ").replace("-", " ")


def title(text: str) -> str:
    return text[:1].upper() + text[1:]


def word(kind: str, value: str | None) -> str:
    """A value of a record for people."""
    return name_of(WORDS.get(kind, {}).get(value or "", value))


def name_of(value: str | None) -> str:
    return "(none)" if value is None else value


def share_of(part: int | None, whole: int | None) -> str:
    return "–" if part is None or not whole else f"{percent(part, whole)} %"


def tally_columns(has_before: bool) -> list[Column]:
    return [
        Column("spend", on_phones=True), Column("share", "of spend", on_phones=True), *([Column("before", "spend"), Column("change", "of spend")] if has_before else []), Column("requests"), Column("a request", "spend"),
        Column("input", "tokens"), Column("from cache", "of input"), Column("output", "tokens"), Column("not", "completed"), Column("not all", "known"),
    ]


def tally(row: dict[str, Any], total: dict[str, Any], most: tuple[int, int], has_before: bool) -> list[str]:
    """`most`: the largest spend in the list, and the largest of one request."""
    before = row.get("cost_microusd_before")
    return [
        money(row["cost_microusd"], most[0]), share_of(row["cost_microusd"], total["cost_microusd"]), *([money(before, most[0]), change(row["cost_microusd"], before)] if has_before else []),
        number(row["requests"]), a_request(row["cost_microusd"], row["requests"], most[1]), short(row["total_input_tokens"]), share_of(row["cache_read_tokens"], row["total_input_tokens"]),
        short(row["output_tokens"]), number(row["not_completed"]), number(row["incomplete"]),
    ]


def summary(found: dict[str, Any]) -> list[tuple[str, str]]:
    """The whole in a few lines."""
    total, reading, before = found["total"], found["input"], found["before"]
    parts = lambda pairs: " · ".join(f"{name} {number(value)}" for name, value in pairs if value)
    times = lambda t: "–" if not t["count"] else f"half within {seconds(t['p50'])} · 95 % within {seconds(t['p95'])} · longest {seconds(t['longest'])}"
    cost = total["cost_microusd"]
    lines = [
        ("requests", number(total["requests"]) + (f", {when(found['first'])} to {when(found['last'])} UTC" if found["first"] else "")),
        ("spend", f"{money(cost)} (exactly {usd(cost)} USD), {a_request(cost, total['requests'])} a request" if cost is not None else "– (no record has a price)"),
        ("before", before and f"{money(before['total']['cost_microusd'])} in {number(before['total']['requests'])} requests from {when(before['since'])} to {when(before['until'])} UTC: spend {change(cost, before['total']['cost_microusd'])}"),
        ("input", f"{short(total['total_input_tokens'])} tokens: {short(total['input_tokens'])} plain, {short(total['cache_read_tokens'])} read from and {short(total['cache_write_tokens'])} written to caches"),
        ("output", f"{short(total['output_tokens'])} tokens, of these {short(total['reasoning_tokens'])} reasoning"),
        ("from cache", "–" if total["cache_hit_percent"] is None else f"{percent(total['cache_read_tokens'], total['total_input_tokens'])} % of the input tokens"),
        ("outcomes", " · ".join(f"{word('outcome', name)} {number(value)} ({percent(value, total['requests'])} %)" for name, value in found["outcomes"].items() if value)),
        ("usage", parts(found["usage_status"].items())),
        ("not all known", incompleteness(total)),
        ("estimated", estimation(total)),
        ("first words", times(found["time_to_first_event_ms"]) + f" ({number(found['time_to_first_event_ms']['count'])} streams)"),
        ("whole answer", times(found["duration_ms"])),
        ("tool calls", f"{number(found['tool_calls']['calls'])} in {number(found['tool_calls']['interceptions'])} requests"),
        ("notes", parts((fit(name, 32), times) for name, times in list(found["notes"].items())[:20])),
    ]
    if not total["requests"]:
        lines = [("requests", "none")]
    if found["since"] or found["until"]:
        lines.insert(1, ("time range", f"{when(found['since']) if found['since'] else 'any time'} up to {when(found['until']) if found['until'] else 'now'}; {number(reading['out_of_range'])} records are outside"))
    if found["more_metadata_keys"]:
        lines.append(("lists", f"of the callers' metadata only for the first {METADATA_KEYS} keys; --by actor.KEY makes others"))
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
        return "nothing: spend and tokens are whole"
    least = "spend and tokens are" if total["partial_usage"] or total["missing_usage"] else "spend is"
    return f"{number(total['incomplete'])} requests ({', '.join(f'{words} {number(total[name])}' for name, words in kinds if total[name])}): {least} at least what is shown"


def estimation(total: dict[str, Any]) -> str:
    """What is charged to budgets and is in no other number of the report."""
    if not total["estimated"]:
        return ""
    tokens = f"{number(total['estimated_input_tokens'])} tokens of input and {number(total['estimated_output_tokens'])} of output"
    return f"{tokens} in {number(total['estimated'])} requests whose final usage never came: charged to budgets, in no other number here"


def sections(found: dict[str, Any]) -> list[Section]:
    """The tables."""
    shown = [spending(group, counted, found) for group, counted in found["by"].items()]
    return [section for section in [*shown, *further(found)] if section is not None and section.rows]


def spending(group: str, counted: dict[str, Any], found: dict[str, Any]) -> Section | None:
    """Spend and use by something; nothing where no record names it."""
    if not counted["rows"] or [row["name"] for row in counted["rows"]] == [None] and not counted["others"]:
        return None
    noun, others, total = PLURAL.get(group, f"values of {heading(group)}"), counted["others"], found["total"]
    has_before = any("cost_microusd_before" in row for row in counted["rows"])
    everything = [*counted["rows"], *([others] if others else [])]
    most = (
        max(max(row["cost_microusd"] or 0, row.get("cost_microusd_before") or 0) for row in everything),
        max((row["cost_microusd"] or 0) // max(row["requests"], 1) for row in everything),
    )
    rows = [[word(group, row["name"])] + tally(row, total, most, has_before) for row in counted["rows"]]
    if others:
        rows.append([f"({number(others['names'])} others)" if not counted["more_than"] else "(all others)"] + tally(others, total, most, has_before))
    remarks = [f"More than {number(counted['more_than'])} {noun}: those seen first are counted each, the later ones together as others."] if counted["more_than"] else []
    order = "newest first" if group in ("day", "hour") else f"{number(len(counted['rows']))} of {number(counted['names'])}{'+' if counted['more_than'] else ''}"
    return Section(f"By {heading(group)} ({order})", [Column(heading(group), text=True, is_name=True, on_phones=True)] + tally_columns(has_before), rows, remarks)


def further(found: dict[str, Any]) -> list[Section]:
    """What else the report lists: times, tools, errors, single requests."""
    name = lambda text, **more: Column(text, text=True, is_name=True, **more)
    columns = [name("provider"), name("model", on_phones=True), Column("streams"), Column("half", "within", on_phones=True), Column("95 %", "within", on_phones=True), Column("longest")]
    times = [[row["provider"], name_of(row["model"]), number(row["count"]), *(seconds(row[key]) for key in ("p50", "p95", "longest"))] for row in found["times"]["rows"]]
    shown = [Section("Time until the first words", columns, times, more(found["times"], "pairs of provider and model"))]
    tools = [[name_of(row["name"]), row["server"] or "", word("kind", row["kind"]), number(row["calls"]), number(row["interceptions"])] for row in found["tools"]["rows"]]
    shown.append(Section("Tools", [name("tool", on_phones=True), name("server"), Column("run by", text=True), Column("calls", on_phones=True), Column("requests")], tools, more(found["tools"], "tools")))
    pools = [
        [row["provider"], row["member"], number(row["attempts"]), number(row["served"]), number(row["failed_over"]), " · ".join(f"{reason} {number(times)}" for reason, times in row["reasons"].items()), number(row["sessions_moved_here"])]
        for row in found["pools"]["rows"]
    ]
    columns = [name("provider"), name("member", on_phones=True), Column("asked"), Column("served", on_phones=True), Column("failed over", on_phones=True), Column("because of", text=True), Column("sessions", "moved here")]
    shown.append(Section("Members of pools", columns, pools, more(found["pools"], "members")))
    errors = [
        [word("outcome", row["outcome"]), name_of(str(row["status"] or "") or None), name_of(row["code"] or row["type"]), row["provider"], number(row["count"]), when(row["last"]), row["message"] or ""]
        for row in found["errors"]["rows"]
    ]
    columns = [Column("outcome", text=True), Column("status"), name("error", on_phones=True), name("provider"), Column("requests", on_phones=True), Column("last", "UTC", True), Column("first message", text=True)]
    shown.append(Section("Errors", columns, errors, more(found["errors"], "kinds of errors")))
    columns = [Column("started", "UTC", True), Column("spend", on_phones=True), Column("took", on_phones=True), Column("first words"), name("caller", on_phones=True), name("model"), Column("outcome", text=True), Column("tokens"), Column("id", text=True)]
    slowest = [
        [when(row["started_at"]), money(row["cost_microusd"]), seconds(row["duration_ms"]), seconds(row["time_to_first_event_ms"]), name_of(row["actor"]), name_of(row["model"]), word("outcome", row["outcome"]), short(row["total_tokens"]), row["id"]]
        for row in found["slowest"]
    ]
    shown.append(Section("Slowest requests", columns, slowest, []))
    columns = [Column("started", "UTC", True), Column("outcome", text=True, on_phones=True), Column("status"), name("error"), name("caller", on_phones=True), name("model"), Column("id", text=True), Column("message", text=True)]
    failed = [
        [when(row["started_at"]), word("outcome", row["outcome"]), name_of(str(row["status"] or "") or None), name_of(row["error"]["code"] or row["error"]["type"]), name_of(row["actor"]), name_of(row["model"]), row["id"], row["error"]["message"] or ""]
        for row in found["failed"]
    ]
    shown.append(Section("Requests that were not completed, newest first", columns, failed, []))
    return shown


def more(counted: dict[str, Any], noun: str) -> list[str]:
    if counted["more_than"]:
        return [f"More than {number(counted['more_than'])} {noun}: those seen later are not listed."]
    left = counted["names"] - len(counted["rows"])
    return [f"{number(left)} more."] if left else []


LEGEND = [
    "Not completed: failed at the provider, refused by the gateway, provider not reachable, client left, or broken off by the provider. Input: plain, read from and written to caches.",
    "Not all known: requests with partial usage, without usage though the provider may have billed, or without a price. Spend and tokens of such a row are at least what is shown; – is unknown.",
]
