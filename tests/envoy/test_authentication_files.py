"""What authentication in front refuses reaches the caller as JSON and is final: the files of envoy/istio and envoy/envoy-gateway.
The health path stands in front of it in every sample for plain Envoy.

The replies of these files run in plain Envoy, with the filters that Istio and Envoy Gateway make of their policies.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from budgets import CONFIGURATION, as_key, base64url, trust, SIGNING_KEY
from client import Http1
from conftest import assert_alive
from gateway import Gateway
from render import REPOSITORY, connection_manager_of, render, shipped
from samples import JSON, MESSAGES, messages_request

ENVOY = REPOSITORY / "envoy"
HTTP = "type.googleapis.com/envoy.extensions.filters.http"


def of_istio() -> Any:
    """What the EnvoyFilter merges into the connection manager."""
    [patch] = yaml.safe_load((ENVOY / "istio" / "authentication.yaml").read_text())["spec"]["configPatches"]
    return patch["patch"]["value"]["typed_config"]["local_reply_config"]


def of_envoy_gateway() -> Any:
    """What the EnvoyPatchPolicy adds there."""
    [patch] = yaml.safe_load((ENVOY / "envoy-gateway" / "authentication.yaml").read_text())["spec"]["jsonPatches"]
    assert patch["operation"]["path"] == "local_reply_config"
    return patch["operation"]["value"]


def filters() -> list[Any]:
    """Tokens, and a role: a request without a token goes on to the role, as in Istio."""
    jwks = {"keys": [{"kty": "oct", "alg": "HS256", "k": base64url(SIGNING_KEY)}]}
    company = {"issuer": "https://login.example.com", "local_jwks": {"inline_string": json.dumps(jwks)}, "from_headers": [{"name": "authorization", "value_prefix": "Bearer gw_"}], "forward": True, "payload_in_metadata": "token"}
    needs_token = {"requires_any": {"requirements": [{"provider_name": "company"}, {"allow_missing": {}}]}}
    named = {"metadata": {"filter": "envoy.filters.http.jwt_authn", "path": [{"key": "token"}, {"key": "sub"}], "value": {"string_match": {"safe_regex": {"regex": ".+"}}}}}
    return [
        {"name": "envoy.filters.http.jwt_authn", "typed_config": {"@type": f"{HTTP}.jwt_authn.v3.JwtAuthentication", "providers": {"company": company}, "rules": [{"match": {"prefix": "/"}, "requires": needs_token}]}},
        {"name": "rbac", "typed_config": {"@type": f"{HTTP}.rbac.v3.RBAC", "rules": {"action": "ALLOW", "policies": {"named": {"permissions": [{"any": True}], "principals": [named]}}}}},
    ]


def keys() -> list[Any]:
    """API keys, as Envoy Gateway's `apiKeyAuth`."""
    config = {"@type": f"{HTTP}.api_key_auth.v3.ApiKeyAuth", "credentials": [{"key": "known", "client": "ada"}], "key_sources": [{"header": "x-gateway-key"}]}
    return [{"name": "keys", "typed_config": config}]


@contextmanager
def behind(authentication: list[Any], replies: Any) -> Iterator[Any]:
    """The address of a gateway with `root` "/ai"."""

    def change(config: Any) -> None:
        manager = connection_manager_of(config)
        manager["local_reply_config"] = replies
        manager["http_filters"][:0] = authentication

    plugin = {"root": "/ai", "providers": [{"type": "anthropic", "byok": "deny", "key": {"value": "sk-ant-central-0123456789"}}]}
    with Gateway(render(("127.0.0.1", 1), plugin=plugin, change=change)) as gateway:
        yield gateway.address
        assert_alive(gateway)


@pytest.fixture(scope="module", params=[of_istio, of_envoy_gateway], ids=["istio", "envoy-gateway"])
def address(request: pytest.FixtureRequest) -> Iterator[Any]:
    with behind(filters(), request.param()) as address:
        yield address


def ask(address: Any, path: str, *headers: tuple[str, str]) -> Any:
    with Http1(address) as client:
        return client.request("POST", path, [JSON, *headers], messages_request())


