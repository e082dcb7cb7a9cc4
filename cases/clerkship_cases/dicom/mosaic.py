"""Siemens mosaics: the slices of one MR volume, laid out as tiles of one large image.

The file's ImagePositionPatient is that of the large image's corner, as if a slice were that large; number of
slices and direction come from the vendor's own header (CSA).

Source
------
Rule for the corner: dcm2niix and nibabel agree on it; the tests compare with nibabel. The private header is
read with nibabel, which documents its layout (nibabel.nicom.csareader).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.dicom.attributes import describe_tag
from clerkship_cases.dicom.pixel_format import PixelFormat
from clerkship_cases.errors import CaseError

#: Tags of the vendor's private header that must be read for a mosaic: creators, slice count, CSA header.
PRIVATE_TAGS = (0x00190010, 0x0019100A, 0x00290010, 0x00290011, 0x00291010, 0x00291110)

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mosaic:
    """How a mosaic is laid out.

    Attributes
    ----------
    tiles : list of (rows, columns)
        The part of the large image that is each slice, in the order in which they follow each other.
    slice_step_lps_mm : (3,) float
        From one slice to the next.
    """

    tiles: list[tuple[slice, slice]]
    slice_step_lps_mm: Vector
    rows: int
    columns: int
    tile_rows: int
    tile_columns: int

    def corners_lps_mm(
        self, position_lps_mm: Vector, orientation: Vector, spacing_mm: tuple[float, float]
    ) -> list[Vector]:
        """Centre of the first voxel of each slice, from the geometry that the file states.

        Parameters
        ----------
        position_lps_mm : (3,) float
            ImagePositionPatient of the file.
        orientation : (2, 3) float
            Unit vectors along a row and along a column.
        spacing_mm : (float, float)
            Between columns, between rows.
        """
        along_row, along_column = orientation
        column_mm, row_mm = spacing_mm
        first = (
            position_lps_mm
            + along_row * column_mm * (self.columns - self.tile_columns) / 2
            + along_column * row_mm * (self.rows - self.tile_rows) / 2
        )
        return [first + n * self.slice_step_lps_mm for n in range(len(self.tiles))]


def is_mosaic(header: Dataset) -> bool:
    """Whether an image says that it is a mosaic."""
    kinds = header.get("ImageType") or []
    return "MOSAIC" in ([kinds] if isinstance(kinds, str) else list(kinds))


def read_mosaic(header: Dataset, format_: PixelFormat) -> Mosaic:
    """Read how a mosaic is laid out from the vendor's header.

    Raises
    ------
    CaseError
        If the vendor's header is gone (many de-identifiers drop it) or does not fit the image: then
        nobody knows where the slices lie.
    """
    count, normal = _csa(header, format_.name)
    across = math.ceil(math.sqrt(count))
    if format_.rows % across or format_.columns % across:
        raise CaseError(
            f"{format_.name}: a mosaic of {count} slices needs {across} x {across} tiles; "
            f"{format_.rows} x {format_.columns} pixels can't be divided so."
        )
    step_mm = header.get("SpacingBetweenSlices") or header.get("SliceThickness")
    if not step_mm or float(step_mm) <= 0:
        raise CaseError(
            f"{format_.name}: a mosaic needs {describe_tag('SpacingBetweenSlices')}; it is absent."
        )
    height, width = format_.rows // across, format_.columns // across
    tiles = [
        (
            slice(n // across * height, (n // across + 1) * height),
            slice(n % across * width, (n % across + 1) * width),
        )
        for n in range(count)
    ]
    return Mosaic(tiles, normal * float(step_mm), format_.rows, format_.columns, height, width)


def _csa(header: Dataset, name: str) -> tuple[int, Vector]:
    """Return the number of slices, and the direction in which they follow each other."""
    from nibabel.nicom import csareader

    reader: Any = csareader  # it has no types

    try:
        csa = reader.get_csa_header(header, "image")
        count = reader.get_n_mosaic(csa) if csa is not None else None
        normal = reader.get_slice_normal(csa) if csa is not None else None
    except Exception as problem:  # a private format, read by somebody else's parser
        raise CaseError(
            f"{name}: the vendor's header of this mosaic can't be read ({problem})."
        ) from problem
    if count is None or normal is None or not 1 <= int(count) <= 4096:
        raise CaseError(
            f"{name} is a Siemens mosaic without the vendor's header (0029,1010) that says how many "
            f"slices it has and in which direction. Export it again with private attributes, or as "
            f"single slices."
        )
    direction = np.asarray(normal, dtype=np.float64)
    if direction.shape != (3,) or abs(np.linalg.norm(direction) - 1) > 0.01:
        raise CaseError(
            f"{name}: the slice direction {direction.tolist()} of this mosaic is no direction."
        )
    return int(count), direction
