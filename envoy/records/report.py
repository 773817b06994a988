#!/usr/bin/env python3
"""Spend, tokens, errors and times from AI Bridge's records, for people: as text, as JSON, as one HTML page.

    python3 report.py records.jsonl more.jsonl.gz        text on standard output
    docker compose logs envoy | python3 report.py        records on standard input
    python3 report.py --since 7d --html report.html records.jsonl

It needs Python 3.10 or later and nothing else: copy this file to wherever the records are. A record is one line of JSON
(record.schema.json); it may also be a member of an access log's JSON line (`--member`), and what `docker compose logs`,
`kubectl logs` and a container's own log file put in front of a line is taken off. Lines that hold no record are counted,
skipped and named. A record that comes twice counts once, where the second is among the next 262,144.

Memory is bounded, whatever the size of the files: each list counts up to 20,000 names exactly (tools and errors 2,000,
pairs of provider and model 1,000) and all later ones together, and says so; times from one second on are kept to three digits; a line has at most 32 MiB. Money is counted in
whole millionths of a US dollar. Percentiles are nearest ranks.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import heapq
import html
import itertools
import json
import os
import re
import sys
import unicodedata
import zlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, BinaryIO, Callable, Iterable, Iterator, NamedTuple

LINE_BYTES = 32 << 20           # a longer line is skipped
NAMES = 20_000                  # counted one by one in each list; later ones are counted together
TOOLS, ERRORS, PAIRS = 2_000, 2_000, 1_000      # the same of these
METADATA_KEYS = 8               # lists by actor.KEY that are made unasked
KEY_CHARACTERS = 1024           # of a name; records have no longer ones
DUPLICATES = 262_144            # ids that are remembered
EXAMPLES = 5                    # skipped lines that are shown
SLOTS = 120                     # bars of a plot over time
LARGEST = (1 << 64) - 1
LONGEST_MS = 100_000_000        # times above (27 hours) are one; the longest is kept exactly

OUTCOMES = ("completed", "failed", "rejected", "unavailable", "aborted_client", "aborted_upstream")
GROUPS = ("actor", "model", "provider", "api", "client", "session", "agent", "credential", "outcome", "day", "hour")
DEFAULT_GROUPS = "actor,actor.*,model,provider,client,session,agent"
METADATA_KEY = re.compile("[A-Za-z0-9_-]{1,64}")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# What others put in front of a line: `docker compose logs`, `kubectl logs --prefix`, timestamps, a container's own log file.
PREFIX = re.compile(
    rb"(?:[\w.-]+ *\| )?(?:\[pod/[^\]\s]+\] )?(?:\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) )?(?:(?:stdout|stderr) [FP] )?(?=\{)"
)


class Unreadable(Exception):
    """A line that counts nothing, and why."""

    def __init__(self, kind: str, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind


# === records ===


@dataclass
class Record:
    """What a report takes from a record."""

    id: str
    started: datetime
    duration_ms: int
    first_event_ms: int | None
    provider: str
    api: str | None
    model: str | None
    actor: str | None
    metadata: dict[str, str]
    client: str | None
    session: str | None
    agent: str | None
    credential: str | None
    outcome: str
    status: int | None
    error: tuple[str | None, str | None, str | None]
    usage_status: str
    tokens: dict[str, int | None]
    estimate: tuple[int, int] | None
    cost: int | None
    shares: list[tuple[str, dict[str, int | None], int | None]]
    tools: list[tuple[str | None, str | None, str]]
    notes: list[str]

    @property
    def may_be_billed(self) -> bool:
        """Whether a provider may have worked for it, so that missing usage is missing money."""
        if self.outcome == "unavailable":
            return self.status == 504
        if self.outcome == "failed":
            return self.status is not None and 200 <= self.status < 300
        return self.outcome != "rejected"


TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_input_tokens", "total_tokens")
KINDS = {dict: "an object", list: "a list", str: "a text", int: "a whole number from 0 to 2^64 - 1", bool: "true or false"}


def find(record: Any, path: str, kind: type) -> Any:
    """The member at `path`, `None` where it is absent. Raises `Unreadable` where it is of another kind."""
    value, names = record, path.split(".")
    for depth, name in enumerate(names):
        if value is None:
            return None
        if type(value) is not dict:
            raise wrong(".".join(names[:depth]), dict, value)
        value = value.get(name)
    if kind is int and type(value) is float and value.is_integer():
        value = int(value)          # what other programs make of a whole number
    if value is not None and (type(value) is not kind or (kind is int and not 0 <= value <= LARGEST)):
        raise wrong(path, kind, value)
    return value[:KEY_CHARACTERS] if kind is str and value is not None else value


def need(record: Any, path: str, kind: type) -> Any:
    """The same of a member that every record has."""
    value = find(record, path, kind)
    if value is None:
        raise Unreadable("broken record", f"{path}: missing")
    return value


def wrong(path: str, kind: type, value: Any) -> Unreadable:
    shown = KINDS[type(value)] if isinstance(value, (dict, list)) else json.dumps(value)
    return Unreadable("broken record", f"{path}: expected {KINDS[kind]}, found {fit(shown, 40)}")


def read_record(value: dict[str, Any]) -> Record:
    """Takes a record apart. Half a record counts nothing: anything wrong in what is read is `Unreadable`."""
    if need(value, "version", int) != 1:
        raise Unreadable("broken record", f"version: expected 1, found {value['version']}")
    outcome, usage_status = need(value, "outcome", str), need(value, "usage.usage_status", str)
    if outcome not in OUTCOMES:
        raise Unreadable("broken record", f"outcome: expected one of {', '.join(OUTCOMES)}, found {json.dumps(outcome[:40])}")
    if usage_status not in ("complete", "partial", "missing"):
        raise Unreadable("broken record", f"usage.usage_status: expected complete, partial or missing, found {json.dumps(usage_status[:40])}")
    metadata = find(value, "actor.metadata", dict) or {}
    calls = find(value, "tool_calls", list) or []
    return Record(
        id=need(value, "id", str),
        started=instant(need(value, "started_at", str)),
        duration_ms=need(value, "duration_ms", int),
        first_event_ms=find(value, "time_to_first_event_ms", int),
        provider=need(value, "provider.name", str),
        api=find(value, "api", str),
        model=find(value, "model.served", str) or find(value, "model.requested", str) or None,
        actor=find(value, "actor.id", str),
        metadata={key: find(value, f"actor.metadata.{key}", str) for key in itertools.islice(metadata, 32) if METADATA_KEY.fullmatch(key)},
        client=find(value, "client", str),
        session=find(value, "session_id", str) or None,
        agent=find(value, "agent.id", str) or None,
        credential=find(value, "credential.kind", str),
        outcome=outcome,
        status=find(value, "response.status", int),
        error=(find(value, "error.type", str), find(value, "error.code", str), find(value, "error.message", str)),
        usage_status=usage_status,
        tokens={name: find(value, f"usage.{name}", int) for name in TOKENS},
        estimate=estimated(value),
        cost=find(value, "cost_microusd", int),
        shares=[share(f"by_model[{at}]", element) for at, element in enumerate(find(value, "usage.by_model", list) or [])],
        tools=[tool(f"tool_calls[{at}]", call) for at, call in enumerate(calls)],
        notes=[note[:80].split(":")[0] for note in texts(value, "notes")],
    )


def estimated(record: dict[str, Any]) -> tuple[int, int] | None:
    """The tokens of input and of output that are charged by an estimate, beyond those that were stated."""
    if find(record, "usage.estimate", dict) is None:
        return None
    more = [need(record, f"usage.estimate.{name}", int) - (find(record, f"usage.{name}", int) or 0) for name in ("input_tokens", "output_tokens")]
    return max(more[0], 0), max(more[1], 0)


def share(path: str, element: Any) -> tuple[str, dict[str, int | None], int | None]:
    """A model that worked beside others, its tokens and its cost."""
    holder = {path: element}
    tokens = {name: find(holder, f"{path}.{name}", int) for name in TOKENS if name not in ("reasoning_tokens", "total_tokens")}
    tokens["total_tokens"] = (tokens["total_input_tokens"] or 0) + (tokens["output_tokens"] or 0)
    return need(holder, f"{path}.model", str), tokens, find(holder, f"{path}.cost_microusd", int)


def tool(path: str, call: Any) -> tuple[str | None, str | None, str]:
    """A called tool's name, its server, and who runs it."""
    holder = {path: call}
    return find(holder, f"{path}.name", str), find(holder, f"{path}.server", str), need(holder, f"{path}.kind", str)


