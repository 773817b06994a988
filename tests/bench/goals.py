"""The goals of AI Bridge: mostly ratios within one run, which are comparable between machines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from figures import BUSY, Rounds

KIB = 1024


@dataclass(frozen=True)
class Goal:
    """A bound of a measured figure."""

    scenario: str
    what: str
    unit: str
    ask: Callable[[Rounds], float]
    at_most: float | None = None
    at_least: float | None = None


def _added(figure: str, of: str = "floor") -> Callable[[Rounds], float]:
    return lambda rounds: rounds.added_ratio("bridge", of, figure)


def _ratio(figure: str, of: str = "floor") -> Callable[[Rounds], float]:
    return lambda rounds: rounds.ratio("bridge", of, figure)


def _native(figure: str) -> Callable[[Rounds], float]:
    return lambda rounds: rounds.ratio("native", "envoy", figure)


def _native_added(figure: str) -> Callable[[Rounds], float]:
    return lambda rounds: rounds.added("native", figure)


def _throughput(rounds: Rounds) -> float:
    """The ratio of throughputs; computed from the CPU time if something other than Envoy limited the throughput."""
    if min(rounds.median("bridge", "cpu_share"), rounds.median("floor", "cpu_share")) < BUSY:
        return rounds.ratio("floor", "bridge", "cpu_us")
    return rounds.ratio("bridge", "floor", "requests_per_second")


GOALS = [
    Goal("json-1k", "CPU added to a 1 KB request / what reading everything adds", "", _added("cpu_us"), at_most=1.35),
    Goal("json-4k", "CPU added to a 4 KB request / what reading everything adds", "", _added("cpu_us"), at_most=1.35),
    Goal("mixed-1m", "CPU of 1 MB of mixed prose / Envoy alone", "", _ratio("cpu_us", "envoy"), at_most=2.4),
    Goal("mixed-1m", "throughput of 1 MB of mixed prose / when everything is read", "", _throughput, at_least=0.7),
    Goal("agent-260k", "CPU of an agent's request / when everything is read", "", _ratio("cpu_us"), at_most=1.5),
    Goal("json-1k", "CPU of a 1 KB request / Envoy alone", "", _ratio("cpu_us", "envoy"), at_most=1.6),
    Goal("passthrough", "CPU of passthrough / Envoy alone", "", _ratio("cpu_us", "envoy"), at_most=1.2),
    Goal("json-1m", "CPU added to a 1 MB request / what reading everything adds", "", _added("cpu_us"), at_most=1.35),
    Goal("json-1m", "throughput of 1 MB requests / when everything is read", "", _throughput, at_least=0.85),
    Goal("paced", "CPU per paced event / when everything is read", "", _ratio("event_cpu_us"), at_most=1.1),
    Goal("sse-1000", "throughput of 1,000-event streams / when everything is read", "", _throughput, at_least=0.85),
    Goal("passthrough", "CPU added to passthrough / what editing headers adds", "", _added("cpu_us", "headers"), at_most=1.1),
    Goal("json-1k", "p50 added at 500 requests/s", "us", lambda rounds: rounds.added("bridge", "p50_ms") * 1000, at_most=150),
    Goal("json-1k", "p99 at 500 requests/s / Envoy alone", "", _ratio("p99_ms", "envoy"), at_most=2),
    Goal("held", "memory added to a stream held open", "KiB", lambda rounds: rounds.added("bridge", "stream_kib"), at_most=16),
    Goal("uploads", "memory added while 8 uploads of 30 MB pass", "MiB", lambda rounds: rounds.added("bridge", "growth_mib"), at_most=8),
    Goal("start", "time added to Envoy's start", "ms", lambda rounds: rounds.added("bridge", "start_ms"), at_most=100),
    Goal("start", "size of the module", "KiB", lambda rounds: rounds.median("bridge", "module_bytes") / KIB, at_most=500),
    Goal("json-1k", "dynamic module: CPU of a 1 KB request / Envoy alone", "", _native("cpu_us"), at_most=1.4),
    Goal("mixed-1m", "dynamic module: CPU of 1 MB of mixed prose / Envoy alone", "", _native("cpu_us"), at_most=1.9),
    Goal("agent-260k", "dynamic module: CPU of an agent's request / Envoy alone", "", _native("cpu_us"), at_most=1.6),
    Goal("sse-100", "dynamic module: CPU of a stream of 100 events / Envoy alone", "", _native("cpu_us"), at_most=1.25),
    Goal("paced", "dynamic module: CPU per paced event / Envoy alone", "", _native("event_cpu_us"), at_most=1.08),
    Goal("json-1k", "dynamic module: p50 added at 500 requests/s / Envoy's p50", "",
         lambda rounds: rounds.added("native", "p50_ms") / rounds.median("envoy", "p50_ms"), at_most=0.12),
    Goal("start", "dynamic module: time added to Envoy's start", "ms", _native_added("start_ms"), at_most=20),
    Goal("start", "dynamic module: memory added at rest", "MiB", _native_added("memory_mib"), at_most=2),
    Goal("pool-1k", "CPU that a pool adds to a 1 KB request", "us", lambda rounds: rounds.added("pool", "cpu_us", "bridge"), at_most=15),
]


def judge(results: dict[str, Rounds]) -> list[dict[str, Any]]:
    """The results of the goals whose scenarios were measured."""
    judged = []
    for goal in GOALS:
        rounds = results.get(goal.scenario)
        try:
            estimate = rounds and rounds.estimate(goal.ask)
        except KeyError:        # a variant to compare with was not measured
            estimate = None
        if not estimate or not math.isfinite(estimate.value):
            continue
        met = estimate.value <= goal.at_most if goal.at_most is not None else estimate.value >= (goal.at_least or 0)
        judged.append({
            "scenario": goal.scenario, "what": goal.what, "unit": goal.unit, "at_most": goal.at_most,
            "at_least": goal.at_least, "met": met,
            **{name: value if math.isfinite(value) else None for name, value in asdict(estimate).items()},
        })
    return judged
