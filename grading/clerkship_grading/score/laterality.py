"""The side of the patient that a mark is on."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Side(StrEnum):
    """The patient's own left or right, or astride the mid-line."""

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"


def side_of(points_lps_mm: npt.NDArray[np.float64], midline_x_lps_mm: float = 0.0) -> Side:
    """Side of the mid-sagittal plane on which all points lie.

    Only meaningful where the axes are the patient's: a radiograph without an orientation has no
    side in this sense.

    Parameters
    ----------
    points_lps_mm : (n, 3) float
        Patient coordinates, millimetres; +x is the patient's left.
    midline_x_lps_mm : float
        Where the mid-sagittal plane crosses the x axis.

    Returns
    -------
    Side
        ``MIDLINE`` when the points lie on both sides, or there is none.

    Source
    ------
    DICOM PS3.3 C.7.6.2.1.1: the x-axis increases to the left hand side of the patient.
    """
    x_mm = np.atleast_2d(points_lps_mm)[:, 0] - midline_x_lps_mm if len(points_lps_mm) else None
    if x_mm is None:
        return Side.MIDLINE
    if bool(np.all(x_mm > 0)):
        return Side.LEFT
    if bool(np.all(x_mm < 0)):
        return Side.RIGHT
    return Side.MIDLINE
