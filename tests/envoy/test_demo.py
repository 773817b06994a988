"""`make run` prints each record and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from client import Http1
from render import REPOSITORY
from samples import JSON, MESSAGES, TOKEN, messages_request

DEMO = REPOSITORY / "tests" / "demo.py"
MOCK = REPOSITORY / "target" / "debug" / "mock-upstream"

pytestmark = pytest.mark.skipif(not MOCK.exists(), reason="the mock upstream is not built: use `make e2e`")


def descendants(ancestor: int) -> list[str]:
    """All descendants of a process, in any session."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = entry.read_text().split(" ", 1)
        except OSError:
            continue
        parents.setdefault(int(rest.rsplit(")", 1)[1].split()[1]), []).append(int(pid))
    found, waiting = [], [ancestor]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return [str(pid) for pid in found]


def alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_once_shows_one_record_and_ends():
    done = subprocess.run([sys.executable, DEMO, "--once"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("curl", "ANTHROPIC_BASE_URL=http://127.0.0.1:", "POST /anthropic/v1/messages  completed  200", "Why is the sky blue?", "claude-opus-4-8"):
        assert words in done.stdout, done.stdout
    assert "\x1b" not in done.stdout, "colours although the output is no terminal"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_prints_each_record_and_leaves_no_process_behind(how):
    demo = subprocess.Popen(
        [sys.executable, DEMO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),       # a shell makes background jobs ignore SIGINT
    )
    lines: list[str] = []
    news = threading.Condition()

    def read() -> None:
        for line in demo.stdout:
            with news:
                lines.append(line)
                news.notify_all()

    threading.Thread(target=read, daemon=True).start()

    def wait_for(words: str) -> str:
        with news:
            assert news.wait_for(lambda: any(words in line for line in lines), 60), "".join(lines)
            return next(line for line in lines if words in line)

    try:
        port = int(wait_for("AI Bridge is running at").split("127.0.0.1:")[1].split()[0])
        with Http1(("127.0.0.1", port)) as client:
            assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(prompt="first\nsecond \x1b[31m")).status == 200
            wait_for("first…")
            assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request()[:-3]).status == 400
            wait_for("rejected  400")
        started = descendants(demo.pid)
        assert len(started) >= 3, "the mock, func-e and Envoy"
        demo.send_signal(how)
        code = demo.wait(30)
        assert code == (-signal.SIGKILL if how == signal.SIGKILL else 0), "".join(lines)
        deadline = time.monotonic() + 10
        while any(alive(pid) for pid in started):
            assert time.monotonic() < deadline, "something of the demo lives on"
            time.sleep(0.02)
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()
