"""The published schema is the record's own, and every case fits it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError

from clerkship_cases import list_cases
from clerkship_cases.library import library_root
from clerkship_cases.schema import case_schema, schema_text

PUBLISHED = Path(__file__).resolve().parents[2] / "cases" / "case.schema.json"
CASES = sorted(library_root().glob("*/case.yml"))


@pytest.fixture(scope="module")
def published() -> Draft202012Validator:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def as_json(path: Path) -> Any:
    return json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))


def test_the_published_schema_is_made_from_the_record() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m clerkship_cases.schema > cases/case.schema.json"
    )


def test_it_has_an_identity_and_says_what_it_describes() -> None:
    schema = case_schema()
    assert schema["$id"] == "urn:clerkship:case:1"
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_every_case_fits(published: Draft202012Validator, path: Path) -> None:
    published.validate(as_json(path))


def test_what_is_listed_as_json_fits_as_well(published: Draft202012Validator) -> None:
    for record in list_cases():
        published.validate(json.loads(record.model_dump_json()))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("difficulty", "easy"),
        ("modality", "magnetic"),
        ("licence_code", "CC BY 4.0"),
        ("source", {"kind": "package", "package": "p", "file": "f"}),
        ("source", {"kind": "ftp", "file": "f"}),
        ("objectives", []),
        ("diagnosis", "never in public"),
    ],
)
def test_what_the_record_refuses_the_schema_refuses(
    published: Draft202012Validator, field: str, value: object
) -> None:
    with pytest.raises(ValidationError):
        published.validate(as_json(CASES[0]) | {field: value})
