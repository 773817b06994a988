"""Everything that a report counts, and the result as JSON."""

from __future__ import annotations

import argparse
import collections
import heapq
from dataclasses import replace
from datetime import datetime
from typing import Any, Callable

from .counting import Counted, Tally, Timeline, Times
from .record import METADATA_KEY, OUTCOMES, TOKENS, Record

NAMES = 20_000                  # counted one by one in each list; later ones are counted together
TOOLS, ERRORS, PAIRS = 2_000, 2_000, 1_000      # the same of these
REASONS = 32                    # of failovers, by member
METADATA_KEYS = 8               # lists by actor.KEY that are made unasked
GROUPS = ("actor", "model", "provider", "api", "client", "session", "agent", "credential", "outcome", "day", "hour")
DEFAULT_GROUPS = "actor,actor.*,model,provider,client,session,agent"


def group_list(text: str) -> list[str]:
    """Names of lists, each once."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        of_metadata = name.startswith("actor.") and (name == "actor.*" or METADATA_KEY.fullmatch(name.removeprefix("actor.")))
        if name not in GROUPS and not of_metadata:
            raise argparse.ArgumentTypeError(f"expected some of {', '.join(GROUPS)}, actor.KEY, actor.*, found {name!r}")
    return names


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
        self.members = Counted(Member, min(names, PAIRS))
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
        for at, (member, result) in enumerate(record.attempts):
            self.members.at((record.provider, member)).add(result, is_last=at + 1 == len(record.attempts))
        if record.moved is not None:
            self.members.at((record.provider, record.moved)).moved += 1
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

    def result(self, before: "Report | None" = None) -> dict[str, Any]:
        """All of it as JSON: members as in records, times in milliseconds, money in millionths of a US dollar.

        `before`: what is counted of the period before. Each row then says what it cost there.
        """
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
            "by": {name: self._group(name, before) for name in order},
            "times": cut(
                [{"provider": provider, "model": model, **times.result()} for (provider, model), times in self.times.named.items()],
                lambda row: (-row["count"], row["provider"], row["model"] or ""), self.top, self.times,
            ),
            "tool_calls": {"calls": self.tool_calls, "interceptions": self.with_tools},
            "tools": cut(
                [{"name": name, "server": server, "kind": kind, "calls": calls, "interceptions": found} for (name, server, kind), (calls, found) in self.tools.named.items()],
                lambda row: (-row["calls"], row["name"] or "", row["server"] or "", row["kind"]), self.top, self.tools,
            ),
            "pools": cut(
                [{"provider": provider, "member": member, **counted.result()} for (provider, member), counted in self.members.named.items()],
                lambda row: (row["provider"], -row["attempts"], row["member"]), self.top, self.members,
            ),
            "errors": cut(
                [{"outcome": outcome, "status": status, "type": kind, "code": code, "provider": provider, **failure.result()} for (outcome, status, kind, code, provider), failure in self.errors.named.items()],
                lambda row: (-row["count"], row["outcome"], row["status"] or 0, row["code"] or "", row["provider"]), self.top, self.errors,
            ),
            "slowest": [line for _, _, line in sorted(self.slowest, key=lambda item: item[:2], reverse=True)],
            "failed": [line for _, _, line in sorted(self.failed, key=lambda item: item[:2], reverse=True)],
            "timeline": self.timeline.result(),
        }

    def _group(self, name: str, before: "Report | None") -> dict[str, Any]:
        counted = self.by[name]
        compared = before is not None and name not in ("day", "hour", "session", "agent")
        was = before.by.get(name) if before is not None else None

        def spent_before(key: str | None) -> dict[str, Any]:
            if not compared:
                return {}
            if was is not None and key in was.named:
                return {"cost_microusd_before": was.named[key].result()["cost_microusd"]}
            return {"cost_microusd_before": None if was is not None and was.others is not None else 0}

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
            "rows": [{"name": key, **tally.result(), **spent_before(key)} for key, tally in ordered[: self.top]],
            "others": {"names": len(ordered[self.top :]), **rest.result()} if rest.requests else None,
        }


class Member:
    """What a member of a pool was asked."""

    def __init__(self) -> None:
        self.attempts = self.failed_over = self.moved = 0
        self.reasons: collections.Counter[str] = collections.Counter()

    def add(self, result: str, *, is_last: bool) -> None:
        """`is_last`: no other member was asked after it."""
        self.attempts += 1
        if not is_last:
            self.failed_over += 1
            self.reasons[result if result in self.reasons or len(self.reasons) < REASONS else "other"] += 1

    def result(self) -> dict[str, Any]:
        return {"attempts": self.attempts, "served": self.attempts - self.failed_over, "failed_over": self.failed_over, "reasons": dict(self.reasons.most_common()), "sessions_moved_here": self.moved}


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
