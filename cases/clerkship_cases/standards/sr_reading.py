"""Read a Structured Report (TID 1500) back into annotations, whoever wrote it.

No item is trusted: the tree is walked three fixed levels deep, numbers are counted before they are
turned into points, and every value passes the checks of :class:`Annotation`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.annotation import (
    KINDS,
    POINT_COUNTS,
    Annotation,
    Kind,
    Point,
    is_annotation_uid,
)
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.standards.dicomfile import read_untrusted, untrusted
from clerkship_cases.standards.private import CORNER_PX, MAX_ANNOTATIONS, SR_MAX_BYTES

_COMPREHENSIVE_3D_SR = frozenset({"1.2.840.10008.5.1.4.1.1.88.34"})
_WHAT = "a DICOM Structured Report of annotations"

# Concept codes (PS3.16 Annex D); compared without their scheme, which older files write differently.
_IMAGING_MEASUREMENTS = "126010"
_MEASUREMENT_GROUP = "125007"
_IMAGE_LIBRARY = "111028"
_IMAGE_LIBRARY_GROUP = "126200"
_TRACKING_IDENTIFIER = "112039"
_TRACKING_UID = "112040"
_FINDING = "121071"
_COMMENT = "121106"
_SOURCE_OF_MEASUREMENT = "121112"
_KIND = "kind"
_HORIZONTAL_SPACING = "111026"
_VERTICAL_SPACING = "111066"


def read_sr(path: Path | str, case: Case | None = None) -> list[Annotation]:
    """Read the annotations of a Structured Report.

    Meant for files that a student handed in: every claim of the file is checked.

    Parameters
    ----------
    path : Path
        The file.
    case : Case, optional
        When given, the report must be about images of this case. Give it wherever it is known.

    Raises
    ------
    CaseError
        If the file is too large, damaged, no Structured Report of this kind, or of other images.
    """
    path = Path(path)
    with untrusted(path, _WHAT):
        dataset = read_untrusted(path, _COMPREHENSIVE_3D_SR, max_bytes=SR_MAX_BYTES, what=_WHAT)
        spacing_mm = _spacing_by_image(dataset)
        groups = [
            group
            for container in _children(dataset, _IMAGING_MEASUREMENTS)
            for group in _children(container, _MEASUREMENT_GROUP)
        ]
        if len(groups) > MAX_ANNOTATIONS:
            raise CaseError(
                f"{path.name} holds {len(groups)} annotations; at most {MAX_ANNOTATIONS} are read."
            )
        if case is not None:
            _check_images(dataset, case, path.name)
        try:
            return [_annotation(group, spacing_mm, case) for group in groups]
        except CaseError as problem:
            raise CaseError(f"{path.name}: {problem}") from problem


def _annotation(
    group: Dataset, spacing_mm: dict[str, tuple[float, float]], case: Case | None
) -> Annotation:
    shape = next((item for item in _items(group) if item.ValueType in ("SCOORD", "SCOORD3D")), None)
    if shape is None:
        raise CaseError("a measurement group has no shape.")
    label = next((_meaning(item) for item in _children(group, _FINDING)), "")
    text = next((str(item.TextValue) for item in _children(group, _COMMENT)), "")
    name = next((str(item.TextValue) for item in _children(group, _TRACKING_IDENTIFIER)), "")
    uid = next((str(item.UID) for item in _children(group, _TRACKING_UID)), "")
    image = next((_image_uid(item) for item in _children(group, _SOURCE_OF_MEASUREMENT)), None)
    points = _graphic_data(shape)
    kind = _kind(group, shape, points)
    if len(points) > POINT_COUNTS[kind][1] + 1:
        raise CaseError(f"a {kind} with {len(points)} points is too long.")
    if kind == "region" and len(points) > 1 and (points[0] == points[-1]).all():
        points = points[:-1]
    if shape.ValueType == "SCOORD":
        image = next(
            (_image_uid(item) for item in _items(shape) if item.ValueType == "IMAGE"), image
        )
        points = _from_pixels(points, image, spacing_mm, case)
    elif (
        case is not None
        and str(shape.ReferencedFrameOfReferenceUID) != case.volume.frame_of_reference_uid
    ):
        raise CaseError(f"a shape lies in another patient space than the case {case.id!r}.")
    if case is not None and image is not None:
        case.slice_index(image)
    return Annotation(
        uid=name if is_annotation_uid(name) else uid,
        kind=kind,
        points_lps_mm=tuple(cast(Point, tuple(point)) for point in points.tolist()),
        label=label,
        text=text,
        slice_uid=image,
    )


def _graphic_data(shape: Dataset) -> NDArray[np.float64]:
    """Points as (n, 2) pixels or (n, 3) millimetres."""
    dimensions = 2 if shape.ValueType == "SCOORD" else 3
    numbers = np.atleast_1d(np.asarray(shape.GraphicData, dtype=np.float64))
    if numbers.size == 0 or numbers.size % dimensions:
        raise CaseError(
            f"a shape has {numbers.size} numbers, which make no points of {dimensions}."
        )
    return numbers.reshape(-1, dimensions)


def _from_pixels(
    points_px: NDArray[np.float64],
    image: str | None,
    spacing_mm: dict[str, tuple[float, float]],
    case: Case | None,
) -> NDArray[np.float64]:
    """Pixels of an image to (nominal) patient millimetres."""
    points_ij = points_px - CORNER_PX
    if case is not None:
        k = case.slice_index(image or "")
        return case.volume.patient_from_voxel(
            np.column_stack([points_ij, np.full(len(points_ij), k)])
        )
    column_mm, row_mm = spacing_mm.get(image or "", (1.0, 1.0))
    return np.column_stack([points_ij * (column_mm, row_mm), np.zeros(len(points_ij))])


def _kind(group: Dataset, shape: Dataset, points: NDArray[np.float64]) -> Kind:
    """Kind as we wrote it; for other software's files, what the shape looks like."""
    for item in _children(group, _KIND):
        written = str(item.ConceptCodeSequence[0].get("CodeValue", ""))
        for kind in KINDS:
            if kind == written:
                return kind
    graphic = str(shape.GraphicType)
    if graphic == "ELLIPSE":
        return "ellipse"
    is_closed = len(points) > 3 and bool((points[0] == points[-1]).all())
    if graphic == "POLYGON" or (graphic == "POLYLINE" and is_closed):
        return "region"
    by_count: dict[int, Kind] = {2: "length", 3: "angle"}
    if graphic == "POLYLINE" and len(points) in by_count:
        return by_count[len(points)]
    raise CaseError(f"a {graphic} with {len(points)} points is no kind of annotation known here.")


