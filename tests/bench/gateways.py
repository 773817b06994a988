"""The Envoys that are compared. All use the shipped envoy/envoy.yaml and differ only in the filter.

If no filter names a cluster and rewrites a path, a plain route does so.
Their output is discarded: the cost includes making and writing records, not reading them.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "envoy"))
from render import NATIVE, connection_manager_of, native, render  # noqa: E402  (needs the line above)

import pool  # noqa: E402

START_SECONDS = 60.0
KEYS = {"ANTHROPIC_API_KEY": "sk-ant-bench-0123456789", "OPENAI_API_KEY": "sk-proj-bench-0123456789"}
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

TITLES = {
    "envoy": "Envoy alone",
    "empty": "+ empty filter",
    "headers": "+ headers edited",
    "floor": "+ everything read",
    "same-calls": "+ AI Bridge's calls, constants",
    "bridge": "+ AI Bridge",
    "native": "+ AI Bridge as a dynamic module",
    "no-metrics": "  without metrics",
    "no-values": "  without single values",
    "no-texts": "  without texts in the record",
    "no-condition": "  without the log's condition",
    "no-line": "  without the access log line",
    "bare": "  without all of these",
    "pool": "+ AI Bridge with a pool",
    "other": "+ the other build",
}
BARE: dict[str, Any] = {
    "metrics": False, "publish": [], "record": {"prompts": False, "tool_arguments": False, "thoughts": False},
}


def configuration(variant: str, upstream: tuple[str, int], filters: Path, bridge: Path, other: Path | None) -> Any:
    """The configuration of one of TITLES. The lib.rs of `filters` lists the plugin configurations that it has."""

    def of_bridge(*less: str, change: Callable[[Any], Any] | None = None) -> Any:
        members = {name: BARE[name] for name in less}
        return render(upstream, wasm=bridge, plugin=lambda shipped: {**shipped, **members}, change=change)

    match variant:
        case "envoy":
            return render(upstream, wasm=None, change=_plain_routes)
        case "empty" | "floor":
            return render(upstream, wasm=filters, environment=[], plugin=variant, change=_plain_routes)
        case "headers" | "same-calls":
            return render(upstream, wasm=filters, environment=[], plugin=variant)
        case "no-metrics":
            return of_bridge("metrics")
        case "no-values":
            return of_bridge("publish")
        case "no-texts":
            return of_bridge("record")
        case "no-condition":
            return of_bridge(change=lambda config: connection_manager_of(config)["access_log"][0].pop("filter"))
        case "no-line":
            return of_bridge(change=_no_access_log)
        case "bare":
            return of_bridge(*BARE, change=_no_access_log)
        case "native":
            return native(render(upstream))
        case "pool":
            return pool.configuration(upstream, bridge)
        case "other":
            return native(render(upstream), other) if other and other.suffix == NATIVE.suffix else render(upstream, wasm=other)
    return of_bridge()


def _no_access_log(config: Any) -> None:
    del connection_manager_of(config)["access_log"]


def _plain_routes(config: Any) -> None:
    """Adds plain routes that choose the cluster and rewrite the path, as AI Bridge does with headers."""
    routes = connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"]
    shipped = routes.pop(0)
    for provider in ("openai", "anthropic"):
        route = copy.deepcopy(shipped)
        route |= {"name": provider, "match": {"prefix": f"/{provider}/"}}
        route["route"].pop("cluster_header")
        route["route"] |= {"cluster": provider, "prefix_rewrite": "/", "host_rewrite_literal": f"api.{provider}.com"}
        routes.insert(0, route)


class Envoy:
    """A running Envoy with one worker, unless `more` says otherwise. Use as a context manager."""

    def __init__(
        self, program: Path, name: str, config: Any, directory: Path, cpus: set[int] | None, *, workers: int = 1, more: list[str] | None = None
    ) -> None:
        self.name = name
        self._log = directory / f"{name}.log"
        self._admin_file = directory / f"{name}.admin"
        self._admin_file.unlink(missing_ok=True)
        file = directory / f"{name}.json"
        file.write_text(json.dumps(config, indent=1))
        command = [str(program), "-c", str(file), "--disable-hot-restart", "--log-level", "warning"]
        command += ["--admin-address-path", str(self._admin_file), *(more or ["--concurrency", str(workers)])]
        self._spawned = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **KEYS},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

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
        """Returns once Envoy accepts requests; then `url` works."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self._get("/ready").strip() == "LIVE":
                    break
            except OSError:
                pass
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Envoy ({self.name}) did not start:\n{self._log.read_text()}")
            time.sleep(0.002)
        self.started_after_ms = (time.monotonic() - self._spawned) * 1000
        listener = json.loads(self._get("/listeners?format=json"))["listener_statuses"][0]
        self.port = listener["local_address"]["socket_address"]["port_value"]

    def url(self, path: str) -> str:
        """The URL of `path` on this Envoy."""
        return f"http://127.0.0.1:{self.port}{path}"

    def cpu_seconds(self) -> float:
        """The CPU time of all its threads until now, in user and kernel mode."""
        try:        # nanoseconds, thread by thread
            return sum(int(file.read_text().split()[0]) for file in self._proc("task").glob("*/schedstat")) / 1e9
        except OSError:
            pass
        # The kernel has no such statistics: hundredths of a second.
        fields = self._proc("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def log(self) -> str:
        """Envoy's log until now."""
        return self._log.read_text()

    def memory(self) -> int:
        """Resident memory in bytes."""
        return int(self._proc("statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def forget_most_memory(self) -> None:
        """Resets `most_memory`."""
        self._proc("clear_refs").write_text("5")

    def most_memory(self) -> int:
        """The peak of resident memory in bytes since the last reset."""
        return next(int(line.split()[1]) * 1024 for line in self._proc("status").read_text().splitlines() if line.startswith("VmHWM"))

    def open_requests(self) -> int:
        """The number of active requests."""
        return int(self._get("/stats?filter=^http.ai_gateway.downstream_rq_active$").rpartition(":")[2])

    def _proc(self, name: str) -> Path:
        return Path(f"/proc/{self.pid}/{name}")

    def _get(self, path: str) -> str:
        address = self._admin_file.read_text().strip()
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
            return answer.read().decode()
