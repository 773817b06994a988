"""Makes exchanges of every kind from a seed: the requests, and the answers that the scripted provider gives.

An answer is made as JSON objects. `Planned.told` are those that the provider has sent whole; a bill is computed from them.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any, Callable

Json = dict[str, Any]

PRICES: list[Json] = [
    {"models": ["claude-opus-5-fast*"], "input": 30, "output": 150, "cache_read": 3},
    {
        "models": ["claude-opus-*"], "input": 5, "output": 25, "cache_read": 0.5, "cache_write_5m": 6.25, "cache_write_1h": 10,
        "per_use": {"web_search_requests": 0.01}, "adjust": [{"speed": "fast", "factor": 6}, {"inference_geo": "us", "factor": 1.1}],
    },
    {
        "models": ["claude-sonnet-*"], "input": 3, "output": 15, "cache_read": 0.3, "cache_write_5m": 3.75, "cache_write_1h": 6,
        "per_use": {"web_search_requests": 0.01, "web_fetch_requests": 0.0005},
        "adjust": [
            {"total_input_tokens_above": 200_000, "input_factor": 2, "output_factor": 1.5},
            {"service_tier": "priority", "factor": 1.25, "cache_read_factor": 1},
            {"service_tier": "batch", "factor": 0.5},
            {"service_tier": "priority", "inference_geo": "us", "output_factor": 1.1},
        ],
    },
    {"models": ["claude-fable-5"], "input": 10, "output": 50, "cache_read": 1, "cache_write_5m": 12.5, "cache_write_1h": 20},
    {"models": ["claude-haiku-*", "claude-team-*"], "input": 0.1, "output": 0.5, "cache_write_1h": 0.2},
    {
        "models": ["gpt-6-sol*"], "input": 2, "output": 10, "cache_read": 0.2, "cache_write_5m": 2.5,
        "per_million": {"image_input_tokens": 8, "image_output_tokens": 30, "input_audio_tokens": 32, "output_audio_tokens": 64.5},
        "per_use": {"web_search_requests": 0.01},
        "adjust": [
            {"service_tier": "priority", "factor": 2}, {"service_tier": "flex", "factor": 0.5},
            {"total_input_tokens_above": 272_000, "input_factor": 2, "output_factor": 1.5},
        ],
    },
    {
        "models": ["gpt-6-luna"], "input": 0.1, "output": 0.5, "cache_read": 0.01, "per_million": {"rejected_prediction_tokens": 0.25},
        "adjust": [{"service_tier": "flex", "input_factor": 0.5, "output_factor": 0.5, "cache_read_factor": 1}],
    },
    {"models": ["grok-4.7"], "input": 2, "output": 6, "cache_read": 0.5, "adjust": [{"total_input_tokens_above": 128_000, "factor": 2}]},
    {"models": ["gemini-3.8-flash"], "input": 0.75, "output": 3.75, "cache_read": 0.075},
    {"models": ["kimi-k2.6", "deepseek-flash"], "input": 0.6, "output": 2.5, "cache_read": 0.006},
]

PROVIDERS: list[Json] = [
    {"type": "openai", "name": "google", "cluster": "openai", "base_url": "https://generativelanguage.googleapis.com/v1beta/openai", "key": {"value": "central-google-0123456789"}},
    {"type": "openai", "name": "xai", "cluster": "openai", "base_url": "https://api.x.ai/v1", "key": {"value": "central-xai-0123456789"}},
    {"type": "openai", "name": "compatible", "cluster": "openai", "base_url": "https://llm.example.com/v1", "key": {"value": "central-compatible-0123456789"}},
]

CLAUDE = ["claude-opus-5", "claude-opus-5-fast-1", "claude-sonnet-5-20260901", "claude-fable-5", "claude-haiku-5-5", "claude-mystery-1"]
GPT = ["gpt-6-sol", "gpt-6-sol-2026-10-01", "gpt-6-luna", "own/llama:70b"]


@dataclass
class Planned:
    """One exchange. `told`: the JSON objects that the provider sends whole. `ends`: `complete`, `cut` or `client_gone`."""

    number: int
    kind: str
    api: str
    provider: str
    requested: str
    request: Json
    status: int = 200
    streamed: bool = True
    told: list[Json] = field(default_factory=list)
    body: bytes = b""
    ends: str = "complete"

    @property
    def path(self) -> str:
        return f"/{self.provider}/v1/" + {"messages": "messages", "chat_completions": "chat/completions", "responses": "responses"}[self.api]


def mixed_traffic(seed: int, count: int) -> list[Planned]:
    """`count` exchanges: every kind equally often, in any order."""
    kinds = list(KINDS)
    order = [kinds[number % len(kinds)] for number in range(count)]
    random.Random(f"{seed}").shuffle(order)
    return [plan(seed, number, kind) for number, kind in enumerate(order)]


def plan(seed: int, number: int, kind: str) -> Planned:
    """The exchange with this number. It depends on nothing but the arguments."""
    return KINDS[kind](Maker(seed, number, kind))


class Maker:
    """Makes one exchange."""

    def __init__(self, seed: int, number: int, kind: str) -> None:
        self.random = random.Random(f"{seed}/{number}/{kind}")
        self.number, self.kind = number, kind

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def tokens(self) -> int:
        """A count of any size, rarely 0."""
        return self.random.randint(0 if self.chance(0.1) else 1, self.pick(9, 400, 20_000, 180_000))

    def shuffled(self, value: Any) -> Any:
        """The same JSON with the members of every object in any order."""
        if isinstance(value, list):
            return [self.shuffled(each) for each in value]
        if not isinstance(value, dict):
            return value
        names = list(value)
        self.random.shuffle(names)
        return {name: self.shuffled(value[name]) for name in names}

    def text(self) -> str:
        return self.pick("Rayleigh.", "Streuung 散乱 🌤", 'not "usage": {"input_tokens": 7} but a text', "\u2028line\n\n") * self.random.randint(1, 9)

    def planned(self, api: str, provider: str, model: str, *, streamed: bool, **request: Any) -> Planned:
        question = {"input": "Why?"} if api == "responses" else {"messages": [{"role": "user", "content": "Why?"}]}
        body = {"model": model, "stream": streamed, **question, **({"max_tokens": 64} if api == "messages" else {}), **request}
        return Planned(self.number, self.kind, api, provider, model, body, streamed=streamed)

    # === the bytes

    def document(self, planned: Planned, document: Json) -> Planned:
        planned.told = [document]
        planned.body = json.dumps(self.shuffled(document), ensure_ascii=self.chance(0.5), indent=self.pick(None, None, 1)).encode()
        return planned

    def cut_document(self, planned: Planned, before: Json, long: Json, after: Json) -> Planned:
        """A document that ends inside of the long member: the provider has told only what stands before it."""
        before = self.shuffled(before)
        body = json.dumps({**before, **long, **after}, ensure_ascii=True).encode()
        begin = len(json.dumps(before, ensure_ascii=True)) - 1
        end = len(json.dumps({**before, **long}, ensure_ascii=True)) - 1
        planned.told, planned.body, planned.ends = [before], body[: self.random.randint(begin + (end - begin) // 2, end - 4)], "cut"
        return planned

    def stream(self, planned: Planned, events: list[Json], *, done: bool = False) -> Planned:
        """All events, or as many as the provider sends before a cut: then half of the next event follows."""
        whole = [self.event(event, planned.api) for event in events]
        planned.told = events
        if planned.ends != "complete":
            told = self.random.randint(1, len(events) - 1)
            planned.told = events[:told]
            planned.body = b"".join(whole[:told])
            if planned.ends == "cut" and self.chance(0.5):
                planned.body += whole[told][: len(whole[told]) // 2]
        else:
            planned.body = b"".join(whole) + (b"data: [DONE]\n\n" if done else b"")
        return planned

    def event(self, event: Json, api: str) -> bytes:
        data = json.dumps(self.shuffled(event), ensure_ascii=self.chance(0.5))
        named = api == "messages" or (api == "responses" and self.chance(0.7))
        lines = ([f"event: {event['type']}"] if named else []) + [f"data:{self.pick('', ' ')}{data}", "", ""]
        comment = ": ping\n\n" if self.chance(0.05) else ""
        return (comment + self.pick("\n", "\n", "\r\n").join(lines)).encode()

    # === usage

    def cached(self, usage: Json) -> Json:
        """Adds what was read from and written to caches, in one of the ways in which Messages states it."""
        if self.chance(0.7):
            usage["cache_read_input_tokens"] = self.pick(self.tokens(), self.tokens(), None)
        five_minutes, one_hour = self.pick((self.tokens(), 0), (0, self.tokens()), (self.tokens(), self.tokens()))
        ages = {"ephemeral_5m_input_tokens": five_minutes, "ephemeral_1h_input_tokens": one_hour}
        usage |= self.pick(
            {},
            {"cache_creation_input_tokens": None, "cache_creation": None},
            {"cache_creation_input_tokens": 0, "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}},
            {"cache_creation_input_tokens": self.tokens()},
            {"cache_creation_input_tokens": five_minutes + one_hour, "cache_creation": ages},
            {"cache_creation_input_tokens": five_minutes + one_hour + self.tokens(), "cache_creation": ages},
            {"cache_creation": ages},
        )
        return usage

    def messages_usage(self) -> Json:
        usage = self.cached({"input_tokens": self.tokens(), "output_tokens": self.tokens()})
        for name, values in (("service_tier", ("standard", "priority", "batch")), ("speed", ("standard", "fast")), ("inference_geo", ("global", "us", "not_available"))):
            if self.chance(0.4):
                usage[name] = self.pick(*values, None)
        if self.chance(0.3):
            usage["server_tool_use"] = {"web_search_requests": self.random.randint(0, 5), "web_fetch_requests": self.random.randint(0, 3)}
        if self.chance(0.3):
            usage["output_tokens_details"] = {"thinking_tokens": self.random.randint(0, usage["output_tokens"])}
        return usage

    def entry(self, kind: str, model: str | None = None, **more: Any) -> Json:
        entry = self.cached({"type": kind, "input_tokens": self.tokens(), "output_tokens": max(1, self.tokens()), **more})
        return entry if model is None else {**entry, "model": model}

    def odd(self, usage: Json) -> Json:
        """The same, and rarely one number in another notation, or a value in its place that is no count."""
        places = [(usage, name) for name in usage if name.endswith("_tokens")]
        places += [(inner, name) for inner in usage.values() if isinstance(inner, dict) for name in inner]
        if self.chance(0.2):
            inner, name = self.pick(*places)
            if isinstance(inner[name], int):
                inner[name] = float(inner[name])
        essential = ("input_tokens", "output_tokens", "prompt_tokens", "completion_tokens")
        places = [(inner, name) for inner, name in places if name not in essential]
        if places and self.chance(0.1):
            inner, name = self.pick(*places)
            inner[name] = self.pick(-3, 1.5, "12", True, [7], {}, 2**53, 1e300)
        return usage

    def with_bad_entries(self, entries: list[Any]) -> list[Any]:
        """Entries that are no counts, at any place. They count nothing."""
        if self.chance(0.2):
            bad = self.pick(None, 7, "message", [], self.entry("message", input_tokens=-5), self.entry("message", output_tokens="12"), self.entry("message", "claude-fable-5", input_tokens=2**53))
            entries.insert(self.random.randint(0, len(entries)), bad)
        return entries

    # === Messages

    def message(self, model: str, usage: Json | None, blocks: list[Json] | None = None) -> Json:
        return {
            "id": f"msg_{self.number}", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
            "content": [*(blocks or []), {"type": "text", "text": self.text()}], **({} if usage is None else {"usage": usage}),
        }

    def message_events(self, model: str, start: Json, deltas: list[Json], blocks: list[Json] | None = None) -> list[Json]:
        events: list[Json] = [{"type": "message_start", "message": {"id": f"msg_{self.number}", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None, "usage": start}}]
        for index, block in enumerate([*(blocks or []), {"type": "text", "text": ""}]):
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            if block["type"] == "text":
                events += [{"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": self.text()}} for _ in range(self.random.randint(1, 4))]
            events.append({"type": "content_block_stop", "index": index})
        events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn" if delta is deltas[-1] else None}, "usage": delta} for delta in deltas]
        return [*events, {"type": "message_stop"}]

    def messages_stream(self, ends: str = "complete") -> Planned:
        model = self.pick(*CLAUDE)
        planned = self.planned("messages", "anthropic", model, streamed=True)
        planned.ends = ends
        start = self.messages_usage()
        final = {"output_tokens": start["output_tokens"], **{name: start.pop(name) for name in ("server_tool_use", "output_tokens_details") if name in start}}
        start["output_tokens"] = self.random.randint(0, 8)
        stated = {name: start[name] for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens") if name in start}
        numbers = {name: value for name, value in stated.items() if value is not None}
        final |= self.pick(
            {},
            stated,
            dict.fromkeys(("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"), 0),
            {"input_tokens": 0},
            {**numbers, "input_tokens": start["input_tokens"] + self.tokens()},
            {"input_tokens": start["input_tokens"] + 1, "cache_read_input_tokens": 0},
            {name: value + self.tokens() for name, value in numbers.items()},
            {"input_tokens": start["input_tokens"] + 1, **({"cache_creation_input_tokens": self.pick(0, self.tokens())} if "cache_creation_input_tokens" in numbers else {})},
        )
        earlier = [{"output_tokens": self.tokens()} for _ in range(self.pick(0, 0, 1, 2))]
        return self.stream(planned, self.message_events(model, self.odd(start), [*earlier, self.odd(final)]))

    def messages_document(self) -> Planned:
        model = self.pick(*CLAUDE)
        return self.document(self.planned("messages", "anthropic", model, streamed=False), self.message(model, self.odd(self.messages_usage())))

    def messages_cut_document(self) -> Planned:
        model, usage = self.pick(*CLAUDE), {"usage": self.odd(self.messages_usage())}
        planned = self.planned("messages", "anthropic", model, streamed=False)
        before, after = self.pick((usage, {}), ({}, usage))
        return self.cut_document(planned, {"id": f"msg_{self.number}", "type": "message", "model": model, **before}, {"content": [{"type": "text", "text": self.text() * 20}]}, after)

    def with_iterations(self, model: str, entries: list[Any], blocks: list[Json] | None = None, begins_with: str | None = None) -> Planned:
        """A stream or a document whose usage lists its sampling steps. The numbers beside the list are those of the last."""
        streamed = self.chance(0.5)
        planned = self.planned("messages", "anthropic", begins_with or model, streamed=streamed)
        usage = self.messages_usage()
        usage |= {name: entries[-1][name] for name in ("input_tokens", "output_tokens")}
        usage.pop("output_tokens_details", None)
        if self.chance(0.3):
            usage["output_tokens_details"] = {"thinking_tokens": self.random.randint(0, entries[-1]["output_tokens"])}
        usage["iterations"] = self.with_bad_entries(entries)
        if not streamed:
            return self.document(planned, self.message(model, usage, blocks))
        texts = {name: usage.pop(name) for name in ("service_tier", "speed", "inference_geo") if name in usage}
        start = {"input_tokens": usage["input_tokens"], "output_tokens": 1, **texts, **({"iterations": [self.entry("message")]} if self.chance(0.2) else {})}
        return self.stream(planned, self.message_events(begins_with or model, start, [usage], blocks))

    def compaction(self) -> Planned:
        model = self.pick(*CLAUDE)
        name = self.pick(None, model)
        return self.with_iterations(model, [*(self.entry("compaction", name) for _ in range(self.pick(1, 1, 2))), self.entry("message", name)])

    def advisor(self) -> Planned:
        model = self.pick(*CLAUDE)
        advisors = [self.entry("advisor_message", self.pick(*CLAUDE)) for _ in range(self.pick(1, 1, 3))]
        return self.with_iterations(model, [self.entry("message", self.pick(None, model)), *advisors, self.entry("message")])

    def fallback(self) -> Planned:
        models = self.random.sample(CLAUDE, self.pick(2, 2, 3))
        blocks = [{"type": "fallback", "from": {"model": one}, "to": {"model": other}} for one, other in zip(models, models[1:])]
        declined = [self.entry("message", model) if self.chance(0.5) else {"type": "message", "model": model, "input_tokens": self.tokens(), "output_tokens": 0} for model in models[:-1]]
        return self.with_iterations(models[-1], [*declined, self.entry("fallback_message", models[-1])], blocks, begins_with=models[0])

    def many_models(self) -> Planned:
        names = [f"claude-team-{at}" for at in range(self.random.randint(15, 20))]
        return self.with_iterations("claude-sonnet-5", [self.entry("message"), *(self.entry("advisor_message", name) for name in names), self.entry("advisor_message", names[-1]), self.entry("message")])

    def messages_failure(self) -> Planned:
        """An event `error` after the stream has begun."""
        model = self.pick(*CLAUDE)
        planned = self.planned("messages", "anthropic", model, streamed=True)
        begun = self.message_events(model, self.messages_usage(), [{"output_tokens": 1}])[:-2]
        return self.stream(planned, [*begun, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}])

    # === Chat Completions

    def chat_usage(self) -> Json:
        prompt, output = self.tokens() + self.pick(0, 0, 200_000), self.tokens()
        usage: Json = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
        if self.chance(0.7):
            usage["prompt_tokens_details"] = {"cached_tokens": self.random.randint(0, prompt) if self.chance(0.9) else prompt + 3}
            if self.chance(0.2):
                usage["prompt_tokens_details"]["cache_write_tokens"] = self.random.randint(0, prompt)
            if self.chance(0.3):
                usage["prompt_tokens_details"]["audio_tokens"] = self.random.randint(0, prompt)
        if self.chance(0.6):
            usage["completion_tokens_details"] = {"reasoning_tokens": self.random.randint(0, output)}
            for name in ("audio_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens"):
                if self.chance(0.3):
                    usage["completion_tokens_details"][name] = self.random.randint(0, output)
        return usage

    def chat(self, provider: str, model: str, usage: Json | None, ends: str = "complete", *, in_choice: bool = False) -> Planned:
        streamed = ends != "complete" or self.chance(0.6)
        asks = {"stream_options": {"include_usage": True}} if streamed and self.chance(0.5) else {}
        planned = self.planned("chat_completions", provider, self.pick(model, "gpt-6-sol"), streamed=streamed, **asks)
        planned.ends = ends
        head = {"id": f"chatcmpl-{self.number}", "model": model}
        tier = {"service_tier": self.pick("default", "priority", "flex")} if self.chance(0.4) else {}
        choice: Json = {"index": 0, "finish_reason": "stop"}
        if not streamed:
            return self.document(planned, {**head, "object": "chat.completion", **tier, "choices": [{**choice, "message": {"role": "assistant", "content": self.text()}}], **({} if usage is None else {"usage": usage})})
        head["object"] = "chat.completion.chunk"
        chunks: list[Json] = [{**head, "choices": [{"index": 0, "delta": {"content": self.text()}, "finish_reason": None}]} for _ in range(self.random.randint(1, 4))]
        chunks[0] |= tier
        last = {**head, "choices": [{**choice, "delta": {}}]}
        if usage is None:
            chunks.append(last)
        elif in_choice:
            last["choices"][0]["usage"] = usage
            chunks.append(last)
        elif self.chance(0.2):
            # Usage in every chunk: what was used so far.
            for chunk in chunks:
                chunk["usage"] = {"prompt_tokens": usage["prompt_tokens"], "completion_tokens": 1, "total_tokens": usage["prompt_tokens"] + 1}
            chunks.append({**last, "usage": usage})
        else:
            if self.chance(0.5):
                for chunk in (*chunks, last):
                    chunk["usage"] = None
            chunks += [last, {**head, **tier, **self.pick({"choices": []}, {"choices": []}, {"choices": None}, {}), "usage": usage}]
        return self.stream(planned, chunks, done=self.chance(0.9))

    def chat_plain(self) -> Planned:
        return self.chat("openai", self.pick(*GPT), self.odd(self.chat_usage()))

    def chat_without_usage(self) -> Planned:
        return self.chat(self.pick("openai", "compatible"), self.pick(*GPT), None)

    def chat_xai(self) -> Planned:
        usage = self.chat_usage()
        reasoning = self.tokens()
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
        usage["total_tokens"] += reasoning
        return self.chat("xai", "grok-4.7", usage)

    def chat_google(self) -> Planned:
        usage = self.chat_usage()
        usage.pop("completion_tokens_details", None)
        usage["total_tokens"] += self.pick(0, self.tokens())
        return self.chat("google", "gemini-3.8-flash", usage)

    def chat_cached_beside(self) -> Planned:
        usage = self.chat_usage()
        beside = self.random.randint(0, usage["prompt_tokens"])
        if self.chance(0.7):
            usage.pop("prompt_tokens_details", None)
        usage |= self.pick({"cached_tokens": beside}, {"prompt_cache_hit_tokens": beside, "prompt_cache_miss_tokens": usage["prompt_tokens"] - beside})
        return self.chat("compatible", self.pick("kimi-k2.6", "deepseek-flash"), usage)

    def chat_in_choice(self) -> Planned:
        usage = self.chat_usage()
        usage.pop("prompt_tokens_details", None)
        usage["cached_tokens"] = self.random.randint(0, usage["prompt_tokens"])
        return self.chat("compatible", "kimi-k2.6", usage, in_choice=True)

    def chat_cut(self) -> Planned:
        return self.chat("openai", self.pick(*GPT), self.chat_usage(), ends="cut")

    def chat_cut_document(self) -> Planned:
        model, usage = self.pick(*GPT), {"usage": self.odd(self.chat_usage())}
        planned = self.planned("chat_completions", "openai", model, streamed=False)
        before, after = self.pick((usage, {}), ({}, usage))
        head = {"id": f"chatcmpl-{self.number}", "service_tier": self.pick("default", "flex"), "model": model}
        return self.cut_document(planned, {**head, **before}, {"choices": [{"index": 0, "message": {"role": "assistant", "content": self.text() * 20}, "finish_reason": "stop"}]}, after)

    # === Responses

    def response(self, status: str) -> Json:
        model, usage = self.pick(*GPT), self.chat_usage()
        of_input, of_output = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
        stated: Json = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"], "total_tokens": usage["total_tokens"]}
        stated |= {"input_tokens_details": {name: value for name, value in of_input.items() if name != "audio_tokens"}} if of_input else {}
        stated |= {"output_tokens_details": {"reasoning_tokens": of_output["reasoning_tokens"]}} if of_output else {}
        response: Json = {"id": f"resp_{self.number}", "object": "response", "status": status, "model": model, "output": [{"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": self.text()}]}]}
        response |= {"usage": self.pick(None, stated) if status == "failed" else stated}
        tools: Json = {}
        if self.chance(0.3):
            tools["web_search"] = {"num_requests": self.random.randint(0, 6)}
        if self.chance(0.3):
            tools["image_gen"] = {"input_tokens": self.tokens(), "output_tokens": self.tokens(), "total_tokens": 9, "output_tokens_details": {"image_tokens": 7, "text_tokens": 1}}
        if tools and response["usage"] is not None:
            response["tool_usage"] = self.odd(tools)
        if self.chance(0.5):
            response["service_tier"] = self.pick("default", "priority", "flex")
        if status == "failed":
            response["error"] = {"code": "server_error", "message": "down"}
        if status == "incomplete":
            response["incomplete_details"] = {"reason": self.pick("max_output_tokens", "content_filter")}
        return response

    def responses(self, status: str = "completed", ends: str = "complete") -> Planned:
        response = self.response(status)
        streamed = ends != "complete" or self.chance(0.6)
        planned = self.planned("responses", "openai", self.pick(response["model"], "gpt-6-luna"), streamed=streamed)
        planned.ends = ends
        if not streamed:
            return self.document(planned, response)
        begun = {"id": response["id"], "object": "response", "status": "in_progress", "model": response["model"], "output": [], "usage": None, "service_tier": "auto"}
        events: list[Json] = [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]
        events += [{"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": self.text()} for _ in range(self.random.randint(1, 4))]
        events.append({"type": "response.output_item.done", "output_index": 0, "item": response["output"][0]})
        if status == "failed" and self.chance(0.3):
            events.append({"type": "error", "code": "server_error", "message": "down", "param": None})
        events.append({"type": f"response.{status}", "response": response})
        for number, event in enumerate(events):
            event["sequence_number"] = number
        return self.stream(planned, events)

    def responses_cut_document(self) -> Planned:
        response = self.response("completed")
        planned = self.planned("responses", "openai", response["model"], streamed=False)
        usage, output = {"usage": response.pop("usage")}, {"output": [{**response.pop("output")[0], "content": [{"type": "output_text", "text": self.text() * 20}]}]}
        tools = response.pop("tool_usage", None)
        usage |= {"tool_usage": tools} if tools else {}
        before, after = self.pick((usage, {}), ({}, usage))
        return self.cut_document(planned, {**response, **before}, output, after)

    # === errors without usage

    def error(self) -> Planned:
        api, provider, model = self.pick(("messages", "anthropic", self.pick(*CLAUDE)), ("chat_completions", "openai", self.pick(*GPT)), ("responses", "openai", self.pick(*GPT)))
        planned = self.planned(api, provider, model, streamed=self.chance(0.5))
        planned.streamed, planned.status = False, self.pick(400, 401, 404, 429, 500, 503, 529)
        error = {"type": "api_error", "message": self.text(), "code": None}
        return self.document(planned, {"type": "error", "error": error} if api == "messages" else {"error": error})


KINDS: dict[str, Callable[[Maker], Planned]] = {
    "messages, streamed": Maker.messages_stream,
    "messages, streamed again": Maker.messages_stream,
    "messages, document": Maker.messages_document,
    "messages, stream cut": lambda maker: maker.messages_stream("cut"),
    "messages, client gone": lambda maker: maker.messages_stream("client_gone"),
    "messages, document cut": Maker.messages_cut_document,
    "messages, compaction": Maker.compaction,
    "messages, advisor": Maker.advisor,
    "messages, fallback": Maker.fallback,
    "messages, many models": Maker.many_models,
    "messages, error event": Maker.messages_failure,
    "chat": Maker.chat_plain,
    "chat again": Maker.chat_plain,
    "chat, no usage": Maker.chat_without_usage,
    "chat, xAI": Maker.chat_xai,
    "chat, Google": Maker.chat_google,
    "chat, cached tokens beside": Maker.chat_cached_beside,
    "chat, usage in the choice": Maker.chat_in_choice,
    "chat, stream cut": Maker.chat_cut,
    "chat, document cut": Maker.chat_cut_document,
    "responses": Maker.responses,
    "responses again": Maker.responses,
    "responses, incomplete": lambda maker: maker.responses("incomplete"),
    "responses, failed": lambda maker: maker.responses("failed"),
    "responses, stream cut": lambda maker: maker.responses(ends="cut"),
    "responses, client gone": lambda maker: maker.responses(ends="client_gone"),
    "responses, document cut": Maker.responses_cut_document,
    "an error": Maker.error,
}
