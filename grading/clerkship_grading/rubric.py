"""From marks to points: measure what the student drew, then apply the rubric.

Pure functions on masks and points; see :mod:`.submission` for the files around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from .keybundle import AnnotateRubric
from .score import (
    Side,
    best_dice_nearby,
    centroid_lps_mm,
    equivalent_radius_mm,
    linear_credit,
    placement_credit,
    side_of,
    thin_axis,
)

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class ErrorClass(StrEnum):
    """What kind of error an answer is, in the words of a reading room."""

    GOOD = "good"
    MISSED = "missed"
    WRONG_SIDE = "wrong_side"
    WRONG_PLACE = "wrong_place"
    OVER_CALLED = "over_called"
    UNDER_CALLED = "under_called"
    """Right place, but much of the finding lies outside the outline."""
    PARTLY = "partly"
    WRONG = "wrong"
    BLANK = "blank"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Mark:
    """One thing that the student drew, brought onto the case's grid.

    ``mask`` is empty for a mark without area (an arrow): it has a place, but covers nothing.
    """

    mask: Mask
    centre_lps_mm: Floats


@dataclass(frozen=True)
class Scene:
    """The grid and the reference that marks are held against."""

    reference: Mask
    affine_lps_mm: Floats
    spacing_mm: tuple[float, float, float]
    """(column, row, slice)."""
    is_calibrated: bool
    is_patient_oriented: bool
    """Whether x, y, z are the patient's own axes, so that a side has a meaning."""


@dataclass(frozen=True)
class RubricLineScore:
    """Points of one rule, with the reason."""

    points: float
    max_points: float
    reason: str


@dataclass(frozen=True)
class Judgement:
    """The outcome for one annotate task."""

    error_class: ErrorClass
    lines: tuple[RubricLineScore, ...] = field(default=())

    @property
    def points(self) -> float:
        """Sum over the rules."""
        return sum(line.points for line in self.lines)


def judge_marks(marks: Sequence[Mark], scene: Scene, rubric: AnnotateRubric) -> Judgement:
    """Hold marks against the reference.

    Parameters
    ----------
    marks : sequence of Mark
        What the student drew; empty when nothing was drawn.
    scene : Scene
        Grid, reference mask and what its axes mean.
    rubric : AnnotateRubric
        The teacher's rules.

    Returns
    -------
    Judgement
        Points per rule with reasons, and the error class.

    Raises
    ------
    ValueError
        If the reference is empty: there would be nothing to find.
    """
    if not scene.reference.any():
        raise ValueError("the reference covers no voxel of its case; redraw the key's outline")
    if not marks:
        return Judgement(ErrorClass.MISSED, tuple(_lines_for_nothing(rubric)))

    drawn = np.logical_or.reduce([mark.mask for mark in marks])
    centre = centroid_lps_mm(scene.reference, scene.affine_lps_mm)
    radius_mm, limit_mm = _limits_mm(scene, rubric)
    distances_mm = [float(np.linalg.norm(mark.centre_lps_mm - centre)) for mark in marks]
    slices = rubric.overlap.slices if rubric.overlap else 0
    across = thin_axis(scene.reference) or 0
    overlap = best_dice_nearby(drawn, scene.reference, slices, across)
    hits = [
        distance <= limit_mm or bool((mark.mask & scene.reference).any())
        for mark, distance in zip(marks, distances_mm, strict=True)
    ]
    side = side_credit(marks, scene, rubric)

    lines = []
    if rubric.overlap is not None:
        rule = rubric.overlap
        credit = linear_credit(overlap, rule.zero_dice, rule.full_dice)
        reason = (
            f"Outline: overlap with the reference {overlap:.2f} (Dice; full points from "
            f"{rule.full_dice:.2f}, none up to {rule.zero_dice:.2f})"
        )
        lines.append(RubricLineScore(rule.points * credit, rule.points, reason))
    if rubric.placement is not None:
        credit = placement_credit(distances_mm, limit_mm)
        reason = _placement_reason(distances_mm, limit_mm, radius_mm, scene.is_calibrated)
        points = rubric.placement.points
        lines.append(RubricLineScore(points * credit, points, reason))
    if rubric.laterality is not None:
        points = rubric.laterality.points
        # Where a side has no meaning, having found the finding is having found its side.
        credit = float(any(hits)) if side is None else side
        lines.append(RubricLineScore(points * credit, points, _side_reason(side)))

    larger = np.count_nonzero(drawn) / np.count_nonzero(scene.reference)
    return Judgement(_classify(hits, side, larger, overlap, rubric), tuple(lines))


