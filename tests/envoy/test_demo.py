"""`make run` tells each request in a line, keeps the records, says in one sentence what is wrong, leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from client import Http1
from gateway import RUNS
from render import REPOSITORY, wasm_of
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


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, DEMO, *arguments], capture_output=True, text=True, timeout=60, cwd=REPOSITORY, env={**os.environ, **environment})


def test_once_shows_one_record_and_ends():
    done = run("--once")
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("curl", "ANTHROPIC_BASE_URL=http://127.0.0.1:", "alice (payments)  claude-opus-4-8  completed 200", "Why is the sky blue?", "Stopped. 1 request by 1 named caller", "$0.000200"):
        assert words in done.stdout, done.stdout
    assert "\x1b" not in done.stdout, "colours although the output is no terminal"
    report = done.stdout.split("A report on them:")[1].split()
    assert "spend" in subprocess.run([sys.executable, *report[1:]], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--port", "99999"], {}, "PORT=99999 is no port"),
        (["--port", "8o"], {}, "PORT=8o is no port"),
        (["--keys", "rael"], {}, "KEYS=rael is not understood"),
        (["--keys", "real"], {"ANTHROPIC_API_KEY": "", "OPENAI_API_KEY": " "}, "KEYS=real needs ANTHROPIC_API_KEY or OPENAI_API_KEY"),
    ],
)
def test_what_cannot_work_is_one_sentence(arguments, environment, says):
    done = run(*arguments, **environment)
    assert (done.returncode, done.stdout) == (1, "") and done.stderr.count("\n") == 1, done
    assert says in done.stderr


def test_a_taken_port_is_one_sentence():
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)         # as another Envoy has it
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"The demo cannot run: port {port} is taken: choose another one with PORT=, or none for the first free one.\n"


@pytest.mark.parametrize(("host", "content", "says"), [
    ("wasm", None, "is missing: run `make build`."), ("wasm", b"<html>", "is no WebAssembly module: run `make build`."),
    ("native", None, "is missing: run `make native`."), ("native", b"<html>", "is no shared library: run `make native`."),
])
def test_a_missing_module_is_one_sentence(host, content, says, tmp_path):
    module = tmp_path / "ai_bridge.wasm"
    if content is not None:
        module.write_bytes(content)
    program = f"import pathlib, sys; sys.path[:0] = [{str(DEMO.parent)!r}, {str(DEMO.parent / 'envoy')!r}]; import demo_run; demo_run.WASM = demo_run.NATIVE = pathlib.Path({str(module)!r}); sys.argv = ['demo']; sys.exit(demo_run.main())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env={**os.environ, "HOST": host})
    assert done.returncode == 1 and done.stderr.endswith(f"{says}\n") and done.stderr.count("\n") == 1, done


def test_the_real_providers_have_the_keys_of_the_environment_on_loopback():
    sys.path.insert(0, str(DEMO.parent))
    import demo_config

    keys = demo_config.real_keys({"ANTHROPIC_API_KEY": "sk-ant-1", "OPENAI_API_KEY": "", "HOME": "/"})
    assert keys == {"ANTHROPIC_API_KEY": "sk-ant-1"}
    whole = demo_config.config(None, 10000, list(keys))
    assert whole["static_resources"]["listeners"][0]["address"]["socket_address"]["address"] == "127.0.0.1"
    hosts = {c["name"]: c["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]["address"] for c in whole["static_resources"]["clusters"]}
    assert hosts["anthropic"] == "api.anthropic.com" and all("transport_socket" in c for c in whole["static_resources"]["clusters"])
    providers = json.loads(wasm_of(whole)["configuration"]["value"])["providers"]
    assert [provider["type"] for provider in providers] == ["anthropic", "copilot"]
    assert "sk-ant-1" not in json.dumps(whole)


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.7, 1.2])
def test_it_can_be_ended_at_any_moment(seconds):
    before = set(RUNS.glob("*"))
    demo = subprocess.Popen(
        ["env", "--block-signal=INT", sys.executable, "-S", DEMO], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(seconds)
    started = descendants(demo.pid)
    demo.send_signal(signal.SIGINT)
    out, err = demo.communicate(timeout=30)
    assert (demo.returncode, err) == (0, "") and "Stopped." in out, (out, err)
    assert not any(alive(pid) for pid in started)
    assert set(RUNS.glob("*")) <= before or os.environ.get("PYTEST_XDIST_WORKER"), "a folder is left behind"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_prints_each_record_and_leaves_no_process_behind(how):
    demo = subprocess.Popen(
        [sys.executable, DEMO], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, cwd=REPOSITORY, env={**os.environ, "PYTHONUNBUFFERED": "1"},
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
        wait_for('bob (search)      claude-opus-4-8  completed 200')
        wait_for('calls get_weather({"city": "Paris"})')
        assert "missing_actor" in wait_for("rejected 401")
        with Http1(("127.0.0.1", port)) as client:
            assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(prompt="first\nsecond \x1b[31m")).status == 200
            wait_for("“first…”")
            assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request()[:-3]).status == 400
            wait_for("rejected 400")
            assert client.request("GET", "/openai/v1/models?key=secret", [TOKEN]).status == 200
            assert "200 passed through, no record" in wait_for("GET /openai/v1/models  ")
            assert client.request("GET", "/nowhere", [TOKEN]).status == 404
            wait_for("404 answered by the gateway, no record")
        kept = [json.loads(line)["outcome"] for line in (REPOSITORY / re.search(r"target/demo/records\S*\.jsonl", wait_for("target/demo/records")).group()).read_text().splitlines()]
        assert kept == ["completed", "completed", "rejected", "completed", "rejected"]
        started = descendants(demo.pid)
        assert len(started) >= 3, "the mock, func-e and Envoy"
        demo.send_signal(how)
        code = demo.wait(30)
        if how != signal.SIGKILL:
            assert "5 requests by 2 named callers (3 completed, 2 rejected): $0.00" in wait_for("Stopped.")
            wait_for("python3 envoy/records/report.py target/demo/records")
        assert code == (-signal.SIGKILL if how == signal.SIGKILL else 0), "".join(lines)
        deadline = time.monotonic() + 10
        while any(alive(pid) for pid in started):
            assert time.monotonic() < deadline, "something of the demo lives on"
            time.sleep(0.02)
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait()
