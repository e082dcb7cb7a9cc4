"""Rebuild a submitted notebook from the release, with the student's answers poured in.

A student may delete, copy, move or edit any cell. What is graded is the released notebook: its
cells, its order, its metadata; from the submission come only the answers and the student's own
extra cells. So a deleted task is scored (0), a copied one is scored once, and metadata that a
student edited counts for nothing.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor, OverwriteCells
from traitlets import Unicode

from ..cells import Cell, grade_id, is_solution, new_code_cell, new_markdown_cell, read_notebook
from ..errors import GradingError

MAX_ANSWER_CHARS = 200_000
"""A hundred pages; longer ones are cut, and say so."""

_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def pour_answers(release: list[Cell], submitted: list[Cell]) -> list[Cell]:
    """Put a student's answers into the released cells.

    Parameters
    ----------
    release : list of cells
        The released notebook.
    submitted : list of cells
        What came back; not trusted.

    Returns
    -------
    list of cells
        The released cells in their order. An answer cell holds the student's text (of the last
        copy, when there are several); an answer that was emptied is put back to the released
        text, which counts as untouched. Cells of the student's own follow the released cell that
        they stood after, without any metadata.
    """
    position_of_task = {grade_id(cell): i for i, cell in enumerate(release) if grade_id(cell)}
    position_of_plain = {
        cell.get("id"): i for i, cell in enumerate(release) if not grade_id(cell) and cell.get("id")
    }
    answers: dict[int, str] = {}
    own: dict[int, list[Cell]] = {}
    here = -1
    for cell in submitted:
        source = _source(cell)
        known = position_of_task.get(grade_id(cell))
        if known is None and not grade_id(cell):
            known = position_of_plain.get(cell.get("id"))
        if known is not None:
            here = known
            if _is_theirs(release[known]):
                answers[known] = source
        elif source.strip():
            own.setdefault(here, []).append(_own_cell(cell, source))
    cells = list(own.get(-1, []))
    for i, released in enumerate(release):
        cell = copy.deepcopy(released)
        answer = answers.get(i, "")
        if answer.strip() and answer.strip() != released["source"].strip():
            cell["source"] = disarmed(answer) if cell["cell_type"] == "markdown" else answer
        cells += [cell, *own.get(i, [])]
    return cells


def disarmed(markdown: str) -> str:
    """Student's Markdown without live HTML: a tag becomes text that looks like a tag.

    Teachers read it in the formgrader, where a script would act with their rights.

    Examples
    --------
    >>> disarmed("HU < 0 <script>alert(1)</script>")
    'HU < 0 &lt;script>alert(1)&lt;/script>'
    """
    return _TAG.sub("&lt;", markdown)


def _is_theirs(released: Cell) -> bool:
    """Answer cells, and code cells that no one grades (imports, say), may be edited."""
    return is_solution(released) or (not grade_id(released) and released["cell_type"] == "code")


def _source(cell: Cell) -> str:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    if len(text) > MAX_ANSWER_CHARS:
        return text[:MAX_ANSWER_CHARS] + "\n[cut here: the answer was too long]"
    return text


def _own_cell(cell: Cell, source: str) -> Cell:
    if cell.get("cell_type") == "code":
        return new_code_cell(source)
    return new_markdown_cell(disarmed(source))


class PutTestsBack(OverwriteCells):  # type: ignore[misc]
    """nbgrader's step, which restores hidden tests, without its warning for every test cell.

    Cells come from the release by now, so a difference to the source is no sign of tampering.
    """

    def report_change(self, name: str, attr: str, old: Any, new: Any) -> None:
        """Note a difference quietly."""
        self.log.debug("Restored %s of cell %s (%s -> %s)", attr, name, new, old)


class RestoreCells(NbGraderPreprocessor):  # type: ignore[misc]
    """The first step of autograding: trust the release, not the submission."""

    course_root = Unicode(
        ".", help="Folder of the course; release/<assignment>/<notebook>.ipynb lies in it."
    ).tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Replace the submitted cells; see :func:`pour_answers`."""
        names = resources["nbgrader"]
        path = (
            Path(self.course_root) / "release" / names["assignment"] / f"{names['notebook']}.ipynb"
        )
        try:
            release = read_notebook(path)
        except FileNotFoundError as exc:
            raise GradingError(
                f"{path}: the released notebook is needed to grade submissions; "
                f"run 'nbgrader generate_assignment {names['assignment']}'"
            ) from exc
        nb.cells = pour_answers(release.cells, nb.cells)
        nb.metadata = copy.deepcopy(release.metadata)
        nb.nbformat, nb.nbformat_minor = release.nbformat, release.nbformat_minor
        return nb, resources