def side_credit(marks: Sequence[Mark], scene: Scene, rubric: AnnotateRubric) -> float | None:
    """Share of the marks on the reference's side; ``None`` where a side has no meaning.

    There is none for an image without the patient's axes, nor for a finding astride the mid-line.
    """
    if not scene.is_patient_oriented:
        return None
    midline = rubric.midline_x_lps_mm
    reference_side = side_of(_points_lps_mm(scene.reference, scene.affine_lps_mm), midline)
    if reference_side is Side.MIDLINE:
        return None
    sides = [side_of(mark.centre_lps_mm[None, :], midline) for mark in marks]
    return sum(side is reference_side for side in sides) / len(sides)


def _classify(
    hits: list[bool], side: float | None, larger: float, overlap: float, rubric: AnnotateRubric
) -> ErrorClass:
    if not any(hits):
        return ErrorClass.WRONG_SIDE if side == 0 else ErrorClass.WRONG_PLACE
    if not all(hits) or larger > rubric.over_called_ratio:
        return ErrorClass.OVER_CALLED
    too_little = rubric.overlap is not None and overlap < rubric.overlap.full_dice and larger < 1
    return ErrorClass.UNDER_CALLED if too_little else ErrorClass.GOOD


def _limits_mm(scene: Scene, rubric: AnnotateRubric) -> tuple[float, float]:
    """Equivalent radius of the reference, and how far a mark's centre may lie from its centre."""
    radius_mm = equivalent_radius_mm(scene.reference, scene.spacing_mm)
    rule = rubric.placement
    if rule is not None and rule.radius_mm is not None and scene.is_calibrated:
        return radius_mm, rule.radius_mm
    return radius_mm, radius_mm * (rule.radius if rule is not None else 1.0)


def _placement_reason(
    distances_mm: list[float], limit_mm: float, radius_mm: float, is_calibrated: bool
) -> str:
    nearest_mm = min(distances_mm)
    if is_calibrated:
        text = (
            f"Place: {nearest_mm:.0f} mm from the finding's centre; up to {limit_mm:.0f} mm counts"
        )
    else:  # no scale on this image: the finding itself is the yardstick
        text = (
            f"Place: {nearest_mm / radius_mm:.1f} times the finding's radius from its centre; "
            f"up to {limit_mm / radius_mm:.1f} counts"
        )
    outside = sum(distance > limit_mm for distance in distances_mm)
    if 0 < outside < len(distances_mm):
        text += f"; {outside} of {len(distances_mm)} marks lie elsewhere"
    return text


def _side_reason(side: float | None) -> str:
    if side is None:
        return "Side: it can't be told on this image, so the place decides"
    if side == 1:
        return "Side: correct"
    return f"Side: {'some marks are on ' if side else ''}the other side of the patient"


def _lines_for_nothing(rubric: AnnotateRubric) -> list[RubricLineScore]:
    named = (
        ("Outline", rubric.overlap),
        ("Place", rubric.placement),
        ("Side", rubric.laterality),
    )
    return [
        RubricLineScore(0.0, rule.points, f"{name}: nothing was marked")
        for name, rule in named
        if rule is not None
    ]


def _points_lps_mm(mask: Mask, affine_lps_mm: Floats) -> Floats:
    ijk = np.argwhere(mask)[:, ::-1]
    return np.asarray(ijk @ affine_lps_mm[:3, :3].T + affine_lps_mm[:3, 3], dtype=np.float64)
