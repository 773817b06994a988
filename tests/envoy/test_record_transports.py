"""Records by file, stdout, gRPC access log service and OTLP are the same; without a receiver no request fails.

Memory stays bounded then, and a counter counts the records that are lost.
"""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import grpc
import pytest

from client import Http1
from conftest import assert_alive
from fragments import add_access_log, add_cluster, add_otlp, fragment
from gateway import KEYS, Gateway
from receivers import AccessLogService, Otlp, Receiver
from render import HTTP_OPTIONS, REPOSITORY, Address, Json, cluster_of, render
from samples import CHAT, COMPLETION, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, chat_request, messages_request
from servers import free_port, program, server_directory
from upstream import json_answer, stream_answer

MIB = 1 << 20


def large_records(limit: int) -> Callable[[Json], Json]:
    """The shipped plugin configuration with room for texts of this size."""
    return lambda plugin: {**plugin, "record": {"text_bytes": limit, "total_bytes": limit}}


def add_file(config: Json, path: Path | str) -> None:
    """The file logger, writing there."""
    entry = fragment("records/file.yaml")[0]
    entry["typed_config"]["path"] = str(path)
    add_access_log(config, entry, flush=None)


def add_grpc(config: Json, service: Address) -> None:
    """The access log service, there."""
    pieces = fragment("records/grpc.yaml")
    add_access_log(config, pieces["access_log"][0])
    add_cluster(config, pieces["clusters"][0], service)


@pytest.fixture
def directory() -> Iterator[Path]:
    made = server_directory()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def lines_of(path: Path) -> list[str]:
    """The complete lines of a file."""
    return path.read_text().splitlines() if path.exists() else []


def test_every_transport_carries_the_same_records_up_to_a_mebibyte(upstream, directory):
    file = directory / "ai_bridge.jsonl"
    with Otlp() as collector, AccessLogService() as service:

        def change(config: Json) -> None:
            add_file(config, file)
            add_grpc(config, service.address)
            add_otlp(config, collector.grpc_address)

        upstream.begin(stream_answer(*MESSAGE_STREAM))
        with Gateway(render(upstream.address, plugin=large_records(MIB), change=change)) as gateway, Http1(gateway.address) as client:
            prompts = ["short", '"\\\n\u00e4\U0001f324' * 80_000, "x" * (2 * MIB), "short again"]
            for prompt in prompts:
                assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(prompt=prompt)).body == b"".join(MESSAGE_STREAM)
            client.request("GET", "/nowhere", [TOKEN])
            gateway.wait_for_record(4)
            lines = gateway.record_lines()
            collector.log(4)
            service.entry(4)
            gateway.wait_until(lambda: len(lines_of(file)) >= 4, "the file has four lines")
            assert lines_of(file) == lines
            assert [log.message.body.string_value for log in collector.logs] == lines
            assert [entry.common_properties.custom_tags["ai_bridge_record"] for entry in service.entries] == lines
            records = [json.loads(line) for line in lines]
            assert [record.get("notes") for record in records] == [[], [], ["text_cut"], []]
            assert records[1]["prompt"] == prompts[1]
            assert len(records[2]["prompt"]) > MIB - 8 and len(lines[2]) > MIB
            # The fields that Envoy adds contain no key.
            assert {entry.request.path for entry in service.entries} == {"/v1/messages"}
            assert not [key for key in KEYS.values() if key in str(service.entries) + str(collector.logs)]
            assert [identifier.log_name for identifier in service.identifiers] == ["ai_bridge"]
            counters = gateway.stats("logs_(written|dropped)")
            assert counters["access_logs.open_telemetry_access_log.ai_bridge.logs_written"] == 4
            assert counters["access_logs.grpc_access_log.logs_written"] == 4
            assert_alive(gateway)


