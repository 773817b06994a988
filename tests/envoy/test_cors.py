"""CORS with envoy/cors: preflights and exposed headers, for allowed origins alone."""

from __future__ import annotations

from typing import Any

import pytest

from fragments import fragment
from render import connection_manager_of
from samples import JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, messages_request
from upstream import json_answer, stream_answer

ORIGIN = "https://chat.example.com"
EXPOSED = "x-ai-bridge-id, request-id, retry-after, x-should-retry"


def with_cors(config: Any) -> None:
    """Puts the parts of the fragment where its comments say."""
    parts = fragment("cors/cors.yaml")
    manager = connection_manager_of(config)
    manager["http_filters"][:0] = parts["http_filters"]
    host = manager["route_config"]["virtual_hosts"][0]
    host.update(parts["virtual_host"])
    assert host["routes"][-1]["name"] == parts["last_route"]["name"]
    host["routes"][-1] = parts["last_route"]
    config["static_resources"]["clusters"].append(parts["cluster"])


GATEWAY = {"change": with_cors}


def preflight(client: Any, origin: str, path: str = MESSAGES) -> Any:
    asked = [("origin", origin), ("access-control-request-method", "POST"), ("access-control-request-headers", "content-type,x-api-key,x-stainless-os")]
    return client.request("OPTIONS", path, asked, b"")


@pytest.mark.parametrize("path", [MESSAGES, "/openai/v1/responses", "/openai/v1/models", "/no/such/route"])
def test_a_preflight_of_an_allowed_page_is_answered_in_front(http1, upstream, records, path):
    answer = preflight(http1, ORIGIN, path)
    assert (answer.status, answer.header("access-control-allow-origin")) == (200, ORIGIN)
    allowed = {each.strip() for each in answer.header("access-control-allow-headers").split(",")}
    assert {"authorization", "x-api-key", "content-type", "anthropic-version", "x-stainless-os"} <= allowed
    assert "POST" in answer.header("access-control-allow-methods")
    assert upstream.requests == [] and records.all() == []


def test_a_preflight_of_another_page_is_not_answered_for_it(http1, upstream, records):
    answer = preflight(http1, "https://evil.example")
    assert answer.header("access-control-allow-origin") is None
    assert answer.status == 405
    assert upstream.requests == []


@pytest.mark.parametrize("origin", [ORIGIN, "https://evil.example"])
def test_answers_and_refusals_expose_their_headers_to_allowed_pages(http1, upstream, records, origin):
    expected = (origin, EXPOSED) if origin == ORIGIN else (None, None)
    for answer, body, status in [
        (json_answer(MESSAGE), messages_request(), 200),
        (stream_answer(*MESSAGE_STREAM), messages_request(stream=True), 200),
        (json_answer({}), b"no JSON", 400),
    ]:
        upstream.begin(answer)
        got = http1.request("POST", MESSAGES, [JSON, TOKEN, ("origin", origin)], body)
        assert got.status == status
        assert (got.header("access-control-allow-origin"), got.header("access-control-expose-headers")) == expected
