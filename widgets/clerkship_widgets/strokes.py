"""What was drawn, with undo: annotations as a history of immutable states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clerkship_cases import Annotation

#: States kept for undo. A reading has tens of strokes; this only bounds memory.
MOST_STATES = 200


class AnnotationHistory:
    """The current annotations and the way there.

    Parameters
    ----------
    annotations : iterable of Annotation
        What was there before; undo never goes behind it.
    """

    def __init__(self, annotations: Iterable[Annotation] = ()) -> None:
        self._past: list[tuple[Annotation, ...]] = []
        self._now: tuple[Annotation, ...] = tuple(annotations)
        self._future: list[tuple[Annotation, ...]] = []

    @property
    def now(self) -> tuple[Annotation, ...]:
        """The annotations as they stand, oldest first."""
        return self._now

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back that can be done again."""
        return bool(self._future)

    def put(self, annotation: Annotation) -> bool:
        """Add an annotation, or replace the one with its uid; say whether anything changed."""
        uids = [known.uid for known in self._now]
        if annotation.uid not in uids:
            return self._step((*self._now, annotation))
        place = uids.index(annotation.uid)
        return self._step((*self._now[:place], annotation, *self._now[place + 1 :]))

    def remove(self, uid: str) -> bool:
        """Take an annotation away; say whether it was there."""
        return self._step(tuple(known for known in self._now if known.uid != uid))

    def undo(self) -> bool:
        """Go back one step; say whether there was one."""
        if not self._past:
            return False
        self._future.append(self._now)
        self._now = self._past.pop()
        return True

    def redo(self) -> bool:
        """Do again what was undone last; say whether there was anything."""
        if not self._future:
            return False
        self._past.append(self._now)
        self._now = self._future.pop()
        return True

    def _step(self, after: tuple[Annotation, ...]) -> bool:
        if after == self._now:
            return False
        self._past = [*self._past, self._now][-MOST_STATES:]
        self._now = after
        self._future.clear()
        return True


def measurement_lines(annotation: Annotation, measures: dict[str, Any]) -> list[str]:
    """Put measurements into the short lines that stand beside a shape.

    Parameters
    ----------
    annotation : Annotation
        What was measured.
    measures : dict
        From :func:`clerkship_cases.measure`.

    Returns
    -------
    list of str
        For instance ``["38.6 mm"]`` or ``["412 mm²", "mean 38.0 ± 9.1 HU"]``; empty for an arrow.
    """
    lines: list[str] = []
    if "length" in measures:
        lines.append(f"{_short(measures['length'])} {measures.get('unit', '')}".strip())
    if "angle_deg" in measures:
        lines.append(f"{measures['angle_deg']:.1f}°")
    if "area" in measures:
        lines.append(f"{_short(measures['area'])} {measures.get('unit', '')}".strip())
    if annotation.kind in ("ellipse", "region") and "mean" in measures:
        unit = measures.get("value_unit", "")
        spread = f"mean {_short(measures['mean'])} ± {_short(measures.get('sd', 0.0))}"
        lines.append(spread if unit in ("", "1") else f"{spread} {unit}")
    return lines


def _short(value: float) -> str:
    """Write a number as a reader would: three figures or so, no exponent."""
    return (
        f"{value:.0f}"
        if abs(value) >= 100
        else f"{value:.1f}"
        if abs(value) >= 1
        else f"{value:.2g}"
    )
