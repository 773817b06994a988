"""A request is charged to the budget of the caller that authentication names, whatever the client sends."""

from __future__ import annotations

from typing import Any

import json

import pytest

from budgets import CALLS, as_key, ask, charged, limits, rate_limit_service, redis_server, token, with_budgets
from budgets import directory, gateway, records, redis, service, who  # noqa: F401 (fixtures)
from client import Http1
from gateway import Gateway
from refusal import refused
from render import connection_manager_of
from samples import CHAT, JSON, MESSAGE, MESSAGES, TOKEN
from upstream import json_answer


@pytest.mark.parametrize("own", [
    [("x-ai-bridge-actor-id", "victim"), ("x-team", "victims")],
    [("X-AI-Bridge-Actor-ID", "victim"), ("x-ai-bridge-actor-id", "victim"), ("X-Team", "victims")],
    [("connection", "x-ai-bridge-actor-id, x-team"), ("x-ai-bridge-actor-id", "victim")],
    [("x-ai-bridge-actor-metadata-team", "victims"), ("x-team", "victims"), ("x_team", "victims")],
], ids=["plain", "repeated", "connection", "metadata"])
def test_a_client_cannot_charge_another_caller(http1, gateway, upstream, redis, records, who, own):
    upstream.begin(json_answer(MESSAGE))
    headers = [JSON, as_key(who("mallory"), who("red")), *own]
    assert http1.request("POST", MESSAGES, headers, CALLS[MESSAGES][0]).status == 200
    assert records.one()["actor"] == {"id": who("mallory"), "metadata": {"team": who("red")}}
    received = upstream.only()
    assert not received.names() & {"x-ai-bridge-actor-id", "x-team", "x-gateway-token"}
    assert not any("victim" in value for name, value in received.headers if name != "x_team"), "an unknown header may pass, as any"
    charged(gateway, redis, {f"tokens_per_actor_{who('mallory')}": 15, f"tokens_per_team_{who('red')}": 15, "tokens_per_actor_victim": 0, "tokens_per_team_victims": 0})


def test_a_caller_without_a_team_cannot_name_one(http1, gateway, upstream, redis, records, who):
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
def test_an_unauthenticated_caller_is_refused_before_the_budget_check(http1, gateway, upstream, records, redis, name):
    asked = gateway.stats(r"ratelimit\.(ok|over_limit|error)$")
    answer = http1.request("POST", MESSAGES, [JSON, *forged()[name]], CALLS[MESSAGES][0])
    assert answer.status == (403 if name == "audience" else 401)
    assert [value for header, value in answer.headers if header == "x-should-retry"] == ["false"]
    error = json.loads(answer.body)["error"]
    assert answer.header("content-type") == "application/json"
    assert error["type"] == ("permission_error" if name == "audience" else "authentication_error")
    assert error["message"].startswith("AI gateway: the gateway token ") and "Jwt" in error["message"]
    assert upstream.requests == []
    assert gateway.stats(r"ratelimit\.(ok|over_limit|error)$") == asked
    assert "tokens_per_actor_victim" not in redis.spent()


def test_a_token_without_a_subject_is_401_in_the_dialect(client, gateway, upstream, records):
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
def test_any_caller_name_has_a_budget_of_its_own(http1, gateway, upstream, redis, records, name):
    before = redis.spent()
    upstream.begin(json_answer(MESSAGE))
    assert ask(http1, MESSAGES, as_key(name)).status == 200
    assert records.one()["actor"]["id"] == name
    charged(gateway, redis, {f"tokens_per_actor_{name}": 15, f"microusd_per_actor_{name}": 135})
    assert ask(http1, MESSAGES, as_key(name)).status == 200
    charged(gateway, redis, {f"tokens_per_actor_{name}": 30})
    refused(ask(http1, MESSAGES, as_key(name)), 429)
    ours = {f"{unit}_per_{whose}" for unit in ("tokens", "microusd") for whose in ("provider_anthropic", f"model_{MESSAGE['model']}", f"actor_{name}")}
    changed = {key for key, value in redis.spent().items() if value != before.get(key, 0)}
    assert changed <= ours, changed - ours


def test_names_with_the_same_first_256_bytes_share_a_budget(http1, gateway, upstream, redis, records):
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
    """Without `required` and authentication, an anonymous caller cannot avoid the budgets."""

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
    """api_key_auth instead of jwt_authn, as the file's comment describes."""

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


def test_a_refusal_of_the_filter_has_one_x_should_retry_header(http1, gateway, upstream, records):
    """Behind the authentication, with the filter's own words."""
    answer = http1.request("POST", "/copilot/chat/completions", [JSON, ("x-gateway-token", token("mallory"))], CALLS[CHAT][0])
    refused(answer, 401, CHAT, retry="false")
    assert [value for header, value in answer.headers if header in ("x-should-retry", "content-type")] == ["application/json", "false"]
    assert records.one()["error"]["code"] == "missing_credential"


def test_a_401_of_the_provider_passes_unchanged(http1, gateway, upstream, records, who):
    upstream.begin(json_answer({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}, 401))
    answer = http1.request("POST", MESSAGES, [JSON, as_key(who("alice"))], CALLS[MESSAGES][0])
    assert (answer.status, answer.header("x-should-retry")) == (401, None)
    assert records.one()["outcome"] == "failed"
