"""The whole loop without a browser: release, answer, submit, grade, feedback.

Three students of known virtue go through every module of every course: one who knows all, one
who gives the first wrong answer that the course states for each task, one who hands in a blank.
Their scores are known beforehand, so the demonstration proves something.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from clerkship_hub import home as homes
from clerkship_hub.answering import STUDENTS, Answer, answers_of, work_through
from clerkship_hub.errors import HubError
from clerkship_hub.marking import Formgrader
from clerkship_hub.release import find_courses
from clerkship_hub.session import Visitor
from clerkship_hub.settings import Accounts, Settings, free_ports
from clerkship_hub.up import running
from clerkship_hub.voice import Voice

POINTS_ALIKE = 0.01
"""Scores are compared to a hundredth of a point."""


@dataclass
class Outcome:
    """What became of one student in one module."""

    student: str
    module: str
    answers: list[Answer]
    score: float = 0.0
    max_score: float = 0.0
    surprises: list[str] = field(default_factory=list)

    @property
    def expected(self) -> float:
        """The points that the answers must earn."""
        return sum(answer.expected for answer in self.answers)


def demo(home: Path | None, json_file: Path | None, *, courses: Path) -> int:
    """Run the demonstration, print a table, and say whether every score was the expected one.

    Parameters
    ----------
    home : Path, optional
        Where state is kept; a temporary folder, removed at the end, if absent.
    json_file : Path, optional
        Where to write the figures.
    courses : Path
        Folder of the course sources.

    Returns
    -------
    code : int
        0 if all scores are as expected, else 1.
    """
    voice = Voice()
    accounts = Accounts(students=STUDENTS)
    started = time.monotonic()
    with _home(home) as folder:
        port = free_ports(1)[0]
        with running(folder, port, accounts, voice, courses=courses) as (settings, _parts):
            outcomes = [
                outcome
                for source in find_courses(courses)
                for outcome in _walk_through(settings, source, voice)
            ]
    voice.seconds["total"] = round(time.monotonic() - started, 3)
    show(outcomes)
    if json_file:
        _write_json(json_file, outcomes, voice.seconds)
    surprises = [surprise for outcome in outcomes for surprise in outcome.surprises]
    for surprise in surprises:
        voice.say(f"  [red]{surprise}[/]")
    return 1 if surprises else 0


@contextlib.contextmanager
def _home(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="clerkship-demo-") as folder:
        yield Path(folder)


def _walk_through(settings: Settings, source: Path, voice: Voice) -> list[Outcome]:
    """Take all students through one course."""
    from clerkship_courses import CourseError, read_answers, read_course

    course = source.name
    try:
        modules = read_course(source).modules
        outcomes = [
            Outcome(student, module.slug, answers_of(module, read_answers(module), student))
            for module in modules
            for student in STUDENTS
        ]
    except CourseError as error:
        raise HubError(str(error)) from error
    names = [module.slug for module in modules]
    secrets = homes.passwords(settings)
    students = {name: Visitor(settings.url, name, secrets[name]) for name in STUDENTS}
    for name, visitor in students.items():
        with voice.step(f"{name} signs in and starts a server", key="sign_in"):
            visitor.sign_in()
            visitor.start_server()
        for module in names:
            mine = _of(outcomes, name, module)
            with voice.step(f"{name} works through {module}", key="answer"):
                if not visitor.has_file(f"{course}/{module}/{module}.ipynb"):
                    visitor.assignment("fetch", course, module)
                work_through(visitor, course, module, mine.answers)
            with voice.step(f"{name} hands in {module}", key="submit"):
                visitor.assignment("submit", course, module)
    teacher_name = settings.accounts.teachers[0]
    teacher = Visitor(settings.url, teacher_name, secrets[teacher_name])
    teacher.sign_in()
    formgrader = Formgrader(teacher, course)
    formgrader.open()
    for module in names:
        _grade(formgrader, [_of(outcomes, name, module) for name in STUDENTS], voice)
    for name, visitor in students.items():
        with voice.step(f"{name} fetches feedback", key="feedback"):
            for module in names:
                _fetch_feedback(visitor, course, module)
    return outcomes


def _of(outcomes: list[Outcome], student: str, module: str) -> Outcome:
    return next(o for o in outcomes if (o.student, o.module) == (student, module))


def _grade(formgrader: Formgrader, outcomes: list[Outcome], voice: Voice) -> None:
    """Collect and grade one module, by machine and by hand, and release the feedback."""
    module = outcomes[0].module
    with voice.step(f"teacher collects {module}", key="collect"):
        formgrader.collect(module)
    for outcome in outcomes:
        with voice.step(f"teacher autogrades {outcome.student}: {module}", key="autograde"):
            formgrader.autograde(module, outcome.student)
    with voice.step(f"teacher marks the written tasks of {module}", key="hand_grade"):
        for outcome in outcomes:
            for answer in outcome.answers:
                if answer.kind == "written" and answer.cell:
                    comment = f"{answer.expected:g} of {answer.points:g} by the rubric."
                    formgrader.mark(module, outcome.student, answer.task, answer.expected, comment)
    for outcome in outcomes:
        outcome.score, outcome.max_score = formgrader.score(module, outcome.student)
        earned = {grade.name: grade.score for grade in formgrader.grades(module, outcome.student)}
        outcome.surprises += surprises(outcome, earned)
    with voice.step(f"teacher releases feedback on {module}", key="feedback"):
        formgrader.give_feedback(module)


def surprises(outcome: Outcome, earned: dict[str, float]) -> list[str]:
    """Return a sentence for each task whose score is not the expected one.

    Parameters
    ----------
    outcome : Outcome
        Holds the expected points.
    earned : dict
        Task -> points in the gradebook.
    """
    who = f"{outcome.student}, {outcome.module}"
    found = [
        f"{who}, {answer.task}: {earned.get(answer.task, 0.0):g} points, "
        f"expected {answer.expected:g} of {answer.points:g}"
        for answer in outcome.answers
        if abs(earned.get(answer.task, 0.0) - answer.expected) > POINTS_ALIKE
    ]
    most = sum(answer.points for answer in outcome.answers)
    if abs(outcome.max_score - most) > POINTS_ALIKE:
        found.append(f"{who}: the gradebook knows {outcome.max_score:g} points, not {most:g}")
    return found


def _fetch_feedback(visitor: Visitor, course: str, module: str) -> None:
    """Fetch the feedback and see that it is there."""
    listed = visitor.assignment("fetch_feedback", course, module)
    back = [
        submission
        for entry in listed
        if entry["assignment_id"] == module and entry["status"] == "submitted"
        for submission in entry["submissions"]
        if submission["has_local_feedback"]
    ]
    if not back:
        raise HubError(f"{visitor.name} found no feedback on {module}.")


def totals(outcomes: list[Outcome]) -> list[dict[str, str | float]]:
    """Return ``{"name", "score", "max"}`` of each student over all modules."""
    return [
        {
            "name": student,
            "score": round(sum(o.score for o in outcomes if o.student == student), 2),
            "max": round(sum(o.max_score for o in outcomes if o.student == student), 2),
        }
        for student in STUDENTS
    ]


def show(outcomes: list[Outcome]) -> None:
    """Print the table of scores."""
    table = Table(title="What they earned")
    modules = list(dict.fromkeys(outcome.module for outcome in outcomes))
    table.add_column("student")
    for module in modules:
        table.add_column(module, justify="right")
    for column in ("total", "of", "expected"):
        table.add_column(column, justify="right")
    for total in totals(outcomes):
        name = str(total["name"])
        mine = [_of(outcomes, name, module) for module in modules]
        expected = sum(outcome.expected for outcome in mine)
        scores = [f"{outcome.score:g}" for outcome in mine]
        table.add_row(name, *scores, f"{total['score']:g}", f"{total['max']:g}", f"{expected:g}")
    Console().print(table)


def _write_json(file: Path, outcomes: list[Outcome], seconds: dict[str, float]) -> None:
    try:
        file.write_text(json.dumps({"students": totals(outcomes), "seconds": seconds}, indent=1))
    except OSError as error:
        raise HubError(homes.say_os_error(error, file)) from error
