"""Quiz items: what a set of ticks or a number is worth.

An item that was not touched scores 0, whatever the rule would give it: a blank quiz is worth
nothing. (A rule that also credits every option rightly left alone would pay for silence.)
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ItemResult:
    """What an answer to one item earned, and why."""

    credit: float
    """0 to 1."""
    verdict: Literal["right", "partly", "wrong", "blank"]
    note: str = ""
    """One sentence when the reason is not plain from the verdict."""


BLANK = ItemResult(0.0, "blank")


def score_choice(ticked: Collection[str], answer: Collection[str]) -> ItemResult:
    """One choice out of several: all or nothing.

    Parameters
    ----------
    ticked : option ids that the student ticked
    answer : option ids that count as right, usually one

    Examples
    --------
    >>> score_choice(["metaphysis"], ["metaphysis"]).credit
    1.0
    """
    if not ticked:
        return BLANK
    if len(set(ticked)) == 1 and set(ticked) <= set(answer):
        return ItemResult(1.0, "right")
    return ItemResult(0.0, "wrong")


def score_choices(
    ticked: Collection[str], answer: Collection[str], options: Collection[str] = ()
) -> ItemResult:
    """Several choices: each right tick earns its share, each wrong tick costs one, never below 0.

    With ``r`` right options a right tick is worth ``1/r`` and a wrong one costs as much; where
    there are fewer wrong options than right ones, ``w``, it costs ``1/w``, so that ticking
    everything earns nothing. An option left alone earns nothing either.

    Parameters
    ----------
    ticked : option ids that the student ticked
    answer : option ids that are right, one or more
    options : all option ids, when known

    Examples
    --------
    >>> score_choices(["a", "b", "x"], ["a", "b"]).credit
    0.5
    >>> score_choices(["a", "b", "c", "x"], ["a", "b", "c"], options=["a", "b", "c", "x"]).credit
    0.0
    """
    ticks, right = set(ticked), set(answer)
    if not ticks:
        return BLANK
    if ticks == right:
        return ItemResult(1.0, "right")
    wrong_options = len(set(options) - right) or len(right)
    cost = 1 / min(len(right), wrong_options)
    credit = max(0.0, len(ticks & right) / len(right) - cost * len(ticks - right))
    return ItemResult(credit, "partly" if credit > 0 else "wrong")


def score_number(
    value: float,
    answer: float,
    tolerance: float,
    *,
    unit: str | None = None,
    given_unit: str | None = None,
) -> ItemResult:
    """Judge a number with a tolerance, in the unit that was asked for.

    Parameters
    ----------
    value, answer, tolerance : float
        All in ``unit``; the limits of the tolerance are accepted.
    unit : str, optional
        The unit that the item asks for.
    given_unit : str, optional
        The unit that the student gave, where the item lets them.
    """
    if not math.isfinite(value):
        return ItemResult(0.0, "wrong", "The answer is not a finite number.")
    if given_unit and unit and given_unit.strip() != unit:
        return ItemResult(0.0, "wrong", f"The answer is asked for in {unit}.")
    # One part in 10^9 forgives binary fractions: 0.3 is within 0.1 of 0.2.
    slack = 1e-9 * max(1.0, abs(answer))
    if abs(value - answer) <= tolerance + slack:
        return ItemResult(1.0, "right")
    return ItemResult(0.0, "wrong")
