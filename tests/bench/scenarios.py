"""The scenarios: what is sent, and what is measured.

The model's name in each body asks the mock for a fixed answer, so that all Envoys pass the same bytes.
"""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass
from typing import Any

# The variants that are compared: in every scenario, in those that envoy/native/README.md shows, and with --savings.
EVERYWHERE = ("envoy", "floor", "bridge")
BOTH_HOSTS = (*EVERYWHERE, "native")
SAVINGS = ("no-metrics", "no-values", "no-texts", "no-condition", "no-line", "bare")     # leave out parts of AI Bridge

MESSAGES = "/anthropic/v1/messages"
CHAT = "/openai/v1/chat/completions"
SMALL_ANSWER = "mock-bytes-300"


@dataclass(frozen=True)
class Scenario:
    """One kind of request and how it is sent.

    measures    `flood`: as many as Envoy can serve; `steady`: at a fixed rate; `once`: one on each connection, all at once;
                `held`: as `once`, and Envoy's memory while all are open; `uploads`: as `once`, and the peak of its memory
    """

    name: str
    title: str
    measures: tuple[str, ...]
    connections: int
    body: bytes = b""                   # none: GET
    path: str = MESSAGES
    rate: int = 0                       # `steady`: requests per second that every Envoy serves easily
    events: int = 0                     # `once`: events per request, counted instead of requests
    compared: tuple[str, ...] = EVERYWHERE
    savings: tuple[str, ...] = ()       # further variants, with --savings
    unread: bool = False                # the mock does not parse the body, because that would limit the rate
    edited: bytes = b""                 # the body after AI Bridge's edit; the other variants are sent this

    @property
    def headers(self) -> dict[str, str]:
        """The client's headers."""
        headers = {"authorization": "Bearer gw_bench", "anthropic-version": "2023-06-01"}
        headers |= {"content-type": "application/json"} if self.body else {}
        return headers | ({"x-mock-unread": SMALL_ANSWER} if self.unread else {})

    def body_for(self, variant: str) -> bytes:
        """The body that a client sends to this variant."""
        edits = variant not in ("envoy", "empty", "floor", "same-calls", "headers")
        return self.body if edits or not self.edited else self.edited


def _ask(model: str, messages: list[dict[str, Any]], **more: Any) -> bytes:
    return json.dumps({"model": model, "max_tokens": 1024, "messages": messages, **more}).encode()


def _stream(events: int, pace_ms: int = 0, **more: Any) -> bytes:
    model = f"mock-events-{events}" + (f"-pace-{pace_ms}" if pace_ms else "")
    return _ask(model, [{"role": "user", "content": "Please tell me a lot."}], stream=True, **more)


