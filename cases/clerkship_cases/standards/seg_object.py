"""Build the DICOM Segmentation of a set of masks.

Source
------
DICOM PS3.3 A.51 (IOD), C.8.20 (modules).
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.tag import Tag

from clerkship_cases.annotation import new_uid
from clerkship_cases.case import Case
from clerkship_cases.headers import stable_uid
from clerkship_cases.standards.codes import Code, label_code
from clerkship_cases.standards.image_place import Evidence, ImagePlaces
from clerkship_cases.standards.private import MANUFACTURER


def segmentation(
    case: Case,
    masks: Mapping[str, NDArray[np.bool_]],
    observer: str,
    *,
    what: str,
    kinds: Mapping[str, Code],
) -> Any:
    """Build the object with highdicom, over the slices that hold something."""
    holds = np.logical_or.reduce([mask.any(axis=(1, 2)) for mask in masks.values()])
    used = np.flatnonzero(holds)
    if used.size == 0:  # shapes that pass between voxel centres: say so with an empty frame
        used = np.array([len(holds) // 2])
    stacked = np.stack([mask[used] for mask in masks.values()], axis=-1)
    evidence = Evidence(ImagePlaces(case), (int(k) for k in used))
    is_loose_stack = case.volume.frame_of_reference_uid is None and len(used) > 1
    if is_loose_stack:
        _pretend_places(evidence.headers)
    built = hd.seg.Segmentation(
        source_images=evidence.headers,
        pixel_array=stacked.astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _description(n, label, kinds.get(label) or label_code(label))
            for n, label in enumerate(masks, start=1)
        ],
        series_instance_uid=stable_uid(case.id, "segmentation", observer),
        series_number=900,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="clerkship_cases",
        software_versions=version("clerkship"),
        device_serial_number="0",
        content_label=what,
        content_description=f"Regions drawn on {case.id}"[:64],
        content_creator_name=observer,
        series_description="Clerkship: regions",
        specific_character_set="ISO_IR 192",
        omit_empty_frames=bool(stacked.any()),
    )
    evidence.name_frames(built)
    if is_loose_stack:
        _forget_places(built)
    return built


def _pretend_places(headers: Sequence[Dataset]) -> None:
    """Stack images that have no place in the patient 1 mm apart, for highdicom takes one of them only."""
    space = new_uid()
    for n, header in enumerate(headers):
        header.add_new("FrameOfReferenceUID", "UI", space)
        header.add_new("PositionReferenceIndicator", "LO", "")
        header.add_new("ImagePositionPatient", "DS", [0, 0, n])
        header.add_new("ImageOrientationPatient", "DS", [1, 0, 0, 0, 1, 0])
        header.add_new("PixelSpacing", "DS", [1, 1])
        header.add_new("SliceThickness", "DS", 1)


def _forget_places(built: Dataset) -> None:
    """Take out what :func:`_pretend_places` made up: frames are then told apart by their number in the stack."""
    for keyword in ("FrameOfReferenceUID", "PositionReferenceIndicator"):
        if keyword in built:
            delattr(built, keyword)
    groups = [*built.SharedFunctionalGroupsSequence, *built.PerFrameFunctionalGroupsSequence]
    for group in groups:
        for keyword in (
            "PlanePositionSequence",
            "PlaneOrientationSequence",
            "PixelMeasuresSequence",
        ):
            if keyword in group:
                delattr(group, keyword)
    for index in built.DimensionIndexSequence:
        if index.DimensionIndexPointer == Tag("ImagePositionPatient"):
            index.DimensionIndexPointer = Tag("InStackPositionNumber")
            index.FunctionalGroupPointer = Tag("FrameContentSequence")
            index.DimensionDescriptionLabel = "In-Stack Position Number"
    for group in built.PerFrameFunctionalGroupsSequence:
        content = group.FrameContentSequence[0]
        content.StackID = "1"
        content.InStackPositionNumber = int(content.DimensionIndexValues[-1])


def _description(number: int, label: str, kind: Code) -> Any:
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        # The category says no more than we know: a place, not a tissue or a disease (CID 7150).
        segmented_property_category=codes.SCT.SpatialAndRelationalConcept,
        segmented_property_type=hd.sr.CodedConcept(kind.value, kind.scheme, kind.meaning or label),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )
