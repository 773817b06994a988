"""What the terminals of Codex and Claude Code show of a budget before it is spent, and of a circuit that is open."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

from agents import CLAUDE, CLAUDE_CODE, CODEX, CODEX_PROVIDER, RUNS, Agent, url
from client import Http1
from conftest import envoy_conftest
from gateway import Gateway
from render import connection_manager_of, render
from samples import JSON, MESSAGES, messages_request
from stops import name_the_caller, stated, with_message
from terminal import Terminal


def budget(remaining: int) -> dict[str, Any]:
    """A gateway whose answers state a budget of 100, as Envoy's rate limit filter does."""

    def change(config: Any) -> None:
        name_the_caller(config, RUNS)
        connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"][0]["response_headers_to_add"] = stated(100, remaining, 3600)

    return {"change": change, "plugin": with_message}


@contextmanager
def interface(agent: Agent, gateway: Gateway, command: list[Any]) -> Iterator[Terminal]:
    RUNS.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=RUNS))
    try:
        home, work = directory / "home", directory / "work"
        home.mkdir()
        work.mkdir()
        bridge = url(gateway.address)
        agent.prepare(home, bridge)
        if command[0] == CODEX:
            with (home / ".codex" / "config.toml").open("a") as config:
                config.write(f'\n[projects."{work}"]\ntrust_level = "trusted"\n')
        else:
            known = {"hasCompletedOnboarding": True, "theme": "dark", "projects": {str(work): {"hasTrustDialogAccepted": True}}}
            (home / ".claude.json").write_text(json.dumps(known))
        clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(directory), "LANG": "C.UTF-8"}
        with Terminal(command, work, {**clean, **agent.environment(bridge, "")}) as terminal:
            yield terminal
            print(terminal.text()[-3000:])
    finally:
        end_all_of(directory)
        shutil.rmtree(directory, ignore_errors=True)


def end_all_of(directory: Path) -> None:
    """Ends the daemons that Codex installs into its home and leaves running."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            program = (process / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
            if program.startswith(f"{directory}/"):
                os.kill(int(process.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue


CLAUDE_TOKEN = ("authorization", "Bearer gw_ada")
CODEX_TUI = [CODEX, "--dangerously-bypass-approvals-and-sandbox", "--model", CODEX_PROVIDER.model, "hello"]
CLAUDE_TUI = [CLAUDE, "--model", CLAUDE_CODE.model, "hello"]


@pytest.mark.parametrize("remaining, warns", [(80, None), (20, "less than 25%"), (4, "less than 5%")])
def test_codex_warns_of_a_budget(mock, remaining, warns):
    with Gateway(render(mock.address, **budget(remaining))) as gateway, interface(CODEX_PROVIDER, gateway, CODEX_TUI) as terminal:
        assert terminal.wait_for("You said: hello")
        assert terminal.wait_for(warns) if warns else not terminal.wait_for("Heads up", 5)
        assert ("Heads up" in terminal.text()) == bool(warns)
        envoy_conftest.assert_alive(gateway)


def test_claude_code_shows_no_warning_to_a_user_with_a_token(mock):
    with Gateway(render(mock.address, **budget(4))) as gateway:
        with Http1(gateway.address) as client:
            answer = client.request("POST", MESSAGES, [JSON, CLAUDE_TOKEN], messages_request())
            assert answer.header("anthropic-ratelimit-unified-status") == "allowed_warning"
        with interface(CLAUDE_CODE, gateway, CLAUDE_TUI) as terminal:
            assert terminal.wait_for("You said: hello")
            assert not terminal.wait_for("limit", 5)

