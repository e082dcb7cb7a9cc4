"""What the cleaning of pixels reports: which areas were blanked, and why an image was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Code(NamedTuple):
    """A coded concept with the names of `pydicom.sr.coding.Code`, whose import reads every code there is."""

    value: str
    scheme_designator: str
    meaning: str


CLEAN_PIXEL_DATA = Code("113101", "DCM", "Clean Pixel Data Option")
"""Pixels were examined for identifying text, and it was removed. Source: PS3.15 E.3.1, CID 7050."""

CLEAN_VISUAL_FEATURES = Code("113102", "DCM", "Clean Recognizable Visual Features Option")
"""A face was made unrecognisable. Source: PS3.15 E.3.2, CID 7050."""


@dataclass(frozen=True, order=True)
class Box:
    """A rectangle of pixels; rows and columns are zero-based, `row1` and `column1` exclusive.

    Attributes
    ----------
    frame : int
        Zero-based frame; 0 in a single-frame image.
    """

    frame: int
    row0: int
    row1: int
    column0: int
    column1: int

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        return (self.row1 - self.row0) * (self.column1 - self.column0)

    def grown(self, margin: int, rows: int, columns: int) -> Box:
        """Return the box with `margin` pixels more on every side, kept inside the image."""
        return Box(
            self.frame,
            max(0, self.row0 - margin),
            min(rows, self.row1 + margin),
            max(0, self.column0 - margin),
            min(columns, self.column1 + margin),
        )

    def as_json(self) -> dict[str, int]:
        """Return the five numbers by name, as a report holds them."""
        return {
            "frame": self.frame,
            "row0": self.row0,
            "row1": self.row1,
            "column0": self.column0,
            "column1": self.column1,
        }


@dataclass(frozen=True)
class PixelOutcome:
    """What was done to the pixels of one image.

    Attributes
    ----------
    dataset_changed : bool
        Pixel data, or an attribute that describes it, was written anew.
    blanked : list of Box
        What was blanked, in pixels of the image.
    reason_to_refuse : str or None
        A sentence for a person; the image must not leave the hospital as it is.
    methods : tuple of Code
        CID 7050 codes of what was really done. `CLEAN_PIXEL_DATA` means that every frame was
        examined for text, also where none was found.
    examined : bool
        True when the pixels were searched for text; only then may Burned In Annotation say NO.
    notes : tuple of str
        What else was done, in words that carry no identity.
    """

    dataset_changed: bool = False
    blanked: list[Box] = field(default_factory=list)
    reason_to_refuse: str | None = None
    methods: tuple[Code, ...] = ()
    examined: bool = False
    notes: tuple[str, ...] = ()
