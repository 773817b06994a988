#!/usr/bin/env python3
"""Checks the transcripts against themselves and against the official SDKs.

It does not run the filter. It checks that the transcripts are fit for tests: that their files are well formed, that an
official SDK can send each request and read each answer, and that the SDK finds there the text, tools and usage that
`record.json` expects. It cannot check what SDKs do not show: credentials, sessions, prompts, outcomes.

Usage: python tests/check-transcripts.py [part of a transcript's name ...]
It needs the packages of `tests/transcripts/requirements.txt`; `--no-sdk` runs only the checks that need none.
"""
import fnmatch
import functools
import http.server
import inspect
import json
import pathlib
import socket
import struct
import sys
import threading
import urllib.parse
import warnings
from decimal import Decimal
from fractions import Fraction

ROOT = pathlib.Path(__file__).resolve().parent / "transcripts"
APIS = ("messages", "chat_completions", "responses", "generate_content")
FILES = {"request.http", "request.json", "response.http", "response.body", "record.json", "transcript.json", "upstream.json", "client.body"}
RECORD = {"version", "request_id", "provider", "api", "method", "path", "streaming", "model", "actor", "client", "user_agent", "session_id",
          "correlating_tool_call_id", "credential", "response", "usage", "cost_microusd", "prompt", "tool_calls", "thoughts", "outcome", "error", "notes",
          "agent", "upstream"}
USAGE = {"usage_status", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_input_tokens",
         "details", "provider_usage", "by_model"}
MODEL = {"requested", "served", "also_requested"}
CALL = {"id", "item_id", "name", "arguments", "kind", "complete", "server"}
REFUSED = {"request.http", "request.json", "reply.json", "record.json", "transcript.json"}
# Their calls are run by the caller, who sends the output.
CALLER_RUNS = {"local_shell_call", "apply_patch_call", "computer_call"}
OUTCOMES = {"completed", "failed", "rejected", "unavailable", "aborted_client", "aborted_upstream"}
BOM = b"\xef\xbb\xbf"


class Transcript:
    """The files of one transcript, parsed."""

    def __init__(self, folder):
        self.folder, self.api, self.name = folder, folder.parent.name, f"{folder.parent.name}/{folder.name}"
        self.problems = []
        self.files = {p.name: p.read_bytes() for p in folder.iterdir()}
        self.about = json.loads(self.files["transcript.json"])
        self.record = json.loads(self.files["record.json"])
        self.request = json.loads(self.files["request.json"])
        self.first_line, self.headers = self.head("request.http")
        status, self.answer_headers = self.head("response.http")
        self.status = int(status.split(" ")[1])
        self.body = self.files["response.body"]
        self.content_type = self.answer_headers.get("content-type", "").split(";")[0]

    def head(self, name):
        raw = self.files[name]
        self.expect(raw.endswith(b"\r\n\r\n"), f"{name}: no blank line at the end")
        self.expect(b"\n" not in raw.replace(b"\r\n", b""), f"{name}: a line feed without carriage return")
        first, *lines = raw.decode().removesuffix("\r\n\r\n").split("\r\n")
        headers = [line.split(": ", 1) for line in lines]
        for pair in headers:
            self.expect(len(pair) == 2 and pair[0] == pair[0].lower(), f"{name}: {pair}")
            self.expect(pair[0] not in ("content-length", "transfer-encoding"), f"{name}: {pair[0]} belongs to the driver")
        return first, dict(headers)

    def expect(self, true, problem):
        if not true:
            self.problems.append(problem)

    def same(self, what, seen, expected):
        self.expect(seen == expected, f"{what}: the SDK has {seen!r}, the record {expected!r}")

    @property
    def is_sse(self):
        return self.content_type == "text/event-stream" or (not self.content_type and bool(self.request.get("stream")))

    @property
    def model(self):
        """The requested model; in Gemini's API the path names it."""
        return urllib.parse.unquote(self.method_of_model[0]) if self.api == "generate_content" else self.request.get("model")

    @property
    def streams(self):
        """Whether the request asks for a stream; in Gemini's API the path does."""
        return self.method_of_model[1] == "streamGenerateContent" if self.api == "generate_content" else self.request.get("stream") is True

    @property
    def method_of_model(self):
        return self.record["path"].rsplit("/", 1)[1].split(":")


