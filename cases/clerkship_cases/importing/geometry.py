"""Make sure that de-identification took nothing that places an image in the patient."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError

_VALUES = (
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SpacingBetweenSlices",
)
#: Where multi-frame images keep theirs (PS3.3 C.7.6.16).
_GROUPS = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
)
_TAGS = tuple(tag for name in (*_VALUES, *_GROUPS) if (tag := tag_for_keyword(name)) is not None)
#: A decimal string has at most 16 characters (PS3.5 6.2), so a longer one may have been shortened.
_RELATIVE, _ABSOLUTE = 1e-6, 1e-6


def check_geometry_kept(before: Path, after: Path, name: str) -> None:
    """Compare size, place, orientation and spacing of an image with those of its copy.

    Parameters
    ----------
    before, after : Path
        The original and the de-identified file.
    name : str
        How the source calls the file, for the message.

    Raises
    ------
    CaseError
        If a value is missing or another.
    """
    from clerkship_cases.dicom import guarded, read_dataset

    with guarded(before):
        was = dict(_geometry(read_dataset(before, stop_before_pixels=True, only=_TAGS)))
    with guarded(after):
        now = dict(_geometry(read_dataset(after, stop_before_pixels=True, only=_TAGS)))
    for place, values in was.items():
        if place not in now or not _same(values, now[place]):
            raise CaseError(
                f"{name}: {place} did not come through de-identification (it was "
                f"{list(values)}, it is {list(now.get(place, ())) or 'gone'}), so nothing was added."
            )


def _geometry(dataset: Dataset, where: str = "") -> Iterator[tuple[str, tuple[float, ...]]]:
    """Walk over all geometry of a dataset: a name with its tag, and the numbers."""
    for keyword in _VALUES:
        value = dataset.get(keyword)
        if value is not None and value != "":
            numbers = value if isinstance(value, list) or hasattr(value, "__iter__") else [value]
            tag = tag_for_keyword(keyword) or 0
            place = f"{where}{keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X})"
            yield place, tuple(float(number) for number in numbers)
    for keyword in _GROUPS:
        for number, item in enumerate(dataset.get(keyword) or (), start=1):
            yield from _geometry(item, f"{where}{keyword}[{number}].")


def _same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and np.allclose(one, other, rtol=_RELATIVE, atol=_ABSOLUTE)
