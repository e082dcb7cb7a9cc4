"""Check a course as a careful colleague would, before a class sees it.

What is checked here needs no submission and no scorer: that the build repeats itself, that the
student's copy holds no answer, that the stated answers are complete and the code among them earns
what it is stated to earn, that every objective is taught towards and tested. The scores of quiz
and annotate answers are checked where the scorers are, by the tests of the whole house.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clerkship_courses.answers import StatedAnswers, TaskAnswers, code_of, read_answers, text_of
from clerkship_courses.build import render_course
from clerkship_courses.code_runs import run_cells
from clerkship_courses.course import read_course
from clerkship_courses.errors import CourseError
from clerkship_courses.module import Module
from clerkship_courses.notebook import answer_id, emit_notebook
from clerkship_courses.parts import (
    AnnotateTask,
    CodeTask,
    Example,
    PracticeQuiz,
    QuizTask,
    WrittenTask,
)
from clerkship_courses.release import leaks, released_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from clerkship_courses.catalogue import Catalogue
    from clerkship_courses.course import Course

__all__ = ["CheckReport", "check_course"]


@dataclass(frozen=True)
class CheckReport:
    """What the check found.

    Attributes
    ----------
    problems : tuple of str
        Must be put right; each says where, what and what to do.
    notes : tuple of str
        Worth knowing: an unreviewed module, a written task that a person has to mark.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


def check_course(course_dir: Path, *, catalogue: Catalogue | None = None) -> CheckReport:
    """Check a course.

    Parameters
    ----------
    course_dir : Path
        `courses/<course>/`.
    catalogue : Catalogue, optional
        The cases that modules may show; the case library, if left out.

    Returns
    -------
    CheckReport
        All problems, not only the first; a course that cannot be read has one.
    """
    try:
        course = read_course(course_dir, catalogue)
        files = render_course(course)
    except CourseError as failure:
        return CheckReport((str(failure),), ())
    problems: list[str] = []
    if render_course(read_course(course_dir, catalogue)) != files:
        problems.append(f"{course_dir}: two builds of the same course differ; report this to us.")
    notes: list[str] = []
    for module in course.modules:
        problems += _check_module(module, course)
        notes += _notes(module)
    return CheckReport(tuple(problems), tuple(notes))


def _check_module(module: Module, course: Course) -> list[str]:
    problems = [
        f"{module.source_path}: {leak}; take it out of what the student reads, or say it otherwise."
        for leak in leaks(
            released_notebook(emit_notebook(module, "class", course.catalogue.records)), module
        )
    ]
    problems += _check_objectives(module)
    try:
        stated = read_answers(module)
    except CourseError as failure:
        return [*problems, str(failure)]
    return problems + _check_code(module, stated, course) + _check_perfect_text(module, stated)


def _check_objectives(module: Module) -> list[str]:
    """Every objective has a question, and what is asked before is asked again after."""
    items = module.items.by_id

    def objectives(kind: type[QuizTask | PracticeQuiz]) -> set[str]:
        quizzes = [part for part in module.parts if isinstance(part, kind)]
        return {items[key].objective for quiz in quizzes for key in quiz.items}

    before, after = objectives(PracticeQuiz), objectives(QuizTask)
    by_hand = any(isinstance(t, AnnotateTask | CodeTask | WrittenTask) for t in module.parts)
    problems = [
        f"{module.source_path}: nothing tests the objective '{goal.id}'; add an item with "
        f"objective: {goal.id}, or take the objective out."
        for goal in module.header.objectives
        if goal.id not in before | after and not by_hand
    ]
    problems += [
        f"{module.source_path}: the practice asks about '{goal}', the graded quiz does not; add a "
        f"parallel question, so that learning can be seen."
        for goal in sorted(before - after)
        if after
    ]
    return problems


def _check_code(module: Module, stated: StatedAnswers, course: Course) -> list[str]:
    """Run the examples, and each code task as perfect, blank and wrong students hand it in."""
    labels: list[tuple[str, int, str]] = []  # what it is, its line, the error that it must end in
    rows: list[list[str]] = []
    examples = [part for part in module.parts if isinstance(part, Example)]
    if examples:
        labels.append(("the examples", examples[0].line, ""))
        rows.append([example.code for example in examples])
    for task in module.tasks.values():
        if not isinstance(task, CodeTask):
            continue
        answers: TaskAnswers = stated.tasks[task.name]
        tests = [task.tests, task.hidden_tests]
        labels.append((f"the solution of '{task.name}'", task.line, ""))
        rows.append([code_of(answers.perfect, task), *tests])
        labels.append((f"a blank answer to '{task.name}'", task.line, "NotImplementedError"))
        rows.append([_stub(task, module, course), *tests])
        for wrong in answers.wrong:
            labels.append((f"'{wrong.name}' ({task.name})", task.line, wrong.error))
            rows.append([code_of(wrong.answer, task), *tests])
    problems = []
    for (what, line, expected), run in zip(labels, run_cells(rows), strict=True):
        if run.error != expected:
            ended = f"ends with {run.error}: {run.message}" if run.error else "runs through"
            problems.append(
                f"{module.source_path}:{line}: {what} {ended}; it should "
                f"{'end with ' + expected if expected else 'run through'}. "
                f"Correct the code, the tests, or answers.yml."
            )
    return problems


def _stub(task: CodeTask, module: Module, course: Course) -> str:
    """Return the cell as a student receives it, cut by nbgrader."""
    page = released_notebook(emit_notebook(module, "class", course.catalogue.records))
    for cell in page["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == answer_id(task):
            stub: str = cell["source"]
            return stub
    raise CourseError(f"the task '{task.name}' has no cell to answer in; report this to us.")


def _check_perfect_text(module: Module, stated: StatedAnswers) -> list[str]:
    return [
        f"{module.source_path}:{task.line}: the task '{task.name}' has no example of a good answer; "
        f"add a block === SOLUTION ===, which graders see and students do not."
        for task in module.tasks.values()
        if isinstance(task, WrittenTask) and not text_of(stated.tasks[task.name].perfect, task)
    ]


def _notes(module: Module) -> list[str]:
    notes = []
    if not module.header.reviewed_by:
        notes.append(
            f"{module.source_path}: no clinician has reviewed this module; write reviewed_by: and "
            f"reviewed_on: into the header when one has."
        )
    notes += [
        f"{module.source_path}:{task.line}: '{task.name}' ({task.points:g} points) is marked by hand."
        for task in module.tasks.values()
        if isinstance(task, WrittenTask)
    ]
    return notes
