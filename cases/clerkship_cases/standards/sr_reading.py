"""Read a Structured Report (TID 1500), whoever wrote it: shapes, measurements, evaluations.

No item is trusted: the tree is walked a fixed number of levels deep, items are counted before they are
read, and every value passes the checks of :class:`Annotation`.

Source
------
DICOM PS3.16 TID 1500, 1410 (planar regions), 1411 (volumes), 1501 (groups without a region).
"""

from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from clerkship_cases.annotation import Annotation
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.standards import sr_tree as tree
from clerkship_cases.standards.codes import Code, code_of
from clerkship_cases.standards.dicomfile import read_untrusted, untrusted
from clerkship_cases.standards.image_place import ImagePlaces
from clerkship_cases.standards.private import MAX_ANNOTATIONS, SR_MAX_BYTES
from clerkship_cases.standards.sr_shapes import ShapeReader

_COMPREHENSIVE_3D_SR = frozenset({"1.2.840.10008.5.1.4.1.1.88.34"})
#: Enhanced and Comprehensive SR hold the same template, without SCOORD3D.
_ANY_REPORT = _COMPREHENSIVE_3D_SR | {f"1.2.840.10008.5.1.4.1.1.88.{n}" for n in (22, 33)}
_WHAT = "a DICOM Structured Report of annotations"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number of a report, in the unit that the report gives (UCUM)."""

    name: Code
    value: float
    unit: Code


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A qualitative evaluation: a question and its coded answer."""

    name: Code
    value: Code


@dataclass(frozen=True, slots=True)
class SegmentReference:
    """A segment of a segmentation that a group was measured on."""

    sop_instance_uid: str
    segment_number: int


