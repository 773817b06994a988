"""What the tests with real agents share: a network that has only loopback, the providers' stand-in with its log, a gateway."""

from __future__ import annotations

import ctypes
import datetime
import fcntl
import importlib.util
import json
import os
import socket
import struct
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Iterator

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "envoy"), str(TESTS)]

from demo_run import MOCK, Mock  # noqa: E402
from gateway import PATIENCE_SECONDS, TOOLS, Gateway  # noqa: E402
from render import render  # noqa: E402

import page  # noqa: E402
from agents import CLAUDE, CODEX, COPILOT, GEMINI, PYTHON  # noqa: E402

# This file's namesake has what the tests in Envoy share.
_spec = importlib.util.spec_from_file_location("envoy_conftest", TESTS / "envoy" / "conftest.py")
envoy_conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(envoy_conftest)
Records, assert_alive = envoy_conftest.Records, envoy_conftest.assert_alive      # what `budgets` takes from there

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write", action="store_true", help="write measured.json and the page of clients anew, in place of comparing")


def pytest_configure(config: pytest.Config) -> None:
    envoy_conftest.pytest_configure(config)
    try:
        leave_the_network()
    except OSError as error:
        pytest.exit(f"the agents run only where nothing but loopback can be reached, which needs root or unprivileged user namespaces: {error}", 2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = reason_to_skip()
    for item in items if missing else []:
        item.add_marker(pytest.mark.skip(reason=missing))


def leave_the_network() -> None:
    """From here on this process and all that it starts have no network but loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET if user == 0 else CLONE_NEWNET | CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
    if user != 0:
        for file, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path("/proc/self", file).write_text(line)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP) + bytes(22))
    interfaces = [name for _, name in socket.if_nameindex()]
    if interfaces != ["lo"]:
        raise OSError(f"there is more than loopback: {interfaces}")


def reason_to_skip() -> str | None:
    """Why the agents cannot run here."""
    if not MOCK.exists():
        return "the mock upstream is not built: use `make agents`"
    why = TOOLS / "agents" / "missing"
    if why.exists():
        return f"the agents could not be installed: {why.read_text().strip()}"
    missing = [str(program) for program in (CLAUDE, CODEX, COPILOT, GEMINI, PYTHON) if not program.exists()]
    return f"not installed: {', '.join(missing)}; use `make agents`" if missing else None


class LoggedMock(Mock):
    """The stand-in for the providers, and what it was asked: `POST /v1/messages 200`."""

    arguments = ("--log",)

    def __enter__(self) -> "LoggedMock":
        super().__enter__()
        self._lines: list[str] = []
        self._news = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self) -> None:
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line.strip())
                self._news.notify_all()

    def begin(self) -> None:
        """Forgets what was asked until now."""
        with self._news:
            self._lines.clear()

    def asked(self, *expected: str) -> list[str]:
        """What it was asked until now; waits until this is among it, each as often as it is named."""
        with self._news:
            self._news.wait_for(lambda: Counter(expected) <= Counter(self._lines), PATIENCE_SECONDS)
            return list(self._lines)


@pytest.fixture(scope="module")
def mock() -> Iterator[LoggedMock]:
    with LoggedMock() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(request: pytest.FixtureRequest, mock: LoggedMock) -> Iterator[Gateway]:
    """Envoy with the shipped configuration and the module's changes to it."""
    changes: dict[str, Any] = getattr(request.module, "GATEWAY", {})
    with Gateway(render(mock.address, **changes)) as running:
        yield running


class Measured:
    """measured.json: compared with what is measured now, or with `--write` made of it."""

    def __init__(self, write: bool) -> None:
        self._write = write
        self.content = json.loads(page.MEASURED.read_text()) if page.MEASURED.exists() else {"stops": {}}

    def compare(self, stop: str, client: str, result: Any) -> None:
        rows = self.content["stops"].setdefault(stop, {"clients": {}})["clients"]
        if self._write:
            rows[client] = result
        else:
            assert result == rows.get(client), "measured.json says otherwise: `make agents AGENTS=--write`"

    def finish(self) -> None:
        """Writes the file and the page, in the order of the tables."""
        from stops import CLIENTS, STOPS

        if not self._write:
            return
        versions = page.versions()
        found = self.content["stops"]
        stops = {
            name: {"title": stop.title, "status": stop.status, "clients": {client: found[name]["clients"][client] for client in CLIENTS if client in found[name]["clients"]}}
            for name, stop in STOPS.items() if name in found
        }
        clients = {name: client.title for name, client in CLIENTS.items()}
        content = {"date": datetime.date.today().isoformat(), "versions": versions, "clients": clients, "stops": stops}
        page.MEASURED.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        page.main()


@pytest.fixture(scope="session")
def measured(request: pytest.FixtureRequest) -> Iterator[Measured]:
    """What was measured before. At the end the table is printed."""
    running = Measured(request.config.getoption("--write"))
    yield running
    running.finish()
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n" + page.part(json.loads(page.MEASURED.read_text())))


@pytest.fixture
def records(gateway: Gateway) -> Any:
    """The records that this test causes."""
    return envoy_conftest.Records(gateway)


@pytest.fixture(autouse=True)
def nothing_trapped(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever an agent sends: the filter's VM lives."""
    running = request.getfixturevalue("gateway") if "gateway" in request.fixturenames else None
    yield
    if running is not None:
        envoy_conftest.assert_alive(running)
