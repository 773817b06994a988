"""Formats results: a table for each scenario, the goals, and what pages of the project say about cost."""

from __future__ import annotations

from typing import Any

from figures import BUSY, Rounds
from gateways import TITLES

# figure: title, decimals
FIGURES = {
    "requests_per_second": ("requests/s", 0),
    "cpu_us": ("CPU us/request", 0),
    "p50_ms": ("p50 ms", 2),
    "p99_ms": ("p99 ms", 2),
    "steady_cpu_us": ("CPU us, steady", 0),
    "event_cpu_us": ("CPU us/event", 1),
    "growth_mib": ("growth MiB", 1),
    "stream_kib": ("KiB/stream", 1),
    "start_ms": ("start ms", 0),
    "memory_mib": ("memory MiB", 0),
    "worker_mib": ("MiB/worker", 1),
}
COSTS = ("cpu_us", "steady_cpu_us", "event_cpu_us")


def of_scenario(name: str, title: str, rounds: Rounds, reference: str) -> str:
    """The medians with their spread, their ratio to Envoy alone, and the ratio of the added cost to the reference's."""
    figures = [figure for figure in FIGURES if figure in rounds.figures()]
    beside_envoy = rounds.has("envoy", figures[0])
    lines = [f"\n{name}: {title}", f"{'':<31}"]
    variants = [variant for variant in rounds.variants() if rounds.has(variant, figures[0])]
    lines += [f"{TITLES[variant]:<31}" for variant in variants]
    for figure in figures:
        head, digits = FIGURES[figure]
        is_cost = figure in COSTS and beside_envoy and rounds.has(reference, figure)
        lines[1] += f"{head:>15}{'':12}" + (f"{'of ' + reference:>10}" if is_cost else "")
        for index, variant in enumerate(variants, 2):
            if not rounds.has(variant, figure):
                lines[index] += f"{'':27}" + (f"{'':10}" if is_cost else "")
                continue
            lines[index] += f"{rounds.median(variant, figure):>15,.{digits}f} ±{rounds.spread(variant, figure) * 100:<3.0f}%"
            lines[index] += f" x{rounds.ratio(variant, 'envoy', figure):<4.2f}" if beside_envoy else f"{'':6}"
            if is_cost:
                added = f"{rounds.added_ratio(variant, reference, figure):+.2f}" if variant != "envoy" else ""
                lines[index] += f"{added:>10}"
    if rounds.has("bridge", "cpu_share"):
        idle = [TITLES[variant].strip("+ ") for variant in variants if rounds.median(variant, "cpu_share") < BUSY]
        if idle:
            lines.append(f"(Envoy was not the limit with {', '.join(idle)}: look at the CPU time)")
    return "\n".join(line.rstrip() for line in lines)


def of_goals(judged: list[dict[str, Any]]) -> str:
    """A table of the goals: the figure with its range, and whether the goal is met."""
    lines = [f"\n{'goal':<78}{'limit':>12}{'measured':>10} {'(range)':>18}"]
    for goal in judged:
        limit = f"<= {goal['at_most']:g}" if goal["at_most"] is not None else f">= {goal['at_least']:g}"
        digits = 2 if not goal["unit"] else 0 if goal["unit"] in ("us", "ms") else 1
        low, value, high = ("?" if goal[key] is None else format(goal[key], f",.{digits}f") for key in ("low", "value", "high"))
        span = f"({low}..{high})"
        lines.append(f"{goal['what']:<78}{limit + ' ' + goal['unit']:>12}{value:>10} {span:>18}  {'met' if goal['met'] else 'NOT MET'}")
    return "\n".join(lines)


# === pages ===

ROWS = [
    ("json-1k", "cpu_us", "CPU, 1 KB request", "µs"),
    ("json-4k", "cpu_us", "CPU, 4 KB request", "µs"),
    ("json-64k", "cpu_us", "CPU, 64 KB request", "µs"),
    ("agent-260k", "cpu_us", "CPU, 260 KB request of a coding agent", "µs"),
    ("mixed-1m", "cpu_us", "CPU, 1 MB of prose with escapes and letters beyond ASCII", "µs"),
    ("chinese-1m", "cpu_us", "CPU, 1 MB of Chinese and code", "µs"),
    ("picture-1m", "cpu_us", "CPU, a picture of 1 MB in base64", "µs"),
    ("json-1m", "cpu_us", "CPU, 1 MB of plain ASCII prose", "µs"),
    ("sse-100", "cpu_us", "CPU, stream of 100 events", "µs"),
    ("sse-1000", "cpu_us", "CPU, stream of 1,000 events", "µs"),
    ("chat", "cpu_us", "CPU, Chat Completions stream of 100 events, usage spliced in and cut", "µs"),
    ("paced", "event_cpu_us", "CPU, one event (100 streams, an event each 20 ms)", "µs"),
    ("passthrough", "cpu_us", "CPU, passthrough (compared with editing headers only)", "µs"),
    ("json-1k", "p50_ms", "p50, 1 KB requests, 500 a second", "ms"),
    ("json-1k", "p99_ms", "p99, 1 KB requests, 500 a second", "ms"),
    ("uploads", "growth_mib", "memory, 8 uploads of 30 MB at once", "MiB"),
    ("held", "stream_kib", "memory, a stream held open (of 1,000)", "KiB"),
    ("start", "memory_mib", "memory, one worker, at rest", "MiB"),
    ("start", "worker_mib", "memory, each further worker", "MiB"),
    ("start", "start_ms", "start until ready", "ms"),
]
SAVED = {
    "no-metrics": "`\"metrics\": false`",
    "no-values": "`\"publish\": []`",
    "no-texts": "`record.prompts`, `tool_arguments`, `thoughts`: `false`",
    "no-condition": "the access log's condition, which keeps other requests out of it",
    "no-line": "no access log that prints the record",
    "bare": "all of these",
    "same-calls": "all that it computes: the same calls into Envoy, with constants",
}


