"""Numbers and texts for people."""

from __future__ import annotations

import html
import unicodedata


def number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def usd(micro: int | None) -> str:
    """Exact: all six digits."""
    return "–" if micro is None else f"{micro // 1_000_000:,}.{micro % 1_000_000:06}"


def permille(part: int, whole: int) -> int:
    return (2000 * part + whole) // (2 * whole)


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


def esc(text: str) -> str:
    return html.escape(printable(text))
