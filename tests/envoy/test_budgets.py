"""Budgets of tokens and money: envoy/budgets with the real rate limit service and a real Redis."""

from __future__ import annotations

import difflib
import json
import re
import socket
import threading
from typing import Any, Callable, Iterator

import pytest
import yaml

from budgets import AUDIENCE, CONFIGURATION, ISSUER, LIMITS, RateLimits, Redis, as_key, rate_limit_service, redis_server, token, with_budgets
from client import Http1, Http2
from conftest import Records, assert_alive
from gateway import Gateway
from render import SHIPPED, connection_manager_of, shipped, wasm_of
from samples import CHAT, COMPLETION, JSON, MESSAGE, MESSAGE_START, MESSAGE_STREAM, MESSAGES, RESPONSE, RESPONSES, TEXT, TOKEN
from samples import chat_request, messages_request, responses_request
from servers import free_port
from test_bad_input import refused
from upstream import Exchange, Upstream, json_answer, stream_answer

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


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with redis_server() as (running, _):
        yield running


@pytest.fixture(scope="module")
def service(redis: Redis) -> Iterator[RateLimits]:
    """Small budgets: after a request or two each caller's is spent."""
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
    """Those of this test: all of the test before are there."""
    found = Records(gateway, [BARRIER])
    found.all()
    return found


