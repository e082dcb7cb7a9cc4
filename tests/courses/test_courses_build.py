"""A course becomes an nbgrader course root and self-study apps: the same bytes every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from clerkship_courses.build import BuiltCourse, build_course
from clerkship_courses.catalogue import Catalogue
from clerkship_courses.errors import CourseError
from clerkship_courses.new import new_module

Edit = Callable[..., Path]


@pytest.fixture
def built(module_dir: Path, tmp_path: Path, catalogue: Catalogue) -> BuiltCourse:
    return build_course(module_dir.parent, tmp_path / "out", catalogue=catalogue)


def files_of(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
    }


def cells(path: Path) -> list[Any]:
    return list(nbformat.read(path, as_version=4).cells)


def test_the_course_root_is_laid_out_as_nbgrader_and_the_apps_expect(built: BuiltCourse) -> None:
    assert set(files_of(built.root)) == {
        ".built-by-clerkship.json",
        "apps/first-film/first-film.ipynb",
        "apps/first-film/module.json",
        "instructor/first-film.md",
        "keys/first-film.json",
        "source/first-film/first-film.ipynb",
        "source/first-film/module.json",
    }
    (module,) = built.modules
    assert (module.slug, module.title, module.points) == ("first-film", "First film", 8)
    assert module.notebook.is_file()
    assert module.app_notebook.is_file()


def test_a_second_build_touches_nothing(
    built: BuiltCourse, module_dir: Path, catalogue: Catalogue
) -> None:
    before = files_of(built.root)
    again = build_course(module_dir.parent, built.root, catalogue=catalogue)
    assert (again.written, again.removed) == ((), ())
    assert files_of(built.root) == before


def test_a_build_elsewhere_gives_the_same_bytes(
    built: BuiltCourse, module_dir: Path, tmp_path: Path, catalogue: Catalogue
) -> None:
    build_course(module_dir.parent, tmp_path / "elsewhere", catalogue=catalogue)
    there = {name: data for name, (data, _) in files_of(tmp_path / "elsewhere").items()}
    assert there == {name: data for name, (data, _) in files_of(built.root).items()}
    assert str(tmp_path).encode() not in b"".join(there.values())


def test_only_what_changed_is_written(
    built: BuiltCourse, module_dir: Path, catalogue: Catalogue, edit: Edit
) -> None:
    edit("items.yml", ("Say what this student should look at again.", "Look at the rim again."))
    again = build_course(module_dir.parent, built.root, catalogue=catalogue)
    assert again.written == (built.root / "keys" / "first-film.json",)


def test_a_changed_sentence_changes_the_id_of_its_own_cell_only(
    built: BuiltCourse, module_dir: Path, catalogue: Catalogue, edit: Edit
) -> None:
    before = {cell.id for cell in cells(built.modules[0].notebook)}
    edit("module.md", ("**Predict first.** Ask", "**Guess first.** Ask"))
    build_course(module_dir.parent, built.root, catalogue=catalogue)
    after = {cell.id for cell in cells(built.modules[0].notebook)}
    assert len(before - after) == len(after - before) == 1


def test_a_renamed_module_leaves_nothing_behind_and_other_files_stay(
    built: BuiltCourse, module_dir: Path, catalogue: Catalogue
) -> None:
    gradebook = built.root / "gradebook.db"
    notes = built.root / "source" / "by-hand" / "notes.txt"
    notes.parent.mkdir()
    for path in (gradebook, notes):
        path.write_text("mine")
    module_dir.rename(module_dir.with_name("01-chest-film"))
    again = build_course(module_dir.parent, built.root, catalogue=catalogue)
    assert not list(built.root.rglob("first-film*"))
    assert len(again.removed) == 6
    assert gradebook.read_text() == notes.read_text() == "mine"


def test_a_mistake_stops_the_build_before_any_file_changes(
    built: BuiltCourse, module_dir: Path, catalogue: Catalogue, edit: Edit
) -> None:
    new_module(module_dir.parents[1], "chest-imaging", "second-film")
    edit("module.md", ("## A look at a case", "## Another look"), ('kind="quiz"', 'kind="quip"'))
    before = files_of(built.root)
    with pytest.raises(CourseError, match="Did you mean 'quiz'"):
        build_course(module_dir.parent, built.root, catalogue=catalogue)
    assert files_of(built.root) == before


def test_pictures_travel_with_the_notebook(
    module_dir: Path, tmp_path: Path, catalogue: Catalogue, edit: Edit
) -> None:
    (module_dir / "assets").mkdir()
    (module_dir / "assets" / "zones.svg").write_text("<svg/>")
    edit("module.md", ("## A look at a case", "![Zones of a bone](assets/zones.svg)\n\n## A look"))
    build_course(module_dir.parent, tmp_path / "out", catalogue=catalogue)
    for edition in ("source", "apps"):
        assert (tmp_path / "out" / edition / "first-film" / "assets" / "zones.svg").is_file()


def test_a_full_or_forbidden_disk_is_said_in_one_sentence(
    module_dir: Path, tmp_path: Path, catalogue: Catalogue
) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(CourseError, match="cannot be written there"):
        build_course(module_dir.parent, tmp_path / "out", catalogue=catalogue)


@pytest.mark.parametrize("missing", ["course.yml", "01-first-film/module.md"])
def test_a_folder_without_a_course_is_refused(
    module_dir: Path, tmp_path: Path, catalogue: Catalogue, missing: str
) -> None:
    (module_dir.parent / missing).unlink()
    with pytest.raises(CourseError, match=r"no course here|has no module yet"):
        build_course(module_dir.parent, tmp_path / "out", catalogue=catalogue)


def test_a_course_whose_id_is_not_its_folder_is_refused(
    module_dir: Path, tmp_path: Path, catalogue: Catalogue
) -> None:
    path = module_dir.parent / "course.yml"
    path.write_text(path.read_text().replace("id: chest-imaging", "id: chest"))
    with pytest.raises(CourseError, match=r"course.yml:1: the id is 'chest' but the folder"):
        build_course(module_dir.parent, tmp_path / "out", catalogue=catalogue)


# -- cells ----------------------------------------------------------------------------------------


def test_each_task_is_one_graded_cell_that_carries_its_points(built: BuiltCourse) -> None:
    graded = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in cells(built.modules[0].notebook)
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
    points = {name: cell.metadata.nbgrader.points for name, cell in graded.items()}
    assert points == {"mark-finding": 4, "why": 2, "mean-counts": 1, "post-test": 1}
    assert graded["mark-finding"].source == 'ReadingRoom(task="mark-finding")'
    assert graded["post-test"].source == 'Quiz("post-test")'
    for name, cell in graded.items():
        nbgrader = cell.metadata.nbgrader
        assert nbgrader.schema_version == 3
        assert nbgrader.locked == (name != "why"), "a student edits only the written answer"
        assert cell.metadata.clerkship.task == name


def test_every_cell_of_a_task_says_so_and_every_widget_is_marked(built: BuiltCourse) -> None:
    for cell in cells(built.modules[0].notebook):
        mark = cell.metadata.get("clerkship", {})
        if any(f"{name}(" in cell.source for name in ("ReadingRoom", "Quiz", "Commit")) and (
            cell.cell_type == "code"
        ):
            assert mark.get("kind") in {"show", "quiz", "annotate"}
        if "nbgrader" in cell.metadata and cell.metadata.nbgrader.grade_id != "setup":
            assert set(mark) == {"task", "kind"}


def test_run_all_does_not_stop_at_a_function_that_is_not_written_yet(built: BuiltCourse) -> None:
    (tests,) = [
        cell
        for cell in cells(built.modules[0].notebook)
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "mean-counts"
    ]
    assert "raises-exception" in tests.metadata.tags


def test_the_self_study_page_holds_no_key_no_solution_and_nothing_of_nbgrader(
    built: BuiltCourse,
) -> None:
    (module,) = built.modules
    notebook = module.app_notebook.read_text()
    bundle = json.loads((module.app_notebook.parent / "module.json").read_text())
    for secret in ("nbgrader", "SOLUTION", "def mean_inside", "assert", "names the thin white rim"):
        assert secret not in notebook
    assert list(bundle["tasks"]) == ["mark-finding"], "drawing is practice; the graded quiz is not"
    assert set(bundle["items"]) == {"pre-zone", "again-zone"}
    assert "## A look at a case" in notebook


def test_the_bundles_have_the_form_that_the_other_rooms_read(built: BuiltCourse) -> None:
    bundle = json.loads(built.modules[0].bundle.read_text())
    key = json.loads(built.modules[0].key.read_text())
    assert bundle["tasks"]["mark-finding"] == {
        "kind": "annotate",
        "points": 4.0,
        "case": "tibia-nof",
        "prompt": "Outline the lesion. (This first paragraph is said again above the image.)",
        "tools": ["region"],
        "labels": ["lesion"],
    }
    assert bundle["items"]["rim"]["options"]["fast"] == {"text": "Fast growth"}
    assert bundle["items"]["again-zone"]["options"]["metaphysis"]["correct"] is True
    assert bundle["practice"]["pre-test"] == {"items": ["pre-zone"], "withhold": True}
    assert bundle["reveals"]["first-read"]["title"] == "Your read"
    assert key["tasks"]["mark-finding"]["finding"] == "lesion"
    assert key["tasks"]["mark-finding"]["rubric"]["overlap"]["full_dice"] == 0.7
    rim = key["tasks"]["post-test"]["items"]["rim"]
    assert rim["answer"] == ["slow"]
    assert rim["misconceptions"]["fast"] == "margin-and-rate"
    assert key["tasks"]["why"]["rubric"][0] == {"points": 1.0, "text": "names the thin white rim"}
    assert key["tasks"]["mean-counts"] == {"kind": "code", "points": 1.0}


def test_the_instructor_page_holds_notes_and_mark_schemes(built: BuiltCourse) -> None:
    page = (built.root / "instructor" / "first-film.md").read_text()
    assert "What a colleague should know" in page
    assert "- 1: names the thin white rim" in page
