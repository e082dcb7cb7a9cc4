"""The parts of a module, as its author wrote them, checked and ready to be built.

Everything that a student must not see has a field of its own, so that what writes a student's page
can leave it out by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "BEGIN_SOLUTION",
    "END_SOLUTION",
    "ERROR_CLASSES",
    "AnnotateTask",
    "CodeTask",
    "CommitReveal",
    "Example",
    "InstructorNotes",
    "Part",
    "PracticeQuiz",
    "QuizTask",
    "RubricLine",
    "Show",
    "Task",
    "Text",
    "WrittenTask",
]

ERROR_CLASSES = ("good", "missed", "wrong_place", "wrong_side", "over_called", "under_called")
"""The error classes of an annotate task that a teacher may answer in their own words."""
BEGIN_SOLUTION = "### BEGIN SOLUTION"
END_SOLUTION = "### END SOLUTION"
"""nbgrader's marks around what a student has to write."""


@dataclass(frozen=True)
class Text:
    """Prose."""

    markdown: str
    line: int


@dataclass(frozen=True)
class Example:
    """Python that the page runs, and that is run again when a submission is graded."""

    code: str
    line: int


@dataclass(frozen=True)
class Show:
    """A cell that shows a widget (or a plot) and that grading leaves out."""

    code: str
    line: int


@dataclass(frozen=True)
class PracticeQuiz:
    """An ungraded quiz; with `withhold` it says nothing about right and wrong yet."""

    name: str
    prompt: str
    items: tuple[str, ...]
    withhold: bool
    line: int


@dataclass(frozen=True)
class CommitReveal:
    """Commit to an answer first, see the teacher's words after."""

    name: str
    prompt: str
    options: dict[str, str] | None
    confidence: bool
    reveal: str
    line: int


@dataclass(frozen=True)
class InstructorNotes:
    """For the teacher; written beside the course, never into a notebook."""

    markdown: str
    line: int


@dataclass(frozen=True)
class RubricLine:
    """One line of a mark scheme."""

    points: float
    text: str


@dataclass(frozen=True)
class _Task:
    name: str
    points: float
    prompt: str
    hint: str
    line: int


@dataclass(frozen=True)
class QuizTask(_Task):
    """Questions that are scored from the key."""

    items: tuple[str, ...]
    kind: str = field(default="quiz", init=False)


@dataclass(frozen=True)
class AnnotateTask(_Task):
    """A mark on a case, held against a finding of its key."""

    case: str
    finding: str
    tools: tuple[str, ...]
    labels: tuple[str, ...]
    rubric: dict[str, Any]
    feedback: dict[str, str]
    kind: str = field(default="annotate", init=False)


@dataclass(frozen=True)
class CodeTask(_Task):
    """A function to write; `solution` holds nbgrader's solution markers."""

    solution: str
    tests: str
    hidden_tests: str
    kind: str = field(default="code", init=False)


@dataclass(frozen=True)
class WrittenTask(_Task):
    """Free text that a person marks by the rubric."""

    rubric: tuple[RubricLine, ...]
    example_answer: str
    kind: str = field(default="written", init=False)


Task = QuizTask | AnnotateTask | CodeTask | WrittenTask
Part = Text | Example | Show | PracticeQuiz | CommitReveal | InstructorNotes | Task
