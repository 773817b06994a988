"""Uploads to pools: paced, refused midway, larger than Envoy's copy, expecting 100, and under a configuration that changes."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from client import Http1, Http2
from conftest import Records, assert_alive
from gateway import Gateway
from pools import Member, configuration, gateway_of, key_of, plugin_of, refusal, tried
from pools import members  # noqa: F401 (a fixture)
from render import DiscoveredFilter
from samples import JSON, MESSAGE, MESSAGES, TOKEN, messages_request
from upstream import Exchange, json_answer


def begin(client: Any, body: bytes, *headers: tuple[str, str]) -> None:
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body))), *headers])


def midway(status: int | None, count: int = 10) -> Any:
    """A script: fails when so many bytes of the body have come. `None`: by a reset."""

    def script(exchange: Exchange) -> None:
        exchange.read_at_least(count)
        if status is None:
            exchange.reset()
        else:
            exchange.reply(status, {"type": "error", "error": {"type": "api_error", "message": "no"}}, {"retry-after": "60"})
            # A connection that is closed with unread bytes is reset, which can overtake the answer.
            exchange.wait_until_gone()

    return script


@pytest.mark.parametrize("fails", [429, 500, None])
@pytest.mark.parametrize("http", [Http1, Http2])
def test_what_has_come_of_a_paced_upload_is_replayed_and_the_rest_follows(members, fails, http):
    one, two, three = members
    one.script, two.script = midway(fails), midway(fails, 30)
    body = messages_request(stream=False, prompt="x" * 2000)
    with gateway_of(*members) as gateway, http(gateway.address) as client:
        records = Records(gateway)
        begin(client, body)
        client.send(body[:10])
        two.wait_until(lambda: bool(two.requests) and len(two.requests[0].body) == 10, "the second member has what has come")
        client.send(body[10:30])
        three.wait_until(lambda: bool(three.requests) and len(three.requests[0].body) == 30, "the third member has what has come")
        for at in range(30, len(body), 100):
            client.send(body[at : at + 100], end=at + 100 >= len(body))
        answer = client.answer() if http is Http1 else client.head()
        assert answer.status == 200 and bytes(three.only().body) == body
        error = fails or "reset"
        assert tried(records.one()) == [("one", error), ("two", error), ("three", 200)]
        assert_alive(gateway)


def test_a_client_that_expects_100_is_told_to_go_on_and_its_body_is_replayed(members):
    members[0].script = refusal(529)
    body = messages_request(stream=False)
    with gateway_of(*members) as gateway, Http1(gateway.address) as client:
        records = Records(gateway)
        begin(client, body, ("expect", "100-continue"))
        assert client.read_interim() == 100
        client.send(body)
        assert client.answer().status == 200
        for member in members[:2]:
            received = member.only()
            assert bytes(received.body) == body and key_of(received) == member.key and "expect" not in received.names()
        assert tried(records.one()) == [("one", 529), ("two", 200)]


def test_a_request_that_is_refused_midway_is_no_failure_of_the_member(members):
    """The model comes late; what came before it is at the member then."""
    late = json.dumps({"max_tokens": 9, "messages": [{"role": "user", "content": "x" * 500}], "model": "denied"}).encode()
    config = configuration(plugin_of([each.entry() for each in members], models={"deny": ["denied"]}))
    with Gateway(config, concurrency=2, environment={}) as gateway, Http1(gateway.address) as client:
        records = Records(gateway)
        begin(client, late)
        client.send(late[:400])
        members[0].wait_until(lambda: bool(members[0].requests) and len(members[0].requests[0].body) == 400, "the beginning is at the first member")
        client.send(late[400:])
        assert client.answer().status == 400
        record = records.one()
        assert [each["member"] for each in record["attempts"]] == ["one"] and not {"status", "error"} & record["attempts"][0].keys(), record["attempts"]
        assert record["error"]["code"] == "model_denied"
        assert [len(each.requests) for each in members] == [1, 0, 0]
        assert_alive(gateway)


@pytest.mark.parametrize("fails", [429, 503, None])
def test_of_a_body_beyond_the_copy_no_second_member_gets_a_part(members, fails):
    """The first member fails before the body is larger than the copy, or after it: either way there is one whole answer."""
    one, two, _ = members
    body = messages_request(stream=False, prompt="x" * 2_000_000)
    one.script = midway(fails, 500_000)
    with gateway_of(*members, copied=100_000) as gateway, Http1(gateway.address) as client:
        records = Records(gateway)
        begin(client, body)
        client.send(body[:600_000])
        answer = client.head()
        assert answer.status == (fails or 503)
        client.close()
        record = records.one()
        assert tried(record) == [("one", fails or "reset")]
        assert ("not_retriable" in record["notes"]) == (fails is not None)
        assert two.requests == []
        assert_alive(gateway)


def test_a_body_that_outgrows_the_copy_while_it_is_replayed_fails_whole(members):
    """The replay is under way when the copy is full: then the second member's answer is the last."""
    one, two, three = members
    one.script = midway(429)
    two.script = midway(503, 400_000)
    body = messages_request(stream=False, prompt="x" * 2_000_000)
    with gateway_of(*members, copied=200_000) as gateway, Http1(gateway.address) as client:
        records = Records(gateway)
        begin(client, body)
        client.send(body[:1000])
        two.wait_until(lambda: bool(two.requests) and len(two.requests[0].body) == 1000, "the second member has the beginning")
        client.send(body[1000:600_000])
        assert client.head().status == 503
        client.close()
        record = records.one()
        assert tried(record) == [("one", 429), ("two", 503)] and three.requests == []
        assert {"failover", "not_retriable"} <= set(record["notes"])
        assert_alive(gateway)


