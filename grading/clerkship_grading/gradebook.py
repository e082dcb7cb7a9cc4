"""Read scores from a course's gradebook, and grade written answers through it."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from .errors import GradingError


@dataclass(frozen=True)
class StudentScore:
    """What one student has in one assignment."""

    student: str
    assignment: str
    score: float
    max_score: float
    needs_manual_grade: bool
    tasks: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Grade cell -> (points, points at most)."""


def put_environment_on_path() -> None:
    """Let nbgrader find ``alembic``, which it starts by name when it makes a gradebook.

    Without it the tables are made but not stamped with their version, and a later
    ``nbgrader db upgrade`` goes wrong.
    """
    folder = str(Path(sys.executable).parent)
    if folder not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")]).rstrip(
            os.pathsep
        )


@contextmanager
def _open(course_root: Path) -> Generator[Any]:
    path = Path(course_root).resolve() / "gradebook.db"
    if not path.is_file():
        raise GradingError(
            f"{path}: there is no gradebook yet; release an assignment of the course first"
        )
    put_environment_on_path()
    with Gradebook(f"sqlite:///{path}") as book:
        try:
            yield book
        finally:
            book.db.get_bind().dispose()


def course_scores(course_root: Path | str) -> list[StudentScore]:
    """All scores of a course, by assignment and student.

    Parameters
    ----------
    course_root : Path
        Folder of the course, as given to ``write_course_config``.

    Raises
    ------
    GradingError
        If the course has no gradebook.
    """
    with _open(Path(course_root)) as book:
        scores = [
            StudentScore(
                student=submission.student.id,
                assignment=assignment.name,
                score=float(submission.score),
                max_score=float(submission.max_score),
                needs_manual_grade=bool(submission.needs_manual_grade),
                tasks={
                    grade.name: (float(grade.score), float(grade.max_score))
                    for notebook in submission.notebooks
                    for grade in notebook.grades
                },
            )
            for assignment in book.assignments
            for submission in assignment.submissions
        ]
    return sorted(scores, key=lambda score: (score.assignment, score.student))


def grade_written(
    course_root: Path | str,
    assignment: str,
    student: str,
    task: str,
    *,
    points: float,
    comment: str = "",
) -> None:
    """Grade a written answer, as a person does in the formgrader.

    Parameters
    ----------
    course_root : Path
        Folder of the course.
    assignment, student, task : str
        Whose answer to what; ``task`` is the id of the task, which is also the grade cell's.
    points : float
        From 0 to the task's points.
    comment : str
        Shown to the student in the feedback.

    Raises
    ------
    GradingError
        If there is no such answer, or the points are out of range.
    """
    with _open(Path(course_root)) as book:
        try:
            submission = book.find_submission(assignment, student)
        except MissingEntry as exc:
            raise GradingError(
                f"{student} has no graded submission of {assignment!r}; run autograde first"
            ) from exc
        grades = [g for n in submission.notebooks for g in n.grades if g.name == task]
        if not grades:
            names = ", ".join(sorted(g.name for n in submission.notebooks for g in n.grades))
            raise GradingError(f"{assignment!r} has no graded task {task!r}; it has: {names}")
        grade = grades[0]
        if not 0 <= points <= grade.max_score:
            raise GradingError(
                f"{points:g} points were given for {task!r}; it takes 0 to {grade.max_score:g}"
            )
        grade.manual_score = points
        grade.needs_manual_grade = False
        for note in grade.notebook.comments:
            if note.name == task and comment:
                note.manual_comment = comment
        book.db.commit()
