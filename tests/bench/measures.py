"""Measures figures. Each function takes one sample; the caller repeats it, alternating with the other variants."""

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

WARM_UP_SECONDS = 1.5       # V8 optimises functions that are called often
OPEN_SECONDS = 30.0         # all streams have to be open within this time
SETTLE_SECONDS = 1.0        # then their memory has this time to settle


@dataclass(frozen=True)
class Machine:
    """The tools of a measurement, besides Envoy."""

    oha: Path
    load_cpus: set[int] | None
    bodies: Path                                    # a directory for request bodies
    start: Callable[..., Envoy]                     # starts an Envoy: variant, number of workers


def load(machine: Machine, envoy: Envoy, scenario: Scenario, *, seconds: float | None = None, rate: int | None = None) -> oha.Load:
    """Starts the scenario's requests."""
    content = scenario.body_for(envoy.name)
    body = machine.bodies / f"{scenario.name}-{'edited' if content != scenario.body else 'plain'}.json"
    if content and (not body.exists() or body.read_bytes() != content):
        body.write_bytes(content)
    return oha.Load(machine.oha, machine.load_cpus, envoy.url(scenario.path), scenario.connections, scenario.headers,
                    body if content else None, seconds=seconds, rate=rate)


# === with an Envoy that runs already ===


def flood(machine: Machine, envoy: Envoy, scenario: Scenario, seconds: float) -> Sample:
    """Sends as many requests as Envoy can serve."""
    before = envoy.cpu_seconds()
    seen = load(machine, envoy, scenario, seconds=seconds).wait()
    used = envoy.cpu_seconds() - before
    return {
        "requests_per_second": seen.requests / seen.seconds,
        "cpu_us": used / seen.requests * 1e6,
        "cpu_share": used / seen.seconds,
    }


def steady(machine: Machine, envoy: Envoy, scenario: Scenario, seconds: float) -> Sample:
    """Sends requests at a rate that every Envoy serves easily."""
    before = envoy.cpu_seconds()
    seen = load(machine, envoy, scenario, seconds=seconds, rate=scenario.rate).wait()
    used = envoy.cpu_seconds() - before
    return {"p50_ms": seen.p50_ms, "p99_ms": seen.p99_ms, "steady_cpu_us": used / seen.requests * 1e6}


def once(machine: Machine, envoy: Envoy, scenario: Scenario, _: float) -> Sample:
    """Sends one request on each connection, all at once."""
    before = envoy.cpu_seconds()
    seen = load(machine, envoy, scenario).wait()
    used = envoy.cpu_seconds() - before
    return {"event_cpu_us": used / seen.requests / scenario.events * 1e6}


# === with a fresh Envoy ===


def uploads(machine: Machine, variant: str, scenario: Scenario) -> Sample:
    """The peak growth of memory while Envoy serves one request on each connection."""
    with crowded(machine, variant) as envoy:
        envoy.forget_most_memory()
        before = envoy.memory()
        load(machine, envoy, scenario).wait()
        return {"growth_mib": (envoy.most_memory() - before) / 2**20}


def held(machine: Machine, variant: str, scenario: Scenario) -> Sample:
    """The growth of memory for each open stream."""
    with crowded(machine, variant) as envoy:
        before = envoy.memory()
        with opened(machine, envoy, scenario, CROWD.connections + scenario.connections):
            return {"stream_kib": (envoy.memory() - before) / 2**10 / scenario.connections}


def start(machine: Machine, variant: str) -> Sample:
    """The time until Envoy accepts requests, its memory, and the memory of each further worker."""
    with machine.start(variant, 1) as envoy:
        one_worker, milliseconds = envoy.memory(), envoy.started_after_ms
    with machine.start(variant, 5) as envoy:
        five_workers = envoy.memory()
    return {"start_ms": milliseconds, "memory_mib": one_worker / 2**20, "worker_mib": (five_workers - one_worker) / 4 / 2**20}


@contextlib.contextmanager
def crowded(machine: Machine, variant: str) -> Iterator[Envoy]:
    """A fresh Envoy with some streams open. They use the memory that V8's compiler has freed and Envoy's allocator keeps,
    which would otherwise hide the memory of further requests."""
    with machine.start(variant, 1) as envoy:
        load(machine, envoy, WARM_UP, seconds=WARM_UP_SECONDS).wait()
        with opened(machine, envoy, CROWD, CROWD.connections):
            yield envoy


@contextlib.contextmanager
def opened(machine: Machine, envoy: Envoy, scenario: Scenario, together: int) -> Iterator[None]:
    """Opens the scenario's streams and waits until `together` streams, those opened before included, are open and settled."""
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
