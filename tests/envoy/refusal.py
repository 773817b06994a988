"""Checks for refusals: the gateway's own reply, and a provider that must not get a whole request."""

from __future__ import annotations

from typing import Any

from client import Answer
from samples import MESSAGES
from upstream import Exchange, PeerGone


def refused(answer: Answer, status: int, path: str = MESSAGES, retry: str | None = "false") -> dict[str, Any]:
    """Checks that an answer is a refusal in the dialect of `path`; returns its error."""
    assert answer.status == status, answer
    assert answer.header("content-type") == "application/json"
    assert answer.header("x-should-retry") == retry
    body = answer.json()
    error = body["error"]
    if path.endswith("/messages"):
        assert body["type"] == "error" and set(body) == {"type", "error"} and set(error) == {"type", "message"}
    else:
        more = {"resets_at"} if error["type"] == "usage_limit_reached" else set()
        assert set(body) == {"error"} and set(error) == {"message", "type", "param", "code"} | more and error["param"] is None
    assert error["message"].startswith("AI gateway: ") and error["type"]
    return error


def never_completes(exchange: Exchange) -> None:
    """A provider's script: checks that the gateway aborts this request before its end."""
    try:
        exchange.read_body()
    except PeerGone:
        return
    raise AssertionError(f"a request that must not complete did: {bytes(exchange.received.body[-200:])!r}")
