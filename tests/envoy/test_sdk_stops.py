"""What the official SDKs show when the gateway says no: one request, its sentence, and the record's id.

tests/sdk/stops.py and stops.mjs make the calls, with the retries that the SDKs have by default. Both languages ask at the
same time, because of an open circuit they wait for seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, TimeoutError     # before Python 3.11 not the built-in one
from contextlib import ExitStack
from typing import Any, Iterator

import pytest

from client import Http1
from conftest import assert_alive
from gateway import Gateway, die_with_parent
from render import REPOSITORY, render
from samples import JSON, MESSAGES, messages_request, responses_request
from test_sdks import COMMANDS, PROGRAMS, SECONDS, Mock, environment, reason_to_skip, url

sys.path.append(str(REPOSITORY / "tests" / "agents"))

from stops import LONG, OF_ANTHROPIC, OF_OPENAI, STOPS, each_provider, plugin_for  # noqa: E402

PROGRAM = {"python": PROGRAMS / "stops.py", "javascript": PROGRAMS / "stops.mjs"}
NAMED = {"python": "SDK (Python)", "javascript": "SDK (JS)"}
APIS = {"messages": "messages", "messages, streamed": "messages", "chat_completions": "chat_completions", "responses": "responses"}
CODES = {"budget": "budget_exhausted", "model": "model_denied", "credential": "missing_credential", "vendor": "wrong_vendor_credential", "down": "service_unavailable"}
TOKEN = "gw_agent-token-0123456789"
# What leaves no record has no id.
WITHOUT_RECORD = ("url", "authentication")


class Sdks:
    """The running program of one language. Its SDKs are loaded once, so that the calls begin when a test asks for them."""

    def __init__(self, language: str) -> None:
        program, _, *rest = COMMANDS[language]
        self._process = subprocess.Popen(
            [program, PROGRAM[language], *rest], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(), preexec_fn=die_with_parent
        )

    def __enter__(self) -> "Sdks":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.communicate()

    def kill(self) -> None:
        self._process.kill()

    def ready(self) -> None:
        assert self._process.stdout.readline() == "ready\n", "the SDKs do not load: see its errors"

    def calls(self, *arguments: str) -> list[Any]:
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        calls = json.loads(self._process.stdout.readline() or "null")
        assert calls and [call["name"] for call in calls] == list(APIS), "the program ended: see its errors"
        return calls


class Everyone:
    """The programs of all languages that can run here."""

    def __init__(self, sdks: dict[str, Sdks]) -> None:
        self._sdks = sdks
        self._each(lambda sdk: sdk.ready())

    def calls(self, anthropic: str, openai: str, key: str = TOKEN) -> dict[str, list[Any]]:
        """What each language sees, which all ask at the same time."""
        return self._each(lambda sdk: sdk.calls(anthropic, openai, key))

    def _each(self, ask: Any) -> dict[str, Any]:
        with ThreadPoolExecutor() as pool:
            asked = {language: pool.submit(ask, sdk) for language, sdk in self._sdks.items()}
            try:
                return {language: future.result(SECONDS) for language, future in asked.items()}
            except TimeoutError:
                for sdk in self._sdks.values():
                    sdk.kill()
                raise


@pytest.fixture(scope="module")
def everyone() -> Iterator[Everyone]:
    missing = {language: why for language in COMMANDS if (why := reason_to_skip(language))}
    if missing and os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(str(missing))
    with ExitStack() as stack:
        yield Everyone({language: stack.enter_context(Sdks(language)) for language in COMMANDS if language not in missing})


def of(language: str, calls: dict[str, list[Any]]) -> list[Any]:
    """The calls of one language."""
    return calls[language] if language in calls else pytest.skip(reason_to_skip(language))


def records_of(language: str, gateway: Gateway) -> list[Any]:
    """The records of one language, by their begin."""
    found = [record for record in gateway.records() if record["client"].endswith(NAMED[language])]
    return sorted(found, key=lambda record: record["started_at"])


@pytest.fixture(scope="module", params=["budget", "model", "credential", "url", "authentication", "down"])
def stopped(request: pytest.FixtureRequest, everyone: Everyone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Gateway, Any]]:
    """A gateway that says no in one way, and what every language's SDKs have seen of it."""
    name = request.param
    stop = STOPS[name]
    settings = {"breaker": LONG, **stop.render}
    directory = tmp_path_factory.mktemp(name)
    with Mock() as mock, Gateway(render(mock.address, plugin=plugin_for(stop.plugin), change=lambda config: stop.change(config, directory), **settings)) as gateway:
        if name == "budget":
            ask(gateway, MESSAGES, messages_request())
            gateway.wait_for_record(1)
        if name == "down":
            open_circuits(gateway)
        base = url(gateway.address)
        yield name, gateway, everyone.calls(f"{base}/anthropic{'/v1' if name == 'url' else ''}", f"{base}/openai{'' if name == 'url' else '/v1'}")
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
    for cluster in ("anthropic", "openai"):
        gateway.wait_until_open(cluster)
    gateway.wait_for_record(failures)


