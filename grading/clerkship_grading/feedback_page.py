"""The page that a student reads: points and reasons, task by task.

nbgrader's own page shows the whole notebook and loads fonts and formulas from the internet. Ours
stands alone in one file, prints well, and shows only what was graded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from nbconvert.exporters import HTMLExporter
from traitlets.config import Config

from .cells import Cell, grade_id, is_graded, is_solution, nbgrader_metadata, task_of
from .rubric import ErrorClass
from .wording import HEADINGS, name_from_id, points_text

TEMPLATES = Path(__file__).parent / "templates"
NO_RESPONSE = "No response."
"""What nbgrader's SaveAutoGrades remarks on an answer that was not touched."""
KNOWN_CLASSES = frozenset(error_class.value for error_class in ErrorClass)


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)


def safe_html(markdown: str) -> str:
    """Markdown as HTML; markup inside it is shown as text, whoever wrote it.

    Hints (``<details>``) are left out: they helped before the answer.
    """
    return str(_MARKDOWN.render(_DETAILS.sub("", markdown)))


@dataclass
class TaskSection:
    """One task on the page."""

    name: str
    title: str
    points: float = 0.0
    max_points: float = 0.0
    waiting: bool = False
    """A person has still to grade it."""
    verdict: str = ""
    cells: list[Cell] = field(default_factory=list)

    @property
    def state(self) -> str:
        """``full``, ``some``, ``none`` or ``waiting``, for the eye."""
        if self.waiting:
            return "waiting"
        if self.points >= self.max_points:
            return "full"
        return "some" if self.points > 0 else "none"


def task_sections(cells: Iterable[Cell]) -> list[TaskSection]:
    """Group a graded notebook's cells by task, in order; the rest is left out."""
    sections: dict[str, TaskSection] = {}
    for cell in cells:
        graded = is_graded(cell)
        name = task_of(cell) or (grade_id(cell) if graded or is_solution(cell) else None)
        if name is None:
            continue
        section = sections.setdefault(name, TaskSection(name, name_from_id(name)))
        title, body = _split_heading(cell)
        if title and not section.cells:
            section.title = title
            cell.source = body
        section.cells.append(cell)
        if graded:
            metadata = nbgrader_metadata(cell)
            section.points += float(metadata.get("score") or 0)
            section.max_points += float(metadata.get("points") or 0)
            section.waiting = section.waiting or bool(metadata.get("waiting"))
        section.verdict = _verdict(cell) or section.verdict
    return [section for section in sections.values() if section.max_points > 0]


def _split_heading(cell: Cell) -> tuple[str | None, str]:
    """First line of a prompt as its title, when it is a heading, and the rest."""
    first, _, rest = str(cell["source"]).partition("\n")
    if cell["cell_type"] == "markdown" and not is_solution(cell) and first.startswith("#"):
        return first.lstrip("# ").strip() or None, rest.strip()
    return None, str(cell["source"])


def _verdict(cell: Cell) -> str:
    if is_solution(cell) and nbgrader_metadata(cell).get("comment") == NO_RESPONSE:
        return HEADINGS[ErrorClass.BLANK]
    for output in cell.get("outputs", []):
        name = output.get("metadata", {}).get("clerkship", {}).get("error_class")
        if name in KNOWN_CLASSES:
            return HEADINGS[ErrorClass(name)]
    return ""


class FeedbackPage(HTMLExporter):
    """Exporter for ``GenerateFeedback.exporter_class``."""

    def __init__(self, config: Config | None = None, **kwargs: Any) -> None:
        # GenerateFeedback chooses its own template for every HTMLExporter. The section of this
        # class, being more special, wins over that; later would be too late (paths are kept).
        own = Config(config or {})
        own.FeedbackPage.template_name = "clerkship_feedback"
        own.FeedbackPage.extra_template_basedirs = [str(TEMPLATES)]
        own.FeedbackPage.exclude_anchor_links = True
        super().__init__(config=own, **kwargs)  # type: ignore[no-untyped-call]

    def default_filters(self) -> Iterable[tuple[str, Any]]:
        """Add the filters of our template."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "points", points_text
        yield "safe_html", safe_html
        yield "sections", task_sections