def test_a_record_too_large_for_the_collector_is_dropped_and_counted(upstream):
    """gRPC's own limit is 4 MiB a message; `record.total_bytes` has to stay below it."""
    upstream.begin(json_answer(MESSAGE))
    with Otlp() as collector:
        config = render(upstream.address, plugin=large_records(8 * MIB), change=lambda config: add_otlp(config, collector.grpc_address))
        with Gateway(config) as gateway, Http1(gateway.address) as client:
            counters = "access_logs.open_telemetry_access_log.ai_bridge"
            for prompt, counter in (("x" * (5 * MIB), f"{counters}.logs_dropped"), ("short", f"{counters}.logs_written")):
                assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False, prompt=prompt)).status == 200
                # Batches of one entry, so that the large one does not drop others.
                gateway.wait_until(lambda: gateway.stats(f"{counter}$").get(counter) == 1, f"{counter} is 1")
            assert json.loads(collector.log().message.body.string_value)["prompt"] == "short"
            assert len(collector.logs) == 1


def test_rotation_loses_no_record(upstream, directory):
    logrotate, _ = program("logrotate"), program("curl")
    file = directory / "ai_bridge.jsonl"
    upstream.begin(json_answer(COMPLETION))
    with Gateway(render(upstream.address, change=lambda config: add_file(config, file))) as gateway, Http1(gateway.address) as client:
        text = (REPOSITORY / "envoy" / "records" / "logrotate.conf").read_text()
        assert "/var/log/envoy/ai_bridge.jsonl" in text and "127.0.0.1:9901" in text
        conf = directory / "logrotate.conf"
        conf.write_text(text.replace("/var/log/envoy", str(directory)).replace("127.0.0.1:9901", f"127.0.0.1:{gateway.admin[1]}"))
        conf.chmod(0o644)
        directory.chmod(0o755)
        for rotation in range(3):
            for number in range(5):
                client.request("POST", CHAT, [JSON, TOKEN], chat_request(prompt=f"{rotation} {number}"))
            gateway.wait_for_record(5 * rotation + 5)
            gateway.wait_until(lambda: len(lines_of(file)) >= 5, "the records are in the file")
            done = subprocess.run([logrotate, "--force", "--state", str(directory / "state"), str(conf)], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            gateway.wait_until(file.exists, "Envoy has opened a new file")
        client.request("POST", CHAT, [JSON, TOKEN], chat_request(prompt="the last"))
        gateway.wait_until(lambda: len(lines_of(file)) == 1, "the last record is in the new file")
        gateway.wait_for_record(16)
        kept = [*gzip.open(directory / "ai_bridge.jsonl.3.gz", "rt"), *gzip.open(directory / "ai_bridge.jsonl.2.gz", "rt")]
        kept += [f"{line}\n" for line in lines_of(directory / "ai_bridge.jsonl.1") + lines_of(file)]
        assert [line.rstrip("\n") for line in kept] == gateway.record_lines()


def test_a_full_disk_is_counted_and_no_request_notices(upstream):
    upstream.begin(json_answer(COMPLETION))
    with Gateway(render(upstream.address, change=lambda config: add_file(config, "/dev/full"))) as gateway, Http1(gateway.address) as client:
        for _ in range(20):
            assert client.request("POST", CHAT, [JSON, TOKEN], chat_request()).json() == COMPLETION
        gateway.wait_until(lambda: gateway.stats("^filesystem.write_failed$")["filesystem.write_failed"] > 0, "it is counted")
        gateway.wait_for_record(20)


# === without a receiver ===

REQUESTS, PROMPT_BYTES = 150, 400_000     # 60 MB of records
BOUND_BYTES = 24 * MIB


class Lost:
    """One transport: its part of the configuration, and its receiver."""

    def __init__(self, name: str, receiver: Receiver, address: Address, add: Callable[[Json, Address], None]) -> None:
        self.name, self.receiver, self.address, self.add = name, receiver, address, add


@pytest.fixture(params=["otlp", "otlp-http", "grpc"])
def transport(request: pytest.FixtureRequest) -> Iterator[Lost]:
    if request.param == "grpc":
        with AccessLogService() as service:
            yield Lost(request.param, service, service.address, add_grpc)
    else:
        http = request.param == "otlp-http"
        with Otlp() as collector:
            address = collector.http_address if http else collector.grpc_address
            yield Lost(request.param, collector, address, lambda config, address: add_otlp(config, address, http=http))


@pytest.fixture(params=["down", "frozen", "hanging", "failing"])
def trouble(request: pytest.FixtureRequest) -> str:
    return request.param


def test_no_request_fails_for_lack_of_a_receiver(upstream, transport, trouble):
    address = transport.address
    never_reads = socket.create_server(("127.0.0.1", 0))       # connections succeed, but no process accepts them
    if trouble == "down":
        address = ("127.0.0.1", free_port())
    elif trouble == "frozen":
        address = never_reads.getsockname()[:2]
    elif trouble == "hanging":
        transport.receiver.hang()
    else:
        transport.receiver.status = grpc.StatusCode.UNAVAILABLE
    upstream.begin(stream_answer(*MESSAGE_STREAM))
    config = render(upstream.address, plugin=large_records(MIB), change=lambda config: transport.add(config, address))
    with never_reads, Gateway(config) as gateway, Http1(gateway.address) as client:

        def memory_bytes() -> int:
            return int(json.loads(gateway.admin_get("/memory"))["allocated"])

        def ask(times: int) -> None:
            for _ in range(times):
                assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(prompt="x" * PROMPT_BYTES)).body == b"".join(MESSAGE_STREAM)

        # Stdout is another logger; its pending output is not counted.
        ask(20)
        gateway.wait_for_record(20)
        before = memory_bytes()
        ask(REQUESTS - 20)
        gateway.wait_for_record(REQUESTS)
        grown = memory_bytes() - before
        assert grown < BOUND_BYTES, f"Envoy grew by {grown >> 20} MiB"
        tells(gateway, transport.name, trouble)
        assert_alive(gateway)
        if trouble == "failing":
            # It recovers by itself.
            transport.receiver.status = grpc.StatusCode.OK
            ask(1)
            received = transport.receiver.logs if isinstance(transport.receiver, Otlp) else transport.receiver.entries      # type: ignore[attr-defined]
            transport.receiver.wait_until(lambda: len(received) == 1, "the next record arrives")


