"""Shared by the tests of budgets: Redis, the rate limit service, signed tokens, a gateway in front of them, and fixtures.

A test module imports the fixtures that it uses.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import yaml

from conftest import Records, assert_alive
from gateway import Gateway
from render import REPOSITORY, cluster_of, connection_manager_of, render
from samples import CHAT, COMPLETION, JSON, MESSAGE, MESSAGES, RESPONSE, RESPONSES, chat_request, messages_request, responses_request
from servers import Server, free_port, server_directory
from upstream import Upstream

BUDGETS = REPOSITORY / "envoy" / "budgets"
CONFIGURATION = BUDGETS / "envoy.yaml"
LIMITS = BUDGETS / "limits.yaml"

SIGNING_KEY = b"a key that only the tests' identity provider has"
ISSUER, AUDIENCE = "https://login.example.com", "ai-gateway"       # as in the shipped file


# === callers ===


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(subject: str | None, team: str | None = None, *, key: bytes = SIGNING_KEY, **claims: Any) -> str:
    """A signed token (RFC 7519, HS256) that names a caller."""
    payload = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 3600, **claims}
    payload |= {name: value for name, value in (("sub", subject), ("team", team)) if value is not None}
    signed = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, payload))
    return f"{signed}.{base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def as_key(subject: str | None, team: str | None = None, **claims: Any) -> tuple[str, str]:
    """The header of a client that sends such a token as its API key."""
    return ("authorization", f"Bearer gw_{token(subject, team, **claims)}")


def trust(config: Any, directory: Path) -> None:
    """Writes the identity provider's keys and names them in the configuration."""
    jwks = directory / "jwks.json"
    jwks.write_text(json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "k": base64url(SIGNING_KEY)}]}))
    for http_filter in connection_manager_of(config)["http_filters"]:
        if http_filter["name"] == "envoy.filters.http.jwt_authn":
            http_filter["typed_config"]["providers"]["company"]["local_jwks"]["filename"] = str(jwks)


# === Redis ===


