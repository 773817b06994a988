"""Pools in real Envoy with two workers: the upstream filter of each member's cluster, the attempts that Envoy makes, and
what is learned of the members. The Envoy file is made by hand here; `envoy/pools` generates such files for operators.
"""

from __future__ import annotations

import concurrent.futures
import copy
import itertools
import json
import threading
import time
from typing import Any, Iterator

import pytest

from client import Http1, Http2
from conftest import Records, assert_alive
from gateway import Gateway
from render import HTTP_OPTIONS, WASM_TYPE, connection_manager_of, render, wasm_of
from upstream import Exchange, Upstream

MEMBERS = ["a", "b", "c"]
KEYS = {name: f"key-of-{name}-0123456789" for name in MEMBERS}
CREDENTIALS = ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"]
ANSWER = {"id": "msg_1", "type": "message", "model": "claude-x", "content": [], "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 5}}
REQUEST = {"model": "claude-opus-4", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
SOON = (429, {"retry-after": "1"})       # usable again when the next test begins
BODY = json.dumps(REQUEST).encode()
TIMEOUT_SECONDS = 2


def provider(name: str, addresses: dict[str, tuple[str, int]], **more: Any) -> Any:
    """A provider with a pool, each member with a path and a host of its own."""
    pool = [{"name": m, "key": {"value": KEYS[m]}, "base_url": f"http://{m}.example:{addresses[m][1]}/base-{m}"} for m in MEMBERS]
    return {"type": "anthropic", "name": name, "pool": pool, **more}


def configuration(addresses: dict[str, tuple[str, int]]) -> Any:
    mapped = provider("mapped", addresses)
    mapped["pool"][1].update(models={"claude-opus-*": "opus on b", "*": "other"}, headers={"x-deployment": "b"})
    external = provider("external", addresses, byok="deny")
    external["pool"][1]["key"] = {"external": True}
    return {
        "providers": [
            provider("first", addresses),
            provider("refused", addresses),
            provider("apart", addresses),
            provider("sessions", addresses, start="session"),
            mapped,
            external,
            {**provider("azure", addresses), "type": "azure", "byok_cluster": "own"},
        ],
        "actor": {"header": "x-actor"},
        "limits": {"request_body_bytes": 8 << 20},
    }


def extend(config: Any, addresses: dict[str, tuple[str, int]]) -> None:
    """Adds the clusters and routes of the pools."""
    main = wasm_of(config)
    main["vm_config"]["vm_id"] = "ai_bridge"
    names = ["first", "refused", "apart", "sessions", "mapped", "external", "azure"]
    clusters = config["static_resources"]["clusters"]
    for owner, member in itertools.product(names, MEMBERS):
        clusters.append(cluster(main, owner, member, addresses[member]))
    own = cluster(main, "azure", "a", addresses["a"])
    clusters.append({**own, "name": "own"})
    routes = [route(owner, list(order)) for owner in names for n in (1, 2, 3) for order in itertools.permutations(MEMBERS, n)]
    routes += [own_key_route(owner, "own" if owner == "azure" else f"{owner}-a") for owner in names]
    manager = connection_manager_of(config)
    manager["route_config"]["virtual_hosts"][0]["routes"][0:0] = routes
    manager["internal_address_config"] = {"cidr_ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]}


def cluster(main: Any, owner: str, member: str, address: tuple[str, int]) -> Any:
    plugin = {key: copy.deepcopy(main[key]) for key in ("root_id", "vm_config") if key in main}
    plugin["name"] = f"pool-{owner}-{member}"
    if owner == "apart":
        plugin["vm_config"]["vm_id"] = "another"           # a VM without the main filter
    plugin["configuration"] = {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": json.dumps({"upstream": {"provider": owner, "member": member}})}
    http_filters = [
        {"name": "ai_bridge", "typed_config": {"@type": WASM_TYPE, "config": plugin}},
        {"name": "envoy.filters.http.upstream_codec", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"}},
    ]
    endpoint = {"address": {"socket_address": {"address": address[0], "port_value": address[1]}}}
    return {
        "name": f"{owner}-{member}",
        "type": "STATIC",
        "connect_timeout": "1s",
        "circuit_breakers": {"thresholds": [{"max_retries": 10000, "max_requests": 10000, "max_connections": 10000, "max_pending_requests": 10000}]},
        "load_assignment": {"cluster_name": f"{owner}-{member}", "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]},
        "typed_extension_protocol_options": {HTTP_OPTIONS: {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", "explicit_http_config": {"http_protocol_options": {}}, "http_filters": http_filters}},
    }


def route(owner: str, members: list[str]) -> Any:
    groups = [{"name": f"{at}", "clusters": [{"cluster_name": f"{owner}-{member}", "weight": 1}]} for at, member in enumerate(members)]
    specifier = {"@type": "type.googleapis.com/envoy.extensions.router.cluster_specifiers.priority_group.v3.PriorityGroupClusterSpecifier", "priority_groups": groups}
    retry = {
        "num_retries": len(members) - 1,
        "per_try_idle_timeout": f"{TIMEOUT_SECONDS}s",
        "refresh_cluster_on_retry": True,
        "retry_on": "retriable-headers,connect-failure,refused-stream,reset",
        "retriable_headers": [{"name": "x-ai-bridge-retry", "present_match": True}],
        "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"},
    }
    action = {"timeout": "0s", "inline_cluster_specifier_plugin": {"extension": {"name": "pool", "typed_config": specifier}}, "retry_policy": retry}
    if len(members) == 1:
        action["retry_policy"] = {"num_retries": 0, "per_try_idle_timeout": f"{TIMEOUT_SECONDS}s"}
    return {
        "match": {"prefix": "/", "headers": [{"name": "x-ai-bridge-pool", "string_match": {"exact": f"{owner}/{','.join(members)}"}}]},
        "request_headers_to_remove": ["x-ai-bridge-cluster"],
        "request_body_buffer_limit": 8 << 20,
        "route": action,
    }


def own_key_route(owner: str, name: str) -> Any:
    return {
        "match": {"prefix": "/", "headers": [{"name": "x-ai-bridge-pool", "string_match": {"exact": owner}}]},
        "request_headers_to_remove": ["x-ai-bridge-cluster"],
        "route": {"timeout": "0s", "cluster": name},
    }


class Pool:
    """The members' servers. Each answers by a script of its own, 200 by default, and keeps what it got."""

    def __init__(self) -> None:
        self.servers = {name: Upstream() for name in MEMBERS}
        self.addresses = {name: server.address for name, server in self.servers.items()}

    def begin(self, **answers: Any) -> None:
        """Sets what each member answers: a status, (status, headers) or a script."""
        for name, server in self.servers.items():
            server.begin(script(answers.get(name, 200)))

    def asked(self) -> list[str]:
        """The members in which requests arrived, one for each request, in the members' order."""
        return [name for name, server in self.servers.items() for _ in server.requests]

    def close(self) -> None:
        for server in self.servers.values():
            server.close()


def script(answer: Any) -> Any:
    if callable(answer):
        return answer
    status, headers = answer if isinstance(answer, tuple) else (answer, {})

    def reply(exchange: Exchange) -> None:
        exchange.read_body()
        error = {"type": "error", "error": {"type": "some_error", "message": "m"}}
        exchange.reply(status, ANSWER if status == 200 else error, headers)

    return reply


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    servers = Pool()
    yield servers
    servers.close()


@pytest.fixture(scope="module")
def gateway(pool: Pool) -> Iterator[Gateway]:
    config = render(
        ("127.0.0.1", 1),
        plugin=configuration(pool.addresses),
        environment=[],
        change=lambda config: extend(config, pool.addresses),
    )
    with Gateway(config, concurrency=2, environment={}) as running:
        running.barrier = "/first/v1/messages"
        yield running


@pytest.fixture(autouse=True)
def no_key_is_at_another_member(pool: Pool, gateway: Gateway) -> Iterator[None]:
    """After each test: no member has got another's key, or a header of this filter."""
    heal(pool, gateway)
    pool.begin()
    yield
    for name, server in pool.servers.items():
        assert not server.failures, server.failures
        for received in server.requests:
            text = received.head.decode("latin-1")
            assert not [key for other, key in KEYS.items() if other != name and key in text], text
            assert "x-ai-bridge" not in text, text
    assert_alive(gateway)


def heal(pool: Pool, gateway: Gateway) -> None:
    """Makes every member usable again: a 2xx that began after it was set aside."""
    pool.begin()
    for owner in ("first", "sessions", "mapped", "external", "azure"):
        usable = {}
        for _ in range(40):
            with Http1(gateway.address) as client:
                client.request("GET", LISTING[owner])
            usable = {labels["member"]: value for labels, value in gateway.prometheus("ai_bridge_pool_usable") if labels["provider"] == owner}
            if usable and all(usable.values()):
                break
            time.sleep(0.3)
        assert usable and all(usable.values()), (owner, usable)


LISTING = {owner: f"/{owner}/v1/models" for owner in ("first", "sessions", "mapped", "external")} | {"azure": "/azure/openai/v1/models"}


def ask(gateway: Gateway, owner: str = "first", headers: dict[str, str] | None = None, body: bytes = BODY, path: str = "/v1/messages") -> Any:
    with Http1(gateway.address) as client:
        return client.request("POST", f"/{owner}{path}", [("content-type", "application/json"), *(headers or {}).items()], body)


def test_a_429_and_a_529_are_followed_by_the_next_members(gateway: Gateway, pool: Pool, records: Records) -> None:
    pool.begin(a=(429, {"retry-after": "1"}), b=(529, {"retry-after": "1"}))
    answer = ask(gateway)
    assert (answer.status, answer.json()["id"]) == (200, "msg_1")
    assert answer.header("x-ai-bridge-retry") is None
    assert pool.asked() == ["a", "b", "c"]
    for name, server in pool.servers.items():
        got = server.only()
        assert (got.target, got.header("host")) == (f"/base-{name}/v1/messages", f"{name}.example:{pool.addresses[name][1]}")
        assert got.header("x-api-key") == KEYS[name] and bytes(got.body) == BODY
        assert [header for header in CREDENTIALS if got.all(header)] == ["x-api-key"]
    record = records.one()
    assert [(each["member"], each["status"]) for each in record["attempts"]] == [("a", 429), ("b", 529), ("c", 200)]
    assert record["notes"] == ["failover"] and record["outcome"] == "completed"
    assert record["upstream"]["cluster"] == "first-c" and record["upstream"]["host"].startswith("c.example")
    assert record["credential"] == {"kind": "centralized", "hint": "ke...89"}
    assert record["usage"]["input_tokens"] == 3


def refuse(exchange: Exchange) -> None:
    """Closes the connection with a reset, before any answer."""
    exchange.read_body()
    exchange.reset()


def attempts(record: Any) -> list[tuple[str, Any]]:
    return [(each["member"], each.get("status", each.get("error"))) for each in record["attempts"]]


@pytest.mark.parametrize("status", [401, 429, 500, 502, 503, 504, 529])
def test_an_answer_worth_another_attempt_gets_one(gateway: Gateway, pool: Pool, records: Records, status: int) -> None:
    owner = "refused" if status == 401 else "first"          # a refused key is aside for a minute
    pool.begin(a=(status, {"retry-after": "1"}))
    assert ask(gateway, owner).status == 200
    assert attempts(records.one()) == [("a", status), ("b", 200)]
    labels = {"provider": owner, "from": "a", "to": "b", "reason": str(status)}
    assert labels in [found for found, _ in gateway.prometheus("ai_bridge_failover_total")]
    assert usable(gateway, owner)["a"] == (0 if status in (401, 429, 503, 529) else 1)


def usable(gateway: Gateway, owner: str = "first") -> dict[str, float]:
    """The gauges after the next request, which is passthrough and refused before it goes up."""
    ask(gateway, owner)
    return {labels["member"]: value for labels, value in gateway.prometheus("ai_bridge_pool_usable") if labels["provider"] == owner}


@pytest.mark.parametrize("status", [400, 403, 404, 413, 501])
def test_an_answer_about_the_request_gets_none_and_sets_nothing_aside(gateway: Gateway, pool: Pool, records: Records, status: int) -> None:
    pool.begin(a=(status, {"retry-after": "77"}))
    answer = ask(gateway)
    assert (answer.status, answer.header("retry-after"), answer.json()["error"]["type"]) == (status, "77", "some_error")
    assert attempts(records.one()) == [("a", status)] and pool.asked() == ["a"]
    assert usable(gateway) == {"a": 1, "b": 1, "c": 1}


def test_resets_are_followed_by_the_next_member(gateway: Gateway, pool: Pool, records: Records) -> None:
    pool.begin(a=refuse, b=refuse)
    assert ask(gateway).status == 200
    assert attempts(records.one()) == [("a", "reset"), ("b", "reset"), ("c", 200)]


def test_slow_headers_are_followed_by_the_next_member(gateway: Gateway, pool: Pool, records: Records) -> None:
    def slow(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.wait_until_gone()

    pool.begin(a=slow)
    assert ask(gateway).status == 200
    record = records.one()
    assert attempts(record) in ([("a", "timeout"), ("b", 200)], [("a", "reset"), ("b", 200)])
    assert record["attempts"][0]["ms"] >= 950 * TIMEOUT_SECONDS


def test_the_second_attempt_has_nothing_of_the_first(gateway: Gateway, pool: Pool, records: Records) -> None:
    """Envoy hands on the headers that the attempt before has edited."""
    pool.begin(a=SOON, b=SOON)
    sent = {"x-deployment": "the client's", "anthropic-version": "2023-06-01"}
    assert ask(gateway, "mapped", sent).status == 200
    a, b, c = (server.only() for server in pool.servers.values())
    for got, deployment, model in ((a, "the client's", b"claude-opus-4"), (b, "b", b"opus on b"), (c, "the client's", b"claude-opus-4")):
        assert got.all("x-deployment") == [deployment] and got.all("anthropic-version") == ["2023-06-01"]
        assert bytes(got.body) == BODY.replace(b"claude-opus-4", model)
    assert a.header("content-length") == c.header("content-length") == str(len(BODY))
    assert b.header("content-length") is None and b.header("transfer-encoding") == "chunked"
    assert a.names() == c.names() and {*b.names(), "content-length"} == {*a.names(), "transfer-encoding"}
    assert records.one()["model"] == {"requested": "claude-opus-4", "served": "claude-x"}


def test_external_keys_are_not_set_and_no_other_key_is_left(gateway: Gateway, pool: Pool) -> None:
    pool.begin(a=SOON)
    assert ask(gateway, "external").status == 200
    got = pool.servers["b"].only()
    assert not [header for header in CREDENTIALS if got.all(header)]


def test_a_callers_own_key_is_sent_once_untouched_to_the_first_member(gateway: Gateway, pool: Pool, records: Records) -> None:
    pool.begin(a=(429, {"retry-after": "9"}))
    answer = ask(gateway, headers={"x-api-key": "sk-ant-my-own-0123456789"})
    assert (answer.status, answer.header("retry-after")) == (429, "9")
    got = pool.servers["a"].only()
    assert got.header("x-api-key") == "sk-ant-my-own-0123456789" and got.target == "/base-a/v1/messages"
    assert got.header("host").startswith("a.example")
    record = records.one()
    assert "attempts" not in record and record["credential"]["kind"] == "byok" and record["notes"] == []
    assert pool.asked() == ["a"] and usable(gateway)["a"] == 1


def test_a_callers_own_key_of_another_vendor_is_refused(gateway: Gateway, pool: Pool) -> None:
    assert ask(gateway, headers={"x-api-key": "sk-proj-0123456789abcdef"}).status == 403
    assert pool.asked() == []


def test_a_callers_own_key_may_have_a_cluster_of_its_own(gateway: Gateway, pool: Pool, records: Records) -> None:
    body = json.dumps({"model": "gpt-5", "messages": []}).encode()
    answer = ask(gateway, "azure", {"api-key": "my-own-0123456789"}, body, "/openai/v1/chat/completions")
    assert answer.status == 200 and pool.asked() == ["a"]
    assert pool.servers["a"].only().header("api-key") == "my-own-0123456789"
    assert records.one()["upstream"]["cluster"] == "own"


def test_passthrough_goes_once_to_the_first_usable_member(gateway: Gateway, pool: Pool) -> None:
    pool.begin(a=(429, {"retry-after": "1"}))
    for member in ("a", "b"):
        pool.servers["b"].begin(script(200))
        with Http1(gateway.address) as client:
            answer = client.request("GET", "/first/v1/models?x=%2f")
        got = pool.servers[member].requests[-1]
        assert (got.target, got.header("x-api-key")) == (f"/base-{member}/v1/models?x=%2f", KEYS[member])
        assert answer.header("x-ai-bridge-retry") is None
    assert pool.asked() == ["a", "b"]


def test_a_member_that_is_aside_is_passed_over_by_all_workers_until_its_time(gateway: Gateway, pool: Pool) -> None:
    pool.begin(a=(429, {"retry-after": "2"}))
    assert ask(gateway).status == 200
    began = time.monotonic()
    pool.begin()
    for _ in range(30):
        assert ask(gateway).status == 200
    assert set(pool.asked()) == {"b"} and time.monotonic() - began < 1.9
    time.sleep(2.1)
    pool.begin()
    assert ask(gateway).status == 200 and pool.asked() == ["a"]


def test_with_all_set_aside_the_first_one_back_is_asked(gateway: Gateway, pool: Pool, records: Records) -> None:
    pool.begin(a=(429, {"retry-after": "9"}), b=(429, {"retry-after": "3"}), c=(529, {"retry-after": "7"}))
    answer = ask(gateway)
    assert (answer.status, answer.header("retry-after")) == (529, "3")
    assert answer.json()["error"]["type"] == "some_error"
    assert attempts(records.one()) == [("a", 429), ("b", 429), ("c", 529)]
    pool.begin(b=(429, {"retry-after": "5", "retry-after-ms": "5000"}))
    answer = ask(gateway)
    assert answer.status == 429 and 4 <= int(answer.header("retry-after")) <= 7 and answer.header("retry-after-ms") is None
    assert attempts(records.one()) == [("b", 429)]


def test_no_failure_is_answered_twice_after_response_headers(gateway: Gateway, pool: Pool, records: Records) -> None:
    def breaks(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(b"event: ping\ndata: {}\n\n")
        time.sleep(0.2)
        exchange.reset()

    pool.begin(a=breaks)
    with Http1(gateway.address) as client:
        client.start("POST", "/first/v1/messages", [("content-type", "application/json"), ("content-length", str(len(BODY)))])
        client.send(BODY, end=True)
        assert client.head().status == 200
    record = records.one()
    assert attempts(record) == [("a", 200)] and record["outcome"] in ("aborted_upstream", "aborted_client")
    assert pool.asked() == ["a"]


def test_the_first_byte_goes_up_before_the_client_sends_its_second(gateway: Gateway, pool: Pool, records: Records) -> None:
    at_b: list[bytes] = []

    def early(exchange: Exchange) -> None:
        exchange.read_at_least(1)
        exchange.reply(529, {})

    def whole(exchange: Exchange) -> None:
        at_b.append(exchange.read_body())
        exchange.reply(200, ANSWER)

    pool.begin(a=early, b=whole)
    with Http1(gateway.address) as client:
        client.start("POST", "/first/v1/messages", [("content-type", "application/json"), ("content-length", str(len(BODY)))])
        client.send(BODY[:1])
        pool.servers["a"].wait_until(lambda: bool(pool.servers["a"].requests and pool.servers["a"].requests[0].body), "the first byte arrives")
        pool.servers["b"].wait_until(lambda: bool(pool.servers["b"].requests and pool.servers["b"].requests[0].body), "the retry starts before the upload is complete")
        client.send(BODY[1:], end=True)
        assert client.answer().status == 200
    assert at_b == [BODY]
    assert attempts(records.one()) == [("a", 529), ("b", 200)]


def test_a_session_keeps_its_member_and_moves_once(gateway: Gateway, pool: Pool, records: Records) -> None:
    session = {"x-claude-code-session-id": "11111111-2222-3333-4444-555555555555", "user-agent": "claude-cli/2.0.0 (external, cli)"}
    for _ in range(10):
        assert ask(gateway, "sessions", session).status == 200
    found = records.all()
    home = found[0]["affinity"]["member"]
    assert [record["affinity"] for record in found] == [{"member": home}] * 10
    assert pool.asked() == [home] * 10

    pool.begin(**{home: (529, {"retry-after": "1"})})
    assert ask(gateway, "sessions", session).status == 200
    record = records.one()
    away = record["affinity"]["member"]
    assert record["affinity"] == {"member": away, "moved": True} and away != home
    pool.begin()
    time.sleep(1.2)
    for _ in range(10):
        assert ask(gateway, "sessions", session).status == 200
    assert [record["affinity"] for record in records.all()] == [{"member": away}] * 10
    assert pool.asked() == [away] * 10


def test_a_member_cannot_ask_for_an_attempt_or_hide_its_answer(gateway: Gateway, pool: Pool, records: Records) -> None:
    pool.begin(a=(200, {"x-ai-bridge-retry": "1", "x-ai-bridge-reason": "pool_not_ready"}))
    answer = ask(gateway)
    assert answer.status == 200 and pool.asked() == ["a"] and answer.header("x-ai-bridge-retry") is None
    assert attempts(records.one()) == [("a", 200)]


def test_a_client_cannot_choose_the_member_or_the_number_of_attempts(gateway: Gateway, pool: Pool) -> None:
    pool.begin(a=SOON, b=SOON, c=SOON)
    evil = {"x-ai-bridge-pool": "first/c", "x-ai-bridge-attempt": "x", "x-ai-bridge-retry": "1", "x-envoy-max-retries": "20", "x-envoy-retry-on": "5xx,retriable-4xx"}
    assert ask(gateway, headers=evil).status == 429
    assert pool.asked() == ["a", "b", "c"]


def test_without_the_main_filter_the_reply_is_503_and_no_key_is_sent(gateway: Gateway, pool: Pool, records: Records) -> None:
    answer = ask(gateway, "apart")
    assert (answer.status, answer.header("retry-after"), answer.header("x-ai-bridge-reason")) == (503, "1", None)
    assert answer.json()["error"]["type"] == "overloaded_error" and pool.asked() == []
    record = records.one()
    assert record["error"]["code"] == "pool_not_ready" and "attempts" not in record
    with Http1(gateway.address) as client:
        assert client.request("GET", "/apart/v1/models").status == 503
    assert pool.asked() == []


def test_forty_failovers_at_once_are_all_answered(gateway: Gateway, pool: Pool) -> None:
    pool.begin(a=500, b=500)
    with concurrent.futures.ThreadPoolExecutor(40) as clients:
        answers = list(clients.map(lambda _: ask(gateway).status, range(120)))
    assert answers == [200] * 120


def test_a_client_that_leaves_is_no_failure_of_the_member(gateway: Gateway, pool: Pool, records: Records) -> None:
    arrived = threading.Event()

    def waits(exchange: Exchange) -> None:
        exchange.read_body()
        arrived.set()
        exchange.wait_until_gone()

    pool.begin(a=waits)
    with Http1(gateway.address) as client:
        client.start("POST", "/first/v1/messages", [("content-type", "application/json"), ("content-length", str(len(BODY)))])
        client.send(BODY, end=True)
        assert arrived.wait(10)
    record = records.one()
    assert record["outcome"] == "aborted_client"
    assert [set(attempt) for attempt in record["attempts"]] == [{"member", "ms"}]
    assert usable(gateway)["a"] == 1


def test_trailers_and_http2_reach_the_members(gateway: Gateway, pool: Pool, records: Records) -> None:
    pool.begin(a=SOON)
    with Http2(gateway.address) as client:
        client.start("POST", "/mapped/v1/messages", [("content-type", "application/json")])
        client.send(BODY)
        client.trail([("x-trailer", "1")])
        assert client.head().status == 200
        client.read()
    assert bytes(pool.servers["b"].only().body) == BODY.replace(b"claude-opus-4", b"opus on b")
    assert attempts(records.one()) == [("a", 429), ("b", 200)]
