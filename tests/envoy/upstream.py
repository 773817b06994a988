"""A scripted HTTP/1.1 server on raw sockets: the test decides every byte that this provider sends.

Each request is handed to a script, a function that takes an `Exchange`. The script reads as much of the body as it
wants, when it wants, and writes whatever it likes: bytes in any portions, nothing, a reset. What arrived is kept.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable

PATIENCE_SECONDS = 20.0

Script = Callable[["Exchange"], None]


@dataclass
class Received:
    """One request as the provider received it. The body grows while it arrives."""

    head: bytes
    method: str
    target: str
    headers: list[tuple[str, str]]            # names in lower case, values as received (latin-1), in order
    body: bytearray = field(default_factory=bytearray)
    arrivals: list[tuple[float, int]] = field(default_factory=list)      # for each read: the time, and the body bytes until then
    complete: bool = False                    # the whole body arrived, with its end
    broken: str = ""                          # the reason if it did not: "closed", "reset"

    def header(self, name: str) -> str | None:
        """The value of a header; fails if there are several."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]

    def names(self) -> set[str]:
        """The names of all headers."""
        return {key for key, _ in self.headers}


class PeerGone(Exception):
    """The gateway closed or reset the connection."""


class Exchange:
    """One request and its response, for a script."""

    def __init__(self, connection: socket.socket, received: Received, buffered: bytearray, changed: threading.Condition) -> None:
        self.received = received
        self.answered = False
        self.closed = False
        self._connection = connection
        self._buffered = buffered
        self._changed = changed
        self._length = next((int(v) for k, v in received.headers if k == "content-length"), None)
        self._chunked = any(k == "transfer-encoding" and "chunked" in v.lower() for k, v in received.headers)
        if self._length in (None, 0) and not self._chunked:
            self._finished()

    # === reading ===

    def read_body(self) -> bytes:
        """Waits for the whole body. Raises `PeerGone` if the gateway closes before its end."""
        while not self.received.complete:
            self.read_some()
        return bytes(self.received.body)

    def read_at_least(self, count: int) -> bytes:
        """Waits until the body has this many bytes, and returns it so far."""
        while len(self.received.body) < count:
            assert not self.received.complete, f"the body ended after {len(self.received.body)} of {count} bytes"
            self.read_some()
        return bytes(self.received.body)

    def read_some(self) -> None:
        """Reads the next part of the body."""
        if self._chunked:
            self._read_chunk()
            return
        assert self._length is not None
        left = self._length - len(self.received.body)
        if not self._buffered:
            self._receive()
        self._take(min(left, len(self._buffered)))
        if len(self.received.body) == self._length:
            self._finished()

    def wait_until_gone(self, seconds: float = PATIENCE_SECONDS) -> str:
        """Waits until the gateway closes this connection; returns how: "closed" or "reset"."""
        self._connection.settimeout(seconds)
        try:
            while True:
                self._receive()
        except PeerGone:
            return self.received.broken or "closed"

    def _read_chunk(self) -> None:
        size = int(self._line().split(b";")[0], 16)
        if size == 0:
            while self._line():          # trailers
                pass
            self._finished()
            return
        while size:
            if not self._buffered:
                self._receive()
            taken = min(size, len(self._buffered))
            self._take(taken)
            size -= taken
        self._line()

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffered:
            self._receive()
        line, _, rest = bytes(self._buffered).partition(b"\r\n")
        self._buffered[:] = rest
        return line

    def _take(self, count: int) -> None:
        with self._changed:
            self.received.body += self._buffered[:count]
            self.received.arrivals.append((time.monotonic(), len(self.received.body)))
            self._changed.notify_all()
        del self._buffered[:count]

    def _finished(self) -> None:
        with self._changed:
            self.received.complete = True
            self._changed.notify_all()

    def _receive(self) -> None:
        try:
            data = self._connection.recv(65536)
        except ConnectionError:
            self._broke("reset")
        else:
            if not data:
                self._broke("closed")
            self._buffered += data

    def _broke(self, how: str) -> None:
        with self._changed:
            self.received.broken = how
            self._changed.notify_all()
        raise PeerGone(how)

    # === answering ===

    def send(self, data: bytes) -> None:
        """Sends these bytes unchanged."""
        self.answered = True
        try:
            self._connection.sendall(data)
        except ConnectionError as error:
            raise PeerGone(str(error)) from error

    def head(self, status: int = 200, headers: dict[str, str] | None = None, reason: str = "OK") -> None:
        """Writes a status line and headers."""
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.send("\r\n".join(lines + ["", ""]).encode("latin-1"))

    def reply(self, status: int, body: bytes | Any, headers: dict[str, str] | None = None) -> None:
        """Sends a whole response with its length. A body that is not bytes is written as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.head(status, {"content-type": "application/json", **(headers or {}), "content-length": str(len(data))})
        self.send(data)

    def stream(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Begins a chunked response: an event stream unless the headers state another type."""
        self.head(status, {"content-type": "text/event-stream", **(headers or {}), "transfer-encoding": "chunked"})

    def chunk(self, data: bytes) -> None:
        """Sends one chunk."""
        if data:
            self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self, trailers: dict[str, str] | None = None) -> None:
        """Sends the last chunk."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in (trailers or {}).items())
        self.send(b"0\r\n" + lines.encode() + b"\r\n")

    def close(self) -> None:
        """Ends the connection in an orderly way."""
        self.closed = True
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._connection.close()

    def reset(self) -> None:
        """Ends the connection with a TCP reset."""
        self.closed = True
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


def json_answer(body: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> Script:
    """A script: reads the request, answers with JSON."""

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.reply(status, {} if body is None else body, headers)

    return script


def stream_answer(*portions: bytes, headers: dict[str, str] | None = None) -> Script:
    """A script: reads the request, answers with an event stream in these portions."""

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream(headers=headers)
        for portion in portions:
            exchange.chunk(portion)
        exchange.end()

    return script


def stream_in_two(first: bytes, rest: bytes, began: threading.Event, go_on: threading.Event) -> Script:
    """A script: reads the request, begins its answer with `first` and says so, and waits before the rest."""

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(first)
        began.set()
        assert go_on.wait(60)
        exchange.chunk(rest)
        exchange.end()

    return script


class Upstream:
    """The server. Use as a context manager."""

    def __init__(self, script: Script | None = None) -> None:
        self.script: Script = script or json_answer()
        self.requests: list[Received] = []
        self.failures: list[BaseException] = []       # the failures of scripts, for the test
        self._changed = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._tls: ssl.SSLContext | None = None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Upstream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Takes the provider down: stops listening and drops all connections."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)      # wakes the accepting thread
        except OSError:
            pass
        self._listener.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        """Closes every open connection, idle ones too."""
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def secure(self, context: ssl.SSLContext) -> None:
        """Speaks TLS from the next connection on."""
        self._tls = context

    def begin(self, script: Script) -> None:
        """Clears what was received; the next requests get this script."""
        with self._changed:
            self.requests = []
            self.failures = []
            self.script = script

    def only(self) -> Received:
        """Waits for the only request, and returns it."""
        self.wait_until(lambda: len(self.requests) >= 1, "a request arrives upstream")
        assert len(self.requests) == 1, [r.target for r in self.requests]
        return self.requests[0]

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Waits until the condition holds. Tests it whenever something arrives."""
        with self._changed:
            if not self._changed.wait_for(condition, seconds):
                raise TimeoutError(f"{seconds} s passed before {what}")

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(120)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:         # the gateway does not trust this certificate
                connection.close()
                return
        buffered = bytearray()
        with self._changed:
            self._connections.add(connection)
        try:
            while self._serve_one(connection, buffered):
                pass
        except (PeerGone, OSError):
            pass
        except BaseException as error:      # a failed assertion in a script belongs to the test
            self.failures.append(error)
        finally:
            with self._changed:
                self._connections.discard(connection)
            connection.close()

    def _serve_one(self, connection: socket.socket, buffered: bytearray) -> bool:
        while b"\r\n\r\n" not in buffered:
            data = connection.recv(65536)
            if not data:
                return False
            buffered += data
        head, _, rest = bytes(buffered).partition(b"\r\n\r\n")
        buffered[:] = rest
        received = parse_head(head)
        exchange = Exchange(connection, received, buffered, self._changed)
        with self._changed:
            self.requests.append(received)
            script = self.script
            self._changed.notify_all()
        script(exchange)
        if exchange.closed:
            return False
        if not received.complete:
            exchange.read_body()          # the rest, which the script did not read
        return True


def parse_head(head: bytes) -> Received:
    """Reads a request's first line and headers without validating them."""
    lines = head.decode("latin-1").split("\r\n")
    method, _, rest = lines[0].partition(" ")
    target, _, _ = rest.rpartition(" ")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    return Received(head, method, target, headers)
