"""Take a presentation state apart; see :mod:`clerkship_cases.standards.presentation`."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.annotation import (
    KINDS,
    MAX_TEXT,
    POINT_COUNTS,
    Annotation,
    Kind,
    Point,
    is_annotation_uid,
)
from clerkship_cases.case import Case
from clerkship_cases.display import Window
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import stable_uid
from clerkship_cases.standards.dicomfile import as_label
from clerkship_cases.standards.image_place import ImagePlaces
from clerkship_cases.standards.presentation import Presentation
from clerkship_cases.standards.private import CORNER_PX, MANUFACTURER, MAX_ANNOTATIONS

_Points = NDArray[np.float64]


class _Area(NamedTuple):
    """Displayed part of an image: pixels from corner to corner, counted from the image's own corner."""

    start_px: NDArray[np.float64]
    size_px: NDArray[np.float64]


def presentation(dataset: Dataset, case: Case, name: str) -> Presentation:
    """Read the annotations and windows of a dataset."""
    reader = _Reader(dataset, ImagePlaces(case), name)
    return Presentation(
        label=str(dataset.get("ContentLabel", "") or ""),
        description=str(dataset.get("ContentDescription", "") or ""),
        creator=str(dataset.get("ContentCreatorName", "") or ""),
        annotations=tuple(reader.annotations()),
        windows=tuple(_windows(dataset)),
        notes=reader.notes(),
    )


def _windows(dataset: Dataset) -> Iterator[Window]:
    for item in dataset.get("SoftcopyVOILUTSequence") or ():
        center, width = item.get("WindowCenter"), item.get("WindowWidth")
        if center is None or width is None:
            continue
        first = (float(np.atleast_1d(np.asarray(v, dtype=float))[0]) for v in (center, width))
        explained = item.get("WindowCenterWidthExplanation") or "presentation state"
        words = explained if isinstance(explained, str) else str(explained[0])
        yield Window(as_label(words) or "presentation state", *first)