def _words(length: int) -> bytes:
    """A request of `length` bytes with one question."""
    words = "what would you do with all these words " * (length // 39 + 1)
    envelope = len(_ask(SMALL_ANSWER, [{"role": "user", "content": ""}]))
    return _ask(SMALL_ANSWER, [{"role": "user", "content": words[: length - envelope]}])


def _conversation(length: int) -> bytes:
    """A long request of an agent: many turns of prose and code, with an escape about every 40 bytes."""
    line = "The quick brown fox looks at the next function, and then changes it.\n    let answer = compute(&input, \"twice\")?;\n"
    turn = line * min(64, length // 1_000)
    turns = length // len(json.dumps(turn)) // 2 * 2 + 1        # the user has the last word
    messages = [
        {"role": "user" if number % 2 == 0 else "assistant", "content": [{"type": "text", "text": turn}]}
        for number in range(turns)
    ]
    return _ask(SMALL_ANSWER, messages)


def _agent(length: int) -> bytes:
    """A request of a coding agent: tools, questions, calls and files, with an escape about every 20 bytes of a file."""
    schema = {"type": "object", "required": ["file_path"], "properties": {
        "file_path": {"type": "string", "description": "The absolute path to the file to read"},
        "offset": {"type": "integer", "minimum": 0}, "limit": {"type": "integer", "default": 2000}}}
    tools = [{"name": f"Tool_{number}", "description": "Reads a file.\n- The path must be absolute\n", "input_schema": schema} for number in range(20)]
    code = '    let answer = compute(&input, "twice")?; // as before\n' * 30
    messages: list[dict[str, Any]] = []
    for number in range(length // 2_190):
        call = {"type": "tool_use", "id": f"toolu_{number:020}", "name": "Tool_1", "input": {"file_path": "/home/me/src/main.rs", "offset": 17}}
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": code}
        messages += [{"role": "user", "content": "Please look at the next file."}] if not number else []
        messages += [{"role": "assistant", "content": [{"type": "text", "text": "I read it."}, call]}, {"role": "user", "content": [result]}]
    return _ask(SMALL_ANSWER, messages, tools=tools)


def _texts(text: str, length: int) -> bytes:
    """A conversation of `length` bytes whose turns are this text, about 8 KB each, with letters beyond ASCII as they are."""
    turn = text * (8_000 // len(text.encode()) or 1)
    messages = [{"role": "user" if number % 2 == 0 else "assistant", "content": [{"type": "text", "text": turn}]}
                for number in range(length // len(turn.encode()) | 1)]
    return json.dumps({"model": SMALL_ANSWER, "max_tokens": 1024, "messages": messages}, ensure_ascii=False).encode()


def _picture(length: int) -> bytes:
    """A question about a picture of `length` bytes in base64."""
    data = base64.b64encode(random.Random(1).randbytes(length // 4 * 3)).decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return _ask(SMALL_ANSWER, [{"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]}])


# An escape every 60 bytes, a letter beyond ASCII every 80.
MIXED = (
    "The model reads what it is given — and says what comes next.\nIt was a café at the corner where everybody knows it,\n"
    "and the next line has the answer to the second question of all.\tOne → two and then three of the others, as before\n"
)
CHINESE = "模型读取所给的内容，并说出接下来的话。请修改这个函数：\n    let answer = compute(&input, \"twice\")?; // 计算两次\n"

_SLOW = _stream(600, pace_ms=1_000)
# The load of an Envoy whose memory is measured: before, and during the measurement.
WARM_UP = Scenario("warm-up", "stream of 100 events", ("flood",), 32, _stream(100))
CROWD = Scenario("crowd", "500 streams held open", ("held",), 500, _SLOW)


def scenarios() -> list[Scenario]:
    """All scenarios. An unpaced stream arrives in large pieces, as from a cache; a paced one event by event, as from a model."""
    both = ("flood", "steady")
    chat = _stream(100, stream_options={"include_usage": True})
    return [
        Scenario("json-1k", "1 KB request, 0.5 KB answer", both, 32, _words(1_024), rate=500,
                 compared=("empty", *BOTH_HOSTS), savings=("same-calls", *SAVINGS)),
        Scenario("json-4k", "4 KB request, 0.5 KB answer", ("flood",), 32, _words(4_096)),
        Scenario("json-64k", "64 KB request, 0.5 KB answer", ("flood",), 16, _conversation(64_000), unread=True),
        Scenario("agent-260k", "260 KB request of a coding agent", ("flood",), 16, _agent(260_000), unread=True, compared=BOTH_HOSTS),
        Scenario("mixed-1m", "1 MB of prose with escapes and letters beyond ASCII", ("flood",), 8, _texts(MIXED, 1_000_000), unread=True, compared=BOTH_HOSTS),
        Scenario("chinese-1m", "1 MB of Chinese and code", ("flood",), 8, _texts(CHINESE, 1_000_000), unread=True),
        Scenario("picture-1m", "a picture of 1 MB in base64", ("flood",), 8, _picture(1_000_000), unread=True),
        Scenario("json-1m", "1 MB request, 0.5 KB answer", ("flood",), 8, _conversation(1_000_000), unread=True),
        Scenario("sse-100", "stream of 100 events", both, 32, _stream(100), rate=200, compared=BOTH_HOSTS),
        Scenario("sse-1000", "stream of 1,000 events", ("flood",), 16, _stream(1_000)),
        Scenario("paced", "100 streams of 100 events, one each 20 ms", ("once",), 100, _stream(100, pace_ms=20), events=100, compared=BOTH_HOSTS),
        Scenario("chat", "Chat Completions, 100 events, usage spliced in and cut", ("flood",), 32, _stream(100), CHAT, edited=chat),
        Scenario("passthrough", "list of models, not inspected", both, 32, path="/anthropic/v1/models", rate=500,
                 compared=("envoy", "headers", "bridge", "native")),
        Scenario("uploads", "8 uploads of 30 MB at once", ("uploads",), 8, _conversation(30_000_000), unread=True),
        Scenario("held", "1,000 streams held open, an event each second", ("held",), 1_000, _SLOW, compared=BOTH_HOSTS),
        Scenario("pool-1k", "1 KB request to a pool of which no member fails", ("flood",), 32, _words(1_024), compared=("envoy", "bridge", "pool")),
    ]
