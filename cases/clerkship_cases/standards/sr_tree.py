"""Walk the content tree of a Structured Report: items, their names, their values.

Concepts are compared by code value and not by scheme, which older files write differently.

Source
------
DICOM PS3.3 C.17.3 (content tree); PS3.16 Annex D (code values).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError
from clerkship_cases.standards.codes import Code, code_of

IMAGING_MEASUREMENT_REPORT = "126000"
IMAGING_MEASUREMENTS = "126010"
MEASUREMENT_GROUP = "125007"
IMAGE_LIBRARY = "111028"
IMAGE_LIBRARY_GROUP = "126200"
TRACKING_IDENTIFIER = "112039"
TRACKING_UID = "112040"
FINDING = "121071"
FINDING_SITE = "363698007"
FINDING_SITE_SRT = "G-C0E3"
COMMENT = "121106"
SOURCE_OF_MEASUREMENT = "121112"
REFERENCED_SEGMENT = "121191"
OBSERVER_NAME = "121008"
HORIZONTAL_SPACING = "111026"
VERTICAL_SPACING = "111066"
KIND = "kind"

#: Items of one group that are looked at: more than any template allows. Our own limit.
MAX_ITEMS = 5_000


def items(parent: Dataset) -> Iterator[Dataset]:
    """Child items, in order."""
    children = parent.get("ContentSequence") or ()
    if len(children) > MAX_ITEMS:
        raise CaseError(
            f"the report has an item with {len(children)} parts; at most {MAX_ITEMS} are read."
        )
    yield from children


def value_type(item: Dataset) -> str:
    """TEXT, NUM, CODE, SCOORD, ...; empty for an item by reference."""
    return str(item.get("ValueType", ""))


def name_of(item: Dataset) -> str:
    """Code value of an item's name."""
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].get("CodeValue", "")) if names else ""


def children(parent: Dataset, *codes: str) -> Iterator[Dataset]:
    """Child items with one of the given concept names."""
    for item in items(parent):
        if name_of(item) in codes:
            yield item


def first_text(parent: Dataset, code: str) -> str:
    """Words of the first child of that name, else nothing."""
    return next((str(item.TextValue) for item in children(parent, code) if "TextValue" in item), "")


def first_meaning(parent: Dataset, code: str) -> str:
    """Return the meaning of the coded value of the first child of that name, else nothing."""
    for item in children(parent, code):
        if "ConceptCodeSequence" in item:
            return str(item.ConceptCodeSequence[0].CodeMeaning)
    return ""


def concept(item: Dataset) -> Code | None:
    """Return the name of an item in coded terms."""
    return code_of(item, "ConceptNameCodeSequence")


def image_of(item: Dataset) -> tuple[str, int | None]:
    """SOPInstanceUID and, where one is named, frame of the image that an item refers to."""
    reference = item.ReferencedSOPSequence[0]
    uid = str(reference.ReferencedSOPInstanceUID)
    frames = [int(frame) for frame in np.atleast_1d(reference.get("ReferencedFrameNumber") or ())]
    if len(frames) > 1:
        raise CaseError(f"a shape refers to {len(frames)} frames; it lies in one.")
    return uid, frames[0] if frames else None


def graphic_data(shape: Dataset) -> NDArray[np.float64]:
    """Points of a shape as (n, 2) pixels or (n, 3) millimetres."""
    dimensions = 2 if value_type(shape) == "SCOORD" else 3
    numbers = np.atleast_1d(np.asarray(shape.GraphicData, dtype=np.float64))
    if numbers.size == 0 or numbers.size % dimensions:
        raise CaseError(
            f"a shape has {numbers.size} numbers, which make no points of {dimensions}."
        )
    return numbers.reshape(-1, dimensions)
