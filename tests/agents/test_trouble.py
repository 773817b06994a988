"""What a user of each agent sees, and how often the agent asks, when the gateway says no."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from agents import CLAUDE_CODE, CODEX_PROVIDER, GITHUB_TOKEN, TOKEN, Agent, Run, copilot_hosted, copilot_own_models
from client import Http1
from conftest import LoggedMock, envoy_conftest
from gateway import Gateway
from render import connection_manager_of, render
from samples import JSON, MESSAGES, RESPONSES, messages_request, responses_request

AGENTS = {
    "claude-code": (CLAUDE_CODE, "anthropic"),
    "codex": (CODEX_PROVIDER, "openai"),
    "copilot": (copilot_hosted("gpt-5.5"), "copilot"),
    "copilot-own": (copilot_own_models("openai", "gpt-5.5", "responses"), "openai"),
}
PATHS = {"anthropic": MESSAGES, "openai": RESPONSES, "copilot": "/copilot/responses"}
LONG = {"interval": "0.1s", "base_ejection_time": "600s", "max_ejection_time": "600s"}
SHORT = {"interval": "0.1s", "base_ejection_time": "2s", "max_ejection_time": "2s"}


class Trouble:
    """A gateway, and what an agent meets there."""

    def __init__(self, gateway: Gateway, mock: LoggedMock) -> None:
        self.gateway, self.mock = gateway, mock

    def open_circuit(self, cluster: str) -> None:
        """Five failures of the provider, and Envoy has taken it out."""
        token = f"Bearer {GITHUB_TOKEN if cluster == 'copilot' else TOKEN}"
        body = messages_request(model="mock-error-503") if cluster == "anthropic" else responses_request(model="mock-error-503")
        for _ in range(5):
            with Http1(self.gateway.address) as client:
                assert client.request("POST", PATHS[cluster], [JSON, ("authorization", token)], body).status == 503
        name = f"cluster.{cluster}.outlier_detection.ejections_active"
        self.gateway.wait_until(lambda: self.gateway.stats(f"^{name}$").get(name) == 1, f"the circuit of {cluster} opens")

    def run(self, agent: Agent, environment: dict[str, str] | None = None, **more: Any) -> tuple[Run, list[Any]]:
        """What the agent did, and its records."""
        records = envoy_conftest.Records(self.gateway)
        self.mock.begin()
        ran = agent.run(self.gateway, self.mock.address, "hello", environment=environment, **more)
        found = [record for record in records.all() if "user_agent" in record]      # ours has none
        print(ran.code, ran.output, ran.errors, [(record["outcome"], record["response"]["status"] if record.get("response") else None) for record in found], self.mock.asked(), sep="\n")
        return ran, found


@pytest.fixture
def trouble(request: pytest.FixtureRequest, mock: LoggedMock) -> Iterator[Trouble]:
    """A gateway of its own: circuits stay open. The parameter says how it differs."""
    with Gateway(render(mock.address, **request.param)) as gateway:
        yield Trouble(gateway, mock)
        envoy_conftest.assert_alive(gateway)


def soon(seconds: int) -> Any:
    """The shipped plugin configuration, but an open circuit asks for this pause."""

    def change(plugin: Any) -> Any:
        for provider in plugin["providers"]:
            provider["open_retry_after_seconds"] = seconds
        return plugin

    return change


def over_budget(config: Any) -> None:
    """Answers 429 behind the filter, as the rate limit filter does when a budget is used up."""
    filters = connection_manager_of(config)["http_filters"]
    nothing_left = {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "86400s"}
    everything = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    filters.insert(
        -1,
        {
            "name": "budget",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
                "stat_prefix": "budget", "token_bucket": nothing_left,
                "filter_enabled": everything, "filter_enforced": everything,
                # The filter makes `retry-after` of it; without it that is 60.
                "response_headers_to_add": [{"header": {"key": "x-ratelimit-reset", "value": "1"}}],
            },
        },
    )


def refuse_models(plugin: Any) -> Any:
    """The shipped plugin configuration, but no model may be asked for."""
    for provider in plugin["providers"]:
        provider["models"] = {"allow": []}
    return plugin


def without_keys(plugin: Any) -> Any:
    """The shipped plugin configuration, but callers bring their own keys."""
    for provider in plugin["providers"]:
        provider.pop("key", None)
    return plugin


def authentication_says_no(config: Any) -> None:
    """In front of the filter, as budgets/envoy.yaml does with a token that has expired: in its own words, and without a record."""
    lua = 'function envoy_on_request(handle) handle:respond({[":status"] = "401", ["content-type"] = "text/plain", ["x-should-retry"] = "false"}, "Jwt is expired") end'
    filters = connection_manager_of(config)["http_filters"]
    filters.insert(0, {"name": "authentication", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua", "default_source_code": {"inline_string": lua}}})


# What each agent makes of it: how many questions it asks, and what its user reads.
# Copilot asks for the list of models first, which is not recorded, and ends there.
OPEN = {"claude-code": (3, "Repeated 529 Overloaded errors"), "codex": (30, "circuit breaker is open"), "copilot": (0, "503 circuit breaker is open"), "copilot-own": (6, "circuit breaker is open")}
BUDGET = {"claude-code": (1, "a limit of the gateway is reached"), "codex": (6, "exceeded retry limit, last status: 429"), "copilot": (0, "429 a limit of the gateway is reached"), "copilot-own": (1, "a limit of the gateway is reached")}
MODEL = {"claude-code": (6, "is not allowed"), "codex": (1, "is not allowed"), "copilot": (1, "is not allowed"), "copilot-own": (1, "is not allowed")}

NO_KEY = {"claude-code": (1, "a credential of your own is required"), "codex": (6, "a credential of your own is required"), "copilot-own": (1, "Authentication failed with provider")}
EXPIRED = {"claude-code": (2, "Jwt is expired"), "codex": (6, "Jwt is expired"), "copilot": (6, "Your GitHub token may be invalid, expired"), "copilot-own": (1, "Authentication failed with provider")}


@pytest.mark.parametrize("trouble", [{"breaker": LONG, "plugin": soon(1)}], indirect=True, ids=["open"])
@pytest.mark.parametrize("name", OPEN)
def test_an_open_circuit(trouble, name):
    agent, cluster = AGENTS[name]
    trouble.open_circuit(cluster)
    ran, found = trouble.run(agent)
    assert ran.code == 1
    assert (len(found), OPEN[name][1] in ran.output + ran.errors) == (OPEN[name][0], True)
    assert {(record["outcome"], record["response"]["status"]) for record in found} <= {("unavailable", 503)}
    assert not [line for line in trouble.mock.asked() if line.startswith("POST") and "telemetry" not in line], "the provider is left in peace"


@pytest.mark.parametrize("trouble", [{"breaker": SHORT, "plugin": soon(3)}], indirect=True, ids=["open"])
@pytest.mark.parametrize("name", ["claude-code", "codex"])
def test_an_agent_waits_as_told_and_goes_on_when_the_circuit_has_closed(trouble, name):
    agent, cluster = AGENTS[name]
    trouble.open_circuit(cluster)
    ran, found = trouble.run(agent)
    assert (ran.code, "You said: hello" in ran.output) == (0, True)
    assert [(record["outcome"], record["response"]["status"]) for record in found] == [("unavailable", 503), ("completed", 200)]


@pytest.mark.parametrize("trouble", [{"change": over_budget}], indirect=True, ids=["budget"])
@pytest.mark.parametrize("name", BUDGET)
def test_a_budget_that_is_used_up(trouble, name):
    agent, cluster = AGENTS[name]
    with Http1(trouble.gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, ("authorization", f"Bearer {TOKEN}")], messages_request()).status == 200
    ran, found = trouble.run(agent)
    assert ran.code == 1
    assert (len(found), BUDGET[name][1] in ran.output + ran.errors) == (BUDGET[name][0], True)
    assert {(record["outcome"], record["response"]["status"]) for record in found} <= {("rejected", 429)}


@pytest.mark.parametrize("trouble", [{"plugin": refuse_models}], indirect=True, ids=["model"])
@pytest.mark.parametrize("name", MODEL)
def test_a_model_that_is_not_allowed(trouble, name):
    agent, cluster = AGENTS[name]
    ran, found = trouble.run(agent)
    assert ran.code == 1
    assert (len(found), MODEL[name][1] in ran.output + ran.errors) == (MODEL[name][0], True)
    assert {(record["outcome"], record["response"]["status"], record["error"]["code"]) for record in found} <= {("rejected", 400, "model_denied")}


@pytest.mark.parametrize("trouble", [{"plugin": without_keys}], indirect=True, ids=["keyless"])
@pytest.mark.parametrize("name", NO_KEY)
def test_a_gateway_token_where_callers_bring_their_own_keys(trouble, name):
    agent, cluster = AGENTS[name]
    ran, found = trouble.run(agent)
    assert ran.code == 1
    assert (len(found), NO_KEY[name][1] in ran.output + ran.errors) == (NO_KEY[name][0], True)
    assert {(record["outcome"], record["response"]["status"], record["error"]["code"]) for record in found} <= {("rejected", 401, "missing_credential")}
    assert not [line for line in trouble.mock.asked() if line.startswith("POST") and "telemetry" not in line]


@pytest.mark.parametrize("trouble", [{"change": authentication_says_no}], indirect=True, ids=["expired"])
@pytest.mark.parametrize("name", EXPIRED)
def test_a_token_that_the_authentication_in_front_refuses(trouble, name):
    """It answers itself, so there is no record; Envoy counts the answers."""
    agent, _ = AGENTS[name]
    trouble.mock.begin()
    ran = agent.run(trouble.gateway, trouble.mock.address, "hello")
    trouble.gateway.settle()
    answered = trouble.gateway.stats("^http.ai_gateway.downstream_rq_4xx$")["http.ai_gateway.downstream_rq_4xx"]
    print(ran.code, ran.output, ran.errors, answered, trouble.mock.asked(), sep="\n")
    assert ran.code == 1 and trouble.gateway.records() == []
    assert (answered, EXPIRED[name][1] in ran.output + ran.errors) == (EXPIRED[name][0], True)
    assert not [line for line in trouble.mock.asked() if line.startswith("POST") and "telemetry" not in line]