def sse_events(body):
    """(event name, data) of each event. A simple parser, only to check that the files are well formed."""
    for block in body.removeprefix(BOM).split(b"\n\n"):
        fields = [line.split(b":", 1) for line in block.split(b"\n") if b":" in line and not line.startswith(b":")]
        data = b"\n".join(v.removeprefix(b" ") for k, v in fields if k == b"data")
        name = [v.strip() for k, v in fields if k == b"event"]
        if data:
            yield (name[0].decode() if name else None), data


# === the files by themselves


def check_files(t, config):
    """All checks that need no SDK."""
    files, record, about = t.files, t.record, t.about
    t.expect(set(files) <= FILES, f"unknown files {set(files) - FILES}")
    t.expect(t.api != "generate_content" or about.get("sdk") is False, "Gemini's SDK is not run here: `sdk` is false")
    t.expect(set(about) <= {"about", "source", "ends", "sdk", "strict"} and about["ends"] in ("complete", "reset", "client_gone"), "transcript.json")
    t.expect(set(record) <= RECORD, f"unknown members {set(record) - RECORD}")
    t.expect(record["outcome"] in OUTCOMES and record["api"] == t.api and record["version"] == 1, "outcome, api or version")
    t.expect(set(record["usage"]) <= USAGE, f"unknown usage members {set(record['usage']) - USAGE}")
    t.expect(all(set(c) <= CALL for c in record["tool_calls"]), "unknown tool call members")
    t.expect(set(record["model"]) <= MODEL, "unknown members of model")
    t.expect(all(set(c) == {"source", "text"} for c in record["thoughts"]), "unknown thought members")
    t.expect(t.first_line == f"POST {t.first_line.split(' ')[1]} HTTP/1.1", "request line")
    t.expect(t.first_line.split(" ")[1].split("?")[0] == record["path"], "path")
    t.expect(record["user_agent"] == t.headers.get("user-agent"), "user agent")
    t.expect(record["response"]["status"] == t.status, "status")
    t.expect(record["model"]["requested"] == t.model, "requested model")
    if "streaming" in record:
        t.expect(record["streaming"] == t.streams, "streaming")
    if t.is_sse:
        t.expect(b"\r" not in t.body, "an SSE body is stored with LF")
        events = list(sse_events(t.body))
        for name, data in events[:-1] if about["ends"] == "reset" else events:
            if data != b"[DONE]":
                event = json.loads(data)
                t.expect(name in (None, event.get("type")), f"event {name} carries {event.get('type')}")
    elif t.content_type == "application/json" and about["ends"] == "complete" and t.status == 200:
        json.loads(t.body)
    check_numbers(t, config)
    check_edits(t)
    check_credential(t, config)


