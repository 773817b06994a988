"""Takes records out of the lines of a log, and apart."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .words import fit

KEY_CHARACTERS = 1024           # of a name; records have no longer ones
LARGEST = (1 << 64) - 1
OUTCOMES = ("completed", "failed", "rejected", "unavailable", "aborted_client", "aborted_upstream")
METADATA_KEY = re.compile("[A-Za-z0-9_-]{1,64}")

# What others put in front of a line: `docker compose logs`, `kubectl logs --prefix`, timestamps, a container's own log file.
PREFIX = re.compile(
    rb"(?:[\w.-]+ *\| )?(?:\[pod/[^\]\s]+\] )?(?:\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) )?(?:(?:stdout|stderr) [FP] )?(?=\{)"
)


class Unreadable(Exception):
    """A line that counts nothing, and why."""

    def __init__(self, kind: str, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind


@dataclass
class Record:
    """What a report takes from a record."""

    id: str
    started: datetime
    duration_ms: int
    first_event_ms: int | None
    provider: str
    api: str | None
    model: str | None
    actor: str | None
    metadata: dict[str, str]
    client: str | None
    session: str | None
    agent: str | None
    credential: str | None
    outcome: str
    status: int | None
    error: tuple[str | None, str | None, str | None]
    usage_status: str
    tokens: dict[str, int | None]
    estimate: tuple[int, int] | None
    cost: int | None
    shares: list[tuple[str, dict[str, int | None], int | None]]
    tools: list[tuple[str | None, str | None, str]]
    attempts: list[tuple[str, str]]         # the pool's members that were asked, each with its status or error
    moved: str | None                       # the member to which a session has moved
    notes: list[str]

    @property
    def may_be_billed(self) -> bool:
        """Whether a provider may have worked for it, so that missing usage is missing money."""
        if self.outcome == "unavailable":
            return self.status == 504
        if self.outcome == "failed":
            return self.status is not None and 200 <= self.status < 300
        return self.outcome != "rejected"


TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_input_tokens", "total_tokens")
KINDS = {dict: "an object", list: "a list", str: "a text", int: "a whole number from 0 to 2^64 - 1", bool: "true or false"}


def find(record: Any, path: str, kind: type) -> Any:
    """The member at `path`, `None` where it is absent. Raises `Unreadable` where it is of another kind."""
    value, names = record, path.split(".")
    for depth, name in enumerate(names):
        if value is None:
            return None
        if type(value) is not dict:
            raise wrong(".".join(names[:depth]), dict, value)
        value = value.get(name)
    if kind is int and type(value) is float and value.is_integer():
        value = int(value)          # what other programs make of a whole number
    if value is not None and (type(value) is not kind or (kind is int and not 0 <= value <= LARGEST)):
        raise wrong(path, kind, value)
    return value[:KEY_CHARACTERS] if kind is str and value is not None else value


def need(record: Any, path: str, kind: type) -> Any:
    """The same of a member that every record has."""
    value = find(record, path, kind)
    if value is None:
        raise Unreadable("broken record", f"{path}: missing")
    return value


def wrong(path: str, kind: type, value: Any) -> Unreadable:
    shown = KINDS[type(value)] if isinstance(value, (dict, list)) else json.dumps(value)
    return Unreadable("broken record", f"{path}: expected {KINDS[kind]}, found {fit(shown, 40)}")


def read_record(value: dict[str, Any]) -> Record:
    """Takes a record apart. Half a record counts nothing: anything wrong in what is read is `Unreadable`."""
    if need(value, "version", int) != 1:
        raise Unreadable("broken record", f"version: expected 1, found {value['version']}")
    outcome, usage_status = need(value, "outcome", str), need(value, "usage.usage_status", str)
    if outcome not in OUTCOMES:
        raise Unreadable("broken record", f"outcome: expected one of {', '.join(OUTCOMES)}, found {json.dumps(outcome[:40])}")
    if usage_status not in ("complete", "partial", "missing"):
        raise Unreadable("broken record", f"usage.usage_status: expected complete, partial or missing, found {json.dumps(usage_status[:40])}")
    metadata = find(value, "actor.metadata", dict) or {}
    calls = find(value, "tool_calls", list) or []
    return Record(
        id=need(value, "id", str),
        started=instant(need(value, "started_at", str)),
        duration_ms=need(value, "duration_ms", int),
        first_event_ms=find(value, "time_to_first_event_ms", int),
        provider=need(value, "provider.name", str),
        api=find(value, "api", str),
        model=find(value, "model.served", str) or find(value, "model.requested", str) or None,
        actor=find(value, "actor.id", str),
        metadata={key: find(value, f"actor.metadata.{key}", str) for key in itertools.islice(metadata, 32) if METADATA_KEY.fullmatch(key)},
        client=find(value, "client", str),
        session=find(value, "session_id", str) or None,
        agent=find(value, "agent.id", str) or None,
        credential=find(value, "credential.kind", str),
        outcome=outcome,
        status=find(value, "response.status", int),
        error=(find(value, "error.type", str), find(value, "error.code", str), find(value, "error.message", str)),
        usage_status=usage_status,
        tokens={name: find(value, f"usage.{name}", int) for name in TOKENS},
        estimate=estimated(value),
        cost=find(value, "cost_microusd", int),
        shares=[share(f"by_model[{at}]", element) for at, element in enumerate(find(value, "usage.by_model", list) or [])],
        tools=[tool(f"tool_calls[{at}]", call) for at, call in enumerate(calls)],
        attempts=[attempt(f"attempts[{at}]", element) for at, element in enumerate(find(value, "attempts", list) or [])],
        moved=find(value, "affinity.member", str) if find(value, "affinity.moved", bool) else None,
        notes=[note[:80].split(":")[0] for note in texts(value, "notes")],
    )


def estimated(record: dict[str, Any]) -> tuple[int, int] | None:
    """The tokens of input and of output that are charged by an estimate, beyond those that were stated."""
    if find(record, "usage.estimate", dict) is None:
        return None
    more = [need(record, f"usage.estimate.{name}", int) - (find(record, f"usage.{name}", int) or 0) for name in ("input_tokens", "output_tokens")]
    return max(more[0], 0), max(more[1], 0)


def share(path: str, element: Any) -> tuple[str, dict[str, int | None], int | None]:
    """A model that worked beside others, its tokens and its cost."""
    holder = {path: element}
    tokens = {name: find(holder, f"{path}.{name}", int) for name in TOKENS if name not in ("reasoning_tokens", "total_tokens")}
    tokens["total_tokens"] = (tokens["total_input_tokens"] or 0) + (tokens["output_tokens"] or 0)
    return need(holder, f"{path}.model", str), tokens, find(holder, f"{path}.cost_microusd", int)


def tool(path: str, call: Any) -> tuple[str | None, str | None, str]:
    """A called tool's name, its server, and who runs it."""
    holder = {path: call}
    return find(holder, f"{path}.name", str), find(holder, f"{path}.server", str), need(holder, f"{path}.kind", str)


