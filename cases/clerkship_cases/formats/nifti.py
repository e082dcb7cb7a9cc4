"""NIfTI files: one volume, turned so that it lies like a DICOM axial stack."""

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from clerkship_cases.errors import CaseError
from clerkship_cases.volume import (
    LPS_FROM,
    MAX_VOLUME_BYTES,
    Volume,
    along_patient_axes,
    smallest_exact,
)


def volume_from_nifti(
    path: Path, *, modality: str, unit: str = "1", frame_of_reference_uid: str | None = None
) -> Volume:
    """Read a NIfTI file, turned so that it lies like a DICOM axial stack.

    Axes are only swapped and flipped, never resampled: columns run towards the patient's left, rows
    towards posterior, slices towards superior (as closely as the file's own axes allow).

    Raises
    ------
    CaseError
        If the file is no three-dimensional NIfTI image, does not place itself in space, or claims
        more voxels than :data:`~clerkship_cases.volume.MAX_VOLUME_BYTES` allows.

    Source
    ------
    NIfTI-1 standard (nifti1.h): +x right, +y anterior, +z superior.
    """
    import nibabel as nib

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image: Any = nib.load(path)
            _check(path, image)
            values = np.asanyarray(image.dataobj)
            values = values.reshape(values.shape[:3])
            ras_mm = np.array(image.affine, dtype=np.float64)
            ras_mm[:3] *= _millimetres_per_unit(path, image.header)
    except CaseError:
        raise
    except Exception as problem:  # nibabel fails in many ways; here all mean the same
        raise CaseError(f"{path.name}: can't be read as NIfTI ({problem}).") from problem
    if not np.isfinite(ras_mm).all() or not np.linalg.norm(ras_mm[:3, :3], axis=0).all():
        raise CaseError(f"{path.name}: its affine has a zero or infinite step; it lies nowhere.")
    lps, affine = along_patient_axes(values, LPS_FROM["RAS"] @ ras_mm)
    return Volume(
        array=smallest_exact(np.ascontiguousarray(lps.transpose(2, 1, 0))),
        affine_lps_mm=affine,
        unit=unit,
        modality=modality,
        frame_of_reference_uid=frame_of_reference_uid,
    )


def _check(path: Path, image: Any) -> None:
    """Refuse what is no NIfTI volume, by its header alone: nothing is unpacked before."""
    import nibabel as nib

    if not isinstance(image, nib.Nifti1Pair):
        raise CaseError(f"{path.name}: can't be read as NIfTI (it is {type(image).__name__}).")
    shape = tuple(int(n) for n in image.shape)
    if len(shape) < 3 or 0 in shape[:3]:
        raise CaseError(f"{path.name}: has {len(shape)} dimensions; a case needs 3.")
    if math.prod(shape[3:]) != 1:
        raise CaseError(
            f"{path.name}: has {len(shape)} dimensions ({' x '.join(map(str, shape))}), so it holds "
            f"{math.prod(shape[3:])} volumes; a case needs 3. Save one volume as a file of its own."
        )
    kind = np.dtype(image.dataobj.dtype)  # type: ignore[attr-defined]  # nibabel says less
    if kind.fields is not None or kind.kind not in "iuf":
        raise CaseError(f"{path.name}: its values are {kind}; a case needs plain numbers.")
    # nibabel may scale to float64, so 8 bytes for each voxel are what reading can take.
    if math.prod(shape) * 8 > MAX_VOLUME_BYTES:
        raise CaseError(
            f"{path.name}: claims {' x '.join(map(str, shape))} voxels; at most "
            f"{MAX_VOLUME_BYTES // 8:,} are read."
        )
    if not (int(image.header["sform_code"]) or int(image.header["qform_code"])):
        raise CaseError(
            f"{path.name}: has neither a qform nor an sform, so left and right are unknown. "
            f"Use a file that states its orientation."
        )


def _millimetres_per_unit(path: Path, header: Any) -> float:
    """Read the unit of length; most files say mm or nothing, which by custom means mm."""
    unit = str(header.get_xyzt_units()[0])
    sizes_mm = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}
    if unit not in sizes_mm:
        raise CaseError(f"{path.name}: lengths are in {unit!r}; expected mm, meter or micron.")
    return sizes_mm[unit]
