"""The volume: values on a grid, and where that grid lies in the patient.

Frames
------
``_ijk`` is (column, row, slice), zero-based, at voxel centres; ``array[k, j, i]``.
``_lps_mm`` is the DICOM patient frame: +x left, +y posterior, +z superior, in millimetres.
NIfTI is RAS; :func:`volume_from_nifti` is the only place where it is turned into LPS.
"""

from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clerkship_cases.display import Window, windows_for
from clerkship_cases.errors import CaseError

Values = NDArray[np.int16] | NDArray[np.uint16] | NDArray[np.uint8] | NDArray[np.float32]
Affine = NDArray[np.float64]
Points = NDArray[np.float64]

#: A grid whose cells have less volume than this (mm³) can't be turned back from mm to voxels.
_FLAT_MM3 = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An image or a stack of images as a grid of values in patient space.

    Attributes
    ----------
    array : [slice, row, column]
        Values after the modality LUT, in ``unit``; read-only.
    affine_lps_mm : (4, 4) float
        (column, row, slice, 1) -> (x, y, z, 1) in LPS millimetres.
    unit : str
        ``"HU"``, ``"counts"``, or ``"1"`` where values have no unit (MR, CR).
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
        if self.array.ndim != 3 or self.array.size == 0:
            raise CaseError(
                f"a volume of shape {self.array.shape} was given; it must be [slice, row, column] "
                f"with at least one voxel. A single image is array[np.newaxis]."
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


def smallest_exact(values: NDArray[np.generic]) -> Values:
    """Store values in the smallest of uint8, int16, uint16 that holds all exactly, else float32."""
    if values.size and np.isfinite(values).all() and not (values % 1).any():
        low, high = float(values.min()), float(values.max())
        if low >= 0 and high <= np.iinfo(np.uint8).max:
            return values.astype(np.uint8)
        if np.iinfo(np.int16).min <= low and high <= np.iinfo(np.int16).max:
            return values.astype(np.int16)
        if low >= 0 and high <= np.iinfo(np.uint16).max:
            return values.astype(np.uint16)
    return values.astype(np.float32)


def volume_from_nifti(
    path: Path, *, modality: str, unit: str = "1", frame_of_reference_uid: str | None = None
) -> Volume:
    """Read a NIfTI file, turned so that it lies like a DICOM axial stack.

    Axes are only swapped and flipped, never resampled: columns run towards the patient's left, rows
    towards posterior, slices towards superior (as closely as the file's own axes allow).

    Raises
    ------
    CaseError
        If the file is no three-dimensional NIfTI image or does not place itself in space.

    Source
    ------
    NIfTI-1 standard (nifti1.h): +x right, +y anterior, +z superior.
    """
    import nibabel as nib

    try:
        image: Any = nib.load(path)
        values = np.asanyarray(image.dataobj)
    except (OSError, EOFError, nib.filebasedimages.ImageFileError) as problem:
        raise CaseError(f"{path.name}: can't be read as NIfTI ({problem}).") from problem
    if values.ndim != 3:
        raise CaseError(f"{path.name}: has {values.ndim} dimensions; a case needs 3.")
    if not (int(image.header["sform_code"]) or int(image.header["qform_code"])):
        raise CaseError(
            f"{path.name}: has neither a qform nor an sform, so left and right are unknown. "
            f"Use a file that states its orientation."
        )
    ras_from_lps = np.diag([-1.0, -1.0, 1.0, 1.0])  # its own inverse
    lps, affine = _along_axes(values, ras_from_lps @ np.asarray(image.affine, dtype=np.float64))
    return Volume(
        array=smallest_exact(np.ascontiguousarray(lps.transpose(2, 1, 0))),
        affine_lps_mm=affine,
        unit=unit,
        modality=modality,
        frame_of_reference_uid=frame_of_reference_uid,
    )


def _along_axes(values: NDArray[Any], affine: Affine) -> tuple[NDArray[Any], Affine]:
    """Swap and flip axes until the first runs along +x, the second +y, the third +z, as near as may be.

    Oblique grids stay oblique; no value is changed.
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


def _as_points(points: ArrayLike) -> Points:
    array = np.asarray(points, dtype=np.float64)
    if array.shape[-1:] != (3,):
        raise CaseError(
            f"points of shape {array.shape} were given; the last axis must have length 3."
        )
    return array