@pytest.fixture
def who(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Names that no other test uses: the budgets are one Redis."""
    return lambda name: f"{name}@{request.node.name}"[:200]


def ask(connection: Any, path: str, key: tuple[str, str], **more: Any) -> Any:
    """One small request of that API."""
    return connection.request("POST", path, [JSON, key], CALLS[path][0])


def charged(gateway: Gateway, redis: Redis, expected: dict[str, int]) -> None:
    """Waits until exactly this has been charged, and nothing follows."""

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


# === the files ===


def test_the_file_is_the_reference_and_the_parts_for_budgets():
    """Whatever changes in envoy.yaml has to change here too: carry it over with `git diff … | patch`, or by hand."""
    found, reference = shipped(CONFIGURATION), shipped()
    manager, reference_manager = connection_manager_of(found), connection_manager_of(reference)
    del manager["early_header_mutation_extensions"]
    added = {"envoy.filters.http.jwt_authn", "envoy.filters.http.ratelimit"}
    manager["http_filters"] = [each for each in manager["http_filters"] if each["name"] not in added]
    del manager["route_config"]["virtual_hosts"][0]["routes"][0]["typed_per_filter_config"]
    found["static_resources"]["clusters"] = [each for each in found["static_resources"]["clusters"] if each["name"] != "rate_limits"]
    for config in (found, reference):
        value = wasm_of(config)["configuration"]
        value["value"] = json.loads(value["value"])
    plugin = wasm_of(found)["configuration"]["value"]
    del plugin["actor"], plugin["prices"], plugin["gateway_credentials"]["headers"]
    assert found == reference
    assert reference_manager["http_filters"]


def test_its_comments_are_those_of_the_reference():
    """Only these lines of envoy.yaml are not in it word for word."""
    replaced = {
        "# AI Bridge: the reference Envoy configuration. Copy it, change what is yours, run",
        "# Header names that clients must not choose go away before anything else sees the request. If an",
        "# authentication filter names the caller in a header (`actor.header` below), remove the client's own copy:",
        "# early_header_mutation_extensions:", "# - name: no_self_made_actors", "#   typed_config:",
        '#     "@type": type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
        "#     mutations: [ { remove: x-ai-bridge-actor-id }, { remove: x-team } ]",
        "# Your authentication (jwt_authn, ext_authz, api_key_auth, …) stands here. AI Bridge recognises gateway",
        "# tokens and keeps them away from providers, but it verifies nobody.",
        '"gateway_credentials": {"value_prefixes": ["gw_"]}',
        "# Token and money budgets (envoy.filters.http.ratelimit) stand here: behind AI Bridge, so that they can use",
        "# what it knows, and so that their 429 reaches the client in its API's own dialect: budgets/envoy.yaml.",
    }
    lines = difflib.ndiff(SHIPPED.read_text().splitlines(), CONFIGURATION.read_text().splitlines())
    assert {line[2:].strip() for line in lines if line.startswith("- ")} - {""} == replaced


def budgets_of(config: Any) -> list[tuple[str, str, Any, bool]]:
    """What each rate limit is called, of which value it is one, its addend, and whether it charges."""
    route = connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"][0]
    found = []
    for limit in route["typed_per_filter_config"]["envoy.filters.http.ratelimit"]["rate_limits"]:
        (action,) = limit["actions"]
        descriptor = action["extension"]["typed_config"]
        found.append((descriptor["descriptor_key"], descriptor["text"], limit["hits_addend"], limit.get("apply_on_stream_done", False)))
    return found


def test_each_budget_is_asked_and_charged_and_those_of_models_are_only_charged():
    found = budgets_of(shipped(CONFIGURATION))
    values = {"actor": "actor", "team": "actor_team", "provider": "provider", "model": "model"}
    expected = []
    for unit, value in (("tokens", "total_tokens"), ("microusd", "cost_microusd")):
        for whose, property_name in values.items():
            name, text = f"{unit}_per_{whose}", f"filter_state['wasm.ai_bridge_{property_name}']"
            if whose != "model":
                expected.append((name, text, {"number": 0}, False))
            expected.append((name, text, {"format": f"%FILTER_STATE(wasm.ai_bridge_{value}:PLAIN)%"}, True))
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_the_services_limits_have_the_same_names_and_none_leads_into_another(redis):
    names = {name for name, *_ in budgets_of(shipped(CONFIGURATION))}
    descriptors = yaml.safe_load(LIMITS.read_text())["descriptors"]
    assert {each["key"] for each in descriptors} == names
    assert not any(other.startswith(f"{name}_") for name in names for other in names)
    assert {each["key"] for each in descriptors if each.get("shadow_mode")} == {name for name in names if name.endswith("_per_model")}
    with rate_limit_service(redis) as service:
        lines = service.in_force().splitlines()
    assert len(lines) == len(descriptors)
    assert "ai_budgets.microusd_per_team: unit=MONTH requests_per_unit=4000000000, shadow_mode: false, quota_mode: false" in lines


def test_the_tokens_of_these_tests_are_those_that_the_file_asks_for():
    (provider,) = [each["typed_config"]["providers"]["company"] for each in connection_manager_of(shipped(CONFIGURATION))["http_filters"] if each["name"] == "envoy.filters.http.jwt_authn"]
    assert (provider["issuer"], provider["audiences"]) == (ISSUER, [AUDIENCE])


def test_the_comment_in_limits_yaml_starts_the_service_as_these_tests_do(service):
    said = set(re.findall(r"\b([A-Z][A-Z_]+)=", LIMITS.read_text().split("domain:")[0]))
    assert said <= set(service.environment)
    assert said >= {"CONFIG_TYPE", "RUNTIME_ROOT", "RUNTIME_SUBDIRECTORY", "RUNTIME_WATCH_ROOT", "REDIS_SOCKET_TYPE", "REDIS_URL", "GRPC_PORT"}


# === over budget ===


@pytest.mark.parametrize("path", [MESSAGES, CHAT, RESPONSES, "/copilot/chat/completions"])
def test_over_budget_is_429_in_the_dialect_and_another_caller_is_served(client, gateway, upstream, redis, records, who, path):
    body, document = CALLS.get(path, CALLS[CHAT])
    alice, bob = who("alice"), who("bob")

    def headers(name: str) -> list[tuple[str, str]]:
        if path.startswith("/copilot"):
            return [JSON, ("authorization", "Bearer gho_0123456789abcdefghij"), ("x-gateway-token", token(name))]
        return [JSON, as_key(name)]

    upstream.begin(json_answer(document))
    tokens = TOKENS.get(path, 23)
    answer = client.request("POST", path, headers(alice), body)
    passed = 1
    while answer.status == 200 and passed <= 2:
        charged(gateway, redis, {f"tokens_per_actor_{alice}": passed * tokens})
        assert answer.header("x-ratelimit-remaining") is not None
        answer = client.request("POST", path, headers(alice), body)
        passed += answer.status == 200
    assert passed * tokens > 20, "refused before the budget was spent"

    error = refused(answer, 429, path)
    assert error["type"] == "rate_limit_error"
    if "code" in error:
        assert error["code"] == "rate_limited"
    assert answer.header("retry-after") == answer.header("x-ratelimit-reset")
    assert 0 < int(answer.header("retry-after")) <= 86400
    assert answer.header("x-ratelimit-remaining") == "0"
    assert len(upstream.requests) == passed, "a refused request went upstream"

    assert client.request("POST", path, headers(bob), body).status == 200
    written = records.all()
    assert [record["outcome"] for record in written] == ["completed"] * passed + ["rejected", "completed"]
    record = written[passed]
    assert (record["error"]["code"], record["error"]["type"], record["response"]["status"]) == ("rate_limited", "rate_limit_error", 429)
    assert record["actor"]["id"] == alice
    assert record["usage"] == {"usage_status": "missing", "details": {}}
    charged(gateway, redis, {f"tokens_per_actor_{alice}": passed * tokens, f"tokens_per_actor_{bob}": tokens})


def test_a_request_over_budget_is_refused_before_its_body_arrives(client, gateway, upstream, redis, records, who):
    alice = who("alice")
    upstream.begin(json_answer(COMPLETION))
    assert ask(client, CHAT, as_key(alice)).status == 200
    charged(gateway, redis, {f"tokens_per_actor_{alice}": 23})
    upstream.begin(json_answer(COMPLETION))
    client.start("POST", MESSAGES, [JSON, as_key(alice), ("content-length", "1000")])
    refused(client.answer(), 429)
    assert upstream.requests == []


def test_a_teams_budget_stops_all_of_the_team_and_nobody_else(http1, gateway, upstream, redis, records, who):
    blue, green = who("blue"), who("green")
    upstream.begin(json_answer(MESSAGE))
    for number in range(3):
        assert ask(http1, MESSAGES, as_key(who(f"member {number}"), blue)).status == 200
        charged(gateway, redis, {f"tokens_per_team_{blue}": 15 * (number + 1)})
    upstream.begin(json_answer(MESSAGE))
    for name in ("member 0", "somebody new"):
        refused(ask(http1, MESSAGES, as_key(who(name), blue)), 429)
    assert upstream.requests == []
    assert ask(http1, MESSAGES, as_key(who("member 1"), green)).status == 200
    assert ask(http1, MESSAGES, as_key(who("freelance"))).status == 200
    codes = [(record["outcome"], record.get("error", {}).get("code"), record["actor"].get("metadata")) for record in records.all()]
    assert codes[3:] == [("rejected", "rate_limited", {"team": blue})] * 2 + [("completed", None, {"team": green}), ("completed", None, codes[-1][2])]
    charged(gateway, redis, {f"tokens_per_team_{blue}": 45, f"tokens_per_team_{green}": 15, f"tokens_per_actor_{who('somebody new')}": 0})


@pytest.mark.parametrize("unit,limit", [("tokens", 20), ("microusd", 200)])
def test_a_providers_budget_stops_it_for_everybody_and_leaves_the_others(upstream, directory, unit, limit):
    with redis_server() as (redis, _), rate_limit_service(redis, limits(**{f"{unit}_per_provider": limit})) as service:
        with Gateway(with_budgets(upstream, service.grpc, directory)) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(COMPLETION))
            assert ask(client, CHAT, as_key("alice")).status == 200
            charged(gateway, redis, {f"{unit}_per_provider_openai": {"tokens": 23, "microusd": 350}[unit]})
            upstream.begin(json_answer(MESSAGE))
            refused(ask(client, RESPONSES, as_key("bob")), 429, RESPONSES)
            assert ask(client, MESSAGES, as_key("bob")).status == 200
            assert_alive(gateway)


@pytest.mark.parametrize("whose,other", [("actor", ("bob", "blue")), ("team", ("alice", "green"))])
def test_money_is_enforced_as_tokens_are(upstream, directory, whose, other):
    with redis_server() as (redis, _), rate_limit_service(redis, limits(**{f"microusd_per_{whose}": 134})) as service:
        with Gateway(with_budgets(upstream, service.grpc, directory)) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(MESSAGE))
            assert ask(client, MESSAGES, as_key("alice", "blue")).status == 200
            charged(gateway, redis, {f"microusd_per_{whose}_{ {'actor': 'alice', 'team': 'blue'}[whose]}": 135})
            refused(ask(client, MESSAGES, as_key("alice", "blue")), 429)
            assert ask(client, MESSAGES, as_key(*other)).status == 200


def test_a_budget_may_be_spent_to_the_last_token(http1, gateway, upstream, redis, who, service):
    """It is over when more has been spent than there was: a budget of nothing lets one request through."""
    upstream.begin(json_answer(MESSAGE))
    assert ask(http1, MESSAGES, as_key("nothing")).status == 200
    charged(gateway, redis, {"tokens_per_actor_nothing": 15})
    refused(ask(http1, MESSAGES, as_key("nothing")), 429)
    answer_of_twenty = {**MESSAGE, "usage": {"input_tokens": 10, "output_tokens": 10}}
    upstream.begin(json_answer(answer_of_twenty))
    for spent in (20, 40):
        assert ask(http1, MESSAGES, as_key(who("alice"))).status == 200
        charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": spent})
    refused(ask(http1, MESSAGES, as_key(who("alice"))), 429)


def test_single_callers_may_have_limits_of_their_own(http1, gateway, upstream, redis):
    upstream.begin(json_answer(MESSAGE))
    for number in range(4):
        assert ask(http1, MESSAGES, as_key("rich")).status == 200
        assert ask(http1, MESSAGES, as_key("unlimited")).status == 200
        charged(gateway, redis, {"tokens_per_actor_rich": 15 * (number + 1), "tokens_per_actor_unlimited": 0, "microusd_per_actor_unlimited": 135 * (number + 1)})


def test_limits_change_while_everything_runs_and_a_mistake_changes_nothing(upstream, directory):
    with redis_server() as (redis, _), rate_limit_service(redis, limits(tokens_per_actor=10)) as service:
        with Gateway(with_budgets(upstream, service.grpc, directory)) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(MESSAGE))
            assert ask(client, MESSAGES, as_key("alice")).status == 200
            charged(gateway, redis, {"tokens_per_actor_alice": 15})
            refused(ask(client, MESSAGES, as_key("alice")), 429)
            service.limits.write(limits(tokens_per_actor=100))
            gateway.wait_until(lambda: "tokens_per_actor: unit=DAY requests_per_unit=100," in service.in_force(), "the new limits are in force")
            assert ask(client, MESSAGES, as_key("alice")).status == 200
            for mistake in ("domain: ai_budgets\ndescriptors: [ { key: tokens_per_actor, rate_limit: { unit: fortnight, requests_per_unit: 1 } } ]",
                            "domain: ai_budgets\ndescriptors: [ { key: tokens_per_actor, rate_limit: { unit: day, requests_per_unit: 4294967296 } } ]",
                            "domain: ai_budgets\ndescriptors: [ { key: tokens_per_actor, rate_limits: {} } ]"):
                before = service.log().count("level=error")
                service.limits.write(mistake)
                gateway.wait_until(lambda: service.log().count("level=error") > before, "the service says what is wrong")
                assert "tokens_per_actor: unit=DAY requests_per_unit=100," in service.in_force()


def test_without_a_reset_from_the_service_the_client_is_told_a_minute(upstream, directory):
    def silent(config: Any) -> None:
        for http_filter in connection_manager_of(config)["http_filters"]:
            http_filter["typed_config"].pop("enable_x_ratelimit_headers", None)

    with redis_server() as (redis, _), rate_limit_service(redis, limits(tokens_per_actor=10)) as service:
        with Gateway(with_budgets(upstream, service.grpc, directory, silent)) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(MESSAGE))
            assert ask(client, MESSAGES, as_key("alice")).status == 200
            charged(gateway, redis, {"tokens_per_actor_alice": 15})
            answer = ask(client, MESSAGES, as_key("alice"))
            refused(answer, 429)
            assert answer.header("retry-after") == "60"


# === what is charged ===


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", [MESSAGES, CHAT, RESPONSES])
def test_what_is_charged_is_what_the_record_says(client, gateway, upstream, redis, records, who, path, stream):
    actor, team = who("alice"), who("blue")
    if path == MESSAGES:
        body, script = messages_request(stream=stream), stream_answer(*MESSAGE_STREAM) if stream else json_answer(MESSAGE)
    elif path == CHAT:
        usage = {**COMPLETION, "object": "chat.completion.chunk", "choices": []}
        delta = {**usage, "usage": None, "choices": [{"index": 0, "delta": {"content": "Rayleigh."}, "finish_reason": "stop"}]}
        body = chat_request(stream=stream)
        chunks = [f"data: {json.dumps(part)}\n\n".encode() for part in (delta, usage)] + [b"data: [DONE]\n\n"]
        script = stream_answer(*chunks) if stream else json_answer(COMPLETION)
    else:
        body = responses_request(stream=stream)
        event = f"event: response.completed\ndata: {json.dumps({'type': 'response.completed', 'response': RESPONSE})}\n\n".encode()
        script = stream_answer(event) if stream else json_answer(RESPONSE)
    before = redis.spent()
    upstream.begin(script)
    assert client.request("POST", path, [JSON, as_key(actor, team)], body).status == 200
    record = records.one()
    provider, model = record["provider"]["name"], record["model"]["served"]
    tokens, microusd = record["usage"]["total_tokens"], record["cost_microusd"]
    assert tokens > 0 and microusd > 0
    expected = {}
    for unit, amount in (("tokens", tokens), ("microusd", microusd)):
        for whose, name in (("actor", actor), ("team", team), ("provider", provider), ("model", model)):
            expected[f"{unit}_per_{whose}_{name}"] = before.get(f"{unit}_per_{whose}_{name}", 0) + amount
    charged(gateway, redis, expected)


def test_a_client_that_goes_away_is_charged_what_was_seen(client, gateway, upstream, redis, records, who):
    gone = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_START + TEXT)
        gone.wait(20)
        exchange.wait_until_gone()
        exchange.close()

    upstream.begin(script)
    body = messages_request()
    client.start("POST", MESSAGES, [JSON, as_key(who("alice"), who("blue")), ("content-length", str(len(body)))])
    client.send(body)
    client.head()
    client.read_until("🌤".encode())
    client.reset()
    gone.set()
    record = records.one()
    assert (record["outcome"], record["usage"]["usage_status"], record["usage"]["total_tokens"]) == ("aborted_client", "partial", 113)
    assert record["cost_microusd"] == 12 * 5 + 1 * 25 + 100 // 2
    charged(gateway, redis, {
        f"tokens_per_actor_{who('alice')}": 113, f"tokens_per_team_{who('blue')}": 113,
        f"microusd_per_actor_{who('alice')}": 135, f"microusd_per_team_{who('blue')}": 135,
    })


def test_an_upstream_that_goes_away_is_charged_what_was_seen(client, gateway, upstream, redis, records, who):
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_START + TEXT)
        exchange.reset()

    upstream.begin(script)
    body = messages_request()
    client.start("POST", MESSAGES, [JSON, as_key(who("alice")), ("content-length", str(len(body)))])
    client.send(body)
    client.head()
    with pytest.raises(Exception):
        while client.read():
            pass
    record = records.one()
    assert (record["outcome"], record["usage"]["total_tokens"]) == ("aborted_upstream", 113)
    charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": 113, f"microusd_per_actor_{who('alice')}": record["cost_microusd"]})


@pytest.mark.parametrize(
    "body,status", [(b"{", 400), (b"", 400), (b'{"model":"m","model":"m"}', 400)], ids=["invalid", "empty", "repeated"]
)
def test_what_the_filter_refuses_costs_nothing(client, gateway, upstream, redis, records, who, body, status):
    upstream.begin(lambda exchange: None)
    refused(client.request("POST", MESSAGES, [JSON, as_key(who("alice"), who("blue"))], body), status)
    assert records.one()["outcome"] == "rejected"
    charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": 0, f"microusd_per_actor_{who('alice')}": 0, f"tokens_per_team_{who('blue')}": 0})


def test_an_error_of_the_provider_costs_nothing(client, gateway, upstream, redis, records, who):
    upstream.begin(json_answer({"type": "error", "error": {"type": "api_error", "message": "no"}}, 500))
    assert ask(client, MESSAGES, as_key(who("alice"))).status == 500
    assert records.one()["usage"]["usage_status"] == "missing"
    charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": 0, f"microusd_per_actor_{who('alice')}": 0})


def test_an_answer_without_usage_is_charged_nothing(client, gateway, upstream, redis, records, who):
    upstream.begin(json_answer({name: value for name, value in MESSAGE.items() if name != "usage"}))
    assert ask(client, MESSAGES, as_key(who("alice"))).status == 200
    assert records.one()["usage"]["usage_status"] == "missing"
    charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": 0, f"microusd_per_actor_{who('alice')}": 0})


def test_envoy_charges_a_billion_at_once_and_no_more(client, gateway, upstream, redis, records, who):
    """Above 1e9 it charges nothing and says so in its log; no provider has ever stated such a number."""
    for name, tokens, expected in (("much", 1_000_000_000, 1_000_000_000), ("too much", 1_000_000_001, 0)):
        upstream.begin(json_answer({**MESSAGE, "model": "claude-free", "usage": {"input_tokens": tokens, "output_tokens": 0}}))
        assert ask(client, MESSAGES, as_key(who(name))).status == 200
        assert records.one()["usage"]["total_tokens"] == tokens
        charged(gateway, redis, {f"tokens_per_actor_{who(name)}": expected})
    assert "Invalid hits_addend" in gateway.log()


def test_a_model_without_a_price_costs_no_money_and_is_counted(upstream, directory):
    def cheaper(plugin: Any) -> Any:
        return {**plugin, "prices": plugin["prices"][:1]}

    with redis_server() as (redis, _), rate_limit_service(redis) as service:
        with Gateway(with_budgets(upstream, service.grpc, directory, plugin=cheaper)) as gateway, Http1(gateway.address) as client:
            records = Records(gateway, [BARRIER])
            upstream.begin(json_answer(COMPLETION))
            assert ask(client, CHAT, as_key("alice", "blue")).status == 200
            record = records.one()
            assert "cost_microusd" not in record and "price" in record["notes"]
            charged(gateway, redis, {"tokens_per_actor_alice": 23, "microusd_per_actor_alice": 0, "microusd_per_team_blue": 0, "tokens_per_model_gpt-5.5-2026": 23, "microusd_per_model_gpt-5.5-2026": 0})
            (unread,) = [value for labels, value in gateway.prometheus("ai_bridge_unread_total") if labels["reason"] == "price"]
            assert unread == 1


def test_passthrough_is_neither_asked_nor_charged(client, gateway, upstream, redis, records, who):
    upstream.begin(json_answer(COMPLETION))
    assert ask(client, CHAT, as_key(who("alice"))).status == 200
    charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": 23})
    refused(ask(client, CHAT, as_key(who("alice"))), 429, CHAT)
    asked = gateway.stats(r"^cluster\.openai\.ratelimit\.")
    upstream.begin(json_answer({"data": []}))
    answer = client.request("GET", "/openai/v1/models", [as_key(who("alice"))])
    assert answer.status == 200
    assert answer.header("x-ratelimit-remaining") is None
    assert gateway.stats(r"^cluster\.openai\.ratelimit\.") == asked


def test_streams_that_run_at_the_same_time_overspend_by_what_is_in_flight(gateway, upstream, redis, records, who):
    """All of them are asked before any is charged. The next one is refused."""
    go_on = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        assert go_on.wait(20)
        exchange.reply(200, COMPLETION)

    upstream.begin(script)
    clients = [Http2(gateway.address) for _ in range(4)]
    try:
        body = chat_request()
        for each in clients:
            each.start("POST", CHAT, [JSON, as_key(who("alice")), ("content-length", str(len(body)))])
            each.send(body, end=True)
        upstream.wait_until(lambda: len(upstream.requests) == 4, "all of them go upstream")
        go_on.set()
        assert [each.answer().status for each in clients] == [200] * 4
        charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": 4 * 23})
        refused(ask(clients[0], CHAT, as_key(who("alice"))), 429, CHAT)
    finally:
        go_on.set()
        for each in clients:
            each.close()


def test_a_body_larger_than_any_buffer_passes_while_the_budgets_are_asked(client, gateway, upstream, redis, records, who):
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(stream=False, prompt="x" * 5_000_000)
    assert client.request("POST", MESSAGES, [JSON, as_key(who("alice"))], body).status == 200
    assert bytes(upstream.only().body) == body
    charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": 15})


# === who is charged ===


@pytest.mark.parametrize("own", [
    [("x-ai-bridge-actor-id", "victim"), ("x-team", "victims")],
    [("X-AI-Bridge-Actor-ID", "victim"), ("x-ai-bridge-actor-id", "victim"), ("X-Team", "victims")],
    [("connection", "x-ai-bridge-actor-id, x-team"), ("x-ai-bridge-actor-id", "victim")],
    [("x-ai-bridge-actor-metadata-team", "victims"), ("x-team", "victims"), ("x_team", "victims")],
], ids=["plain", "repeated", "connection", "metadata"])
def test_a_client_cannot_charge_somebody_else(http1, gateway, upstream, redis, records, who, own):
    upstream.begin(json_answer(MESSAGE))
    headers = [JSON, as_key(who("mallory"), who("red")), *own]
    assert http1.request("POST", MESSAGES, headers, CALLS[MESSAGES][0]).status == 200
    assert records.one()["actor"] == {"id": who("mallory"), "metadata": {"team": who("red")}}
    received = upstream.only()
    assert not received.names() & {"x-ai-bridge-actor-id", "x-team", "x-gateway-token"}
    assert not any("victim" in value for name, value in received.headers if name != "x_team"), "an unknown header may pass, as any"
    charged(gateway, redis, {f"tokens_per_actor_{who('mallory')}": 15, f"tokens_per_team_{who('red')}": 15, "tokens_per_actor_victim": 0, "tokens_per_team_victims": 0})


def test_without_a_team_of_ones_own_a_client_cannot_name_one(http1, gateway, upstream, redis, records, who):
    upstream.begin(json_answer(MESSAGE))
    assert http1.request("POST", MESSAGES, [JSON, as_key(who("mallory")), ("x-team", "victims")], CALLS[MESSAGES][0]).status == 200
    assert "team" not in (records.one()["actor"].get("metadata") or {})
    charged(gateway, redis, {f"tokens_per_actor_{who('mallory')}": 15, "tokens_per_team_victims": 0})


def forged() -> dict[str, list[tuple[str, str]]]:
    valid = token("mallory")
    head, payload, signature = valid.split(".")
    return {
        "none": [], "placeholder": [TOKEN], "other key": [as_key("victim", key=b"another key")], "expired": [as_key("victim", exp=1)],
        "issuer": [as_key("victim", iss="https://evil.example")], "audience": [as_key("victim", aud="other")],
        "unsigned": [("authorization", f"Bearer gw_{head}.{payload}.")],
        "two": [("x-api-key", "gw_" + valid), ("authorization", "Bearer gw_" + token("victim", key=b"another key"))],
        "no expiry": [as_key("victim", exp=None)],
    }


@pytest.mark.parametrize("name", sorted(forged()))
def test_a_caller_who_cannot_prove_who_he_is_is_refused_and_no_budget_is_asked(http1, gateway, upstream, records, redis, name):
    asked = gateway.stats(r"ratelimit\.(ok|over_limit|error)$")
    answer = http1.request("POST", MESSAGES, [JSON, *forged()[name]], CALLS[MESSAGES][0])
    assert answer.status == (403 if name == "audience" else 401)
    assert upstream.requests == []
    assert gateway.stats(r"ratelimit\.(ok|over_limit|error)$") == asked
    assert "tokens_per_actor_victim" not in redis.spent()


def test_a_token_that_names_nobody_is_401_in_the_dialect(client, gateway, upstream, records):
    refused(client.request("POST", CHAT, [JSON, as_key(None, "blue")], CALLS[CHAT][0]), 401, CHAT)
    assert records.one()["error"]["code"] == "missing_actor"
    assert upstream.requests == []


def test_callers_with_a_key_of_their_own_have_budgets_too(client, gateway, upstream, redis, records, who):
    upstream.begin(json_answer(MESSAGE))
    own = ("x-api-key", "sk-ant-api03-0123456789abcdef")
    assert client.request("POST", MESSAGES, [JSON, own, ("x-gateway-token", token(who("alice")))], CALLS[MESSAGES][0]).status == 200
    received = upstream.only()
    assert received.header("x-api-key") == own[1] and received.header("x-gateway-token") is None
    assert records.one()["credential"]["kind"] == "byok"
    charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": 15})


@pytest.mark.parametrize(
    "name", ["per_team_blue", "alice_1795478400", "*", "a*", "%REQ(:path)%", "a b\"c'd\\e", "日本語 🌤", "tokens_per_team_x", "x" * 255, "-", "a,b;c=d", "..", "{}"],
    ids=lambda name: repr(name)[:20],
)
def test_whatever_a_caller_is_called_the_budget_is_his_own(http1, gateway, upstream, redis, records, name):
    before = redis.spent()
    upstream.begin(json_answer(MESSAGE))
    assert ask(http1, MESSAGES, as_key(name)).status == 200
    assert records.one()["actor"]["id"] == name
    charged(gateway, redis, {f"tokens_per_actor_{name}": 15, f"microusd_per_actor_{name}": 135})
    assert ask(http1, MESSAGES, as_key(name)).status == 200
    charged(gateway, redis, {f"tokens_per_actor_{name}": 30})
    refused(ask(http1, MESSAGES, as_key(name)), 429)
    ours = {f"{unit}_per_{whose}" for unit in ("tokens", "microusd") for whose in ("provider_anthropic", f"model_{MESSAGE['model']}", f"actor_{name}", "actor_barrier")}
    changed = {key for key, value in redis.spent().items() if before.get(key) != value}
    assert changed <= ours, changed - ours


def test_names_that_are_the_same_for_256_bytes_share_a_budget(http1, gateway, upstream, redis, records):
    upstream.begin(json_answer(MESSAGE))
    long = "y" * 256
    for name in (f"{long}1", f"{long}2"):
        assert ask(http1, MESSAGES, as_key(name)).status == 200
    charged(gateway, redis, {f"tokens_per_actor_{long}": 30})
    refused(ask(http1, MESSAGES, as_key(f"{long}3")), 429)


def test_a_name_with_a_line_break_makes_no_header_and_no_other_budget(http1, gateway, upstream, redis, records):
    upstream.begin(json_answer(MESSAGE))
    answer = ask(http1, MESSAGES, as_key("mallory\r\nx-team: victims"))
    assert answer.status in (200, 400, 401)
    for received in upstream.requests:
        assert received.header("x-team") is None
    gateway.settle()
    assert "tokens_per_team_victims" not in redis.spent()


def test_callers_without_a_name_share_one_budget_where_none_is_required(upstream, directory):
    """`required` left out, and no authentication: nobody gets around the budgets by not saying who he is."""

    def open_to_all(config: Any) -> None:
        manager = connection_manager_of(config)
        manager["http_filters"] = [each for each in manager["http_filters"] if each["name"] != "envoy.filters.http.jwt_authn"]

    def optional(plugin: Any) -> Any:
        return {**plugin, "actor": {**plugin["actor"], "required": False}}

    with redis_server() as (redis, _), rate_limit_service(redis, limits(tokens_per_actor=10)) as service:
        with Gateway(with_budgets(upstream, service.grpc, directory, open_to_all, plugin=optional)) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(MESSAGE))
            assert ask(client, MESSAGES, TOKEN).status == 200
            charged(gateway, redis, {"tokens_per_actor_": 15})
            refused(ask(client, MESSAGES, ("x-ai-bridge-actor-id", "somebody")), 429)


def test_api_keys_name_the_caller_as_well(upstream, directory):
    """As the comment says: api_key_auth instead of jwt_authn."""

    def with_keys(config: Any) -> None:
        for http_filter in connection_manager_of(config)["http_filters"]:
            if http_filter["name"] == "envoy.filters.http.jwt_authn":
                http_filter["name"] = "envoy.filters.http.api_key_auth"
                http_filter["typed_config"] = {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth",
                    "credentials": [{"key": f"gw_{name}", "client": name} for name in ("alice", "mallory")],
                    "key_sources": [{"header": "x-gateway-token"}, {"header": "x-api-key"}, {"header": "authorization"}],
                    "forwarding": {"header": "x-ai-bridge-actor-id"},
                }

    with redis_server() as (redis, _), rate_limit_service(redis, limits(tokens_per_actor=10)) as service:
        with Gateway(with_budgets(upstream, service.grpc, directory, with_keys)) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(MESSAGE))
            headers = [JSON, ("authorization", "Bearer gw_mallory"), ("x-ai-bridge-actor-id", "alice")]
            assert client.request("POST", MESSAGES, headers, CALLS[MESSAGES][0]).status == 200
            charged(gateway, redis, {"tokens_per_actor_mallory": 15, "tokens_per_actor_alice": 0})
            refused(ask(client, MESSAGES, ("x-api-key", "gw_mallory")), 429)
            assert ask(client, MESSAGES, ("x-api-key", "gw_alice")).status == 200
            assert client.request("POST", MESSAGES, [JSON, ("x-api-key", "gw_eve")], CALLS[MESSAGES][0]).status == 401


# === when a part of it is down ===


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


def test_when_the_service_dies_within_a_stream_its_charge_is_lost_and_when_it_is_back_all_goes_on(upstream, directory):
    began, go_on = threading.Event(), threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_STREAM[0])
        began.set()
        assert go_on.wait(20)
        exchange.chunk(b"".join(MESSAGE_STREAM[1:]))
        exchange.end()

    upstream.begin(script)
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
    """A listener that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with Gateway(with_budgets(upstream, mute.getsockname()[1], directory)) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(MESSAGE))
            assert ask(client, MESSAGES, as_key("alice")).status == 200
            assert counted(gateway, "error") == 1
            assert_alive(gateway)
