"""A teacher's first module takes one command, and it works at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from clerkship_courses import CourseError, check_course, new_module


def test_modules_are_numbered_in_the_order_in_which_they_are_made(tmp_path: Path) -> None:
    names = [new_module(tmp_path, "chest-imaging", slug).name for slug in ("heart", "lung")]
    assert names == ["01-heart", "02-lung"]


def test_a_new_course_gets_its_header_once(tmp_path: Path) -> None:
    new_module(tmp_path, "chest-imaging", "heart")
    header = tmp_path / "chest-imaging" / "course.yml"
    header.write_text(header.read_text().replace("Chest imaging", "My chest course"))
    new_module(tmp_path, "chest-imaging", "lung")
    assert "title: My chest course" in header.read_text()


@pytest.mark.parametrize(
    ("course", "slug", "says"),
    [
        ("chest-imagin", "x", "Did you mean 'chest-imaging'"),
        ("chest-imaging", "heart", "has a module 'heart' already"),
        ("chest-imaging", "Left Heart", "for instance 'left-heart'"),
        ("../elsewhere", "x", "cannot name a course"),
        ("chest-imaging", "", "cannot name a module"),
    ],
)
def test_a_name_that_cannot_be_used_writes_nothing(
    tmp_path: Path, course: str, slug: str, says: str
) -> None:
    new_module(tmp_path, "chest-imaging", "heart")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CourseError, match=says):
        new_module(tmp_path, course, slug)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_a_new_module_passes_the_check_as_it_is(tmp_path: Path) -> None:
    """With the real case library and its keys."""
    new_module(tmp_path, "chest-imaging", "heart")
    report = check_course(tmp_path / "chest-imaging")
    assert report.problems == ()
    assert any("no clinician has reviewed" in note for note in report.notes)
