"""Build the Structured Report (TID 1500) of a set of annotations.

Each annotation is one planar measurement group (TID 1410). Its shape is an SCOORD3D in patient
millimetres where the image is placed in the patient, else an SCOORD in pixels of the image. Its label is
the group's *Finding*, its words a *Comment*; its kind, for which the standard has no item, a qualitative
evaluation with a code of our own.

Source
------
DICOM PS3.16 TID 1500, 1410, 1501, 1600; PS3.3 C.18.6 (SCOORD), C.18.9 (SCOORD3D).
"""

from collections.abc import Sequence
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from clerkship_cases.annotation import Annotation, Kind, new_uid
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import stable_uid
from clerkship_cases.measurement import measure
from clerkship_cases.standards.codes import label_code
from clerkship_cases.standards.image_place import Evidence, ImagePlaces
from clerkship_cases.standards.private import CORNER_PX, MANUFACTURER, SCHEME

_GRAPHIC: dict[Kind, tuple[str, str]] = {  # kind -> graphic type in SCOORD, in SCOORD3D
    "length": ("POLYLINE", "POLYLINE"),
    "angle": ("POLYLINE", "POLYLINE"),
    "arrow": ("POLYLINE", "POLYLINE"),
    "ellipse": ("ELLIPSE", "ELLIPSE"),
    "region": ("POLYLINE", "POLYGON"),
    "point": ("POINT", "POINT"),
}


def report(case: Case, drawn: Sequence[Annotation], observer: str) -> Any:
    """Build the report; ``observer`` is a DICOM person name."""
    places = ImagePlaces(case)
    slices = _touched_slices(places, drawn)
    evidence = Evidence(places, slices)
    observers = hd.sr.ObservationContext(
        observer_person_context=hd.sr.ObserverContext(
            observer_type=codes.DCM.Person,
            observer_identifying_attributes=hd.sr.PersonObserverIdentifyingAttributes(
                name=observer
            ),
        )
    )
    content = hd.sr.MeasurementReport(
        observation_context=observers,
        procedure_reported=_procedure(case.record.modality),
        imaging_measurements=[_group(evidence, annotation) for annotation in drawn],
        title=codes.DCM.ImagingMeasurementReport,
    )
    if case.volume.frame_of_reference_uid is None:
        # Shapes are in pixels: say how large these are, before the measurements (TID 1500, row 5).
        content[0].ContentSequence.insert(-1, _image_library(evidence, slices))
    built = hd.sr.Comprehensive3DSR(
        evidence=evidence.headers,
        content=content,
        series_number=901,
        series_instance_uid=stable_uid(case.id, "report", observer),
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="clerkship_cases",
        is_complete=True,
        series_description="Clerkship: annotations",
        specific_character_set="ISO_IR 192",
        transfer_syntax_uid=_transfer_syntax(drawn),
    )
    evidence.name_frames(built)
    return built


def _transfer_syntax(drawn: Sequence[Annotation]) -> UID:
    """Implicit VR where a list of points is too long for the 16-bit length of explicit VR (PS3.5 7.1.2)."""
    numbers = max(len(annotation.points_lps_mm) + 1 for annotation in drawn) * 3
    is_long = numbers * 4 > 0xFFFE
    return ImplicitVRLittleEndian if is_long else ExplicitVRLittleEndian


def _group(evidence: Evidence, annotation: Annotation) -> Any:
    """One planar measurement group (TID 1410)."""
    places = evidence.places
    case = places.case
    uid = annotation.uid
    is_dicom_uid = uid.startswith("2.25.") and uid[5:].isdigit()
    group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=uid if is_dicom_uid else stable_uid("annotation", uid), identifier=uid
        ),
        referenced_region=_region(evidence, annotation),
        finding_type=_label_code(annotation.label) if annotation.label else None,
        measurements=_measurements(case, annotation) or None,
        qualitative_evaluations=[
            hd.sr.QualitativeEvaluation(
                name=hd.sr.CodedConcept("kind", SCHEME, "Annotation kind"),
                value=hd.sr.CodedConcept(annotation.kind, SCHEME, annotation.kind.capitalize()),
            )
        ],
    )
    children = group[0].ContentSequence
    if annotation.text:
        children.append(hd.sr.TextContentItem(codes.DCM.Comment, annotation.text, "CONTAINS"))
    if annotation.slice_uid is not None:
        image = evidence.reference(
            places.slice_index(annotation.slice_uid, annotation.frame_number)
        )
        children.append(
            hd.sr.ImageContentItem(
                codes.DCM.SourceOfMeasurement,
                referenced_sop_class_uid=image.sop_class_uid,
                referenced_sop_instance_uid=image.sop_instance_uid,
                relationship_type="CONTAINS",
            )
        )
    return group


