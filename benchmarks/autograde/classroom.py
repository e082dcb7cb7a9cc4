"""Two courses with the same real module and the same submissions: one graded by us, one by stock."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from report import BenchmarkError

REPOSITORY = Path(__file__).resolve().parents[2]
COURSE = "imaging-foundations"
MODULE = "bone-and-joint"
WRONG_EVERY = 3
"""Every third student hands in one of the module's stated wrong answers."""

STOCK = """\
# As `nbgrader quickstart` leaves it: a name, and nothing else changed.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "stock"
"""


def make_classroom(folder: Path, submissions: int) -> dict[str, Path]:
    """Make both courses, release the module in each, and hand in for a whole class.

    Returns
    -------
    dict
        Course roots under `ours` and `stock`.
    """
    from clerkship_courses import build_course
    from clerkship_grading import write_course_config

    built = build_course(REPOSITORY / "courses" / COURSE, folder / "built")
    module = next((one for one in built.modules if one.slug == MODULE), None)
    if module is None:
        raise BenchmarkError(f"The course {COURSE} has no module {MODULE}.")
    notebook = _code_tasks(json.loads(module.notebook.read_text()))
    answers = _stated_answers()
    roots = {"ours": folder / "ours", "stock": folder / "stock"}
    for root in roots.values():
        source = root / "source" / MODULE
        source.mkdir(parents=True)
        (source / f"{MODULE}.ipynb").write_text(json.dumps(notebook))
        shutil.copyfile(module.bundle, source / "module.json")
    (roots["stock"] / "nbgrader_config.py").write_text(STOCK)
    write_course_config(roots["ours"], COURSE, folder / "exchange")
    (roots["ours"] / "keys" / f"{MODULE}.json").write_text(
        json.dumps(_only_code(json.loads(module.key.read_text())))
    )
    for root in roots.values():
        nbgrader(root, "generate_assignment", MODULE)
        shutil.copyfile(root / "gradebook.db", root / "gradebook.fresh")
        release = root / "release" / MODULE
        for number in range(submissions):
            submitted = root / "submitted" / f"student{number + 1:03d}" / MODULE
            shutil.copytree(release, submitted)
            path = submitted / f"{MODULE}.ipynb"
            path.write_text(json.dumps(_answered(json.loads(path.read_text()), answers, number)))
    return roots


def reset(root: Path) -> None:
    """Put a course back to the moment before grading."""
    shutil.rmtree(root / "autograded", ignore_errors=True)
    shutil.copyfile(root / "gradebook.fresh", root / "gradebook.db")


def nbgrader(root: Path, command: str, *arguments: str) -> None:
    """Run an nbgrader command in a course, as a teacher would."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "JUPYTER_CONFIG_DIR": str(root / ".jupyter"),  # nobody's own settings
    }
    finished = subprocess.run(
        [sys.executable, "-m", "nbgrader", command, *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        said = (finished.stdout + finished.stderr)[-1500:]
        raise BenchmarkError(f"nbgrader {command} failed in {root.name}:\n{said}")


def points(root: Path) -> dict[str, float]:
    """Return what each student got."""
    from clerkship_grading import course_scores

    return {score.student: score.score for score in course_scores(root)}


def _code_tasks(notebook: dict[str, Any]) -> dict[str, Any]:
    """Leave what both pipelines can grade: the module's Python tasks and its worked code."""
    kept = [
        cell
        for cell in notebook["cells"]
        if _kind(cell) == "code" or (cell["cell_type"] == "code" and _kind(cell) is None)
    ]
    return {**notebook, "cells": kept}


def _only_code(key: dict[str, Any]) -> dict[str, Any]:
    tasks = {name: task for name, task in key["tasks"].items() if task["kind"] == "code"}
    return {**key, "tasks": tasks}


def _stated_answers() -> dict[str, list[str]]:
    """Return grade_id of the answer cell -> the perfect code, then the wrong ones."""
    from clerkship_courses import read_answers, read_course

    course = read_course(REPOSITORY / "courses" / COURSE)
    module = next(one for one in course.modules if one.slug == MODULE)
    stated = read_answers(module).tasks
    answers = {}
    for name, task in module.tasks.items():
        if task.kind == "code":
            forms = (stated[name].perfect, *(wrong.answer for wrong in stated[name].wrong))
            answers[f"{name}-answer"] = [form.code or task.solution for form in forms]
    return answers


def _answered(
    notebook: dict[str, Any], answers: dict[str, list[str]], number: int
) -> dict[str, Any]:
    filled = copy.deepcopy(notebook)
    for cell in filled["cells"]:
        codes = answers.get(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))
        if codes and cell["cell_type"] == "code":
            wrong, perfect = codes[1:], codes[0]
            is_wrong = bool(wrong) and number % WRONG_EVERY == WRONG_EVERY - 1
            cell["source"] = wrong[number // WRONG_EVERY % len(wrong)] if is_wrong else perfect
    return filled


def _kind(cell: dict[str, Any]) -> str | None:
    kind = cell["metadata"].get("clerkship", {}).get("kind")
    return kind if isinstance(kind, str) else None
