"""Configuration, identity in the exchange, and scores written into cells."""

import ast

import nbformat
import pytest
from nbgrader.utils import determine_grade

from clerkship_grading import GradingError, course_scores, student_config, write_course_config
from clerkship_grading.exchange import hub_user, is_readable_notebook
from clerkship_grading.feedback_page import safe_html, task_sections
from clerkship_grading.keybundle import load_key_bundle
from clerkship_grading.preprocessors.tasks import mark_scheme, write_score
from clerkship_grading.rubric import ErrorClass
from clerkship_grading.submission import TaskScore


def task_cell(points=5):
    cell = nbformat.v4.new_code_cell('Quiz("post")')
    cell.metadata["clerkship"] = {"task": "post", "kind": "quiz"}
    cell.metadata["nbgrader"] = {
        "grade_id": "post", "grade": True, "solution": False, "points": points, "locked": True,
    }  # fmt: skip
    cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "5"})]  # forged
    return cell


def score(points, max_points=5.0):
    return TaskScore("post", "quiz", points, max_points, ErrorClass.PARTLY, "**Partly right.**")


# -- scores in cells -----------------------------------------------------------------------------


@pytest.mark.parametrize("points", [0.0, 0.33, 2.5, 5.0])
def test_nbgrader_reads_exactly_the_points_that_were_written(points):
    cell = task_cell()
    write_score(cell, score(points))
    assert determine_grade(cell) == (points, 5)
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))


def test_a_notebook_and_a_key_of_different_builds_are_not_graded():
    with pytest.raises(GradingError, match="released with 6 points, but its key has 5"):
        write_score(task_cell(points=6), score(1.0))
    with pytest.raises(GradingError, match="not in the key bundle"):
        write_score(task_cell(), None)


def test_a_mark_scheme_goes_with_written_tasks_only():
    key = {"kind": "written", "points": 4, "rubric": [{"points": 4, "text": "names the lesion"}]}
    bundle = load_key_bundle({"course": "c", "module": "m", "tasks": {"post": key}})
    assert "- 4: names the lesion" in mark_scheme(task_cell(), bundle).source
    assert mark_scheme(nbformat.v4.new_markdown_cell("text"), bundle) is None


# -- identity ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["student1", "anna.berg@uni.example", "s-12_3"])
def test_the_hub_says_who_the_student_is(name):
    assert hub_user({"JUPYTERHUB_USER": name}) == name


@pytest.mark.parametrize("name", ["", "a+b", "*", "../teacher", "-x", "a b", "x" * 200])
def test_a_name_that_would_break_file_names_is_not_used(name):
    assert hub_user({"JUPYTERHUB_USER": name}) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"cells": 1}', '{"nbformat": 4, "cells": [3]}']
)
def test_a_broken_notebook_is_recognised(tmp_path, content):
    path = tmp_path / "m.ipynb"
    path.write_text(content)
    assert not is_readable_notebook(path)


# -- configuration ---------------------------------------------------------------------------------


def test_the_course_configuration_moves_with_its_folder_and_is_private(tmp_path):
    path = write_course_config(tmp_path / "course", "demo", tmp_path / "exchange")
    text = path.read_text()
    ast.parse(text)
    assert str(tmp_path / "course") not in text
    assert (path.parent.stat().st_mode & 0o077) == 0
    assert write_course_config(tmp_path / "course", "demo", tmp_path / "exchange") == path


def test_students_are_told_nothing_of_grading(tmp_path):
    text = student_config(tmp_path, "demo")
    ast.parse(text)
    assert not {"keys", "ScoreTasks", "gradebook", "preprocessors"} & set(
        text.replace(".", " ").split()
    )


@pytest.mark.parametrize("course_id", ["", " demo", "a/b", "a+b"])
def test_a_course_id_that_would_break_paths_is_refused(tmp_path, course_id):
    with pytest.raises(GradingError, match="course id"):
        write_course_config(tmp_path / "course", course_id, tmp_path)


def test_a_course_without_a_gradebook_says_what_to_do_first(tmp_path):
    with pytest.raises(GradingError, match="release an assignment"):
        course_scores(tmp_path)


# -- the page ----------------------------------------------------------------------------------------


def test_markup_on_the_page_is_text_and_hints_are_gone():
    html = safe_html(
        "a <script>x</script> [l](javascript:x)\n\n<details><summary>A hint</summary>h</details>"
    )
    assert "<script" not in html
    assert "href" not in html
    assert "hint" not in html


def test_cells_are_grouped_by_task_and_the_prompts_heading_is_the_title():
    prompt = nbformat.v4.new_markdown_cell("## What you learnt\n\nFive questions.")
    prompt.metadata["clerkship"] = {"task": "post", "kind": "quiz"}
    cell = task_cell()
    write_score(cell, score(2.5))
    cell.metadata["nbgrader"]["score"] = 2.5
    other = nbformat.v4.new_markdown_cell("Some text")
    (section,) = task_sections([other, prompt, cell])
    assert (section.title, section.points, section.max_points) == ("What you learnt", 2.5, 5)
    assert (section.state, section.verdict) == ("some", "Partly correct")
    assert section.cells[0].source == "Five questions."
