"""The student's copy of a class notebook, as nbgrader cuts it, and what must not be in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from clerkship_courses.bundle import module_bundle
from clerkship_courses.module import Module
from clerkship_courses.parts import (
    BEGIN_SOLUTION,
    END_SOLUTION,
    AnnotateTask,
    CodeTask,
    InstructorNotes,
    PracticeQuiz,
    QuizTask,
    WrittenTask,
)

if TYPE_CHECKING:
    from clerkship_courses.notebook import Notebook

__all__ = ["leaks", "released_notebook", "secrets"]

SHORTEST_SECRET = 12
"""Shorter lines (`return x`) are said everywhere and give nothing away."""
GIVEAWAYS = (BEGIN_SOLUTION, END_SOLUTION, "HIDDEN TESTS", "=== ", "#region", "jupytext")
"""Marks of the source that have no business in a student's notebook."""


def released_notebook(notebook: Notebook) -> Notebook:
    """Return the student's copy of a class notebook, cut by nbgrader's own preprocessors."""
    from nbformat import NotebookNode
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

    released = json.loads(json.dumps(notebook), object_hook=NotebookNode)
    for cut in (ClearSolutions(), ClearHiddenTests()):
        released, _ = cut.preprocess(released, {})
    plain: Notebook = json.loads(json.dumps(released))
    return plain


def secrets(module: Module) -> dict[str, str]:
    """Return every text that must not reach a student before grading: text -> what it is."""
    found: dict[str, str] = {}

    def keep(text: str, what: str) -> None:
        found.update(
            {row.strip(): what for row in text.splitlines() if len(row.strip()) >= SHORTEST_SECRET}
        )

    for part in module.parts:
        if isinstance(part, InstructorNotes):
            keep(part.markdown, "a note for the instructor")
        elif isinstance(part, CodeTask):
            keep(_between_marks(part.solution), f"the solution of {part.name}")
            keep(part.hidden_tests, f"a hidden test of {part.name}")
        elif isinstance(part, WrittenTask):
            keep("\n".join(line.text for line in part.rubric), f"the mark scheme of {part.name}")
            keep(part.example_answer, f"the example answer of {part.name}")
        elif isinstance(part, AnnotateTask):
            keep("\n".join(part.feedback.values()), f"the feedback of {part.name}")
        elif isinstance(part, QuizTask):
            for key in part.items:
                item = module.items.by_id[key]
                keep(item.explanation, f"the explanation of {key}")
                keep("\n".join(o.feedback for o in item.options.values()), f"feedback of {key}")
    for text in _said_in_practice(module):
        found.pop(text, None)
    return found


def _said_in_practice(module: Module) -> set[str]:
    quizzes = [part for part in module.parts if isinstance(part, PracticeQuiz)]
    items = [module.items.by_id[key] for quiz in quizzes for key in quiz.items]
    said = "\n".join(
        "\n".join([item.explanation, *(o.feedback for o in item.options.values())])
        for item in items
    )
    return {row.strip() for row in said.splitlines()}


def _between_marks(solution: str) -> str:
    marks = re.compile(rf"{BEGIN_SOLUTION}\n(.*?){END_SOLUTION}", re.DOTALL)
    return "\n".join(marks.findall(solution))


def leaks(notebook: Notebook, module: Module) -> list[str]:
    """Say what a released notebook and its bundle hold that they must not.

    Parameters
    ----------
    notebook : dict
        The student's copy.
    module : Module
        What it was built from.

    Returns
    -------
    list of str
        One sentence for each leak; empty when there is none.
    """
    bundle = module_bundle(module, "class")
    places = {
        "the notebook": "\n".join(cell["source"] for cell in notebook["cells"]),
        "the notebook's metadata": "\n".join(
            _texts([notebook["metadata"], *(cell["metadata"] for cell in notebook["cells"])])
        ),
        "module.json": "\n".join(_texts(bundle)),
    }
    found = [
        f"{place} of '{module.slug}' holds {what}: {text!r}"
        for place, content in places.items()
        for text, what in secrets(module).items()
        if text in content
    ]
    found += [
        f"{place} of '{module.slug}' holds the mark {mark!r}"
        for place, content in places.items()
        for mark in GIVEAWAYS
        if mark in content
    ]
    graded = [key for task in bundle["tasks"].values() for key in task.get("items", ())]
    found += [
        f"module.json of '{module.slug}' tells the answer of the graded item '{key}'"
        for key in graded
        if _tells(bundle["items"][key])
    ]
    return found


def _texts(value: Any) -> list[str]:
    """Return every text in a JSON value, names included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, entry in value.items() for text in (key, *_texts(entry))]
    if isinstance(value, list | tuple):
        return [text for entry in value for text in _texts(entry)]
    return []


def _tells(item: dict[str, Any]) -> bool:
    told = {"answer", "correct", "explanation", "feedback", "tolerance", "misconception"}
    options = item.get("options", {}).values()
    return bool(told & set(item)) or any(told & set(option) for option in options)
