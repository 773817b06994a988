"""Pools with the generated clusters and routes: another member answers where one fails, and each gets only its own key."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from client import Http1, Reset
from conftest import Records, assert_alive
from gateway import Gateway
from pools import Member, configuration, gateway_of, key_of, plugin_of, refusal, tried
from pools import members  # noqa: F401 (a fixture)
from samples import JSON, MESSAGE, MESSAGES, TOKEN, messages_request
from upstream import Exchange, json_answer

BODY = messages_request(stream=False)


def ask(gateway: Gateway, *more: tuple[str, str], path: str = MESSAGES, body: bytes = BODY) -> Any:
    with Http1(gateway.address) as client:
        return client.request("POST", path, [JSON, *(more or (TOKEN,))], body)


def asked(members: list[Member]) -> list[int]:
    return [len(each.requests) for each in members]


def test_the_next_member_answers_and_each_gets_only_its_own_key(members):
    one, two, three = members
    one.script, two.script = refusal(429, retry_after="60"), refusal(529)
    body = messages_request(stream=False, prompt="x" * 3_000_000)
    with gateway_of(*members) as gateway:
        records = Records(gateway)
        answer = ask(gateway, TOKEN, ("x-mine", "1"), body=body)
        assert (answer.status, answer.json()) == (200, MESSAGE)
        assert not [name for name, _ in answer.headers if name == "x-ai-bridge-retry"]
        for member in members:
            received = member.only()
            assert (key_of(received), received.header("host"), received.target, bytes(received.body)) == (member.key, f"127.0.0.1:{member.address[1]}", "/v1/messages", body)
            assert received.header("x-mine") == "1" and received.head.count(b"sk-ant-") == 1
            assert not [name for name in received.names() if name.startswith(("x-ai-bridge", "x-envoy")) or name == "x-forwarded-proto"]
        record = records.one()
        assert tried(record) == [("one", 429), ("two", 529), ("three", 200)]
        assert record["outcome"] == "completed" and "failover" in record["notes"]
        assert record["upstream"]["cluster"] == "anthropic-three"
        assert ask(gateway).status == 200
        assert asked(members) == [1, 1, 2], "members aside are passed over, by all workers"
        assert_alive(gateway)


@pytest.mark.parametrize("hidden", ["refused", "unresolvable"])
def test_a_dead_member_hides_none_behind_it(members, hidden):
    one, two, three = members
    entries = [each.entry() for each in members]
    if hidden == "refused":
        one.refuse()
    else:
        entries[0]["base_url"] = "http://nothing.invalid"
    plugin = plugin_of(entries)
    with Gateway(configuration(plugin), concurrency=2, environment={}) as gateway:
        records = Records(gateway)
        for _ in range(20):
            assert ask(gateway).status == 200
        assert asked(members)[1:] == [20, 0]
        for record in records.all():
            assert tried(record) == [("one", "connect_failure"), ("two", 200)]
        assert_alive(gateway)


def test_nothing_is_held_and_a_begun_upload_is_replayed(members):
    """The first byte is at the first member before the client sends its second."""
    one, two, _ = members

    def refuse_at_once(exchange: Exchange) -> None:
        exchange.read_at_least(10)
        exchange.reply(429, {}, {"retry-after": "60"})
        exchange.close()

    one.script = refuse_at_once
    with gateway_of(*members) as gateway, Http1(gateway.address) as client:
        client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(BODY)))])
        client.raw(BODY[:1])
        one.wait_until(lambda: bool(one.requests) and len(one.requests[0].body) == 1, "the first byte is at the first member")
        client.raw(BODY[1:20])
        two.wait_until(lambda: bool(two.requests) and len(two.requests[0].body) == 20, "what has come so far is at the second")
        client.raw(BODY[20:])
        assert client.answer().status == 200
        assert bytes(two.only().body) == BODY
        assert_alive(gateway)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_answer_about_the_request_is_final(members, status):
    members[0].script = refusal(status)
    with gateway_of(*members) as gateway:
        records = Records(gateway)
        for _ in range(3):
            assert ask(gateway).status == status
        assert asked(members) == [3, 0, 0]
        assert all(tried(each) == [("one", status)] for each in records.all())


def test_a_callers_own_key_goes_once_to_the_first_member(members):
    own = ("x-api-key", "sk-ant-api03-own-0123456789")

    def reset(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.reset()

    with gateway_of(*members) as gateway:
        records = Records(gateway)
        for script, status in ((refusal(429), 429), (reset, 503), (refusal(401), 401), (json_answer(MESSAGE), 200)):
            members[0].script = script
            assert ask(gateway, own).status == status
        assert asked(members) == [4, 0, 0]
        for received in members[0].requests:
            assert key_of(received) == own[1] and not [name for name in received.names() if name.startswith("x-ai-bridge")]
        found = records.all()
        assert [each["credential"]["kind"] for each in found] == ["byok"] * 4 and not any("attempts" in each for each in found)
        assert ask(gateway).status == 200 and key_of(members[0].requests[-1]) == members[0].key, "a caller's own key sets nothing aside"


def test_passthrough_goes_once_to_the_first_usable_member(members):
    members[0].script = refusal(429, retry_after="60")
    with gateway_of(*members) as gateway, Http1(gateway.address) as client:
        assert client.request("GET", "/anthropic/v1/models", [TOKEN]).status == 429
        assert asked(members) == [1, 0, 0]
        assert client.request("GET", "/anthropic/v1/models?limit=5", [TOKEN]).status == 200
        received = members[1].requests[0]
        assert (received.target, key_of(received)) == ("/v1/models?limit=5", members[1].key)


def test_where_all_are_aside_the_client_learns_when_one_is_back(members):
    for member, seconds in zip(members, ("300", "40", "200")):
        member.script = refusal(429, retry_after=seconds)
    with gateway_of(*members) as gateway:
        records = Records(gateway)
        for number in range(2):
            answer = ask(gateway)
            assert answer.status == 429 and 30 <= int(answer.header("retry-after")) <= 40
        assert asked(members) == [1, 2, 1], "then only the one that is back first is asked"
        assert [[member for member, _ in tried(each)] for each in records.all()] == [["one", "two", "three"], ["two"]]


def test_a_list_of_another_request_is_no_secret_door(members):
    """A client's own x-ai-bridge-pool neither chooses a member nor reaches one."""
    with gateway_of(*members) as gateway:
        for path, status in ((MESSAGES, 200), ("/elsewhere", 404)):
            for value in ("anthropic/three", "anthropic", "anthropic/two,three"):
                assert ask(gateway, TOKEN, ("x-ai-bridge-pool", value), ("x-ai-bridge-cluster", "anthropic-three"), path=path).status == status
        assert asked(members) == [3, 0, 0]


