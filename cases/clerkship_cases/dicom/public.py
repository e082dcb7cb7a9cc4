"""Public headers of a DICOM series: one per slice, with the place of that very slice."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from clerkship_cases.dicom.plane import Plane
from clerkship_cases.dicom.read import guarded
from clerkship_cases.dicom.series import OpenedSeries
from clerkship_cases.headers import decimal, public_header, stable_uid


def public_headers(
    series: OpenedSeries, case_id: str, withheld: Iterable[str] = ()
) -> list[Dataset]:
    """Make the public header of every slice, in array order.

    What lies in functional groups (place, spacing, slope) is written at the top level, so that every header
    of a case can be read alike. A tile of a mosaic is no DICOM image: it gets a UID of its own.

    Parameters
    ----------
    series : OpenedSeries
    case_id : str
        Becomes PatientID.
    withheld : iterable of str
        Keywords to leave out as well: what would give this case's answer away.
    """
    hidden = tuple(withheld)
    headers = []
    for k, (source, plane) in enumerate(zip(series.headers, series.planes, strict=True)):
        with guarded(Path(plane.pixels.frames.format.name)):
            header = public_header(source, case_id, hidden)
            if plane.pixels.tile is not None or len(plane.groups) > 1:
                _say_place(header, plane, series)
            if plane.pixels.tile is not None:
                own_uid = stable_uid(str(header.SOPInstanceUID), "tile", str(k))
                _put(header, "SOPInstanceUID", own_uid)
                _put(header, "Rows", plane.pixels.shape[0])
                _put(header, "Columns", plane.pixels.shape[1])
        headers.append(header)
    return headers


def _say_place(header: Dataset, plane: Plane, series: OpenedSeries) -> None:
    """Write where one frame lies, and what its values mean."""
    if plane.position_lps_mm is not None and plane.orientation is not None:
        _put(header, "ImagePositionPatient", decimal(plane.position_lps_mm))
        _put(header, "ImageOrientationPatient", decimal(plane.orientation.ravel()))
    if plane.spacing_mm is not None:
        column_mm, row_mm = plane.spacing_mm
        _put(header, "PixelSpacing", decimal(np.array([row_mm, column_mm])))
    thickness_mm = next(
        (
            item[0].SliceThickness
            for group in plane.groups[:-1]
            if (item := group.get("PixelMeasuresSequence")) and "SliceThickness" in item[0]
        ),
        None,
    )
    if thickness_mm is not None:
        _put(header, "SliceThickness", thickness_mm)
    if not series.volume.is_colour:
        _put(header, "RescaleSlope", decimal(np.array([plane.pixels.slope]))[0])
        _put(header, "RescaleIntercept", decimal(np.array([plane.pixels.intercept]))[0])


def _put(header: Dataset, keyword: str, value: object) -> None:
    """Write an attribute without touching other headers, which share their elements with this one."""
    if keyword in header:
        del header[keyword]
    setattr(header, keyword, value)
