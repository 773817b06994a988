"""Runs the demo: Envoy, the filter and the mock, a line for every request, the sum at the end. `demo.py` starts it."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Callable

from client import Http1
from demo_config import Example, config, examples, real_keys, welcome
from demo_lines import line_of, summary
from gateway import TOOLS, Gateway, GatewayDied, die_with_parent
from render import HOST, NATIVE, REPOSITORY, WASM, Address

MOCK = REPOSITORY / "target" / "debug" / "mock-upstream"
FOLDER = REPOSITORY / "target" / "demo"
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REPORT = REPOSITORY / "envoy" / "records" / "report.py"
FIRST_PORT = 10000
DEMO_KEYS = {"ANTHROPIC_API_KEY": "sk-ant-demo-key-of-the-gateway", "OPENAI_API_KEY": "sk-proj-demo-key-of-the-gateway"}

stop = threading.Event()


class Problem(Exception):
    """Why the demo cannot run, as one sentence."""


class Stopped(Exception):
    """The user has asked the demo to end."""


class Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Problem(message)


def main() -> int:
    for each in STOPS:
        signal.signal(each, lambda *_: stop.set())
    parser = Arguments(description="The demo of AI Bridge, on loopback.")
    parser.add_argument("--once", action="store_true", help="send one streamed request, show its line, end")
    parser.add_argument("--port", default="", help=f"of the gateway (default: {FIRST_PORT} or the next free one)")
    parser.add_argument("--keys", default="", help="real: the real providers, with ANTHROPIC_API_KEY and OPENAI_API_KEY of the environment")
    try:
        arguments = parser.parse_args()
        if arguments.keys not in ("", "mock", "real"):
            raise Problem(f"KEYS={printable(arguments.keys)} is not understood: it is `real`, or is left out.")
        port = port_given(arguments.port) if arguments.port else free_port()
        missing_parts(arguments.keys == "real")
        return run(port, arguments.once, arguments.keys == "real")
    except Stopped:
        print("Stopped.")
        return 0
    except Problem as problem:
        print(f"The demo cannot run: {problem}", file=sys.stderr)
        return 1
    except GatewayDied as died:
        print(f"The demo cannot run: {reason(str(died))}", file=sys.stderr)
        return 1
    except BrokenPipeError:             # the terminal is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except (TimeoutError, OSError) as error:
        print(f"The demo cannot run: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1


def run(port: int, once: bool, real: bool) -> int:
    keys = real_keys(os.environ) if real else DEMO_KEYS
    if not keys:
        raise Problem("KEYS=real needs ANTHROPIC_API_KEY or OPENAI_API_KEY in the environment.")
    with Records(port) as records, Mock() if not real else Nothing() as mock:
        gateway = Demo(config(mock.address, port, list(keys)), keys, records)
        try:
            with gateway:
                base = f"http://{gateway.address[0]}:{gateway.address[1]}"
                shown = examples(real, list(keys))
                print(welcome(base, f"http://{gateway.admin[0]}:{gateway.admin[1]}", shown, relative(records.path), list(keys), real), flush=True)
                asked = [] if real else shown[:1] if once else [example for example in shown if example.is_sent]
                if asked:
                    print(f"The demo itself sends {'the first' if once else f'{len(asked)} of them'} now:\n", flush=True)
                for example in asked:
                    ask(gateway.address, example)
                    show(gateway.next())
                while not once and (event := gateway.next()):
                    show(event)
        except Stopped:
            pass
        finally:
            for event in gateway.rest():
                show(event)
    print(f"\n{summary(records.all)}")
    if records.all:
        print(f"The records: {relative(records.path)}. A report on them:\n\n  python3 {relative(REPORT)} {relative(records.path)}\n", flush=True)
    return 0


def show(event: Any) -> None:
    if event is not None:
        print(line_of(event), flush=True)


class Demo(Gateway):
    """Envoy, whose records go to a file and into a queue, together with what leaves no record."""

    def __init__(self, configuration: Any, keys: dict[str, str], records: "Records") -> None:
        super().__init__(configuration, environment=keys)
        self._kept = records
        self._events: queue.Queue[Any] = queue.Queue()

    def _take_output(self, line: str) -> None:
        if not line.startswith("{"):
            self._log.append(line)
            return
        try:
            event = json.loads(line)
        except ValueError:
            return
        if not event.get("no_record"):
            self._kept.add(line, event)
        self._events.put(event)

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
        """The same, and ends when the user ends the demo."""
        def or_stopped() -> bool:
            if stop.is_set():
                raise Stopped
            return condition()

        super().wait_until(or_stopped, what, seconds)

    def next(self) -> Any:
        """The next request that has ended; `None` once the demo is to end."""
        while not stop.is_set():
            try:
                return self._events.get(timeout=0.1)
            except queue.Empty:
                if self._process is None or self._process.poll() is not None:
                    raise GatewayDied("Envoy ended. Its log:\n" + self.log()) from None
        return None

    def rest(self) -> list[Any]:
        """What has ended since, without waiting."""
        found = []
        while not self._events.empty():
            found.append(self._events.get())
        return found


class Records:
    """The file of this run's records. The file of the run before stays beside it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.all: list[Any] = []

    def __enter__(self) -> "Records":
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._lock = open(FOLDER / "lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            name = "records"
        except BlockingIOError:                 # another demo, on another port
            name = f"records-{self._port}"
        self.path = FOLDER / f"{name}.jsonl"
        if self.path.exists() and self.path.stat().st_size:
            os.replace(self.path, FOLDER / f"{name}.previous.jsonl")
        self._file: IO[str] = open(self.path, "w", encoding="utf-8", errors="surrogateescape")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._lock.close()

    def add(self, line: str, record: Any) -> None:
        self.all.append(record)
        self._file.write(line + "\n")
        self._file.flush()


class Mock:
    """A running mock of the providers."""

    arguments: tuple[str, ...] = ()     # more of them, for tests

    def __enter__(self) -> "Mock":
        # In a session of its own, so that Ctrl-C does not end it before Envoy.
        command = [MOCK, "--listen", "127.0.0.1:0", *self.arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=die_with_parent)
        assert self._process.stdout is not None
        first_line = self._process.stdout.readline()
        if not first_line:
            raise Problem(f"{MOCK.name} did not start.")
        host, port = first_line.split()[-1].removeprefix("http://").rsplit(":", 1)
        self.address: Address | None = (host, int(port))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


class Nothing:
    """In place of the mock where the providers are the real ones."""

    address: Address | None = None

    def __enter__(self) -> "Nothing":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def ask(address: Address, example: Example) -> None:
    """Sends an example as its curl does."""
    with Http1(address) as client:
        client.request("POST", example.path, [*example.headers, ("user-agent", "make run")], example.body.encode())


# === what can be wrong before anything runs ===


def port_given(text: str) -> int:
    """The port that the user has chosen, if it is free."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise Problem(f"PORT={printable(text)} is no port: it is a number from 1 to 65535.")
    try:
        if is_free(int(text)):
            return int(text)
    except PermissionError:
        raise Problem(f"port {text} needs root: choose one from 1024 on.") from None
    raise Problem(f"port {text} is taken: choose another one with PORT=, or none for the first free one.")


def free_port() -> int:
    """The first free port from 10000 on."""
    last = FIRST_PORT + 99
    port = next((port for port in range(FIRST_PORT, last + 1) if is_free(port)), None)
    if port is None:
        raise Problem(f"no port from {FIRST_PORT} to {last} is free: choose one with PORT=.")
    if port != FIRST_PORT:
        print(f"Port {FIRST_PORT} is taken, so the demo listens on {port}.", flush=True)
    return port


def is_free(port: int) -> bool:
    """Whether nothing listens there, also no other Envoy, which would share the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except PermissionError:
            raise
        except OSError:
            return False
    return True


def missing_parts(real: bool) -> None:
    """Raises `Problem` for the first part that is not built or installed."""
    path, magic, kind, target = (NATIVE, b"\x7fELF", "shared library", "native") if HOST == "native" else (WASM, b"\0asm", "WebAssembly module", "build")
    try:
        with open(path, "rb") as module:
            if module.read(4) != magic:
                raise Problem(f"{relative(path)} is no {kind}: run `make {target}`.")
    except OSError:
        raise Problem(f"{relative(path)} is missing: run `make {target}`.") from None
    if not real and not os.access(MOCK, os.X_OK):
        raise Problem(f"{relative(MOCK)} is missing: run `make mock-upstream`.")
    for program in ("func-e", "envoy"):
        if not os.access(TOOLS / program, os.X_OK):
            raise Problem(f"{relative(TOOLS / program)} is missing: run `make tools`.")


def reason(log: str) -> str:
    """Keeps Envoy's log in a file, and names the line that says why it ended."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = FOLDER / "envoy.log"
    kept.write_text(log, errors="surrogateescape")
    telling = [line for line in log.splitlines() if "[critical]" in line or "[error]" in line]
    text = re.sub(r"^(?:\[[^\]]*\]\s*)+", "", telling[-1]) if telling else "it does not say why"
    return f"Envoy ended: {printable(text)[:300]} (its log: {relative(kept)})."


def relative(path: Path) -> str:
    """The path as it can be typed here."""
    return os.path.relpath(path)


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
