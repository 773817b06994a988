"""10,000 requests to a pool whose members fail at random: a usable member answers each, with its own key, and one record.

Some clients upload slowly, some wait for 100, and the filter gets another configuration now and then.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from client import Answer, Http1, Reset
from conftest import assert_alive
from pools import Member, gateway_of, key_of
from render import DiscoveredFilter, wasm_of
from samples import JSON, MESSAGE, MESSAGES, TOKEN, messages_request
from upstream import Exchange

SEED = int(os.environ.get("SEED", "20261130"))
REQUESTS = int(os.environ.get("REQUESTS", "10000"))
CLIENTS = 12
BLOCK = 100         # so many requests in turn find a member in the same mood
RELOAD = 500        # after so many requests in turn the configuration is another one
PACED, EXPECTING = 0.1, 0.05        # the shares of slow uploads, and of clients that wait for 100
NAMES = ("one", "two", "three", "four", "five")

# What a member does during a block, and how likely it is. The long times aside are for the last member alone.
MOODS = {
    "well": 110, "slow": 4, "500": 2, "502": 2, "504": 2, "503": 3, "529": 3, "400": 2, "429 seconds": 4, "429 date": 3, "429 milliseconds": 3, "429 reset": 3,
    "reset before headers": 4, "reset after headers": 3, "half a body": 2, "refused": 4,
}
LONG = {"429 nothing": 2, "429 malformed": 2, "401": 3}
RETRIED = {401, 429, 500, 502, 503, 504, 529}
SLACK_SECONDS = 0.5


@dataclass
class Log:
    """What the members did: when each was set aside and until when, and when it answered well."""

    aside: list[tuple[str, float, float]] = field(default_factory=list)
    well: list[tuple[str, float, float]] = field(default_factory=list)      # the attempt's begin and end

    def was_aside(self, member: str, begin: float, end: float) -> bool:
        for name, since, until in self.aside:
            if name == member and since <= end + SLACK_SECONDS and until >= begin - SLACK_SECONDS:
                # An attempt that began while the refusal was on its way says nothing yet.
                back = min((ended for who, began, ended in self.well if who == member and began > since + SLACK_SECONDS), default=until)
                if back >= begin - SLACK_SECONDS:
                    return True
        return False

    def of(self, member: str, begin: float) -> tuple[str, list[Any], list[Any]]:
        """What was seen of a member near a time, in seconds relative to it."""

        def near(found: list[tuple[str, float, float]]) -> list[Any]:
            return [(round(since - begin, 3), round(until - begin, 3)) for name, since, until in found if name == member and since - begin < 1 and until - begin > -5]

        return member, near(self.aside)[-8:], near(self.well)[-8:]


def mood(member: str, number: int) -> str:
    drawn = random.Random(f"{SEED} {member} {number // BLOCK}")
    choices = {**MOODS, **LONG} if member == NAMES[-1] else MOODS
    return drawn.choices(list(choices), list(choices.values()))[0]


def body_of(number: int) -> bytes:
    drawn = random.Random(f"{SEED} body {number}")
    return messages_request(stream=False, prompt=f"{number} " + "x" * drawn.choice((10, 10, 10, 500, 5_000, 60_000)))


def answer_of(member: str, number: int) -> bytes:
    return json.dumps({**MESSAGE, "id": f"msg_{member}_{number}"}).encode()


def script_of(member: Member, log: Log) -> Any:
    strikes = itertools.count()

    def script(exchange: Exchange) -> None:
        received, began = exchange.received, time.monotonic()
        number = int(received.header("x-number") or "0")
        assert key_of(received) == member.key and received.head.count(b"sk-ant-") == 1, received.head
        assert received.target == "/v1/messages" and received.header("host") == f"127.0.0.1:{member.address[1]}"
        now = mood(member.name, number)
        if now == "reset before headers" and number % 2:
            exchange.reset()
            return
        if now == "half a body":
            exchange.read_at_least(5)
            exchange.reset()
            return
        assert exchange.read_body() == body_of(number), "a byte has changed"
        if now == "reset before headers":
            exchange.reset()
        elif now == "reset after headers":
            exchange.head(200, {"content-type": "application/json", "content-length": "500", "x-member": member.name})
            exchange.send(b'{"id":')
            time.sleep(0.05)
            exchange.reset()
        elif now in ("well", "slow", "refused"):
            time.sleep(0.2 if now == "slow" else 0)
            exchange.reply(200, answer_of(member.name, number), {"x-member": member.name})
            log.well.append((member.name, began, time.monotonic()))
        else:
            status, headers, seconds = failure(now, next(strikes))
            if seconds:
                log.aside.append((member.name, time.monotonic(), time.monotonic() + seconds))
            exchange.reply(status, {"type": "error", "error": {"type": "api_error", "message": now}}, {"x-member": member.name, **headers})

    return script


def failure(now: str, strikes: int) -> tuple[int, dict[str, str], float]:
    """Status, headers, and how long the member is then set aside."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=2)
    match now:
        case "429 seconds":
            return 429, {"retry-after": str(strikes % 3)}, max(strikes % 3, 1)
        case "429 date":
            return 429, {"retry-after": format_datetime(soon, usegmt=True)}, 3
        case "429 milliseconds":
            return 429, {"retry-after-ms": "1500"}, 1.5
        case "429 reset":
            return 429, {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": soon.strftime("%Y-%m-%dT%H:%M:%SZ")}, 3
        case "429 nothing":
            return 429, {}, 60
        case "429 malformed":
            return 429, {"retry-after": "soon"}, 60
        case "401":
            return 401, {}, 600
        case "503" | "529":
            return int(now), {"retry-after": "1"}, 1
    return int(now), {}, 0


def uploads(number: int) -> str:
    """How the client sends a request."""
    drawn = random.Random(f"{SEED} client {number}").random()
    return "paced" if drawn < PACED else "expecting" if drawn < PACED + EXPECTING else "at once"


def ask(connection: Http1, number: int) -> Answer:
    body, headers = body_of(number), [JSON, TOKEN, ("x-number", str(number)), ("x-request-id", f"n{number}")]
    how = uploads(number)
    if how == "at once":
        return connection.request("POST", MESSAGES, headers, body)
    headers.append(("content-length", str(len(body))))
    if how == "expecting":
        connection.start("POST", MESSAGES, [*headers, ("expect", "100-continue")])
        assert connection.read_interim() == 100
        connection.send(body)
    else:
        connection.start("POST", MESSAGES, headers)
        third = len(body) // 3
        for part in (body[:7], body[7:third], body[third : 2 * third], body[2 * third :]):
            connection.send(part)
            time.sleep(0.005)
    return connection.answer()


@dataclass
class Result:
    """What a client got."""

    begin: float
    end: float
    answer: Answer | None       # None: the connection broke


def test_a_usable_member_answers_every_request(tmp_path: Path):
    members = [Member(name) for name in NAMES]
    log = Log()
    for each in members:
        each.begin(script_of(each, log))
    results: dict[int, Result] = {}
    numbers = itertools.count(1)
    refusing: dict[str, float] = {}         # since when members refuse connections, or when they last did
    guard = threading.Lock()
    by_name = {each.name: each for each in members}

    def moods_of(number: int) -> None:
        with guard:
            for name, member in by_name.items():
                refuses = mood(name, number) == "refused"
                if refuses and refusing.get(name, 0) >= 0:
                    member.refuse()
                    refusing[name] = -1
                elif not refuses and refusing.get(name, 0) < 0:
                    member.accept()
                    refusing[name] = time.monotonic()

    starting = gateway_of(*members)
    plugin = json.loads(wasm_of(starting.config)["configuration"]["value"])
    discovered = DiscoveredFilter(starting.config, tmp_path)
    with starting as gateway:

        def client() -> None:
            connection = Http1(gateway.address)
            for number in numbers:
                if number > REQUESTS:
                    connection.close()
                    return
                if number % BLOCK == 0:
                    moods_of(number)
                if number % RELOAD == 0:
                    discovered.reconfigure({**plugin, "record": {"prompts": number // RELOAD % 2 == 0}})
                begin = time.monotonic()
                try:
                    answer = ask(connection, number)
                except (Reset, OSError):
                    answer = None
                    connection.close()
                    connection = Http1(gateway.address)
                results[number] = Result(begin, time.monotonic(), answer)

        threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        gateway.wait_for_record(REQUESTS, 60)
        gateway.settle()
        time.sleep(0.5)
        records = gateway.records()
        assert_alive(gateway)
    for each in members:
        each.close()
        assert not each.failures, each.failures[:3]
    assert len(results) == REQUESTS
    assert len(records) == REQUESTS and {each["request_id"] for each in records} == {f"n{number}" for number in results}, "one record each"
    outcomes: Counter[str] = Counter()
    for record in records:
        outcomes[judge(int(record["request_id"][1:]), record, results, log)] += 1
    print(SEED, dict(outcomes), Counter(len(each["attempts"]) for each in records))
    assert outcomes["answered"] >= 0.9 * REQUESTS and sum(count > 1 for count in (len(each["attempts"]) for each in records)) > REQUESTS / 50


def judge(number: int, record: Any, results: dict[int, Result], log: Log) -> str:
    """Checks one request; returns how it ended."""
    result = results[number]
    what = (SEED, number, record["attempts"], result)
    tried = [each["member"] for each in record["attempts"]]
    assert 1 <= len(tried) <= 3 and tried == sorted(tried, key=NAMES.index), what
    assert all(each.get("status", 429) in RETRIED for each in record["attempts"][:-1]), what
    last = record["attempts"][-1]
    assert ("failover" in record["notes"]) == (len(tried) > 1), what
    # Where every attempt failed before a slow upload was whole, Envoy's reply ends the connection, and may be lost with it.
    is_lost = result.answer is None and uploads(number) == "paced" and last.get("status") != 200
    if result.answer is None and not is_lost:
        # Broken off after the headers: nothing may follow.
        assert record["outcome"] == "aborted_upstream" and last["status"] == 200, what
        return "broken"
    status = result.answer.status if result.answer else last.get("status", 503)
    if result.answer and status == 200:
        assert last["status"] == 200 and result.answer.header("x-member") == last["member"], what
        assert result.answer.body == answer_of(last["member"], number), what
        assert record["outcome"] == "completed" and record["response"]["id"] == f"msg_{last['member']}_{number}", what
        return "answered"
    if status == 400:
        assert last["status"] == 400, what
        return "refused"
    # It failed: then no usable member was left within three attempts.
    left = [each for each in NAMES if each not in tried]
    usable = [each for each in left if not log.was_aside(each, result.begin, result.end)]
    assert len(tried) == 3 or not usable, (what, record["notes"], [log.of(each, result.begin) for each in usable])
    assert status == last.get("status", 503), what
    return "exhausted"