class Redis:
    """A running Redis, with the commands that tests need."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, *words: str) -> Any:
        """Sends one command, and returns the reply."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection, connection.makefile("rwb") as stream:
            encoded = [word.encode() for word in words]
            stream.write(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
            stream.flush()
            return self._read(stream)

    def _read(self, stream: Any) -> Any:
        line = stream.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else stream.read(size + 2)[:-2].decode()
        if kind == b"*":
            return [self._read(stream) for _ in range(int(rest))]
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise OSError(rest.decode())
        return rest.decode()

    def spent(self) -> dict[str, int]:
        """What was spent of each budget that Redis has, by `descriptor_value`."""
        found: dict[str, int] = {}
        for key in self.ask("KEYS", "ai_budgets_*"):
            name, _, _window = key.removeprefix("ai_budgets_").rpartition("_")
            found[name] = found.get(name, 0) + int(self.ask("GET", key) or 0)
        return found


@contextmanager
def redis_server() -> Iterator[tuple[Redis, Server]]:
    """A Redis that keeps nothing on disk."""
    redis = Redis(free_port())
    arguments = ["--port", str(redis.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with Server("redis-server", arguments, ready=lambda: redis.ask("PING") == "PONG") as server:
        yield redis, server


# === the rate limit service ===


class Limits:
    """The rate limit service's configuration, which may change while it runs."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, content: Any) -> None:
        """Descriptors as in limits.yaml, or the text of a whole file."""
        text = content if isinstance(content, str) else yaml.safe_dump({"domain": "ai_budgets", "descriptors": content})
        new = self._file.parent.parent / "new.yaml"
        new.write_text(text)
        new.rename(self._file)


class RateLimits:
    """A running rate limit service: its configuration, its ports."""

    def __init__(self, directory: Path, redis: Redis, grpc: int | None) -> None:
        self.directory = directory
        self.redis = redis
        self.http, self.debug, self.metrics = (free_port() for _ in range(3))
        self.grpc = grpc or free_port()
        (directory / "ratelimit" / "config").mkdir(parents=True, exist_ok=True)
        self.limits = Limits(directory / "ratelimit" / "config" / "limits.yaml")
        self.log: Callable[[], str] = str       # its output until now

    @property
    def environment(self) -> dict[str, str]:
        """The environment that limits.yaml states, with the test's addresses and paths."""
        return {
            "CONFIG_TYPE": "FILE", "RUNTIME_ROOT": str(self.directory), "RUNTIME_SUBDIRECTORY": "ratelimit", "RUNTIME_WATCH_ROOT": "false",
            "REDIS_SOCKET_TYPE": "tcp", "REDIS_URL": f"127.0.0.1:{self.redis.port}", "GRPC_HOST": "127.0.0.1", "GRPC_PORT": str(self.grpc),
            "USE_STATSD": "false", "USE_PROMETHEUS": "true", "PROMETHEUS_ADDR": f"127.0.0.1:{self.metrics}",
            "HOST": "127.0.0.1", "PORT": str(self.http), "DEBUG_HOST": "127.0.0.1", "DEBUG_PORT": str(self.debug), "LOG_LEVEL": "info",
        }

    def healthy(self) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/healthcheck", timeout=2) as answer:
            return bool(answer.status == 200)

    def in_force(self) -> str:
        """The limits in force, one a line."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.debug}/rlconfig", timeout=5) as answer:
            return str(answer.read().decode())


@contextmanager
def rate_limit_service(redis: Redis, content: Any = None, *, grpc: int | None = None) -> Iterator[RateLimits]:
    """Runs the service with these limits (default: the shipped ones), on this port (default: any)."""
    directory = server_directory()
    service = RateLimits(directory, redis, grpc)
    service.limits.write(LIMITS.read_text() if content is None else content)
    with Server("ratelimit", [], ready=service.healthy, environment=service.environment, directory=directory) as server:
        service.log = server.log
        yield service


# === the gateway ===


def with_budgets(upstream: Upstream, service_port: int, directory: Path, change: Callable[[Any], None] | None = None, file: Path = CONFIGURATION, **changes: Any) -> Any:
    """The shipped configuration with budgets, on loopback. `file`: a changed copy to use instead."""

    def last(config: Any) -> None:
        trust(config, directory)
        at = cluster_of(config, "rate_limits")["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
        at["port_value"] = service_port
        if change is not None:
            change(config)

    return render(upstream.address, file=file, change=last, **changes)


# === requests and what they cost ===

# MESSAGE is 12 + 3 tokens and costs 12 × 5 + 3 × 25 microUSD; COMPLETION and RESPONSE are 20 + 3 tokens of a model that
# only the last price names: 20 × 10 + 3 × 50.
TOKENS, MICROUSD = {MESSAGES: 15, CHAT: 23, RESPONSES: 23}, {MESSAGES: 135, CHAT: 350, RESPONSES: 350}
CALLS = {
    MESSAGES: (messages_request(stream=False), MESSAGE),
    CHAT: (chat_request(), COMPLETION),
    RESPONSES: (responses_request(), RESPONSE),
}


def limits(**numbers: int) -> Any:
    """The shipped descriptors with other numbers; `tokens_per_actor=20`."""
    descriptors = yaml.safe_load(LIMITS.read_text())["descriptors"]
    assert set(numbers) <= {each["key"] for each in descriptors}
    for each in descriptors:
        if "value" not in each and each["key"] in numbers:
            each["rate_limit"]["requests_per_unit"] = numbers[each["key"]]
    return descriptors


def ask(connection: Any, path: str, key: tuple[str, str], **more: Any) -> Any:
    """One small request of that API."""
    return connection.request("POST", path, [JSON, key], CALLS[path][0])


def charged(gateway: Gateway, redis: Redis, expected: dict[str, int]) -> None:
    """Waits until exactly `expected` has been charged, and checks that no further charge follows."""

    def now() -> dict[str, int]:
        spent = redis.spent()
        return {name: spent.get(name, 0) for name in expected}

    def idle() -> bool:
        name = "cluster.rate_limits.upstream_rq_active"
        return gateway.stats(f"^{name}$")[name] == 0

    gateway.settle()
    try:
        gateway.wait_until(lambda: now() == expected, "the budgets are charged")
    except TimeoutError as error:
        raise AssertionError(f"charged {now()} instead of {expected}") from error
    gateway.wait_until(idle, "the rate limit service has answered")
    assert now() == expected


# === fixtures ===


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_server() as (running, _):
        yield running


@pytest.fixture(scope="module")
def service(redis: Redis) -> Iterator[RateLimits]:
    """The service with small budgets, which one or two requests use up."""
    special = [
        {"key": "tokens_per_actor", "value": "rich", "rate_limit": {"unit": "day", "requests_per_unit": 1000}},
        {"key": "tokens_per_actor", "value": "unlimited", "rate_limit": {"unlimited": True}},
        {"key": "tokens_per_actor", "value": "nothing", "rate_limit": {"unit": "day", "requests_per_unit": 0}},
    ]
    with rate_limit_service(redis, special + limits(tokens_per_actor=20, microusd_per_actor=1_000_000, tokens_per_team=40)) as running:
        yield running


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, service: RateLimits, directory: Any) -> Iterator[Gateway]:
    with Gateway(with_budgets(upstream, service.grpc, directory)) as running:
        yield running
        assert_alive(running)


BARRIER = as_key("barrier")


@pytest.fixture
def records(gateway: Gateway) -> Records:
    """The records of this test. Waits for those of the test before."""
    found = Records(gateway, [BARRIER])
    found.all()
    return found


@pytest.fixture
def who(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Makes caller names that no other test uses, because all tests share one Redis."""
    return lambda name: f"{name}@{request.node.name}"[:200]