@pytest.mark.parametrize("value", ["anthropic/three", "anthropic"])
def test_outside_the_root_a_list_of_a_client_is_removed(members, value):
    with gateway_of(*members, root="/ai") as gateway:
        assert ask(gateway, ("authorization", "Bearer mine"), ("x-ai-bridge-pool", value), path="/v1/messages").status == 404
        assert asked(members) == [0, 0, 0]
        assert ask(gateway, path="/ai/anthropic/v1/messages").status == 200


def test_a_body_larger_than_the_copy_is_forwarded_and_not_tried_again(members):
    members[0].script = refusal(429, retry_after="60")
    with gateway_of(*members, copied=65536) as gateway:
        records = Records(gateway)
        body = messages_request(stream=False, prompt="x" * 1_000_000)
        assert ask(gateway, body=body).status == 429
        assert bytes(members[0].only().body) == body and asked(members) == [1, 0, 0]
        record = records.one()
        assert tried(record) == [("one", 429)] and "not_retriable" in record["notes"]
        assert ask(gateway).status == 200


@pytest.mark.parametrize("more,status", [(0, 200), (1, 429)])
def test_a_body_of_the_size_of_the_copy_is_tried_again_and_a_larger_one_not(members, more, status):
    body = messages_request(stream=False, prompt="x" * 100_000)
    members[0].script = refusal(429, retry_after="60")
    with gateway_of(*members, copied=len(body) - more) as gateway:
        assert ask(gateway, body=body).status == status
        assert asked(members) == [1, 1 - more, 0]
        assert all(bytes(received.body) == body for each in members for received in each.requests)


# === sessions ===


