"""Clients that send exactly the test's bytes: HTTP/1.1 on a raw socket, and HTTP/2.

Both have the same shape: `start` the request, `send` its body, `head` of the answer, `read` it as it arrives.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

PATIENCE_SECONDS = 20.0

Headers = list[tuple[str, str]]


@dataclass
class Answer:
    """A response: status, headers (names in lower case), and the body as far as it was read."""

    status: int
    headers: Headers
    body: bytes = b""
    trailers: Headers | None = None

    def header(self, name: str) -> str | None:
        """The value of a header; fails if there are several."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Reset(Exception):
    """The gateway closed the connection or reset the stream."""


class Http1:
    """An HTTP/1.1 client with one connection. It reconnects if the last response closed the connection."""

    name = "http1"

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._connect()
        self._chunked = False
        self._length: int | None = None
        self._sends_chunks = False
        self._request_method = ""
        self.trailers: Headers = []

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffered = bytearray()
        self._closing = False

    def __enter__(self) -> "Http1":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # === the request ===

    def raw(self, data: bytes) -> None:
        """Sends these bytes unchanged."""
        try:
            self._socket.sendall(data)
        except ConnectionError as error:
            raise Reset(str(error)) from error

    def start(self, method: str, target: str, headers: Headers, *, end: bool = False) -> None:
        """Writes the head. Without a content-length among the headers the body goes in chunks."""
        if self._closing:
            self._socket.close()
            self._connect()
        lines = [f"{method} {target} HTTP/1.1"]
        names = {name.lower() for name, _ in headers}
        if "host" not in names:
            lines.append("host: gateway.test")
        lines += [f"{name}: {value}" for name, value in headers]
        self._sends_chunks = not end and "content-length" not in names
        if self._sends_chunks:
            lines.append("transfer-encoding: chunked")
        self._request_method = method
        self.raw("\r\n".join(lines + ["", ""]).encode("latin-1"))

    def send(self, data: bytes, *, end: bool = False) -> None:
        """Writes a part of the body."""
        if not self._sends_chunks:
            self.raw(data)
            return
        chunk = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
        self.raw(chunk + (b"0\r\n\r\n" if end else b""))

    # === the answer ===

    def head(self) -> Answer:
        """Waits for status and headers. Skips 1xx responses."""
        while True:
            lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            status = int(lines[0].split(" ")[1])
            if status >= 200 or status == 101:
                break
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        answer = Answer(status, headers)
        self._closing = answer.header("connection") == "close"
        self._chunked = "chunked" in (answer.header("transfer-encoding") or "")
        length = answer.header("content-length")
        self._length = int(length) if length is not None else None
        if self._request_method == "HEAD" or status in (204, 304):
            self._chunked, self._length = False, 0
        return answer

    def read_interim(self) -> int:
        """Reads an interim response, and returns its status."""
        return int(self._until(b"\r\n\r\n").split(b" ")[1])

    def read(self) -> bytes:
        """The next bytes of the body as they arrive, b"" at its end."""
        if self._chunked:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                self._chunked, self._length = False, 0
                while line := self._until(b"\r\n"):
                    name, _, value = line.decode("latin-1").partition(":")
                    self.trailers.append((name.lower(), value.strip()))
                return b""
            data = self._exactly(size)
            self._until(b"\r\n")
            return data
        if self._length == 0:
            return b""
        if not self._buffered and not self._receive(may_end=self._length is None):
            return b""
        taken = len(self._buffered) if self._length is None else min(self._length, len(self._buffered))
        data = bytes(self._buffered[:taken])
        del self._buffered[:taken]
        if self._length is not None:
            self._length -= taken
        return data

    def read_until(self, mark: bytes) -> bytes:
        """Reads the body until it contains `mark`."""
        body = b""
        while mark not in body:
            part = self.read()
            if not part:
                raise Reset(f"the body ended without {mark!r}: {body!r}")
            body += part
        return body

    def answer(self) -> Answer:
        """The whole answer."""
        answer = self.head()
        while part := self.read():
            answer.body += part
        answer.trailers = self.trailers
        return answer

    def request(self, method: str, target: str, headers: Headers | None = None, body: bytes | None = None) -> Answer:
        """A whole request with its length, and the whole answer."""
        given = list(headers or [])
        if body is not None:
            given.append(("content-length", str(len(body))))
        self.start(method, target, given, end=True)
        if body:
            try:
                self.raw(body)
            except Reset:
                pass                     # refused early; the answer is there
        return self.answer()

    def _until(self, mark: bytes) -> bytes:
        while (at := self._buffered.find(mark)) < 0:
            self._receive()
        data = bytes(self._buffered[:at])
        del self._buffered[: at + len(mark)]
        return data

    def _exactly(self, count: int) -> bytes:
        while len(self._buffered) < count:
            self._receive()
        data = bytes(self._buffered[:count])
        del self._buffered[:count]
        return data

    def _receive(self, *, may_end: bool = False) -> bool:
        try:
            data = self._socket.recv(262144)
        except ConnectionError as error:
            raise Reset(str(error)) from error
        if not data and not may_end:
            raise Reset("closed")
        self._buffered += data
        return bool(data)

    # === ending it ===

    def reset(self) -> None:
        """Ends the connection with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def half_close(self) -> None:
        """Closes the sending side of the connection."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()


