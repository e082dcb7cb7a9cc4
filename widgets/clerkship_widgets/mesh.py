"""Triangle meshes as arrays: what they enclose, which way they face, how far apart two of them lie."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyvista as pv

__all__ = [
    "Mesh",
    "as_polydata",
    "close_cracks",
    "is_closed",
    "largest_piece",
    "mirrored",
    "surface_distance_mm",
]

PointsMm = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int32]
Shade = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangulated surface in patient coordinates.

    Parameters
    ----------
    points_lps_mm : (n, 3) float
        Millimetres in DICOM patient axes: +x left, +y posterior, +z superior.
    triangles : (m, 3) int32
        Rows of ``points_lps_mm``, counter-clockwise when seen from outside, so that the
        right-hand normal points out of the tissue.
    shade : (n,) uint8, optional
        Light reaching each point: 0 in the depth of a groove, 255 on a crest.  Drawn as
        brightness; carries no measurement.
    """

    points_lps_mm: PointsMm
    triangles: Triangles
    shade: Shade | None = None

    @property
    def is_closed(self) -> bool:
        """True if the surface has no rim: it divides space into an inside and an outside."""
        return is_closed(self.triangles)

    @property
    def volume_mm3(self) -> float:
        """Signed volume in mm³: positive when the triangles face outwards.

        Source
        ------
        Divergence theorem: a sixth of the summed triple products of each triangle's corners.
        """
        a, b, c = np.moveaxis(self.points_lps_mm[self.triangles], 1, 0)
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)

    @property
    def area_mm2(self) -> float:
        """Summed area of all triangles in mm²."""
        a, b, c = np.moveaxis(self.points_lps_mm[self.triangles], 1, 0)
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2.0)

    @property
    def box_lps_mm(self) -> tuple[PointsMm, PointsMm]:
        """Lowest and highest corner of the axis-parallel box around the surface, (3,) mm each."""
        return self.points_lps_mm.min(axis=0), self.points_lps_mm.max(axis=0)

    def facing_outwards(self) -> Mesh:
        """Return this mesh, with every triangle reversed if it was inside out."""
        if self.volume_mm3 >= 0:
            return self
        return Mesh(self.points_lps_mm, self.triangles[:, ::-1].copy(), self.shade)


def is_closed(triangles: Triangles) -> bool:
    """Tell whether each edge that one triangle walks along is walked back by another.

    Parameters
    ----------
    triangles : (m, 3) int
        Indices of points.

    Returns
    -------
    bool
        True for a closed, consistently wound surface.  Sheets that touch along an edge are
        allowed; a hole, a flap or a reversed triangle is not.
    """
    start, end = _directed_edges(triangles)
    size = int(triangles.max(initial=-1)) + 1
    return bool(np.array_equal(np.sort(start * size + end), np.sort(end * size + start)))


def close_cracks(triangles: Triangles) -> Triangles:
    """Add the few triangles that close a nearly closed surface.

    Decimation leaves cracks one or two triangles wide where sheets touch.  The edges that no
    neighbour walks back always add up to closed loops (the boundary of a boundary is empty),
    so each loop is walked and filled with a fan.

    Parameters
    ----------
    triangles : (m, 3) int32
        Consistently wound triangles.

    Returns
    -------
    (m + k, 3) int32
        The same triangles and k new ones; `is_closed` holds.
    """
    start, end = _directed_edges(triangles)
    size = int(triangles.max(initial=-1)) + 1
    ways, net = np.unique(
        np.minimum(start, end) * size + np.maximum(start, end), return_inverse=True
    )
    surplus = np.bincount(net, weights=np.where(start < end, 1, -1), minlength=len(ways)).astype(
        int
    )
    onward: dict[int, list[int]] = {}  # the missing edges, from their start to their ends
    for way, count in zip(ways[surplus != 0], surplus[surplus != 0], strict=True):
        low, high = divmod(int(way), size)
        # A surplus of low -> high lacks its way back, high -> low.
        source, target = (high, low) if count > 0 else (low, high)
        onward.setdefault(source, []).extend([target] * abs(int(count)))
    patches: list[tuple[int, int, int]] = []
    while onward:
        loop = _walk(onward)
        patches += [(loop[0], b, c) for b, c in pairwise(loop[1:])]
    if not patches:
        return triangles
    return np.concatenate([triangles, np.array(patches, dtype=np.int32)])


def _walk(onward: dict[int, list[int]]) -> list[int]:
    """Take one closed loop out of `onward`; the first point is not repeated at the end."""
    path = [next(iter(onward))]
    while True:
        here = path[-1]
        there = onward[here].pop()
        if not onward[here]:
            del onward[here]
        if there in path:  # cut the loop off here; the tail that led to it goes back
            first = path.index(there)
            for a, b in pairwise(path[: first + 1]):
                onward.setdefault(a, []).append(b)
            return path[first:]
        path.append(there)


def _directed_edges(triangles: Triangles) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Start and end of the 3 m edges, each in its triangle's direction."""
    start = triangles.astype(np.int64)
    return start.ravel(), np.roll(start, -1, axis=1).ravel()


def largest_piece(mesh: Mesh) -> Mesh:
    """Keep the connected piece that has the most points, and drop points no triangle uses."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    start, end = _directed_edges(mesh.triangles)
    n = len(mesh.points_lps_mm)
    graph = coo_array((np.ones(len(start), dtype=bool), (start, end)), shape=(n, n))
    piece_of_point = connected_components(graph, directed=False)[1]
    used = piece_of_point == np.bincount(piece_of_point).argmax()
    triangles = mesh.triangles[used[mesh.triangles[:, 0]]]
    renumbered = (np.cumsum(used) - 1).astype(np.int32)
    shade = None if mesh.shade is None else mesh.shade[used]
    return Mesh(mesh.points_lps_mm[used], renumbered[triangles], shade)


def mirrored(mesh: Mesh) -> Mesh:
    """Reflect through the plane x = 0 (left becomes right); the triangles still face outwards."""
    points = mesh.points_lps_mm * np.array([-1.0, 1.0, 1.0])
    return Mesh(points, mesh.triangles[:, ::-1].copy(), mesh.shade)


def as_polydata(mesh: Mesh) -> pv.PolyData:
    """Return the mesh as PyVista's kind of mesh (without its shade)."""
    import pyvista as pv

    made: pv.PolyData = pv.PolyData.from_regular_faces(
        mesh.points_lps_mm, mesh.triangles.astype(int)
    )
    return made


def surface_distance_mm(points_lps_mm: PointsMm, surface: Mesh) -> PointsMm:
    """Distance from each point to the nearest place on a surface.

    Parameters
    ----------
    points_lps_mm : (n, 3) float
        Points, mm.
    surface : Mesh
        What to measure to; the nearest place may lie inside a triangle.

    Returns
    -------
    (n,) float
        Unsigned distances, mm.
    """
    import pyvista as pv

    measured = pv.PolyData(points_lps_mm).compute_implicit_distance(as_polydata(surface))
    return np.abs(np.asarray(measured["implicit_distance"], dtype=np.float64))
