"""Budgets of tokens and money: when a request is refused, and what is charged (real rate limit service and Redis)."""

from __future__ import annotations

import json
import math
import threading
import time
from typing import Any

import pytest

from budgets import BARRIER, CALLS, TOKENS, as_key, ask, charged, limits, rate_limit_service, redis_server, token, with_budgets
from budgets import directory, gateway, records, redis, service, who  # noqa: F401 (fixtures)
from client import Http1, Http2
from conftest import Records, assert_alive
from gateway import Gateway
from refusal import refused
from pools import generated
from render import WASM, connection_manager_of, wasm_of
from samples import CHAT, COMPLETION, JSON, MESSAGE, MESSAGE_START, MESSAGE_STREAM, MESSAGES, RESPONSE, RESPONSES, TEXT
from samples import chat_request, messages_request, responses_request
from upstream import Exchange, json_answer, stream_answer


# === over budget ===

# Type of the reply, and the record's code.
WALL = {
    MESSAGES: ("billing_error", "budget_exhausted"), CHAT: ("insufficient_quota", "budget_exhausted"), RESPONSES: ("usage_limit_reached", "budget_exhausted"),
    "/copilot/chat/completions": ("rate_limit_error", "rate_limited"),
}


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
    kind, code = WALL[path]
    assert error["type"] == kind
    if "code" in error:
        assert error["code"] == ("rate_limited" if code == "rate_limited" else kind)
    assert answer.header("x-codex-promo-message") == (error["message"] if path == RESPONSES else None)
    assert answer.header("anthropic-ratelimit-unified-status") == ("rejected" if path == MESSAGES else None)
    assert answer.header("retry-after") == answer.header("x-ratelimit-reset")
    assert 0 < int(answer.header("retry-after")) <= 86400
    assert answer.header("x-ratelimit-remaining") == "0"
    assert len(upstream.requests) == passed, "a refused request went upstream"

    assert client.request("POST", path, headers(bob), body).status == 200
    written = records.all()
    assert [record["outcome"] for record in written] == ["completed"] * passed + ["rejected", "completed"]
    record = written[passed]
    assert (record["error"]["code"], record["error"]["type"], record["response"]["status"]) == (code, kind, 429)
    assert record.get("budget", {}).get("notice") == (None if path.startswith("/copilot") else "exhausted")
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


