"""Bring grades from the gradebook into the notebook, with what still waits for a person."""

from __future__ import annotations

from typing import Any

from nbgrader.preprocessors import GetGrades


class CollectGrades(GetGrades):  # type: ignore[misc]
    """nbgrader's step, and whether a cell still has to be graded by hand.

    Without that a student would read "0 of 4" where no one has looked yet.
    """

    def _get_score(self, cell: Any, resources: Any) -> None:
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(
            cell.metadata["nbgrader"]["grade_id"],
            self.notebook_id,
            self.assignment_id,
            self.student_id,
        )
        cell.metadata.nbgrader["waiting"] = bool(grade.needs_manual_grade)
