"""The report as one HTML page."""

from __future__ import annotations

from typing import Any

from .plots import plots
from .tables import LEGEND, Section, sections, summary
from .words import esc, fit, number, percent, usd, when

STYLE = """
:root { color-scheme: light dark; --page: #fff; --panel: #f6f7f9; --text: #1c2024; --quiet: #5b6370; --line: #d8dce2;
  --a: #0f766e; --b: #b45309; --c: #1d5fb8; --d: #7c3aed; --e: #6b7280; --f: #c0265b; --bad: #c62828 }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --panel: #1d2125; --text: #e6e9ec; --quiet: #a0a8b2; --line: #363c43;
  --a: #2dd4bf; --b: #f0a64a; --c: #6fb1ff; --d: #b69cff; --e: #8d96a3; --f: #ff8fb3; --bad: #ff7a70 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 16px; max-width: 1280px; background: var(--page); color: var(--text); font: 15px/1.45 system-ui, sans-serif }
h1 { font-size: 22px; margin: 4px 0 2px } h2 { font-size: 17px; margin: 28px 0 8px } p { margin: 4px 0; color: var(--quiet) }
.tiles, .plots { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 160px), 1fr)); margin: 16px 0 }
.plots { grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)) }
.tiles div, figure { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; margin: 0; min-width: 0 }
.tiles b { display: block; font-size: 19px; overflow-wrap: anywhere } .tiles span, figcaption span { color: var(--quiet); font-size: 13px }
figcaption { font-weight: 600; margin-bottom: 6px } svg { display: block; width: 100%; height: auto }
svg text { fill: var(--text); font: 12px system-ui, sans-serif } svg .quiet { fill: var(--quiet) } svg .grid { stroke: var(--line) }
.a { fill: var(--a); background: var(--a) } .b { fill: var(--b); background: var(--b) } .c { fill: var(--c); background: var(--c) }
.d { fill: var(--d); background: var(--d) } .e { fill: var(--e); background: var(--e) } .f { fill: var(--f); background: var(--f) }
.bad { fill: var(--bad); background: var(--bad) } .legend { font-size: 13px; color: var(--quiet); margin-top: 6px }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 4px 0 0 } .legend span { margin-right: 12px; white-space: nowrap }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap }
th { vertical-align: bottom; font-weight: 600 } th small { display: block; font-weight: 400; color: var(--quiet) }
.t { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9em; max-width: 26em } th:first-child, td:first-child { padding-left: 0 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 14px; margin: 8px 0 } dt { color: var(--quiet) } dd { margin: 0; overflow-wrap: anywhere; min-width: 0 }
"""


def as_page(found: dict[str, Any]) -> str:
    """One page that needs nothing else: no script, nothing from elsewhere. It is well-formed XML, too."""
    total, first = found["total"], found["time_to_first_event_ms"]
    completed = found["outcomes"]["completed"]
    least = ", at least" if total["partial_usage"] or total["missing_usage"] else ""
    tiles = [
        ("spend, USD" + (", at least" if total["incomplete"] else ""), usd(total["cost_microusd"])), ("interceptions", number(total["requests"])), ("completed, %", percent(completed, total["requests"])),
        ("input tokens" + least, number(total["total_input_tokens"])), ("output tokens" + least, number(total["output_tokens"])),
        ("from a cache, % of input", "–" if total["cache_hit_percent"] is None else percent(total["cache_read_tokens"], total["total_input_tokens"])),
        ("first event p50 / p95, ms", f"{number(first['p50'])} / {number(first['p95'])}"),
    ]
    body = ["<h1>AI Bridge report</h1>", f"<p>{esc(when(found['first']))} to {esc(when(found['last']))} UTC</p>" if found["first"] else "<p>No records.</p>"]
    body += ['<div class="tiles">', *(f"<div><span>{esc(name)}</span><b>{esc(value)}</b></div>" for name, value in tiles), "</div>"]
    body += ['<div class="plots">', *plots(found), "</div>"] if total["requests"] else []
    body += ["<h2>Summary</h2>", "<dl>", *(f"<dt>{esc(name)}</dt><dd>{esc(value)}</dd>" for name, value in summary(found)), "</dl>"]
    for section in sections(found):
        body += [f"<h2>{esc(section.title)}</h2>", html_table(section), *(f"<p>{esc(remark)}</p>" for remark in section.remarks)]
    body += ["<h2>How to read this</h2>", *(f"<p>{esc(line)}</p>" for line in LEGEND)]
    return "\n".join([
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8"/>', '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
        """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"/>""",
        "<title>AI Bridge report</title>", f"<style>{STYLE}</style>", "</head>", "<body>", *body, "</body>", "</html>",
    ]) + "\n"


def html_table(section: Section) -> str:
    mark = lambda column: ' class="t"' if column.text else ""
    head = "".join(f'<th scope="col"{mark(column)}>{esc(column.name)}<small>{esc(column.unit)}</small></th>' for column in section.columns)
    rows = ["".join(f"<td{mark(column)}>{esc(fit(cell, 200))}</td>" for column, cell in zip(section.columns, row)) for row in section.rows]
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{esc(section.title)}"><table>' + "".join(f"<tr>{row}</tr>" for row in [head, *rows]) + "</table></div>"
