"""Voxels back to a closed shape: the outline of an area, for references made from pixels."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clerkship_cases.errors import CaseError


def outline_px(area: NDArray[np.bool_], tolerance_px: float = 0.0) -> list[tuple[float, float]]:
    """Outline of a filled area as (column, row) corners between pixels, first not repeated.

    Rasterised again it gives the same pixels (with ``tolerance_px`` 0).

    Parameters
    ----------
    area : bool [row, column]
        One connected area; holes are passed over.
    tolerance_px : float
        How far the outline may be simplified (Douglas-Peucker).
    """
    from skimage.measure import approximate_polygon, find_contours  # noqa: PLC0415 - slow to load

    outlines = find_contours(np.pad(area, 1).astype(float), 0.5)  # type: ignore[no-untyped-call]
    if not outlines:
        raise CaseError("an empty area has no outline.")
    longest = max(outlines, key=len)
    if tolerance_px:
        longest = approximate_polygon(longest, tolerance_px)  # type: ignore[no-untyped-call]
    return [(float(column) - 1, float(row) - 1) for row, column in longest[:-1]]


def connected_area(
    values: NDArray[np.generic], seed_px: tuple[int, int], below: float
) -> NDArray[np.bool_]:
    """Pixels lower than a threshold that hang together with a seed (edge to edge).

    Parameters
    ----------
    values : [row, column]
        One plane of an image.
    seed_px : (column, row)
        Where to start; must itself be below the threshold.
    below : float
        Threshold in the unit of the values; a pixel belongs when it is strictly lower.
    """
    column, row = seed_px
    areas, _count = ndimage.label(values < below)
    if areas[row, column] == 0:
        raise CaseError(
            f"the seed (column {column}, row {row}) has the value {values[row, column]}, which is not below {below}."
        )
    return np.asarray(areas == areas[row, column], dtype=np.bool_)
