"""Which of a patient's files show a face, where it is, and which can't be judged."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRColorImageStorage,
    EnhancedMRImageStorage,
    EnhancedPETImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    LegacyConvertedEnhancedPETImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RTStructureSetStorage,
    SegmentationStorage,
    SurfaceSegmentationStorage,
)

from clerkship_cases.deidentify.native import native_pixels
from clerkship_cases.deidentify.objects import is_compressed
from clerkship_cases.deidentify.reading import InputFile, as_dataset
from clerkship_cases.deidentify.writing import explicit_syntax
from clerkship_cases.errors import CaseError

if TYPE_CHECKING:
    from clerkship_cases.deidentify.pixels.faces import FaceRegion

_SERIES_INSTANCE_UID = BaseTag(0x0020000E)
_SLICES = frozenset(
    map(str, (CTImageStorage, MRImageStorage, PositronEmissionTomographyImageStorage))
)
_MULTI_FRAME = frozenset(
    map(
        str,
        (
            EnhancedCTImageStorage,
            EnhancedMRImageStorage,
            EnhancedMRColorImageStorage,
            EnhancedPETImageStorage,
            LegacyConvertedEnhancedCTImageStorage,
            LegacyConvertedEnhancedMRImageStorage,
            LegacyConvertedEnhancedPETImageStorage,
        ),
    )
)
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_OUTLINES = frozenset(
    map(str, (RTStructureSetStorage, SegmentationStorage, SurfaceSegmentationStorage))
)
#: Names that people give to the outline of the patient.
_SKIN_WORDS = ("skin", "body", "external", "outline", "outer contour", "face", "head")


@dataclass(slots=True)
class Faces:
    """What is known about faces in a patient's files.

    Attributes
    ----------
    regions : dict
        Where the face is, by file; files without one are not in it.
    refused : dict
        Why a file can't be let out, by file.
    """

    regions: dict[Path, "FaceRegion"] = field(default_factory=dict)
    refused: dict[Path, str] = field(default_factory=dict)


def find_faces(files: Sequence[InputFile]) -> Faces:
    """Look for a face in every series.

    Parameters
    ----------
    files : sequence of InputFile
        All files of one patient.
    """
    faces = Faces()
    series: dict[bytes, list[InputFile]] = defaultdict(list)
    for read in files:
        raw = read.elements.get(_SERIES_INSTANCE_UID)
        series[bytes(raw.value or b"") if raw is not None else b""].append(read)
    for members in series.values():
        slices = [read for read in members if read.sop_class_uid in _SLICES]
        if slices:
            _judge(slices, faces)
        for read in members:
            reason = _without_a_look(read)
            if reason:
                faces.refused[read.path] = reason
    if faces.regions or faces.refused:
        for read in files:
            if read.sop_class_uid in _OUTLINES and _traces_skin(as_dataset(read.elements)):
                faces.refused[read.path] = (
                    "it traces the outline of the patient, and with it the face that is removed from the images"
                )
    return faces


def _judge(slices: list[InputFile], faces: Faces) -> None:
    from clerkship_cases.deidentify.pixels.faces import find_face

    try:
        found = find_face([_with_pixels(read) for read in slices])
    except CaseError as problem:
        reason = f"its series may show a face that can't be removed: {problem}"
    except Exception as problem:
        # A broken file fails anywhere in pydicom; its series can't be judged without it.
        reason = (
            f"its series may show a face, and a file of it is damaged ({type(problem).__name__})"
        )
    else:
        if not isinstance(found, str):
            faces.regions.update({read.path: found for read in slices})
        return
    faces.refused.update({read.path: reason for read in slices})


def _without_a_look(read: InputFile) -> str:
    """Say why an object that holds no single slices is refused, or nothing if it may pass."""
    from clerkship_cases.deidentify.pixels.head import named_part

    multi_frame = read.sop_class_uid in _MULTI_FRAME
    captured = read.sop_class_uid.startswith(_SECONDARY_CAPTURE)
    if not (multi_frame or captured) or named_part(as_dataset(read.elements)):
        return ""
    if captured:
        return "it is a captured picture, and may be one of the face"
    return "it is a multi-frame volume that may show a face, which can only be removed from single slices"


def _with_pixels(read: InputFile) -> Dataset:
    """Read a slice with its pixels, as far as a volume needs it."""
    dataset = as_dataset(read.elements)
    compressed = is_compressed(read.transfer_syntax_uid)
    element = read.pixels()
    if element is None or element.keyword != "PixelData":
        raise CaseError("one of its images has no pixels, (7FE0,0010)")
    if not compressed:
        element = native_pixels(dataset, element, big_endian=read.big_endian)
    dataset.add(element)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(
        explicit_syntax(read.transfer_syntax_uid, compressed=compressed)
    )
    return dataset


def _traces_skin(dataset: Dataset) -> bool:
    """Whether a segmentation or structure set holds the outline of the patient."""
    for roi in dataset.get("RTROIObservationsSequence") or ():
        if str(roi.get("RTROIInterpretedType") or "").upper() == "EXTERNAL":
            return True
    names = [str(roi.get("ROIName") or "") for roi in dataset.get("StructureSetROISequence") or ()]
    names += [str(one.get("SegmentLabel") or "") for one in dataset.get("SegmentSequence") or ()]
    return any(word in name.casefold() for name in names for word in _SKIN_WORDS)
