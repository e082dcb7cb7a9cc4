"""Overlay planes (60xx): marks that a reader drew into an image file.

They never reach the public volume or headers; here they become the outline of a reference.

Source
------
DICOM PS3.3 C.9.2 (overlay plane module).
"""

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from clerkship_cases.errors import CaseError

_FIRST_GROUP, _LAST_GROUP = 0x6000, 0x601E
#: Lines are one pixel wide and touch at corners too.
_TOUCHING = np.ones((3, 3), dtype=bool)


def overlay_planes(dataset: Dataset) -> list[NDArray[np.bool_]]:
    """All overlay planes of an image, placed on its pixels: bool [row, column]."""
    planes = []
    for group in range(_FIRST_GROUP, _LAST_GROUP + 1, 2):
        if (group, 0x3000) not in dataset:
            continue
        drawn = np.asarray(dataset.overlay_array(group), dtype=bool)
        row, column = (int(n) - 1 for n in dataset[group, 0x0050].value)  # origin counts from 1
        if drawn.ndim != 2 or min(row, column) < 0:
            raise CaseError(
                f"overlay {group:04x}: only one frame that starts inside the image is read."
            )
        plane = np.zeros((int(dataset.Rows), int(dataset.Columns)), dtype=bool)
        part = plane[row : row + drawn.shape[0], column : column + drawn.shape[1]]
        part |= drawn[: part.shape[0], : part.shape[1]]
        planes.append(plane)
    return planes


def enclosed_areas(drawn: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Fill each closed line of an overlay, line included; largest area first.

    Lettering may enclose something too (the inside of an A): the caller chooses by size or place.

    Parameters
    ----------
    drawn : bool [row, column]
        An overlay plane.
    """
    lines, count = ndimage.label(drawn, structure=_TOUCHING)
    areas = []
    for n in range(1, count + 1):
        line = lines == n
        filled = ndimage.binary_fill_holes(line)
        if filled.sum() > line.sum():
            areas.append(np.asarray(filled, dtype=np.bool_))
    return sorted(areas, key=lambda area: int(area.sum()), reverse=True)
