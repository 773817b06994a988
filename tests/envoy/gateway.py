"""Runs Envoy with the filter by func-e, and always stops it.

It is independent of what the filter does: it provides the records, the log and the statistics as Envoy writes them, and
validates every record against the shipped schema.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Iterator

from render import HOST, REPOSITORY, Address, native
from schema import problems

TOOLS = REPOSITORY / "target" / "tools"
RUNS = REPOSITORY / "target" / "envoy-runs"
# Another version of Envoy may be tested.
ENVOY = Path(os.environ.get("ENVOY_PATH") or TOOLS / "envoy")

START_SECONDS = 60.0      # two busy cores compile the wasm filter in a few seconds
STOP_SECONDS = 10.0
PATIENCE_SECONDS = 10.0   # the default time to wait for a running gateway

KEYS = {"ANTHROPIC_API_KEY": "sk-ant-central-0123456789", "OPENAI_API_KEY": "sk-proj-central-0123456789"}


class GatewayDied(Exception):
    """Envoy ended or never became ready. Contains its log."""


class Gateway:
    """A running Envoy. Use as a context manager; its exit stops Envoy and func-e."""

    barrier = "/anthropic/v1/messages"        # a path on which an empty request leaves a record

    def __init__(
        self,
        config: Any,
        *,
        concurrency: int = 1,
        environment: dict[str, str] | None = None,
        log_level: str = "info",
        arguments: list[str] | None = None,
    ) -> None:
        self.config = config
        self.concurrency = concurrency
        self.environment = KEYS if environment is None else environment
        self.log_level = log_level
        self.arguments = arguments or []
        self.address: Address = ("127.0.0.1", 0)
        self.admin: Address = ("127.0.0.1", 0)
        self._news = threading.Condition()
        self._records: list[tuple[str, Any]] = []
        self._invalid: list[str] = []
        self._log: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []

    # === starting and stopping ===

    def __enter__(self) -> "Gateway":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.stop()
        if kind is None:
            self.assert_valid()

    def start(self) -> None:
        """Returns once Envoy accepts requests. Raises `GatewayDied` with Envoy's log if it fails to start."""
        RUNS.mkdir(parents=True, exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(dir=RUNS))
        config_file = self.directory / "envoy.json"
        config = native(self.config) if HOST == "native" else self.config
        config_file.write_text(json.dumps(config, indent=1))
        command = [str(TOOLS / "func-e"), "run", "-c", str(config_file)]
        command += ["--concurrency", str(self.concurrency), "--log-level", self.log_level]
        command += ["--disable-hot-restart"]                    # several Envoys run at the same time
        command += ["--file-flush-interval-msec", "20"]         # records at once, not every 10 s
        command += self.arguments
        self._process = subprocess.Popen(
            command,
            cwd=self.directory,
            env={"PATH": os.environ.get("PATH", ""), **func_e_environment(self.directory), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,     # a process group of its own: func-e and Envoy are stopped together
            preexec_fn=die_with_parent,
        )
        for stream, take in ((self._process.stdout, self._take_output), (self._process.stderr, self._take_log)):
            reader = threading.Thread(target=self._read, args=(stream, take), daemon=True)
            reader.start()
            self._readers.append(reader)
        self.admin = ("127.0.0.1", int(self.wait_for_log(r"admin address: 127\.0\.0\.1:(\d+)", START_SECONDS).group(1)))
        self.wait_for_log(r"starting main dispatch loop", START_SECONDS)
        self.wait_until(lambda: self._alive() and self._ready(), "Envoy is ready", START_SECONDS)
        listeners = json.loads(self.admin_get("/listeners?format=json"))["listener_statuses"]
        socket_address = listeners[0]["local_address"]["socket_address"]
        self.address = ("127.0.0.1", socket_address["port_value"])

    def stop(self) -> None:
        """Ends Envoy and func-e, with SIGKILL only if they do not end by themselves. May be called at any time and repeatedly."""
        process = self._process
        if process is None:
            return
        self._process = None
        if process.poll() is None:
            try:        # on this request Envoy still writes its records; func-e would kill it
                self.admin_post("/quitquitquit")
                process.wait(STOP_SECONDS)
            except (OSError, subprocess.TimeoutExpired):
                pass
        try:            # stops what is left of the session, also if func-e has ended
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        for reader in self._readers:
            reader.join(STOP_SECONDS)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _ready(self) -> bool:
        try:
            return self.admin_get("/ready").strip() == "LIVE"
        except urllib.error.HTTPError:          # 503 while it waits for its configuration
            return False

    def _alive(self) -> bool:
        if self._process is not None and self._process.poll() is None:
            return True
        raise GatewayDied("Envoy ended. Its log:\n" + self.log())

    # === output ===

    def _read(self, stream: Any, take: Callable[[str], None]) -> None:
        with stream:
            for line in stream:
                with self._news:
                    take(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _take_output(self, line: str) -> None:
        # func-e writes its own lines to the same stream; a record is a line of JSON.
        if not line.startswith("{"):
            self._log.append(line)
            return
        self._records.append((line, self._read_record(line)))

    def _read_record(self, line: str) -> Any:
        try:
            record = json.loads(line)
        except ValueError as error:
            record = {"unreadable": str(error), "line": line}
        self._invalid += problems(record)
        return record

    def _take_log(self, line: str) -> None:
        if "]   " not in line:      # skips Envoy's lists of its built-in extensions
            self._log.append(line)

    def log(self) -> str:
        """Envoy's log until now."""
        with self._news:
            return "\n".join(self._log)

    def records(self) -> list[Any]:
        """All records until now, oldest first. Each is valid under the shipped schema."""
        self.assert_valid()
        with self._news:
            return [record for _, record in self._records]

    def assert_valid(self) -> None:
        """Fails if any record until now is invalid under the shipped schema."""
        with self._news:
            assert not self._invalid, "\n".join(self._invalid[:20])

    def record_lines(self) -> list[str]:
        """The lines of all records until now."""
        with self._news:
            return [line for line, _ in self._records]

    def wait_for_record(self, number: int, seconds: float = PATIENCE_SECONDS) -> Any:
        """Waits for record number `number` (from 1), and returns it."""
        self.wait_until(lambda: len(self._records) >= number, f"record {number} is written", seconds)
        return self._records[number - 1][1]

    def wait_for_log(self, pattern: str, seconds: float = PATIENCE_SECONDS) -> "re.Match[str]":
        """Waits for the first match of a pattern in Envoy's log, and returns it."""
        found: list[re.Match[str]] = []
        seen = 0

        def look() -> bool:
            nonlocal seen
            while seen < len(self._log):
                match = re.search(pattern, self._log[seen])
                seen += 1
                if match:
                    found.append(match)
                    return True
            return False

        self.wait_until(look, f"the log says {pattern!r}", seconds)
        return found[0]

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Waits until the condition holds. Tests it at each line that Envoy writes, and periodically."""
        deadline = time.monotonic() + seconds
        with self._news:
            while not condition():
                ended = self._process is None or self._process.poll() is not None
                if ended and not any(reader.is_alive() for reader in self._readers):
                    raise GatewayDied(f"Envoy ended while waiting until {what}. Its log:\n" + "\n".join(self._log))
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{seconds} s passed before {what}. Envoy's log ends with:\n" + "\n".join(self._log[-40:]))
                self._news.wait(0.02)

    # === the administration interface ===

    def admin_get(self, path: str) -> str:
        """GETs a path of Envoy's admin interface, and returns the body."""
        with urllib.request.urlopen(f"http://{self.admin[0]}:{self.admin[1]}{path}", timeout=PATIENCE_SECONDS) as answer:
            return answer.read().decode()

    def admin_post(self, path: str) -> str:
        """POSTs to a path of Envoy's admin interface, and returns the body."""
        request = urllib.request.Request(f"http://{self.admin[0]}:{self.admin[1]}{path}", data=b"", method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.read().decode()

    def stats(self, pattern: str = "") -> dict[str, int]:
        """The counters and gauges whose names match."""
        lines = self.admin_get(f"/stats?filter={pattern}" if pattern else "/stats").splitlines()
        pairs = (line.rsplit(": ", 1) for line in lines)
        return {name: int(value) for name, value in pairs if value.isdigit()}

    def prometheus(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """The series of one metric in Prometheus' format: labels and value."""
        for line in self.admin_get("/stats/prometheus").splitlines():
            match = re.fullmatch(re.escape(name) + r"(?:\{(.*)\})? (\S+)", line)
            if match:
                yield dict(re.findall(r'([A-Za-z_]+)="((?:[^"\\]|\\.)*)"', match.group(1) or "")), float(match.group(2))

    def reloads(self) -> dict[str, int]:
        """The counters that rise when the filter's VM stops. All are 0 unless the filter has trapped."""
        return self.stats(r"^wasm\..*(vm_reload|crash|fail)")

    def settle(self) -> None:
        """Waits until no request is active, so that every record has been written or is being written."""
        self.wait_until(lambda: self.stats(r"^http\.ai_gateway\.downstream_rq_active$").get("http.ai_gateway.downstream_rq_active", 0) == 0, "no request is active")

    def wait_until_open(self, cluster: str) -> None:
        """Waits until the circuit is open: the main thread ejects the host a moment after the response that caused it."""
        name = f"cluster.{cluster}.outlier_detection.ejections_active"
        self.wait_until(lambda: self.stats(f"^{re.escape(name)}$").get(name) == 1, f"the circuit of {cluster} opens")


def die_with_parent() -> None:
    """Runs in the child. If this process is killed, the kernel kills func-e, and func-e arranges the same for Envoy."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)       # PR_SET_PDEATHSIG


def func_e_environment(directory: Path) -> dict[str, str]:
    """The environment in which func-e runs the installed Envoy, writes only below target/, and downloads nothing."""
    places = {"CONFIG_HOME": TOOLS / "func-e-home", "DATA_HOME": TOOLS / "func-e-home", "STATE_HOME": directory, "RUNTIME_DIR": directory}
    return {
        "ENVOY_PATH": str(ENVOY),
        "HOME": str(directory),
        **{f"FUNC_E_{name}": str(path) for name, path in places.items()},
    }
