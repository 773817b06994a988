"""The command line of the report."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from datetime import datetime, timedelta, timezone

from .page import as_page
from .reading import Reading
from .record import METADATA_KEY, Unreadable, instant
from .text import as_text
from .totals import DEFAULT_GROUPS, GROUPS, Report, group_list
from .words import printable


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


def top(text: str) -> int:
    if not re.fullmatch(r"\d{1,4}", text) or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 1000, found {text!r}")
    return int(text)


def run() -> int:
    """`main` as a command that ends well when the reader has seen enough, or the user."""
    try:
        return main()
    except BrokenPipeError:         # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
