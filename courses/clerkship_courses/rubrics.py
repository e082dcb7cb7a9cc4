"""Rubrics: what earns points in an annotate task and in a written one, and what is said back."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from clerkship_courses.errors import CourseError, one_of, suggestion
from clerkship_courses.located_yaml import load_yaml
from clerkship_courses.parts import ERROR_CLASSES, RubricLine

if TYPE_CHECKING:
    from pathlib import Path

    from clerkship_courses.source import Block

__all__ = ["read_annotate_rubric", "read_feedback", "read_mark_scheme"]

OUTLINES = ("region", "ellipse")
"""The tools that cover an area, which overlap is counted on."""
_RUBRIC_LINE = re.compile(r"^(?P<points>\d+(?:\.\d+)?)\s*:\s*(?P<text>\S.*)$")


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    points: float = Field(gt=0, description="write a number greater than 0")


class _Overlap(_Rule):
    full_dice: float = Field(0.7, gt=0, le=1, description="write a Dice value up to 1")
    zero_dice: float = Field(0.3, ge=0, lt=1, description="write a Dice value below full_dice")
    slices: int = Field(0, ge=0, description="write how many slices away still counts")

    @model_validator(mode="after")
    def _rises(self) -> _Overlap:
        if self.zero_dice >= self.full_dice:
            raise ValueError(
                f"zero_dice is {self.zero_dice} and full_dice {self.full_dice}; "
                f"make zero_dice the smaller one"
            )
        return self


class _Placement(_Rule):
    radius: float = Field(1.0, gt=0, description="write a multiple of the finding's radius")
    radius_mm: float | None = Field(None, gt=0, description="write millimetres, or leave it out")


class _AnnotateRubric(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    overlap: _Overlap | None = Field(None, description="write {points: …, full_dice: …}")
    placement: _Placement | None = Field(None, description="write {points: …, radius: …}")
    laterality: _Rule | None = Field(None, description="write {points: …}")
    over_called_ratio: float = Field(2.0, gt=1, description="write a ratio greater than 1")
    midline_x_lps_mm: float = Field(0.0, description="write millimetres")

    @property
    def points(self) -> float:
        rules = (self.overlap, self.placement, self.laterality)
        return sum(rule.points for rule in rules if rule is not None)


def read_annotate_rubric(
    block: Block, path: Path, points: float, tools: tuple[str, ...]
) -> dict[str, Any]:
    """Read the rubric of an annotate task.

    Parameters
    ----------
    block : Block
        YAML with `overlap`, `placement` and `laterality`.
    path : Path
        The file, for messages.
    points : float
        What the rules must add up to.
    tools : tuple of str
        What the student may draw with.

    Returns
    -------
    dict
        The entries that were written, as the key bundle holds them.

    Raises
    ------
    CourseError
        At the line of the first mistake.
    """
    sheet = load_yaml(block.text, path, block.line)
    if not isinstance(sheet.data, dict):
        raise sheet.error(
            "the rubric is not understood; write lines such as "
            "'overlap: {points: 4, full_dice: 0.7, zero_dice: 0.3}'."
        )
    rubric = sheet.read(_AnnotateRubric)
    if not math.isclose(rubric.points, points):
        raise sheet.error(
            f"the rubric adds up to {rubric.points:g} points, but the task has "
            f"points={points:g}; make them equal."
        )
    if rubric.overlap and not set(tools) & set(OUTLINES):
        raise sheet.error(
            f"the rubric counts overlap, but the tools ({', '.join(tools)}) cover no area; "
            f"offer {one_of(OUTLINES)}, or score placement only.",
            "overlap",
        )
    return rubric.model_dump(exclude_unset=True, exclude_none=True)


def read_feedback(block: Block, path: Path) -> dict[str, str]:
    """Read what a student hears: class of error -> sentences.

    Raises
    ------
    CourseError
        At the line of a class that graders do not know.
    """
    sheet = load_yaml(block.text, path, block.line)
    if not isinstance(sheet.data, dict):
        raise sheet.error("the feedback is not understood; write lines such as 'missed: …'.")
    for name, text in sheet.data.items():
        if name not in ERROR_CLASSES:
            raise sheet.error(
                f"'{name}' is no class of error; they are {one_of(ERROR_CLASSES)}."
                f"{suggestion(name, ERROR_CLASSES)}",
                name,
            )
        if not isinstance(text, str):
            raise sheet.error(f"the feedback for '{name}' is {text!r}; write text.", name)
    return dict(sheet.data)


def read_mark_scheme(block: Block, path: Path, points: float) -> tuple[RubricLine, ...]:
    """Read the mark scheme of a written task: one `points: what earns them` on each line.

    Raises
    ------
    CourseError
        At the line that is none, or when they do not add up to the points of the task.
    """
    lines = []
    for offset, row in enumerate(block.text.splitlines()):
        if not row.strip():
            continue
        match = _RUBRIC_LINE.match(row.strip())
        if match is None:
            raise CourseError(
                f"{row.strip()!r} is no line of a mark scheme; write the points, a colon, and "
                f"what earns them, for instance '2: names the lesion and the bone'.",
                path,
                block.line + offset,
            )
        lines.append(RubricLine(float(match["points"]), match["text"]))
    total = sum(line.points for line in lines)
    if not math.isclose(total, points):
        raise CourseError(
            f"the rubric adds up to {total:g} points, but the task has points={points:g}; "
            f"make them equal.",
            path,
            block.line,
        )
    return tuple(lines)
