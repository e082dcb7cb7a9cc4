"""Score quiz and annotate tasks, and write what they earned into the notebook.

nbgrader takes a grade cell's points from its output (``nbgrader.utils.determine_grade``: an
``execute_result`` that is a number). This step writes that output itself, before any of the
student's code has run; :class:`~.execute.ExecuteAnswers` never runs these cells.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from ..cells import (
    SCORED_KINDS,
    Cell,
    grade_id,
    is_graded,
    kind_of,
    nbgrader_metadata,
    new_markdown_cell,
    new_output,
    task_of,
)
from ..errors import GradingError
from ..keybundle import POINTS_SLACK, KeyBundle, WrittenTask, load_key_bundle
from ..submission import TaskScore, score_submission
from ..wording import points_text

RUBRIC_KIND = "rubric"
"""Kind of the cell that shows graders the mark scheme; never part of feedback."""


class ScoreTasks(NbGraderPreprocessor):  # type: ignore[misc]
    """Write trusted scores and feedback into the cells of quiz and annotate tasks."""

    course_root = Unicode(".", help="Folder of the course; keys/<module>.json lies in it.").tag(
        config=True
    )

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Score the submission that the notebook lies in."""
        names = resources["nbgrader"]
        bundle = load_key_bundle(Path(self.course_root) / "keys" / f"{names['notebook']}.json")
        folder = Path(resources["metadata"]["path"])
        scores = {score.task: score for score in score_submission(folder, bundle)}
        cells = []
        for cell in nb.cells:
            cells.append(cell)
            if cell.cell_type == "code" and kind_of(cell) in SCORED_KINDS:
                cell.outputs, cell.execution_count = [], None
                if is_graded(cell):
                    write_score(cell, scores.get(task_of(cell) or ""))
            scheme = mark_scheme(cell, bundle)
            if scheme is not None:
                cells.append(scheme)
        nb.cells = cells
        return nb, resources


def write_score(cell: Cell, score: TaskScore | None) -> None:
    """Make a score the only output of a grade cell.

    Raises
    ------
    GradingError
        If the notebook and the key bundle do not belong together.
    """
    name = task_of(cell) or grade_id(cell)
    if score is None:
        raise GradingError(
            f"task {name!r} is in the notebook but not in the key bundle; build the course again"
        )
    released = float(nbgrader_metadata(cell)["points"])
    if abs(released - score.max_points) > POINTS_SLACK:
        raise GradingError(
            f"task {name!r} was released with {released:g} points, but its key has "
            f"{score.max_points:g}; build and release the module again"
        )
    number = new_output("execute_result", {"text/plain": repr(score.points)}, execution_count=None)
    words = new_output("display_data", {"text/markdown": score.feedback_markdown})
    words["metadata"] = {"clerkship": {"error_class": score.error_class.value}}
    outputs = [number, words]
    if score.picture_png is not None:
        data = {"image/png": base64.b64encode(score.picture_png).decode("ascii")}
        alt = {"image/png": {"alt": "Your marks, in amber, on the image"}}
        outputs.append(new_output("display_data", data, metadata=alt))
    cell.outputs = outputs


def mark_scheme(cell: Cell, bundle: KeyBundle) -> Cell | None:
    """Mark scheme of a written task, as a cell for the grader's eyes."""
    task = bundle.tasks.get(task_of(cell) or "")
    if not (isinstance(task, WrittenTask) and task.rubric and is_graded(cell)):
        return None
    lines = [f"- {points_text(line.points)}: {line.text.strip()}" for line in task.rubric]
    text = "\n".join(["**Mark scheme** (graders only)", "", *lines])
    metadata = {"clerkship": {"kind": RUBRIC_KIND}}
    return new_markdown_cell(text, metadata=metadata)
