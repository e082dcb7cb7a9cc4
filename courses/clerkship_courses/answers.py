"""Stated answers: what a perfect student hands in, and what some who are wrong do.

`answers.yml` lies beside `module.md`, on the teacher's side. It says for each task how a perfect
answer comes about, and at least three wrong ones with the score and the class of error that each
must earn. Tests and `clerkship demo` hand them in; nothing of it is ever released.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from clerkship_courses.errors import CourseError, one_of, suggestion
from clerkship_courses.located_yaml import Sheet, load_yaml
from clerkship_courses.module import Module
from clerkship_courses.parts import (
    ERROR_CLASSES,
    AnnotateTask,
    CodeTask,
    QuizTask,
    Task,
    WrittenTask,
)

if TYPE_CHECKING:
    from pathlib import Path

    from clerkship_cases import Annotation

__all__ = [
    "FEWEST_WRONG",
    "StatedAnswer",
    "StatedAnswers",
    "TaskAnswers",
    "annotations_of",
    "code_of",
    "quiz_items_of",
    "read_answers",
    "text_of",
]

FEWEST_WRONG = 3
"""A task is not understood until one knows how it goes wrong in three ways."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class AnswerForm(_Strict):
    """How an answer comes about; which entries make sense depends on the kind of the task."""

    start: Literal["key", "reference", "solution"] | None = Field(
        None,
        alias="from",
        description="write from: key (quiz), reference (annotate) or solution (code, written)",
    )
    but: dict[str, list[str] | float | None] = Field(
        {}, description="write item: [option], item: number, or item: null for left blank"
    )
    shift_mm: tuple[float, float, float] = Field(
        (0, 0, 0), description="write [x, y, z] in millimetres (pixels where there is no scale)"
    )
    scale: float = Field(1, gt=0, description="write a factor greater than 0")
    mirror: bool = Field(False, description="write mirror: true, or leave it out")
    shape: dict[str, Any] | None = Field(
        None, description="write {kind: region, points_lps_mm: [[x, y, z], …]}"
    )
    code: str = Field("", description="write the whole cell that the student hands in")
    text: str = Field("", description="write what the student hands in")

    @model_validator(mode="after")
    def _says_one_thing(self) -> AnswerForm:
        ways = [bool(self.start), bool(self.shape), bool(self.code), bool(self.text)]
        if sum(ways) != 1:
            raise ValueError("an answer says exactly one of from:, shape:, code: or text:")
        return self


class StatedAnswer(_Strict):
    """One wrong answer and what it must earn."""

    name: str = Field(min_length=1, description="write in a few words what went wrong")
    answer: AnswerForm = Field(description="write how the answer comes about")
    score: float = Field(ge=0, description="write the points that it must earn")
    error: str = Field(min_length=1, description="write the class of error that it must be given")


class TaskAnswers(_Strict):
    """The answers that are stated for one task."""

    perfect: AnswerForm = Field(description="write how a perfect answer comes about")
    wrong: list[StatedAnswer] = Field(
        min_length=FEWEST_WRONG,
        description=f"write at least {FEWEST_WRONG} wrong answers with name, answer, score, error",
    )


@dataclass(frozen=True)
class StatedAnswers:
    """All stated answers of a module: task -> answers."""

    path: Path
    tasks: dict[str, TaskAnswers]


_STARTS = {"quiz": "key", "annotate": "reference", "code": "solution", "written": "solution"}
_ENTRIES = {
    "quiz": {"start", "but"},
    "annotate": {"start", "shift_mm", "scale", "mirror", "shape"},
    "code": {"start", "code"},
    "written": {"start", "text"},
}


def read_answers(module: Module) -> StatedAnswers:
    """Read and check the `answers.yml` of a module.

    Raises
    ------
    CourseError
        At the line of the first mistake; also when a task has no answers.
    """
    path = module.folder / "answers.yml"
    if not path.is_file():
        raise CourseError(
            f"{path}: there are no stated answers; say for each task how a perfect answer comes "
            f"about, and {FEWEST_WRONG} wrong ones with their scores."
        )
    sheet = load_yaml(path.read_text(encoding="utf-8"), path)
    stated = sheet.data if isinstance(sheet.data, dict) else {}
    for name in stated:
        if name not in module.tasks:
            raise sheet.error(
                f"the module has no task '{name}'; it has {one_of(module.tasks)}."
                f"{suggestion(name, module.tasks)}",
                name,
            )
    tasks = {}
    for name, task in module.tasks.items():
        if name not in stated:
            raise sheet.error(f"the task '{name}' has no stated answers; add them.")
        part = sheet.at(name)
        answers = part.read(TaskAnswers)
        _check_form(answers.perfect, task, part, ("perfect",), module)
        for index, wrong in enumerate(answers.wrong):
            _check_form(wrong.answer, task, part, ("wrong", index), module)
            _check_outcome(wrong, task, part, index, module)
        tasks[name] = answers
    return StatedAnswers(path, tasks)


