"""Prints prices for the filter's configuration.

    python3 envoy/prices --only anthropic,openai --models 'claude-*,gpt-5*'

The output is the value of `prices`: paste it. Standard error says what to write beside it and which of these models are
turned off soon. It needs Python 3.10 or later and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from table import matches

LIST = Path(__file__).resolve().parent / "prices.json"
SOON = timedelta(days=90)


def read(file: Path) -> dict[str, Any]:
    """The price list in `file`. Raises `ValueError` if it is none."""
    try:
        found: dict[str, Any] = json.loads(file.read_text())
        date.fromisoformat(found["date"])
        if sum(about["entries"] for about in found["providers"].values()) != len(found["prices"]):
            raise ValueError("its providers do not have so many prices")
        for about in found["providers"].values():
            if not isinstance(about["entries"], int) or about["entries"] < 0:
                raise ValueError("the number of a provider's prices is no count")
            for day in about["deprecated"].values():
                date.fromisoformat(day)
        if not all(isinstance(name, str) for entry in found["prices"] for name in entry["models"]):
            raise ValueError("the name of a model is no text")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        raise ValueError(f"{file} is no price list of this folder ({type(problem).__name__}: {problem})") from problem
    return found


def selected(found: dict[str, Any], only: list[str], wanted: list[str]) -> list[dict[str, Any]]:
    """The elements of these providers and models; all without a choice."""
    chosen = []
    entries = iter(found["prices"])
    for provider, about in found["providers"].items():
        own = [next(entries) for _ in range(about["entries"])]
        for entry in own if not only or provider in only else []:
            names = [name for name in entry["models"] if not wanted or any(matches(pattern, name) for pattern in wanted)]
            if names:
                chosen.append({**entry, "models": names})
    return chosen


def ending(found: dict[str, Any], chosen: list[dict[str, Any]], today: date) -> list[str]:
    """`NAME on DAY` of the chosen models that are turned off within `SOON`."""
    ends = sorted((day, name) for about in found["providers"].values() for name, day in about["deprecated"].items())
    patterns = [pattern for entry in chosen for pattern in entry["models"]]
    return [f"{name} on {day}" for day, name in ends if found["date"] <= day <= (today + SOON).isoformat() and any(matches(pattern, name) for pattern in patterns)]


def main() -> int:
    def words(text: str) -> list[str]:
        return [word.strip() for word in text.split(",") if word.strip()]

    parser = argparse.ArgumentParser(prog="prices", description="Prints prices for the filter's configuration.")
    parser.add_argument("--only", type=words, default=[], metavar="PROVIDERS", help="of these alone: anthropic,openai,gemini,xai,mistral,deepseek")
    parser.add_argument("--models", type=words, default=[], metavar="PATTERNS", help="of these models alone: 'claude-*,gpt-5*'")
    parser.add_argument("--list", type=Path, default=LIST, metavar="FILE", help="default: %(default)s")
    arguments = parser.parse_args()
    try:
        found = read(arguments.list)
    except ValueError as problem:
        parser.error(str(problem))
    unknown = [word for word in arguments.only if word not in found["providers"]]
    if unknown:
        parser.error(f"no such provider: {', '.join(unknown)}; there are {', '.join(found['providers'])}")
    chosen = selected(found, arguments.only, arguments.models)
    if not chosen:
        print(f"prices: no model of the list matches {','.join(arguments.models)}", file=sys.stderr)
        return 1
    print("[" + ",\n ".join(json.dumps(entry) for entry in chosen) + "]")
    print(f"Write this comment into the YAML, above the configuration: # prices of {found['date']}", file=sys.stderr)
    names = [name for entry in chosen for name in entry["models"]]
    without = [pattern for pattern in arguments.models if not any(matches(pattern, name) for name in names)]
    if without:
        print(f"No model of the list matches {', '.join(without)}", file=sys.stderr)
    if ending(found, chosen, date.today()):
        print(f"Turned off soon: {', '.join(ending(found, chosen, date.today()))}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:             # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    sys.exit(code)
