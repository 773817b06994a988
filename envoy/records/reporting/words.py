"""Numbers and texts for people."""

from __future__ import annotations

import html
import unicodedata
from typing import Callable


def number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def usd(micro: int | None) -> str:
    """Exact: all six digits."""
    return "–" if micro is None else f"{micro // 1_000_000:,}.{micro % 1_000_000:06}"


def money(micro: int | None, most: int | None = None) -> str:
    """Dollars as a person writes them: `$693.17`, and with more digits where all of it is less than a dollar or a cent,
    with none behind the point from 100,000 dollars on.

    `most`: the largest amount beside it, which decides how many digits all of them have.
    """
    if micro is None:
        return "–"
    most = micro if most is None else max(micro, most)
    places = 0 if most >= 100_000_000_000 else 2 if most >= 1_000_000 or most == 0 else 4 if most >= 10_000 else 6
    step = 10 ** (6 - places)
    rounded = (micro + step // 2) // step
    if micro and not rounded:
        return f"<${1 / 10**places:.{places}f}"
    whole, rest = divmod(rounded, 10**places)
    return f"${whole:,}" + (f".{rest:0{places}}" if places else "")


def a_request(micro: int | None, requests: int, most: int | None = None) -> str:
    """What one request costs on average."""
    return "–" if micro is None or not requests else money((2 * micro + requests) // (2 * requests), most)


def change(now: int | None, before: int | None) -> str:
    """How much more than before, such as `+12 %`."""
    if now is None or not before:
        return "–"
    percents = (200 * (now - before) + before) // (2 * before)
    return f"{percents:+,} %".replace("-", "−") if percents else "±0 %"


def seconds(ms: int | None) -> str:
    """A time: `360 ms`, `2.4 s`, `12 min`."""
    if ms is None:
        return "–"
    if ms < 1000:
        return f"{ms} ms"
    if ms < 120_000:
        return f"{(ms + 50) // 100 / 10:,.1f} s"
    return f"{(ms + 30_000) // 60_000:,} min"


def permille(part: int, whole: int) -> int:
    return (2000 * part + whole) // (2 * whole)


def percent(part: int, whole: int) -> str:
    if not whole:
        return "–"
    tenths = permille(part, whole)
    return f"{tenths // 10}.{tenths % 10}"


def short(value: int | None) -> str:
    """A large number to four digits: `135.4 M`."""
    if value is None:
        return "–"
    for size, letter in ((10**12, " T"), (10**9, " G"), (10**6, " M"), (10**3, " k")):
        if value * 20 >= size * 20 - size // 100:           # what is rounded to 1,000 of the smaller unit is 1 of this
            tenths = (20 * value + size) // (2 * size)
            return f"{tenths // 10:,}.{tenths % 10}{letter}"
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


def drawn(text: str) -> float:
    """About the same on a page, in letters of usual width: some are wider."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" or c in "WM@%mw\N{REPLACEMENT CHARACTER}" or ord(c) > 0x2FF else 1.25 if c.isupper() else 1 for c in text)


def fit(text: str, columns: int) -> str:
    """At most so many columns, and no more than as many accents."""
    return text if fits(text, columns, width) else beginning(text, columns - 1, width) + "…"


def fit_middle(text: str, columns: int, measure: Callable[[str], float] = width) -> str:
    """At most so many columns. The middle goes: names differ at their ends."""
    if fits(text, columns, measure):
        return text
    end = beginning(text[::-1], (columns - 1) // 2, measure)
    while end and unicodedata.combining(end[-1]):           # an accent without its letter
        end = end[:-1]
    return beginning(text, columns - 1 - (columns - 1) // 2, measure) + "…" + end[::-1]


def fits(text: str, columns: int, measure: Callable[[str], float]) -> bool:
    return len(text) <= 2 * columns and measure(text) <= columns


def beginning(text: str, columns: int, measure: Callable[[str], float]) -> str:
    kept: list[str] = []
    used = 0.0
    for c in text:
        used += measure(c)
        if used > columns or len(kept) == 2 * (columns + 1):
            break
        kept.append(c)
    return "".join(kept)


def when(text: str | None) -> str:
    """Without what people do not need."""
    return "–" if text is None else f"{text[:10]} {text[11:19]}"


def esc(text: str) -> str:
    return html.escape(printable(text))