def attempt(path: str, element: Any) -> tuple[str, str]:
    """A member of a pool that was asked, and its status or what went wrong."""
    holder = {path: element}
    status = find(holder, f"{path}.status", int)
    return need(holder, f"{path}.member", str), find(holder, f"{path}.error", str) or "no answer" if status is None else str(status)


def texts(record: dict[str, Any], path: str) -> list[str]:
    found = find(record, path, list) or []
    for element in found:
        if type(element) is not str:
            raise wrong(f"an element of {path}", str, element)
    return found


def instant(text: str) -> datetime:
    """A time as RFC 3339 writes it."""
    try:
        found = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
        if found.tzinfo is not None:
            return found.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        pass
    raise Unreadable("broken record", f"started_at: expected a time such as 2026-11-24T15:00:00.000Z, found {json.dumps(text[:40])}")


def record_in(line: bytes, members: tuple[str, ...]) -> Record:
    """The record that a line holds."""
    prefix = PREFIX.match(line)
    value = parse(line[prefix.end() :] if prefix else line)
    for _ in range(4):          # a log line in a log line is the most that is usual
        if not isinstance(value, dict):
            break
        if {"version", "outcome", "provider", "usage"} <= value.keys():
            return read_record(value)
        inner = next((value[name] for name in members if value.get(name) is not None), None)
        value = parse(inner.encode("utf-8", "surrogatepass")) if isinstance(inner, str) else inner
    raise Unreadable("no record", "JSON, but no record")


def parse(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise Unreadable("not JSON", "nested too deeply") from None
    except UnicodeDecodeError:
        raise Unreadable("not JSON", "not UTF-8") from None
    except ValueError as error:
        raise Unreadable("not JSON", f"not JSON: {error}"[:120]) from None


def refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