def test_a_large_body_is_replayed_with_another_models_name_and_no_other_change(members):
    entries = [members[0].entry(), members[1].entry(models={"*": "deployment"})]
    members[0].script = refusal(529)
    config = configuration(plugin_of(entries))
    text = "y" * 3_000_000
    first = messages_request(stream=False, prompt=text)
    last = json.dumps({"max_tokens": 9, "messages": [{"role": "user", "content": text}], "model": "claude-opus-4-8", "stream": False}).encode()
    with Gateway(config, concurrency=2, environment={}) as gateway:
        for body in (first, last):
            for each in members:
                each.requests.clear()
            with Http1(gateway.address) as client:
                assert client.request("POST", MESSAGES, [JSON, TOKEN], body).status == 200
            [received] = members[1].requests
            assert bytes(received.body) == body.replace(b"claude-opus-4-8", b"deployment")
        assert_alive(gateway)


def test_requests_under_way_keep_their_members_when_the_configuration_changes(members, tmp_path: Path):
    """Two workers, and a new configuration of the main filter between the first attempt and the second."""
    one, two, _ = members
    arrived, go_on = threading.Semaphore(0), threading.Event()

    def held(exchange: Exchange) -> None:
        exchange.read_body()
        arrived.release()
        assert go_on.wait(60)
        exchange.reply(500, {})

    one.script = held
    # With sessions there is a route for every order.
    config = configuration(plugin_of([each.entry() for each in members], start="session"))
    discovered = DiscoveredFilter(config, tmp_path)
    body = messages_request(stream=False)
    statuses: list[int] = []

    def ask() -> None:
        with Http1(gateway.address) as client:
            statuses.append(client.request("POST", MESSAGES, [JSON, TOKEN], body).status)

    with Gateway(config, concurrency=2, environment={}) as gateway:
        records = Records(gateway)
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for each in threads:
            each.start()
        for _ in threads:
            assert arrived.acquire(timeout=30)
        reloads = lambda: sum(value for name, value in gateway.stats(r"^extension_config_discovery\.").items() if name.endswith(".config_reload"))  # noqa: E731
        before = reloads()
        # The order is another one, and the first member has another key.
        rotated = one.entry(key={"value": "sk-ant-rotated-0123456789"})
        changed = plugin_of([two.entry(), rotated, members[2].entry()], start="session")
        discovered.reconfigure(changed)
        gateway.wait_until(lambda: reloads() > before, "the configuration is taken")
        go_on.set()
        for each in threads:
            each.join(60)
        assert statuses == [200] * 12
        assert [tried(each) for each in records.all()] == [[("one", 500), ("two", 200)]] * 12
        assert {key_of(each) for each in one.requests} == {one.key} and {key_of(each) for each in two.requests} == {two.key}
        for each in members:
            each.requests.clear()
        two.script = refusal(500)
        one.script = json_answer(MESSAGE)
        # Each connection may come to either worker.
        gateway.wait_until(lambda: all(served(gateway, two) for _ in range(10)), "both workers follow")
        two.requests.clear()
        ask()
        assert statuses[-1] == 200 and len(two.requests) == 1 and key_of(one.requests[-1]) == "sk-ant-rotated-0123456789"
        assert_alive(gateway)


def served(gateway: Gateway, member: Member) -> bool:
    """Whether a request goes first to this member."""
    count = len(member.requests)
    with Http1(gateway.address) as client:
        client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
    return len(member.requests) > count