# The rows of envoy/native/README.md; the last member: whether a ratio to Envoy alone is shown, or the difference.
BESIDE = [
    ("json-1k", "cpu_us", "CPU, 1 KB request", True),
    ("agent-260k", "cpu_us", "CPU, 260 KB request of a coding agent", True),
    ("mixed-1m", "cpu_us", "CPU, 1 MB of prose with escapes and letters beyond ASCII", True),
    ("sse-100", "cpu_us", "CPU, stream of 100 events", True),
    ("paced", "event_cpu_us", "CPU, one event (100 streams, an event each 20 ms)", True),
    ("passthrough", "cpu_us", "CPU, passthrough", True),
    ("json-1k", "p50_ms", "p50, 1 KB requests, 500 a second", True),
    ("held", "stream_kib", "memory of a stream held open", True),
    ("start", "memory_mib", "memory added at rest, MiB", False),
    ("start", "start_ms", "time added to the start, ms", False),
]


def is_complete(results: dict[str, Rounds]) -> bool:
    """Whether every row of the figures was measured."""
    return all(name in results and results[name].has("bridge", figure) for name, figure, *_ in ROWS)


def of_figures(result: dict[str, Any], results: dict[str, Rounds], references: dict[str, str]) -> str:
    """The figures, in Markdown."""
    lines = [
        _measured(result),
        "",
        "| | Envoy alone | + everything read | + AI Bridge | + as a dynamic module | AI Bridge / Envoy alone | dynamic module / Envoy alone | added / added by reading |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, figure, title, unit in ROWS:
        rounds = results.get(name)
        if not rounds or not rounds.has("bridge", figure) or not rounds.has("envoy", figure):
            continue
        reference, digits = references.get(name, ""), FIGURES[figure][1]
        shown = [f"{rounds.median(variant, figure):,.{digits}f}" if rounds.has(variant, figure) else "" for variant in ("envoy", reference, "bridge", "native")]
        shown += [f"{rounds.ratio(variant, 'envoy', figure):.2f}" if rounds.has(variant, figure) else "" for variant in ("bridge", "native")]
        is_cost = figure in COSTS and rounds.has(reference, figure) and rounds.added(reference, figure) > 0
        shown.append(f"{rounds.added_ratio('bridge', reference, figure):.2f}" if is_cost else "")
        lines.append(f"| {title}, {unit} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def of_savings(result: dict[str, Any], results: dict[str, Rounds]) -> str | None:
    """What can be saved, in Markdown, if it was measured."""
    small = results.get("json-1k")
    if not small or not all(small.has(variant, "cpu_us") for variant in ("envoy", "bridge", *SAVED)):
        return None
    lines = [_measured(result), "", "| without | saves of a 1 KB request's CPU | |", "|---|--:|--:|"]
    whole = small.added("bridge", "cpu_us")
    for variant, title in SAVED.items():
        saved = small.added("bridge", "cpu_us", variant)
        lines.append(f"| {title} | {saved:.0f} µs | {saved / whole:.0%} of what the filter adds |")
    return "\n".join(lines)


def of_both_hosts(result: dict[str, Any], results: dict[str, Rounds]) -> str | None:
    """The cost of either host, in Markdown, if both were measured."""
    if not all(name in results and results[name].has("native", figure) for name, figure, *_ in BESIDE):
        return None
    lines = [_measured(result), "", "| beside Envoy alone | wasm | dynamic module |", "|---|--:|--:|"]
    for name, figure, title, as_ratio in BESIDE:
        rounds = results[name]
        shown = [f"× {rounds.ratio(variant, 'envoy', figure):.2f}" if as_ratio else f"{rounds.added(variant, figure):,.0f}" for variant in ("bridge", "native")]
        lines.append(f"| {title} | {shown[0]} | {shown[1]} |")
    return "\n".join(lines)


def of_one_request(result: dict[str, Any], results: dict[str, Rounds]) -> str:
    """The one sentence about cost in the README of the project: ratios within each round, which noise disturbs least."""
    small = results["json-1k"]

    def times(variant: str) -> str:
        return f"{small.ratio(variant, 'envoy', 'cpu_us'):.1f} times"

    native = f", {times('native')} with it as a [dynamic module](envoy/native/README.md)" if small.has("native", "cpu_us") else ""
    return (
        f"A request of 1 KB takes Envoy {times('bridge')} as much CPU with the filter as without (measured on {result['at'][:10]}){native}: "
        "[all figures](tests/bench/README.md)."
    )


def _measured(result: dict[str, Any]) -> str:
    machine = result["machine"]
    return (
        f"{result['at'][:10]}, {machine['cpu']}, {machine['cpus']} CPUs, "
        f"Envoy {result['envoy'].split('/')[1]}, oha {result['oha']}, medians of {result['rounds']} rounds of {result['seconds']:g} s:"
    )
