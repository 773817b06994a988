"""envoy/records/lines.py joins what container runtimes cut."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "envoy" / "records"))

import lines as module  # noqa: E402
from lines import OPEN_LINES, joined  # noqa: E402

RECORD = json.dumps({"version": 1, "prompt": "Grüße \U0001f600 \\ \" " + "x" * 100_000}, ensure_ascii=False).encode()
AT = b"2026-11-24T15:39:54.123456789Z"


def all_of(*given: bytes) -> list[bytes | None]:
    return [line for _, line in joined(enumerate(given, 1))]


def cri(text: bytes, size: int = 16384, stream: bytes = b"stdout") -> list[bytes]:
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    return [b"%s %s %s %s\n" % (AT, stream, b"F" if at == len(parts) - 1 else b"P", part) for at, part in enumerate(parts)]


def docker(text: str, size: int = 16384, stream: str = "stdout") -> list[bytes]:
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    return [json.dumps({"log": part + ("\n" if at == len(parts) - 1 else ""), "stream": stream, "time": AT.decode()}, separators=(",", ":")).encode() + b"\n" for at, part in enumerate(parts)]


@pytest.mark.parametrize("size", [1, 7, 8192, 16384])
def test_the_parts_of_a_cri_line_become_one(size):
    text = RECORD[:300] if size < 10 else RECORD
    assert all_of(*cri(text, size)) == [text], "also where a character is cut"


@pytest.mark.parametrize("size", [1, 7, 16384])
def test_the_parts_of_a_docker_line_become_one(size):
    text = RECORD[:300].decode() if size < 10 else RECORD.decode()
    assert all_of(*docker(text, size)) == [text.encode()]


def test_streams_that_interleave_are_joined_apart():
    one, two = cri(b"a" * 50), cri(b"b" * 40000, stream=b"stderr")
    first, *rest = cri(b"c" * 40000)
    assert all_of(two[0], first, two[1], *rest, *two[2:], *one) == [b"c" * 40000, b"b" * 40000, b"a" * 50]
    pods = [b"[pod/%s/envoy] %s" % (pod, line) for line in cri(b"x" * 40000) for pod in (b"a", b"b")]
    assert all_of(*pods) == [b"x" * 40000] * 2


@pytest.mark.parametrize("line", [RECORD, b"", b"\n", b"[2026-11-24][info] starting", b'{"log":"no docker line"}', b'{"log":"broken', b'{"log":5,"time":"x"}', b"gateway  | {}", b"\xff\xfe"])
def test_other_lines_pass_unchanged(line):
    assert all_of(line) == [line]


def test_a_line_has_the_number_of_its_first_part():
    assert [number for number, _ in joined(enumerate([b"{}", *cri(b"x" * 40000), b"{}"], 1))] == [1, 2, 5]


def test_what_never_ends_comes_last():
    assert all_of(cri(b"x" * 20000)[0], b"{}") == [b"{}", b"x" * 16384]


def test_what_waits_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "LINE_BYTES", 30_000)
    assert all_of(*cri(b"x" * 100_000), *cri(b"y" * 20_000)) == [None, b"y" * 20_000]
    many = [b"[pod/p%d/envoy] %s" % (pod, cri(b"x" * 20000)[0]) for pod in range(OPEN_LINES + 10)]
    assert all_of(*many) == [b"x" * 16384] * (OPEN_LINES + 10)


def test_random_cuts_change_nothing():
    chance = random.Random(22)
    for _ in range(50):
        text = bytes(chance.choice(b'{}":,abc \\') for _ in range(chance.randrange(1, 3000)))
        assert all_of(*cri(text, chance.randrange(1, 200))) == [text]
