"""Strict receivers of Envoy's telemetry: OTLP by gRPC and by HTTP, and Envoy's gRPC access log service.

They are made of the protocols' own published definitions. Whatever is not exactly as they say is kept in `failures`:
unknown fields and paths, ids of the wrong length, attributes without a name or value or named twice.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")      # servers are forked while this one serves

import threading
from concurrent import futures
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Iterable, Iterator

import grpc
from envoy.service.accesslog.v3 import als_pb2, als_pb2_grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from gateway import PATIENCE_SECONDS

Attributes = dict[str, Any]


@dataclass
class Received:
    """One log record or span, with its attributes and those of its resource as plain values."""

    message: Any
    attributes: Attributes
    resource: Attributes

    @property
    def trace_id(self) -> str:
        """The trace id in hexadecimal; "" if there is none."""
        return self.message.trace_id.hex()

    @property
    def span_id(self) -> str:
        """The span id in hexadecimal; "" if there is none."""
        return self.message.span_id.hex()


class Receiver:
    """The base of receivers: what was received, its problems, and whether calls are answered."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.requests = 0
        self.status = grpc.StatusCode.OK           # the status of replies; by HTTP anything but OK is 503
        self._news = threading.Condition()
        self._go_on = threading.Event()
        self._go_on.set()
        self._open = True

    def hang(self) -> None:
        """Accepts requests from now on without answering them."""
        self._go_on.clear()

    def close(self) -> None:
        """Answers the waiting requests."""
        self._open = False
        self._go_on.set()

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Waits until the condition holds. Tests it whenever something arrives."""
        with self._news:
            if not self._news.wait_for(lambda: bool(self.failures) or condition(), seconds):
                raise TimeoutError(f"{seconds} s passed before {what}")
        assert not self.failures, self.failures

    def _take(self, message: Message, keep: Callable[[], None]) -> None:
        with self._news:
            self.requests += 1
            self.failures += [f"unknown field at {path}" for path in unknown_fields(message)]
            if self.status is grpc.StatusCode.OK and self._go_on.is_set():
                keep()
            self._news.notify_all()
        self._go_on.wait()

    def _wrong(self, what: str) -> None:
        with self._news:
            self.failures.append(what)
            self._news.notify_all()


class Otlp(Receiver):
    """OTLP logs and traces, by gRPC and by HTTP, with the limits that gRPC has by default (4 MiB a message)."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[Received] = []
        self.spans: list[Received] = []
        self._server = grpc.server(futures.ThreadPoolExecutor(64), interceptors=[OnlyKnown(self._wrong)])
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Export(self.export_logs), self._server)
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Export(self.export_spans), self._server)
        self.grpc_address = ("127.0.0.1", self._server.add_insecure_port("127.0.0.1:0"))
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.http_address: tuple[str, int] = self._http.server_address[:2]

    def __enter__(self) -> "Otlp":
        self._server.start()
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._http.shutdown()
        self._http.server_close()
        self._server.stop(grace=None).wait()

    def log(self, number: int = 1) -> Received:
        """Waits for log record number `number` (from 1), and returns it."""
        self.wait_until(lambda: len(self.logs) >= number, f"log record {number} arrives")
        return self.logs[number - 1]

    def span(self, where: Callable[[Received], bool]) -> Received:
        """Waits for the only span that fulfils the condition, and returns it."""
        self.wait_until(lambda: any(where(span) for span in self.spans), "the span arrives")
        found = [span for span in self.spans if where(span)]
        assert len(found) == 1, found
        return found[0]

    def export_logs(self, request: Any) -> Any:
        """Handles one call or POST with log records."""

        def keep() -> None:
            for resource_logs in request.resource_logs:
                resource = self._attributes(resource_logs.resource.attributes)
                for scope_logs in resource_logs.scope_logs:
                    for record in scope_logs.log_records:
                        self._check(record.time_unix_nano > 0, "a log record without time")
                        self._check_ids(record)
                        self.logs.append(Received(record, self._attributes(record.attributes), resource))

        self._take(request, keep)
        return logs_service_pb2.ExportLogsServiceResponse()

    def export_spans(self, request: Any) -> Any:
        """Handles one call or POST with spans."""

        def keep() -> None:
            for resource_spans in request.resource_spans:
                resource = self._attributes(resource_spans.resource.attributes)
                for scope_spans in resource_spans.scope_spans:
                    for span in scope_spans.spans:
                        self._check(bool(span.name and span.trace_id and span.span_id), "a span without name or id")
                        self._check(0 < span.start_time_unix_nano <= span.end_time_unix_nano, "a span whose times are wrong")
                        self._check(len(span.parent_span_id) in (0, 8), "a parent id of the wrong length")
                        self._check_ids(span)
                        self.spans.append(Received(span, self._attributes(span.attributes), resource))

        self._take(request, keep)
        return trace_service_pb2.ExportTraceServiceResponse()

    def _check(self, holds: bool, what: str) -> None:
        if not holds:
            self.failures.append(what)

    def _check_ids(self, message: Any) -> None:
        self._check(len(message.trace_id) in (0, 16) and (not message.trace_id or any(message.trace_id)), "a trace id that is none")
        self._check(len(message.span_id) in (0, 8) and (not message.span_id or any(message.span_id)), "a span id that is none")

    def _attributes(self, pairs: Iterable[Any]) -> Attributes:
        found: Attributes = {}
        for pair in pairs:
            kind = pair.value.WhichOneof("value")
            self._check(bool(pair.key), "an attribute without a name")
            self._check(pair.key not in found, f"the attribute {pair.key} comes twice")
            self._check(kind is not None, f"the attribute {pair.key} has no value")
            if kind is not None:
                found[pair.key] = getattr(pair.value, kind)
        return found

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        otlp = self
        kinds = {
            "/v1/logs": (logs_service_pb2.ExportLogsServiceRequest, otlp.export_logs),
            "/v1/traces": (trace_service_pb2.ExportTraceServiceRequest, otlp.export_spans),
        }

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self._body()
                if self.path not in kinds or self.headers["content-type"] != "application/x-protobuf":
                    otlp._wrong(f"POST {self.path} with {self.headers['content-type']}")
                    self._answer(404, b"")
                    return
                message, export = kinds[self.path]
                try:
                    answer = export(message.FromString(body))
                except DecodeError as error:
                    otlp._wrong(str(error))
                    self._answer(400, b"")
                    return
                fine = otlp._open and otlp.status is grpc.StatusCode.OK
                self._answer(200 if fine else 503, answer.SerializeToString())

            def _body(self) -> bytes:
                if self.headers["transfer-encoding"] != "chunked":
                    return self.rfile.read(int(self.headers["content-length"]))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(body)))
                try:
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:
                    pass                # Envoy's timeout has expired

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


