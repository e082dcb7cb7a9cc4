"""NRRD files: one volume that states its space, turned so that it lies like a DICOM axial stack."""

import math
import re
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.errors import CaseError
from clerkship_cases.volume import (
    LPS_FROM,
    MAX_VOLUME_BYTES,
    Affine,
    Volume,
    along_patient_axes,
    smallest_exact,
)

#: Spaces that place voxels in a patient, by the names of the format (definition of "space").
_SPACES = {
    "left-posterior-superior": "LPS",
    "lps": "LPS",
    "right-anterior-superior": "RAS",
    "ras": "RAS",
    "left-anterior-superior": "LAS",
    "las": "LAS",
}
_RAW = frozenset({"raw"})
_GZIP = frozenset({"gz", "gzip"})
_WBITS_GZIP = 16 + zlib.MAX_WBITS
_AXES = 3


def volume_from_nrrd(
    path: Path, *, modality: str, unit: str = "1", frame_of_reference_uid: str | None = None
) -> Volume:
    """Read a NRRD file, turned so that it lies like a DICOM axial stack.

    Axes are only swapped and flipped, never resampled, as for NIfTI.

    Raises
    ------
    CaseError
        If the file is no three-dimensional image, names no patient space (left and right would be
        unknown), keeps its values in another file or in an encoding that is not read (raw and gzip
        are), or its values do not fill the sizes that it claims.

    Source
    ------
    Definition of NRRD0005 (teem.sourceforge.net/nrrd/format.html): fields "space", "space directions",
    "space origin"; the first axis is the fastest.
    """
    import nrrd

    try:
        with path.open("rb") as file:
            header: dict[str, Any] = nrrd.read_header(file)
            values, lps_from_voxel = _checked(path, header), _affine(path, header)
            sizes, kind = values
            array = _read_values(path, file, header, sizes, kind)
    except CaseError:
        raise
    except OSError as problem:
        raise CaseError(f"{path.name}: can't be read as NRRD ({problem}).") from problem
    except Exception as problem:  # the parser fails in many ways; here all mean the same
        raise CaseError(f"{path.name}: can't be read as NRRD ({problem}).") from problem
    lps, affine = along_patient_axes(array, lps_from_voxel)
    return Volume(
        array=smallest_exact(np.ascontiguousarray(lps.transpose(2, 1, 0))),
        affine_lps_mm=affine,
        unit=unit,
        modality=modality,
        frame_of_reference_uid=frame_of_reference_uid,
    )


def _checked(path: Path, header: dict[str, Any]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Sizes and type of the values, by the header alone."""
    import nrrd

    sizes = tuple(int(n) for n in header["sizes"])
    if len(sizes) != _AXES or min(sizes) < 1:
        raise CaseError(
            f"{path.name}: has sizes {' x '.join(map(str, sizes))}; a case needs 3 axes of at least 1."
        )
    if "data file" in header or "datafile" in header:
        raise CaseError(
            f"{path.name}: keeps its values in another file; save it as one file (.nrrd)."
        )
    if str(header["encoding"]).lower() not in _RAW | _GZIP:
        raise CaseError(
            f"{path.name}: its encoding is {header['encoding']!r}; expected raw or gzip."
        )
    if "block" in str(header["type"]):
        raise CaseError(f"{path.name}: holds blocks, not numbers.")
    kind = np.dtype(nrrd.reader._TYPEMAP_NRRD2NUMPY[header["type"]])
    if kind.itemsize > 1:
        order = {"little": "<", "big": ">"}.get(str(header.get("endian", "")).lower())
        if order is None:
            raise CaseError(f"{path.name}: does not say its byte order (endian: little or big).")
        kind = kind.newbyteorder(order)
    if math.prod(sizes) * kind.itemsize > MAX_VOLUME_BYTES:
        raise CaseError(
            f"{path.name}: claims {' x '.join(map(str, sizes))} voxels; at most "
            f"{MAX_VOLUME_BYTES:,} bytes are read."
        )
    return sizes, kind


def _affine(path: Path, header: dict[str, Any]) -> Affine:
    """(i, j, k) -> LPS mm."""
    name = re.sub(r"\s+", "-", str(header.get("space", "")).strip().lower())
    if name not in _SPACES:
        raise CaseError(
            f"{path.name}: its space is {header.get('space') or 'not stated'}, so left and right are "
            f"unknown; expected left-posterior-superior, right-anterior-superior or "
            f"left-anterior-superior."
        )
    directions = np.array(header.get("space directions"), dtype=np.float64)
    origin = np.array(header.get("space origin", [0.0, 0.0, 0.0]), dtype=np.float64)
    if directions.shape != (3, 3) or not np.isfinite(directions).all() or origin.shape != (3,):
        raise CaseError(
            f"{path.name}: 'space directions' must be three vectors of three numbers, and "
            f"'space origin' one."
        )
    if not np.linalg.norm(directions, axis=1).all():
        raise CaseError(f"{path.name}: one of its 'space directions' is zero.")
    affine = np.eye(4)
    affine[:3, :3] = directions.T
    affine[:3, 3] = origin
    placed: Affine = LPS_FROM[_SPACES[name]] @ affine
    return placed


def _read_values(
    path: Path, file: BinaryIO, header: dict[str, Any], sizes: tuple[int, ...], kind: np.dtype[Any]
) -> NDArray[Any]:
    """Values [i, j, k], from behind the header; no more is unpacked than the header claims."""
    needed = math.prod(sizes) * kind.itemsize
    for field in ("line skip", "lineskip", "byte skip", "byteskip"):
        if int(header.get(field, 0)):
            raise CaseError(f"{path.name}: uses {field!r}, which is not read; save it without.")
    if str(header["encoding"]).lower() in _GZIP:
        data = zlib.decompressobj(_WBITS_GZIP).decompress(file.read(), needed)
    else:
        data = file.read(needed)
    if len(data) < needed:
        raise CaseError(
            f"{path.name} is cut off: it holds {len(data):,} of {needed:,} bytes of values."
        )
    return np.frombuffer(data, kind).reshape(sizes, order="F")