def _region(evidence: Evidence, annotation: Annotation) -> Any:
    """Shape as SCOORD3D (patient mm) or, for images without a place in the patient, SCOORD (pixels)."""
    case = evidence.places.case
    flat, spatial = _GRAPHIC[annotation.kind]
    points = np.asarray(annotation.points_lps_mm)
    frame_of_reference = case.volume.frame_of_reference_uid
    if frame_of_reference is not None:
        # highdicom asks for points coplanar to 1e-5 mm, which the 32-bit floats of a browser, and of the
        # file itself, can't hold on an oblique slice: give it an open line, then name the shape.
        region = hd.sr.ImageRegion3D(
            "POINT" if spatial == "POINT" else "POLYLINE",
            _closed(annotation.kind, points),
            frame_of_reference,
        )
        region.GraphicType = spatial
        return region
    points_ijk = case.volume.voxel_from_patient(points)
    image = evidence.reference(_source_slice(evidence.places, annotation, points_ijk))
    return hd.sr.ImageRegion(
        flat,
        _closed(annotation.kind, points_ijk[:, :2] + CORNER_PX),
        source_image=hd.sr.SourceImageForRegion(image.sop_class_uid, image.sop_instance_uid),
    )


def _source_slice(
    places: ImagePlaces, annotation: Annotation, points_ijk: NDArray[np.float64]
) -> int:
    """Slice that a shape in pixels lies on."""
    if annotation.slice_uid is not None:
        return places.slice_index(annotation.slice_uid, annotation.frame_number)
    return int(np.clip(np.rint(points_ijk[:, 2].mean()), 0, len(places.case.images) - 1))


def _closed(kind: Kind, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Repeat the first point of a region, as DICOM wants it."""
    return np.vstack([points, points[:1]]) if kind == "region" else points


def _label_code(label: str) -> Any:
    code = label_code(label)
    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning)


def _measurements(case: Case, annotation: Annotation) -> list[Any]:
    """Length, angle or area, as numbers of the report."""
    try:
        found = measure(annotation, case.volume)
    except CaseError:
        return []  # a shape that can't be measured is still the student's work: keep it
    pixels = hd.sr.CodedConcept("{pixels}", "UCUM", "pixels")
    square_pixels = hd.sr.CodedConcept("{pixels2}", "UCUM", "square pixels")
    in_mm = case.volume.is_calibrated
    kinds = {
        "length": (codes.SCT.Length, codes.UCUM.Millimeter if in_mm else pixels),
        "angle_deg": (codes.SCT.Angle, codes.UCUM.Degree),
        "area": (codes.SCT.Area, codes.UCUM.SquareMillimeter if in_mm else square_pixels),
    }
    return [
        hd.sr.Measurement(name=name, value=float(f"{float(found[key]):.9g}"), unit=unit)
        for key, (name, unit) in kinds.items()
        if key in found
    ]


def _image_library(evidence: Evidence, slices: Sequence[int]) -> Any:
    """List the images and, where known, their pixel spacing (TID 1600, 1602).

    Without the spacing, pixels of an image that is not placed in the patient could not be turned back
    into millimetres by someone who holds the report only.
    """
    column_mm, row_mm, _ = evidence.places.case.volume.spacing_mm
    entries = []
    for image in map(evidence.reference, slices):
        entry = hd.sr.ImageContentItem(
            hd.sr.CodedConcept("260753009", "SCT", "Source"),
            referenced_sop_class_uid=image.sop_class_uid,
            referenced_sop_instance_uid=image.sop_instance_uid,
            relationship_type="CONTAINS",
        )
        if evidence.places.case.volume.is_calibrated:
            entry.ContentSequence = hd.sr.ContentSequence(
                [
                    hd.sr.NumContentItem(
                        name, float(f"{mm:.9g}"), codes.UCUM.Millimeter, None, "HAS ACQ CONTEXT"
                    )
                    for name, mm in (
                        (codes.DCM.HorizontalPixelSpacing, column_mm),
                        (codes.DCM.VerticalPixelSpacing, row_mm),
                    )
                ]
            )
        entries.append(entry)
    group = hd.sr.ContainerContentItem(codes.DCM.ImageLibraryGroup, relationship_type="CONTAINS")
    group.ContentSequence = hd.sr.ContentSequence(entries)
    library = hd.sr.ContainerContentItem(codes.DCM.ImageLibrary, relationship_type="CONTAINS")
    library.ContentSequence = hd.sr.ContentSequence([group])
    return library


def _touched_slices(places: ImagePlaces, drawn: Sequence[Annotation]) -> list[int]:
    """Slices through which the annotations pass: what the report was made from."""
    case = places.case
    last = len(case.images) - 1
    touched: set[int] = set()
    for annotation in drawn:
        k = case.volume.voxel_from_patient(annotation.points_lps_mm)[:, 2]
        low, high = (int(np.clip(np.rint(end), 0, last)) for end in (k.min(), k.max()))
        touched.update(range(low, high + 1))
        if annotation.slice_uid is not None:
            touched.add(places.slice_index(annotation.slice_uid, annotation.frame_number))
    return sorted(touched)


def _procedure(modality: str) -> Any:
    """Name the examination no more closely than the case does (LOINC, CID 100)."""
    return {
        "CT": codes.LN.CTUnspecifiedBodyRegion,
        "MR": codes.LN.MRIUnspecifiedBodyRegion,
        "NM": codes.LN.NMUnspecifiedBodyRegion,
        "PT": codes.LN.PETUnspecifiedBodyRegion,
    }.get(modality, codes.LN.XRUnspecifiedBodyRegion)
