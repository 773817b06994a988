"""What the official SDKs show when the gateway says no: one request, its sentence, and the record's id.

tests/sdk/stops.py and stops.mjs make the calls, with the retries that the SDKs have by default.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Iterator

import pytest

from client import Http1
from conftest import assert_alive
from gateway import Gateway
from render import REPOSITORY, render
from samples import JSON, MESSAGES, messages_request, responses_request
from test_sdks import COMMANDS, PROGRAMS, SECONDS, Mock, environment, reason_to_skip, url

sys.path.append(str(REPOSITORY / "tests" / "agents"))

from stops import LONG, OF_ANTHROPIC, OF_OPENAI, STOPS, each_provider, plugin_for  # noqa: E402

PROGRAM = {"python": PROGRAMS / "stops.py", "javascript": PROGRAMS / "stops.mjs"}
CALLS = ["messages", "messages, streamed", "chat_completions", "responses"]
CODES = {"budget": "budget_exhausted", "model": "model_denied", "credential": "missing_credential", "vendor": "wrong_vendor_credential", "down": "service_unavailable"}
TOKEN = "gw_agent-token-0123456789"
# What leaves no record has no id.
WITHOUT_RECORD = ("url", "authentication")


@pytest.fixture(scope="module", params=["budget", "model", "credential", "url", "authentication", "down"])
def stopped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Gateway]]:
    """A gateway that says no in one way."""
    stop = STOPS[request.param]
    settings = {"breaker": LONG, **stop.render}
    directory = tmp_path_factory.mktemp(request.param)
    with Mock() as mock, Gateway(render(mock.address, plugin=plugin_for(stop.plugin), change=lambda config: stop.change(config, directory), **settings)) as gateway:
        if request.param == "budget":
            ask(gateway, MESSAGES, messages_request())
            gateway.wait_for_record(1)
        if request.param == "down":
            open_circuits(gateway)
        yield request.param, gateway
        assert_alive(gateway)


def ask(gateway: Gateway, path: str, body: bytes) -> int:
    with Http1(gateway.address) as client:
        return client.request("POST", path, [JSON, ("authorization", f"Bearer {TOKEN}")], body).status


def open_circuits(gateway: Gateway) -> None:
    """Those of Anthropic and OpenAI; returns when all records of that are written."""
    failures = len(gateway.records()) + 10
    for cluster, path, body in (("anthropic", MESSAGES, messages_request), ("openai", "/openai/v1/responses", responses_request)):
        for _ in range(5):
            assert ask(gateway, path, body(model="mock-error-503")) == 503
        name = f"cluster.{cluster}.outlier_detection.ejections_active"
        gateway.wait_until(lambda: gateway.stats(f"^{name}$").get(name) == 1, f"the circuit of {cluster} opens")
    gateway.wait_for_record(failures)


def make_calls(language: str, *arguments: str) -> list[Any]:
    if missing := reason_to_skip(language):
        (pytest.fail if os.environ.get("REQUIRE_SERVERS") == "1" else pytest.skip)(missing)
    program, _, *rest = COMMANDS[language]
    done = subprocess.run([program, PROGRAM[language], *rest, *arguments], capture_output=True, text=True, timeout=SECONDS, env=environment())
    assert done.returncode == 0, done.stderr
    calls = [json.loads(line) for line in done.stdout.splitlines()]
    assert [call["name"] for call in calls] == CALLS
    return calls


@pytest.mark.parametrize("language", COMMANDS)
def test_an_sdk_shows_the_gateways_sentence_and_the_records_id(stopped, language):
    name, gateway = stopped
    stop, base = STOPS[name], url(gateway.address)
    seen = len(gateway.records())
    calls = make_calls(language, f"{base}/anthropic{'/v1' if name == 'url' else ''}", f"{base}/openai{'' if name == 'url' else '/v1'}", TOKEN)
    for call in calls:
        assert call["status"] == stop.status, call
        assert "AI gateway: " in call["message"] and any(words in call["message"].replace('\\"', '"') for words in stop.says), call
    if name in WITHOUT_RECORD:
        assert len(gateway.records()) == seen and not any(call.get("request_id") for call in calls)
        return
    requests_a_call = 3 if name == "down" else 1    # asked again, twice: the exception names the last one
    gateway.wait_for_record(seen + requests_a_call * len(calls))
    records = gateway.records()[seen:]
    assert [record["error"]["code"] for record in records] == [CODES[name]] * requests_a_call * len(calls)
    assert [call["request_id"] for call in calls] == [record["id"] for record in records[requests_a_call - 1::requests_a_call]]


@pytest.mark.parametrize("language", COMMANDS)
def test_an_sdk_shows_that_a_key_is_of_another_vendor(language):
    with Mock() as mock, Gateway(render(mock.address)) as gateway:
        base = url(gateway.address)
        for key, of_another in ((OF_OPENAI, CALLS[:2]), (OF_ANTHROPIC, CALLS[2:])):
            for call in make_calls(language, f"{base}/anthropic", f"{base}/openai/v1", key):
                expected = 403 if call["name"] in of_another else None
                assert call.get("status") == expected, call
                assert expected is None or (STOPS["vendor"].says[0] in call["message"] and call["request_id"])
        gateway.wait_for_record(2 * len(CALLS))
        assert len(gateway.records()) == 2 * len(CALLS)
        assert_alive(gateway)


@pytest.mark.parametrize("language", COMMANDS)
def test_an_open_circuit_is_served_at_an_sdks_first_retry(language):
    patient = each_provider(open_retry_after_seconds=16)
    breaker = {"interval": "0.1s", "base_ejection_time": "15s", "max_ejection_time": "15s"}
    with Mock() as mock, Gateway(render(mock.address, plugin=patient, breaker=breaker)) as gateway:
        open_circuits(gateway)
        seen = len(gateway.records())
        calls = make_calls(language, f"{url(gateway.address)}/anthropic", f"{url(gateway.address)}/openai/v1", TOKEN)
        assert [call["error"] for call in calls] == [None] * len(calls)
        gateway.wait_for_record(seen + len(calls) + 1)
        outcomes = [record["outcome"] for record in gateway.records()[seen:]]
        assert outcomes.count("unavailable") in (1, 2) and outcomes[0] == "unavailable" and outcomes[1] == "completed", outcomes
        assert outcomes.count("completed") == len(calls)
        assert_alive(gateway)