def texts(record: dict[str, Any], path: str) -> list[str]:
    found = find(record, path, list) or []
    for element in found:
        if type(element) is not str:
            raise wrong(f"an element of {path}", str, element)
    return found


def instant(text: str) -> datetime:
    """A time as RFC 3339 writes it."""
    try:
        found = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
        if found.tzinfo is not None:
            return found.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        pass
    raise Unreadable("broken record", f"started_at: expected a time such as 2026-11-24T15:00:00.000Z, found {json.dumps(text[:40])}")


def record_in(line: bytes, members: tuple[str, ...]) -> Record:
    """The record that a line holds."""
    prefix = PREFIX.match(line)
    value = parse(line[prefix.end() :] if prefix else line)
    for _ in range(4):          # a log line in a log line is the most that is usual
        if not isinstance(value, dict):
            break
        if {"version", "outcome", "provider", "usage"} <= value.keys():
            return read_record(value)
        inner = next((value[name] for name in members if value.get(name) is not None), None)
        value = parse(inner.encode("utf-8", "surrogatepass")) if isinstance(inner, str) else inner
    raise Unreadable("no record", "JSON, but no record")


def parse(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise Unreadable("not JSON", "nested too deeply") from None
    except UnicodeDecodeError:
        raise Unreadable("not JSON", "not UTF-8") from None
    except ValueError as error:
        raise Unreadable("not JSON", f"not JSON: {error}"[:120]) from None


def refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


# === counting ===


class Tally:
    """What is summed of any set of records."""

    __slots__ = ("requests", "completed", "cost", "priced", "known", "partial", "missing", "unpriced", "incomplete", "estimated", "estimated_input", "estimated_output", "tokens")

    def __init__(self) -> None:
        self.requests = self.completed = self.cost = self.priced = self.known = 0
        self.partial = self.missing = self.unpriced = self.incomplete = 0
        self.estimated = self.estimated_input = self.estimated_output = 0
        self.tokens = dict.fromkeys(TOKENS, 0)

    def add(self, record: Record) -> None:
        self.requests += 1
        self.completed += record.outcome == "completed"
        known = record.usage_status != "missing"
        partial, missing, unpriced = record.usage_status == "partial", not known and record.may_be_billed, known and record.cost is None
        self.known += known
        self.partial += partial
        self.missing += missing
        self.unpriced += unpriced
        self.incomplete += partial or missing or unpriced
        if record.cost is not None:
            self.cost += record.cost
            self.priced += 1
        if record.estimate is not None:
            self.estimated += 1
            self.estimated_input += record.estimate[0]
            self.estimated_output += record.estimate[1]
        for name, number in record.tokens.items():
            self.tokens[name] += number or 0

    def add_share(self, tokens: dict[str, int | None], cost: int | None) -> None:
        """What a model used of a request that is counted with another model."""
        self.known += 1
        self.unpriced += cost is None
        self.incomplete += cost is None
        self.priced += cost is not None
        self.cost += cost or 0
        for name, number in tokens.items():
            self.tokens[name] += number or 0

    def merge(self, other: "Tally") -> None:
        for name in self.__slots__:
            if name != "tokens":
                setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, number in other.tokens.items():
            self.tokens[name] += number

    def result(self) -> dict[str, Any]:
        """As JSON. `None` where something was spent or used and nothing of it is known."""
        all_input = self.tokens["total_input_tokens"]
        unknown = self.known == 0 and self.incomplete > 0
        return {
            "requests": self.requests,
            "not_completed": self.requests - self.completed,
            "cost_microusd": None if self.priced == 0 and self.incomplete > 0 else self.cost,
            **{name: None if unknown else number for name, number in self.tokens.items()},
            "cache_hit_percent": None if unknown or not all_input else permille(self.tokens["cache_read_tokens"], all_input) / 10,
            "incomplete": self.incomplete,
            "partial_usage": self.partial,
            "missing_usage": self.missing,
            "without_price": self.unpriced,
            "estimated": self.estimated,
            "estimated_input_tokens": self.estimated_input,
            "estimated_output_tokens": self.estimated_output,
        }


def permille(part: int, whole: int) -> int:
    return (2000 * part + whole) // (2 * whole)


class Counted:
    """A value for each name; from `cap` names on new ones share one, so that memory stays bounded."""

    def __init__(self, make: Callable[[], Any], cap: int) -> None:
        self._make, self._cap = make, cap
        self.named: dict[Any, Any] = {}
        self.others: Any = None

    def at(self, name: Any) -> Any:
        found = self.named.get(name)
        if found is None:
            if len(self.named) < self._cap:
                found = self.named[name] = self._make()
            else:
                found = self.others = self.others or self._make()
        return found


class Times:
    """Milliseconds: each value below a second, three digits above."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.number = self.longest = 0

    def add(self, ms: int) -> None:
        self.number += 1
        self.longest = max(self.longest, ms)
        ms = min(ms, LONGEST_MS)
        if ms >= 1000:
            step = 10 ** (len(str(ms)) - 3)
            ms = (ms + step // 2) // step * step
        self.counts[ms] = self.counts.get(ms, 0) + 1

    def percentile(self, percent: int) -> int | None:
        """The least value that `percent` of all are not above."""
        left = (self.number * percent + 99) // 100
        for value in sorted(self.counts):
            left -= self.counts[value]
            if left <= 0:
                return value
        return None

    def result(self) -> dict[str, Any]:
        return {"count": self.number, "p50": self.percentile(50), "p95": self.percentile(95), "longest": self.longest if self.number else None}


class Timeline:
    """Sums for each span of time. The spans grow with the time they have to cover, so that there are at most `SLOTS`."""

    WIDTHS = (60, 300, 900, 3600, 10_800, 43_200, 86_400, 604_800, 2_419_200)       # each is so many of the one before
    MONDAY = 3 * 86_400         # 1970-01-01 was a Thursday; weeks begin on Mondays

    def __init__(self) -> None:
        self.width = self.WIDTHS[0]
        self.slots: dict[int, collections.Counter[str]] = {}
        self._first = self._last = 0

    def add(self, record: Record) -> None:
        seconds = (record.started - EPOCH) // timedelta(seconds=1) + self.MONDAY
        if not self.slots:
            self._first = self._last = seconds
        self._first, self._last = min(self._first, seconds), max(self._last, seconds)
        while self._last // self.width - self._first // self.width >= SLOTS:
            self._widen()
        slot = self.slots.setdefault(seconds // self.width, collections.Counter())
        slot[record.outcome] += 1
        slot["cost_microusd"] += record.cost or 0
        for name in ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"):
            slot[name] += record.tokens[name] or 0

    def _widen(self) -> None:
        wider = next((width for width in self.WIDTHS if width > self.width), self.width * 2)
        slots: dict[int, collections.Counter[str]] = {}
        for at, slot in self.slots.items():
            slots.setdefault(at * self.width // wider, collections.Counter()).update(slot)
        self.width, self.slots = wider, slots

    def result(self) -> dict[str, Any]:
        """Every span from the first to the last, empty ones too."""
        spans = range(self._first // self.width, self._last // self.width + 1) if self.slots else ()
        names = (*OUTCOMES, "cost_microusd", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
        found = [(at, self.slots.get(at, {})) for at in spans]
        return {
            "width_seconds": self.width,
            "slots": [{"start": at * self.width - self.MONDAY, **{name: slot.get(name, 0) for name in names}} for at, slot in found],
        }


class Report:
    """Everything that is counted."""

    def __init__(self, groups: list[str], top: int, sort: str = "spend", names: int = NAMES) -> None:
        self.groups, self.top, self.sort, self.names = groups, top, sort, names
        self.total = Tally()
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.usage: collections.Counter[str] = collections.Counter()
        self.notes: collections.Counter[str] = collections.Counter()
        self.by = {name: Counted(Tally, names) for name in groups if name != "actor.*"}
        self.first_event, self.duration = Times(), Times()
        self.times = Counted(Times, min(names, PAIRS))
        self.errors = Counted(Failure, min(names, ERRORS))
        self.tools = Counted(lambda: [0, 0], min(names, TOOLS))
        self.tool_calls = self.with_tools = 0
        self.slowest: list[tuple[int, int, Any]] = []
        self.failed: list[tuple[datetime, int, Any]] = []
        self.more_keys = False
        self.timeline = Timeline()

    @staticmethod
    def _add_shares(record: Record, counted: Counted) -> None:
        """Each model's tokens and cost; the request is counted with the model that served it."""
        served = next((at for at, (model, _, _) in enumerate(record.shares) if model == record.model), 0)
        for at, (model, tokens, cost) in enumerate(record.shares):
            if at == served:
                counted.at(model).add(replace(record, tokens={**dict.fromkeys(TOKENS), "reasoning_tokens": record.tokens["reasoning_tokens"], **tokens}, cost=cost))
            else:
                counted.at(model).add_share(tokens, cost)

    def add(self, record: Record) -> None:
        if "actor.*" in self.groups:
            self._meet_keys(record)
        self.total.add(record)
        self.first = record.started if self.first is None else min(self.first, record.started)
        self.last = record.started if self.last is None else max(self.last, record.started)
        self.outcomes[record.outcome] += 1
        self.usage[record.usage_status] += 1
        for note in record.notes:
            if note in self.notes or len(self.notes) < 100:
                self.notes[note] += 1
        for group, counted in self.by.items():
            if group == "model" and record.shares:
                self._add_shares(record, counted)
            else:
                counted.at(key_of(record, group)).add(record)
        self.duration.add(record.duration_ms)
        if record.first_event_ms is not None:
            self.first_event.add(record.first_event_ms)
            self.times.at((record.provider, record.model)).add(record.first_event_ms)
        self.with_tools += bool(record.tools)
        self.tool_calls += len(record.tools)
        for tool in record.tools:
            self.tools.at(tool)[0] += 1
        for tool in set(record.tools):
            self.tools.at(tool)[1] += 1
        number = self.total.requests
        keep(self.slowest, (record.duration_ms, -number), record, self.top)
        if record.outcome != "completed":
            self.errors.at((record.outcome, record.status, *record.error[:2], record.provider)).add(record)
            keep(self.failed, (record.started, number), record, self.top)
        self.timeline.add(record)

    def _meet_keys(self, record: Record) -> None:
        """A list for each key of the actors' metadata, as soon as one is seen: those that came before have none."""
        for key in record.metadata:
            name = f"actor.{key}"
            if name in self.by:
                continue
            if sum(group.startswith("actor.") for group in self.by) >= METADATA_KEYS:
                self.more_keys = True
            else:
                self.by[name] = Counted(Tally, self.names)
                if self.total.requests:
                    self.by[name].at(None).merge(self.total)

    def result(self) -> dict[str, Any]:
        """All of it as JSON: members as in records, times in milliseconds, money in millionths of a US dollar."""
        # Only some clients name agents: unasked, there is a list of them where there is one.
        unnamed = {"agent"} if self.groups == group_list(DEFAULT_GROUPS) and self.by["agent"].named.keys() <= {None} else set()
        order = [name for group in self.groups if group not in unnamed for name in ([group] if group != "actor.*" else [n for n in self.by if n.startswith("actor.") and n not in self.groups])]
        return {
            "first": rfc3339(self.first),
            "last": rfc3339(self.last),
            "total": self.total.result(),
            "outcomes": {name: self.outcomes[name] for name in OUTCOMES},
            "usage_status": {name: self.usage[name] for name in ("complete", "partial", "missing")},
            "notes": dict(self.notes.most_common()),
            "time_to_first_event_ms": self.first_event.result(),
            "first_event_counts": sorted(self.first_event.counts.items()),
            "duration_ms": self.duration.result(),
            "more_metadata_keys": self.more_keys,
            "by": {name: self._group(name) for name in order},
            "times": cut(
                [{"provider": provider, "model": model, **times.result()} for (provider, model), times in self.times.named.items()],
                lambda row: (-row["count"], row["provider"], row["model"] or ""), self.top, self.times,
            ),
            "tool_calls": {"calls": self.tool_calls, "interceptions": self.with_tools},
            "tools": cut(
                [{"name": name, "server": server, "kind": kind, "calls": calls, "interceptions": found} for (name, server, kind), (calls, found) in self.tools.named.items()],
                lambda row: (-row["calls"], row["name"] or "", row["server"] or "", row["kind"]), self.top, self.tools,
            ),
            "errors": cut(
                [{"outcome": outcome, "status": status, "type": kind, "code": code, "provider": provider, **failure.result()} for (outcome, status, kind, code, provider), failure in self.errors.named.items()],
                lambda row: (-row["count"], row["outcome"], row["status"] or 0, row["code"] or "", row["provider"]), self.top, self.errors,
            ),
            "slowest": [line for _, _, line in sorted(self.slowest, key=lambda item: item[:2], reverse=True)],
            "failed": [line for _, _, line in sorted(self.failed, key=lambda item: item[:2], reverse=True)],
            "timeline": self.timeline.result(),
        }

    def _group(self, name: str) -> dict[str, Any]:
        counted = self.by[name]
        first = {"spend": lambda t: (t.cost, t.tokens["total_tokens"], t.requests), "tokens": lambda t: (t.tokens["total_tokens"], t.cost, t.requests), "requests": lambda t: (t.requests, t.cost)}[self.sort]
        if name in ("day", "hour"):
            ordered = sorted(counted.named.items(), key=lambda item: item[0], reverse=True)
        else:
            ordered = sorted(counted.named.items(), key=lambda item: item[0] or "")
            ordered.sort(key=lambda item: first(item[1]), reverse=True)
        rest = Tally()
        for _, tally in ordered[self.top :]:
            rest.merge(tally)
        if counted.others is not None:
            rest.merge(counted.others)
        return {
            "names": len(counted.named),
            "more_than": len(counted.named) if counted.others is not None else None,
            "rows": [{"name": key, **tally.result()} for key, tally in ordered[: self.top]],
            "others": {"names": len(ordered[self.top :]), **rest.result()} if rest.requests else None,
        }


class Failure:
    """Interceptions that failed in the same way."""

    def __init__(self) -> None:
        self.count = 0
        self.last: datetime | None = None
        self.message: str | None = None

    def add(self, record: Record) -> None:
        self.count += 1
        self.last = record.started if self.last is None else max(self.last, record.started)
        self.message = self.message or record.error[2]

    def result(self) -> dict[str, Any]:
        return {"count": self.count, "last": rfc3339(self.last), "message": self.message}


def cut(rows: list[dict[str, Any]], order: Callable[[dict[str, Any]], Any], top: int, counted: Counted) -> dict[str, Any]:
    return {"names": len(rows), "more_than": len(rows) if counted.others is not None else None, "rows": sorted(rows, key=order)[:top]}


def keep(heap: list[Any], order: tuple[Any, int], record: Record, most: int) -> None:
    """The lines of the greatest `most`. No two have the same order."""
    if len(heap) < most:
        heapq.heappush(heap, (*order, line_of(record)))
    elif order > heap[0][:2]:
        heapq.heapreplace(heap, (*order, line_of(record)))


def key_of(record: Record, group: str) -> str | None:
    if group.startswith("actor."):
        return record.metadata.get(group.removeprefix("actor."))
    if group == "day":
        return record.started.isoformat()[:10]
    if group == "hour":
        return record.started.isoformat()[:13] + ":00Z"
    return getattr(record, group)


def line_of(record: Record) -> dict[str, Any]:
    kind, code, message = record.error
    return {
        "id": record.id, "started_at": rfc3339(record.started), "duration_ms": record.duration_ms, "time_to_first_event_ms": record.first_event_ms,
        "actor": record.actor, "client": record.client, "provider": record.provider, "model": record.model, "outcome": record.outcome, "status": record.status,
        "error": {"type": kind, "code": code, "message": message}, "total_tokens": None if record.usage_status == "missing" else record.tokens["total_tokens"], "cost_microusd": record.cost,
    }


def rfc3339(at: datetime | None) -> str | None:
    return at and at.isoformat(timespec="milliseconds")[:23] + "Z"


# === reading ===


@dataclass
class Reading:
    """Reads files, hands records on, and keeps account of everything that was no record."""

    report: Report
    since: datetime | None = None
    until: datetime | None = None
    members: tuple[str, ...] = ("ai_bridge_record",)
    files: list[str] = field(default_factory=list)
    lines: int = 0
    records: int = 0
    duplicates: int = 0
    out_of_range: int = 0
    skipped: collections.Counter[str] = field(default_factory=collections.Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _ids: set[int] = field(default_factory=set)
    _order: collections.deque[int] = field(default_factory=collections.deque)

    def read(self, name: str) -> None:
        """A file by its name; `-` is standard input."""
        shown, number = "standard input" if name == "-" else name, 0
        self.files.append(shown)
        try:
            with sys.stdin.buffer if name == "-" else open(name, "rb") as raw, unpacked(raw) as stream:
                for number, line in lines_of(stream):
                    self._take(shown, number, line)
        except (OSError, EOFError, zlib.error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.problems.append(f"{shown}: {reason}" + (f" (after line {number})" if number else ""))

    def _take(self, file: str, number: int, line: bytes | None) -> None:
        self.lines += 1
        if line is not None and not line.strip():
            return
        try:
            if line is None:
                raise Unreadable("too long", f"longer than {LINE_BYTES >> 20} MiB")
            record = record_in(line, self.members)
        except Unreadable as problem:
            self.skipped[problem.kind] += 1
            if len(self.examples) < EXAMPLES:
                self.examples.append({"file": file, "line": number, "reason": str(problem)})
            return
        if self._is_known(record.id):
            self.duplicates += 1
        elif (self.since and record.started < self.since) or (self.until and record.started >= self.until):
            self.out_of_range += 1
        else:
            self.records += 1
            self.report.add(record)

    def _is_known(self, name: str) -> bool:
        mark = hash(name)
        if mark in self._ids:
            return True
        self._ids.add(mark)
        self._order.append(mark)
        if len(self._order) > DUPLICATES:
            self._ids.discard(self._order.popleft())
        return False

    def result(self) -> dict[str, Any]:
        return {
            "input": {
                "files": self.files, "lines": self.lines, "records": self.records, "duplicates": self.duplicates, "out_of_range": self.out_of_range,
                "skipped": dict(self.skipped), "examples": self.examples, "problems": self.problems,
            },
            "since": rfc3339(self.since), "until": rfc3339(self.until), **self.report.result(),
        }


def unpacked(raw: BinaryIO) -> BinaryIO:
    """The stream itself, or what is packed in it where it begins like gzip."""
    return gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw        # type: ignore[attr-defined, return-value]


def lines_of(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number from 1; `None` for one that is too long."""
    for number in itertools.count(1):
        line = stream.readline(LINE_BYTES + 1)
        if not line:
            return
        if len(line) <= LINE_BYTES or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(1 << 20)
        yield number, None


# === numbers and texts for people ===


def number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def usd(micro: int | None) -> str:
    """Exact: all six digits."""
    return "–" if micro is None else f"{micro // 1_000_000:,}.{micro % 1_000_000:06}"


def percent(part: int, whole: int) -> str:
    if not whole:
        return "–"
    tenths = permille(part, whole)
    return f"{tenths // 10}.{tenths % 10}"


def short(value: int) -> str:
    """Of the axis of a plot: 1.5 M."""
    for size, letter in ((10**12, " T"), (10**9, " G"), (10**6, " M"), (10**3, " k")):
        if value >= size:
            return plain(value * 1_000_000 // size) + letter
    return str(value)


def plain(micro: int) -> str:
    """Millionths as a decimal number without zeros at its end."""
    return f"{micro // 1_000_000:,}.{micro % 1_000_000:06}".rstrip("0").rstrip(".")


def printable(text: str) -> str:
    """Nothing that a terminal or a browser would obey: texts come from strangers."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def width(text: str) -> int:
    """Columns on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def fit(text: str, columns: int) -> str:
    """At most so many columns, and no more than as many accents."""
    if len(text) <= 2 * columns and width(text) <= columns:
        return text
    kept: list[str] = []
    used = 1
    for c in text:
        used += width(c)
        if used > columns or len(kept) == 2 * columns:
            break
        kept.append(c)
    return "".join(kept) + "…"


def when(text: str | None) -> str:
    """Without what people do not need."""
    return "–" if text is None else f"{text[:10]} {text[11:19]}"


# === what is shown, whichever way ===


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


def as_text(found: dict[str, Any]) -> str:
    lines = ["AI Bridge report", ""]
    lines += [f"  {name:<16}{printable(value)}" for name, value in summary(found)]
    for section in sections(found):
        lines += ["", section.title, *table(section)]
        lines += [f"  {remark}" for remark in section.remarks]
    if found["by"] and found["total"]["requests"]:
        lines += ["", *LEGEND]
    return "\n".join(lines) + "\n"


def table(section: Section) -> list[str]:
    most = [36 if column.text else 100 for column in section.columns]
    if section.columns[-1].text:
        most[-1] = 60
    cells = [[fit(printable(cell), limit) for cell, limit in zip(row, most)] for row in section.rows]
    heads = [[column.name for column in section.columns]]
    if any(column.unit for column in section.columns):
        heads.append([column.unit for column in section.columns])
    widths = [max(width(row[at]) for row in heads + cells) for at in range(len(section.columns))]
    pad = lambda cell, at: cell + " " * (widths[at] - width(cell)) if section.columns[at].text else " " * (widths[at] - width(cell)) + cell
    return ["  " + "  ".join(pad(cell, at) for at, cell in enumerate(row)).rstrip() for row in heads + cells]


# === the page ===

STYLE = """
:root { color-scheme: light dark; --page: #fff; --panel: #f6f7f9; --text: #1c2024; --quiet: #5b6370; --line: #d8dce2;
  --a: #0f766e; --b: #b45309; --c: #1d5fb8; --d: #7c3aed; --e: #6b7280; --f: #c0265b; --bad: #c62828 }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --panel: #1d2125; --text: #e6e9ec; --quiet: #a0a8b2; --line: #363c43;
  --a: #2dd4bf; --b: #f0a64a; --c: #6fb1ff; --d: #b69cff; --e: #8d96a3; --f: #ff8fb3; --bad: #ff7a70 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 16px; max-width: 1280px; background: var(--page); color: var(--text); font: 15px/1.45 system-ui, sans-serif }
h1 { font-size: 22px; margin: 4px 0 2px } h2 { font-size: 17px; margin: 28px 0 8px } p { margin: 4px 0; color: var(--quiet) }
.tiles, .plots { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 160px), 1fr)); margin: 16px 0 }
.plots { grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)) }
.tiles div, figure { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; margin: 0; min-width: 0 }
.tiles b { display: block; font-size: 19px; overflow-wrap: anywhere } .tiles span, figcaption span { color: var(--quiet); font-size: 13px }
figcaption { font-weight: 600; margin-bottom: 6px } svg { display: block; width: 100%; height: auto }
svg text { fill: var(--text); font: 12px system-ui, sans-serif } svg .quiet { fill: var(--quiet) } svg .grid { stroke: var(--line) }
.a { fill: var(--a); background: var(--a) } .b { fill: var(--b); background: var(--b) } .c { fill: var(--c); background: var(--c) }
.d { fill: var(--d); background: var(--d) } .e { fill: var(--e); background: var(--e) } .f { fill: var(--f); background: var(--f) }
.bad { fill: var(--bad); background: var(--bad) } .legend { font-size: 13px; color: var(--quiet); margin-top: 6px }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 4px 0 0 } .legend span { margin-right: 12px; white-space: nowrap }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap }
th { vertical-align: bottom; font-weight: 600 } th small { display: block; font-weight: 400; color: var(--quiet) }
.t { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9em; max-width: 26em } th:first-child, td:first-child { padding-left: 0 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 14px; margin: 8px 0 } dt { color: var(--quiet) } dd { margin: 0; overflow-wrap: anywhere; min-width: 0 }
"""
COLOURS = {"completed": "a", "failed": "bad", "rejected": "b", "unavailable": "d", "aborted_client": "e", "aborted_upstream": "f"}
SERIES = [("input_tokens", "plain input", "c"), ("cache_read_tokens", "read from a cache", "a"), ("cache_write_tokens", "written to a cache", "b"), ("output_tokens", "output", "d")]
LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 56, 396, 8, 156, 178         # of a plot, in the units of its viewBox, which is 400 wide


def as_page(found: dict[str, Any]) -> str:
    """One page that needs nothing else: no script, nothing from elsewhere. It is well-formed XML, too."""
    total, first = found["total"], found["time_to_first_event_ms"]
    completed = found["outcomes"]["completed"]
    least = ", at least" if total["partial_usage"] or total["missing_usage"] else ""
    tiles = [
        ("spend, USD" + (", at least" if total["incomplete"] else ""), usd(total["cost_microusd"])), ("interceptions", number(total["requests"])), ("completed, %", percent(completed, total["requests"])),
        ("input tokens" + least, number(total["total_input_tokens"])), ("output tokens" + least, number(total["output_tokens"])),
        ("from a cache, % of input", "–" if total["cache_hit_percent"] is None else percent(total["cache_read_tokens"], total["total_input_tokens"])),
        ("first event p50 / p95, ms", f"{number(first['p50'])} / {number(first['p95'])}"),
    ]
    body = ["<h1>AI Bridge report</h1>", f"<p>{esc(when(found['first']))} to {esc(when(found['last']))} UTC</p>" if found["first"] else "<p>No records.</p>"]
    body += ['<div class="tiles">', *(f"<div><span>{esc(name)}</span><b>{esc(value)}</b></div>" for name, value in tiles), "</div>"]
    body += ['<div class="plots">', *plots(found), "</div>"] if total["requests"] else []
    body += ["<h2>Summary</h2>", "<dl>", *(f"<dt>{esc(name)}</dt><dd>{esc(value)}</dd>" for name, value in summary(found)), "</dl>"]
    for section in sections(found):
        body += [f"<h2>{esc(section.title)}</h2>", html_table(section), *(f"<p>{esc(remark)}</p>" for remark in section.remarks)]
    body += ["<h2>How to read this</h2>", *(f"<p>{esc(line)}</p>" for line in LEGEND)]
    return "\n".join([
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8"/>', '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"/>""",
        "<title>AI Bridge report</title>", f"<style>{STYLE}</style>", "</head>", "<body>", *body, "</body>", "</html>",
    ]) + "\n"


