"""Which images are searched for text when nobody says."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    LegacyConvertedEnhancedPETImageStorage,
    MRImageStorage,
    ParametricMapStorage,
    PositronEmissionTomographyImageStorage,
    RTDoseStorage,
    SegmentationStorage,
)

RECONSTRUCTED = frozenset(
    {
        CTImageStorage,
        EnhancedCTImageStorage,
        EnhancedMRImageStorage,
        EnhancedPETImageStorage,
        LegacyConvertedEnhancedCTImageStorage,
        LegacyConvertedEnhancedMRImageStorage,
        LegacyConvertedEnhancedPETImageStorage,
        MRImageStorage,
        PositronEmissionTomographyImageStorage,
    }
)
"""Images that a computer made from measurements: text is rarely burned in, and then drawn by a
workstation in one flat value."""

COMPUTED = frozenset({SegmentationStorage, RTDoseStorage, ParametricMapStorage})
"""Masks and dose grids: there is no picture to write on."""

CAPTURED = ("SCREEN", "CAPTURE", "SECONDARY CAPTURE", "REPORT", "DOSE_INFO", "PASTED")
"""Words in Image Type that vendors give to captured screens."""

FLAT_PIXELS = 24
"""Fewer pixels of exactly the greatest or least value than this can't spell a name."""

STROKE_PART = 0.5
"""Part of a crisp drawing's pixels that lie inside a stroke, at least: noise is scattered, letters hang
together. Measured: 0.73 at least, in names and dates of 7 to 24 pixels in 22 typefaces."""


def is_computed(dataset: Dataset) -> bool:
    """Whether the pixels are a mask or a dose grid, where nothing can be written by a machine."""
    return dataset.get("SOPClassUID") in COMPUTED


def is_at_risk(dataset: Dataset) -> bool:
    """Whether an image of this kind is searched in every frame.

    All kinds are, except plain reconstructed slices (CT, MR, PET) in grey that do not say that they
    are captured screens or bear annotation. Source: PS3.3 C.7.6.1.1.1 (Image Type), C.7.6.1.1.3
    (Burned In Annotation; its NO is a claim, not a proof, and is not relied on).
    """
    if is_computed(dataset):
        return False
    if dataset.get("SOPClassUID") not in RECONSTRUCTED:
        return True
    words = " ".join(str(word).upper() for word in _values(dataset.get("ImageType")))
    return (
        dataset.get("SamplesPerPixel", 1) != 1
        or dataset.get("PhotometricInterpretation") == "PALETTE COLOR"
        or str(dataset.get("BurnedInAnnotation", "")).upper() == "YES"
        or "ConversionType" in dataset
        or any(word in words for word in CAPTURED)
    )


def may_be_annotated(values: npt.NDArray[Any]) -> bool:
    """Whether a reconstructed slice holds an extreme value so often that it may be drawn text.

    Text is drawn by a workstation in one value, mostly the greatest that the image can hold; what a
    scanner measures reaches its greatest value in few pixels. Metal and air do too: that costs a
    search, no more. The least value fills the air around a body, so it is judged inside: text in it
    would be a hole in brighter surroundings.

    A slice beyond the body may hold 0 and a few dozen 1, the last of the noise. It is told from a
    drawing, which is crisp where there are but two values, by its pixels: most are no part of a stroke.

    Parameters
    ----------
    values : (rows, columns) integer
        Stored values of one frame.
    """
    top = values.max()
    greatest = values == top
    count = int(np.count_nonzero(greatest))
    if not FLAT_PIXELS <= count <= values.size // 4:
        return False
    if int(top) - int(values.min()) > 1:
        return True
    return _stroke_pixels(greatest) >= STROKE_PART * count


def _stroke_pixels(drawn: npt.NDArray[np.bool_]) -> int:
    """Count the pixels with at least two others beside them, as every pixel inside a stroke has."""
    rows, columns = np.nonzero(drawn)
    around = np.pad(drawn, 1).astype(np.uint8)
    # the eight neighbours, and the pixel itself, of the drawn pixels only
    beside = sum(around[rows + i, columns + j] for i in range(3) for j in range(3))
    return int(np.count_nonzero(np.asarray(beside) >= 3))


def _values(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
