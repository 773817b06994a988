"""Reads YAML and JSON with the line of every value.

PyYAML's parser and the JSON decoder of the standard library find the positions. What a file costs is bounded: its size,
its depth, and the number of values that its aliases stand for.
"""

from __future__ import annotations

import bisect
import gc
import json
import json.decoder
import json.scanner
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

import yaml

FILE_BYTES = 4 << 20
DEPTH = 150
VALUES = 200_000            # with every alias written out

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# As in `{% if … %}` of Jinja, at the beginning of a line.
STATEMENT = re.compile(r"^[ \t]*\{%", re.M)
# As in `{{ .Values.key }}` and `{{- if …`. `{{ $labels.instance }}` of Prometheus is another language, inside of texts.
TEMPLATE = re.compile(r"\{\{-?\s*(?:\$?\.(?:Values|Release|Chart|Files|Capabilities|Template)\b|(?:if|else|end|range|with|include|define|template|toYaml|tpl|block|required|default|quote|nindent)\b|/\*)")


class Unusable(Exception):
    """A file that cannot be checked: one sentence that says why."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Node:
    """A value with its line."""

    value: Any                                      # as Python has it, with everything below
    line: int
    kids: dict[str, "Node"] | list["Node"] | None   # the members or elements
    size: int = 1                                   # how many values it stands for
    depth: int = 1
    names: dict[str, int] | None = None             # the lines of the members' names
    at: tuple[int, int, str] | None = None          # of a text: where it begins and ends in the file, and its style


@dataclass
class Document:
    """One document of a file."""

    node: Node
    file: str
    source: "Source"
    twice: list[tuple[str, int, int]] = field(default_factory=list)    # a member that comes twice: its name, and both lines
    merges: list[int] = field(default_factory=list)                    # the lines of `<<`


@dataclass
class Source:
    """A text, and in which line of its file each of its positions is."""

    text: str
    lines: list[int]            # where each line of the text begins
    first: int = 1              # the file's line of the first one
    of: Callable[[int], int] | None = None      # of a text inside another one: the line of a position

    @classmethod
    def whole(cls, text: str) -> "Source":
        return cls(text, [0, *(match.end() for match in re.finditer("\n", text))])

    def line(self, position: int) -> int:
        if self.of is not None:
            return self.of(position)
        return self.first + bisect.bisect_right(self.lines, position) - 1

    def text_of(self, line: int) -> str:
        """A line of a whole file."""
        at = line - self.first
        return self.text[self.lines[at] :].split("\n", 1)[0] if self.of is None and 0 <= at < len(self.lines) else ""


def read(file: Path) -> list[Document]:
    """The documents of a file; empty ones are left out. Raises `Unusable`."""
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES + 1)
    except OSError as problem:
        raise Unusable(f"cannot be read: {problem.strerror or problem}") from problem
    if len(data) > FILE_BYTES:
        raise Unusable(f"larger than {FILE_BYTES >> 20} MiB, so it is no configuration that this program checks")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable("neither YAML nor JSON: it is not UTF-8") from None
    return parse(Source.whole(text), str(file))


def parse(source: Source, file: str) -> list[Document]:
    """The documents of a text."""
    template = TEMPLATE.search(source.text)
    if template:
        raise Unusable("a Helm template: render it first (`helm template …`) and check what comes out", source.line(template.start()))
    statement = STATEMENT.search(source.text)
    if statement:
        raise Unusable("a template: render it first and check what comes out", source.line(statement.end()))
    begins = source.text.lstrip()[:1]
    collects = gc.isenabled()
    gc.disable()                # nothing becomes garbage while it reads, and looking for it costs more than reading
    try:
        if begins in ("{", "["):
            try:
                return [json_document(source, file)]
            except ValueError as problem:
                # YAML has braces too.
                comment = re.search(r'^[^"\n]*?(?:"(?:[^"\\\n]|\\.)*"[^"\n]*?)*(//|/\*)', source.text, re.M)
                if comment and not isinstance(problem, (TooDeep, TooMany)):
                    raise Unusable("JSON has no comments: take `//` and `/* … */` out, or write it as YAML with `#`", source.line(comment.start(1))) from None
                if isinstance(problem, TooDeep):
                    raise Unusable("nested too deeply") from None
                if isinstance(problem, TooMany):
                    raise Unusable(str(problem)) from None
                if file.endswith(".json") and isinstance(problem, json.JSONDecodeError):
                    raise Unusable(f"no JSON, though its name says so: {problem.msg[:1].lower()}{problem.msg[1:]}", source.line(problem.pos)) from None
        return list(yaml_documents(source, file))
    finally:
        if collects:
            gc.enable()


# === YAML ===


def yaml_documents(source: Source, file: str) -> Iterator[Document]:
    loader = LOADER(source.text)
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                document = one(loader, source, file)
                if document.node.value is not None:
                    yield document
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        says = " ".join(filter(None, (problem.context, problem.problem)))
        here = source.text_of(source.line(mark.index)) if mark else ""
        if re.search(r"\$\{\w+\}", here):
            raise Unusable("a template with variables of the shell (`${…}`): render it first (`envsubst`) and check what comes out", source.line(mark.index)) from None
        raise Unusable(f"neither YAML nor JSON: {says}", source.line(mark.index) if mark else 0) from None
    except (yaml.YAMLError, ValueError) as problem:
        raise Unusable(f"neither YAML nor JSON: {' '.join(str(problem).split())[:200]}") from None
    finally:
        loader.dispose()


def one(loader: Any, source: Source, file: str) -> Document:
    """The document that the loader is in. Without recursion, so that no depth can end the program."""
    document = Document(Node(None, 1, None), file, source)
    anchors: dict[str, Node | None] = {}
    open_nodes: list[tuple[Node, str | None, list[Node]]] = []      # a collection, its anchor, and of a mapping a name that waits

    def finished(node: Node) -> None:
        if not open_nodes:
            document.node = node
            return
        parent, _, waiting = open_nodes[-1]
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth + 1)
        if parent.size > VALUES:
            raise Unusable(f"more than {VALUES:,} values, with every alias written out", node.line)
        if parent.depth > DEPTH:
            raise Unusable("nested too deeply", node.line)
        if isinstance(parent.kids, list):
            parent.kids.append(node)
            parent.value.append(node.value)
        elif not waiting:
            waiting.append(node)
        else:
            member(document, parent, waiting.pop(), node)

    while True:
        event = loader.get_event()
        if isinstance(event, yaml.DocumentEndEvent):
            return document
        line = source.line(event.start_mark.index)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:
                raise Unusable(f"the alias *{event.anchor[:40]} has no anchor", line)
            target = anchors[event.anchor]
            if target is None:
                raise Unusable(f"the anchor &{event.anchor[:40]} contains itself", line)
            finished(Node(target.value, line if target.kids is None else target.line, target.kids, target.size, target.depth, target.names, target.at))
        elif isinstance(event, yaml.ScalarEvent):
            node = Node(scalar(loader, event), line, None, at=(event.start_mark.index, event.end_mark.index, event.style or ""))
            if event.anchor:
                anchors[event.anchor] = node
            finished(node)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            maps = isinstance(event, yaml.MappingStartEvent)
            if event.anchor:
                anchors[event.anchor] = None
            open_nodes.append((Node({}, line, {}, names={}) if maps else Node([], line, []), event.anchor, []))
            if len(open_nodes) > DEPTH:
                raise Unusable("nested too deeply", line)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            node, anchor, _ = open_nodes.pop()
            if anchor:
                anchors[anchor] = node
            finished(node)


def scalar(loader: Any, event: Any) -> Any:
    tag = event.tag if event.tag not in (None, "!") else loader.resolve(yaml.ScalarNode, event.value, event.implicit)
    if tag.rpartition(":")[2] not in ("null", "bool", "int", "float") or event.tag == "!":
        return event.value
    try:
        return loader.construct_object(yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark))
    except (ValueError, yaml.YAMLError, OverflowError):
        return event.value


def member(document: Document, parent: Node, name: Node, node: Node) -> None:
    """Adds a member to an object."""
    assert isinstance(parent.kids, dict) and parent.names is not None
    if name.kids is not None:
        template = "{{" in document.source.text_of(name.line)
        raise Unusable("a template: render it first and check what comes out" if template else "a member's name is a list or an object", name.line)
    if name.value == "<<" and name.at is not None and not name.at[2]:
        document.merges.append(name.line)
        for merged in node.kids if isinstance(node.kids, list) else [node]:
            for each, value in (merged.kids if isinstance(merged.kids, dict) else {}).items():
                if each not in parent.kids:
                    parent.kids[each], parent.value[each] = value, value.value
        return
    text = name.value if isinstance(name.value, str) else json.dumps(name.value)
    if text in parent.names:
        document.twice.append((text, parent.names[text], name.line))
    parent.kids[text], parent.value[text], parent.names[text] = node, node.value, name.line


# === JSON ===


class TooMany(ValueError):
    """The text has more values than a configuration."""


class TooDeep(ValueError):
    """The text is nested deeper than Python reads."""


def json_document(source: Source, file: str) -> Document:
    """A JSON text with the line of every value. Raises `ValueError`."""
    document = Document(Node(None, source.line(0), None), file, source)
    document.node = decode(source, document)
    if document.node.depth > DEPTH:
        raise TooDeep("nested too deeply")
    return document


def decode(source: Source, document: Document) -> Node:
    decoder = json.JSONDecoder(object_pairs_hook=list)
    values = 0

    def placed(scan: Callable[[str, int], tuple[Any, int]]) -> Callable[[str, int], tuple[Node, int]]:
        """Puts each value that the decoder finds into a node."""

        def scans(text: str, at: int) -> tuple[Node, int]:
            nonlocal values
            values += 1
            if values > VALUES:
                raise TooMany(f"more than {VALUES:,} values")
            value, end = scan(text, at)
            return node_of(value, text[at : at + 1], source.line(at), source), end

        return scans

    def node_of(value: Any, begins: str, line: int, source: Source) -> Node:
        if begins == "{":
            node = Node({}, line, {}, names={})
            for name, each in value:
                if name in node.kids:                                   # type: ignore[operator]
                    document.twice.append((name, node.names[name], each.line))      # type: ignore[index]
                node.kids[name], node.value[name], node.names[name] = each, each.value, each.line       # type: ignore[index]
        elif begins == "[":
            node = Node([each.value for each in value], line, value)
        else:
            return Node(value, line, None)
        below = list(node.kids.values()) if isinstance(node.kids, dict) else node.kids or []
        node.size += sum(each.size for each in below)
        node.depth += max((each.depth for each in below), default=0)
        return node

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    decoder.parse_constant = refuse
    decoder.parse_object = lambda at, strict, scan, *rest: json.decoder.JSONObject(at, strict, placed(scan), *rest)
    decoder.parse_array = lambda at, scan: json.decoder.JSONArray(at, placed(scan))
    scan = placed(json.scanner.py_make_scanner(decoder))
    space = re.compile(r"[ \t\n\r]*")
    try:
        begin = space.match(source.text).end()                          # type: ignore[union-attr]
        node, end = scan(source.text, begin)
    except RecursionError:
        raise TooDeep("nested too deeply") from None
    except StopIteration as problem:
        raise json.JSONDecodeError("Expecting value", source.text, problem.value) from None
    end = space.match(source.text, end).end()                           # type: ignore[union-attr]
    if end != len(source.text):
        raise json.JSONDecodeError("Extra data", source.text, end)
    return node


# === texts inside of texts ===


def inside(document: Document, node: Node) -> Source:
    """A text value as a source of its own, whose positions lead to lines of the file."""
    source = Source.whole(node.value)
    outer = document.source
    if node.at is None:
        source.of = lambda position: node.line
        return source
    begin, end, style = node.at
    # A block begins behind its indicator's line: then each of its lines is one of the file.
    written = outer.text[begin:end]
    head = written.find("\n") + 1 if style in ("|", ">") else 0
    if style == "|":
        source.first = outer.line(begin + head)
        if outer.of is not None:
            starts = [match.end() for match in re.finditer("\n", written)]
            source.of = lambda position: outer.line(begin + starts[min(bisect.bisect_right(source.lines, position) - 1, len(starts) - 1)]) if starts else node.line
        return source
    # Else lines may be folded: what is no white space comes in the same order.
    solid = [match.start() for match in re.finditer(r"\S", written[head:])]
    before = [match.start() for match in re.finditer(r"\S", node.value)]
    quotes = 1 if style in ("'", '"') else 0
    exact = style != '"' and len(solid) == len(before) + 2 * quotes

    def line(position: int) -> int:
        if not exact or not solid:
            return node.line
        index = min(bisect.bisect_left(before, position) + quotes, len(solid) - 1)
        return outer.line(begin + head + solid[index])

    source.of = line
    return source
