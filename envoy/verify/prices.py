"""Checks the age of the filter's prices. The filter refuses unknown members, so the prices' date is in a comment."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

from place import Findings, Place, Unusable

OLD_DAYS = 90
COMMENT = re.compile(r"#.*\bprices of (\d{4}-\d\d-\d\d)\b")


def day_of(file: Path) -> date:
    """The date of a list that `make prices` has written."""
    try:
        return date.fromisoformat(json.loads(file.read_text())["date"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise Unusable(f"{file} is no list of prices with a date: {problem}") from problem


def age(findings: Findings, prices: Place, source: str, given: date | None, today: date) -> None:
    """Warns of prices older than `OLD_DAYS`. Their date is `given`, else that of the oldest comment in the file, `source`."""
    if not prices:
        return
    dates = [(given, prices)] if given else []
    for match in [] if given else COMMENT.finditer(source):
        place = Place(None, prices.path, prices.file, source.count("\n", 0, match.start()) + 1)
        try:
            dates.append((date.fromisoformat(match.group(1)), place))
        except ValueError:
            findings.warn(place, f'the comment "prices of {match.group(1)}" names no day')
    if not dates:
        return
    day, place = min(dates, key=lambda each: each[0])
    old = (today - day).days
    if old < 0:
        findings.warn(place, f"its prices are of {day}, which is in the future")
    if old > OLD_DAYS:
        findings.warn(place, f"its prices are of {day}, {old} days ago: compare them with the providers' or take a newer list (envoy/prices)")
