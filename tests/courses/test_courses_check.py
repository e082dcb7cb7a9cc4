"""The check finds what a careful colleague would find before a class does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from clerkship_cases import Annotation
from clerkship_courses.answers import AnswerForm, annotations_of, quiz_items_of, read_answers
from clerkship_courses.catalogue import Catalogue
from clerkship_courses.check import check_course
from clerkship_courses.code_runs import run_cells
from clerkship_courses.errors import CourseError
from clerkship_courses.module import read_module
from clerkship_courses.parts import AnnotateTask, QuizTask
from clerkship_courses.release import leaks

Edit = Callable[..., Path]
SQUARE = Annotation("1.2", "region", ((0, 0, 5), (4, 0, 5), (4, 4, 5), (0, 4, 5)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("module.md", "<!-- #region notes=", "names the thin white rim\n\n<!-- #region notes=", "holds the mark scheme of why"),
        ("module.md", "values < 5) == 1.5", "values < 5) == 2.5", "the solution of 'mean-counts' ends with AssertionError"),
        ("module.md", "=== TESTS ===\n```python\n", "=== TESTS ===\n```python\nmean_inside = len\n", "a blank answer to 'mean-counts' ends with"),
        ("module.md", "\n## A look", "\n```python\n1 / 0\n```\n\n## A look", "the examples ends with ZeroDivisionError"),
        ("module.md", "=== SOLUTION ===\nThe lesion has a thin sclerotic rim, which speaks for slow growth.\n", "", "no example of a good answer"),
        ("items.yml", "id: rim\n  kind: choice\n  objective: describe", "id: rim\n  kind: choice\n  objective: find", "the practice asks about 'describe', the graded quiz does not"),
        ("answers.yml", "return values.mean()", "return values[mask].mean()", "'ignores the mask' \\(mean-counts\\) runs through"),
        ("answers.yml", "    - {name: neither, ", "    # - {name: neither, ", "write at least 3 wrong answers"),
        ("answers.yml", "why:", "wy:", "no task 'wy'.*Did you mean 'why'"),
        ("answers.yml", "score: 1, error: over_called", "score: 4, error: over_called", "a wrong answer earns less"),
        ("answers.yml", "error: over_called", "error: overcalled", "Did you mean 'over_called'"),
        ("answers.yml", "rim: [fast]", "rim: [quick]", "item 'rim' has no option 'quick'"),
        ("answers.yml", "rim: [fast]", "rum: [fast]", "no item 'rum'"),
        ("answers.yml", "error: margin-and-rate", "error: margin", "possible here is margin-and-rate"),
        ("answers.yml", "perfect: {from: reference}", "perfect: {from: key}", "write from: reference"),
        ("answers.yml", "shift_mm: [0, -500, 0]", "but: {rim: [fast]}", "takes no 'but'"),
    ],
)  # fmt: skip
def test_a_problem_is_found(  # noqa: PLR0917
    module_dir: Path, catalogue: Catalogue, edit: Edit, name: str, old: str, new: str, says: str
) -> None:
    edit(name, (old, new))
    problems = check_course(module_dir.parent, catalogue=catalogue).problems
    assert any(re.search(says, problem) for problem in problems), problems
    assert all(problem.startswith(str(module_dir)) for problem in problems)


def test_answers_are_needed(module_dir: Path, catalogue: Catalogue) -> None:
    (module_dir / "answers.yml").unlink()
    with pytest.raises(CourseError, match="there are no stated answers"):
        read_answers(read_module(module_dir, catalogue))


def test_a_leak_is_said_with_its_place(module_dir: Path, catalogue: Catalogue) -> None:
    module = read_module(module_dir, catalogue)
    code = {"cell_type": "code", "metadata": {"tags": ["### END SOLUTION"]}, "source": "x = 1"}
    page = {"cells": [code], "metadata": {}}
    assert leaks(page, module) == [
        "the notebook's metadata of 'first-film' holds the mark '### END SOLUTION'"
    ]


# -- from a form to what is handed in ---------------------------------------------------------------


@pytest.fixture
def annotate_task(module_dir: Path, catalogue: Catalogue) -> AnnotateTask:
    task = read_module(module_dir, catalogue).tasks["mark-finding"]
    assert isinstance(task, AnnotateTask)
    return task


@pytest.mark.parametrize(
    ("form", "corner"),
    [
        ({"from": "reference"}, (0, 0, 5)),
        ({"from": "reference", "shift_mm": [1, -2, 3]}, (1, -2, 8)),
        ({"from": "reference", "scale": 3}, (-4, -4, 5)),
        ({"from": "reference", "mirror": True}, (0, 0, 5)),
        ({"from": "reference", "mirror": True, "shift_mm": [10, 0, 0]}, (-10, 0, 5)),
    ],
)
def test_a_drawing_is_the_reference_moved_scaled_or_mirrored(
    annotate_task: AnnotateTask, form: dict[str, object], corner: tuple[float, ...]
) -> None:
    (drawn,) = annotations_of(AnswerForm.model_validate(form), annotate_task, SQUARE)
    assert drawn.points_lps_mm[0] == pytest.approx(corner)
    assert drawn.label == "lesion"
    (again,) = annotations_of(AnswerForm.model_validate(form), annotate_task, SQUARE)
    assert again == drawn, "the same answer is the same in every run"


def test_a_drawing_may_be_a_shape_of_its_own(annotate_task: AnnotateTask) -> None:
    shape = {"kind": "arrow", "points_lps_mm": [[1, 2, 3], [4, 5, 6]]}
    (drawn,) = annotations_of(AnswerForm.model_validate({"shape": shape}), annotate_task, SQUARE)
    assert (drawn.kind, drawn.points_lps_mm[1]) == ("arrow", (4, 5, 6))


def test_a_quiz_answer_is_the_key_but_for_what_is_said(
    module_dir: Path, catalogue: Catalogue
) -> None:
    module = read_module(module_dir, catalogue)
    task = module.tasks["post-test"]
    assert isinstance(task, QuizTask)

    def answer(but: dict[str, object]) -> object:
        return quiz_items_of(AnswerForm.model_validate({"from": "key", "but": but}), task, module)

    assert answer({}) == {"rim": ["slow"]}
    assert answer({"rim": ["fast"]}) == {"rim": ["fast"]}
    assert answer({"rim": None}) == {}, "null is an item that was not touched"


def test_cells_run_from_a_clean_start_until_one_fails() -> None:
    good, bad, clean = run_cells(
        [["x = 1", "assert x == 1"], ["y = 2", "z"], ["assert 'y' not in globals()"]]
    )
    assert good.error == ""
    assert (bad.cell, bad.error) == (1, "NameError")
    assert clean.error == ""


def test_a_cell_that_ends_python_is_reported() -> None:
    (run,) = run_cells([["import os; os._exit(3)"]])
    assert run.error == "ProcessDied"