def check_numbers(t, config):
    usage, model = t.record["usage"], t.record["model"]
    details = usage.get("details") or {}
    writes = usage.get("cache_write_tokens", sum(details.get(f"cache_write_{age}_tokens") or 0 for age in ("5m", "1h")))
    numbers = [usage["input_tokens"] or 0, usage["cache_read_tokens"] or 0, writes or 0]
    if usage["input_tokens"] is not None and "total_input_tokens" in usage:
        t.expect(usage["total_input_tokens"] == sum(numbers), "total_input_tokens is not the sum")
    served = model.get("served") or model["requested"] or ""
    long_lived = details.get("cache_write_1h_tokens") or 0
    whole = {"input": numbers[0], "output": usage["output_tokens"] or 0, "cache_read": numbers[1], "cache_write_5m": numbers[2] - long_lived, "cache_write_1h": long_lived}
    counts = steps(t) or [(served, whole)]
    t.expect(all(sum(c[k] for _, c in counts) == whole[k] for k in ("input", "output", "cache_read")), "the usage is not the sum of its iterations")
    costs = [cost(config, name, tokens, details) for name, tokens in counts]
    if None in costs or usage["usage_status"] == "missing":
        return t.expect(t.record["cost_microusd"] is None, "a cost without a price or without usage")
    half_up = int(sum(costs) + Fraction(1, 2))
    t.expect(t.record["cost_microusd"] == half_up, f"cost is {half_up} ({float(sum(costs))}), the record says {t.record['cost_microusd']}")
    models = list(dict.fromkeys(name for name, _ in counts))
    listed = usage.get("by_model") or []
    t.expect([line["model"] for line in listed] == (models if len(models) > 1 else []), "by_model")
    for line in listed:
        own = [(tokens, money) for (name, tokens), money in zip(counts, costs) if name == line["model"]]
        for member, kinds in (("input_tokens", ("input",)), ("output_tokens", ("output",)), ("cache_read_tokens", ("cache_read",)), ("cache_write_tokens", ("cache_write_5m", "cache_write_1h"))):
            t.expect(line[member] == sum(tokens[kind] for tokens, _ in own for kind in kinds), f"by_model {line['model']} {member}")
        t.expect(line["total_input_tokens"] == line["input_tokens"] + line["cache_read_tokens"] + line["cache_write_tokens"], f"by_model {line['model']} total")
        t.expect(line["cost_microusd"] == int(sum(money for _, money in own) + Fraction(1, 2)), f"by_model {line['model']} cost")


