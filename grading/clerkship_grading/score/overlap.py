"""How well two masks on the same grid cover each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


def _check_same_grid(first: Mask, second: Mask) -> None:
    if first.shape != second.shape:
        raise ValueError(
            f"the masks have shapes {first.shape} and {second.shape}; both must lie on the grid of "
            "the same case, as region_mask() gives them"
        )


def dice(first: Mask, second: Mask) -> float:
    """Twice the common part over the sum of both.

    Parameters
    ----------
    first, second : bool array, any shape, both the same
        Masks on one grid.

    Returns
    -------
    float
        0 (apart) to 1 (equal). Two empty masks agree: 1. One empty mask: 0.

    Raises
    ------
    ValueError
        If the shapes differ.

    Source
    ------
    Dice LR, Ecology 1945;26:297-302, doi:10.2307/1932409. Empty masks: our rule, stated above.

    Examples
    --------
    >>> import numpy as np
    >>> dice(np.array([True, True, False]), np.array([False, True, True]))
    0.5
    """
    _check_same_grid(first, second)
    total = int(np.count_nonzero(first)) + int(np.count_nonzero(second))
    if total == 0:
        return 1.0
    return 2 * int(np.count_nonzero(first & second)) / total


def jaccard(first: Mask, second: Mask) -> float:
    """Divide the common part by the whole: ``dice / (2 - dice)``.

    Parameters
    ----------
    first, second : bool array, any shape, both the same
        Masks on one grid.

    Returns
    -------
    float
        0 to 1; empty masks as in :func:`dice`.

    Source
    ------
    Jaccard P, New Phytologist 1912;11:37-50, doi:10.1111/j.1469-8137.1912.tb05611.x.
    """
    overlap = dice(first, second)
    return overlap / (2 - overlap)


def best_dice_nearby(mask: Mask, reference: Mask, steps: int = 0, axis: int = 0) -> float:
    """Dice with the mask moved up to ``steps`` planes either way, the best of them.

    A reference outline lies in one plane; a reader who outlines the same structure in the
    neighbouring plane has found it. How many planes are forgiven is the teacher's choice.

    Parameters
    ----------
    mask, reference : (slice, row, column) bool
        Masks on one grid.
    steps : int
        Largest move, in voxels, 0 or more.
    axis : int
        Array axis to move along: across the plane of the reference.

    Returns
    -------
    float
        0 to 1.
    """
    _check_same_grid(mask, reference)
    drawn, expected = np.moveaxis(mask, axis, 0), np.moveaxis(reference, axis, 0)
    best = dice(drawn, expected)
    for step in range(1, min(steps, len(drawn) - 1) + 1):
        up, down = np.zeros_like(drawn), np.zeros_like(drawn)
        up[step:], down[:-step] = drawn[:-step], drawn[step:]
        best = max(best, dice(up, expected), dice(down, expected))
    return best


def linear_credit(value: float, zero_at: float, full_at: float) -> float:
    """Credit that rises in a straight line from ``zero_at`` (0) to ``full_at`` (1).

    Examples
    --------
    >>> linear_credit(0.5, 0.25, 0.75)
    0.5
    """
    if not zero_at < full_at:
        raise ValueError(
            f"credit starts at {zero_at} and is full at {full_at}; it must start lower than it ends"
        )
    return float(min(1.0, max(0.0, (value - zero_at) / (full_at - zero_at))))
