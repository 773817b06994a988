"""The measured part of envoy/clients/README.md: made of measured.json, between two markers.

    python tests/agents/page.py      (writes the part anew)
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "envoy" / "clients" / "README.md"
MEASURED = REPOSITORY / "tests" / "agents" / "measured.json"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"

# By their packages: in package.json and requirements.txt.
PROGRAMS = {
    "Claude Code": "@anthropic-ai/claude-code", "Codex": "@openai/codex", "Copilot CLI": "@github/copilot", "Gemini CLI": "@google/gemini-cli",
    "langchain-anthropic": "langchain-anthropic", "langchain-openai": "langchain-openai", "LiteLLM": "litellm", "the Vercel AI SDK": "ai",
}

OURS, SERVED = "ours", "served"
WORDS_BYTES = 110


def versions() -> dict[str, str]:
    """The pinned version of each program."""
    folder = REPOSITORY / "tests" / "agents"
    pinned = json.loads((folder / "package.json").read_text())["dependencies"]
    pinned |= dict(line.split("==") for line in (folder / "requirements.txt").read_text().splitlines() if "==" in line)
    return {title: pinned[package] for title, package in PROGRAMS.items()}


def words(screen: str, says: bool) -> str:
    """What the user reads, as the table states it: ours, or the beginning of the client's own words."""
    if says:
        return OURS
    lines = [line.strip() for line in screen.splitlines() if line.strip() and not line.startswith("!")]
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", " ".join(lines[:2]))
    return text if len(text) <= WORDS_BYTES else text[:WORDS_BYTES].rsplit(" ", 1)[0] + " …"


def part(measured: Any) -> str:
    """The text between the markers."""
    versions = ", ".join(f"{name} {version}" for name, version in measured["versions"].items())
    stops = measured["stops"]
    lines = [f"Measured on {measured['date']} by `make agents` with {versions}.", ""]
    lines.append(row(["client", *(f"{stop['title']} ({stop['status']})" for stop in stops.values())]))
    lines.append("|---|" + "--:|" * len(stops))
    own = []
    for name, title in measured["clients"].items():
        cells = []
        for stop in stops.values():
            result = stop["clients"].get(name)
            if result is None:
                cells.append("–")
                continue
            mark = {OURS: "", SERVED: ", then served"}.get(result["screen"])
            if mark is None:
                own.append(row([title, stop["title"], result["screen"].replace("|", "\\|")]))
                mark = ", own words"
            cells.append(f"{result['requests']}{mark}")
        lines.append(row([title, *cells]))
    return "\n".join([*lines, "", "The own words:", "", row(["client", "stop", "what its user reads"]), "|---|---|---|", *own])


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def written(page: str, measured: Any) -> str:
    """The page with its part made anew."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{part(measured)}\n{END}{after}"


def main() -> None:
    PAGE.write_text(written(PAGE.read_text(), json.loads(MEASURED.read_text())))


if __name__ == "__main__":
    sys.exit(main())
