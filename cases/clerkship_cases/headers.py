"""Public DICOM headers: one per slice, by allow-list, without pixels.

Only attributes on the list pass: nothing that names a patient, no private groups (vendors keep copies
of drawn marks there), no overlays (60xx), no icon image. For images that are not DICOM a header is made
up from the geometry, with UIDs that depend on nothing but the case id, so that standard files written
today still fit tomorrow.
"""

from collections.abc import Iterable
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.volume import Volume

#: Attributes that may be public.
KEPT = frozenset(
    {
        # which image it is
        "SpecificCharacterSet",
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "FrameOfReferenceUID",
        "PositionReferenceIndicator",
        "Modality",
        "ImageType",
        "InstanceNumber",
        "SeriesNumber",
        # what was done
        "StudyDescription",
        "SeriesDescription",
        "BodyPartExamined",
        "Laterality",
        "ImageLaterality",
        "ViewPosition",
        "PatientOrientation",
        "PatientPosition",
        "PatientSex",
        "PatientAge",
        "Manufacturer",
        "ManufacturerModelName",
        "KVP",
        "ExposureTime",
        "Exposure",
        "DistanceSourceToDetector",
        "FilterType",
        "CassetteOrientation",
        "CassetteSize",
        "ScanningSequence",
        "SequenceVariant",
        "ScanOptions",
        "MRAcquisitionType",
        "RepetitionTime",
        "EchoTime",
        "EchoTrainLength",
        "FlipAngle",
        "MagneticFieldStrength",
        "NumberOfAverages",
        "ImagedNucleus",
        "ContrastBolusAgent",
        "CountsAccumulated",
        "FrameTime",
        "FrameTimeVector",
        "CineRate",
        "RecommendedDisplayFrameRate",
        "ActualFrameDuration",
        "CorrectedImage",
        # where it lies
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "ImagerPixelSpacing",
        "SliceThickness",
        "SpacingBetweenSlices",
        # what its values mean
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "RescaleIntercept",
        "RescaleSlope",
        "RescaleType",
        "WindowCenter",
        "WindowWidth",
        "WindowCenterWidthExplanation",
        "VOILUTFunction",
        "LossyImageCompression",
    }
)

#: Names our UIDs: any UID below comes from this and a text (RFC 9562, version 5).
_CLERKSHIP = UUID("6f0f6a5e-3c5b-5d3a-9a57-2f4e8f0b1c11")

_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


def stable_uid(*parts: str) -> str:
    """Make a DICOM UID that depends on the given texts only (PS3.5 B.2)."""
    return f"2.25.{uuid5(_CLERKSHIP, '/'.join(parts)).int}"


def public_header(dataset: Dataset, case_id: str, withheld: Iterable[str] = ()) -> Dataset:
    """Copy the allowed attributes of a DICOM image.

    Values are never changed, except those that name the patient: they are replaced by the case id.

    Parameters
    ----------
    dataset : Dataset
        The image as read from its file.
    case_id : str
        Becomes PatientID.
    withheld : iterable of str
        Keywords to leave out as well: what would give this case's answer away.
    """
    header = Dataset()
    hidden = set(withheld)
    for element in dataset:
        if element.keyword in KEPT - hidden:
            header.add(element)
    _say_nobody(header, case_id)
    return header


def synthetic_headers(case_id: str, volume: Volume) -> list[Dataset]:
    """MR headers for a volume that did not come from DICOM, one per slice, in array order."""
    count, rows, columns = volume.array.shape
    column_mm, row_mm, slice_mm = volume.spacing_mm
    along_row = volume.affine_lps_mm[:3, 0] / column_mm
    along_column = volume.affine_lps_mm[:3, 1] / row_mm
    positions = volume.patient_from_voxel([(0, 0, k) for k in range(count)])
    default = volume.windows[0]
    headers = []
    for k in range(count):
        header = Dataset()
        header.SpecificCharacterSet = "ISO_IR 192"
        header.SOPClassUID = _MR_IMAGE
        header.SOPInstanceUID = stable_uid(case_id, "image", str(k))
        header.StudyInstanceUID = stable_uid(case_id, "study")
        header.SeriesInstanceUID = stable_uid(case_id, "series")
        header.FrameOfReferenceUID = frame_of_reference_uid(case_id)
        header.Modality = volume.modality
        header.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
        header.InstanceNumber = k + 1
        header.SeriesNumber = 1
        header.ImagePositionPatient = decimal(positions[k])
        header.ImageOrientationPatient = decimal(np.concatenate([along_row, along_column]))
        header.PixelSpacing = decimal(np.array([row_mm, column_mm]))
        header.SliceThickness = decimal(np.array([slice_mm]))[0]
        header.SpacingBetweenSlices = header.SliceThickness
        header.SamplesPerPixel = 1
        header.PhotometricInterpretation = "MONOCHROME2"
        header.Rows, header.Columns = rows, columns
        bits = volume.array.dtype.itemsize * 8
        header.BitsAllocated, header.BitsStored, header.HighBit = bits, bits, bits - 1
        header.PixelRepresentation = int(np.issubdtype(volume.array.dtype, np.signedinteger))
        header.WindowCenter, header.WindowWidth = decimal(np.array([default.center, default.width]))
        _say_nobody(header, case_id)
        headers.append(header)
    return headers


def evidence_header(header: Dataset) -> Dataset:
    """Copy a header for use as the source of a standard file, without half a geometry.

    An image that is not placed in the patient gives the new file neither a frame of reference nor a pixel
    spacing: with one but not the other the file would be wrong, and no reader would open it. Its pixels are
    those of the image that it names.
    """
    copy = Dataset()
    copy.update(header)
    if "ImagePositionPatient" not in copy:
        for keyword in ("FrameOfReferenceUID", "PixelSpacing", "SliceThickness"):
            if keyword in copy:
                del copy[keyword]
    return copy


def frame_of_reference_uid(case_id: str) -> str:
    """Name the patient space of a case whose file has no name for it."""
    return stable_uid(case_id, "frame of reference")


def _say_nobody(header: Dataset, case_id: str) -> None:
    """Fill what every DICOM object must carry about its patient and study (types 1 and 2)."""
    header.PatientID = case_id
    header.PatientName = ""
    header.PatientBirthDate = ""
    header.PatientSex = header.get("PatientSex", "")
    header.StudyDate = ""
    header.StudyTime = ""
    header.StudyID = ""
    header.AccessionNumber = ""
    header.ReferringPhysicianName = ""
    header.PatientIdentityRemoved = "YES"
    header.DeidentificationMethod = "Clerkship: attributes by allow-list"


def decimal(values: NDArray[np.float64]) -> list[float]:
    """Numbers that fit a DICOM DS (16 characters); + 0.0 turns -0 into 0."""
    return [float(f"{v:.10g}") + 0.0 for v in values]