class Export:
    """The one method of both OTLP services."""

    def __init__(self, export: Callable[[Any], Any]) -> None:
        self._export = export

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:
        answer = self._export(request)
        receiver: Receiver = self._export.__self__
        if receiver.status is not grpc.StatusCode.OK:
            context.abort(receiver.status, "as the test wants it")
        return answer


class AccessLogService(Receiver, als_pb2_grpc.AccessLogServiceServicer):
    """Envoy's gRPC access log service."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Any] = []
        self.identifiers: list[Any] = []           # the sender of each stream
        self._server = grpc.server(futures.ThreadPoolExecutor(8), interceptors=[OnlyKnown(self._wrong)])
        als_pb2_grpc.add_AccessLogServiceServicer_to_server(self, self._server)
        self.address = ("127.0.0.1", self._server.add_insecure_port("127.0.0.1:0"))

    def __enter__(self) -> "AccessLogService":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._server.stop(grace=None).wait()

    def StreamAccessLogs(self, messages: Iterator[Any], context: grpc.ServicerContext) -> Any:
        if self.status is not grpc.StatusCode.OK:
            with self._news:
                self.requests += 1
                self._news.notify_all()
            context.abort(self.status, "as the test wants it")
        first = True
        for message in messages:
            if first != message.HasField("identifier"):
                self._wrong("the first message of a stream, and no other, says who sends")
            if first:
                self.identifiers.append(message.identifier)
            first = False
            self._take(message, lambda: self.entries.extend(message.http_logs.log_entry))
        return als_pb2.StreamAccessLogsResponse()

    def entry(self, number: int = 1) -> Any:
        """Waits for entry number `number` (from 1), and returns it."""
        self.wait_until(lambda: len(self.entries) >= number, f"entry {number} arrives")
        return self.entries[number - 1]


class OnlyKnown(grpc.ServerInterceptor):
    """Reports calls of methods that the receiver does not have."""

    def __init__(self, wrong: Callable[[str], None]) -> None:
        self._wrong = wrong

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        handler = continuation(details)
        if handler is None:
            self._wrong(f"no such method: {details.method}")
        return handler


def unknown_fields(message: Message, path: str = "") -> Iterator[str]:
    """The paths in a message at which it has unknown fields."""
    for field in UnknownFieldSet(message):
        yield f"{path}/{message.DESCRIPTOR.name}:{field.field_number}"
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        if descriptor.message_type.GetOptions().map_entry:
            values = [each for each in value.values() if isinstance(each, Message)]
        else:
            values = [value] if isinstance(value, Message) else list(value)
        for each in values:
            yield from unknown_fields(each, f"{path}/{descriptor.name}")
