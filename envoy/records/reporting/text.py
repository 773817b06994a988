"""The report as text."""

from __future__ import annotations

from typing import Any

from .tables import LEGEND, Section, sections, summary
from .words import fit, fit_middle, printable, width


def as_text(found: dict[str, Any]) -> str:
    lines = ["AI Bridge report", ""]
    lines += [f"  {name:<16}{printable(value)}" for name, value in summary(found)]
    for section in sections(found):
        lines += ["", section.title, *table(section)]
        lines += [f"  {remark}" for remark in section.remarks]
    if found["by"] and found["total"]["requests"]:
        lines += ["", *LEGEND]
    return "\n".join(lines) + "\n"


def table(section: Section) -> list[str]:
    most = [36 if column.text else 100 for column in section.columns]
    if section.columns[-1].text:
        most[-1] = 60
    cells = [[(fit_middle if column.is_name else fit)(printable(cell), limit) for column, cell, limit in zip(section.columns, row, most)] for row in section.rows]
    heads = [[column.name for column in section.columns]]
    if any(column.unit for column in section.columns):
        heads.append([column.unit for column in section.columns])
    widths = [max(width(row[at]) for row in heads + cells) for at in range(len(section.columns))]
    pad = lambda cell, at: cell + " " * (widths[at] - width(cell)) if section.columns[at].text else " " * (widths[at] - width(cell)) + cell
    return ["  " + "  ".join(pad(cell, at) for at, cell in enumerate(row)).rstrip() for row in heads + cells]
