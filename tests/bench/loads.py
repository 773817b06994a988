"""What is sent, and with what: kinds of requests, and the load generator `oha`, pinned.

Every body asks the mock for a fixed answer by the name of its model, so that all gateways pass the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / "target" / "tools"
OHA_VERSION = "1.16.0"


@dataclass(frozen=True)
class Load:
    """One kind of request and how many of it."""

    name: str
    title: str
    body: bytes | None                  # none: GET
    connections: int                    # for the rate that a gateway can bear
    per_second: int | None = None       # for latency: a rate that every gateway bears easily
    path: str = "/anthropic/v1/messages"
    filters: tuple[str, ...] = ("floor", "no-metrics", "bridge")        # to be compared, besides Envoy alone and an empty one


def loads() -> list[Load]:
    """All kinds. An unpaced stream comes in large pieces, as from a cache; a paced one event by event, as from a model."""
    return [
        Load("small", "1 KB request, 0.5 KB answer", _ask("mock-bytes-300", _words(1024 - 130)), 32, 500),
        Load("large", "1 MB request, 0.5 KB answer", _conversation(1_000_000), 8, 50),
        Load("stream", "1,000-event stream", _ask("mock-events-1000", "Please tell me a lot.", stream=True), 16, 40),
        Load("paced", "100 events, one each 10 ms", _ask("mock-events-100-pace-10", "Please think.", stream=True), 64),
        Load("passthrough", "list of models, not inspected", None, 32, 500, "/anthropic/v1/models", ("headers", "no-metrics", "bridge")),
    ]


def _ask(model: str, prompt: str, **more: Any) -> bytes:
    messages = [{"role": "user", "content": prompt}]
    return json.dumps({"model": model, "max_tokens": 1024, "messages": messages, **more}).encode()


def _words(length: int) -> str:
    return ("what would you do with all these words " * (length // 39 + 1))[:length]


def _conversation(length: int) -> bytes:
    """What an agent sends after an hour: many turns of prose and code, with an escape every 40 bytes or so."""
    line = "The quick brown fox looks at the next function, and then changes it.\n    let answer = compute(&input, \"twice\")?;\n"
    turn = line * 64
    turns = length // len(json.dumps(turn)) // 2 * 2 + 1        # the user has the last word
    messages = [
        {"role": "user" if number % 2 == 0 else "assistant", "content": [{"type": "text", "text": turn}]}
        for number in range(turns)
    ]
    return json.dumps({"model": "mock-bytes-300", "max_tokens": 1024, "messages": messages}).encode()


# === the generator ===


def install() -> Path:
    """`oha` of the pinned version: this machine's, or one built below target/tools."""
    on_path = shutil.which("oha")
    if on_path and _version(on_path) == OHA_VERSION:
        return Path(on_path)
    root = TOOLS / f"oha-{OHA_VERSION}"
    program = root / "bin" / "oha"
    if not program.exists():
        print(f"Building oha {OHA_VERSION} into target/tools (once; some minutes)", flush=True)
        # A build directory of its own, which cargo removes afterwards.
        environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        command = ["cargo", "install", "--quiet", "--locked", "--root", str(root), f"oha@{OHA_VERSION}"]
        subprocess.run(command, check=True, cwd=REPOSITORY, env=environment)
    return program


def _version(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+\.\d+", said)
    return found.group() if found else ""


@dataclass(frozen=True)
class Outcome:
    """What the generator saw."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float


def run(oha: Path, url: str, load: Load, body: Path, seconds: float, cpus: set[int] | None, *, steady: bool) -> Outcome:
    """Sends a load, as much as the gateway bears or (`steady`) at the load's own rate. Every answer has to be 200."""
    # The last requests may finish: an aborted one would cost CPU time and not be counted.
    command = [str(oha), "--no-tui", "--output-format", "json", "--worker-threads", "1", "-w", "-z", f"{seconds}s"]
    command += ["-c", str(load.connections)]
    if load.body is not None:
        command += ["-m", "POST", "-D", str(body), "-T", "application/json"]
    command += ["-H", "authorization: Bearer gw_bench", "-H", "anthropic-version: 2023-06-01"]
    if steady:
        # Measured from when a request should have been sent, so that a slow gateway cannot hide behind its own queue.
        command += ["-q", str(load.per_second), "--latency-correction"]
    done = subprocess.run(
        [*command, url],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 60,
        preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None,
    )
    if done.returncode != 0:
        raise RuntimeError(f"oha failed: {done.stderr.strip()}")
    seen = json.loads(done.stdout)
    statuses, errors = seen["statusCodeDistribution"], seen["errorDistribution"]
    if set(statuses) != {"200"} or errors:
        raise RuntimeError(f"not every answer was 200: {statuses} {errors}")
    latency = seen["latencyPercentiles"]
    requests = statuses["200"]
    return Outcome(requests, requests / seen["summary"]["total"], latency["p50"] * 1000, latency["p99"] * 1000)
