"""Small requests and answers of the three APIs, for tests that need any valid one."""

from __future__ import annotations

import json
from typing import Any

JSON = ("content-type", "application/json")
TOKEN = ("authorization", "Bearer gw_alice")
GITHUB = ("authorization", "Bearer gho_0123456789abcdefgh")
WEBSOCKET = [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"), ("sec-websocket-key", "x3JJHMbDL1EzLkh9GBhXDw==")]

MESSAGES = "/anthropic/v1/messages"
CHAT = "/openai/v1/chat/completions"
RESPONSES = "/openai/v1/responses"


def messages_request(*, stream: bool = True, prompt: str = "Why is the sky blue?", model: str = "claude-opus-4-8", **more: Any) -> bytes:
    """A request of the Messages API."""
    return json.dumps({"model": model, "max_tokens": 64, "stream": stream, "messages": [{"role": "user", "content": prompt}], **more}).encode()


def chat_request(*, stream: bool = False, prompt: str = "Why is the sky blue?", model: str = "gpt-5.5", **more: Any) -> bytes:
    """A request of the Chat Completions API."""
    return json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}], **more}).encode()


def responses_request(*, stream: bool = False, prompt: str = "Why is the sky blue?", model: str = "gpt-5.5", **more: Any) -> bytes:
    """A request of the Responses API."""
    return json.dumps({"model": model, "stream": stream, "input": prompt, **more}).encode()


def event(name: str, **data: Any) -> bytes:
    """One server-sent event as Anthropic writes it."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data}, ensure_ascii=False)}\n\n".encode()


MESSAGE_START = event(
    "message_start",
    message={
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-opus-4-8", "content": [], "stop_reason": None,
        "usage": {"input_tokens": 12, "output_tokens": 1, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 0},
    },
)
TEXT = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Rayleigh – 散乱 🌤"})
MESSAGE_STREAM = [
    MESSAGE_START,
    event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    TEXT,
    event("content_block_stop", index=0),
    event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 7}),
    event("message_stop"),
]

MESSAGE = {
    "id": "msg_02", "type": "message", "role": "assistant", "model": "claude-opus-4-8", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "Rayleigh."}], "usage": {"input_tokens": 12, "output_tokens": 3},
}
COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-5.5-2026", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Rayleigh."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23, "prompt_tokens_details": {"cached_tokens": 5}},
}
RESPONSE = {
    "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5.5-2026",
    "output": [{"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Rayleigh."}]}],
    "usage": {"input_tokens": 20, "output_tokens": 3, "total_tokens": 23, "input_tokens_details": {"cached_tokens": 5}},
}
