"""The schema of records: it describes every member, and the records in this repository are valid under it.

Records that the tests cause are checked as they come out of Envoy (tests/envoy/gateway.py).
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Iterator

import jsonschema_rs
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((REPOSITORY / "envoy" / "records" / "record.schema.json").read_text())
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)
SAMPLE = [json.loads(line) for line in (Path(__file__).resolve().parent / "sample.jsonl").read_text().splitlines()]
TRANSCRIPTS = sorted((REPOSITORY / "tests" / "transcripts").glob("*/*/record.json"))

# What the transcripts' records leave out because it is never the same (see their README).
NEVER_GIVEN = {name: SAMPLE[0][name] for name in ("id", "started_at", "ended_at", "duration_ms", "upstream")}
ALWAYS_THERE = {"notes": [], "streaming": False, "tool_calls": [], "thoughts": []}


def without_null(value: Any) -> Any:
    """A transcript's record as it is written: `null` there means absent. The provider's own objects are left alone."""
    if isinstance(value, list):
        return [without_null(each) for each in value]
    if isinstance(value, dict):
        return {name: each if name in ("arguments", "provider_usage") else without_null(each) for name, each in value.items() if each is not None}
    return value


def objects(schema: Any, at: str = "record") -> Iterator[tuple[str, Any]]:
    """Every part of the schema that describes an object with members of ours."""
    if "properties" in schema:
        yield at, schema
    for name, member in schema.get("properties", {}).items():
        yield from objects(member, f"{at}.{name}")
    if "items" in schema:
        yield from objects(schema["items"], f"{at}[]")


def test_the_schema_is_one():
    jsonschema_rs.meta.validate(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_member_is_described_and_no_other_is_allowed():
    parts = list(objects(SCHEMA))
    assert len(parts) >= 11
    for at, part in parts:
        assert part["additionalProperties"] is False and set(part["required"]) <= part["properties"].keys(), at
        for name, member in part["properties"].items():
            assert len(member["description"]) > 10, f"{at}.{name}"
            assert member.keys() & {"type", "const", "enum", "$ref"}, f"{at}.{name}"


def test_the_page_names_every_member():
    page = (REPOSITORY / "envoy" / "records" / "README.md").read_text().split("## Members")[1].split("## Single values")[0]
    for at, part in objects(SCHEMA):
        for name in part["properties"]:
            assert name in page, f"{at}.{name}"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
def test_the_record_of_every_transcript_is_valid(path):
    given = without_null(json.loads(path.read_text()))
    upstream = {**NEVER_GIVEN["upstream"], **given.pop("upstream", {})}
    VALIDATOR.validate({**NEVER_GIVEN, **ALWAYS_THERE, **given, "upstream": upstream, "response": {"finish_reasons": [], **given["response"]}, "usage": {"details": {}, **given["usage"]}, "tool_calls": [{"complete": True, **call} for call in given["tool_calls"]]})


def test_the_sample_is_valid():
    assert len(SAMPLE) > 20
    for record in SAMPLE:
        VALIDATOR.validate(record)


@pytest.mark.parametrize(
    "path,value",
    [
        ("version", 2), ("id", "x"), ("id", "01a20e27-7f50-4c87-8bbf-6dce73a36d46"), ("started_at", "2026-11-24T15:00:00Z"), ("started_at", "2026-13-24T15:00:00.000Z"), ("duration_ms", -1), ("duration_ms", 0.5),
        ("provider.type", "bedrock"), ("provider.name", "A"), ("provider.extra", 1), ("api", "embeddings"), ("path", "/a?b"), ("outcome", "fine"), ("credential.kind", "stolen"), ("credential.hint", "sk-ant-whole-key"),
        ("usage.usage_status", "some"), ("usage.output_tokens", 2**53), ("usage.output_tokens", "1"), ("usage.details.unknown_tokens", 1), ("usage.provider_usage", []), ("cost_microusd", 1.5), ("cost_microusd", None),
        ("model.served", None), ("model.served", "x" * 1025), ("notes", ["unheard_of"]), ("notes", ["text_cut", "text_cut"]), ("notes", ["tool_calls_dropped:0"]), ("tool_calls", [{"kind": "client"}]),
        ("tool_calls", [{"kind": "ours", "complete": True}]), ("thoughts", [{"source": "dream", "text": ""}]), ("response.status", 99), ("response.finish_reasons", None), ("surprise", 1),
    ],
)
def test_what_is_no_record_is_not_valid(path, value):
    record = copy.deepcopy(SAMPLE[0])
    *parents, name = path.split(".")
    place = record
    for parent in parents:
        place = place[parent]
    place[name] = value
    assert VALIDATOR.is_valid(SAMPLE[0]) and not VALIDATOR.is_valid(record)


@pytest.mark.parametrize("name", SCHEMA["required"])
def test_a_record_without_a_required_member_is_not_valid(name):
    assert not VALIDATOR.is_valid({key: value for key, value in SAMPLE[0].items() if key != name})
