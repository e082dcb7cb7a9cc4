"""Coded terms: the older SNOMED identifiers mean what the newer ones say."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sr._snomed_dict import mapping

from clerkship_cases import CaseError, Code
from clerkship_cases.standards import codes


def test_our_table_is_that_of_the_standard() -> None:
    """Pydicom keeps the mapping of PS3.16 Annex L as a table of its own."""
    theirs = mapping["SRT"]
    assert {srt: theirs.get(srt) for srt in codes._SCT_FROM_SRT} == codes._SCT_FROM_SRT


@pytest.mark.parametrize("scheme", ["SRT", "SNM3", "99SDM"])
def test_the_liver_is_the_liver_under_each_name_of_the_older_scheme(scheme: str) -> None:
    assert Code("T-62000", scheme, "Liver").in_sct == Code("10200004", "SCT", "Hepatic organ")


def test_what_is_not_known_stays_as_it_is() -> None:
    for code in (Code("T-00001", "SRT"), Code("T-62000", "99OTHER"), Code("121071", "DCM")):
        assert code.in_sct is code


@pytest.mark.parametrize("words", [("", "SCT"), ("1", ""), ("x" * 65, "SCT"), ("a\\b", "SCT")])
def test_what_no_file_can_hold_is_refused(words: tuple[str, str]) -> None:
    with pytest.raises(CaseError, match="coded term"):
        Code(*words)


def test_long_and_url_values_are_read_and_their_absence_is_no_error() -> None:
    item, parent = Dataset(), Dataset()
    item.LongCodeValue, item.CodingSchemeDesignator = "12345678901234567", "SCT"
    item.CodeMeaning = "Something with a long name"
    parent.ConceptCodeSequence = [item]
    found = codes.code_of(parent, "ConceptCodeSequence")
    assert found == Code("12345678901234567", "SCT")
    assert codes.code_of(parent, "ConceptNameCodeSequence") is None
    del item.LongCodeValue
    assert codes.code_of(parent, "ConceptCodeSequence") is None