@pytest.mark.parametrize(
    "token, status, kind, reason",
    [
        (("authorization", "Bearer gw_x.y.z"), 401, "authentication_error", "Jwt"),
        (as_key("ada", exp=1), 401, "authentication_error", "Jwt is expired"),
        (("x-other", "none"), 403, "permission_error", "RBAC: access denied"),
    ],
)
def test_a_refusal_of_authentication_is_final_and_json(address, token, status, kind, reason):
    answer = ask(address, "/ai/anthropic/v1/messages", token)
    assert (answer.status, answer.header("content-type"), answer.header("x-should-retry")) == (status, "application/json", "false")
    error = answer.json()["error"]
    assert error["type"] == kind and error["message"].startswith("AI gateway: ") and reason in error["message"]


def test_a_missing_and_an_unknown_api_key_are_final_and_json():
    with behind(keys(), of_envoy_gateway()) as address:
        for header in (("x-other", "none"), ("x-gateway-key", "unknown")):
            answer = ask(address, "/ai/anthropic/v1/messages", header)
            assert (answer.status, answer.header("x-should-retry")) == (401, "false"), header
            assert answer.json()["error"]["message"].startswith("AI gateway: "), header


def test_other_applications_keep_their_replies(address):
    answer = ask(address, "/shop/cart", ("authorization", "Bearer gw_x.y.z"))
    assert (answer.status, answer.header("x-should-retry")) == (401, None) and answer.body.startswith(b"Jwt")
    answer = ask(address, "/shop/cart")
    assert (answer.status, answer.body) == (403, b"RBAC: access denied")


def test_the_filters_own_refusals_stay(address):
    answer = ask(address, "/ai/anthropic/v1/messages", as_key("ada"), ("x-api-key", "sk-ant-own-key-0123456789"))
    assert answer.status == 403 and "callers' own credentials are not accepted here" in answer.json()["error"]["message"]
    assert answer.header("x-ai-bridge-id")


def of_the_reference(directory: Path) -> Any:
    """The lines of authentication in a comment of envoy.yaml, uncommented, with keys of these tests."""
    [first, second] = re.findall(r"^ *# (- \{ name: envoy\.filters\.http\.jwt_authn.*)\n *# (.*)$", (ENVOY / "envoy.yaml").read_text(), re.MULTILINE)[0]

    def change(config: Any) -> None:
        filters = connection_manager_of(config)["http_filters"]
        filters[-2:-2] = yaml.safe_load(f"{first}\n{second}")
        trust(config, directory)

    return change


def test_the_references_own_authentication_is_final_and_json(tmp_path):
    with Gateway(render(("127.0.0.1", 1), change=of_the_reference(tmp_path))) as gateway:
        for token in (("x-other", "none"), ("authorization", "Bearer gw_x.y.z"), as_key("ada", exp=1)):
            answer = ask(gateway.address, MESSAGES, token)
            assert (answer.status, answer.header("content-type"), answer.header("x-should-retry")) == (401, "application/json", "false"), token
            error = answer.json()["error"]
            assert error["type"] == "authentication_error" and error["message"].startswith("AI gateway: the gateway token was not accepted (Jwt"), error
        answer = ask(gateway.address, MESSAGES, as_key("ada", aud="other"))
        assert (answer.status, answer.header("x-should-retry"), answer.json()["error"]["type"]) == (403, "false", "permission_error")
        assert ask(gateway.address, MESSAGES, as_key("ada")).status == 503
        assert_alive(gateway)


@pytest.mark.parametrize("sample", ["envoy.yaml", "budgets/envoy.yaml", "native/envoy.yaml", "pools/envoy.yaml"])
def test_every_sample_has_the_health_path_in_front_of_all_filters(sample):
    first = connection_manager_of(shipped(ENVOY / sample))["http_filters"][0]
    assert first["name"] == "envoy.filters.http.health_check"
    assert first["typed_config"]["headers"] == [{"name": ":path", "string_match": {"exact": "/healthz"}}]
    assert first["typed_config"]["pass_through_mode"] is False


def test_the_health_path_needs_no_token(tmp_path):
    with Gateway(render(("127.0.0.1", 1), file=CONFIGURATION, change=lambda config: trust(config, tmp_path))) as gateway:
        with Http1(gateway.address) as client:
            assert client.request("GET", "/healthz", [], b"").status == 200
            assert client.request("GET", "/anthropic/v1/models", [], b"").status == 401
        assert_alive(gateway)