def _check_images(dataset: Dataset, case: Case, name: str) -> None:
    """Every image that the report lists must be one of the case."""
    own = {str(header.SOPInstanceUID) for header in case.images}
    listed = {
        str(image.ReferencedSOPInstanceUID)
        for keyword in (
            "CurrentRequestedProcedureEvidenceSequence",
            "PertinentOtherEvidenceSequence",
        )
        for study in dataset.get(keyword) or ()
        for series in study.ReferencedSeriesSequence
        for image in series.ReferencedSOPSequence
    }
    if foreign := listed - own:
        raise CaseError(
            f"{name} was drawn on another image ({sorted(foreign)[0]}), not on the case {case.id!r}."
        )


def _spacing_by_image(dataset: Dataset) -> dict[str, tuple[float, float]]:
    """(column, row) spacing in mm of the images in the report's image library."""
    found: dict[str, tuple[float, float]] = {}
    for library in _children(dataset, _IMAGE_LIBRARY):
        for group in _children(library, _IMAGE_LIBRARY_GROUP):
            for image in (item for item in _items(group) if item.ValueType == "IMAGE"):
                spacing = [
                    float(item.MeasuredValueSequence[0].NumericValue)
                    for code in (_HORIZONTAL_SPACING, _VERTICAL_SPACING)
                    for item in _children(image, code)
                ]
                if len(spacing) == 2:
                    found[_image_uid(image)] = (spacing[0], spacing[1])
    return found


def _items(parent: Dataset) -> Iterator[Dataset]:
    yield from parent.get("ContentSequence") or ()


def _children(parent: Dataset, code: str) -> Iterator[Dataset]:
    """Child items with the given concept name."""
    for item in _items(parent):
        names = item.get("ConceptNameCodeSequence")
        if names and str(names[0].get("CodeValue", "")) == code:
            yield item


def _meaning(item: Dataset) -> str:
    return str(item.ConceptCodeSequence[0].CodeMeaning)


def _image_uid(item: Dataset) -> str:
    return str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