def steps(t):
    """(model, tokens) of each of Anthropic's `usage.iterations` that counts; none where they say nothing."""
    found = []
    for entry in (t.record["usage"].get("provider_usage") or {}).get("iterations") or []:
        numbers = [entry.get(k, 0) for k in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")] if isinstance(entry, dict) else ["bad"]
        if any(not isinstance(n, int) or n < 0 for n in numbers) or numbers[1] == 0:
            continue
        long_lived = (entry.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0)
        found.append((entry.get("model") or t.record["model"]["served"],
                      {"input": numbers[0], "output": numbers[1], "cache_read": numbers[2], "cache_write_5m": numbers[3] - long_lived, "cache_write_1h": long_lived}))
    return found


def cost(config, name, tokens, details):
    """MicroUSD of a model's tokens, exact; `None` without a price."""
    price = next((p for p in config["prices"] if any(fnmatch.fnmatchcase(name, m) for m in p["models"])), None)
    if price is None:
        return None
    exact = lambda number: Fraction(Decimal(str(number)))
    total_input = sum(tokens.values()) - tokens["output"]
    money = Fraction(0)
    for kind, count in tokens.items():
        each = exact(price.get(kind, price["input"]))
        for change in price.get("adjust", []):
            holds = all(details.get(k) == change[k] for k in ("service_tier", "speed", "inference_geo") if k in change)
            if holds and total_input > change.get("total_input_tokens_above", -1):
                own = exact(change.get("factor", 1)) * exact(change.get("output_factor" if kind == "output" else "input_factor", 1))
                each *= exact(change["cache_read_factor"]) if kind == "cache_read" and "cache_read_factor" in change else own
        money += count * each
    for member, unit in (("per_million", 1), ("per_use", 1_000_000)):
        money += sum((details.get(k) or 0) * exact(v) * unit for k, v in price.get(member, {}).items())
    return money


def check_edits(t):
    """Checks that the splice only adds one member, and that the cut only removes one event."""
    if "upstream.json" in t.files:
        sent, wanted = json.loads(t.files["upstream.json"]), json.loads(t.files["request.json"])
        wanted["stream_options"] = {**(wanted.get("stream_options") or {}), "include_usage": True}
        t.expect(sent == wanted and t.request.get("stream") is True, "upstream.json differs by more than the splice")
        t.expect(t.files["upstream.json"] != t.files["request.json"], "upstream.json is the request: leave it out")
    if "client.body" in t.files:
        t.expect(t.files["client.body"] in without_usage_event(t.body), "client.body is not the body without the one usage event; comments stay")
        t.expect("upstream.json" in t.files, "a cut without a splice")


def without_usage_event(body):
    """The body without each usage event in turn: its fields and its blank line; comments stay."""
    lines, found, at = body.split(b"\n"), [], 0
    while at < len(lines):
        end = next((n for n in range(at, len(lines)) if not lines[n]), len(lines))
        data = b"\n".join(line.removeprefix(b"data:") for line in lines[at:end] if line.startswith(b"data:"))
        try:
            event = json.loads(data)
        except ValueError:
            event = None
        if isinstance(event, dict) and not event.get("choices") and event.get("usage") is not None:
            comments = [line for line in lines[at:end] if line.startswith(b":")]
            found.append(b"\n".join(lines[:at] + comments + lines[end + 1:]))
        at = end + 1
    return found


def check_credential(t, config):
    bearer = t.headers.get("authorization", "").split(" ")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(t.first_line.split(" ")[1]).query)
    sent = t.headers.get("x-goog-api-key") or query.get("key", [None])[0] if t.api == "generate_content" else t.headers.get("x-api-key")
    sent = sent or (bearer[1] if bearer[0].lower() == "bearer" else None)
    if sent and any(sent.startswith(p) for p in config["gateway_credentials"]["value_prefixes"]):
        sent = None
    name = t.first_line.split(" ")[1].split("/")[1]
    central = next(p for p in config["providers"] if p.get("name", p["type"]) == name).get("key", {}).get("value")
    secret = sent or central
    hint = f"{secret[:4]}...{secret[-4:]}"
    t.expect(t.record["credential"] == {"kind": "byok" if sent else "centralized", "hint": hint}, "credential")


# === what the SDKs make of it


class Upstream(http.server.ThreadingHTTPServer):
    """A loopback server that answers every request with the transcript's answer."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.transcript, self.received = None, None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends the answer in pieces of seven bytes, and cuts the connection if the transcript does."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        t = self.server.transcript
        self.server.received = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.wfile.write(t.files["response.http"].removesuffix(b"\r\n") + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n")
        for at in range(0, len(t.body), 7):
            piece = t.body[at:at + 7]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if t.about["ends"] == "complete":
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        self.close_connection = True
        if t.about["ends"] == "reset":
            self.connection.shutdown(socket.SHUT_WR)


def known(t, method):
    """The request as arguments of an SDK's method. Members that it does not know go into `extra_body`; `strict` transcripts must have none."""
    names = inspect.signature(method).parameters
    extra = {k: v for k, v in t.request.items() if k not in names}
    t.expect(not extra or not t.about.get("strict", True), f"the SDK does not know {sorted(extra)}")
    return {k: v for k, v in t.request.items() if k in names} | ({"extra_body": extra} if extra else {})


class Seen:
    """What an SDK found in an answer."""

    def __init__(self):
        self.id = self.model = None
        self.finish, self.calls, self.thoughts, self.usage, self.error, self.broken = [], [], [], None, None, False


@functools.cache
def adapter(kind):
    import pydantic
    return pydantic.TypeAdapter(kind)


def validate(t, kind, value, what):
    """Validates `value` against a type of the SDK, which the SDK itself does not do."""
    if t.about.get("strict", True):
        try:
            adapter(kind).validate_python(value)
        except Exception as problem:  # noqa: BLE001 - any complaint of any version is a finding
            t.expect(False, f"{what} is not of the SDK's type: {problem}"[:2000])


