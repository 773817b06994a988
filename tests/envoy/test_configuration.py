"""Invalid configurations keep Envoy from starting and are reported; roots, names, base URLs, disabled providers work."""

from __future__ import annotations

import pytest

from client import Http1
from conftest import Records
from gateway import KEYS, Gateway, GatewayDied
from render import render, shipped_plugin
from samples import JSON, MESSAGE, TOKEN, messages_request
from upstream import json_answer

SECRET = "sk-ant-very-secret-0123456789"


def refusal(upstream, plugin, **more) -> str:
    with pytest.raises(GatewayDied) as died:
        with Gateway(render(upstream.address, plugin=plugin), **more):
            pass
    return str(died.value)


def test_every_problem_is_named_with_its_path(upstream):
    log = refusal(
        upstream,
        {
            "providers": [
                {"type": "anthropic", "base_url": "api.anthropic.com", "key": {"value": SECRET}},
                {"type": "openai", "nmae": "x", "byok": "maybe"},
                {"type": "copilot", "key": {"value": SECRET}},
            ],
            "limts": {},
            "record": {"text_bytes": "many"},
        },
    )
    for path in ("providers[0].base_url", "providers[1].nmae", "providers[1].byok", "providers[2].key", "limts", "record.text_bytes"):
        assert path in log, f"{path} is not named in:\n{log}"
    assert "name" in log and "limits" in log
    assert SECRET not in log


def test_a_key_whose_variable_is_not_set_is_refused(upstream):
    log = refusal(upstream, None, environment={"OPENAI_API_KEY": KEYS["OPENAI_API_KEY"]})
    assert "ANTHROPIC_API_KEY" in log and "host_env_keys" in log and "providers[0].key" in log


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"providers":[]}', '{"providers":[{"type":"bard"}]}', '{"providers":[{"type":"openai"},{"type":"openai"}]}'])
def test_an_unusable_configuration_is_refused(upstream, text):
    assert "refused" in refusal(upstream, text)


@pytest.mark.parametrize("member", ["bedrock", "keys"])
def test_members_that_are_not_supported_here_are_refused(upstream, member):
    assert member in refusal(upstream, {"providers": [{"type": "anthropic", member: {}}]})


def test_with_a_root_all_other_paths_belong_to_other_applications(upstream):
    """With a root, the gateway's other routes are served, and a client's own routing header has no effect."""
    others = [{"match": {"prefix": "/shop"}, "direct_response": {"status": 200, "body": {"inline_string": "shop"}}}, {"match": {"prefix": "/up"}, "route": {"cluster": "openai"}}]
    plugin = {**shipped_plugin(), "root": "/api/v2/aibridge"}
    with Gateway(render(upstream.address, plugin=plugin, routes=others)) as gateway, Http1(gateway.address) as client:
        upstream.begin(json_answer(MESSAGE))
        answer = client.request("POST", "/api/v2/aibridge/anthropic/v1/messages", [JSON, TOKEN], messages_request(stream=False))
        assert answer.json() == MESSAGE
        assert upstream.only().target == "/v1/messages"
        assert gateway.wait_for_record(1)["path"] == "/api/v2/aibridge/anthropic/v1/messages"

        upstream.begin(json_answer({}))
        assert client.request("GET", "/shop/cart", [("x-ai-bridge-cluster", "anthropic")]).body == b"shop"
        assert client.request("GET", "/nowhere", [("x-ai-bridge-cluster", "anthropic")]).status == 404
        assert client.request("GET", "/api/v2/aibridge/nowhere", []).status == 404
        assert upstream.requests == []
        assert client.request("GET", "/up//x/../y", [("x-ai-bridge-cluster", "anthropic"), ("x-api-key", "theirs"), ("cookie", "a=b")]).status == 200
        other = upstream.only()
        assert (other.target, other.header("x-api-key"), other.header("cookie")) == ("/up//x/../y", "theirs", "a=b")
        assert "x-ai-bridge-cluster" not in other.names()
        gateway.settle()
        assert len(gateway.records()) == 1


def test_instances_of_one_type_have_separate_names_and_base_urls(upstream):
    plugin = {
        "root": "/api/v2/aibridge",
        "providers": [
            {"type": "copilot", "name": "copilot-business", "base_url": "https://api.business.githubcopilot.com:8443/x/", "cluster": "copilot"},
            {"type": "copilot", "base_url": "https://API.enterprise.githubcopilot.com:443"},
            {"type": "anthropic", "name": "deep", "base_url": "http://llm.test:80/api", "cluster": "anthropic"},
            {"type": "anthropic", "name": "doubled", "base_url": "http://llm.test:443/v1/", "cluster": "anthropic"},
            {"type": "openai", "name": "openai-eu", "base_url": "http://[::1]:9/eu/v1", "cluster": "openai", "byok_cluster": "openai-byok"},
        ],
    }
    with Gateway(render(upstream.address, plugin=plugin)) as gateway, Http1(gateway.address) as client:
        bridged = 0
        for path, host, target, cluster, name in [
            ("/copilot-business/v1/messages?a", "api.business.githubcopilot.com:8443", "/x/v1/messages?a", "copilot", "copilot-business"),
            ("/copilot/responses/?", "api.enterprise.githubcopilot.com", "/responses?", "copilot", "copilot"),
            ("/copilot/agents?%2F", "api.enterprise.githubcopilot.com", "/agents?%2F", None, None),
            ("/deep/v1/messages/", "llm.test", "/api/v1/messages", "anthropic", "deep"),
            ("/doubled/v1/models/a%2Fb/", "llm.test:443", "/v1/v1/models/a%2Fb/", None, None),
            ("/openai-eu/v1/chat/completions", "[::1]:9", "/eu/v1/chat/completions", "openai-byok", "openai-eu"),
            ("/openai-eu/v1/responses/r/cancel", "[::1]:9", "/eu/v1/responses/r/cancel", None, None),
        ]:
            upstream.begin(json_answer(MESSAGE))
            own = ("authorization", "Bearer own-0123456789")
            assert client.request("POST", plugin["root"] + path, [JSON, own], messages_request(stream=False)).status == 200, path
            received = upstream.only()
            assert (received.target, received.header("host"), received.header("authorization")) == (target, host, own[1])
            if name is not None:
                bridged += 1
                record = gateway.wait_for_record(bridged)
                assert (record["provider"]["name"], record["upstream"]) == (name, {"host": host, "cluster": cluster})
        gateway.settle()
        assert len(gateway.records()) == bridged == 4


def test_a_disabled_provider_answers_503(upstream):
    plugin = {"providers": [{"type": "anthropic", "enabled": False}, {"type": "openai"}]}
    with Gateway(render(upstream.address, plugin=plugin)) as gateway, Http1(gateway.address) as client:
        records = Records(gateway)
        answer = client.request("POST", "/anthropic/v1/messages", [JSON], messages_request())
        assert answer.status == 503
        assert answer.header("x-should-retry") == "false"
        assert answer.json()["error"]["type"] == "overloaded_error"
        assert client.request("GET", "/anthropic/v1/models", []).status == 503
        assert client.request("PUT", "/anthropic/v1/messages", [JSON], b"{}").status == 503      # the method is checked later
        seen = [(record["method"], record["error"]["code"]) for record in records.all()]
        assert seen == [("POST", "provider_disabled"), ("PUT", "provider_disabled")]
