"""A provider that speaks HTTP/2 (prior knowledge): it reads each request and gives one fixed answer, with trailers."""

from __future__ import annotations

import socket
import threading

import h2.config
import h2.connection
import h2.events

Headers = list[tuple[str, str]]


class Http2Upstream:
    """Use as a context manager. `bodies` are the requests' bodies, `heads` their headers, `trails` their trailers.

    With `early` the answer goes out as soon as that many bytes of a body have come.
    """

    def __init__(
        self, body: bytes, *, status: int = 200, content_type: str = "text/event-stream", trailers: Headers | None = None, early: int | None = None
    ) -> None:
        self._body = body
        self._headers = [(":status", str(status)), ("content-type", content_type)]
        self._trailers = trailers
        self._early = early
        self.bodies: list[bytes] = []
        self.heads: list[Headers] = []
        self.trails: list[Headers] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Http2Upstream":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def begin(self, body: bytes, content_type: str) -> None:
        """Clears what was received; the next requests get this response."""
        self._body = body
        self._headers = [*self._headers[:1], ("content-type", content_type)]
        self.bodies, self.heads, self.trails = [], [], []

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        protocol = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="latin-1"))
        protocol.initiate_connection()
        connection.sendall(protocol.data_to_send())
        uploads: dict[int, bytearray] = {}
        heads: dict[int, Headers] = {}
        answered: set[int] = set()
        while True:
            try:
                data = connection.recv(65536)
            except OSError:
                return
            if not data:
                return
            for event in protocol.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    uploads[event.stream_id] = bytearray()
                    heads[event.stream_id] = [(str(name), str(value)) for name, value in event.headers]
                    self.heads.append(heads[event.stream_id])
                elif isinstance(event, h2.events.DataReceived):
                    uploads[event.stream_id] += event.data
                    protocol.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if self._early is not None and len(uploads[event.stream_id]) >= self._early and event.stream_id not in answered:
                        answered.add(event.stream_id)
                        self._answer(protocol, event.stream_id, heads[event.stream_id])
                elif isinstance(event, h2.events.TrailersReceived):
                    self.trails.append([(str(name), str(value)) for name, value in event.headers])
                elif isinstance(event, h2.events.StreamEnded):
                    self.bodies.append(bytes(uploads.pop(event.stream_id)))
                    if event.stream_id not in answered:
                        self._answer(protocol, event.stream_id, heads[event.stream_id])
            connection.sendall(protocol.data_to_send())

    def _answer(self, protocol: h2.connection.H2Connection, stream: int, head: Headers) -> None:
        # Only short responses: a response above the initial window would need flow control.
        assert len(self._body) <= protocol.local_flow_control_window(stream)
        if (":method", "HEAD") in head:
            protocol.send_headers(stream, self._headers, end_stream=True)
            return
        protocol.send_headers(stream, self._headers)
        protocol.send_data(stream, self._body, end_stream=self._trailers is None)
        if self._trailers is not None:
            protocol.send_headers(stream, self._trailers, end_stream=True)
