"""Bedrock for tests: inserts the shipped fragments as their comments say, and makes frames of its event stream."""

from __future__ import annotations

import base64
import copy
import json
import struct
import zlib
from typing import Any

import yaml

from render import HTTP_OPTIONS, REPOSITORY, Address, connection_manager_of, render, to_loopback, wasm_of

FRAGMENTS = REPOSITORY / "envoy" / "bedrock"
ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
API_KEY = "ABSKQmVkcm9ja0FQSUtleS10ZXN0"
SIGNS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_EC2_METADATA_DISABLED": "true"}
BEARS = {"AWS_BEARER_TOKEN_BEDROCK": API_KEY}
HOSTS = {"native": "bedrock-mantle.us-east-1.api.aws", "invoke": "bedrock-runtime.us-east-1.amazonaws.com"}


def fragment(name: str) -> Any:
    """The text of one shipped fragment."""
    return json.loads(json.dumps(yaml.safe_load((FRAGMENTS / f"{name}.yaml").read_text())))


def with_bedrock(upstream: Address, *, api_key: bool = False, http2_upstream: bool = False, holds: bool = True, **more: Any) -> Any:
    """The shipped configuration with both of the shipped fragments. `more`: members of both providers' `bedrock` to replace."""
    fragments = [fragment("native"), fragment("invoke")]
    providers = []
    for part in fragments:
        provider = part["provider"]
        if api_key:
            provider.update(fragment("api-key")["provider"])
        if provider["bedrock"].get("mode") == "invoke":
            provider["bedrock"].update(copy.deepcopy(more))
        providers.append(provider)

    def plugin(shipped: Any) -> Any:
        return {**shipped, "providers": [{"type": "anthropic"}, *providers]}

    def change(config: Any) -> None:
        for part in fragments:
            if holds:
                wasm_of(config).update(part.get("filter", {}))
            if not api_key or part["provider"]["name"] == "bedrock-invoke":
                connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"].insert(1, part["route"])
            cluster = part["cluster"]
            if api_key:
                del cluster["typed_extension_protocol_options"][HTTP_OPTIONS]["http_filters"]
            to_loopback(cluster, upstream, http2_upstream)
            cluster["outlier_detection"]["consecutive_5xx"] = 1_000_000
            config["static_resources"]["clusters"].append(cluster)

    return render(upstream, plugin=plugin, change=change, environment=list(BEARS if api_key else {}), http2_upstream=http2_upstream)


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """A frame of AWS's event stream."""
    packed = b"".join(bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode() for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + packed + payload
    return message + struct.pack(">I", zlib.crc32(message))


def chunk(event: Any) -> bytes:
    """One event, as Bedrock sends it."""
    text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    payload = json.dumps({"bytes": base64.b64encode(text.encode()).decode(), "p": "abcdefghijklmnopqrstu"})
    return frame({":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}, payload.encode())


def exception(kind: str, message: str) -> bytes:
    """An exception in the middle of a stream."""
    return frame({":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}, json.dumps({"message": message}).encode())
