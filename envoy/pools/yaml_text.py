"""Writes JSON values as readable YAML: blocks, and flow style for what fits on a line."""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

Json = Any

WIDTH = 140
PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*|[0-9]+(\.[0-9]+)?s")
WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def yaml_text(value: Json) -> str:
    """The YAML text of an object or a list."""
    return "\n".join(block(value, "")) + "\n"


def block(value: Json, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from entry(f"{indent}{scalar(name)}:", member, indent + ("" if isinstance(member, list) else "  "))
    else:
        for element in value:
            lines = [flow(element)] if fits(indent + "- ", element) else [line[len(indent) + 2 :] for line in block(element, indent + "  ")]
            yield f"{indent}- {lines[0]}"
            yield from (f"{indent}  {line}" for line in lines[1:])


def entry(head: str, member: Json, indent: str) -> Iterator[str]:
    if fits(head + " ", member):
        yield f"{head} {flow(member)}"
    else:
        yield head
        yield from block(member, indent)


def fits(head: str, value: Json) -> bool:
    """Whether a value is written on the line that begins with `head`."""
    return not isinstance(value, (dict, list)) or not value or len(head) + len(flow(value)) <= WIDTH and depth(value) <= 4


def depth(value: Json) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(depth, members), default=0)


def flow(value: Json) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{scalar(name)}: {flow(member)}" for name, member in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return "[ " + ", ".join(map(flow, value)) + " ]" if value else "[]"
    return scalar(value)


def scalar(value: Json) -> str:
    if isinstance(value, str):
        if PLAIN.fullmatch(value) and value.lower() not in WORDS:
            return value
        if '"' in value and "'" not in value and value.isprintable():
            return f"'{value}'"
        return json.dumps(value, ensure_ascii=not value.isprintable())
    return json.dumps(value)
