"""Shared by the tests of `make verify`: how it is run, and small changes of the shipped configuration."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from budgets import CONFIGURATION, LIMITS
from gateway import KEYS
from render import REPOSITORY, connection_manager_of, shipped, wasm_of

VERIFY = REPOSITORY / "envoy" / "verify"
LINE = re.compile(r"(?P<file>[^\n:]+):(?P<line>\d+): (?P<level>error|warning): (?:(?P<path>[A-Za-z_@][^\s:]*(?:\[\"[^\"]*\"\][^\s:]*)*): )?(?P<text>.+)")

Change = Callable[[Any], Any]
Found = list[tuple[str, str, str]]


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name not in KEYS}
    return subprocess.run([sys.executable, VERIFY, *arguments], env={**plain, **environment}, capture_output=True, text=True, timeout=300)


def found_in(*files: str | Path, status: int | None = None) -> Found:
    """Level, path and message of every finding, without Envoy. Holds the form of each line and the exit status."""
    done = run("--without-envoy", *files)
    assert done.stderr == "", done.stderr
    problems: Found = []
    missing = 0
    for line in done.stdout.splitlines()[:-1]:
        if line.startswith("not checked: "):
            missing += not line.endswith(": as asked")
            continue
        match = LINE.fullmatch(line)
        assert match or re.search(r"\d+ errors?, \d+ warnings?", line), line
        if match:
            problems.append((match["level"], match["path"] or "", match["text"]))
    expected = 1 if any(level == "error" for level, *_ in problems) else 2 if missing else 0
    assert done.returncode == (expected if status is None else status), done.stdout
    return problems


def judged(config: Any, directory: Path, *others: str | Path) -> Found:
    """The findings about a configuration, with the shipped limits."""
    file = directory / "envoy.json"
    file.write_text(json.dumps(config, indent=1))
    return found_in(file, LIMITS, *others)


def manager_of(config: Any) -> Any:
    return connection_manager_of(config)


def filter_of(config: Any, name: str) -> Any:
    return next(each for each in manager_of(config)["http_filters"] if each["name"] == name)


def routes_of(config: Any) -> Any:
    return manager_of(config)["route_config"]["virtual_hosts"][0]["routes"]


def ai_route(config: Any) -> Any:
    return routes_of(config)[0]


def limits_of(config: Any) -> Any:
    return ai_route(config)["typed_per_filter_config"]["envoy.filters.http.ratelimit"]["rate_limits"]


def plugin(change: Callable[[Any], Any]) -> Change:
    """A change of the filter's own configuration."""

    def changes(config: Any) -> None:
        value = wasm_of(config)["configuration"]
        given = json.loads(value["value"])
        change(given)
        value["value"] = json.dumps(given)

    return changes


def text(old: str, new: str) -> Change:
    """Replaces words everywhere in the text."""

    def changes(config: Any) -> Any:
        whole = json.dumps(config)
        assert old in whole, old
        return json.loads(whole.replace(old, new))

    return changes


def budget(name: str, *, charges: bool) -> Callable[[Any], Any]:
    return lambda config: next(each for each in limits_of(config) if f'"{name}"' in json.dumps(each) and bool(each.get("apply_on_stream_done")) == charges)


def drop(*path: Any) -> Change:
    """Removes the member at a path that begins at the connection manager."""

    def changes(config: Any) -> None:
        place = manager_of(config)
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]

    return changes


def set_at(find: Callable[[Any], Any], member: str, value: Any) -> Change:
    return lambda config: find(config).__setitem__(member, value)


def all_of(*changes: Change) -> Change:
    def together(config: Any) -> None:
        for change in changes:
            change(config)

    return together


def changed(change: Change, file: Path = CONFIGURATION) -> Any:
    """The configuration with budgets, in which every check applies, with one change."""
    config = shipped(file)
    result = change(config)
    return result if isinstance(result, dict) and {"static_resources", "staticResources"} & set(result) else config


def expect(found: Found, expected: Found) -> None:
    """Each finding is expected, and each expected one is found, as often as it is written."""
    rest = list(found)
    for level, path, message in expected:
        match = next((each for each in rest if each[0] == level and each[1].endswith(path) and message in each[2]), None)
        assert match, f"{level} {path} {message!r} not in {rest}"
        rest.remove(match)
    assert not rest, f"not expected: {rest}"


def each_is_reported(mistakes: dict[str, tuple[Change, Found]]) -> Callable[..., None]:
    """A test for each mistake: its findings are those expected, and no others."""
    @pytest.mark.parametrize("name", mistakes)
    def test(tmp_path, name):
        change, expected = mistakes[name]
        expect(judged(changed(change), tmp_path), expected)

    return test


def none_is_reported(changes: dict[str, Change]) -> Callable[..., None]:
    """A test for each change that is no mistake: there is no finding."""
    @pytest.mark.parametrize("name", changes)
    def test(tmp_path, name):
        expect(judged(changed(changes[name]), tmp_path), [])

    return test


def documents(file: Path) -> list[Any]:
    return [copy.deepcopy(each) for each in yaml.safe_load_all(file.read_text()) if each is not None]
