"""Planes: a volume cut along its own grid into stacks of images, seen as radiologists see them.

Nothing is resampled. Each plane is the source array with its axes swapped and flipped, so every
pixel on the screen is a voxel of the source and a point drawn on it has an exact place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from clerkship_cases import Volume

#: Plane -> LPS directions of (column index, row index, slice index) on the screen: radiological
#: convention, patient's right at the viewer's left, seen from the feet; sagittal with the face at
#: the left. Slices run towards superior, anterior and left.
#: Source: DICOM PS3.3 C.7.6.2.1.1 for the axes; ACR-AAPM-SIIM display practice for the convention.
_SCREEN_AXES_LPS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "axial": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "coronal": ((1, 0, 0), (0, 0, -1), (0, -1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
}

#: Fewer slices than this make a strip, not a picture, in the other two planes.
FEWEST_SLICES_FOR_PLANES = 16

#: A second letter is shown when a direction leans at least this much (cosine) that way: ~ 20°.
_LEAN = 0.34

_OPPOSITE = str.maketrans("LRAPSIHF", "RLPAISFH")


@dataclass(frozen=True)
class Plane:
    """One way to leaf through a volume.

    Attributes
    ----------
    name : str
        ``axial``, ``coronal``, ``sagittal``, or ``acquired`` (as the file has it).
    axes : (3,) int
        Which source index (0 column, 1 row, 2 slice) runs along the plane's column, row, slice.
    flips : (3,) bool
        Whether it runs backwards.
    size : (3,) int
        Columns, rows and slices of the plane.
    affine_lps_mm : (4, 4) float
        (column, row, slice, 1) of the plane -> LPS millimetres.
    letters : tuple of str
        Where the left, right, top and bottom edges point in the patient; empty where unknown.
    """

    name: str
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    size: tuple[int, int, int]
    affine_lps_mm: NDArray[np.float64]
    letters: tuple[str, ...] = ()

    def image(self, volume: Volume, index: int) -> NDArray[np.generic]:
        """Cut one slice.

        Parameters
        ----------
        volume : Volume
            The volume this plane was made for.
        index : int
            Slice of the plane, zero-based.

        Returns
        -------
        values : [row, column], or [row, column, 3] of a colour volume
            A view of the volume's array.

        Raises
        ------
        IndexError
            If there is no such slice.
        """
        if not 0 <= index < self.size[2]:
            raise IndexError(
                f"{self.name} slice {index} was asked for; there are 0 to {self.size[2] - 1}"
            )
        return self.cut(volume.array, index)

    def cut(self, array: NDArray[np.generic], index: int) -> NDArray[np.generic]:
        """Cut one slice of any array on the grid of the volume, as :meth:`image` does.

        Parameters
        ----------
        array : [slice, row, column] or [slice, row, column, sample]
            For instance a mask.
        index : int
            Slice of the plane, zero-based.
        """
        # array axes are (slice, row, column), so source index a is array axis 2 - a
        order = (2 - self.axes[2], 2 - self.axes[1], 2 - self.axes[0], *range(3, array.ndim))
        row_step, column_step = (-1 if flipped else 1 for flipped in (self.flips[1], self.flips[0]))
        values: NDArray[np.generic] = array.transpose(order)[
            self._source_slice(index), ::row_step, ::column_step
        ]
        return values

    def source_slice(self, index: int) -> int | None:
        """Name the source slice that this plane's slice is, if it is one."""
        return self._source_slice(index) if self.axes[2] == 2 else None

    def patient_from_plane(self, points_crs: ArrayLike) -> NDArray[np.float64]:
        """Map (..., 3) plane indices (column, row, slice) to LPS mm."""
        points = np.asarray(points_crs, dtype=np.float64)
        mapped: NDArray[np.float64] = (
            points @ self.affine_lps_mm[:3, :3].T + self.affine_lps_mm[:3, 3]
        )
        return mapped

    def to_json(self) -> dict[str, object]:
        """Describe the plane to the browser: sizes, and its place in the patient."""
        columns, rows, slices = self.size
        return {
            "name": self.name,
            "columns": columns,
            "rows": rows,
            "slices": slices,
            "affine_lps_mm": self.affine_lps_mm.tolist(),
            "letters": list(self.letters),
        }

    def _source_slice(self, index: int) -> int:
        return self.size[2] - 1 - index if self.flips[2] else index


