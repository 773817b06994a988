"""Requests pass when the rate limit service or Redis is down, and a counter says so."""

from __future__ import annotations

import re
import socket
import threading
from typing import Any

from budgets import BARRIER, as_key, ask, charged, limits, rate_limit_service, redis_server, with_budgets
from budgets import directory  # noqa: F401 (a fixture)
from client import Http1
from conftest import Records, assert_alive
from gateway import Gateway
from refusal import refused
from render import connection_manager_of
from samples import CHAT, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, messages_request
from servers import free_port
from upstream import json_answer, stream_in_two


def counted(gateway: Gateway, name: str) -> int:
    full = f"cluster.anthropic.ratelimit.{name}"
    return gateway.stats(f"^{re.escape(full)}$").get(full, 0)


def test_without_the_service_requests_pass_and_a_counter_says_so(upstream, directory):
    with redis_server() as (redis, _):
        with rate_limit_service(redis) as service:
            port = service.grpc
        with Gateway(with_budgets(upstream, port, directory)) as gateway, Http1(gateway.address) as client:
            records = Records(gateway, [BARRIER])
            upstream.begin(json_answer(MESSAGE))
            for _ in range(3):
                assert ask(client, MESSAGES, as_key("alice")).status == 200
            assert [record["outcome"] for record in records.all()] == ["completed"] * 3
            assert counted(gateway, "error") >= 3 and counted(gateway, "failure_mode_allowed") >= 3
            assert any(labels.get("envoy_cluster_name") == "anthropic" and value >= 3 for labels, value in gateway.prometheus("envoy_cluster_ratelimit_error"))
            assert redis.spent() == {}
            assert_alive(gateway)


def test_a_request_that_must_not_pass_uncounted_is_503_in_the_dialect(upstream, directory):
    def deny(config: Any) -> None:
        for http_filter in connection_manager_of(config)["http_filters"]:
            if http_filter["name"] == "envoy.filters.http.ratelimit":
                http_filter["typed_config"]["failure_mode_deny"] = True

    with redis_server() as (redis, _):
        with rate_limit_service(redis) as service:
            port = service.grpc
        with Gateway(with_budgets(upstream, port, directory, deny)) as gateway, Http1(gateway.address) as client:
            records = Records(gateway, [BARRIER])
            for path in (MESSAGES, CHAT):
                refused(ask(client, path, as_key("alice")), 503, path, retry=None)
            assert upstream.requests == []
            written = records.all()
            assert [(record["outcome"], record["error"]["code"]) for record in written] == [("unavailable", "service_unavailable")] * 2
            assert_alive(gateway)


def test_without_redis_requests_pass_and_a_counter_says_so(upstream, directory):
    with redis_server() as (redis, server), rate_limit_service(redis) as service:
        with Gateway(with_budgets(upstream, service.grpc, directory)) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(MESSAGE))
            assert ask(client, MESSAGES, as_key("alice")).status == 200
            charged(gateway, redis, {"tokens_per_actor_alice": 15})
            assert counted(gateway, "error") == 0
            server.__exit__()
            assert ask(client, MESSAGES, as_key("alice")).status == 200
            gateway.wait_until(lambda: counted(gateway, "error") >= 1, "the error is counted")
            assert_alive(gateway)


def test_a_service_that_dies_during_a_stream_loses_only_that_charge(upstream, directory):
    began, go_on = threading.Event(), threading.Event()
    upstream.begin(stream_in_two(MESSAGE_STREAM[0], b"".join(MESSAGE_STREAM[1:]), began, go_on))
    port, body = free_port(), messages_request()
    with redis_server() as (redis, _), Gateway(with_budgets(upstream, port, directory)) as gateway, Http1(gateway.address) as client:
        with rate_limit_service(redis, limits(tokens_per_actor=10), grpc=port):
            client.start("POST", MESSAGES, [JSON, as_key("alice"), ("content-length", str(len(body)))])
            client.send(body)
            assert began.wait(20)
        go_on.set()
        assert client.answer().body == b"".join(MESSAGE_STREAM)
        gateway.settle()
        assert redis.spent().get("tokens_per_actor_alice", 0) == 0
        upstream.begin(json_answer(MESSAGE))
        with rate_limit_service(redis, limits(tokens_per_actor=10), grpc=port):

            def enforced() -> bool:
                return ask(client, MESSAGES, as_key("alice")).status == 429

            gateway.wait_until(enforced, "budgets are enforced again")
        assert_alive(gateway)


def test_a_service_that_does_not_answer_holds_a_request_for_its_timeout_only(upstream, directory):
    """A listener that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with Gateway(with_budgets(upstream, mute.getsockname()[1], directory)) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(MESSAGE))
            assert ask(client, MESSAGES, as_key("alice")).status == 200
            assert counted(gateway, "error") == 1
            assert_alive(gateway)