def session(name: str) -> tuple[tuple[str, str], ...]:
    return (TOKEN, ("user-agent", "claude-cli/2.0"), ("x-claude-code-session-id", name))


def turn(gateway: Gateway, name: str) -> Any:
    return ask(gateway, *session(name))


def test_a_session_keeps_its_member_while_others_fail_and_moves_once(members):
    """So that the prompt cache is lost once, and not twice."""
    with gateway_of(*members, start="session") as gateway:
        records = Records(gateway)
        assert turn(gateway, "s").status == 200
        home = next(each for each in members if each.requests)
        others = [each for each in members if each is not home]
        for each in others:
            each.script = refusal(529)
        for _ in range(19):
            assert turn(gateway, "s").status == 200
        assert len(home.requests) == 20 and not any(each.requests for each in others)
        for each in others:
            each.script = json_answer(MESSAGE)
        home.script = refusal(429, retry_after="1")
        assert turn(gateway, "s").status == 200
        away = next(each for each in others if each.requests)
        home.script = json_answer(MESSAGE)
        time.sleep(1.2)
        for _ in range(10):
            assert turn(gateway, "s").status == 200
        assert (len(home.requests), len(away.requests)) == (21, 11)
        found = [each["affinity"] for each in records.all()]
        assert found == [*[{"member": home.name}] * 20, {"member": away.name, "moved": True}, *[{"member": away.name}] * 10]
        assert_alive(gateway)


def test_sessions_are_spread_over_the_members(members):
    with gateway_of(*members, start="session") as gateway:
        for number in range(60):
            assert turn(gateway, f"session-{number}").status == 200
        assert all(count >= 5 for count in asked(members)) and sum(asked(members)) == 60


# === many at a time ===


def test_many_failovers_at_a_time_are_all_answered(members):
    """Envoy's default allows three retries at a time."""
    one, two, _ = members
    started = threading.Barrier(40, timeout=30)

    def together(exchange: Exchange) -> None:
        exchange.read_body()
        started.wait()
        exchange.reply(500, {})

    one.script = together
    statuses: list[int] = []
    with gateway_of(*members) as gateway:
        threads = [threading.Thread(target=lambda: statuses.append(ask(gateway).status)) for _ in range(40)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert statuses == [200] * 40 and asked(members) == [40, 40, 0]
        assert_alive(gateway)


def test_a_member_that_is_back_is_shown_while_no_requests_come(members):
    members[0].script = refusal(429, retry_after="2")
    with gateway_of(*members) as gateway:

        def shown(value: float) -> bool:
            return ({"provider": "anthropic", "member": "one"}, value) in gateway.prometheus("ai_bridge_pool_usable")

        gateway.wait_until(lambda: ask(gateway).status == 200 and shown(0.0), "one is aside")
        gateway.wait_until(lambda: shown(1.0), "one is back", 30)


def test_the_metrics_say_who_is_aside_and_who_took_over(members):
    members[0].script = refusal(429, retry_after="60")
    with gateway_of(*members) as gateway:
        assert ask(gateway).status == 200 and ask(gateway).status == 200
        gateway.wait_until(lambda: ({"provider": "anthropic", "member": "one"}, 0.0) in gateway.prometheus("ai_bridge_pool_usable"), "one is not usable")
        assert ({"provider": "anthropic", "member": "two"}, 1.0) in list(gateway.prometheus("ai_bridge_pool_usable"))
        assert list(gateway.prometheus("ai_bridge_pool_aside_total")) == [({"provider": "anthropic", "member": "one", "reason": "429"}, 1.0)]
        assert list(gateway.prometheus("ai_bridge_failover_total")) == [({"provider": "anthropic", "from": "one", "to": "two", "reason": "429"}, 1.0)]


def test_a_broken_answer_is_not_asked_for_again(members):
    """Nothing follows once response headers were passed on."""

    def half(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(b"event: ping\ndata: {}\n\n")
        time.sleep(0.2)
        exchange.reset()

    members[0].script = half
    with gateway_of(*members) as gateway:
        records = Records(gateway)
        with pytest.raises(Reset):
            ask(gateway, body=messages_request())
        record = records.one()
        assert (record["outcome"], tried(record), asked(members)) == ("aborted_upstream", [("one", 200)], [1, 0, 0])
        assert json.dumps(record).count("sk-ant") == 0