def test_callers_see_their_budget_and_never_what_the_upstream_says_in_these_names(client, gateway, upstream, redis, records, who):
    theirs = {"x-ratelimit-limit": "7, 7;w=1", "x-ratelimit-remaining": "7", "x-ratelimit-reset": "1"}
    upstream.begin(json_answer(RESPONSE, headers=theirs))
    answer = ask(client, RESPONSES, as_key(who("alice")))
    assert answer.status == 200
    stated, remaining, reset = (answer.header(f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset"))
    limit = int(stated.split(",")[0])
    assert stated != theirs["x-ratelimit-limit"] and f"{limit};w=" in stated
    used = min(99, 100 * (limit - int(remaining)) // limit)
    assert answer.header("x-codex-primary-used-percent") == str(used)
    assert int(answer.header("x-codex-primary-window-minutes")) >= 1
    assert abs(int(answer.header("x-codex-primary-reset-at")) - time.time() - int(reset)) < 10
    budget = records.one()["budget"]
    assert int(100 * budget["used"]) == used and budget.get("notice") == ("warning" if used >= 75 else None)


def test_a_teams_budget_stops_the_whole_team_and_no_other_caller(http1, gateway, upstream, redis, records, who):
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
    assert codes[3:] == [("rejected", "budget_exhausted", {"team": blue})] * 2 + [("completed", None, {"team": green}), ("completed", None, codes[-1][2])]
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
    """A budget is used up once more than its amount is spent, so a budget of 0 lets one request through."""
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


def test_limits_reload_at_run_time_and_invalid_limits_are_ignored(upstream, directory):
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


def test_retry_after_is_a_minute_when_the_service_gives_no_reset(upstream, directory):
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


def test_a_client_that_goes_away_is_charged_an_estimate(client, gateway, upstream, redis, records, who):
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
    # The bytes of the texts are more than the one token that the stream's begin states.
    output = record["usage"]["estimate"]["output_tokens"]
    assert output == math.ceil(len("Rayleigh – 散乱 🌤".encode()) / 4)
    tokens, money = 112 + output, 12 * 5 + output * 25 + 100 // 2
    charged(gateway, redis, {
        f"tokens_per_actor_{who('alice')}": tokens, f"tokens_per_team_{who('blue')}": tokens,
        f"microusd_per_actor_{who('alice')}": money, f"microusd_per_team_{who('blue')}": money,
    })


def test_an_upstream_that_goes_away_is_charged_an_estimate(client, gateway, upstream, redis, records, who):
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
    output = record["usage"]["estimate"]["output_tokens"]
    assert output > 1
    charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": 112 + output, f"microusd_per_actor_{who('alice')}": 12 * 5 + output * 25 + 100 // 2})


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


def test_an_answer_without_usage_is_charged_an_estimate(client, gateway, upstream, redis, records, who):
    upstream.begin(json_answer({name: value for name, value in MESSAGE.items() if name != "usage"}))
    assert ask(client, MESSAGES, as_key(who("alice"))).status == 200
    usage = records.one()["usage"]
    estimate = usage["estimate"]
    assert usage["usage_status"] == "missing" and "total_tokens" not in usage
    assert estimate["input_tokens"] > 0 and estimate["output_tokens"] > 0
    tokens, money = estimate["input_tokens"] + estimate["output_tokens"], estimate["input_tokens"] * 5 + estimate["output_tokens"] * 25
    charged(gateway, redis, {f"tokens_per_actor_{who('alice')}": tokens, f"microusd_per_actor_{who('alice')}": money})


def test_envoy_charges_at_most_1e9_at_once(client, gateway, upstream, redis, records, who):
    """The service charges nothing above 1e9 and logs it; no provider has ever stated such a number."""
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


def test_concurrent_streams_can_overspend_by_what_is_in_flight(gateway, upstream, redis, records, who):
    """All are asked before any is charged, so all pass. The next request is refused."""
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


# === pools ===


def test_requests_to_a_pool_have_the_budgets_of_the_virtual_host(upstream, redis, service, directory, who):
    members = [{"name": name, "key": {"value": f"sk-ant-{name}"}, "base_url": f"http://127.0.0.1:{upstream.address[1]}"} for name in ("one", "two")]

    def with_pool(config: Any) -> None:
        value = wasm_of(config)["configuration"]
        plugin = {**json.loads(value["value"]), "providers": [{"type": "anthropic", "pool": members}]}
        value["value"] = json.dumps(plugin)
        wasm_of(config)["vm_config"]["environment_variables"] = {}
        made = generated(plugin, "--wasm", str(WASM))
        config["static_resources"]["clusters"] += made["clusters"]
        host = connection_manager_of(config)["route_config"]["virtual_hosts"][0]
        route = next(each for each in host["routes"] if each["name"] == "ai_bridge")
        for member in ("typed_per_filter_config", "response_headers_to_remove"):
            host[member] = route.pop(member)
        host["routes"][0:0] = made["routes"]

    def fails_over(exchange: Exchange) -> None:
        exchange.read_body()
        if b"sk-ant-one" in exchange.received.head:
            exchange.reply(529, {}, {"x-ratelimit-limit": "7, 7;w=1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"})
        else:
            json_answer(MESSAGE)(exchange)

    alice, spent = who("alice"), f"tokens_per_actor_{who('alice')}"
    with Gateway(with_budgets(upstream, service.grpc, directory, with_pool)) as gateway, Http1(gateway.address) as http1:
        records = Records(gateway, [BARRIER])
        upstream.begin(fails_over)
        answer = ask(http1, MESSAGES, as_key(alice))
        assert (answer.status, answer.header("x-ratelimit-remaining")) == (200, "20")
        charged(gateway, redis, {spent: 15})
        assert ask(http1, MESSAGES, as_key(alice)).status == 200
        charged(gateway, redis, {spent: 30})
        asked = len(upstream.requests)
        error = refused(ask(http1, MESSAGES, as_key(alice)), 429)
        assert error["type"] == "billing_error" and len(upstream.requests) == asked
        written = records.all()
        assert [[each["member"] for each in record.get("attempts", [])] for record in written] == [["one", "two"], ["two"], []]
        assert [record["budget"].get("notice") for record in written] == [None, "warning", "exhausted"]
        assert_alive(gateway)
