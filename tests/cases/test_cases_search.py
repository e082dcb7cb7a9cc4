"""Searching the local library: words, filters, and keys on the teacher's side only."""

from __future__ import annotations

from pathlib import Path

import pytest

from clerkship_cases import CaseError
from clerkship_cases.search import CaseQuery, readable_keys, search_library


def found(**query: str) -> list[str]:
    return [hit.record.id for hit in search_library(CaseQuery(**query))]


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without keys."""
    monkeypatch.setenv("CLERKSHIP_KEYS", str(tmp_path))


def test_every_word_has_to_fit() -> None:
    assert "chest-ct-lidc-0314" in found(text="chest CT")
    assert "chest-pa" not in found(text="chest CT")
    assert "chest-pa" in found(text="chest")
    assert found(text="chest nonsense") == []


def test_the_best_case_comes_first() -> None:
    assert found(text="shoulder")[0] == "shoulder-mr"


@pytest.mark.parametrize("word", ["US", "us", "ultrasound", "sonography"])
def test_a_word_for_a_modality_asks_for_the_modality(word: str) -> None:
    hits = search_library(CaseQuery(word))
    assert {hit.record.modality for hit in hits} == {"US"}
    assert len(hits) >= 5


def test_words_begin_where_words_begin_and_may_be_plural() -> None:
    assert "liver-mr" in found(text="livers")
    assert "liver-mr" not in found(text="iver")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"modality": "nm"}, {"bone-scan"}),
        ({"anatomy": "pancreas"}, {"abdomen-ct-pancreas-0001"}),
        ({"licence": "PDDL-1.0"}, {"brain-t1-studyforrest"}),
        ({"difficulty": "introductory", "modality": "CR"}, {"tibia-nof"}),
        ({"source": "url"}, {"brain-t1-studyforrest", "chest-ct-lidc-0314", "liver-ct-dcmqi"}),
        ({"licence": "cc-by", "modality": "PT"}, {"chest-pet-acrin-042"}),
    ],
)
def test_filters(query: dict[str, str], expected: set[str]) -> None:
    assert set(found(**query)) == expected


def test_a_teacher_finds_a_diagnosis_in_the_keys() -> None:
    assert found(finding="fibroma") == ["tibia-nof"]
    (hit,) = search_library(CaseQuery("fibroma"))
    assert hit.said_in == ("key",)


def test_a_student_does_not_find_a_diagnosis(student: None) -> None:
    assert readable_keys() == {}
    assert found(text="fibroma") == []
    with pytest.raises(CaseError, match="on the teacher's side only"):
        found(finding="fibroma")


def test_a_student_finds_everything_else(student: None) -> None:
    assert found(text="lower leg") == ["tibia-nof"]
