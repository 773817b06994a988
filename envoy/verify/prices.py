"""Checks the age of the filter's prices. The filter refuses unknown members, so the prices' date is in a comment."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

from find import Gateway
from place import Findings, Place, Unusable

OLD_DAYS = 90
COMMENT = re.compile(r"#.*\bprices of (\d{4}-\d\d-\d\d)\b")


def day_of(file: Path) -> date:
    """The date of a list that `make prices` has written."""
    try:
        return date.fromisoformat(json.loads(file.read_text())["date"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise Unusable(f"{file} is no list of prices with a date: {problem}") from problem


def age(findings: Findings, gateway: Gateway, given: date | None, today: date) -> None:
    """Warns of prices older than `OLD_DAYS`. Their date is `given`, else that of the oldest comment in the file."""
    if not Place(gateway.plugin)["prices"]:
        return
    place = gateway.config["configuration"]
    days = [given] if given else []
    for text in [] if given else COMMENT.findall(gateway.source):
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            findings.warn(place, f'the comment "prices of {text}" names no day')
    old = (today - min(days)).days if days else 0
    if old > OLD_DAYS:
        findings.warn(place, f"its prices are of {min(days)}, {old} days ago: compare them with the providers' or take a newer list (envoy/prices)")
