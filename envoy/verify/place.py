"""Values of a configuration with their paths, and the problems found in it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Iterator

Json = Any


class Unusable(Exception):
    """The file cannot be checked."""


@dataclass(frozen=True)
class Problem:
    """One problem with its path."""

    level: str          # error, warning
    path: str
    message: str


@dataclass(frozen=True)
class Place:
    """A value of the configuration with its path."""

    value: Json
    path: str = ""

    def __getitem__(self, name: str | int) -> "Place":
        """A member or an element; its value is `None` if there is none."""
        if isinstance(name, int):
            return Place(self.value[name], f"{self.path}[{name}]")
        members = self.value if isinstance(self.value, dict) else {}
        name = camel(name) if name not in members and camel(name) in members else name
        value = members.get(name)
        plain = re.fullmatch(r"[A-Za-z0-9_@-]+", name) is not None
        return Place(value, f"{self.path}[{json.dumps(name)}]" if not plain else f"{self.path}.{name}".lstrip("."))

    def is_called(self, name: str) -> bool:
        """Whether this is a member with this name."""
        return self.path.endswith((f".{name}", f".{camel(name)}"))

    def at(self, *names: str | int) -> "Place":
        """The member at the end of this path."""
        place = self
        for name in names:
            place = place[name]
        return place

    def __iter__(self) -> Iterator["Place"]:
        """The elements, if this is a list; else none."""
        return iter([self[index] for index in range(len(self.value))] if isinstance(self.value, list) else [])

    def members(self) -> list[str]:
        """The members' names, if this is an object; else none."""
        return [str(name) for name in self.value] if isinstance(self.value, dict) else []

    def __bool__(self) -> bool:
        return bool(self.value)

    def text(self) -> str:
        """The text, if this is a string; else empty."""
        return self.value if isinstance(self.value, str) else ""

    def type(self) -> str:
        """The last part of a typed_config's type, such as `http.wasm.v3.Wasm`."""
        given = self.value.get("@type", "") if isinstance(self.value, dict) else ""
        return str(given).removeprefix("type.googleapis.com/")

    def texts(self) -> Iterator["Place"]:
        """Every string at any depth."""
        if isinstance(self.value, str):
            yield self
        elif isinstance(self.value, dict):
            for name in self.value:
                yield from self[str(name)].texts()
        else:
            for element in self:
                yield from element.texts()


def camel(name: str) -> str:
    """The other spelling that Envoy accepts: `rootId` for `root_id`."""
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)


@dataclass
class Findings:
    """The problems found, and what could not be checked."""

    problems: list[Problem] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def error(self, place: Place, message: str) -> None:
        self._add("error", place, message)

    def warn(self, place: Place, message: str) -> None:
        self._add("warning", place, message)

    def leave_out(self, what: str) -> None:
        if what not in self.left_out:
            self.left_out.append(what)

    def count(self, level: str) -> int:
        return sum(each.level == level for each in self.problems)

    def _add(self, level: str, place: Place, message: str) -> None:
        problem = Problem(level, place.path, message)
        if problem not in self.problems:
            self.problems.append(problem)
