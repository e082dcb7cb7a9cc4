"""Build a structure set; see :mod:`clerkship_cases.standards.rtstruct`.

highdicom has no structure sets; this is made with pydicom, type 1 and 2 attributes of every mandatory module
included (PS3.3 A.19.3).
"""

import datetime
import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from clerkship_cases.annotation import POINT_COUNTS, Annotation, new_uid
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import stable_uid
from clerkship_cases.outline import outlines_px
from clerkship_cases.standards.codes import Code
from clerkship_cases.standards.decimal_string import decimal_strings
from clerkship_cases.standards.image_place import ImagePlaces
from clerkship_cases.standards.private import MANUFACTURER
from clerkship_cases.standards.rtstruct import STRUCTURE_SET

_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"
_ELLIPSE_CORNERS = 180
#: Colours that stay apart for the commonest kinds of colour blindness.
#: Source: Okabe M, Ito K. Color Universal Design, 2008 (jfly.uni-koeln.de/color).
_COLOURS_RGB = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
_GEOMETRY = {
    "region": "CLOSED_PLANAR",
    "ellipse": "CLOSED_PLANAR",
    "point": "POINT",
    "length": "OPEN_PLANAR",
    "angle": "OPEN_PLANAR",
}


class _Contour(NamedTuple):
    geometry: str
    points_lps_mm: NDArray[np.float64]
    slice_index: int | None


def build(
    case: Case,
    drawn: Sequence[Annotation],
    masks: Mapping[str, NDArray[np.bool_]],
    codes: Mapping[str, Code],
    observer: str,
) -> Dataset:
    """Build the dataset; ``observer`` is a DICOM person name."""
    if case.volume.frame_of_reference_uid is None:
        raise CaseError(
            f"the images of {case.id!r} are not placed in a patient; a structure set needs patient "
            f"coordinates. Save a report or a segmentation instead."
        )
    places = ImagePlaces(case)
    structures: dict[str, list[_Contour]] = {}
    for annotation in drawn:
        if annotation.kind in _GEOMETRY:
            contour = _from_annotation(places, annotation)
            structures.setdefault(annotation.label or "unlabelled", []).append(contour)
    for label, mask in masks.items():
        structures.setdefault(label, []).extend(_from_mask(case, mask, label))
    if not structures:
        raise CaseError("there is nothing to save: no region, point or line was given.")
    dataset = _frame(case, observer)
    _reference_images(dataset, places)
    for number, (label, contours) in enumerate(structures.items(), start=1):
        _add_structure(dataset, places, number, label, contours)
        _add_observation(dataset, number, label, codes.get(label), observer)
    _choose_encoding(dataset)
    return dataset


def _from_annotation(places: ImagePlaces, annotation: Annotation) -> _Contour:
    points = np.asarray(annotation.points_lps_mm)
    if annotation.kind == "ellipse":
        center, major, minor = points.mean(axis=0), points[1] - points[0], points[3] - points[2]
        turn = np.linspace(0, 2 * math.pi, _ELLIPSE_CORNERS, endpoint=False)[:, None]
        points = center + np.cos(turn) * major / 2 + np.sin(turn) * minor / 2
    k = (
        places.slice_index(annotation.slice_uid, annotation.frame_number)
        if annotation.slice_uid is not None
        else places.slice_through(points)
    )
    return _Contour(_GEOMETRY[annotation.kind], points, k)


def _from_mask(case: Case, mask: NDArray[np.bool_], label: str) -> Iterator[_Contour]:
    """Outlines of every part and hole on every slice."""
    if mask.shape != case.volume.array.shape[:3]:
        raise CaseError(
            f"the mask {label!r} has shape {mask.shape}; the images of {case.id!r} have "
            f"{case.volume.array.shape[:3]}."
        )
    for k in np.flatnonzero(mask.any(axis=(1, 2))):
        for outline in outlines_px(mask[k]):
            if len(outline) > POINT_COUNTS["region"][1]:
                raise CaseError(
                    f"the mask {label!r} has an outline of {len(outline)} corners on one slice, which no reader "
                    f"will take; save it as a segmentation."
                )
            points_ijk = np.column_stack([np.array(outline), np.full(len(outline), k)])
            yield _Contour("CLOSED_PLANAR", case.volume.patient_from_voxel(points_ijk), int(k))


