"""Emit a module as a notebook: the class edition for nbgrader, and the self-study edition.

The class edition is nbgrader's *source*: it still holds solutions and hidden tests, between the
marks that `nbgrader generate_assignment` cuts out. The self-study edition never receives them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from clerkship_courses.module import Module
from clerkship_courses.parts import (
    BEGIN_SOLUTION,
    END_SOLUTION,
    AnnotateTask,
    CodeTask,
    CommitReveal,
    Example,
    InstructorNotes,
    Part,
    PracticeQuiz,
    QuizTask,
    Show,
    Task,
    Text,
    WrittenTask,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clerkship_cases import CaseRecord

__all__ = ["Edition", "Notebook", "answer_id", "emit_notebook", "split_heading"]

Edition = Literal["class", "self-study"]
Notebook = dict[str, Any]
"""A notebook as JSON: nbformat 4.5, the source of each cell as one text."""

WIDGETS = ("ReadingRoom", "AnatomyRoom", "Quiz", "Commit")
"""What the first cell may import from `clerkship_widgets`."""
KIND_WORDS = {
    "quiz": "questions",
    "annotate": "drawing on the image",
    "code": "Python",
    "written": "your own words, marked by a person",
}
RULE_WORDS = {"overlap": "outline", "placement": "place", "laterality": "side"}
ELSEWHERE = "A task of the class notebook: think about it here, answer it there"
_FIRST_HEADING = re.compile(r"\A(#{1,6} .+)$", re.MULTILINE)


def emit_notebook(module: Module, edition: Edition, records: Mapping[str, CaseRecord]) -> Notebook:
    """Return a module as a notebook.

    Parameters
    ----------
    module : Module
        A checked module.
    edition : {"class", "self-study"}
        For nbgrader's `source/`, or for an app without grading.
    records : mapping
        Case id -> public record, for the credits on the last cell.

    Returns
    -------
    dict
        nbformat 4.5 without outputs; equal modules give equal notebooks.
    """
    page = _Page(module, edition)
    page.markdown(_opening(module, edition), role="opening")
    page.setup()
    for part in module.parts:
        page.add(part)
    page.markdown(_closing(module, records), role="closing")
    return {
        "cells": page.cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "title": module.header.title,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


class _Page:
    """Cells in the order of the page, with ids that depend on nothing but their content."""

    def __init__(self, module: Module, edition: Edition) -> None:
        self.module = module
        self.is_class = edition == "class"
        self.cells: list[dict[str, Any]] = []
        self._seen: Counter[str] = Counter()

    # -- cells ------------------------------------------------------------------------------------

    def markdown(
        self,
        source: str,
        *,
        role: str,
        metadata: dict[str, Any] | None = None,
        editable: bool = False,
    ) -> None:
        # A stray double-click should not turn the page of a book into its manuscript.
        kept = {} if editable else {"editable": False, "deletable": False}
        self._append("markdown", source, role, {**kept, **(metadata or {})}, {})

    def code(self, source: str, *, role: str, metadata: dict[str, Any] | None = None) -> None:
        self._append("code", source, role, metadata or {}, {"execution_count": None, "outputs": []})

    def _append(
        self, cell_type: str, source: str, role: str, metadata: dict[str, Any], rest: dict[str, Any]
    ) -> None:
        text = f"{self.module.slug}\n{role}\n{source}"
        repeat = self._seen[text]  # the very same cell may stand on a page twice
        self._seen[text] += 1
        cell_id = hashlib.sha256(f"{text}\n{repeat}".encode()).hexdigest()[:16]
        self.cells.append(
            {"cell_type": cell_type, "id": cell_id, "metadata": metadata, "source": source, **rest}
        )

    # -- parts ------------------------------------------------------------------------------------

    def setup(self) -> None:
        """Import what the page shows; a student never edits this, and grading leaves it out."""
        shown = [name for name in WIDGETS if self._uses(name)]
        if not shown:
            return
        metadata: dict[str, Any] = {"clerkship": {"kind": "show"}}
        if self.is_class:
            metadata |= _nbgrader("setup", locked=True, cell_type="code")
        self.code(
            f"from clerkship_widgets import {', '.join(shown)}", role="setup", metadata=metadata
        )

    def add(self, part: Part) -> None:
        if isinstance(part, Text):
            self.markdown(part.markdown, role="text")
        elif isinstance(part, Example):
            self.code(part.code, role="example")
        elif isinstance(part, Show):
            self._show(part.code)
        elif isinstance(part, PracticeQuiz):
            self.markdown(part.prompt, role="practice")
            self._show(f'Quiz("{part.name}")')
        elif isinstance(part, CommitReveal):
            self._show(f'Commit("{part.name}")')
        elif isinstance(part, InstructorNotes):
            return
        elif self.is_class:
            self._graded(part)
        else:
            self._practised(part)

    def _show(self, source: str) -> None:
        self.code(source, role="show", metadata={"clerkship": {"kind": "show"}})

    def _graded(self, task: Task) -> None:
        tag = {"clerkship": {"task": task.name, "kind": task.kind}}
        self.markdown(_prompt(task, graded=True), role="prompt", metadata=tag)
        if isinstance(task, QuizTask | AnnotateTask):
            metadata = _nbgrader(
                task.name, points=task.points, grade=True, locked=True, cell_type="code"
            )
            self.code(_widget_call(task), role="task", metadata=tag | metadata)
        elif isinstance(task, CodeTask):
            answer = _nbgrader(answer_id(task), solution=True, cell_type="code")
            self.code(task.solution, role="task", metadata=tag | answer)
            tests = _nbgrader(
                task.name, points=task.points, grade=True, locked=True, cell_type="code"
            )
            # With this tag "Run All" goes on below a function that is not written yet.
            tests |= {"tags": ["raises-exception"]}
            self.code(_test_cell(task), role="tests", metadata=tag | tests)
        elif isinstance(task, WrittenTask):
            metadata = _nbgrader(
                task.name, points=task.points, grade=True, solution=True, cell_type="markdown"
            )
            self.markdown(_answer_cell(task), role="task", metadata=tag | metadata, editable=True)

    def _practised(self, task: Task) -> None:
        """Show a graded task in an app: what needs a key or a person is left to the class."""
        if isinstance(task, QuizTask):
            heading, _ = split_heading(task.prompt)
            self.markdown(
                f"{heading}\n\nIn the class notebook, {len(task.items)} graded questions "
                f"follow here.",
                role="prompt",
            )
            return
        self.markdown(_prompt(task, graded=False), role="prompt")
        if isinstance(task, AnnotateTask):
            self._show(_widget_call(task))

    def _uses(self, widget: str) -> bool:
        """Say whether the page shows a widget, as its own cells or the author's."""
        parts = self.module.parts
        if any(isinstance(part, Show) and f"{widget}(" in part.code for part in parts):
            return True
        shown_by: dict[str, tuple[type, ...]] = {
            "ReadingRoom": (AnnotateTask,),
            "Quiz": (PracticeQuiz, QuizTask) if self.is_class else (PracticeQuiz,),
            "Commit": (CommitReveal,),
        }
        return any(isinstance(part, shown_by.get(widget, ())) for part in parts)