def esc(text: str) -> str:
    return html.escape(printable(text))


def html_table(section: Section) -> str:
    mark = lambda column: ' class="t"' if column.text else ""
    head = "".join(f'<th scope="col"{mark(column)}>{esc(column.name)}<small>{esc(column.unit)}</small></th>' for column in section.columns)
    rows = ["".join(f"<td{mark(column)}>{esc(fit(cell, 200))}</td>" for column, cell in zip(section.columns, row)) for row in section.rows]
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{esc(section.title)}"><table>' + "".join(f"<tr>{row}</tr>" for row in [head, *rows]) + "</table></div>"


def plots(found: dict[str, Any]) -> Iterator[str]:
    timeline = found["timeline"]
    if found["total"]["cost_microusd"]:
        yield over_time("Spend", "USD", timeline, [("cost_microusd", "", "c")], usd, plain)
    yield over_time("Tokens", "tokens", timeline, SERIES, number, short)
    yield over_time("Interceptions", "requests", timeline, [(name, name, COLOURS[name]) for name in OUTCOMES if found["outcomes"][name]], number, short)
    if found["first_event_counts"]:
        yield first_events(found)
    for group, counted in found["by"].items():
        if len(counted["rows"]) > 1 and group not in ("session", "agent", "day", "hour", "outcome"):
            yield bars(group, counted, found["total"])