def plain(model):
    return model.to_dict() if hasattr(model, "to_dict") else model


def sdk_messages(t, url):
    import anthropic
    from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
    client, seen = anthropic.Anthropic(base_url=url, api_key="loopback", max_retries=0), Seen()
    arguments = {k: v for k, v in t.request.items() if k != "stream"}
    message = None
    try:
        if t.request.get("stream"):
            for _, data in list(sse_events(t.body)) if t.status == 200 and t.about["ends"] == "complete" else []:
                if json.loads(data)["type"] not in ("ping", "error"):
                    validate(t, BetaRawMessageStreamEvent, json.loads(data), "an event")
            with client.beta.messages.stream(**arguments) as stream:
                try:
                    for _ in stream:
                        message = stream.current_message_snapshot
                finally:
                    t.same("request", client_request(t), t.request)
        else:
            if t.status == 200:
                validate(t, BetaMessage, json.loads(t.body), "the document")
            message = client.beta.messages.create(**t.request)
            t.same("request", client_request(t), t.request)
    except anthropic.APIStatusError as problem:
        inner = problem.body.get("error") if isinstance(problem.body, dict) else None
        seen.error = inner and {"type": inner["type"], "message": inner["message"]}
    except Exception as problem:  # noqa: BLE001 - the transport's own errors, by whatever name
        if t.about["ends"] != "reset":
            raise
        seen.broken = True
    if message is not None:
        read_message(seen, message)
    return seen


def read_message(seen, message):
    hops = [b.to.model for b in message.content if b.type == "fallback"]
    seen.id, seen.model, seen.finish = message.id, (hops or [message.model])[-1], [message.stop_reason] if message.stop_reason else []
    kinds = {"tool_use": "client", "server_tool_use": "hosted", "mcp_tool_use": "hosted"}
    seen.calls = [{"id": b.id, "name": b.name, "arguments": b.input, "kind": kinds[b.type]} for b in message.content if b.type in kinds]
    seen.thoughts = [("thinking", b.thinking) for b in message.content if b.type == "thinking" and b.thinking]
    u = message.usage
    if u is not None:
        details = getattr(u, "output_tokens_details", None)
        # What is billed are the iterations, where there are any; a declined attempt without output is not.
        counted = [i for i in u.iterations or [] if i.output_tokens] or [u]
        total = lambda name: sum(getattr(i, name) or 0 for i in counted) if any(getattr(i, name) is not None for i in counted) else None
        seen.usage = {"input_tokens": total("input_tokens"), "output_tokens": total("output_tokens"), "cache_read_tokens": total("cache_read_input_tokens"),
                      "cache_write_tokens": total("cache_creation_input_tokens"), "reasoning_tokens": details and details.thinking_tokens,
                      "details": {"cache_write_5m_tokens": u.cache_creation and u.cache_creation.ephemeral_5m_input_tokens,
                                  "cache_write_1h_tokens": u.cache_creation and u.cache_creation.ephemeral_1h_input_tokens,
                                  "web_search_requests": u.server_tool_use and u.server_tool_use.web_search_requests,
                                  "web_fetch_requests": u.server_tool_use and u.server_tool_use.web_fetch_requests,
                                  "service_tier": u.service_tier}}


def openai_usage(u, prompt, completion):
    """The record's numbers from OpenAI's usage: cached tokens are subtracted from the input."""
    if u is None:
        return None
    inputs, outputs = getattr(u, f"{prompt}_tokens_details", None), getattr(u, f"{completion}_tokens_details", None)
    read, write = getattr(inputs, "cached_tokens", None), getattr(inputs, "cache_write_tokens", None)
    return {"input_tokens": max(0, getattr(u, f"{prompt}_tokens") - (read or 0) - (write or 0)), "output_tokens": getattr(u, f"{completion}_tokens"),
            "cache_read_tokens": read, "cache_write_tokens": write, "reasoning_tokens": getattr(outputs, "reasoning_tokens", None),
            "details": {k: getattr(outputs, k, None) for k in ("accepted_prediction_tokens", "rejected_prediction_tokens")}}