def tells(gateway: Gateway, transport: str, trouble: str) -> None:
    """Waits for the statistics that envoy/records/README.md describes."""
    some = range(1, 1 << 30)
    expected: dict[str, range]
    if transport == "grpc":
        dropped = "access_logs.grpc_access_log.logs_dropped"
        expected = {
            "down": {"cluster.record_service.upstream_cx_connect_fail": some},
            "frozen": {dropped: some},
            "hanging": {dropped: some},
            "failing": {"cluster.record_service.http2.rx_reset": some},
        }[trouble]
    else:
        waits = trouble in ("frozen", "hanging")
        # 16 may be in flight and 16 waiting for a connection. By HTTP Envoy forgets some where batches overlap.
        least = REQUESTS - 32 * waits if transport == "otlp" else 1
        expected = {"access_logs.open_telemetry_access_log.ai_bridge.logs_dropped": range(least, REQUESTS + 1)}
        if trouble == "down":
            expected["cluster.otel_collector.upstream_cx_connect_fail"] = some
        if waits:
            expected["cluster.otel_collector.upstream_rq_active_overflow"] = some

    def is_reported() -> bool:
        stats = gateway.stats("^(access_logs|cluster.(otel_collector|record_service))")
        return all(stats.get(name, 0) in values for name, values in expected.items())

    gateway.wait_until(is_reported, f"{sorted(expected)} tell of it", 20)
    if transport == "otlp-http":
        gateway.wait_for_log("OTLP HTTP access log exporter received a non-success status code: 503")


def test_a_collector_that_never_answers_is_given_up_after_the_timeout(upstream):
    with Otlp() as collector:
        collector.hang()

        def change(config: Json) -> None:
            add_otlp(config, collector.grpc_address, tracing=False)
            options = cluster_of(config, "otel_collector")["typed_extension_protocol_options"][HTTP_OPTIONS]["common_http_protocol_options"]
            assert options == {"max_stream_duration": "10s"}
            options["max_stream_duration"] = "0.3s"

        upstream.begin(json_answer(COMPLETION))
        with Gateway(render(upstream.address, change=change)) as gateway, Http1(gateway.address) as client:
            for _ in range(10):
                assert client.request("POST", CHAT, [JSON, TOKEN], chat_request()).status == 200
            gateway.wait_until(lambda: sum(gateway.stats("open_telemetry_access_log.*logs_dropped").values()) == 10, "all are counted as dropped")
            assert gateway.stats("cluster.otel_collector.upstream_rq_active$")["cluster.otel_collector.upstream_rq_active"] == 0
