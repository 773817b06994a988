"""Real servers beside Envoy: Prometheus, Redis, the rate limit service. Each test starts its own and always stops it.

A server that is not on the machine skips the tests that need it, with the way to get it; with REQUIRE_SERVERS=1, as in
`.ci/run`, it fails them. What `make gateways` builds takes too long for that: REQUIRE_GATEWAYS=1 asks for it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable

import pytest

from gateway import RUNS, STOP_SECONDS, TOOLS, die_with_parent

START_SECONDS = 30.0

HOW_TO_GET = {
    "prometheus": "make servers, or: apt-get install prometheus",
    "promtool": "make servers, or: apt-get install prometheus",
    "redis-server": "make servers, or: apt-get install redis-server",
    "chromium": "make servers, or: apt-get install chromium fonts-dejavu-core",
    "ratelimit": "make servers",
    "registry": "make servers",
    **dict.fromkeys(("dockerd", "docker", "docker-compose"), "make compose-test, or: apt-get install docker.io docker-compose"),
    "crane": "make servers",
    "istio-fetch": "make servers",
    "envoy-gateway": "make gateways",
    "logrotate": "make servers, or: apt-get install logrotate",
    "curl": "make servers, or: apt-get install curl",
    "istio-discovery": "make gateways",
}


def program(name: str) -> str:
    """The path of a server's program. If it is missing, skips the test, or fails it with REQUIRE_SERVERS=1."""
    built = TOOLS / name
    found = str(built) if built.exists() else shutil.which(name)
    if found is None:
        missing = f"{name} is not on this machine ({HOW_TO_GET[name]})"
        if os.environ.get("REQUIRE_GATEWAYS" if HOW_TO_GET[name] == "make gateways" else "REQUIRE_SERVERS") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def free_port() -> int:
    """A port that was free a moment ago, for servers that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One running server. Use as a context manager; its exit stops the server and removes its files."""

    def __init__(self, name: str, arguments: list[str], *, ready: Callable[[], bool], environment: dict[str, str] | None = None, directory: Path | None = None) -> None:
        """`ready`: whether the server serves; may raise OSError before. `directory`: its files, removed at the end."""
        self._command = [program(name), *arguments]
        self._ready = ready
        self._environment = {"PATH": os.environ.get("PATH", ""), **(environment or {})}
        self.directory = directory or server_directory()
        self._log = self.directory / "server.log"

    def __enter__(self) -> "Server":
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self.directory, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        """The server's output until now."""
        return self._log.read_text(errors="replace")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self._ready():
                    return
            except OSError:
                pass
            if self._process.poll() is not None:
                raise AssertionError(f"{self._command[0]} ended. Its log:\n{self.log()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self._command[0]} was not ready within {START_SECONDS:.0f} s. Its log:\n{self.log()}")
            time.sleep(0.05)


def server_directory() -> Path:
    """A new directory below target/ for one server."""
    RUNS.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=RUNS))