def parsed(arguments):
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def openai_failure(t, seen, call):
    import openai
    try:
        call()
    except openai.APIError as problem:
        body = problem.body if isinstance(problem.body, dict) else None
        seen.error = body and {k: body.get(k) for k in ("type", "code", "message")}
    except Exception:  # noqa: BLE001 - the transport's own errors, by whatever name
        if t.about["ends"] != "reset":
            raise
        seen.broken = True


def sdk_chat_completions(t, url):
    import openai
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    client, seen = openai.OpenAI(base_url=url, api_key="loopback", max_retries=0), Seen()
    calls, reasons, thoughts = {}, {}, {}

    def add_call(choice, index, call):
        # A new id begins a new call, also at an index that another one has had.
        known = next((c for (at, _, _), c in reversed(calls.items()) if at == choice and (c["id"] == call["id"] if call.get("id") else c["index"] == index)), None)
        if known is None:
            known = calls[choice, index, len(calls)] = {"id": None, "name": "", "arguments": "", "custom": False, "index": index}
        # The streamed type of the SDK knows only functions; a custom call is found among the extra members.
        body = call.get("function") or call.get("custom") or {}
        known["id"] = call.get("id") or known["id"]
        known["custom"] = known["custom"] or call.get("type") == "custom"
        known["name"] += body.get("name") or ""
        known["arguments"] += body.get("arguments") or body.get("input") or ""

    def add(choice, message):
        for at, call in enumerate(message.get("tool_calls") or []):
            add_call(choice.index, call.get("index", at), call)
        text = message.get("reasoning_content") or message.get("reasoning") or message.get("reasoning_text")
        if text:
            thoughts[choice.index] = thoughts.get(choice.index, "") + text
        if choice.finish_reason:
            reasons[choice.index] = choice.finish_reason

    def call():
        answer = client.chat.completions.create(**known(t, client.chat.completions.create))
        t.same("request", client_request(t), t.request)
        if not t.request.get("stream"):
            validate(t, ChatCompletion, json.loads(t.body), "the document")
            seen.id, seen.model, seen.usage = answer.id, answer.model, openai_usage(answer.usage, "prompt", "completion")
            for choice in answer.choices or []:
                add(choice, plain(choice.message))
            return
        for chunk in answer:
            validate(t, ChatCompletionChunk, plain(chunk), "a chunk")
            seen.id, seen.model = seen.id or chunk.id, seen.model or chunk.model
            seen.usage = openai_usage(chunk.usage, "prompt", "completion") or seen.usage
            for choice in chunk.choices:
                add(choice, plain(choice.delta))

    openai_failure(t, seen, call)
    seen.finish = [reasons[k] for k in sorted(reasons)]
    seen.thoughts = [("reasoning", thoughts[k]) for k in sorted(thoughts)]
    seen.calls = [{"id": c["id"], "name": c["name"], "arguments": c["arguments"] if c["custom"] else parsed(c["arguments"]), "kind": "client"}
                  for _, c in sorted(calls.items())]
    return seen