def over_time(title: str, unit: str, timeline: dict[str, Any], series: list[tuple[str, str, str]], exact: Callable[[int], str], brief: Callable[[int], str]) -> str:
    """Stacked bars."""
    slots = timeline["slots"]
    span = span_name(timeline["width_seconds"])
    top = nice(max(sum(slot[name] for name, _, _ in series) for slot in slots))
    step = (RIGHT - LEFT) / len(slots)
    wide = min(max(step * 0.86, 0.6), 48)
    drawn = axis(top, brief)
    for at, slot in enumerate(slots):
        parts = [(name, words, colour, slot[name]) for name, words, colour in series if slot[name]]
        if not parts:
            continue
        said = ", ".join(f"{words + ' ' if words else ''}{exact(value)}" for _, words, _, value in parts)
        below, shapes = BOTTOM, ""
        for _, _, colour, value in parts:
            height = (BOTTOM - TOP) * value / top
            below -= height
            shapes += f'<rect class="{colour}" x="{LEFT + (at + 0.5) * step - wide / 2:.2f}" y="{below:.2f}" width="{wide:.2f}" height="{height:.2f}"/>'
        drawn += f"<g><title>{esc(moment(slot['start'], timeline['width_seconds']))} UTC: {esc(said)} {esc(unit)}</title>{shapes}</g>"
    labels = {0: "start", len(slots) - 1: "end"} if len(slots) > 1 else {0: "middle"}
    for at, anchor in labels.items():
        x = {"start": LEFT, "end": RIGHT, "middle": (LEFT + RIGHT) / 2}[anchor]
        drawn += f'<text class="quiet" x="{x}" y="{HEIGHT - 6}" text-anchor="{anchor}">{esc(moment(slots[at]["start"], timeline["width_seconds"]))}</text>'
    legend = "".join(f'<span><i class="{colour}"></i>{esc(words)}</span>' for _, words, colour in series if words)
    return figure(title, f"{unit} per {span}", HEIGHT, drawn, legend)


