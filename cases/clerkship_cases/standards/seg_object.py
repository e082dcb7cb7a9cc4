"""Build the DICOM Segmentation of a set of masks.

Source
------
DICOM PS3.3 A.51 (IOD), C.8.20 (modules).
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes

from clerkship_cases.annotation import new_uid
from clerkship_cases.case import Case
from clerkship_cases.headers import evidence_header, stable_uid
from clerkship_cases.standards.private import MANUFACTURER, SCHEME


def segmentation(case: Case, masks: Mapping[str, NDArray[np.bool_]], observer: str) -> Any:
    """Build the object with highdicom, over the slices that hold something."""
    stacked = np.stack(list(masks.values()), axis=-1)
    used = np.flatnonzero(stacked.any(axis=(1, 2, 3)))
    if used.size == 0:  # shapes that pass between voxel centres: say so with an empty frame
        used = np.array([stacked.shape[0] // 2])
    return hd.seg.Segmentation(
        source_images=[evidence_header(case.images[k]) for k in used],
        pixel_array=stacked[used].astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(n, label) for n, label in enumerate(masks, start=1)],
        series_instance_uid=stable_uid(case.id, "segmentation", observer),
        series_number=900,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name="clerkship_cases",
        software_versions=version("clerkship"),
        device_serial_number="0",
        content_label="ANSWER",
        content_description=f"Regions drawn on {case.id}"[:64],
        content_creator_name=observer,
        series_description="Clerkship: regions",
        specific_character_set="ISO_IR 192",
        omit_empty_frames=bool(stacked.any()),
    )


def _description(number: int, label: str) -> Any:
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        # The category says no more than we know: a place, not a tissue or a disease (CID 7150).
        segmented_property_category=codes.SCT.SpatialAndRelationalConcept,
        segmented_property_type=hd.sr.CodedConcept(label, SCHEME, label),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )
