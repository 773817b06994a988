"""`make run`: runs a mock of the providers, Envoy and the filter on loopback, and prints every record as it arrives.

It runs the shipped envoy/envoy.yaml (see tests/envoy/render.py for the few things that must differ). No real provider
is contacted and no real key is needed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent / "envoy"))

from client import Http1  # noqa: E402
from gateway import Gateway, GatewayDied, die_with_parent  # noqa: E402
from render import REPOSITORY, Address, render  # noqa: E402

MOCK = REPOSITORY / "target" / "debug" / "mock-upstream"
FIRST_PORT = 10000
DEMO_KEYS = {"ANTHROPIC_API_KEY": "sk-ant-demo-key-of-the-gateway", "OPENAI_API_KEY": "sk-proj-demo-key-of-the-gateway"}

WIDTH = min(shutil.get_terminal_size().columns, 120)


def main() -> int:
    parser = argparse.ArgumentParser(description="The demo of AI Bridge, on loopback.")
    parser.add_argument("--once", action="store_true", help="send one streamed request, show its record, end")
    parser.add_argument("--port", type=int, default=None, help=f"of the gateway (default: {FIRST_PORT} or the next free one)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)       # ends like Ctrl-C
    try:
        run(arguments.port or free_port(), arguments.once)
    except KeyboardInterrupt:
        print("\nStopped.")
    except (GatewayDied, TimeoutError, OSError) as error:
        print(f"The demo could not go on: {error}", file=sys.stderr)
        return 1
    return 0


def run(port: int, once: bool) -> None:
    with Mock() as mock, Gateway(render(mock.address, port=port), environment=DEMO_KEYS) as gateway:
        base = f"http://{gateway.address[0]}:{gateway.address[1]}"
        print(welcome(base, f"http://{gateway.admin[0]}:{gateway.admin[1]}"), flush=True)
        if once:
            ask(gateway.address)
            print(readable(gateway.wait_for_record(1)), flush=True)
            return
        for record in follow(gateway):
            print(readable(record), flush=True)


def follow(gateway: Gateway) -> Iterator[Any]:
    """Yields each record as soon as it is written, without end."""
    number = 0
    while True:
        number += 1
        yield gateway.wait_for_record(number, float("inf"))


def ask(address: Address) -> None:
    """Sends the first request of the welcome text."""
    body = json.dumps(REQUEST).encode()
    with Http1(address) as client:
        headers = [("authorization", "Bearer gw_demo"), ("content-type", "application/json"), ("user-agent", "make run")]
        answer = client.request("POST", "/anthropic/v1/messages", headers, body)
    if answer.status != 200:
        raise GatewayDied(f"the gateway answered {answer.status}: {answer.body!r}")


def free_port() -> int:
    """The first free port from 10000 on."""
    for port in range(FIRST_PORT, FIRST_PORT + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {FIRST_PORT} to {FIRST_PORT + 99}")


class Mock:
    """A running mock of the providers."""

    arguments: tuple[str, ...] = ()

    def __enter__(self) -> "Mock":
        # In a session of its own, so that Ctrl-C does not end it before Envoy.
        command = [MOCK, "--listen", "127.0.0.1:0", *self.arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=die_with_parent)
        assert self._process.stdout is not None
        first_line = self._process.stdout.readline()
        if not first_line:
            raise OSError(f"{MOCK.name} did not start")
        host, port = first_line.split()[-1].removeprefix("http://").rsplit(":", 1)
        self.address: Address = (host, int(port))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


# === what is shown ===

REQUEST = {"model": "claude-opus-4-8", "max_tokens": 256, "stream": True, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}


def welcome(base: str, admin: str) -> str:
    """The welcome text, with commands to try."""
    return textwrap.dedent(f"""
        AI Bridge is running at {base} (statistics: {admin}/stats/prometheus)

        Try, in another terminal:

          # a streamed message
          curl -N {base}/anthropic/v1/messages -H 'authorization: Bearer gw_demo' -H 'content-type: application/json' \\
            -d '{json.dumps(REQUEST)}'

          # a chat completion
          curl {base}/openai/v1/chat/completions -H 'authorization: Bearer gw_demo' -H 'content-type: application/json' \\
            -d '{{"model": "gpt-5.5", "messages": [{{"role": "user", "content": "Hello"}}]}}'

          # what goes wrong: not JSON; a provider in trouble; another vendor's key
          curl {base}/anthropic/v1/messages -H 'authorization: Bearer gw_demo' -d 'oops'
          curl {base}/anthropic/v1/messages -H 'authorization: Bearer gw_demo' -d '{{"model": "mock-error-529", "messages": []}}'
          curl {base}/anthropic/v1/messages -H 'x-api-key: sk-proj-not-anthropics' -d '{{}}'

          # Claude Code
          ANTHROPIC_BASE_URL={base}/anthropic ANTHROPIC_AUTH_TOKEN=gw_demo claude

          # the SDKs (Python)
          Anthropic(base_url="{base}/anthropic", auth_token="gw_demo")
          OpenAI(base_url="{base}/openai/v1", api_key="gw_demo")

        The answers come from a stand-in for the providers. Each request's record follows here; Ctrl-C ends everything.
    """)


def readable(record: Any) -> str:
    """A record as a block of text; absent members have no line."""
    model = record.get("model") or {}
    usage = record.get("usage") or {}
    details = usage.get("details") or {}
    error = record.get("error") or {}
    actor = record.get("actor") or {}
    response = record.get("response") or {}
    served = model.get("served")
    asked = model.get("requested")

    metadata = ", ".join(f"{key} {value}" for key, value in (actor.get("metadata") or {}).items())
    who = [actor.get("id"), metadata, record.get("client"), credential(record.get("credential") or {})]
    lines = [("who", " · ".join(part for part in who if part))]
    names = asked or served or "unknown"
    if served and asked and served != asked:
        names += f" (served by {served})"
    how = "streamed" if record.get("streaming") else "document"
    lines.append(("model", f"{names} at {record['provider']['name']} · {record['api']}, {how}"))
    lines.append(("tokens", tokens(usage)))
    if "cost_microusd" in record and record["cost_microusd"] is not None:
        lines.append(("cost", f"${record['cost_microusd'] / 1_000_000:.6f}"))
    first = record.get("time_to_first_event_ms")
    lines.append(("time", f"{record.get('duration_ms')} ms" + (f", first event after {first} ms" if first is not None else "")))
    if record.get("session_id"):
        lines.append(("session", record["session_id"]))
    if record.get("prompt"):
        lines.append(("prompt", one_line(record["prompt"])))
    for call in record.get("tool_calls") or []:
        arguments = call.get("arguments")
        shown = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        unfinished = "" if call.get("complete", True) else " (unfinished)"
        lines.append(("tool", one_line(f"{call.get('name')}({'' if arguments is None else shown}){unfinished}")))
    for thought in record.get("thoughts") or []:
        lines.append(("thought", one_line(thought.get("text") or "")))
    if error:
        lines.append(("error", one_line(" · ".join(str(error[part]) for part in ("type", "code", "message") if error.get(part)))))
    if record.get("notes"):
        lines.append(("notes", ", ".join(map(str, record["notes"]))))
    if details.get("service_tier"):
        lines.append(("tier", str(details["service_tier"])))

    outcome = record.get("outcome") or "?"
    reasons = ", ".join(map(str, response.get("finish_reasons") or []))
    status = " ".join(str(part) for part in (response.get("status"), f"({reasons})" if reasons else "") if part)
    title = f"{record.get('started_at', '')[11:19]}  {record.get('method')} {printable(record.get('path') or '')}  {paint(outcome)}  {status}"
    return "\n".join([title, *(f"  {name:<8}{printable(value)}" for name, value in lines if value), ""])


def tokens(usage: Any) -> str:
    """The usage in one line, such as «112 in (100 from the cache) · 7 out»."""
    if usage.get("usage_status") == "missing" or not usage:
        return "not stated"
    parts = []
    if (total := usage.get("total_input_tokens")) is not None:
        cached = [f"{usage[key]} {words}" for key, words in (("cache_read_tokens", "from the cache"), ("cache_write_tokens", "into the cache")) if usage.get(key)]
        parts.append(f"{total} in" + (f" ({', '.join(cached)})" if cached else ""))
    if (out := usage.get("output_tokens")) is not None:
        parts.append(f"{out} out" + (f" ({usage['reasoning_tokens']} reasoning)" if usage.get("reasoning_tokens") else ""))
    if usage.get("usage_status") == "partial":
        parts.append("so far as seen")
    return " · ".join(parts)


def credential(found: Any) -> str:
    """The credential's owner and its hint."""
    words = {"centralized": "the gateway's key", "byok": "a key of their own"}.get(found.get("kind"), "")
    return f"{words} {found['hint']}" if words and found.get("hint") else words


def one_line(text: str) -> str:
    """The first line of a text, cut at the width of the terminal."""
    line, more = (text.strip().splitlines() or [""])[0], "\n" in text.strip()
    room = WIDTH - 12
    return line[: room - 1] + "…" if len(line) > room or more else line


def printable(text: str) -> str:
    """`text` without control characters: it is untrusted, and a terminal would obey them."""
    return "".join(c if c.isprintable() else "�" for c in text)


def paint(outcome: str) -> str:
    """The outcome in colour if the output is a terminal: green completed, yellow rejected, red any other."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return outcome
    colour = {"completed": 32, "rejected": 33}.get(outcome, 31)
    return f"\033[{colour}m{outcome}\033[0m"


if __name__ == "__main__":
    sys.exit(main())
