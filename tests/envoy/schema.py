"""The shipped JSON Schema of records. Every record that a test causes has to be valid under it."""

from __future__ import annotations

from jsonschema_rs import Draft202012Validator

from render import REPOSITORY

SCHEMA = REPOSITORY / "envoy" / "records" / "record.schema.json"
VALIDATOR = Draft202012Validator(SCHEMA.read_text(), validate_formats=True)


def problems(record: object) -> list[str]:
    """The problems of a record, each with its path; empty if it is valid."""
    return [f"record{''.join(f'[{part!r}]' for part in error.instance_path)}: {error.message[:1000]}" for error in VALIDATOR.iter_errors(record)]