class Http2:
    """One HTTP/2 connection with one stream at a time."""

    name = "http2"

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = h2.config.H2Configuration(
            client_side=True, header_encoding="latin-1",
            validate_outbound_headers=False, normalize_outbound_headers=False,    # a test may send invalid headers
        )
        self._h2 = h2.connection.H2Connection(config)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(1 << 24)
        self._h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 24})
        self._flush()
        self._stream = 0
        self._answer: Answer | None = None
        self._parts: list[bytes] = []
        self._ended = False
        self._broken = ""
        self.trailers: Headers = []

    def __enter__(self) -> "Http2":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, method: str, target: str, headers: Headers, *, end: bool = False) -> None:
        """Opens a stream."""
        self._stream = self._h2.get_next_available_stream_id()
        self._answer, self._parts, self._ended, self._broken, self.trailers = None, [], False, "", []
        authority = next((value for name, value in headers if name.lower() == "host"), "gateway.test")
        pseudo = [(":method", method), (":scheme", "http"), (":authority", authority), (":path", target)]
        rest = [(name.lower(), value) for name, value in headers if name.lower() != "host"]
        self._h2.send_headers(self._stream, [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pseudo + rest], end_stream=end)
        self._flush()

    def send(self, data: bytes, *, end: bool = False) -> None:
        """Writes a part of the body, as fast as flow control allows."""
        while data:
            if self._broken or self._ended:
                raise Reset(self._broken or "the answer has ended")
            room = min(self._h2.local_flow_control_window(self._stream), self._h2.max_outbound_frame_size)
            if room <= 0:
                self._receive()
                continue
            self._h2.send_data(self._stream, data[:room])
            data = data[room:]
            self._flush()
        if end:
            self._h2.end_stream(self._stream)
            self._flush()

    def trail(self, trailers: Headers) -> None:
        """Ends the request with trailers."""
        self._h2.send_headers(self._stream, trailers, end_stream=True)
        self._flush()

    def head(self) -> Answer:
        """Waits for status and headers."""
        while self._answer is None:
            if self._broken:
                raise Reset(self._broken)
            self._receive()
        return self._answer

    def read(self) -> bytes:
        """The next bytes of the body as they arrive, b"" at its end."""
        while not self._parts:
            if self._ended:
                return b""
            if self._broken:
                raise Reset(self._broken)
            self._receive()
        return self._parts.pop(0)

    read_until = Http1.read_until
    answer = Http1.answer

    def request(self, method: str, target: str, headers: Headers | None = None, body: bytes | None = None) -> Answer:
        """A whole request with its length, and the whole answer."""
        given = list(headers or [])
        if body is not None:
            given.append(("content-length", str(len(body))))
        self.start(method, target, given, end=not body)
        if body:
            try:
                self.send(body, end=True)
            except Reset:
                pass                     # refused early; the answer is there
        return self.answer()

    def reset(self) -> None:
        """Cancels the stream, keeps the connection."""
        self._h2.reset_stream(self._stream, h2.errors.ErrorCodes.CANCEL)
        self._flush()

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def _flush(self) -> None:
        try:
            self._socket.sendall(self._h2.data_to_send())
        except ConnectionError as error:
            raise Reset(str(error)) from error

    def _receive(self) -> None:
        try:
            data = self._socket.recv(262144)
        except ConnectionError as error:
            raise Reset(str(error)) from error
        if not data:
            raise Reset("closed")
        for event in self._h2.receive_data(data):
            if isinstance(event, h2.events.ConnectionTerminated):
                self._broken = self._broken or f"GOAWAY {event.error_code}"
            if getattr(event, "stream_id", None) != self._stream:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                headers = [(str(name), str(value)) for name, value in event.headers]
                self._answer = Answer(int(dict(headers)[":status"]), headers)
            elif isinstance(event, h2.events.DataReceived):
                if event.data:
                    self._parts.append(event.data)
                self._h2.acknowledge_received_data(event.flow_controlled_length, self._stream)
            elif isinstance(event, h2.events.TrailersReceived):
                self.trailers = [(str(name), str(value)) for name, value in event.headers]
            elif isinstance(event, h2.events.StreamEnded):
                self._ended = True
            elif isinstance(event, h2.events.StreamReset) and not self._ended:
                self._broken = f"RST_STREAM {event.error_code}"
        self._flush()
