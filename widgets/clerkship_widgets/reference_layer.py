"""References on the images, for teachers: who drew what, and where the readers disagree."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clerkship_cases import CaseError
from clerkship_cases.key import open_key
from clerkship_widgets.answers import WidgetError

if TYPE_CHECKING:
    from clerkship_cases import Case
    from clerkship_cases.key import ReferenceFinding
    from clerkship_widgets.planes import Plane

#: Readings travel as one bit per reader in a byte; more lines than this nobody can tell apart.
MOST_READERS = 8

#: Kinds of shape that have an inside.
_AREAS = ("region", "ellipse")


@dataclass(frozen=True)
class ReferenceLayer:
    """A finding of the key as its readers drew it.

    Attributes
    ----------
    case : Case
        The images it lies on.
    name : str
        Of the finding.
    readings : dict of str to tuple of ReferenceFinding
        Parts of the finding by reader, in the order of the key.
    """

    case: Case
    name: str
    readings: dict[str, tuple[ReferenceFinding, ...]]

    def to_json(self) -> dict[str, Any]:
        """Describe the layer to the browser: who drew, shapes in LPS mm, and how far readers agree.

        Shapes are those that one outline holds; areas of several slices come slice by slice, see
        :meth:`votes`.
        """
        return {
            "name": self.name,
            "title": next(iter(self.readings.values()))[0].title,
            "readers": [
                {
                    "reader": reader,
                    "who": parts[0].who,
                    "reviewed": _reviewed(parts[0]),
                    "made_from": parts[0].made_from,
                    "at_lps_mm": np.mean(parts[0].shape.points_lps_mm, axis=0).tolist(),
                    "shapes": [
                        {"kind": part.shape.kind, "points_lps_mm": part.shape.points_lps_mm}
                        for part in parts
                        if part.mask is None
                    ],
                }
                for reader, parts in self.readings.items()
            ],
            "agreement": self._agreement(),
            "areas": self._bits(self._masks),
            "voters": self._bits(self._own),
        }

    def votes(self, plane: Plane, index: int) -> NDArray[np.uint8]:
        """Say which readers include each pixel of one slice.

        Returns
        -------
        votes : uint8 [row, column]
            Bit n stands for the n-th reader.
        """
        votes: NDArray[np.uint8] = plane.cut(self._votes, index).astype(np.uint8, copy=False)
        return votes

    @cached_property
    def _masks(self) -> dict[str, NDArray[np.bool_]]:
        """[slice, row, column] of each reader who drew an area."""
        masks = {}
        for reader, parts in self.readings.items():
            areas = [part for part in parts if part.mask or part.shape.kind in _AREAS]
            if areas:
                masks[reader] = np.logical_or.reduce([part.voxels(self.case) for part in areas])
        return masks

    @cached_property
    def _votes(self) -> NDArray[np.uint8]:
        votes = np.zeros(self.case.volume.array.shape[:3], dtype=np.uint8)
        for n, reader in enumerate(self.readings):
            if reader in self._masks:
                votes |= self._masks[reader].astype(np.uint8) << n
        return votes

    @property
    def _own(self) -> list[str]:
        """Readers who drew areas themselves; what was fused from them agrees with nobody and all."""
        return [reader for reader in self._masks if not self.readings[reader][0].made_from]

    def _bits(self, readers: Container[str]) -> int:
        return sum(1 << n for n, reader in enumerate(self.readings) if reader in readers)

    def _agreement(self) -> list[dict[str, Any]]:
        """Compute the overlap of every two readers who drew areas."""
        from clerkship_cases.reference import disagreement

        if len(self._own) < 2:
            return []
        masks = [self._masks[reader] for reader in self._own]
        box = _box(np.logical_or.reduce(masks))
        dice = disagreement([mask[box] for mask in masks]).dice
        return [
            {"readers": [a, b], "dice": float(dice[m, n])}
            for (m, a), (n, b) in combinations(enumerate(self._own), 2)
        ]


def reference_layer(case: Case, name: str, reader: str | None = None) -> ReferenceLayer:
    """Read a finding from the key of a case.

    Parameters
    ----------
    case : Case
        Its images must be here.
    name : str
        Of the finding.
    reader : str, optional
        Only this reader's; else everybody's, kept apart.

    Raises
    ------
    WidgetError
        If there is no key here (students have none), not this finding or reader in it, or more
        readers than can be told apart.
    """
    try:
        key = open_key(case.id)
        readings = key.readers(name)
        if reader is not None:
            key.finding(name, reader)  # says which there are
            readings = {reader: readings[reader]}
        if len(readings) > MOST_READERS:
            raise WidgetError(
                f"{len(readings)} readers have drawn {name!r}; {MOST_READERS} can be shown together. "
                f"Choose one with reader=…: {', '.join(readings)}."
            )
        layer = ReferenceLayer(case, name, readings)
        layer.to_json()  # opens the masks: what is wrong with them is said now
    except PermissionError:
        raise WidgetError(
            "References are shown on the teacher's side only: the keys can't be read from here."
        ) from None
    except CaseError as error:
        raise WidgetError(f"The reference can't be shown: {error}") from None
    return layer


def _reviewed(finding: ReferenceFinding) -> str:
    """Say in words how a reading was checked, and by whom."""
    if finding.reviewed == "none":
        return "not reviewed"
    by = f" ({finding.reviewed_by})" if finding.reviewed_by else ""
    return f"reviewed: {finding.reviewed}{by}"


def _box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Find the smallest box that holds a mask; whole axes where it is empty."""
    spans: Sequence[NDArray[np.intp]] = [
        np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        for axis in range(3)
    ]
    return tuple(
        slice(int(span[0]), int(span[-1]) + 1) if span.size else slice(0) for span in spans
    )
