"""How a figure is measured. Each function takes one sample; the caller repeats it, in turn with the other variants."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import oha
from gateways import Envoy
from scenarios import CROWD, WARM_UP, Scenario

Sample = dict[str, float]

WARM_UP_SECONDS = 1.5       # V8 optimises what is called often
OPEN_SECONDS = 30.0         # all streams have to be open by then
SETTLE_SECONDS = 1.0        # and then have this long to need what they need


@dataclass(frozen=True)
class Machine:
    """What a measurement needs besides an Envoy."""

    oha: Path
    load_cpus: set[int] | None
    bodies: Path                                    # a directory
    start: Callable[..., Envoy]                     # a fresh Envoy of a variant, of so many workers


def load(machine: Machine, envoy: Envoy, scenario: Scenario, *, seconds: float | None = None, rate: int | None = None) -> oha.Load:
    """The scenario's requests begin."""
    content = scenario.body_for(envoy.name)
    body = machine.bodies / f"{scenario.name}-{'edited' if content != scenario.body else 'plain'}.json"
    if content and (not body.exists() or body.read_bytes() != content):
        body.write_bytes(content)
    return oha.Load(machine.oha, machine.load_cpus, envoy.url(scenario.path), scenario.connections, scenario.headers,
                    body if content else None, seconds=seconds, rate=rate)


# === of an Envoy that runs already ===


def flood(machine: Machine, envoy: Envoy, scenario: Scenario, seconds: float) -> Sample:
    """As many requests as it bears."""
    before = envoy.cpu_seconds()
    seen = load(machine, envoy, scenario, seconds=seconds).wait()
    used = envoy.cpu_seconds() - before
    return {
        "requests_per_second": seen.requests / seen.seconds,
        "cpu_us": used / seen.requests * 1e6,
        "cpu_share": used / seen.seconds,
    }


def steady(machine: Machine, envoy: Envoy, scenario: Scenario, seconds: float) -> Sample:
    """A rate that all bear easily."""
    before = envoy.cpu_seconds()
    seen = load(machine, envoy, scenario, seconds=seconds, rate=scenario.rate).wait()
    used = envoy.cpu_seconds() - before
    return {"p50_ms": seen.p50_ms, "p99_ms": seen.p99_ms, "steady_cpu_us": used / seen.requests * 1e6}


def once(machine: Machine, envoy: Envoy, scenario: Scenario, _: float) -> Sample:
    """One request from each connection, all at once."""
    before = envoy.cpu_seconds()
    seen = load(machine, envoy, scenario).wait()
    used = envoy.cpu_seconds() - before
    return {"event_cpu_us": used / seen.requests / scenario.events * 1e6}


# === of a fresh Envoy ===


def uploads(machine: Machine, variant: str, scenario: Scenario) -> Sample:
    """How much its memory grows at most while it takes one request from each connection."""
    with crowded(machine, variant) as envoy:
        envoy.forget_most_memory()
        before = envoy.memory()
        load(machine, envoy, scenario).wait()
        return {"growth_mib": (envoy.most_memory() - before) / 2**20}


def held(machine: Machine, variant: str, scenario: Scenario) -> Sample:
    """How much its memory grows for one stream of many that are open."""
    with crowded(machine, variant) as envoy:
        before = envoy.memory()
        with opened(machine, envoy, scenario, CROWD.connections + scenario.connections):
            return {"stream_kib": (envoy.memory() - before) / 2**10 / scenario.connections}


def start(machine: Machine, variant: str) -> Sample:
    """The time until it takes requests, and what a worker more takes of memory."""
    with machine.start(variant, 1) as envoy:
        one_worker, milliseconds = envoy.memory(), envoy.started_after_ms
    with machine.start(variant, 5) as envoy:
        five_workers = envoy.memory()
    return {"start_ms": milliseconds, "memory_mib": one_worker / 2**20, "worker_mib": (five_workers - one_worker) / 4 / 2**20}


@contextlib.contextmanager
def crowded(machine: Machine, variant: str) -> Iterator[Envoy]:
    """A fresh Envoy with some streams open. They fill what V8's compiler took and Envoy's allocator still holds, which
    would otherwise hide what further requests take."""
    with machine.start(variant, 1) as envoy:
        load(machine, envoy, WARM_UP, seconds=WARM_UP_SECONDS).wait()
        with opened(machine, envoy, CROWD, CROWD.connections):
            yield envoy


@contextlib.contextmanager
def opened(machine: Machine, envoy: Envoy, scenario: Scenario, together: int) -> Iterator[None]:
    """The scenario's streams are open, so many together with those that were open before, and have settled."""
    requests = load(machine, envoy, scenario)
    try:
        deadline = time.monotonic() + OPEN_SECONDS
        while envoy.open_requests() < together:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{envoy.name}: {envoy.open_requests()} streams of {together} are open after {OPEN_SECONDS} s")
            time.sleep(0.05)
        time.sleep(SETTLE_SECONDS)
        if envoy.open_requests() < together:
            raise RuntimeError(f"{envoy.name}: streams have ended too early")
        yield
    finally:
        requests.stop()
