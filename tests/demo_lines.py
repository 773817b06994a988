"""How `make run` tells a request: in one line."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

WIDTH = shutil.get_terminal_size((160, 24)).columns if sys.stdout.isatty() else 160


def line_of(event: Any) -> str:
    """The line of a record, or of a request that left none."""
    return without_record(event) if event.get("no_record") else with_record(event)


def with_record(record: Any) -> str:
    model, usage, error, response = (record.get(name) or {} for name in ("model", "usage", "error", "response"))
    actor = record.get("actor") or {}
    team = (actor.get("metadata") or {}).get("team")
    who = (actor.get("id") or "(unknown)") + (f" ({team})" if team else "")
    outcome = record.get("outcome") or "?"
    asked = model.get("served") or model.get("requested") or record.get("path") or "?"
    parts = [record.get("started_at", "")[11:19], f"{who:<16}", f"{asked:<15}", f"{outcome} {response.get('status', '')}".rstrip()]
    parts += [tokens(usage), money(record.get("cost_microusd")), f"{record.get('duration_ms')} ms", *tail(record, error)]
    return fitted([part for part in parts if part], outcome)


def tail(record: Any, error: Any) -> list[str]:
    """The part that may be long: what went wrong, the tools that are called, the prompt."""
    found = []
    if error:
        found.append(": ".join(str(error[part]) for part in ("code", "message") if error.get(part)) or str(error.get("type")))
    for call in record.get("tool_calls") or []:
        arguments = call.get("arguments")
        shown = "" if arguments is None else arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        found.append(f"calls {call.get('name')}({shown})" + ("" if call.get("complete", True) else " (unfinished)"))
    if record.get("prompt"):
        found.append(f"“{first_line(record['prompt'])}”")
    return found


def without_record(event: Any) -> str:
    status = event.get("status")
    path = str(event.get("path") or event.get("sent_path") or "?").split("?")[0]
    why = "passed through, no record" if event.get("cluster") and event.get("cluster") != "-" else "answered by the gateway, no record"
    outcome = "completed" if isinstance(status, int) and 200 <= status < 400 else "rejected"
    parts = [str(event.get("time") or "")[11:19], f"{event.get('actor') or '(unknown)':<16}", f"{event.get('method')} {path}", f"{status} {why}", f"{event.get('duration_ms')} ms"]
    return fitted(parts, outcome, status)


def fitted(parts: list[str], outcome: str, status: Any = None) -> str:
    """The parts as one line of the terminal's width."""
    line = printable("  ".join(parts))
    if len(line) > WIDTH:
        line = line[: WIDTH - 1] + "…"
    word = outcome if status is None else str(status)
    return line.replace(f"  {word}", f"  {paint(outcome, word)}", 1)


def tokens(usage: Any) -> str:
    """The usage, such as `112 in (100 cached), 7 out`."""
    if not usage or usage.get("usage_status") == "missing":
        return ""
    parts = []
    if (total := usage.get("total_input_tokens")) is not None:
        parts.append(f"{total} in" + (f" ({usage['cache_read_tokens']} cached)" if usage.get("cache_read_tokens") else ""))
    if (out := usage.get("output_tokens")) is not None:
        parts.append(f"{out} out")
    return ", ".join(parts) + (" so far" if usage.get("usage_status") == "partial" else "")


def money(microusd: Any) -> str:
    return "" if microusd is None else f"${microusd / 1_000_000:.6f}"


def first_line(text: str) -> str:
    lines = text.strip().splitlines() or [""]
    return lines[0] + ("…" if len(lines) > 1 else "")


def printable(text: str) -> str:
    """`text` without control characters: it is untrusted, and a terminal would obey them."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def paint(outcome: str, word: str) -> str:
    """The word in colour if the output is a terminal: green completed, yellow rejected, red any other."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return word
    return f"\033[{ {'completed': 32, 'rejected': 33}.get(outcome, 31) }m{word}\033[0m"


def summary(records: list[Any]) -> str:
    """What the records of a run add up to."""
    if not records:
        return "Stopped. No request left a record."
    count = lambda number, word: f"{number} {word}{'' if number == 1 else 's'}"
    callers = {(record.get("actor") or {}).get("id") for record in records} - {None}
    outcomes: dict[str, int] = {}
    for record in records:
        outcomes[str(record.get("outcome"))] = outcomes.get(str(record.get("outcome")), 0) + 1
    total = lambda name: sum((record.get("usage") or {}).get(name) or 0 for record in records)
    cost = sum(record.get("cost_microusd") or 0 for record in records)
    return (
        f"Stopped. {count(len(records), 'request')} by {count(len(callers), 'named caller')} "
        f"({', '.join(f'{number} {outcome}' for outcome, number in outcomes.items())}): "
        f"{money(cost)}, {total('total_input_tokens'):,} tokens in, {total('output_tokens'):,} out."
    )