def first_events(found: dict[str, Any]) -> str:
    """How long streams took to begin, in steps of 1, 2, 5."""
    bounds = [size * 10**power for power in range(1, 6) for size in (1, 2, 5)]
    counts = [0] * (len(bounds) + 1)
    for ms, times in found["first_event_counts"]:
        counts[next((at for at, bound in enumerate(bounds) if ms <= bound), len(bounds))] += times
    used = [at for at, count in enumerate(counts) if count]
    shown = range(max(used[0] - 1, 0), used[-1] + 1)
    top, step = nice(max(counts)), (RIGHT - LEFT) / len(shown)
    name = lambda at: f"≤ {short(bounds[at])}" if at < len(bounds) else "more"
    drawn = axis(top, short)
    for place, at in enumerate(shown):
        height, x = (BOTTOM - TOP) * counts[at] / top, LEFT + place * step
        drawn += f'<g><title>{esc(name(at))} ms: {number(counts[at])} streams</title><rect class="c" x="{x:.2f}" y="{BOTTOM - height:.2f}" width="{step * 0.86:.2f}" height="{height:.2f}"/></g>'
        if len(shown) <= 8 or place % 2 == (len(shown) - 1) % 2:
            drawn += f'<text class="quiet" x="{x + step * 0.43:.2f}" y="{HEIGHT - 6}" text-anchor="middle">{esc(name(at))}</text>'
    return figure("Time to first event", "streams by milliseconds", HEIGHT, drawn, "")


