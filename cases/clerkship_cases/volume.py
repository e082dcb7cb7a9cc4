"""The volume: values on a grid, and where that grid lies in the patient.

Frames
------
``_ijk`` is (column, row, slice), zero-based, at voxel centres; ``array[k, j, i]``.
``_lps_mm`` is the DICOM patient frame: +x left, +y posterior, +z superior, in millimetres.
NIfTI is RAS, NRRD says what it is: :data:`LPS_FROM` is the only place where a frame is turned into LPS.
"""

from dataclasses import dataclass, field
from itertools import permutations
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clerkship_cases.display import Window, windows_for
from clerkship_cases.errors import CaseError

Values = NDArray[np.int16] | NDArray[np.uint16] | NDArray[np.uint8] | NDArray[np.float32]
Affine = NDArray[np.float64]
Points = NDArray[np.float64]

#: Matrices that turn world coordinates of other conventions into LPS (each is its own inverse).
LPS_FROM = MappingProxyType(
    {
        "LPS": np.diag([1.0, 1.0, 1.0, 1.0]),
        "RAS": np.diag([-1.0, -1.0, 1.0, 1.0]),
        "LAS": np.diag([1.0, -1.0, 1.0, 1.0]),
    }
)
#: What a volume may weigh, in bytes. Our own limit: 2,000 CT slices of 1024 x 1024.
MAX_VOLUME_BYTES = 2**32

#: A grid whose cells have less volume than this (mm³) can't be turned back from mm to voxels.
_FLAT_MM3 = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An image or a stack of images as a grid of values in patient space.

    Attributes
    ----------
    array : [slice, row, column], or [slice, row, column, 3] for colour
        Values after the modality LUT, in ``unit``; red, green, blue (uint8) for colour; read-only.
    affine_lps_mm : (4, 4) float
        (column, row, slice, 1) -> (x, y, z, 1) in LPS millimetres.
    unit : str
        ``"HU"``, ``"counts"``, ``"RGB"`` for colour, or ``"1"`` where values have no unit (MR, CR).
    modality : str
        DICOM modality.
    is_calibrated : bool
        False where the file gives no pixel spacing: the affine is then nominal (one pixel is 1)
        and lengths are said in pixels.
    inverted : bool
        True for MONOCHROME1: low values are shown bright. The values themselves are not flipped.
    windows : tuple of Window
        At least one; the first is the default.
    frame_of_reference_uid : str or None
        None where the file does not place the image in the patient.
    """

    array: Values
    affine_lps_mm: Affine
    unit: str
    modality: str
    is_calibrated: bool = True
    inverted: bool = False
    windows: tuple[Window, ...] = ()
    frame_of_reference_uid: str | None = None
    _voxel_from_lps: Affine = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check shapes, freeze the arrays, make sure that there is a window."""
        affine = np.array(self.affine_lps_mm, dtype=np.float64)
        colour = self.array.ndim == 4 and self.array.shape[3] == 3 and self.array.dtype == np.uint8
        if (self.array.ndim != 3 and not colour) or self.array.size == 0:
            raise CaseError(
                f"a volume of shape {self.array.shape} was given; it must be [slice, row, column] "
                f"with at least one voxel, or [slice, row, column, 3] of uint8 for colour. "
                f"A single image is array[np.newaxis]."
            )
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise CaseError("the affine of a volume must be a 4 x 4 matrix of finite numbers.")
        if abs(np.linalg.det(affine[:3, :3])) < _FLAT_MM3:
            raise CaseError(
                "the affine of a volume can't be inverted: a spacing is 0 or two axes are parallel. "
                "Check PixelSpacing and ImageOrientationPatient of the source."
            )
        array = self.array.view()
        array.flags.writeable = False
        affine.flags.writeable = False
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "affine_lps_mm", affine)
        object.__setattr__(self, "_voxel_from_lps", np.linalg.inv(affine))
        if not self.windows:
            object.__setattr__(self, "windows", windows_for(array, self.modality))

    @property
    def is_colour(self) -> bool:
        """True where each voxel is red, green, blue: ``array`` is then [slice, row, column, 3]."""
        return self.array.ndim == 4

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring columns, rows and slices (1 where uncalibrated)."""
        column, row, slice_ = np.linalg.norm(self.affine_lps_mm[:3, :3], axis=0)
        return float(column), float(row), float(slice_)

    def patient_from_voxel(self, points_ijk: ArrayLike) -> Points:
        """Map (..., 3) voxel indices (column, row, slice; may be fractional) to LPS mm.

        Source
        ------
        DICOM PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1.
        """
        points = _as_points(points_ijk)
        return points @ self.affine_lps_mm[:3, :3].T + self.affine_lps_mm[:3, 3]

    def voxel_from_patient(self, points_lps_mm: ArrayLike) -> Points:
        """Map (..., 3) LPS mm to fractional voxel indices (column, row, slice)."""
        points = _as_points(points_lps_mm)
        return points @ self._voxel_from_lps[:3, :3].T + self._voxel_from_lps[:3, 3]


def smallest_exact(values: NDArray[Any]) -> Values:
    """Store values in the smallest of uint8, int16, uint16 that holds all exactly, else float32."""
    if values.size == 0:
        return values.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if np.isfinite((low, high)).all() and _all_whole(values):
        kind = smallest_for(low, high)
        if kind is not None:
            return cast(Values, values.astype(kind, copy=False))
    return values.astype(np.float32, copy=False)


def smallest_for(low: float, high: float) -> type[np.uint8 | np.int16 | np.uint16] | None:
    """Say which integer type holds all whole numbers from ``low`` to ``high``; None if none does."""
    for kind in (np.uint8, np.int16, np.uint16):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return kind
    return None


def along_patient_axes(values: NDArray[Any], affine: Affine) -> tuple[NDArray[Any], Affine]:
    """Swap and flip axes until the first runs along +x, the second +y, the third +z, as near as may be.

    Oblique grids stay oblique; no value is changed.

    Parameters
    ----------
    values : [i, j, k]
        In the order of the affine's columns.
    affine : (4, 4) float
        Index to world, in any frame.
    """
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    # The assignment of axes to x, y, z with the largest sum of cosines.
    order = max(
        permutations(range(3)), key=lambda p: sum(abs(directions[n, p[n]]) for n in range(3))
    )
    values, affine = values.transpose(order), affine[:, [*order, 3]]
    for n in range(3):
        if affine[n, n] < 0:  # runs the wrong way: start from its other end
            affine = affine.copy()
            affine[:3, 3] += affine[:3, n] * (values.shape[n] - 1)
            affine[:3, n] *= -1
            values = np.flip(values, n)
    return values, affine


def _all_whole(values: NDArray[Any]) -> bool:
    """Whether no value has a fraction; looked at slice by slice, so that little memory is needed."""
    if np.issubdtype(values.dtype, np.integer):
        return True
    return not any((part % 1).any() for part in np.atleast_2d(values))


def _as_points(points: ArrayLike) -> Points:
    array = np.asarray(points, dtype=np.float64)
    if array.shape[-1:] != (3,):
        raise CaseError(
            f"points of shape {array.shape} were given; the last axis must have length 3."
        )
    return array
