"""The plots of the page, as SVG."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Callable, Iterator

from .counting import EPOCH
from .record import OUTCOMES
from .tables import heading, share_of, word
from .words import drawn as widths, esc, fit, fit_middle, money, number, printable, short

COLOURS = {"completed": "a", "failed": "bad", "rejected": "b", "unavailable": "d", "aborted_client": "e", "aborted_upstream": "f"}
SERIES = [("input_tokens", "plain input", "c"), ("cache_read_tokens", "read from a cache", "a"), ("cache_write_tokens", "written to a cache", "b"), ("output_tokens", "output", "d")]
LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 56, 396, 8, 156, 178         # of a plot, in the units of its viewBox, which is 400 wide


def plots(found: dict[str, Any]) -> Iterator[str]:
    timeline = found["timeline"]
    if found["total"]["cost_microusd"]:
        yield over_time("Spend", "", timeline, [("cost_microusd", "", "c")], money, lambda value: money(value) if value % 1_000_000 else f"${value // 1_000_000:,}")
    yield over_time("Tokens", "", timeline, SERIES, short, brief)
    yield over_time("Requests", "", timeline, [(name, word("outcome", name), COLOURS[name]) for name in OUTCOMES if found["outcomes"][name]], number, brief)
    if found["first_event_counts"]:
        yield first_events(found)
    for group, counted in found["by"].items():
        if len(counted["rows"]) > 1 and group not in ("session", "agent", "day", "hour", "outcome"):
            yield bars(group, counted, found["total"])


def over_time(title: str, unit: str, timeline: dict[str, Any], series: list[tuple[str, str, str]], exact: Callable[[int], str], name: Callable[[int], str]) -> str:
    """Stacked bars."""
    slots = timeline["slots"]
    span = span_name(timeline["width_seconds"])
    top = nice(max(sum(slot[member] for member, _, _ in series) for slot in slots))
    step = (RIGHT - LEFT) / len(slots)
    wide = min(max(step * 0.86, 0.6), 48)
    drawn = axis(top, name)
    for at, slot in enumerate(slots):
        parts = [(member, words, colour, slot[member]) for member, words, colour in series if slot[member]]
        if not parts:
            continue
        said = ", ".join(f"{words + ' ' if words else ''}{exact(value)}" for _, words, _, value in parts)
        below, shapes = BOTTOM, ""
        for _, _, colour, value in parts:
            height = (BOTTOM - TOP) * value / top
            below -= height
            shapes += f'<rect class="{colour}" x="{LEFT + (at + 0.5) * step - wide / 2:.2f}" y="{below:.2f}" width="{wide:.2f}" height="{height:.2f}"/>'
        drawn += f"<g><title>{esc(moment(slot['start'], timeline['width_seconds']))} UTC: {esc(said)}</title>{shapes}</g>"
    labels = {0: "start", len(slots) - 1: "end"} if len(slots) > 1 else {0: "middle"}
    for at, anchor in labels.items():
        x = {"start": LEFT, "end": RIGHT, "middle": (LEFT + RIGHT) / 2}[anchor]
        drawn += f'<text class="quiet" x="{x}" y="{HEIGHT - 6}" text-anchor="{anchor}">{esc(moment(slots[at]["start"], timeline["width_seconds"]))}</text>'
    legend = "".join(f'<span><i class="{colour}"></i>{esc(words)}</span>' for _, words, colour in series if words)
    return figure(title, f"{unit} per {span}".strip(), HEIGHT, drawn, legend)


def first_events(found: dict[str, Any]) -> str:
    """How long streams took to begin, in steps of 1, 2, 5."""
    bounds = [size * 10**power for power in range(1, 6) for size in (1, 2, 5)]
    counts = [0] * (len(bounds) + 1)
    for ms, times in found["first_event_counts"]:
        counts[next((at for at, bound in enumerate(bounds) if ms <= bound), len(bounds))] += times
    used = [at for at, count in enumerate(counts) if count]
    shown = range(max(used[0] - 1, 0), used[-1] + 1)
    top, step = nice(max(counts)), (RIGHT - LEFT) / len(shown)
    name = lambda at: f"≤ {bounds[at]} ms" if at < len(bounds) and bounds[at] < 1000 else f"≤ {bounds[at] // 1000} s" if at < len(bounds) else "more"
    every = -(-len(shown) // 5)
    drawn = axis(top, brief)
    for place, at in enumerate(shown):
        height, x = (BOTTOM - TOP) * counts[at] / top, LEFT + place * step
        drawn += f'<g><title>{esc(name(at))}: {number(counts[at])} streams</title><rect class="c" x="{x:.2f}" y="{BOTTOM - height:.2f}" width="{step * 0.86:.2f}" height="{height:.2f}"/></g>'
        if place % every == (len(shown) - 1) % every:
            drawn += f'<text class="quiet" x="{x + step * 0.43:.2f}" y="{HEIGHT - 6}" text-anchor="middle">{esc(name(at))}</text>'
    return figure("Time until the first words", "streams", HEIGHT, drawn, "")


def bars(group: str, counted: dict[str, Any], total: dict[str, Any]) -> str:
    """One bar for each name, the longest first: by spend, or by tokens where nothing has a price. The period before is a thin one."""
    member, exact = ("cost_microusd", money) if total["cost_microusd"] else ("total_tokens", short)
    rows = sorted(counted["rows"], key=lambda row: row[member] or 0, reverse=True)[:8]
    was = lambda row: (row.get("cost_microusd_before") or 0) if member == "cost_microusd" else 0
    most = max(max(max(row[member] or 0, was(row)) for row in rows), 1)
    drawn = ""
    for at, row in enumerate(rows):
        y, value = at * 34, row[member]
        name = word(group, row["name"])
        share = f" · {share_of(value, total[member])}" if value is not None and total[member] else ""
        drawn += f'<g><title>{esc(fit(name, 200))}: {exact(value)}</title><text x="4" y="{y + 14}">{esc(fit_middle(printable(name), 28, widths))}</text><text x="396" y="{y + 14}" text-anchor="end">{esc(exact(value) + share)}</text>'
        drawn += f'<rect class="c" x="4" y="{y + 19}" width="{max(392 * (value or 0) / most, 0.6):.2f}" height="6" rx="2"/>'
        if "cost_microusd_before" in row and member == "cost_microusd":
            drawn += f'<rect class="e" x="4" y="{y + 26}" width="{max(392 * was(row) / most, 0.6):.2f}" height="3" rx="1"/>'
        drawn += "</g>"
    legend = '<span><i class="c"></i>now</span><span><i class="e"></i>before</span>' if any("cost_microusd_before" in row for row in rows) and member == "cost_microusd" else ""
    return figure(f"{'Spend' if member == 'cost_microusd' else 'Tokens'} by {heading(group)}", "", len(rows) * 34, drawn, legend)


def figure(title: str, unit: str, height: int, drawn: str, legend: str) -> str:
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 {height}" role="img" aria-label="{esc(title)} {esc(unit)}">{drawn}</svg>'
    return f"<figure><figcaption>{esc(title)} <span>{esc(unit)}</span></figcaption>{picture}" + (f'<div class="legend">{legend}</div>' if legend else "") + "</figure>"


def brief(value: int) -> str:
    """Of an axis: `2 M`, `1.5 M`."""
    return short(value).replace(".0 ", " ")


def axis(top: int, name: Callable[[int], str]) -> str:
    """Lines at 0, half and all of it."""
    drawn = ""
    for value in sorted({0, top // 2 if top % 2 == 0 else 0, top}):
        y = BOTTOM - (BOTTOM - TOP) * value / top
        drawn += f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.2f}" y2="{y:.2f}"/><text class="quiet" x="{LEFT - 5}" y="{y + 4:.2f}" text-anchor="end">{esc(name(value))}</text>'
    return drawn


def nice(most: int) -> int:
    """The least of 1, 2, 4, 6, 8 × 10^n that is not below."""
    size = 10 ** max(len(str(most)) - 1, 0)
    return next(step * size for step in (1, 2, 4, 6, 8, 10) if step * size >= most)


def moment(seconds: int, span: int) -> str:
    try:
        text = (EPOCH + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return "before all time"
    return text[:10] if span >= 86_400 else f"{text[:10]} {text[11:16]}"


def span_name(seconds: int) -> str:
    for size, name in ((604_800, "week"), (86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return name if seconds == size else f"{number(seconds // size)} {name}s"
    return f"{seconds} s"
