"""The key bundle: what the teacher's side knows and a student must not see.

The format is described in ARCHITECTURE.md. A mistake in it is the author's, so it is reported
before any submission is touched, with the file, the place and the remedy.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import GradingError

POINTS_SLACK = 1e-6
"""Sums of points are compared to this, so that thirds may be written as decimals."""


class _Strict(BaseModel):
    """A rubric rule: a misspelt name must not silently fall back to a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Open(BaseModel):
    """Tasks and items may carry more than grading needs."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class OverlapRule(_Strict):
    """Points for covering the reference outline."""

    points: float = Field(gt=0)
    full_dice: float = Field(0.7, gt=0, le=1)
    zero_dice: float = Field(0.3, ge=0, lt=1)
    slices: int = Field(0, ge=0)
    """How many slices (planes of the view that it was drawn in) it may lie off the reference."""

    @model_validator(mode="after")
    def _rises(self) -> OverlapRule:
        if self.zero_dice >= self.full_dice:
            raise ValueError(
                f"zero_dice is {self.zero_dice} and full_dice {self.full_dice}; "
                "zero_dice must be the smaller one"
            )
        return self


class PlacementRule(_Strict):
    """Points for the right place. One of the two limits applies; ``radius_mm`` wins."""

    points: float = Field(gt=0)
    radius: float = Field(1.0, gt=0)
    """In radii of a disc (or ball) as large as the reference: works without a scale."""
    radius_mm: float | None = Field(None, gt=0)


class LateralityRule(_Strict):
    """Points for the right side of the patient."""

    points: float = Field(gt=0)


class AnnotateRubric(_Strict):
    """How the points of an annotate task are made up."""

    overlap: OverlapRule | None = None
    placement: PlacementRule | None = None
    laterality: LateralityRule | None = None
    over_called_ratio: float = Field(2.0, gt=1)
    """An outline this many times larger than the reference is over-called."""
    midline_x_lps_mm: float = 0.0
    """Where the mid-sagittal plane lies, when the patient was not centred."""

    @property
    def points(self) -> float:
        """Sum over the rules."""
        rules = (self.overlap, self.placement, self.laterality)
        return sum(rule.points for rule in rules if rule is not None)


class AnnotateTask(_Open):
    """Mark something on a case."""

    kind: Literal["annotate"]
    points: float = Field(gt=0)
    case: str
    finding: str
    label: str | None = None
    """When given, only marks with this label (or none) count."""
    rubric: AnnotateRubric
    feedback: dict[str, str] = {}
    show_reference: bool = False

    @model_validator(mode="after")
    def _adds_up(self) -> AnnotateTask:
        _check_sum("the rubric", self.rubric.points, self.points)
        return self


class ChoiceItem(_Open):
    """One option (``choice``) or several (``choices``)."""

    kind: Literal["choice", "choices"]
    points: float = Field(gt=0)
    answer: list[str] = Field(min_length=1)
    options: dict[str, str] = {}
    """Every option with its text."""
    stem: str = ""
    feedback: dict[str, str] = {}
    explanation: str = ""


class NumberItem(_Open):
    """A number, with a tolerance and a unit."""

    kind: Literal["number"]
    points: float = Field(gt=0)
    answer: float
    tolerance: float = Field(0.0, ge=0)
    unit: str | None = None
    stem: str = ""
    explanation: str = ""


Item = Annotated[ChoiceItem | NumberItem, Field(discriminator="kind")]


class QuizTask(_Open):
    """A set of items."""

    kind: Literal["quiz"]
    points: float = Field(gt=0)
    items: dict[str, Item] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> QuizTask:
        _check_sum("the items", sum(item.points for item in self.items.values()), self.points)
        return self


class RubricLine(_Open):
    """One line of the mark scheme that a person grades by."""

    points: float = Field(ge=0)
    text: str


class WrittenTask(_Open):
    """Free text, graded by hand."""

    kind: Literal["written"]
    points: float = Field(gt=0)
    rubric: list[RubricLine] = []


class CodeTask(_Open):
    """Code, graded by its tests."""

    kind: Literal["code"]
    points: float = Field(gt=0)


Task = Annotated[AnnotateTask | QuizTask | WrittenTask | CodeTask, Field(discriminator="kind")]


class KeyBundle(_Open):
    """All keys of one module."""

    course: str
    module: str
    tasks: dict[str, Task]


def _check_sum(what: str, total: float, points: float) -> None:
    if not math.isclose(total, points, abs_tol=POINTS_SLACK):
        raise ValueError(
            f"{what} add up to {total:g} points, but the task gives {points:g}; make them equal"
        )


def load_key_bundle(source: KeyBundle | Path | str | dict[str, Any]) -> KeyBundle:
    """Read and check a key bundle.

    Parameters
    ----------
    source : path, dict or KeyBundle
        ``<course root>/keys/<module>.json``, or its content.

    Raises
    ------
    GradingError
        If the file is missing, is not JSON or breaks the format; names the place and the remedy.
    """
    if isinstance(source, KeyBundle):
        return source
    if isinstance(source, dict):
        return _validated(source, "key bundle")
    path = Path(source)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise GradingError(
            f"{path}: there is no key bundle here; build the course again ('clerkship build')"
        ) from exc
    except (OSError, ValueError) as exc:
        raise GradingError(f"{path}: not a readable JSON file ({exc}); build it again") from exc
    return _validated(data, str(path))


def _validated(data: object, name: str) -> KeyBundle:
    try:
        return KeyBundle.model_validate(data)
    except ValidationError as exc:
        first = exc.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "top level"
        reason = first["msg"].removeprefix("Value error, ")
        raise GradingError(f"{name}: {place}: {reason}") from exc
