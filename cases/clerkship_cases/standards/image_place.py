"""Which slice of a case a standard file means: by image and frame, or by place in the patient.

A case of single-frame images has one image per slice. A multi-frame image gives several slices with
one SOPInstanceUID; files then name the frame too (ReferencedFrameNumber, counted from 1).

Source
------
DICOM PS3.3 10.3 (image SOP instance reference macro), C.7.6.2 (image plane).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import evidence_header, stable_uid

#: Two planes are one when they are no further apart: files round positions differently (0.01 mm is
#: common), and no scanner places slices this close.
SAME_PLANE_MM = 0.05


@dataclass(frozen=True, slots=True)
class ImageReference:
    """How a standard file names one slice of a case."""

    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int | None
    """None for an image of one frame."""


class ImagePlaces:
    """Slices of a case by the images and frames they come from."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._slices: dict[str, dict[int, int]] = {}
        for k, (header, frame) in enumerate(zip(case.images, case.frame_numbers, strict=True)):
            self._slices.setdefault(str(header.SOPInstanceUID), {})[frame] = k

    def __contains__(self, sop_instance_uid: object) -> bool:
        return sop_instance_uid in self._slices

    def slice_index(self, sop_instance_uid: str, frame_number: int | None = None) -> int:
        """Which slice an image (and its frame) is.

        Raises
        ------
        CaseError
            If the image or the frame is not of this case, or the image has several frames here and
            none is named.
        """
        frames = self._slices.get(sop_instance_uid)
        if frames is None:
            raise CaseError(
                f"image {sop_instance_uid} does not belong to the case {self.case.id!r}."
            )
        if frame_number is None and len(frames) == 1:
            return next(iter(frames.values()))
        if frame_number is None:
            raise CaseError(
                f"image {sop_instance_uid} has {len(frames)} frames in the case {self.case.id!r}; "
                f"the file must say which one it means (ReferencedFrameNumber)."
            )
        if frame_number not in frames:
            raise CaseError(
                f"image {sop_instance_uid} of the case {self.case.id!r} has no frame {frame_number}; "
                f"it has {min(frames)} to {max(frames)}."
            )
        return frames[frame_number]

    def slices_of(self, sop_instance_uid: str) -> list[int]:
        """Every slice that comes from an image, frame by frame; none if it is not of this case."""
        return list(self._slices.get(sop_instance_uid, {}).values())

    def reference(self, k: int) -> ImageReference:
        """How to name slice ``k`` in a file."""
        header = self.case.images[k]
        uid = str(header.SOPInstanceUID)
        frame = self.case.frame_numbers[k]
        is_single = len(self._slices[uid]) == 1 and frame == 1
        return ImageReference(str(header.SOPClassUID), uid, None if is_single else frame)

    def slice_through(self, points_lps_mm: NDArray[np.float64]) -> int | None:
        """Which slice points lie on, to within 0.05 mm; None if they lie between or beyond the slices."""
        volume = self.case.volume
        k = volume.voxel_from_patient(points_lps_mm)[:, 2]
        nearest = int(np.rint(k.mean()))
        off_mm = float(np.abs(k - nearest).max()) * volume.spacing_mm[2]
        if off_mm > SAME_PLANE_MM or not 0 <= nearest < volume.array.shape[0]:
            return None
        return nearest


#: Class of the stand-ins: the plainest image of one frame (secondary capture).
_ONE_FRAME = "1.2.840.10008.5.1.4.1.1.7"
#: Classes that highdicom does not know: retired multi-frame ultrasound, nuclear medicine, ultrasound.
_RETIRED = frozenset(f"1.2.840.10008.5.1.4.1.1.{n}" for n in (3, 5, 6))


class Evidence:
    """Headers of slices as the sources of a new file that highdicom builds.

    highdicom takes one dataset per image, of a class that it knows. Frames of a multi-frame image, and
    images of a retired class, go in as plain images under UIDs made for the purpose;
    :meth:`name_frames` puts the true ones back, with their frame.
    """

    def __init__(self, places: ImagePlaces, slices: Iterable[int]) -> None:
        self._true: dict[str, ImageReference] = {}
        self.headers: list[Dataset] = []
        self.places = places
        self._named: dict[int, ImageReference] = {}
        for k in slices:
            header = evidence_header(places.case.images[k])
            true = places.reference(k)
            if true.frame_number is not None or true.sop_class_uid in _RETIRED:
                # New elements: the copy shares its own with the header of the case.
                stand_in = stable_uid(true.sop_instance_uid, str(true.frame_number))
                header.add_new("SOPInstanceUID", "UI", stand_in)
                header.add_new("SOPClassUID", "UI", _ONE_FRAME)
                self._true[str(header.SOPInstanceUID)] = true
            self.headers.append(header)
            named = ImageReference(str(header.SOPClassUID), str(header.SOPInstanceUID), None)
            self._named[k] = named

    def reference(self, k: int) -> ImageReference:
        """How to name slice ``k`` while the file is built."""
        return self._named[k]

    def name_frames(self, dataset: Dataset) -> None:
        """Replace the stand-ins by the image and its frame, in place, at every depth."""
        if self._true:
            _walk(dataset, self._true)


#: Inside it a file lists whole images; elsewhere it points at a place, and so at a frame.
_LISTING = "ReferencedSeriesSequence"


def _walk(dataset: Dataset, true: dict[str, ImageReference], *, listing: bool = False) -> None:
    for element in dataset:
        if element.VR != "SQ":
            continue
        inside_list = listing or element.keyword == _LISTING
        for item in element.value:
            uid = str(item.get("ReferencedSOPInstanceUID", ""))
            if uid in true:
                item.ReferencedSOPInstanceUID = true[uid].sop_instance_uid
                item.ReferencedSOPClassUID = true[uid].sop_class_uid
                if not inside_list and true[uid].frame_number is not None:
                    item.ReferencedFrameNumber = true[uid].frame_number
            _walk(item, true, listing=inside_list)
        if inside_list and element.value and "ReferencedSOPInstanceUID" in element.value[0]:
            once = {str(item.ReferencedSOPInstanceUID): item for item in element.value}
            element.value = list(once.values())
