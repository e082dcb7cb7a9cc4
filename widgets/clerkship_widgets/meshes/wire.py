"""A mesh as a few compressed bytes, for the browser and for the cache.

Layout of the bytes once inflated (zlib), n points and m triangles, all planes unsigned bytes:

* positions: for x, y, z in turn the low bytes then the high bytes (n each) of the zigzag-coded
  differences between consecutive lattice positions; a position is ``origin + step x lattice``;
* triangles: the code of each of the 3 m corners, as four planes of 3 m bytes, lowest first.  A
  code is how far the corner lies below the next unused point; 0 is that point itself, because
  points are numbered in the order in which triangles first use them;
* shade: n bytes of differences modulo 256, if the header says so.

Splitting numbers into planes puts the almost constant high bytes side by side, which is what
deflate is good at.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clerkship_widgets.mesh import Mesh, PointsMm

__all__ = ["FINEST_STEP_MM", "MeshHeader", "PackedMesh", "WireError", "decode", "encode"]

# Half of it is the largest error on an axis: 0.01 mm, far below what any scanner resolves.
FINEST_STEP_MM = 0.02
_LATTICE_MAX = 0xFFFF


class WireError(ValueError):
    """Bytes that are not the mesh that their header promises."""


@dataclass(frozen=True)
class MeshHeader:
    """What is needed to read the bytes of a mesh.

    Attributes
    ----------
    points, triangles : int
        How many.
    origin_lps_mm : tuple of float
        Corner of the lattice: the lowest x, y and z of the mesh, mm.
    size_mm : tuple of float
        Extent of the mesh along x, y and z.
    step_mm : float
        Distance between lattice positions, the same on all axes.
    shaded : bool
        True if shade follows.
    """

    points: int
    triangles: int
    origin_lps_mm: tuple[float, float, float]
    size_mm: tuple[float, float, float]
    step_mm: float
    shaded: bool

    @property
    def max_error_mm(self) -> float:
        """Largest distance between a point and its lattice position, mm."""
        return self.step_mm / 2 * float(np.sqrt(3.0))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> MeshHeader:
        """Read what `to_json` wrote."""
        return cls(
            points=int(stored["points"]),
            triangles=int(stored["triangles"]),
            origin_lps_mm=_triple(stored["origin_lps_mm"]),
            size_mm=_triple(stored["size_mm"]),
            step_mm=float(stored["step_mm"]),
            shaded=bool(stored["shaded"]),
        )


@dataclass(frozen=True)
class PackedMesh:
    """A mesh as it travels and as it is cached.

    Attributes
    ----------
    header : MeshHeader
        Sent beside the bytes, as JSON.
    payload : bytes
        zlib-compressed planes, see the top of this module.
    """

    header: MeshHeader
    payload: bytes


def encode(mesh: Mesh) -> PackedMesh:
    """Pack a mesh; points and triangles are renumbered so that neighbours follow each other.

    Parameters
    ----------
    mesh : Mesh
        At least one triangle; points that no triangle uses are left out.

    Returns
    -------
    PackedMesh
        Its header and its bytes.

    Raises
    ------
    WireError
        If the mesh is empty or has a point that is not a number.
    """
    if not len(mesh.triangles) or not np.isfinite(mesh.points_lps_mm).all():
        raise WireError("A mesh needs at least one triangle and finite points to be packed.")
    triangles = mesh.triangles[_along_a_curve(mesh)]
    order, corner = _by_first_use(triangles)
    points_lps_mm = mesh.points_lps_mm[order]

    low, high = points_lps_mm.min(axis=0), points_lps_mm.max(axis=0)
    step_mm = max(FINEST_STEP_MM, float((high - low).max()) / _LATTICE_MAX)
    lattice = np.round((points_lps_mm - low) / step_mm).astype(np.int64)

    planes = [plane for axis in range(3) for plane in _planes(_zigzag(lattice[:, axis]), 2)]
    planes += _planes(_below_next_unused(corner), 4)
    if mesh.shade is not None:
        planes.append(np.diff(mesh.shade[order], prepend=np.uint8(0)))
    payload = zlib.compress(b"".join(plane.tobytes() for plane in planes), 9)
    header = MeshHeader(
        points=len(order),
        triangles=len(triangles),
        origin_lps_mm=_triple(low),
        size_mm=_triple(high - low),
        step_mm=step_mm,
        shaded=mesh.shade is not None,
    )
    return PackedMesh(header, payload)


def decode(packed: PackedMesh) -> Mesh:
    """Unpack what `encode` packed.

    Raises
    ------
    WireError
        If the bytes are damaged or do not have the length that the header asks for.
    """
    header = packed.header
    try:
        raw = np.frombuffer(zlib.decompress(packed.payload), dtype=np.uint8)
    except zlib.error as damage:
        raise WireError(f"The bytes of this mesh are damaged ({damage}).") from damage
    n, corners = header.points, 3 * header.triangles
    expected = 6 * n + 4 * corners + (n if header.shaded else 0)
    if len(raw) != expected:
        raise WireError(f"This mesh has {len(raw)} bytes; its header asks for {expected}.")
    lattice = np.empty((n, 3), dtype=np.int64)
    for axis in range(3):
        zigzag = raw[2 * n * axis :][:n].astype(np.int64) | (
            raw[2 * n * axis + n :][:n].astype(np.int64) << 8
        )
        # Differences were taken modulo 2**16, so their running sum is too.
        lattice[:, axis] = np.cumsum((zigzag >> 1) ^ -(zigzag & 1)) & _LATTICE_MAX
    coded = raw[6 * n :][: 4 * corners].reshape(4, corners).astype(np.int64)
    shifts = np.arange(0, 32, 8)[:, None]
    corner = _from_below_next_unused((coded << shifts).sum(axis=0))
    shade = np.cumsum(raw[-n:], dtype=np.uint8) if header.shaded else None
    points_lps_mm: PointsMm = np.array(header.origin_lps_mm) + lattice * header.step_mm
    return Mesh(points_lps_mm, corner.astype(np.int32).reshape(-1, 3), shade)


def _triple(values: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _along_a_curve(mesh: Mesh) -> npt.NDArray[np.intp]:
    """Order triangles along a Z-shaped curve through space, so that neighbours come together."""
    centre = mesh.points_lps_mm[mesh.triangles].mean(axis=1)
    low, high = mesh.box_lps_mm
    cell = ((centre - low) / max(float((high - low).max()), 1e-9) * 1023).astype(np.uint64)
    code = np.zeros(len(cell), dtype=np.uint64)
    for bit in range(10):
        for axis in range(3):
            code |= ((cell[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(3 * bit + axis)
    return np.argsort(code, kind="stable")


def _by_first_use(
    triangles: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Points in the order of first use, and the corners in that new numbering."""
    used, first, corner = np.unique(triangles.ravel(), return_index=True, return_inverse=True)
    rank = np.argsort(first, kind="stable")
    renumbered = np.empty(len(used), dtype=np.int64)
    renumbered[rank] = np.arange(len(used))
    return used[rank].astype(np.int64), renumbered[corner]


def _below_next_unused(corner: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Code each corner as its distance below the next number that is unused so far."""
    next_unused = np.zeros_like(corner)
    np.maximum.accumulate(corner[:-1] + 1, out=next_unused[1:])
    return next_unused - corner


def _from_below_next_unused(code: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Undo `_below_next_unused`: a code of 0 is a new point."""
    new = (code == 0).astype(np.int64)
    next_unused: npt.NDArray[np.int64] = np.cumsum(new) - new
    return next_unused - code


def _zigzag(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Differences as small unsigned 16-bit numbers: 0, -1, 1, -2 become 0, 1, 2, 3."""
    step = np.diff(values, prepend=0).astype(np.uint16).astype(np.int16).astype(np.int64)
    return (step << 1) ^ (step >> 15)


def _planes(values: npt.NDArray[np.int64], count: int) -> list[npt.NDArray[np.uint8]]:
    """Split numbers into byte planes, lowest first."""
    return [((values >> (8 * byte)) & 0xFF).astype(np.uint8) for byte in range(count)]
