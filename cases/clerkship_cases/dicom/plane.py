"""Where each frame of an image lies in the patient, and what turns its stored values into real ones.

A plane's facts are at the top level of a single-frame image, in functional groups of an enhanced one, and
in a vendor's private header of a mosaic. Here they become alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

from clerkship_cases.dicom.attributes import describe_tag, numbers_of, tag_of, value_of
from clerkship_cases.dicom.frames import Image
from clerkship_cases.dicom.mosaic import is_mosaic, read_mosaic
from clerkship_cases.dicom.read import named
from clerkship_cases.dicom.values import Slice
from clerkship_cases.errors import CaseError

#: Dot product of unit vectors that still counts as perpendicular: headers round their cosines.
_PERPENDICULAR = 1e-3
_UNIT_LENGTH = 0.01

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice before it is put in order."""

    image: int
    """Which image of the series it belongs to."""
    frame_number: int
    """Its frame in that image, from 1."""
    pixels: Slice
    position_lps_mm: Vector | None
    orientation: Vector | None
    """(2, 3): unit vectors along a row (columns rise) and along a column (rows rise)."""
    spacing_mm: tuple[float, float] | None
    """Between columns, between rows."""
    window_header: Dataset
    groups: tuple[Dataset, ...]
    """Where its facts are looked up: own functional groups, shared ones, the image itself."""

    @property
    def is_placed(self) -> bool:
        """Whether the file places it in the patient."""
        return not (
            self.position_lps_mm is None or self.orientation is None or self.spacing_mm is None
        )


def planes_of(n: int, image: Image) -> list[Plane]:
    """All planes of one image of a series, in the order of its frames.

    Parameters
    ----------
    n : int
        Number of the image in its series.

    Raises
    ------
    CaseError
        If an attribute has an impossible value, or a mosaic can't be taken apart.

    Source
    ------
    DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16.2 (functional groups), C.11.1 (modality LUT).
    """
    with named(image.path):
        if is_mosaic(image.header):
            return _mosaic_planes(n, image)
        count = image.format.frames
        shared = _item(image.header, "SharedFunctionalGroupsSequence")
        own = value_of(image.header, "PerFrameFunctionalGroupsSequence") or []
        if own and len(own) < count:
            raise CaseError(
                f"{image.format.name}: {describe_tag('NumberOfFrames')} is {count}, but "
                f"{describe_tag('PerFrameFunctionalGroupsSequence')} has {len(own)} items."
            )
        planes = []
        for frame in range(count):
            groups = [own[frame]] if own else []
            groups += [shared] if shared is not None else []
            planes.append(_plane(n, frame, image, (*groups, image.header)))
        if count > 1 and not any("PlanePositionSequence" in p.groups[0] for p in planes):
            # One position for all frames: a film of one place, or frames whose places are not said.
            return [replace(plane, position_lps_mm=None) for plane in planes]
        return planes


def place_of(groups: Sequence[Dataset], macro: str, keyword: str) -> Dataset:
    """Return the data set that says something of a frame: its own macro, the shared one, the top level."""
    for group in groups[:-1]:
        item = _item(group, macro)
        if item is not None and tag_of(keyword) in item:
            return item
    return groups[-1]


def _plane(n: int, frame: int, image: Image, groups: tuple[Dataset, ...]) -> Plane:
    name = image.format.name
    return Plane(
        image=n,
        frame_number=frame + 1,
        pixels=_slice(frame, image, groups),
        position_lps_mm=_vector(
            name, groups, "PlanePositionSequence", "ImagePositionPatient", length=3
        ),
        orientation=_orientation(name, groups),
        spacing_mm=_spacing(name, groups),
        window_header=next(
            (item for g in groups[:-1] if (item := _item(g, "FrameVOILUTSequence")) is not None),
            image.header,
        ),
        groups=groups,
    )


def _slice(frame: int, image: Image, groups: tuple[Dataset, ...]) -> Slice:
    """Find what turns stored values into real ones, for this very frame (PET changes it from slice to slice)."""
    header, name = image.header, image.format.name
    if image.format.is_colour:
        return Slice(image.frames, frame)
    if _item(header, "ModalityLUTSequence") is not None:
        return Slice(image.frames, frame, table=_modality_table(image))
    macro = "PixelValueTransformationSequence"
    slope = _number(name, groups, macro, "RescaleSlope", 1.0)
    intercept = _number(name, groups, macro, "RescaleIntercept", 0.0)
    if slope == 0:
        raise CaseError(
            f"{name}: {describe_tag('RescaleSlope')} is 0; every value would be the same."
        )
    return Slice(image.frames, frame, slope, intercept)


