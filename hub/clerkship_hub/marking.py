"""Grade as a teacher does: through the formgrader's own interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clerkship_hub.errors import HubError

if TYPE_CHECKING:
    from clerkship_hub.session import Visitor


@dataclass(frozen=True)
class TaskGrade:
    """One task of one submission, as the gradebook holds it."""

    id: str
    name: str
    score: float
    max_score: float
    needs_hand: bool


class Formgrader:
    """The grading service of a course, used by a teacher who has signed in.

    Parameters
    ----------
    teacher : Visitor
        Must be in the course's group of graders.
    course : str
        Identifier of the course.
    """

    def __init__(self, teacher: Visitor, course: str) -> None:
        self._teacher = teacher
        self._base = f"services/{course}/"

    def open(self) -> None:
        """Open the formgrader's page, which signs the teacher on to the service.

        Raises
        ------
        HubError
            If the page does not open.
        """
        page = self._teacher.get(f"{self._base}formgrader")
        if not page.ok:
            raise HubError(f"The formgrader answered {self._teacher.name} with {page.status_code}.")

    def collect(self, module: str) -> None:
        """Collect what was handed in."""
        self._do(f"assignment/{module}/collect")

    def autograde(self, module: str, student: str) -> None:
        """Grade one submission by machine."""
        self._do(f"submission/{module}/{student}/autograde")

    def grades(self, module: str, student: str) -> list[TaskGrade]:
        """Return the grades of one submission, task by task."""
        return [
            TaskGrade(
                id=str(raw["id"]),
                name=str(raw["name"]),
                score=_points(raw),
                max_score=float(raw["max_score"]),
                needs_hand=bool(raw["needs_manual_grade"]),
            )
            for raw in self._api("GET", f"grades?submission_id={self._submission(module, student)}")
        ]

    def mark(self, module: str, student: str, task: str, points: float, comment: str) -> None:
        """Grade one task by hand, with a comment for the student."""
        grade = next(grade for grade in self.grades(module, student) if grade.name == task)
        self._api("PUT", f"grade/{grade.id}", json={"manual_score": points, "extra_credit": None})
        submission = self._submission(module, student)
        for note in self._api("GET", f"comments?submission_id={submission}"):
            if note["name"] == task:
                self._api("PUT", f"comment/{note['id']}", json={"manual_comment": comment})

    def give_feedback(self, module: str) -> None:
        """Make the feedback of all submissions and release it."""
        self._do(f"assignment/{module}/generate_feedback")
        self._do(f"assignment/{module}/release_feedback")

    def score(self, module: str, student: str) -> tuple[float, float]:
        """Return a submission's score and the most that can be had."""
        raw = self._api("GET", f"submission/{module}/{student}")
        return float(raw["score"]), float(raw["max_score"])

    def _submission(self, module: str, student: str) -> str:
        """Return the gradebook's identifier of a student's notebook."""
        for raw in self._api("GET", f"submitted_notebooks/{module}/{module}"):
            if raw["student"] == student:
                return str(raw["id"])
        raise HubError(f"The formgrader has no graded submission of {student} for {module}.")

    def _api(self, method: str, path: str, **more: Any) -> Any:
        return self._teacher.json(method, f"formgrader/api/{path}", base=self._base, **more)

    def _do(self, path: str) -> None:
        result = self._api("POST", path, json={})
        if not result["success"]:
            said = f"{result.get('log') or ''}\n{result.get('error') or ''}".strip()
            raise HubError(f"The formgrader could not do {path}. It says: {said[-3000:]}")


def _points(raw: dict[str, Any]) -> float:
    """Return the points that count: the teacher's where given, else the machine's."""
    manual = raw["manual_score"]
    return float(raw["auto_score"] or 0.0) if manual is None else float(manual)
