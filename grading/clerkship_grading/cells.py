"""What a notebook cell is, read from its metadata (see ARCHITECTURE.md, "Cell metadata")."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

_nbformat: Any = nbformat  # ships no types

Cell = Any
"""A notebook cell as nbformat has it; it ships no types."""

WIDGET_KINDS = frozenset({"quiz", "annotate", "show"})
"""Kinds whose cell only shows a widget: there is nothing to run when a submission is graded."""
SCORED_KINDS = frozenset({"quiz", "annotate"})
"""Kinds that are scored from answer files by whoever holds the key."""


def nbgrader_metadata(cell: Cell) -> Mapping[str, Any]:
    """Return nbgrader's own metadata, empty when there is none."""
    found = cell.get("metadata", {}).get("nbgrader")
    return found if isinstance(found, Mapping) else {}


def grade_id(cell: Cell) -> str | None:
    """Return nbgrader's name of the cell, ``None`` for a cell that it does not know."""
    found = nbgrader_metadata(cell).get("grade_id")
    return found if isinstance(found, str) and found else None


def kind_of(cell: Cell) -> str | None:
    """Our kind of the cell: ``quiz``, ``annotate``, ``code``, ``written`` or ``show``."""
    return _ours(cell).get("kind")


def task_of(cell: Cell) -> str | None:
    """Id of the task that a cell belongs to."""
    return _ours(cell).get("task")


def _ours(cell: Cell) -> Mapping[str, Any]:
    found = cell.get("metadata", {}).get("clerkship")
    return found if isinstance(found, Mapping) else {}


def is_graded(cell: Cell) -> bool:
    """Whether the cell carries points."""
    return bool(nbgrader_metadata(cell).get("grade"))


def is_solution(cell: Cell) -> bool:
    """Whether the student writes in the cell."""
    return bool(nbgrader_metadata(cell).get("solution"))


def is_test(cell: Cell) -> bool:
    """Whether the cell tests the student's code: graded, not theirs, and run."""
    return (
        cell.get("cell_type") == "code"
        and is_graded(cell)
        and not is_solution(cell)
        and kind_of(cell) not in WIDGET_KINDS
    )


def read_notebook(path: Path) -> Any:
    """Read a notebook file as format version 4."""
    return _nbformat.read(path, as_version=4)


def new_code_cell(source: str) -> Cell:
    """Make a code cell."""
    return _nbformat.v4.new_code_cell(source)


def new_markdown_cell(source: str, metadata: Mapping[str, Any] | None = None) -> Cell:
    """Make a Markdown cell."""
    return _nbformat.v4.new_markdown_cell(source, metadata=dict(metadata or {}))


def new_output(kind: str, data: Mapping[str, str] | None = None, **fields: Any) -> Any:
    """Make an output of a code cell."""
    return _nbformat.v4.new_output(kind, dict(data) if data else None, **fields)
