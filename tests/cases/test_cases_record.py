"""A record: the terms of a teaching file, a licence that is known, a review that is signed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from clerkship_cases import CaseRecord, open_case
from clerkship_cases.licence import LICENCES, code_of_short_name, is_non_commercial


def record_with(**changes: object) -> CaseRecord:
    value: dict[str, Any] = open_case("tibia-nof").record.model_dump() | changes
    return CaseRecord.model_validate(value)


def test_only_what_a_person_has_to_say_is_required() -> None:
    required = {name for name, field in CaseRecord.model_fields.items() if field.is_required()}
    assert required == {
        "id", "title", "modality", "body_part", "view", "history", "objectives", "difficulty",
        "licence", "attribution", "said_by", "source",
    }  # fmt: skip


@pytest.mark.parametrize("code", [*LICENCES, "LicenseRef-St-Nowhere-teaching-only", None])
def test_a_licence_is_an_spdx_identifier_or_a_reference(code: str | None) -> None:
    assert record_with(licence_code=code).licence_code == code


@pytest.mark.parametrize(
    ("code", "hint"),
    [("cc-by-4.0", "Did you mean CC-BY-4.0"), ("free", "Known are"), ("LicenseRef-", "LicenseRef-<name>")],
)  # fmt: skip
def test_an_unknown_licence_says_what_is_known(code: str, hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        record_with(licence_code=code)


def test_licences_that_forbid_commercial_use_are_told_apart() -> None:
    assert [code for code in LICENCES if is_non_commercial(code)] == [
        "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0",
    ]  # fmt: skip
    assert code_of_short_name("CC BY 4.0") == "CC-BY-4.0"
    assert code_of_short_name("Terms of St. Nowhere").startswith("LicenseRef-")


def test_nobody_has_reviewed_a_case_unless_it_says_so() -> None:
    assert record_with().reviewed.level == "none"


@pytest.mark.parametrize("level", ["author", "clinician", "panel", "pathology"])
def test_a_review_names_who_and_when(level: str) -> None:
    with pytest.raises(ValidationError, match=r"`by` \(who\) and `on`"):
        record_with(reviewed={"level": level})
    signed = record_with(reviewed={"level": level, "by": "radiologist-1", "on": "2026-11-22"})
    assert signed.reviewed.by == "radiologist-1"


def test_a_record_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        record_with().title = "another"  # type: ignore[misc]