class _Reader:
    def __init__(self, dataset: Dataset, places: ImagePlaces, name: str) -> None:
        self._dataset, self._places, self._name = dataset, places, name
        self._file_uid = str(dataset.get("SOPInstanceUID", name))
        self._is_ours = str(dataset.get("Manufacturer", "")) == MANUFACTURER
        self._passed_over: Counter[str] = Counter()
        self._layers = {
            str(layer.GraphicLayer): as_label(str(layer.get("GraphicLayerDescription", "") or ""))
            for layer in dataset.get("GraphicLayerSequence") or ()
        }
        self._series = [
            image
            for series in dataset.get("ReferencedSeriesSequence") or ()
            for image in series.get("ReferencedImageSequence") or ()
        ]
        if not any(str(image.ReferencedSOPInstanceUID) in places for image in self._series):
            raise CaseError(
                f"{name} is about other images, none of them of the case {places.case.id!r}."
            )
        self._is_turned = bool(
            int(dataset.get("ImageRotation", 0) or 0)
            or str(dataset.get("ImageHorizontalFlip", "N") or "N") == "Y"
        )
        if self._is_turned:
            self._note("a turn or flip of the whole image is a way of looking at it.")

    def _note(self, words: str) -> None:
        self._passed_over[words] += 1

    def notes(self) -> tuple[str, ...]:
        """Say what was passed over, each kind once, with its number."""
        return tuple(
            f"Passed over ({count}): {words}" for words, count in self._passed_over.items()
        )

    def annotations(self) -> Iterator[Annotation]:
        """Every graphic and text, on every image of the case that it is shown on."""
        count = 0
        for n, item in enumerate(self._dataset.get("GraphicAnnotationSequence") or ()):
            for k in self._slices(item):
                for annotation in self._of_item(item, k, f"{n}.{k}"):
                    count += 1
                    if count > MAX_ANNOTATIONS:
                        raise CaseError(
                            f"{self._name} holds more than {MAX_ANNOTATIONS} annotations; no more are read."
                        )
                    yield annotation

    def _slices(self, item: Dataset) -> list[int]:
        """Slices that an annotation is shown on: those it names, else all of the state."""
        slices: dict[int, None] = {}
        for image in item.get("ReferencedImageSequence") or self._series:
            uid = str(image.ReferencedSOPInstanceUID)
            if uid not in self._places:
                self._note("graphics on images that are not of this case.")
                continue
            frames = image.get("ReferencedFrameNumber")
            if frames is None:
                slices |= dict.fromkeys(self._places.slices_of(uid))
            else:
                numbers = [int(frame) for frame in np.atleast_1d(frames)]
                slices |= {self._places.slice_index(uid, number): None for number in numbers}
        return list(slices)

    def _of_item(self, item: Dataset, k: int, name: str) -> Iterator[Annotation]:
        layer = str(item.get("GraphicLayer", ""))
        label = self._layers.get(layer, "")
        written = self._written_kind(layer)
        texts = list(item.get("TextObjectSequence") or ())
        shapes = list(item.get("GraphicObjectSequence") or ())
        is_one = len(shapes) == 1  # a text beside a single shape is about that shape
        words = "\n".join(_words(text) for text in texts) if is_one else ""
        for n, shape in enumerate(shapes):
            points = self._points(shape, "GraphicData", k)
            if points is None:
                continue
            found = self._kind(shape, points, written)
            if found is None:
                continue
            tracking = str(shape.get("TrackingID", "") or "")
            uid = tracking if is_annotation_uid(tracking) else ""
            yield self._annotation(
                *found, k, label, words, uid or stable_uid(self._file_uid, name, str(n))
            )
        if not is_one:
            for n, text in enumerate(texts):
                placed = self._placed_text(text, k)
                if placed is not None:
                    uid = stable_uid(self._file_uid, name, "text", str(n))
                    yield self._annotation(*placed, k, label, _words(text), uid)

    def _annotation(  # noqa: PLR0917 - one private call site per kind of object
        self, kind: Kind, points_px: _Points, k: int, label: str, words: str, uid: str
    ) -> Annotation:
        points_ijk = np.column_stack([points_px - CORNER_PX, np.full(len(points_px), k)])
        placed = self._places.case.volume.patient_from_voxel(points_ijk)
        reference = self._places.reference(k)
        return Annotation(
            uid=uid,
            kind=kind,
            points_lps_mm=tuple(cast(Point, tuple(point)) for point in placed.tolist()),
            label=label,
            text=words,
            slice_uid=reference.sop_instance_uid,
            frame_number=reference.frame_number,
        )

    def _written_kind(self, layer: str) -> Kind | None:
        """Kind as we write it: what the name of the layer begins with."""
        if self._is_ours:
            for kind in KINDS:
                if layer.startswith(f"{kind.upper()}_"):
                    return kind
        return None

    def _kind(
        self, shape: Dataset, points: _Points, written: Kind | None
    ) -> tuple[Kind, _Points] | None:
        """Annotation that a graphic stands for, with its points."""
        graphic = str(shape.GraphicType)
        is_closed = len(points) > 3 and bool((points[0] == points[-1]).all())
        corners = points[:-1] if is_closed else points
        if graphic == "POINT" and len(points) == 1:
            return "point", points
        if graphic == "CIRCLE" and len(points) == 2:
            center, along = points[0], points[1] - points[0]
            across = np.array([-along[1], along[0]])
            return "ellipse", np.stack(
                [center - along, center + along, center - across, center + across]
            )
        if graphic == "ELLIPSE" and len(points) == 4:
            return "ellipse", points
        if graphic in ("POLYLINE", "INTERPOLATED"):
            if graphic == "INTERPOLATED":
                self._note(
                    "the curve of an interpolated line; its points are joined by straight lines."
                )
            if written is not None and written in ("length", "angle", "arrow"):
                return written, points
            is_filled = str(shape.get("GraphicFilled", "N")) == "Y"
            if (is_closed or is_filled) and len(corners) >= POINT_COUNTS["region"][0]:
                return "region", corners
            by_count: dict[int, Kind] = {2: "length", 3: "angle"}
            if len(points) in by_count:
                return by_count[len(points)], points
        self._note(f"a {graphic[:16]} of {len(points)} points is no kind of annotation known here.")
        return None

    def _placed_text(self, text: Dataset, k: int) -> tuple[Kind, _Points] | None:
        """Text by itself: an arrow from its box to its anchor, else a point in the middle of the box."""
        anchor = self._points(text, "AnchorPoint", k)
        top_left = self._points(text, "BoundingBoxTopLeftHandCorner", k)
        bottom_right = self._points(text, "BoundingBoxBottomRightHandCorner", k)
        if top_left is not None and bottom_right is not None:
            middle = (top_left + bottom_right) / 2
            if anchor is not None:
                return "arrow", np.vstack([anchor, middle])
            return "point", middle
        if anchor is not None:
            return "point", anchor
        self._note("a text without a place.")
        return None

    def _points(self, item: Dataset, keyword: str, k: int) -> _Points | None:
        """Points in pixels, counted from the corner of the image (C.10.5.1.2)."""
        values = item.get(keyword)
        if values is None:
            return None
        numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
        most = POINT_COUNTS["region"][1] * 2 + 2
        if numbers.size == 0 or numbers.size % 2 or numbers.size > most:
            raise CaseError(
                f"{self._name}: a graphic has {numbers.size} numbers, which make no points."
            )
        if not np.isfinite(numbers).all():
            raise CaseError(f"{self._name}: a graphic has a point that is no number.")
        points = numbers.reshape(-1, 2)
        units = {
            "GraphicData": "GraphicAnnotationUnits",
            "AnchorPoint": "AnchorPointAnnotationUnits",
        }.get(keyword, "BoundingBoxAnnotationUnits")
        unit = str(item.get(units, ""))
        if unit == "PIXEL":
            return points
        if unit == "DISPLAY" and not self._is_turned:
            area = self._displayed_area(k)
            return area.start_px + points * area.size_px
        self._note(
            f"graphics in units of {unit[:16] or 'nothing'}, which have no place in the image."
        )
        return None

    def _displayed_area(self, k: int) -> _Area:
        """Part of the image that is shown (C.10.4); the corners are pixels, counted from 1."""
        uid = self._places.reference(k).sop_instance_uid
        for area in self._dataset.get("DisplayedAreaSelectionSequence") or ():
            images = area.get("ReferencedImageSequence")
            if images and all(str(image.ReferencedSOPInstanceUID) != uid for image in images):
                continue
            first = np.asarray(area.DisplayedAreaTopLeftHandCorner, dtype=np.float64)
            last = np.asarray(area.DisplayedAreaBottomRightHandCorner, dtype=np.float64)
            return _Area(first - 1, last - first + 1)
        rows, columns = self._places.case.volume.array.shape[1:3]
        return _Area(np.zeros(2), np.array([columns, rows], dtype=np.float64))


def _words(text: Dataset) -> str:
    """Words as an annotation can hold them: control characters other than line ends are dropped."""
    raw = str(text.get("UnformattedTextValue", "") or "").replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in raw if c.isprintable() or c == "\n")[:MAX_TEXT]
