"""The report as one HTML page."""

from __future__ import annotations

from typing import Any

from .plots import plots
from .tables import LEGEND, Column, Section, sections, share_of, summary, title
from .words import a_request, change, drawn, esc, fit, fit_middle, fits, money, number, printable, seconds, short, when

LONG, BRIEF = 30, 22            # columns of a name in a table; the latter on phones
MESSAGES = ("message", "first message")

STYLE = """
:root { color-scheme: light dark; --page: #fff; --panel: #f6f7f9; --text: #1c2024; --quiet: #5b6370; --line: #d8dce2;
  --a: #0f766e; --b: #b45309; --c: #1d5fb8; --d: #7c3aed; --e: #6b7280; --f: #c0265b; --bad: #c62828 }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --panel: #1d2125; --text: #e6e9ec; --quiet: #a0a8b2; --line: #363c43;
  --a: #2dd4bf; --b: #f0a64a; --c: #6fb1ff; --d: #b69cff; --e: #8d96a3; --f: #ff8fb3; --bad: #ff7a70 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 16px; max-width: 1280px; background: var(--page); color: var(--text); font: 15px/1.45 system-ui, sans-serif }
h1 { font-size: 22px; margin: 4px 0 2px } h2 { font-size: 17px; margin: 28px 0 8px } p { margin: 4px 0; color: var(--quiet) }
.tiles, .plots { display: grid; gap: 12px; grid-template-columns: repeat(4, 1fr); margin: 16px 0 }
.plots { grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)) }
.tiles div, figure { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; margin: 0; min-width: 0 }
.tiles b { display: block; font-size: 20px; white-space: nowrap } .tiles span { white-space: nowrap } .tiles span, .tiles small, figcaption span { color: var(--quiet); font-size: 13px }
figcaption { font-weight: 600; margin-bottom: 6px } svg { display: block; width: 100%; height: auto }
svg text { fill: var(--text); font: 12px system-ui, sans-serif } svg .quiet { fill: var(--quiet) } svg .grid { stroke: var(--line) }
.a { fill: var(--a); background: var(--a) } .b { fill: var(--b); background: var(--b) } .c { fill: var(--c); background: var(--c) }
.d { fill: var(--d); background: var(--d) } .e { fill: var(--e); background: var(--e) } .f { fill: var(--f); background: var(--f) }
.bad { fill: var(--bad); background: var(--bad) } .legend { font-size: 13px; color: var(--quiet); margin-top: 6px }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 4px 0 0 } .legend span { margin-right: 12px; white-space: nowrap }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap }
th { vertical-align: bottom; font-weight: 600 } th small { display: block; font-weight: 400; color: var(--quiet) }
.t { text-align: left } th:first-child, td:first-child { padding-left: 0 } .brief { display: none }
.m { white-space: normal; overflow-wrap: anywhere; min-width: 12em; max-width: 26em }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 14px; margin: 8px 0 } dt { color: var(--quiet); white-space: nowrap } dd { margin: 0; overflow-wrap: anywhere; min-width: 0 }
@media (max-width: 640px) { .w, .long { display: none } .brief { display: inline } table { width: 100% } th, td { padding: 4px 6px } body { padding: 12px }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px } dl { grid-template-columns: 1fr } dt { margin-top: 6px } }
"""


def as_page(found: dict[str, Any]) -> str:
    """One page that needs nothing else: no script, nothing from elsewhere. It is well-formed XML, too."""
    body = ["<h1>AI Bridge report</h1>", f"<p>{esc(when(found['first']))} to {esc(when(found['last']))} UTC</p>" if found["first"] else "<p>No records.</p>"]
    body += ['<div class="tiles">', *(f"<div><span>{esc(name)}</span><b>{esc(value)}</b><small>{esc(remark)}</small></div>" for name, value, remark in tiles(found)), "</div>"]
    body += ['<div class="plots">', *plots(found), "</div>"] if found["total"]["requests"] else []
    for section in sections(found):
        body += [f"<h2>{esc(section.title)}</h2>", html_table(section), *(f"<p>{esc(remark)}</p>" for remark in section.remarks)]
    body += ["<h2>Summary</h2>", "<dl>", *(f"<dt>{esc(name)}</dt><dd>{esc(value)}</dd>" for name, value in summary(found)), "</dl>"]
    body += ["<h2>How to read this</h2>", *(f"<p>{esc(line)}</p>" for line in LEGEND)]
    return "\n".join([
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8"/>', '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"/>""",
        "<title>AI Bridge report</title>", f"<style>{STYLE}</style>", "</head>", "<body>", *body, "</body>", "</html>",
    ]) + "\n"


def tiles(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The numbers on top: what each is, its value, and a remark."""
    total, first, before = found["total"], found["time_to_first_event_ms"], found["before"] and found["before"]["total"]
    tokens_least = ", at least" if total["partial_usage"] or total["missing_usage"] else ""
    was = lambda name, shown: f"before {shown(before[name])} ({change(total[name], before[name])})" if before else ""
    joined = lambda *parts: "; ".join(part for part in parts if part)
    return [
        ("Spend", money(total["cost_microusd"]), joined("at least" if total["incomplete"] else "", was("cost_microusd", money))),
        ("Requests", number(total["requests"]), was("requests", number)),
        ("A request", a_request(total["cost_microusd"], total["requests"]), f"before {a_request(before['cost_microusd'], before['requests'])}" if before else "on average"),
        ("Completed", share_of(found["outcomes"]["completed"], total["requests"]), f"{number(total['not_completed'])} not"),
        ("Input", f"{short(total['total_input_tokens'])}", joined("tokens" + tokens_least, was("total_input_tokens", short))),
        ("Output", f"{short(total['output_tokens'])}", joined("tokens" + tokens_least, was("output_tokens", short))),
        ("From cache", share_of(total["cache_read_tokens"], total["total_input_tokens"]) if total["cache_hit_percent"] is not None else "–", "of the input"),
        ("First words", seconds(first["p50"]), f"half of all; 95 % within {seconds(first['p95'])}" if first["count"] else "no streams"),
    ]


def html_table(section: Section) -> str:
    head = "".join(f'<th scope="col"{marks(column)}>{esc(title(column.name))}<small>{esc(column.unit)}</small></th>' for column in section.columns)
    rows = ["".join(f"<td{marks(column)}>{cell_of(column, cell)}</td>" for column, cell in zip(section.columns, row)) for row in section.rows]
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{esc(section.title)}"><table>' + "".join(f"<tr>{row}</tr>" for row in [head, *rows]) + "</table></div>"


def marks(column: Column) -> str:
    """Its classes: text, a message that may wrap, only where there is room."""
    found = ["t"] * column.text + ["m"] * (column.name in MESSAGES) + ["w"] * (not column.on_phones)
    return f' class="{" ".join(found)}"' if found else ""


def cell_of(column: Column, cell: str) -> str:
    """A cell's text. A long name is cut in the middle, on phones more than elsewhere; its `title` is the whole."""
    if not column.is_name:
        return esc(fit(cell, 200))
    cell = fit(printable(cell), 200)
    if fits(cell, BRIEF, drawn):
        return esc(cell)
    return f'<span class="long" title="{esc(cell)}">{esc(fit_middle(cell, LONG, drawn))}</span><span class="brief">{esc(fit_middle(cell, BRIEF, drawn))}</span>'