def sdk_responses(t, url):
    import openai
    from openai.types.responses import CompactedResponse, Response, ResponseStreamEvent
    client, seen = openai.OpenAI(base_url=url, api_key="loopback", max_retries=0), Seen()
    items = {}

    def finish(response):
        seen.id, seen.model = seen.id or response.id, getattr(response, "model", None) or seen.model
        seen.usage = openai_usage(response.usage, "input", "output") or seen.usage
        for at, item in enumerate(response.output or []):
            items[at] = item
        details = getattr(response, "incomplete_details", None)
        status = getattr(response, "status", None)
        seen.finish = [details.reason if details and status == "incomplete" else status] if status else []
        error = getattr(response, "error", None)
        if error:
            seen.error = {"code": error.code, "message": error.message}

    def call():
        if t.record["path"].endswith("/compact"):
            compacted = client.responses.compact(**known(t, client.responses.compact))
            validate(t, CompactedResponse, json.loads(t.body), "the document")
            finish(compacted)
        elif t.request.get("stream"):
            for event in client.responses.create(**known(t, client.responses.create)):
                validate(t, ResponseStreamEvent, plain(event), f"event {event.type}")
                if event.type == "response.created":
                    seen.id, seen.model = event.response.id, event.response.model
                elif event.type == "response.output_item.done":
                    items[event.output_index] = event.item
                elif event.type in ("response.completed", "response.incomplete", "response.failed"):
                    finish(event.response)
                elif event.type == "error":
                    seen.error = {"code": event.code, "message": event.message}
        else:
            answer = client.responses.create(**known(t, client.responses.create))
            validate(t, Response, json.loads(t.body), "the document")
            finish(answer)
        t.same("request", client_request(t), t.request)

    openai_failure(t, seen, call)
    for _, item in sorted(items.items()):
        item = plain(item)
        if item["type"] == "function_call":
            seen.calls.append({"id": item["call_id"], "item_id": item.get("id"), "name": item["name"], "arguments": parsed(item["arguments"]), "kind": "client", "server": item.get("namespace")})
        elif item["type"] == "custom_tool_call":
            seen.calls.append({"id": item["call_id"], "item_id": item.get("id"), "name": item["name"], "arguments": item["input"], "kind": "client"})
        elif item["type"].endswith("_call"):
            name = item["name"] if item["type"] == "mcp_call" else item["type"].removesuffix("_call")
            seen.calls.append({"id": item.get("call_id"), "item_id": item["id"], "name": name, "kind": "client" if caller_runs(item) else "hosted"})
        elif item["type"] == "reasoning":
            seen.thoughts += [("reasoning_summary", part["text"]) for part in item["summary"]]
            seen.thoughts += [("reasoning", part["text"]) for part in item.get("content") or []]
        elif item["type"] == "message" and item.get("phase") == "commentary":
            seen.thoughts += [("commentary", part["text"]) for part in item["content"] if part["type"] == "output_text"]
    return seen


def caller_runs(item):
    """Whether the caller runs a call of a built-in tool and sends its output."""
    if item["type"] == "shell_call":
        return (item.get("environment") or {"type": "local"})["type"] == "local"
    return item["type"] in CALLER_RUNS or (item["type"] == "tool_search_call" and item["execution"] == "client")


SERVER = None


def client_request(_):
    return SERVER.received


def check_sdk(t, server):
    """Sends the request with the SDK, replays the answer, compares what the SDK found."""
    server.transcript, server.received = t, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = {"messages": sdk_messages, "chat_completions": sdk_chat_completions, "responses": sdk_responses}[t.api](t, server.url)
    record = t.record
    t.same("id", seen.id, record["response"]["id"])
    t.same("served model", seen.model, record["model"]["served"])
    if "finish_reasons" in record["response"]:
        t.same("finish reasons", seen.finish, record["response"]["finish_reasons"])
    t.same("thoughts", seen.thoughts, [(x["source"], x["text"]) for x in record["thoughts"]])
    t.same("count of tool calls", len(seen.calls), len(record["tool_calls"]))
    for found, expected in zip(seen.calls, record["tool_calls"]):
        for member in found.keys() & expected.keys():
            # The SDK completes truncated JSON; the record keeps it unchanged.
            if member != "arguments" or t.api != "messages" or not isinstance(expected["arguments"], str):
                t.same(f"tool call {member}", found[member], expected[member])
    expected = record["usage"]
    t.same("usage is there", seen.usage is not None, expected["usage_status"] != "missing")
    if seen.usage:
        for key, value in seen.usage.items():
            if key != "details":
                t.same(f"usage {key}", value, expected.get(key))
        for key in (expected.get("details") or {}).keys() & seen.usage["details"].keys():
            t.same(f"usage detail {key}", seen.usage["details"][key], expected["details"][key])
    if seen.error:
        for key, value in seen.error.items():
            if key in (record.get("error") or {}):
                t.same(f"error {key}", value, record["error"][key])
        t.expect(record["outcome"] == "failed", "the SDK found an error")
    else:
        t.expect(not record.get("error"), "the SDK found no error")
    t.expect(seen.broken <= (t.about["ends"] == "reset"), "the SDK found the connection broken")