@pytest.mark.parametrize("language", COMMANDS)
def test_an_sdk_shows_the_gateways_sentence_and_the_records_id(stopped, language):
    name, gateway, seen = stopped
    stop, calls = STOPS[name], of(language, seen)
    for call in calls:
        assert call["status"] == stop.status, call
        assert "AI gateway: " in call["message"] and any(words in call["message"].replace('\\"', '"') for words in stop.says), call
    if name in WITHOUT_RECORD:
        gateway.settle()
        assert records_of(language, gateway) == [] and not any(call.get("request_id") for call in calls)
        return
    requests_a_call = 3 if name == "down" else 1    # asked again, twice: the exception names the last one
    gateway.wait_until(lambda: len(records_of(language, gateway)) >= requests_a_call * len(calls), "every request has its record")
    records = records_of(language, gateway)
    assert [record["error"]["code"] for record in records] == [CODES[name]] * requests_a_call * len(calls)
    for api in set(APIS.values()):
        last = [record["id"] for record in records if record["api"] == api][requests_a_call - 1::requests_a_call]
        assert {call["request_id"] for call in calls if APIS[call["name"]] == api} == set(last), api


def test_an_sdk_shows_that_a_key_is_of_another_vendor(everyone):
    with Mock() as mock, Gateway(render(mock.address)) as gateway:
        base = url(gateway.address)
        asked = 0
        for key, vendor in ((OF_OPENAI, "messages"), (OF_ANTHROPIC, "")):
            for calls in everyone.calls(f"{base}/anthropic", f"{base}/openai/v1", key).values():
                asked += len(calls)
                for call in calls:
                    expected = 403 if (APIS[call["name"]] == "messages") == bool(vendor) else None
                    assert call.get("status") == expected, call
                    assert expected is None or (STOPS["vendor"].says[0] in call["message"] and call["request_id"])
        gateway.wait_for_record(asked)
        gateway.settle()
        assert len(gateway.records()) == asked
        assert_alive(gateway)


def test_an_open_circuit_is_served_at_an_sdks_first_retry(everyone):
    patient = each_provider(open_retry_after_seconds=8)
    breaker = {"interval": "0.1s", "base_ejection_time": "6s", "max_ejection_time": "6s"}
    with Mock() as mock, Gateway(render(mock.address, plugin=patient, breaker=breaker)) as gateway:
        open_circuits(gateway)
        seen = everyone.calls(f"{url(gateway.address)}/anthropic", f"{url(gateway.address)}/openai/v1")
        for language, calls in seen.items():
            assert [call["error"] for call in calls] == [None] * len(calls)

            def outcomes() -> list[str]:
                return [record["outcome"] for record in records_of(language, gateway)]

            gateway.wait_until(lambda: outcomes().count("completed") == len(calls), "every answer has its record")
            gateway.wait_until(lambda: "unavailable" in outcomes(), "the refusal has its record")
            assert outcomes()[:2] == ["unavailable", "completed"], outcomes()
            assert outcomes().count("unavailable") in (1, 2), outcomes()
        assert_alive(gateway)