@dataclass(frozen=True, slots=True)
class MeasurementGroup:
    """What a report says about one finding.

    Attributes
    ----------
    tracking_identifier : str
        Its name in the report.
    finding : Code or None
        What it is.
    sites : tuple of Code
        Where it is, in words.
    annotations : tuple of Annotation
        Where it is, in the patient.
    segment : SegmentReference or None
        For a volume: the segment that holds its voxels.
    measurements, evaluations : tuple
        What was measured and judged.
    """

    tracking_identifier: str
    finding: Code | None
    sites: tuple[Code, ...]
    annotations: tuple[Annotation, ...]
    segment: SegmentReference | None
    measurements: tuple[Measurement, ...]
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says: who observed, and one group per finding."""

    observers: tuple[str, ...]
    groups: tuple[MeasurementGroup, ...]


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
        groups = _groups(dataset, path.name)
        places = ImagePlaces(case) if case is not None else None
        if places is not None:
            _check_images(dataset, places, path.name)
        reader = ShapeReader(places, _spacing_by_image(dataset), str(dataset.SOPInstanceUID))
        found: list[Annotation] = []
        for group in groups:
            try:
                shapes = reader.annotations(group)
            except CaseError as problem:
                raise CaseError(f"{path.name}: {problem}") from problem
            if not shapes:
                raise CaseError(f"{path.name}: a measurement group has no shape.")
            found += shapes
        if len(found) > MAX_ANNOTATIONS:
            raise CaseError(
                f"{path.name} holds {len(found)} annotations; at most {MAX_ANNOTATIONS} are read."
            )
        return found


def read_report(path: Path | str, case: Case | None = None) -> Report:
    """Read a report of any program: findings with their shapes, numbers and judgements.

    Parameters
    ----------
    path : Path
        An Enhanced, Comprehensive or Comprehensive 3D SR after TID 1500.
    case : Case, optional
        When given, every shape must lie on images of this case; those that the report merely lists
        (segmentations, other series) are not looked at.

    Raises
    ------
    CaseError
        If the file is too large, damaged, another kind of report, or a shape is of other images.
    """
    path = Path(path)
    with untrusted(path, _WHAT):
        dataset = read_untrusted(path, _ANY_REPORT, max_bytes=SR_MAX_BYTES, what=_WHAT)
        title = tree.name_of(dataset)
        if not any(tree.children(dataset, tree.IMAGING_MEASUREMENTS)):
            meaning = tree.concept(dataset)
            raise CaseError(
                f"{path.name} is a report of another kind ({meaning.meaning if meaning else title or 'untitled'}); "
                f"expected an imaging measurement report (TID 1500)."
            )
        places = ImagePlaces(case) if case is not None else None
        reader = ShapeReader(places, _spacing_by_image(dataset), str(dataset.SOPInstanceUID))
        observers = [str(item.PersonName) for item in tree.children(dataset, tree.OBSERVER_NAME)]
        try:
            groups = tuple(_group(item, reader) for item in _groups(dataset, path.name))
        except CaseError as problem:
            raise CaseError(f"{path.name}: {problem}") from problem
        return Report(tuple(observers), groups)


def _groups(dataset: Dataset, name: str) -> list[Dataset]:
    groups = [
        group
        for container in tree.children(dataset, tree.IMAGING_MEASUREMENTS)
        for group in tree.children(container, tree.MEASUREMENT_GROUP)
    ]
    if len(groups) > MAX_ANNOTATIONS:
        raise CaseError(
            f"{name} holds {len(groups)} annotations; at most {MAX_ANNOTATIONS} are read."
        )
    return groups


def _group(group: Dataset, reader: ShapeReader) -> MeasurementGroup:
    findings = [code_of(item, "ConceptCodeSequence") for item in tree.children(group, tree.FINDING)]
    sites = [
        code_of(item, "ConceptCodeSequence")
        for item in tree.children(group, tree.FINDING_SITE, tree.FINDING_SITE_SRT)
    ]
    return MeasurementGroup(
        tracking_identifier=tree.first_text(group, tree.TRACKING_IDENTIFIER),
        finding=next((code for code in findings if code is not None), None),
        sites=tuple(code for code in sites if code is not None),
        annotations=tuple(reader.annotations(group)),
        segment=_segment(group),
        measurements=tuple(_measurements(group)),
        evaluations=tuple(_evaluations(group)),
    )


def _measurements(group: Dataset) -> list[Measurement]:
    found = []
    for item in tree.items(group):
        values = item.get("MeasuredValueSequence")
        name = tree.concept(item)
        if tree.value_type(item) != "NUM" or not values or name is None:
            continue  # a number that was not measured has no value (PS3.3 C.18.1)
        unit = code_of(values[0], "MeasurementUnitsCodeSequence")
        if unit is not None:
            found.append(Measurement(name, float(values[0].NumericValue), unit))
    return found


def _evaluations(group: Dataset) -> list[Evaluation]:
    known = {tree.FINDING, tree.FINDING_SITE, tree.FINDING_SITE_SRT}
    found = []
    for item in tree.items(group):
        if tree.value_type(item) != "CODE" or tree.name_of(item) in known:
            continue
        name, value = tree.concept(item), code_of(item, "ConceptCodeSequence")
        if name is not None and value is not None:
            found.append(Evaluation(name, value))
    return found


def _segment(group: Dataset) -> SegmentReference | None:
    for item in tree.children(group, tree.REFERENCED_SEGMENT):
        reference = item.ReferencedSOPSequence[0]
        number = reference.get("ReferencedSegmentNumber")
        if number is not None:
            first = number if isinstance(number, int) else number[0]
            return SegmentReference(str(reference.ReferencedSOPInstanceUID), int(first))
    return None


def _check_images(dataset: Dataset, places: ImagePlaces, name: str) -> None:
    """Every image that the report lists must be one of the case."""
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
    if foreign := [uid for uid in sorted(listed) if uid not in places]:
        raise CaseError(
            f"{name} was drawn on another image ({foreign[0]}), not on the case {places.case.id!r}."
        )


def _spacing_by_image(dataset: Dataset) -> dict[str, tuple[float, float]]:
    """(column, row) spacing in mm of the images in the report's image library."""
    found: dict[str, tuple[float, float]] = {}
    for library in tree.children(dataset, tree.IMAGE_LIBRARY):
        for group in tree.children(library, tree.IMAGE_LIBRARY_GROUP):
            for image in (item for item in tree.items(group) if tree.value_type(item) == "IMAGE"):
                spacing = [
                    float(item.MeasuredValueSequence[0].NumericValue)
                    for code in (tree.HORIZONTAL_SPACING, tree.VERTICAL_SPACING)
                    for item in tree.children(image, code)
                ]
                if len(spacing) == 2:
                    found[tree.image_of(image)[0]] = (spacing[0], spacing[1])
    return found
