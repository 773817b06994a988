"""The load generator, https://github.com/hatoo/oha, of a pinned version."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / "target" / "tools"
VERSION = "1.16.0"
PATIENCE_SECONDS = 120.0


def install() -> Path:
    """The path of oha in the pinned version: the machine's own, or one built below target/tools."""
    on_path = shutil.which("oha")
    if on_path and _version(on_path) == VERSION:
        return Path(on_path)
    root = TOOLS / f"oha-{VERSION}"
    program = root / "bin" / "oha"
    if not program.exists():
        print(f"Building oha {VERSION} into target/tools (once; some minutes)", flush=True)
        # cargo builds in a temporary directory and removes it afterwards.
        environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
        command = ["cargo", "install", "--quiet", "--locked", "--root", str(root), f"oha@{VERSION}"]
        subprocess.run(command, check=True, cwd=REPOSITORY, env=environment)
    return program


def _version(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+\.\d+", said)
    return found.group() if found else ""


@dataclass(frozen=True)
class Outcome:
    """The result of a load."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float


class Load:
    """A running load. Every response has to be 200."""

    def __init__(self, oha: Path, cpus: set[int] | None, url: str, connections: int, headers: dict[str, str], body: Path | None, *,
                 seconds: float | None = None, rate: int | None = None) -> None:
        """`seconds`: sends as many requests as possible in that time, at most `rate` per second. Otherwise one on each connection."""
        command = [str(oha), "--no-tui", "--output-format", "json", "--worker-threads", "1", "-c", str(connections)]
        # The last requests may finish: an aborted one would cost CPU time and not be counted.
        command += ["-w", "-z", f"{seconds}s"] if seconds else ["-n", str(connections)]
        if rate:
            # Latency counts from the time at which a request should have been sent, so that a slow gateway's queue counts too.
            command += ["-q", str(rate), "--latency-correction"]
        if body:
            command += ["-m", "POST", "-D", str(body)]
        command += [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")] + [url]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None,
        )

    def stop(self) -> None:
        """Aborts the requests that are still active."""
        self._process.kill()
        self._process.communicate()

    def wait(self) -> Outcome:
        """Waits for all responses, and returns the result."""
        try:
            said, complaints = self._process.communicate(timeout=PATIENCE_SECONDS)
        except BaseException:
            self.stop()
            raise
        if self._process.returncode != 0:
            raise RuntimeError(f"oha failed: {complaints.strip()}")
        seen = json.loads(said)
        statuses, errors = seen["statusCodeDistribution"], seen["errorDistribution"]
        if set(statuses) != {"200"} or errors:
            raise RuntimeError(f"not every answer was 200: {statuses} {errors}")
        latency = seen["latencyPercentiles"]
        return Outcome(statuses["200"], seen["summary"]["total"], latency["p50"] * 1000, latency["p99"] * 1000)