def bars(group: str, counted: dict[str, Any], total: dict[str, Any]) -> str:
    """One bar for each name, the longest first: by spend, or by tokens where nothing has a price."""
    member, unit, exact = ("cost_microusd", "USD", usd) if total["cost_microusd"] else ("total_tokens", "tokens", number)
    rows = sorted(counted["rows"], key=lambda row: row[member] or 0, reverse=True)[:8]
    most = max(max(row[member] or 0 for row in rows), 1)
    drawn = ""
    for at, row in enumerate(rows):
        y, value = at * 30, row[member]
        name = name_of(row["name"])
        drawn += f'<g><title>{esc(fit(name, 200))}: {exact(value)} {unit}</title><text x="4" y="{y + 14}">{esc(fit(name, 34))}</text><text x="396" y="{y + 14}" text-anchor="end">{exact(value)}</text>'
        drawn += f'<rect class="c" x="4" y="{y + 19}" width="{max(392 * (value or 0) / most, 0.6):.2f}" height="6" rx="2"/></g>'
    return figure(f"By {group}", unit, len(rows) * 30, drawn, "")


def figure(title: str, unit: str, height: int, drawn: str, legend: str) -> str:
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 {height}" role="img" aria-label="{esc(title)}, {esc(unit)}">{drawn}</svg>'
    return f"<figure><figcaption>{esc(title)} <span>{esc(unit)}</span></figcaption>{picture}" + (f'<div class="legend">{legend}</div>' if legend else "") + "</figure>"


