"""Voxels back to a closed shape: the outline of an area, for references made from pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from clerkship_cases.errors import CaseError

_Corner = tuple[int, int]


def outline_px(area: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Outline of an area along the edges of its pixels, as (column, row) corners, first not repeated.

    Corners lie midway between pixel centres, so the outline filled again gives the same pixels, and its
    area is their number. Of an area in several parts the longest outline is given; holes are passed over.

    Parameters
    ----------
    area : bool [row, column]
    """
    outlines = _closed_lines(_edges(area))
    if not outlines:
        raise CaseError("an empty area has no outline.")
    return _corners(max(outlines, key=len))


def outlines_px(area: NDArray[np.bool_]) -> list[list[tuple[float, float]]]:
    """Outlines of every part of an area and of every hole in it, as :func:`outline_px` gives one.

    Filled together by the even-odd rule they give the same pixels. An empty area has none.

    Parameters
    ----------
    area : bool [row, column]
    """
    return [_corners(line) for line in _closed_lines(_edges(area))]


def _corners(line: list[_Corner]) -> list[tuple[float, float]]:
    """Keep the corners at which a line of pixel edges turns."""
    turns = [
        here
        for before, here, after in zip(
            line[-1:] + line[:-1], line, line[1:] + line[:1], strict=True
        )
        if (before[0] - here[0], before[1] - here[1]) != (here[0] - after[0], here[1] - after[1])
    ]
    return [(column - 0.5, row - 0.5) for column, row in turns]


def _edges(area: NDArray[np.bool_]) -> dict[_Corner, list[_Corner]]:
    """Pixel edges between inside and outside, each walked with the inside on its right (rows point down).

    Corner (c, r) is the upper left one of the pixel in column c and row r.
    """
    padded = np.pad(area, 1)
    edges: dict[_Corner, list[_Corner]] = {}
    # offset of the neighbour (row, column); where the edge to it begins and ends, in (column, row)
    sides = (
        ((-1, 0), (0, 0), (1, 0)),
        ((0, 1), (1, 0), (1, 1)),
        ((1, 0), (1, 1), (0, 1)),
        ((0, -1), (0, 1), (0, 0)),
    )
    for (down, right), begin, end in sides:
        neighbour = np.roll(padded, (-down, -right), axis=(0, 1))
        for row, column in np.argwhere(padded & ~neighbour) - 1:
            start = (int(column) + begin[0], int(row) + begin[1])
            edges.setdefault(start, []).append((int(column) + end[0], int(row) + end[1]))
    return edges


def _closed_lines(edges: dict[_Corner, list[_Corner]]) -> list[list[_Corner]]:
    """Chain edges to closed lines; where two pixels touch at a corner only, keep to the own pixel."""
    lines = []
    while edges:
        first = next(iter(edges))
        line, here, step = [], first, (0, 0)
        while True:
            line.append(here)
            ends = edges[here]
            # A turn to the right (clockwise, as rows point down) stays with the pixel walked around.
            right = (here[0] - step[1], here[1] + step[0])
            after = ends.pop(ends.index(right) if right in ends else 0)
            if not ends:
                del edges[here]
            step, here = (after[0] - here[0], after[1] - here[1]), after
            if here == first:
                break
        lines.append(line)
    return lines


def connected_area(
    values: NDArray[Any], seed_px: tuple[int, int], below: float
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
