"""Closed shapes to voxels: which voxels of the source grid lie inside what was drawn.

A voxel belongs to a shape when its centre lies inside. Neighbouring shapes that share an edge never
share a voxel and leave none out. Where an outline crosses itself, everything that it winds around
counts as inside (the non-zero rule), so that a small loop in a freehand line makes no hole.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.annotation import Annotation
from clerkship_cases.errors import CaseError
from clerkship_cases.volume import Volume

Scalar = TypeVar("Scalar", bound=np.generic)
_Spans = tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]

#: A shape belongs to a plane of the grid when no point strays further from it, in voxels.
PLANE_TOLERANCE_VOXELS = 0.5
_AXIS_NAMES = ("column", "row", "slice")
#: Crossings worked out in one go: bounds the memory of a line with thousands of points.
_TABLE_CELLS = 1_000_000
#: Scan lines of the area of an outline that crosses itself: error about 1 in 1000.
_AREA_LINES = 1024


class GridPlane(NamedTuple):
    """A plane of the grid with one index constant.

    Attributes
    ----------
    axis : int
        Which of (i, j, k) is constant: 2 on a slice, 1 or 0 on a reformat across the slices.
    at : int
        Its value.
    u, v : int
        The other two axes, ``u`` the faster one in the array.
    """

    axis: int
    at: int
    u: int
    v: int


class PlaneMask(NamedTuple):
    """Voxels of one plane of the grid: ``inside[v, u]``."""

    plane: GridPlane
    inside: NDArray[np.bool_]


def region_mask(annotation: Annotation, volume: Volume) -> NDArray[np.bool_]:
    """Voxels whose centres lie inside a region or an ellipse.

    Parameters
    ----------
    annotation : Annotation
        Of kind ``region`` or ``ellipse``, in a plane of the grid: on a slice, or on a reformat with
        constant column or row.
    volume : Volume
        The source grid.

    Returns
    -------
    mask : bool [slice, row, column]
        May be empty of voxels: a shape can pass between voxel centres.

    Raises
    ------
    CaseError
        If the shape has no inside, lies oblique to the grid, or outside it.
    """
    plane, inside = plane_mask(annotation, volume)
    mask = np.zeros(volume.array.shape[:3], dtype=np.bool_)
    take_plane(mask, plane)[...] = inside
    return mask


def plane_mask(annotation: Annotation, volume: Volume) -> PlaneMask:
    """Rasterise as :func:`region_mask` does, but return only the plane in which the shape lies."""
    if annotation.kind not in ("region", "ellipse"):
        raise CaseError(
            f"an annotation of kind {annotation.kind} has no inside; only a region or an ellipse has."
        )
    points_ijk = volume.voxel_from_patient(annotation.points_lps_mm)
    plane = grid_plane(points_ijk, volume)
    points_uv = points_ijk[:, [plane.u, plane.v]]
    shape = take_plane(volume.array, plane).shape
    fill = _fill_ellipse if annotation.kind == "ellipse" else fill_polygon
    return PlaneMask(plane, fill(points_uv, (shape[0], shape[1])))


def grid_plane(points_ijk: NDArray[np.float64], volume: Volume) -> GridPlane:
    """Find the plane of the grid in which points lie; slices win over reformats.

    Raises
    ------
    CaseError
        If they lie in none, or in one outside the volume.
    """
    spread = np.ptp(points_ijk, axis=0)
    axis = min((2, 1, 0), key=lambda n: round(float(spread[n]), 6))
    if spread[axis] > PLANE_TOLERANCE_VOXELS:
        raise CaseError(
            "this shape lies oblique to the image grid, so its voxels can't be told. Draw it on a slice, "
            "or on an axial, coronal or sagittal plane."
        )
    index = int(np.rint(points_ijk[:, axis].mean()))
    size = volume.array.shape[2 - axis]
    if not 0 <= index < size:
        raise CaseError(
            f"this shape lies outside the image: {_AXIS_NAMES[axis]} {index}, "
            f"where 0 to {size - 1} exist. Was it drawn on another case?"
        )
    u, v = {2: (0, 1), 1: (0, 2), 0: (1, 2)}[axis]
    return GridPlane(axis, index, u, v)


def take_plane(array: NDArray[Scalar], plane: GridPlane) -> NDArray[Scalar]:
    """View of ``array`` [slice, row, column] at a plane, as [v, u]; a colour axis stays the last."""
    where: list[int | slice] = [slice(None)] * 3
    where[2 - plane.axis] = plane.at
    return array[tuple(where)]


def fill_polygon(points_uv: NDArray[np.float64], shape_vu: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose centres lie inside a closed outline.

    Parameters
    ----------
    points_uv : (n, 2) float
        Corners as (u, v); pixel centres are at whole numbers.
    shape_vu : (int, int)
        Size of the plane.

    Returns
    -------
    inside : bool [v, u]
    """
    inside = np.zeros(shape_vu, dtype=np.bool_)
    height, width = shape_vu
    first = max(0, int(np.ceil(points_uv[:, 1].min())))
    last = min(height - 1, int(np.floor(points_uv[:, 1].max())))
    heights = np.arange(first, last + 1, dtype=np.float64)
    for line, left, right, _winding in _spans(points_uv, heights):
        # Both ends kept within the plane: a negative end would count from its far side.
        begin, end = (np.clip(np.ceil(at), 0, width).astype(int) for at in (left, right))
        for row, start, stop in zip(line + first, begin, end, strict=True):
            inside[row, start:stop] = True
    return inside