def _frame(case: Case, observer: str) -> Dataset:
    """Everything but the structures: patient, study, series, equipment, the set itself."""
    header = case.images[0]
    now = datetime.datetime.now(tz=datetime.UTC)
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword in (
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "AccessionNumber",
        "ReferringPhysicianName",
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "PatientIdentityRemoved",
        "DeidentificationMethod",
    ):
        if keyword in header:
            dataset.add(header[keyword])
    dataset.SOPClassUID = STRUCTURE_SET
    dataset.SOPInstanceUID = new_uid()
    dataset.Modality = "RTSTRUCT"
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = "clerkship_cases"
    dataset.SoftwareVersions = version("clerkship")
    dataset.SeriesInstanceUID = stable_uid(case.id, "structure set", observer)
    dataset.SeriesNumber = 902
    dataset.SeriesDescription = "Clerkship: structures"
    dataset.OperatorsName = observer
    dataset.InstanceNumber = 1
    dataset.InstanceCreationDate = dataset.StructureSetDate = now.strftime("%Y%m%d")
    dataset.InstanceCreationTime = dataset.StructureSetTime = now.strftime("%H%M%S")
    dataset.StructureSetLabel = "REFERENCE"
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.FrameOfReferenceUID = case.volume.frame_of_reference_uid
    dataset.PositionReferenceIndicator = ""
    dataset.StructureSetROISequence = Items()
    dataset.ROIContourSequence = Items()
    dataset.RTROIObservationsSequence = Items()
    return dataset


def _reference_images(dataset: Dataset, places: ImagePlaces) -> None:
    """List every image that the structures were drawn on, each once (C.8.8.5)."""
    images: dict[str, Dataset] = {}
    for k in range(len(places.case.images)):
        reference = places.reference(k)
        item = Dataset()
        item.ReferencedSOPClassUID = reference.sop_class_uid
        item.ReferencedSOPInstanceUID = reference.sop_instance_uid
        images.setdefault(reference.sop_instance_uid, item)
    series, study, space = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = places.case.images[0].SeriesInstanceUID
    series.ContourImageSequence = Items(images.values())
    study.ReferencedSOPClassUID = _DETACHED_STUDY
    study.ReferencedSOPInstanceUID = places.case.images[0].StudyInstanceUID
    study.RTReferencedSeriesSequence = Items([series])
    space.FrameOfReferenceUID = dataset.FrameOfReferenceUID
    space.RTReferencedStudySequence = Items([study])
    dataset.ReferencedFrameOfReferenceSequence = Items([space])


def _add_structure(
    dataset: Dataset, places: ImagePlaces, number: int, label: str, contours: list[_Contour]
) -> None:
    structure, drawn = Dataset(), Dataset()
    structure.ROINumber = number
    structure.ReferencedFrameOfReferenceUID = dataset.FrameOfReferenceUID
    structure.ROIName = label
    structure.ROIGenerationAlgorithm = "MANUAL"
    dataset.StructureSetROISequence.append(structure)
    drawn.ReferencedROINumber = number
    drawn.ROIDisplayColor = list(_COLOURS_RGB[(number - 1) % len(_COLOURS_RGB)])
    drawn.ContourSequence = Items(
        _contour_item(places, n, contour) for n, contour in enumerate(contours, start=1)
    )
    dataset.ROIContourSequence.append(drawn)


def _contour_item(places: ImagePlaces, number: int, contour: _Contour) -> Dataset:
    item = Dataset()
    if contour.slice_index is not None:
        reference, image = places.reference(contour.slice_index), Dataset()
        image.ReferencedSOPClassUID = reference.sop_class_uid
        image.ReferencedSOPInstanceUID = reference.sop_instance_uid
        if reference.frame_number is not None:
            image.ReferencedFrameNumber = reference.frame_number
        item.ContourImageSequence = Items([image])
    item.ContourGeometricType = contour.geometry
    item.NumberOfContourPoints = len(contour.points_lps_mm)
    item.ContourNumber = number
    item.ContourData = decimal_strings(contour.points_lps_mm.ravel())
    return item


def _add_observation(
    dataset: Dataset, number: int, label: str, code: Code | None, observer: str
) -> None:
    observation = Dataset()
    observation.ObservationNumber = number
    observation.ReferencedROINumber = number
    observation.ROIObservationLabel = label[:16]
    observation.RTROIInterpretedType = ""
    observation.ROIInterpreter = observer
    if code is not None:
        term = Dataset()
        term.CodeValue, term.CodingSchemeDesignator = code.value, code.scheme
        term.CodeMeaning = code.meaning or label
        observation.RTROIIdentificationCodeSequence = Items([term])
    dataset.RTROIObservationsSequence.append(observation)


def _choose_encoding(dataset: Dataset) -> None:
    """Implicit VR where a contour is too long for the 16-bit length of explicit VR (PS3.5 7.1.2)."""
    longest = max(
        contour.NumberOfContourPoints
        for drawn in dataset.ROIContourSequence
        for contour in drawn.ContourSequence
    )
    is_long = longest * 3 * 17 > 0xFFFE
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    dataset.file_meta.TransferSyntaxUID = (
        ImplicitVRLittleEndian if is_long else ExplicitVRLittleEndian
    )
