"""Every transcript through real Envoy: the provider's bytes, the client's bytes and the record are the expected ones."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from client import Reset
from render import REPOSITORY
from upstream import Exchange, parse_head

TRANSCRIPTS = REPOSITORY / "tests" / "transcripts"
CONCURRENCY = 2
# 429 and 503 are part of many transcripts; the breaker is tested elsewhere.
GATEWAY = {"plugin": json.loads((TRANSCRIPTS / "config.json").read_text()), "breaker": {"consecutive_5xx": 1_000_000}}


def folders() -> list[Path]:
    return sorted(path.parent for path in TRANSCRIPTS.glob("*/*/transcript.json"))


def bytes_of(folder: Path, *names: str) -> bytes:
    """The content of the first of these files that exists."""
    return next((folder / name).read_bytes() for name in names if (folder / name).exists())


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_transcript(client, upstream, records, folder):
    ends = json.loads((folder / "transcript.json").read_text())["ends"]
    expected = json.loads((folder / "record.json").read_text())
    head = parse_head(bytes_of(folder, "request.http").rstrip(b"\r\n"))
    body = bytes_of(folder, "request.json")
    answer_head = bytes_of(folder, "response.http").rstrip(b"\r\n").decode("latin-1")
    answer_body = bytes_of(folder, "response.body")
    client_body = bytes_of(folder, "client.body", "response.body")
    has_it_all = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        streamed = "event-stream" in answer_head or ends != "complete"
        framing = "transfer-encoding: chunked" if streamed else f"content-length: {len(answer_body)}"
        exchange.send(f"{answer_head}\r\n{framing}\r\n\r\n".encode("latin-1"))
        if not streamed:
            exchange.send(answer_body)
            return
        for at in range(0, len(answer_body), 1000):
            exchange.chunk(answer_body[at : at + 1000])
        if ends == "complete":
            exchange.end()
        elif ends == "reset":
            has_it_all.wait(2)
            exchange.reset()
        else:
            exchange.wait_until_gone()

    upstream.begin(script)
    client.start(head.method, head.target, head.headers + [("content-length", str(len(body)))])
    client.send(body, end=True)
    answer = client.head()
    assert answer.status == expected["response"]["status"]
    got = bytearray()
    try:
        while True:
            if len(got) >= len(client_body):
                has_it_all.set()
                if ends == "client_gone":
                    client.reset()
                    break
            part = client.read()
            if not part:
                assert ends == "complete", "the answer ended in good order"
                break
            got += part
    except Reset:
        assert ends == "reset"
    assert bytes(got) == client_body
    assert bytes(upstream.only().body) == bytes_of(folder, "upstream.json", "request.json")

    problems = list(differences(expected, records.one()))
    assert not problems, "\n".join(problems)


def refused() -> list[Path]:
    return sorted(path.parent for path in (TRANSCRIPTS / "refused").glob("*/*/transcript.json"))


@pytest.mark.parametrize("folder", refused(), ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_refused(client, upstream, records, folder):
    """The gateway itself answers; the provider never has the whole request."""
    expected = json.loads((folder / "reply.json").read_text())
    head = parse_head(bytes_of(folder, "request.http").rstrip(b"\r\n"))
    body = bytes_of(folder, "request.json")
    upstream.begin(lambda exchange: exchange.wait_until_gone())
    client.start(head.method, head.target, head.headers + [("content-length", str(len(body)))])
    client.send(body, end=True)
    answer = client.head()
    got = bytearray()
    while part := client.read():
        got += part
    assert answer.status == expected["status"]
    assert {name: answer.header(name) for name in expected["headers"]} == expected["headers"]
    reply = json.loads(got)
    assert not differences(expected["body"], reply)
    assert all(word in reply["error"]["message"] for word in expected["message_has"]), reply
    problems = list(differences(json.loads((folder / "record.json").read_text()), records.one()))
    assert not problems, "\n".join(problems)


def differences(expected: Any, found: Any, path: str = "record") -> list[str]:
    """The differences of a record from its transcript; the transcripts' README has the rules."""
    if expected is None:
        return [] if found is None else [f"{path}: {found!r} instead of nothing"]
    if expected == [] and not found:
        return []
    whole = path.endswith((".arguments", ".provider_usage")) or ".provider_usage." in path
    if isinstance(expected, dict) and isinstance(found, dict):
        problems = [f"{path}.{key}: not expected" for key in found if whole and key not in expected]
        for key, value in expected.items():
            problems += differences(value, found.get(key), f"{path}.{key}")
        return problems
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [problem for at, pair in enumerate(zip(expected, found)) for problem in differences(*pair, f"{path}[{at}]")]
    return [] if expected == found and type(expected) is type(found) else [f"{path}: {found!r} instead of {expected!r}"]
