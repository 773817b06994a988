"""Reads files of records."""

from __future__ import annotations

import collections
import gzip
import itertools
import sys
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, BinaryIO, Iterator

from lines import joined

from .record import Unreadable, record_in
from .totals import Report, rfc3339

LINE_BYTES = 32 << 20           # a longer line is skipped
DUPLICATES = 262_144            # ids that are remembered
EXAMPLES = 5                    # skipped lines that are shown


@dataclass
class Reading:
    """Reads files, hands records on, and keeps account of everything that was no record.

    With a start of the range, what came in the period of the same length before it is counted, too, in `before`.
    """

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
    before: Report | None = None
    _ids: set[int] = field(default_factory=set)
    _order: collections.deque[int] = field(default_factory=collections.deque)

    def __post_init__(self) -> None:
        self.before_since: datetime | None = None
        if self.since is not None:
            end = self.until or datetime.now(timezone.utc)
            try:
                self.before_since = self.since - (end - self.since)
            except OverflowError:
                return
            if self.before_since < self.since:
                self.before = Report(self.report.groups, 1, names=self.report.names)

    def read(self, name: str) -> None:
        """A file by its name; `-` is standard input."""
        shown, number = "standard input" if name == "-" else name, 0
        self.files.append(shown)
        try:
            with sys.stdin.buffer if name == "-" else open(name, "rb") as raw, unpacked(raw) as stream:
                for number, line in joined(lines_of(stream)):
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
            if self.before is not None and self.before_since <= record.started < self.since:
                self.before.add(record)
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
        before = self.before if self.before is not None and self.before.total.requests else None
        return {
            "input": {
                "files": self.files, "lines": self.lines, "records": self.records, "duplicates": self.duplicates, "out_of_range": self.out_of_range,
                "skipped": dict(self.skipped), "examples": self.examples, "problems": self.problems,
            },
            "since": rfc3339(self.since), "until": rfc3339(self.until),
            "before": before and {"since": rfc3339(self.before_since), "until": rfc3339(self.since), "total": before.total.result()},
            **self.report.result(before),
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
