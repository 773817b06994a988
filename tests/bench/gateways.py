"""The Envoys that are compared. All come from the shipped envoy/envoy.yaml and differ only in the filter.

Without AI Bridge nobody names a cluster or rewrites a path, so those two have a plain route that does it.
Their output is thrown away: records cost what it costs to make and write them, not what somebody does with them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "envoy"))
from render import connection_manager_of, render  # noqa: E402  (needs the line above)

START_SECONDS = 60.0
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-bench-0123456789", "OPENAI_API_KEY": "sk-proj-bench-0123456789"}
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def configurations(upstream: tuple[str, int], empty: Path, bridge: Path) -> dict[str, Any]:
    """The configuration of each, by name, the plainest first."""
    return {
        "envoy": render(upstream, wasm=None, change=_plain_route),
        "empty": render(upstream, wasm=empty, environment=[], plugin="", change=_plain_route),
        "no-metrics": render(upstream, wasm=bridge, plugin=lambda shipped: {**shipped, "metrics": False}),
        "bridge": render(upstream, wasm=bridge),
    }


def _plain_route(config: Any) -> None:
    """Does with a route what AI Bridge does with headers."""
    routes = connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"]
    routes[0]["match"] = {"prefix": "/anthropic/"}
    routes[0]["route"].pop("cluster_header")
    routes[0]["route"] |= {"cluster": "anthropic", "prefix_rewrite": "/", "host_rewrite_literal": "api.anthropic.com"}


class Envoy:
    """A running Envoy with one worker, unless `more` says otherwise. Use as a context manager."""

    def __init__(
        self, program: Path, name: str, config: Any, directory: Path, cpus: set[int] | None, *, more: list[str] | None = None
    ) -> None:
        self.name = name
        self._log = directory / f"{name}.log"
        self._admin_file = directory / f"{name}.admin"
        self._admin_file.unlink(missing_ok=True)
        file = directory / f"{name}.json"
        file.write_text(json.dumps(config, indent=1))
        command = [str(program), "-c", str(file), "--disable-hot-restart", "--log-level", "warning"]
        command += ["--admin-address-path", str(self._admin_file), *(more or ["--concurrency", "1"])]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **KEYS},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None,
            )

    def __enter__(self) -> "Envoy":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait(self) -> None:
        """Returns when it takes requests; then `url` works."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self._get("/ready").strip() == "LIVE":
                    break
            except OSError:
                pass
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Envoy ({self.name}) did not start:\n{self._log.read_text()}")
            time.sleep(0.05)
        listener = json.loads(self._get("/listeners?format=json"))["listener_statuses"][0]
        self.port = listener["local_address"]["socket_address"]["port_value"]

    def url(self, path: str) -> str:
        """Where to send requests."""
        return f"http://127.0.0.1:{self.port}{path}"

    def cpu_seconds(self) -> float:
        """What all its threads have used until now, in user and kernel mode."""
        process = Path(f"/proc/{self._process.pid}")
        try:        # nanoseconds, thread by thread
            return sum(int(file.read_text().split()[0]) for file in process.glob("task/*/schedstat")) / 1e9
        except OSError:
            pass
        # Where the kernel keeps no such statistics: hundredths of a second.
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text()

    def memory_mb(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _get(self, path: str) -> str:
        address = self._admin_file.read_text().strip()
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
            return answer.read().decode()