def planes_of(volume: Volume, *, patient_orientation: Sequence[str] = ()) -> list[Plane]:
    """Give the planes that a volume can be read in.

    Parameters
    ----------
    volume : Volume
        At least 16 slices that are placed in the patient are read in three planes, anything else
        (a cine, a few thick slices, a projection) as acquired.
    patient_orientation : sequence of two str
        DICOM PatientOrientation, for projection images that have no other orientation.

    Returns
    -------
    list of Plane
        Axial, coronal, sagittal; or the acquired one alone.
    """
    if volume.array.shape[0] >= FEWEST_SLICES_FOR_PLANES and is_placed(volume):
        return [_plane_along(volume, name) for name in _SCREEN_AXES_LPS]
    return [acquired_plane(volume, patient_orientation=patient_orientation)]


def is_placed(volume: Volume) -> bool:
    """Say whether the file says where in the patient its slices lie (those of a cine lie nowhere)."""
    return volume.frame_of_reference_uid is not None and volume.is_calibrated


def acquired_plane(volume: Volume, *, patient_orientation: Sequence[str] = ()) -> Plane:
    """Give the plane in which rows, columns and slices are the file's own."""
    slices, rows, columns = volume.array.shape[:3]
    letters: tuple[str, ...] = ()
    if is_placed(volume):
        letters = _edge_letters(volume.affine_lps_mm)
    elif len(patient_orientation) == 2 and all(patient_orientation):
        right, bottom = (str(word) for word in patient_orientation)
        letters = (right.translate(_OPPOSITE), right, bottom.translate(_OPPOSITE), bottom)
    return Plane(
        name="acquired",
        axes=(0, 1, 2),
        flips=(False, False, False),
        size=(columns, rows, slices),
        affine_lps_mm=volume.affine_lps_mm,
        letters=letters,
    )


def _plane_along(volume: Volume, name: str) -> Plane:
    """Find the swap and flips of the source axes that come closest to a named plane."""
    directions = volume.affine_lps_mm[:3, :3] / np.linalg.norm(volume.affine_lps_mm[:3, :3], axis=0)
    wanted = np.array(_SCREEN_AXES_LPS[name], dtype=np.float64)  # one row per plane axis
    cosines = wanted @ directions  # [plane axis, source axis]
    axes = max(
        permutations(range(3)), key=lambda order: sum(abs(cosines[n, order[n]]) for n in range(3))
    )
    flips = tuple(bool(cosines[n, axes[n]] < 0) for n in range(3))
    source_size = volume.array.shape[2::-1]
    size = tuple(int(source_size[axis]) for axis in axes)

    source_from_plane = np.zeros((4, 4))
    source_from_plane[3, 3] = 1
    for n, axis in enumerate(axes):
        source_from_plane[axis, n] = -1 if flips[n] else 1
        source_from_plane[axis, 3] = size[n] - 1 if flips[n] else 0
    affine = volume.affine_lps_mm @ source_from_plane
    return Plane(
        name=name,
        axes=(axes[0], axes[1], axes[2]),
        flips=(flips[0], flips[1], flips[2]),
        size=(size[0], size[1], size[2]),
        affine_lps_mm=affine,
        letters=_edge_letters(affine),
    )


def _edge_letters(affine_lps_mm: NDArray[np.float64]) -> tuple[str, str, str, str]:
    """Say where the left, right, top and bottom edges of a plane point."""
    columns, rows = affine_lps_mm[:3, 0], affine_lps_mm[:3, 1]
    return (_letters(-columns), _letters(columns), _letters(-rows), _letters(rows))


def _letters(direction_lps: NDArray[np.float64]) -> str:
    """Name a direction by its strongest one or two axes, strongest first (PS3.3 C.7.6.1.1.1)."""
    cosines = direction_lps / np.linalg.norm(direction_lps)
    strongest = sorted(range(3), key=lambda axis: -abs(cosines[axis]))
    kept = [axis for axis in strongest if abs(cosines[axis]) >= _LEAN][:2]
    return "".join(("LPS" if cosines[axis] > 0 else "RAI")[axis] for axis in kept)
