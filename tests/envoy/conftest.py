"""Shared by the Envoy tests: one gateway for each module, a scripted provider, and checks after every test.

A module states how its gateway differs from the shipped one in module-level `GATEWAY` (arguments of `render`) and
`CONCURRENCY`.
"""

from __future__ import annotations

import itertools
from typing import Any, Iterator

import pytest

from client import Headers, Http1, Http2
from gateway import TOOLS, Gateway
from render import HOST, NATIVE, WASM, render
from upstream import Upstream


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "wasm: about the wasm module, its VM or its host; skipped with HOST=native")
    config.addinivalue_line("markers", "native: about the dynamic module; skipped with HOST=wasm")
    module, target = (NATIVE, "test-native") if HOST == "native" else (WASM, "e2e")
    missing = [str(path) for path in (module, TOOLS / "func-e", TOOLS / "envoy") if not path.exists()]
    if missing:
        pytest.exit(f"run the Envoy tests with `make {target}`: {', '.join(missing)} not there", 2)


# Files about what only the wasm module is used for.
OF_WASM = ("test_compose", "test_envoy_gateway", "test_image", "test_istio", "test_verify")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem.startswith(OF_WASM):
            item.add_marker(pytest.mark.wasm)
        for host in {"wasm", "native"} - {HOST}:
            if item.get_closest_marker(host):
                item.add_marker(pytest.mark.skip(reason=f"about the host {host}"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """All providers. Each test gives it a script."""
    with Upstream() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Gateway]:
    """Envoy with the shipped configuration and the module's changes to it."""
    changes: dict[str, Any] = getattr(request.module, "GATEWAY", {})
    concurrency: int = getattr(request.module, "CONCURRENCY", 1)
    with Gateway(render(upstream.address, **changes), concurrency=concurrency) as running:
        yield running


@pytest.fixture(params=[Http1, Http2], ids=lambda kind: kind.name)
def client(request: pytest.FixtureRequest, gateway: Gateway) -> Iterator[Any]:
    """A connection to the gateway; the test runs with HTTP/1.1 and with HTTP/2."""
    with request.param(gateway.address) as connection:
        yield connection


@pytest.fixture
def http1(gateway: Gateway) -> Iterator[Http1]:
    """A connection with HTTP/1.1."""
    with Http1(gateway.address) as connection:
        yield connection


@pytest.fixture
def records(gateway: Gateway) -> "Records":
    """The records that this test causes."""
    return Records(gateway)


@pytest.fixture(autouse=True)
def nothing_trapped(request: pytest.FixtureRequest) -> Iterator[None]:
    """Checks after each test that the filter's VM has not stopped, and that no script of the provider failed."""
    uses = request.fixturenames
    server = request.getfixturevalue("upstream") if "upstream" in uses else None
    running = request.getfixturevalue("gateway") if "gateway" in uses else None
    if server is not None:
        server.begin(server.script)
    yield
    if server is not None and server.failures:
        raise server.failures[0]
    if running is not None:
        assert_alive(running)


def assert_alive(gateway: Gateway) -> None:
    """Fails, with Envoy's log lines, if a VM of the filter has ever stopped."""
    moved = {name: value for name, value in gateway.reloads().items() if value}
    panics = [line for line in gateway.log().splitlines() if "panicked" in line or "Function: proxy_" in line or "a bug of this filter" in line]
    assert not moved and not panics, f"{moved}\n" + "\n".join(panics)


class Records:
    """A view of a gateway's records that begins where a test begins."""

    _barriers = itertools.count()

    def __init__(self, gateway: Gateway, headers: Headers | None = None) -> None:
        """`headers`: the credentials for the view's own requests, if the gateway authenticates."""
        self._gateway = gateway
        self._headers = headers or []
        self._seen = len(gateway.records())

    def one(self) -> Any:
        """Waits for the test's only record, and checks that no second one follows."""
        self._gateway.wait_for_record(self._seen + 1)
        found = self.all()
        assert len(found) == 1, f"{len(found)} records instead of one: {found}"
        return found[0]

    def none(self) -> None:
        """Checks that the test left no record."""
        found = self.all()
        assert not found, f"a record that should not be: {found}"

    def all(self) -> list[Any]:
        """Waits until every request has ended, and returns all records of the test."""
        self._gateway.settle()
        # Records are written in order: once the record of a later request exists, all earlier ones do.
        name = f"barrier/{next(self._barriers)}"
        with Http1(self._gateway.address) as connection:
            connection.request("POST", self._gateway.barrier, [("user-agent", name), *self._headers], b"")
        found: list[Any] = []

        def arrived() -> bool:
            found[:] = self._gateway.records()[self._seen :]
            return any(record.get("user_agent") == name for record in found)

        self._gateway.wait_until(arrived, f"the record of {name} is written")
        self._seen += len(found)
        return [record for record in found if not str(record.get("user_agent")).startswith("barrier/")]
