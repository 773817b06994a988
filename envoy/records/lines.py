"""Joins the lines that a container's log file cuts a long line into, so that each record is one line again.

containerd and docker cut lines at 16 KiB, CRI-O at 8 KiB. Both file formats say which line goes on:

    2026-11-24T15:39:54.123456789Z stdout P {"version":1,        CRI: `P` goes on, `F` is the end
    {"log":"{\\"version\\":1,","stream":"stdout","time":"…"}        docker's json-file: the end has a line break in `log`

Other lines pass unchanged.
"""

from __future__ import annotations

import json
import re
from typing import Iterable, Iterator

LINE_BYTES = 32 << 20       # a longer line is given up
OPEN_LINES = 64             # unfinished lines at a time, of all streams and containers together

CRI = re.compile(rb"((?:[\w.-]+ *\| )?(?:\[pod/[^\]\s]+\] )?)\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP])(?::\w+)* ")
DOCKER = re.compile(rb'\s*\{"log":"')

Line = tuple[int, "bytes | None"]


class _Open:
    """A line of which the end has not come."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.parts: list[bytes] = []
        self.size = 0

    def add(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > LINE_BYTES:
            self.parts.clear()
        else:
            self.parts.append(part)

    def line(self) -> Line:
        return self.number, b"".join(self.parts) if self.size <= LINE_BYTES else None


def joined(lines: Iterable[Line]) -> Iterator[Line]:
    """Each line with the number of its first part; `None` for one that is too long. What never ends comes last, as it is."""
    waiting: dict[bytes, _Open] = {}
    for number, line in lines:
        part = None if line is None else _part(line)
        if part is None:
            yield number, line
            continue
        stream, text, ends = part
        if stream not in waiting and ends:
            yield number, text
            continue
        if stream not in waiting and len(waiting) >= OPEN_LINES:
            yield waiting.pop(next(iter(waiting))).line()
        waiting.setdefault(stream, _Open(number)).add(text)
        if ends:
            yield waiting.pop(stream).line()
    for each in waiting.values():
        yield each.line()


def _part(line: bytes) -> tuple[bytes, bytes, bool] | None:
    """The stream that a line is from, its text, and whether it is the end; `None` if it is in neither format."""
    head = CRI.match(line)
    if head:
        return head[1] + head[2], line[head.end() :].rstrip(b"\r\n"), head[3] == b"F"
    if DOCKER.match(line):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if isinstance(entry, dict) and isinstance(entry.get("log"), str) and "time" in entry:
            log = entry["log"]
            stream = b"docker " + str(entry.get("stream")).encode("utf-8", "replace")
            return stream, log.rstrip("\r\n").encode("utf-8", "replace"), log.endswith("\n")
    return None