def _modality_table(image: Image) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def apply(stored: NDArray[Any]) -> NDArray[Any]:
        with named(image.path, "decoded"):
            return np.asarray(apply_modality_lut(stored, image.header))

    return apply


def _mosaic_planes(n: int, image: Image) -> list[Plane]:
    whole = _plane(n, 0, image, (image.header,))
    if whole.orientation is None or whole.spacing_mm is None or whole.position_lps_mm is None:
        raise CaseError(
            f"{image.format.name} is a mosaic without position, orientation or spacing."
        )
    mosaic = read_mosaic(image.header, image.format)
    corners_lps_mm = mosaic.corners_lps_mm(
        whole.position_lps_mm, whole.orientation, whole.spacing_mm
    )
    return [
        replace(
            whole,
            frame_number=1,
            pixels=replace(whole.pixels, tile=tile),
            position_lps_mm=corner,
        )
        for tile, corner in zip(mosaic.tiles, corners_lps_mm, strict=True)
    ]


def _item(dataset: Dataset, keyword: str) -> Dataset | None:
    sequence = value_of(dataset, keyword)
    return sequence[0] if sequence else None


def _vector(
    name: str, groups: Sequence[Dataset], macro: str, keyword: str, *, length: int
) -> Vector | None:
    """Numbers of a multi-valued attribute; None when it is absent or empty."""
    found = _numbers(name, groups, macro, keyword)
    if found is None:
        return None
    if len(found) != length or not np.isfinite(found).all():
        raise CaseError(
            f"{name}: {describe_tag(keyword)} is {list(found)}; expected {length} numbers."
        )
    return np.array(found)


def _number(
    name: str, groups: Sequence[Dataset], macro: str, keyword: str, default: float
) -> float:
    found = _numbers(name, groups, macro, keyword)
    if found is None:
        return default
    if len(found) != 1 or not np.isfinite(found[0]):
        raise CaseError(f"{name}: {describe_tag(keyword)} is {list(found)}; expected a number.")
    return found[0]


def _numbers(
    name: str, groups: Sequence[Dataset], macro: str, keyword: str
) -> tuple[float, ...] | None:
    try:
        return numbers_of(place_of(groups, macro, keyword), keyword)
    except CaseError as problem:
        raise CaseError(f"{name}: {problem}") from problem


def _orientation(name: str, groups: Sequence[Dataset]) -> Vector | None:
    """Two perpendicular unit vectors, or None when the file does not say."""
    macro = "PlaneOrientationSequence"
    cosines = _vector(name, groups, macro, "ImageOrientationPatient", length=6)
    if cosines is None:
        return None
    vectors = _unit_vectors(tuple(cosines.tolist()))
    if vectors is None:
        raise CaseError(
            f"{name}: {describe_tag('ImageOrientationPatient')} is {cosines.tolist()}; it must be two "
            f"perpendicular vectors of length 1 (PS3.3 C.7.6.2.1.1)."
        )
    return vectors


@lru_cache(maxsize=1024)
def _unit_vectors(cosines: tuple[float, ...]) -> Vector | None:
    """(2, 3), the same object for the same cosines; None if they are no perpendicular unit vectors."""
    vectors: Vector = np.array(cosines).reshape(2, 3)
    lengths = np.linalg.norm(vectors, axis=1)
    if (np.abs(lengths - 1) > _UNIT_LENGTH).any() or abs(vectors[0] @ vectors[1]) > _PERPENDICULAR:
        return None
    vectors.flags.writeable = False
    return vectors


def _spacing(name: str, groups: Sequence[Dataset]) -> tuple[float, float] | None:
    """(between columns, between rows) in mm; the file writes (row, column) spacing."""
    spacing = _vector(name, groups, "PixelMeasuresSequence", "PixelSpacing", length=2)
    if spacing is None or (spacing <= 0).any():
        return None  # 0 is written where nothing is known
    row_mm, column_mm = spacing
    return float(column_mm), float(row_mm)
