"""Sums, times and spans of time, each of bounded size."""

from __future__ import annotations

import collections
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

from .record import OUTCOMES, TOKENS, Record
from .words import permille

SLOTS = 120                     # bars of a plot over time
LONGEST_MS = 100_000_000        # times above (27 hours) are one; the longest is kept exactly
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


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

    WIDTHS = (60, 300, 900, 3600, 86_400, 604_800, 2_419_200)       # each is so many of the one before
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
