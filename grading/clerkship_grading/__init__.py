"""Grading: score what students hand in, and say why.

Everything that needs a key happens here, outside the student's process. nbgrader carries the
notebooks, keeps the gradebook and serves hand grading; this package plugs into it (see
``config.write_course_config``).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .errors import GradingError

if TYPE_CHECKING:
    from .config import student_config, write_course_config
    from .gradebook import StudentScore, course_scores, grade_written
    from .submission import TaskScore, score_submission

__all__ = [
    "GradingError",
    "StudentScore",
    "TaskScore",
    "course_scores",
    "grade_written",
    "score_submission",
    "student_config",
    "write_course_config",
]

# Loaded on first use: nbgrader and the image libraries take a second or two to import.
_HOME = {
    "StudentScore": ".gradebook",
    "TaskScore": ".submission",
    "course_scores": ".gradebook",
    "grade_written": ".gradebook",
    "score_submission": ".submission",
    "student_config": ".config",
    "write_course_config": ".config",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name], __name__), name)
