"""The answer key: what must be gone, what must have changed, and what must still be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from deidentify.tokens import Token

ACTIONS = (
    "date_shifted",
    "patid_consistent",
    "pixels_hidden",
    "pixels_retained",
    "tag_retained",
    "text_notnull",
    "text_removed",
    "text_retained",
    "uid_changed",
    "uid_consistent",
)
"""The ten classes of the MIDI-B challenge (Medical Image De-Identification Benchmark, 2024)."""


@dataclass(frozen=True)
class Kept:
    """An attribute that teaching needs.

    Attributes
    ----------
    file : str
    action : str
        One of `ACTIONS`.
    path : str
        "Modality", or "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing".
    expected : object
        The value in the input.
    agrees : callable or None
        (expected, found) -> bool, where equality is not what is asked: ages in bands.
    """

    file: str
    action: str
    path: str
    expected: Any
    agrees: Callable[[Any, Any], bool] | None = None


@dataclass(frozen=True)
class Painted:
    """Text that was painted into pixels.

    Attributes
    ----------
    token : Token
    frame : int
        Zero-based.
    row, column : int
        Upper left corner of `letters`.
    letters : (rows, columns) bool
        True where the pixel was painted.
    """

    token: Token
    frame: int
    row: int
    column: int
    letters: npt.NDArray[np.bool_]


@dataclass
class AnswerKey:
    """Everything that was planted, and everything that must be kept."""

    tokens: list[Token] = field(default_factory=list)
    painted: list[Painted] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    areas: dict[str, list[tuple[int, int, int, int, int]]] = field(default_factory=dict)
    """file -> (frame, row0, row1, column0, column1) that must keep their pixel values."""
    may_be_refused: set[str] = field(default_factory=set)
    """Files of which nothing useful would be left: refusing them is right."""

    @property
    def files(self) -> list[str]:
        """Names of all files that carry a token, sorted."""
        return sorted({token.file for token in self.tokens})
