"""Steps that nbgrader's converters run on a notebook; named in the course's configuration."""

from __future__ import annotations

from .execute import ExecuteAnswers
from .grades import CollectGrades
from .redact import RedactFeedback
from .restore import PutTestsBack, RestoreCells
from .tasks import ScoreTasks

__all__ = [
    "CollectGrades",
    "ExecuteAnswers",
    "PutTestsBack",
    "RedactFeedback",
    "RestoreCells",
    "ScoreTasks",
]
