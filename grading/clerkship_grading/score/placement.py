"""Is a mark in the right place? Centres, distances and the acceptance radius."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def centroid_lps_mm(mask: npt.NDArray[np.bool_], affine_lps_mm: Floats) -> Floats:
    """Centre of a mask in patient coordinates.

    Parameters
    ----------
    mask : (slice, row, column) bool
        At least one voxel must be set.
    affine_lps_mm : (4, 4) float
        (column, row, slice) index, zero-based at voxel centres -> LPS millimetres.

    Returns
    -------
    (3,) float
        LPS millimetres (nominal, 1 px = 1, for an image without pixel spacing).

    Raises
    ------
    ValueError
        If the mask is empty.
    """
    kji = np.argwhere(mask)
    if not len(kji):
        raise ValueError("an empty mask has no centre; decide first what an empty mask means")
    centre_ijk = kji.mean(axis=0)[::-1]
    return np.asarray(affine_lps_mm[:3, :3] @ centre_ijk + affine_lps_mm[:3, 3], dtype=np.float64)


def equivalent_radius_mm(
    mask: npt.NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> float:
    """Radius of the disc (a mask in one plane of the grid) or ball as large as the mask.

    Parameters
    ----------
    mask : (slice, row, column) bool
    spacing_mm : (column, row, slice) spacing
        Millimetres, or 1 for an image without pixel spacing.

    Returns
    -------
    float
        ``sqrt(area / pi)`` or ``(3 volume / 4 pi) ** (1/3)``; 0 for an empty mask.
    """
    if not mask.any():
        return 0.0
    volume_mm3 = int(np.count_nonzero(mask)) * math.prod(spacing_mm)
    axis = thin_axis(mask)
    if axis is None:
        return float((3 * volume_mm3 / (4 * math.pi)) ** (1 / 3))
    thickness_mm = spacing_mm[2 - axis]  # spacing is (column, row, slice), axes the other way
    return math.sqrt(volume_mm3 / thickness_mm / math.pi)


def thin_axis(mask: npt.NDArray[np.bool_]) -> int | None:
    """Array axis along which a mask is one voxel thick: it was drawn in a plane across it.

    Returns
    -------
    int or None
        0 for a mask in one slice, 1 in one row (a coronal view of axial slices), 2 in one column;
        ``None`` for a solid or an empty mask.
    """
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        if np.count_nonzero(mask.any(axis=others)) == 1:
            return axis
    return None


def placement_credit(distances: list[float], limit: float) -> float:
    """Share of the marks whose centre lies within ``limit`` of the reference centre.

    One mark in the right place: 1. The right place and three guesses elsewhere: 1/4, so that
    marking everything does not pay.

    Parameters
    ----------
    distances : list of float
        One distance per mark, same unit as ``limit``.
    limit : float
        Acceptance radius. There is no true value for it: the teacher sets it in the rubric.
    """
    if not distances:
        return 0.0
    return sum(distance <= limit for distance in distances) / len(distances)
