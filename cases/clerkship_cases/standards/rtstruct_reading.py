"""Take a structure set apart; see :mod:`clerkship_cases.standards.rtstruct`."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from clerkship_cases.annotation import MAX_ABS_MM, POINT_COUNTS, Annotation, Kind, Point
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import stable_uid
from clerkship_cases.standards.codes import code_of
from clerkship_cases.standards.dicomfile import as_label
from clerkship_cases.standards.image_place import SAME_PLANE_MM, ImagePlaces
from clerkship_cases.standards.rtstruct import Structure, StructureSet

#: More than the largest plan has. Our own limits.
MAX_STRUCTURES = 500
MAX_CONTOURS = 100_000
_CONTOUR_DATA = 0x30060050


def structure_set(
    dataset: Dataset, case: Case | None, name: str, *, by_position: bool
) -> StructureSet:
    """Read every structure of a dataset."""
    described = dataset.get("StructureSetROISequence") or ()
    if not 1 <= len(described) <= MAX_STRUCTURES:
        raise CaseError(f"{name} has {len(described)} structures; 1 to {MAX_STRUCTURES} are read.")
    contours = {
        int(item.ReferencedROINumber): item for item in dataset.get("ROIContourSequence") or ()
    }
    observed = {
        int(item.ReferencedROINumber): item
        for item in dataset.get("RTROIObservationsSequence") or ()
    }
    total = sum(len(item.get("ContourSequence") or ()) for item in contours.values())
    if total > MAX_CONTOURS:
        raise CaseError(f"{name} has {total} contours; at most {MAX_CONTOURS} are read.")
    reader = _Contours(dataset, case, name, by_position=by_position)
    structures = []
    for item in described:
        number = int(item.ROINumber)
        label = as_label(str(item.get("ROIName", "") or f"structure {number}"))
        space = str(item.get("ReferencedFrameOfReferenceUID", ""))
        drawn = contours.get(number, Dataset())
        observation = observed.get(number, Dataset())
        structures.append(
            Structure(
                number=number,
                name=label,
                code=code_of(observation, "RTROIIdentificationCodeSequence"),
                interpreted_type=str(observation.get("RTROIInterpretedType", "") or ""),
                algorithm=str(item.get("ROIGenerationAlgorithm", "") or ""),
                colour_rgb=_colour(drawn),
                annotations=tuple(reader.annotations(drawn, label, space)),
            )
        )
    return StructureSet(
        label=str(dataset.get("StructureSetLabel", "") or ""),
        structures=tuple(structures),
        notes=reader.notes(),
    )


def _colour(drawn: Dataset) -> tuple[int, int, int] | None:
    values = drawn.get("ROIDisplayColor")
    if values is None or len(values) != 3:
        return None
    red, green, blue = (min(max(int(v), 0), 255) for v in values)
    return red, green, blue


class _Contours:
    """Contours of one file, and what had to be passed over."""

    def __init__(
        self, dataset: Dataset, case: Case | None, name: str, *, by_position: bool
    ) -> None:
        self._places = ImagePlaces(case) if case is not None else None
        self._name, self._by_position = name, by_position
        self._file_uid = str(dataset.get("SOPInstanceUID", name))
        self._passed_over: Counter[str] = Counter()

    def notes(self) -> tuple[str, ...]:
        return tuple(f"{count} {what}" for what, count in self._passed_over.items())

    def annotations(self, drawn: Dataset, label: str, space: str) -> Iterator[Annotation]:
        for n, contour in enumerate(drawn.get("ContourSequence") or ()):
            graphic = str(contour.ContourGeometricType)
            points = self._points(contour, label)
            kind = self._kind(graphic, len(points))
            if kind is None:
                continue
            if kind == "region" and (points[0] == points[-1]).all():
                points = points[:-1]  # closed twice over: by its type, and by a repeated point
            image, frame, is_here = self._place(contour, points, space)
            if not is_here:
                self._passed_over["contours lie on planes of which the case has no image."] += 1
                continue
            yield Annotation(
                uid=stable_uid(self._file_uid, label, str(n)),
                kind=kind,
                points_lps_mm=tuple(cast(Point, tuple(point)) for point in points.tolist()),
                label=label,
                slice_uid=image,
                frame_number=frame,
            )

    def _points(self, contour: Dataset, label: str) -> NDArray[np.float64]:
        """Corners (n, 3) in mm, counted before they become numbers."""
        count = int(contour.get("NumberOfContourPoints", 0))
        most = POINT_COUNTS["region"][1]
        if not 1 <= count <= most:
            raise CaseError(
                f"{self._name}: a contour of {label!r} has {count} points; 1 to {most} are read."
            )
        numbers = _decimals(contour, most * 3 + 3)
        if numbers.size != count * 3:
            raise CaseError(
                f"{self._name}: a contour of {label!r} should have {count} points, but holds {numbers.size} "
                f"numbers."
            )
        if not (np.abs(numbers) <= MAX_ABS_MM).all():  # also refuses nan
            raise CaseError(
                f"{self._name}: a contour of {label!r} holds a number that is not a place in a patient."
            )
        return numbers.reshape(-1, 3)

    def _kind(self, graphic: str, count: int) -> Kind | None:
        if graphic in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"):
            if count >= 3:
                return "region"
            self._passed_over["closed contours have fewer than three points."] += 1
            return None
        if graphic == "POINT" and count == 1:
            return "point"
        by_count: dict[int, Kind] = {2: "length", 3: "angle"}
        if graphic == "OPEN_PLANAR" and count in by_count:
            return by_count[count]
        self._passed_over[f"contours of the kind {graphic[:16]} are no annotation known here."] += 1
        return None

    def _place(
        self, contour: Dataset, points: NDArray[np.float64], space: str
    ) -> tuple[str | None, int | None, bool]:
        """Image and frame that a contour lies on, and whether the case has it."""
        named = contour.get("ContourImageSequence")
        uid = str(named[0].ReferencedSOPInstanceUID) if named else None
        number = named[0].get("ReferencedFrameNumber") if named else None
        frame = None if number is None else int(number)
        if self._places is None:
            return uid, frame, True
        volume = self._places.case.volume
        through = self._places.slice_through(points)
        if uid is not None and uid in self._places and not self._by_position:
            k = self._places.slice_index(uid, frame)
            off_mm = np.abs(volume.voxel_from_patient(points)[:, 2] - k) * volume.spacing_mm[2]
            if off_mm.max() > max(SAME_PLANE_MM, volume.spacing_mm[2] / 2):
                raise CaseError(
                    f"{self._name}: a contour names image {uid} but lies {off_mm.max():.2f} mm off its plane."
                )
            through = k
        elif not self._by_position and space != volume.frame_of_reference_uid:
            raise CaseError(
                f"{self._name} lies in another patient space than the case {self._places.case.id!r}. If it was made "
                f"on the same images before they were de-identified, read it by position."
            )
        if through is None:
            return None, None, False
        reference = self._places.reference(through)
        return reference.sop_instance_uid, reference.frame_number, True


def _decimals(contour: Dataset, most: int) -> NDArray[np.float64]:
    """Numbers of a contour, straight from their text: pydicom's own objects cost fifty times as much."""
    element: Any = contour.get_item(_CONTOUR_DATA)
    if element is None:
        return np.empty(0)
    if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
        if len(element.value) > most * 17:
            raise CaseError(f"a contour of {len(element.value)} bytes is too long.")
        texts = element.value.rstrip(b" \x00").split(b"\\")
        return np.array(texts, dtype="S").astype(np.float64)
    values = contour.ContourData
    return np.array(values if np.iterable(values) else [values], dtype=np.float64)