# -- sources of cells -----------------------------------------------------------------------------


def _nbgrader(
    grade_id: str,
    *,
    cell_type: str,
    points: float | None = None,
    grade: bool = False,
    solution: bool = False,
    locked: bool = False,
) -> dict[str, Any]:
    """Return nbgrader's cell metadata, schema version 3."""
    entries: dict[str, Any] = {
        "cell_type": cell_type,
        "grade": grade,
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        entries["points"] = points
    return {"nbgrader": entries}


def answer_id(task: CodeTask) -> str:
    """Return nbgrader's name of the cell that a code answer is written into.

    The task's own name is that of the cell that carries its points.
    """
    return f"{task.name}-answer"


def _answer_cell(task: WrittenTask) -> str:
    """Return the cell of a written answer; nbgrader cuts the example out of the student's copy."""
    example = task.example_answer or "(no example)"
    return f"{BEGIN_SOLUTION}\n{example}\n{END_SOLUTION}"


def _widget_call(task: QuizTask | AnnotateTask) -> str:
    if isinstance(task, QuizTask):
        return f'Quiz("{task.name}")'
    return f'ReadingRoom(task="{task.name}")'


def _test_cell(task: CodeTask) -> str:
    if not task.hidden_tests:
        return task.tests
    return f"{task.tests}\n### BEGIN HIDDEN TESTS\n{task.hidden_tests}\n### END HIDDEN TESTS"


def _prompt(task: Task, *, graded: bool) -> str:
    heading, body = split_heading(task.prompt)
    text = "\n\n".join(part for part in (heading, _badge(task, graded=graded), body) if part)
    if task.hint:
        text += f"\n\n<details><summary>A hint</summary>\n\n{task.hint}\n\n</details>"
    return text


def _badge(task: Task, *, graded: bool) -> str:
    """Return the line that says what a task is worth, or what becomes of it in an app."""
    if not graded:
        here = "Practice, not graded" if isinstance(task, AnnotateTask) else ELSEWHERE
        return f"*{here}*"
    points = f"{task.points:g} point{'' if task.points == 1 else 's'}"
    if isinstance(task, AnnotateTask):
        shares = [
            f"{task.rubric[r]['points']:g} {w}" for r, w in RULE_WORDS.items() if r in task.rubric
        ]
        points += f" ({', '.join(shares)})"
    return f"*Graded · {KIND_WORDS[task.kind]} · {points}*"


def split_heading(prompt: str) -> tuple[str, str]:
    r"""Return the heading that a prompt begins with ("" if none), and the rest.

    Examples
    --------
    >>> split_heading("### Mark it\n\nOutline the lesion.")
    ('### Mark it', 'Outline the lesion.')
    """
    match = _FIRST_HEADING.match(prompt)
    return (match[1], prompt[match.end() :].strip()) if match else ("", prompt)


def _opening(module: Module, edition: Edition) -> str:
    header = module.header
    lines = [f"# {header.title}", "", header.summary, ""]
    lines += [f"**In about {header.minutes} minutes you learn to**", ""]
    lines += [
        f"{n}. {goal.text} ({goal.minutes} min)" for n, goal in enumerate(header.objectives, 1)
    ]
    lines.append("")
    if edition == "class":
        lines.append(
            "*To begin, press* Shift + Enter*: each press runs one step and moves on to the next. Your "
            "answers are saved beside this notebook as you work; submit the module when you are done.*"
        )
    else:
        lines.append(
            "*This page is for self-study: you can try everything, nothing is saved and nothing is "
            "graded.*"
        )
    return "\n".join(lines)


def _closing(module: Module, records: Mapping[str, CaseRecord]) -> str:
    header = module.header
    lines = ["## Sources and licence", ""]
    lines += [f"- {reference}" for reference in header.sources.values()]
    if header.sources:
        lines.append("")
    for case in header.cases:
        record = records[case]
        lines.append(
            f"**{_sentence(record.title)}** {_sentence(record.attribution)} "
            f"*Licence:* {_sentence(record.licence)}"
        )
        lines.append("")
    lines.append(f"**This text.** {', '.join(header.authors)}. {_sentence(header.licence)}")
    lines.append("")
    if header.reviewed_by:
        when = f" on {header.reviewed_on:%-d %B %Y}" if header.reviewed_on else ""
        lines.append(f"Reviewed by {header.reviewed_by}{when}.")
    else:
        lines.append(
            "*No clinician has reviewed this module yet. It is for learning, never for the care of "
            "a patient.*"
        )
    return "\n".join(lines)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