def polygon_area(points_uv: NDArray[np.float64]) -> float:
    """Area inside a closed outline, in squares of the unit of the points.

    Exact (shoelace formula) for an outline that does not cross itself; for one that does, the area
    that it winds around, from 1024 scan lines.
    """
    u, v = (points_uv - points_uv.mean(axis=0)).T
    shoelace = abs(float(u @ np.roll(v, -1) - v @ np.roll(u, -1))) / 2
    low, high = float(v.min()), float(v.max())
    step = (high - low) / _AREA_LINES
    if step <= 0:
        return 0.0
    heights = np.asarray(low + (np.arange(_AREA_LINES) + 0.5) * step, dtype=np.float64)
    covered = signed = 0.0
    for _line, left, right, winding in _spans(np.column_stack([u, v]), heights):
        covered += float((right - left).sum()) * step
        signed += float(((right - left) * winding).sum()) * step
    crosses_itself = abs(covered - abs(signed)) > 1e-6 * covered
    return covered if crosses_itself else shoelace


def _spans(points_uv: NDArray[np.float64], heights: NDArray[np.float64]) -> Iterator[_Spans]:
    """Stretches inside an outline of horizontal lines at the given heights, some lines at a time.

    Yields
    ------
    line, left, right, winding : arrays of one length
        Index of the line, both ends of the stretch, and how often the outline winds around it.
    """
    begin, end = points_uv, np.roll(points_uv, -1, axis=0)
    sloped = begin[:, 1] != end[:, 1]
    begin, end = begin[sloped], end[sloped]
    rises = end[:, 1] > begin[:, 1]
    # Always from the lower end: two shapes that share an edge must find the same crossing, to the bit.
    (u0, v0) = np.where(rises[:, None], begin, end).T
    (u1, v1) = np.where(rises[:, None], end, begin).T
    turns = np.where(rises, 1, -1)
    lines_at_once = max(1, _TABLE_CELLS // max(1, len(turns)))
    for first in range(0, len(heights), lines_at_once):
        v = heights[first : first + lines_at_once, None]
        crosses = (v0 <= v) & (v < v1)  # half open: a corner on the line is counted once
        at = np.where(crosses, u0 + (v - v0) * (u1 - u0) / (v1 - v0), np.inf)
        order = np.argsort(at, axis=1, kind="stable")[:, : int(crosses.sum(axis=1).max(initial=0))]
        at = np.take_along_axis(at, order, axis=1)
        winding = np.cumsum(np.take_along_axis(np.where(crosses, turns, 0), order, axis=1), axis=1)
        line, n = np.nonzero((winding[:, :-1] != 0) & (at[:, 1:] > at[:, :-1]))
        yield line + first, at[line, n], at[line, n + 1], winding[line, n]


def _fill_ellipse(points_uv: NDArray[np.float64], shape_vu: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels inside the ellipse with the given ends of its two axes."""
    inside = np.zeros(shape_vu, dtype=np.bool_)
    center = points_uv.mean(axis=0)
    half_axes = np.column_stack([points_uv[1] - points_uv[0], points_uv[3] - points_uv[2]]) / 2
    if abs(np.linalg.det(half_axes)) < 1e-12:
        return inside
    reach = np.linalg.norm(half_axes, axis=1)  # half the size of the box around the ellipse
    low = np.maximum(np.ceil(center - reach), 0).astype(int)
    high = np.minimum(np.floor(center + reach) + 1, shape_vu[::-1]).astype(int)
    if (high <= low).any():
        return inside
    u, v = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    away = np.stack([u - center[0], v - center[1]], axis=-1) @ np.linalg.inv(half_axes).T
    inside[low[1] : high[1], low[0] : high[0]] = (away**2).sum(axis=-1) <= 1
    return inside