def check_refused(folder, config):
    """A request that the gateway refuses, and its reply. Returns what is wrong."""
    problems = []
    expect = lambda true, problem: None if true else problems.append(problem)
    files = {p.name: p.read_bytes() for p in folder.iterdir()}
    record, reply, request = (json.loads(files[f"{name}.json"]) for name in ("record", "reply", "request"))
    first = files["request.http"].decode().split("\r\n")[0]
    name = first.split("/")[1]
    expect(set(files) == REFUSED, f"files {set(files) ^ REFUSED}")
    expect(set(json.loads(files["transcript.json"])) == {"about", "source"}, "transcript.json")
    expect(any(p.get("name", p["type"]) == name for p in config["providers"]), f"no provider {name}")
    expect(record["api"] == folder.parent.name and record["outcome"] == "rejected" and record["path"] == first.split(" ")[1], "api, outcome or path")
    expect(record["model"]["requested"] == request["model"], "requested model")
    expect(record["response"]["status"] == reply["status"] and record["error"]["type"] == reply["body"]["error"]["type"], "the record and the reply")
    for model in record["model"].get("also_requested", []):
        expect(model.encode() in files["request.json"] or b"\\u" in files["request.json"], f"{model} is not in the request")
    return problems


def main(arguments):
    global SERVER
    with_sdk, wanted = "--no-sdk" not in arguments, [a for a in arguments if not a.startswith("--")]
    config = json.loads((ROOT / "config.json").read_bytes())
    SERVER = Upstream() if with_sdk else None
    counts, failed = {}, 0
    for folder in sorted(p for api in APIS for p in (ROOT / api).glob("*") if p.is_dir()):
        name = f"{folder.parent.name}/{folder.name}"
        if wanted and not any(w in name for w in wanted):
            continue
        try:
            t = Transcript(folder)
            problems = t.problems
            check_files(t, config)
            replayed = with_sdk and t.about.get("sdk", True)
            if replayed:
                check_sdk(t, SERVER)
        except Exception as problem:  # noqa: BLE001 - a transcript that stops the checker is a finding like any other
            problems, replayed = [f"{type(problem).__name__}: {problem}"], False
            if "--trace" in arguments:
                raise
        count = counts.setdefault(folder.parent.name, [0, 0])
        count[0], count[1] = count[0] + 1, count[1] + bool(replayed)
        failed += bool(problems)
        for problem in problems:
            print(f"{name}: {problem}")
    for folder in sorted(p.parent for p in (ROOT / "refused").glob("*/*/transcript.json")):
        name = f"refused/{folder.parent.name}/{folder.name}"
        if wanted and not any(w in name for w in wanted):
            continue
        try:
            problems = check_refused(folder, config)
        except Exception as problem:  # noqa: BLE001 - as above
            problems = [f"{type(problem).__name__}: {problem}"]
        count = counts.setdefault("refused", [0, 0])
        count[0], failed = count[0] + 1, failed + bool(problems)
        for problem in problems:
            print(f"{name}: {problem}")
    print(", ".join(f"{api}: {n} transcripts, {k} of them through the SDK" for api, (n, k) in counts.items()) + f"; {failed} with problems")
    return 1 if failed or not counts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