def axis(top: int, brief: Callable[[int], str]) -> str:
    """Lines at 0, half and all of it."""
    drawn = ""
    for value in sorted({0, top // 2 if top % 2 == 0 else 0, top}):
        y = BOTTOM - (BOTTOM - TOP) * value / top
        drawn += f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.2f}" y2="{y:.2f}"/><text class="quiet" x="{LEFT - 5}" y="{y + 4:.2f}" text-anchor="end">{esc(brief(value))}</text>'
    return drawn


def nice(most: int) -> int:
    """The least of 1, 2, 4, 6, 8 × 10^n that is not below."""
    size = 10 ** max(len(str(most)) - 1, 0)
    return next(step * size for step in (1, 2, 4, 6, 8, 10) if step * size >= most)


def moment(seconds: int, span: int) -> str:
    try:
        text = (EPOCH + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return "before all time"
    return text[:10] if span >= 86_400 else f"{text[:10]} {text[11:16]}"


def span_name(seconds: int) -> str:
    for size, name in ((604_800, "week"), (86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return name if seconds == size else f"{number(seconds // size)} {name}s"
    return f"{seconds} s"


# === the command ===


def main(words: list[str] | None = None) -> int:
    """0; 1 where something could not be read or written, named on standard error; 2 for a wrong command."""
    parser = argparse.ArgumentParser(description="Spend, tokens, errors and times from AI Bridge's records.", epilog="Times are UTC. Exit status: 1 where a file could not be read or written.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="records, one JSON document a line, also packed by gzip; - or none: standard input")
    parser.add_argument("--since", type=bound, metavar="TIME", help="only what started then or later: 2026-11-24, 2026-11-24T15:00:00Z, or 90m, 24h, 7d ago")
    parser.add_argument("--until", type=bound, metavar="TIME", help="only what started before")
    parser.add_argument("--by", type=group_list, default=group_list(DEFAULT_GROUPS), metavar="LIST", help=f"which lists, of {', '.join(GROUPS)}, actor.KEY (of the actor's metadata), actor.* (every key); default: {DEFAULT_GROUPS}")
    parser.add_argument("--top", type=top, default=10, metavar="N", help="rows of each list, 1 to 1000; default: 10")
    parser.add_argument("--sort", choices=("spend", "tokens", "requests"), default="spend", help="what makes a row stand above another; default: spend")
    parser.add_argument("--member", action="append", default=[], metavar="NAME", help="where the record stands in a log line that is JSON itself, as a text or an object; ai_bridge_record is always looked for")
    parser.add_argument("--json", action="store_true", help="print everything as JSON: money in millionths of a US dollar, times in ms")
    parser.add_argument("--html", metavar="FILE", help="also write one HTML page, which needs no other file")
    given = parser.parse_args(words)
    files = given.files or ["-"]
    if not given.files and (sys.stdin is None or sys.stdin.isatty()):
        parser.error("no file is given, and no records come on standard input")
    if given.html and any(name != "-" and os.path.exists(given.html) and os.path.exists(name) and os.path.samefile(given.html, name) for name in files):
        parser.error(f"--html {given.html} would overwrite a file of records")
    report = Report(given.by, given.top, given.sort)
    reading = Reading(report, given.since, given.until, ("ai_bridge_record", *given.member))
    for name in files:
        reading.read(name)
    found = reading.result()
    if given.html:
        try:
            with open(given.html, "w", encoding="utf-8") as page:
                page.write(as_page(found))
        except OSError as error:
            reading.problems.append(f"{given.html}: {error.strerror}")
    sys.stdout.reconfigure(encoding="utf-8")        # type: ignore[union-attr]
    print(json.dumps(found, indent=1) if given.json else as_text(found), end="\n" if given.json else "", flush=True)
    for problem in reading.problems:
        print(f"report: {printable(problem)}", file=sys.stderr)
    return 1 if reading.problems else 0


def bound(text: str) -> datetime:
    """A time as a person gives it."""
    ago = re.fullmatch(r"(\d{1,9})([mhd])", text)
    try:
        if ago:
            return datetime.now(timezone.utc) - timedelta(minutes=int(ago[1]) * {"m": 1, "h": 60, "d": 1440}[ago[2]])
        return instant(text if "T" in text else f"{text}T00:00:00Z")
    except (Unreadable, OverflowError):
        raise argparse.ArgumentTypeError(f"expected 2026-11-24, 2026-11-24T15:00:00Z, or 90m, 24h, 7d ago, found {text!r}") from None


def group_list(text: str) -> list[str]:
    """Names of lists, each once."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        of_metadata = name.startswith("actor.") and (name == "actor.*" or METADATA_KEY.fullmatch(name.removeprefix("actor.")))
        if name not in GROUPS and not of_metadata:
            raise argparse.ArgumentTypeError(f"expected some of {', '.join(GROUPS)}, actor.KEY, actor.*, found {name!r}")
    return names


def top(text: str) -> int:
    if not re.fullmatch(r"\d{1,4}", text) or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 1000, found {text!r}")
    return int(text)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:         # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