def _check_form(
    form: AnswerForm, task: Task, sheet: Sheet, where: tuple[str | int, ...], module: Module
) -> None:
    allowed = _ENTRIES[task.kind]
    for entry in sorted(form.model_fields_set - allowed):
        shown = "from" if entry == "start" else entry
        raise sheet.error(f"an answer to a {task.kind} task takes no '{shown}'.", *where)
    if form.start and form.start != _STARTS[task.kind]:
        raise sheet.error(
            f"'from: {form.start}' makes no answer to a {task.kind} task; "
            f"write from: {_STARTS[task.kind]}.",
            *where,
        )
    if isinstance(task, QuizTask):
        try:
            quiz_items_of(form, task, module)
        except CourseError as failure:
            raise sheet.error(str(failure), *where) from None


def _check_outcome(
    wrong: StatedAnswer, task: Task, sheet: Sheet, index: int, module: Module
) -> None:
    if wrong.score >= task.points:
        raise sheet.error(
            f"'{wrong.name}' is stated to earn {wrong.score:g} of {task.points:g} points; a wrong "
            f"answer earns less.",
            "wrong",
            index,
        )
    known: set[str] = set()
    if isinstance(task, AnnotateTask):
        known = set(ERROR_CLASSES)
    elif isinstance(task, QuizTask):
        given = quiz_items_of(wrong.answer, task, module)
        known = _quiz_errors(given, task, module)
    if known and wrong.error not in known:
        raise sheet.error(
            f"'{wrong.name}' states the error '{wrong.error}'; possible here is {one_of(known)}."
            f"{suggestion(wrong.error, known)}",
            "wrong",
            index,
        )


def _quiz_errors(given: dict[str, list[str] | float], task: QuizTask, module: Module) -> set[str]:
    """Return the misconceptions that an answer shows; "blank" and "wrong" where there is no tag."""
    errors: set[str] = set()
    for key in task.items:
        item, value = module.items.by_id[key], given.get(key)
        if value is None:
            errors.add("blank")
        elif isinstance(value, float):
            if item.answer is not None and abs(value - item.answer) > item.tolerance:
                errors.add("wrong")
        elif value != item.right_options:
            tags = {item.options[option].misconception for option in value}
            errors |= (tags - {""}) or {"wrong"}
    return errors


# -- from the form to what is handed in -----------------------------------------------------------


def quiz_items_of(form: AnswerForm, task: QuizTask, module: Module) -> dict[str, list[str] | float]:
    """Return the `items` of an answer file: item -> option ids, or a number.

    Raises
    ------
    CourseError
        If the form names an item or an option that is not there.
    """
    answers: dict[str, list[str] | float] = {}
    for key in task.items:
        item = module.items.by_id[key]
        right = item.right_options if item.answer is None else item.answer
        given = form.but.get(key, right)
        if given is None:
            continue
        options = given if isinstance(given, list) else []
        for option in options:
            if option not in item.options:
                raise CourseError(
                    f"item '{key}' has no option '{option}'; it has {one_of(item.options)}."
                    f"{suggestion(option, item.options)}"
                )
        if isinstance(given, list) != (item.kind != "number"):
            raise CourseError(f"item '{key}' is a {item.kind} item; {given!r} is no answer to it.")
        answers[key] = given
    for key in form.but:
        if key not in task.items:
            raise CourseError(
                f"the quiz has no item '{key}'; it has {one_of(task.items)}."
                f"{suggestion(key, task.items)}"
            )
    return answers


def annotations_of(form: AnswerForm, task: AnnotateTask, reference: Annotation) -> list[Annotation]:
    """Return what is drawn: the reference as it is, or moved, mirrored or scaled; or a shape.

    Parameters
    ----------
    form : AnswerForm
        How the answer comes about.
    task : AnnotateTask
        Gives the label.
    reference : Annotation
        The finding of the key, in LPS millimetres (pixels where the image has no scale).

    Returns
    -------
    list of Annotation
        One annotation. Scaling keeps its centre; mirroring changes the sign of x, which is the
        other side of a patient who lies straight in the scanner.
    """
    from clerkship_cases import Annotation

    label = task.labels[0] if task.labels else ""
    # The same answer gets the same uid in every run.
    digest = hashlib.sha256(f"{task.name} {form!r}".encode()).hexdigest()
    uid = f"2.25.{int(digest[:30], 16)}"
    if form.shape is not None:
        return [Annotation.from_json({"uid": uid, "label": label, **form.shape})]
    points = reference.points_lps_mm
    centre = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    moved = []
    for point in points:
        x, y, z = (
            c + form.scale * (p - c) + step
            for c, p, step in zip(centre, point, form.shift_mm, strict=True)
        )
        moved.append((-x if form.mirror else x, y, z))
    return [Annotation(uid, reference.kind, tuple(moved), label, "", reference.slice_uid)]


def code_of(form: AnswerForm, task: CodeTask) -> str:
    """Return the cell that is handed in."""
    return form.code or task.solution


def text_of(form: AnswerForm, task: WrittenTask) -> str:
    """Return the words that are handed in."""
    return form.text or task.example_answer
