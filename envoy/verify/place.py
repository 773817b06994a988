"""Values of a configuration with their paths and lines, and the problems found in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Iterator

from reading import Document, Node, Unusable

__all__ = ["Findings", "Json", "Place", "Problem", "Unusable", "camel", "flag", "place_of"]

Json = Any
PLAIN = re.compile(r"[A-Za-z0-9_@-]+")      # a name that needs no quotes in a path


@dataclass(frozen=True)
class Problem:
    """One problem with its place."""

    level: str          # error, warning
    path: str
    message: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Place:
    """A value of the configuration with its path. Where nothing is, the line is that of what surrounds it."""

    value: Json
    path: str = ""
    file: str = ""
    line: int = 0
    node: Node | None = field(default=None, compare=False, repr=False)

    def __getitem__(self, name: str | int) -> "Place":
        """A member or an element; its value is `None` if there is none."""
        if isinstance(name, int):
            node = self.node.kids[name] if self.node is not None and isinstance(self.node.kids, list) else None
            return self._below(self.value[name], f"{self.path}[{name}]", node)
        members = self.value if isinstance(self.value, dict) else {}
        name = camel(name) if name not in members and camel(name) in members else name
        path = f"{self.path}.{name}".lstrip(".") if PLAIN.fullmatch(name) else f"{self.path}[{json.dumps(name)}]"
        node = self.node.kids.get(name) if self.node is not None and isinstance(self.node.kids, dict) else None
        return self._below(members.get(name), path, node)

    def _below(self, value: Json, path: str, node: Node | None) -> "Place":
        return Place(value, path, self.file, node.line if node is not None else self.line, node)

    def named(self, path: str) -> "Place":
        """The same with another path."""
        return Place(self.value, path, self.file, self.line, self.node)

    def line_of(self, name: str) -> int:
        """The line of a member's name, or this one's."""
        names = (self.node.names or {}) if self.node is not None else {}
        return names.get(name, names.get(camel(name), self.line))

    def at_name(self, name: str) -> "Place":
        """The member, with the line of its name: of a long object or a block of text that is where one looks."""
        member = self[name]
        return Place(member.value, member.path, member.file, self.line_of(name), member.node)

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

    def each(self) -> Iterator[tuple[str, "Place"]]:
        """The members, if this is an object; else none."""
        return ((name, self[name]) for name in self.members())

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
        return (each for each in self.all() if isinstance(each.value, str))

    def all(self) -> Iterator["Place"]:
        """This and everything below it, in the order of the file."""
        waiting = [self]
        while waiting:
            place = waiting.pop()
            yield place
            if isinstance(place.value, dict):
                waiting += [place[str(name)] for name in reversed(place.value)]
            elif isinstance(place.value, list):
                waiting += reversed([*place])


def place_of(document: Document, path: str = "") -> Place:
    """The whole of a document."""
    return Place(document.node.value, path, document.file, document.node.line, document.node)


def camel(name: str) -> str:
    """The other spelling that Envoy accepts: `rootId` for `root_id`."""
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)


def flag(layer: Json, name: str, prefix: str = "") -> bool:
    """Whether a runtime layer, flat or nested, sets this feature to true."""
    if not isinstance(layer, dict):
        return False
    for each, value in layer.items():
        full = f"{prefix}{each}"
        if full == name:
            return value is True or str(value).lower() == "true"
        if name.startswith(f"{full}.") and flag(value, name, f"{full}."):
            return True
    return False


@dataclass
class Findings:
    """The problems found, and what was not checked."""

    problems: list[Problem] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)       # what could not be checked
    skipped: list[str] = field(default_factory=list)        # checks that the user left out, and checks that only the gateway's own machine can make
    _causes: set[tuple[str, int | str, str]] = field(default_factory=set, repr=False)

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
        # What an alias repeats is one cause: the same line with the same words.
        cause = (place.file, place.line, message) if place.line else (place.file, place.path, level + message)
        if cause not in self._causes:
            self._causes.add(cause)
            self.problems.append(Problem(level, place.path, message, place.file, place.line))
