"""Give stated answers as a student does: in the student's own server, through the widgets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clerkship_hub.errors import HubError

if TYPE_CHECKING:
    from clerkship_cases import Annotation
    from clerkship_courses import Module, StatedAnswers
    from clerkship_hub.session import Visitor

STUDENTS = ("perfect", "wrong", "blank")
"""The students of the demonstration, named for how they answer."""


@dataclass(frozen=True)
class Answer:
    """What one student hands in for one task, and the points that it must earn.

    Exactly one of `cell` (the new source of the task's cell) and `widget` (Python that
    answers through the widget) is set; neither for a task left blank.
    """

    task: str
    kind: str
    points: float
    expected: float
    cell: str | None = None
    widget: str | None = None


def answers_of(module: Module, stated: StatedAnswers, student: str) -> list[Answer]:
    """Return what a student of the demonstration answers in a module.

    Parameters
    ----------
    module : Module
        As its author wrote it.
    stated : StatedAnswers
        Its ``answers.yml``.
    student : str
        ``perfect``, ``wrong`` (the first wrong answer that is stated for each task) or ``blank``.
    """
    answers = []
    for name, task in module.tasks.items():
        if student == "blank":
            answers.append(Answer(name, task.kind, task.points, expected=0.0))
            continue
        wrong = stated.tasks[name].wrong[0]
        form = stated.tasks[name].perfect if student == "perfect" else wrong.answer
        expected = task.points if student == "perfect" else wrong.score
        say = _SAY[task.kind]
        answers.append(Answer(name, task.kind, task.points, expected, **say(form, task, module)))
    return answers


def _quiz(form: Any, task: Any, module: Module) -> dict[str, str]:
    from clerkship_courses.answers import quiz_items_of

    given = quiz_items_of(form, task, module)
    lines = [
        "from clerkship_widgets import Quiz",
        f"_quiz = Quiz({task.name!r})",
        f"for _item in {list(task.items)!r}:",
        "    _quiz.answer(_item, None)",
        *(f"_quiz.answer({item!r}, {value!r})" for item, value in given.items()),
    ]
    return {"widget": "\n".join(lines)}


def _annotate(form: Any, task: Any, _module: Module) -> dict[str, str]:
    from clerkship_courses.answers import annotations_of

    drawn = annotations_of(form, task, _reference(task.case, task.finding))
    lines = [
        "import json",
        "from clerkship_cases import Annotation",
        "from clerkship_widgets import ReadingRoom",
        f"_room = ReadingRoom(task={task.name!r})",
        "while _room.annotations:",
        "    _room.undo()",
        f"for _drawn in json.loads({json.dumps([a.to_json() for a in drawn])!r}):",
        "    _room.annotate(Annotation.from_json(_drawn))",
        "_room.save()",
    ]
    return {"widget": "\n".join(lines)}


def _reference(case: str, finding: str) -> Annotation:
    """Return the reference of a task (the demonstration stands on the teacher's side)."""
    from clerkship_cases import CaseError
    from clerkship_cases.key import open_key

    try:
        return open_key(case).finding(finding).annotation
    except CaseError as error:
        raise HubError(str(error)) from error


def _code(form: Any, task: Any, _module: Module) -> dict[str, str]:
    from clerkship_courses.answers import code_of

    return {"cell": code_of(form, task)}


def _written(form: Any, task: Any, _module: Module) -> dict[str, str]:
    from clerkship_courses.answers import text_of

    return {"cell": text_of(form, task)}


_SAY: dict[str, Callable[[Any, Any, Any], dict[str, str]]] = {
    "quiz": _quiz,
    "annotate": _annotate,
    "code": _code,
    "written": _written,
}


def work_through(visitor: Visitor, course: str, module: str, answers: list[Answer]) -> None:
    """Fill in the notebook, run its cells from the top, answer through the widgets, save.

    A notebook without any answer is left as it was released.
    """
    if not any(answer.cell or answer.widget for answer in answers):
        return
    path = f"{course}/{module}/{module}.ipynb"
    notebook = visitor.read_notebook(path)
    by_task = {answer.task: answer for answer in answers}
    for cell in notebook["cells"]:
        answer = by_task.get(task_of(cell))
        if answer and answer.cell is not None and is_answer_cell(cell):
            cell["source"] = answer.cell
    with visitor.kernel(path) as kernel:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code" and cell["source"].strip():
                _run(kernel.run, cell, graded=task_of(cell) in by_task)
        for answer in answers:
            if answer.widget:
                kernel.run(answer.widget)
    visitor.write_notebook(path, notebook)


def _run(run: Callable[[str], str], cell: dict[str, Any], *, graded: bool) -> None:
    """Run one cell; a wrong answer may fail its tests, as it does for the student."""
    try:
        run(cell["source"])
    except HubError:
        if not graded:
            raise


def task_of(cell: dict[str, Any]) -> str:
    """Return the task that a cell belongs to, or the empty string."""
    return str(cell["metadata"].get("clerkship", {}).get("task", ""))


def is_answer_cell(cell: dict[str, Any]) -> bool:
    """Tell whether a student is meant to write into this cell."""
    return bool(cell["metadata"].get("nbgrader", {}).get("solution"))
