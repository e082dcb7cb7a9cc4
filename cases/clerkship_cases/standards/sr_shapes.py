"""Shapes of a Structured Report to annotations in patient millimetres.

Source
------
DICOM PS3.3 C.18.6 (SCOORD), C.18.9 (SCOORD3D): graphic types and the order of their points.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.annotation import (
    KINDS,
    POINT_COUNTS,
    Annotation,
    Kind,
    Point,
    is_annotation_uid,
)
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import stable_uid
from clerkship_cases.standards import sr_tree as tree
from clerkship_cases.standards.dicomfile import as_label
from clerkship_cases.standards.image_place import ImagePlaces
from clerkship_cases.standards.private import CORNER_PX

_Points = NDArray[np.float64]
#: A MULTIPOINT becomes as many annotations; more than this is no reading. Our own limit.
MAX_POINTS_OF_ONE = 500


class ShapeReader:
    """Reads the shapes of one report.

    Parameters
    ----------
    places : ImagePlaces or None
        Slices of the case, when it is known.
    spacing_mm : dict
        (column, row) spacing of the images that the report lists, for shapes in pixels without a case.
    report_uid : str
        SOPInstanceUID of the report: shapes that have no name of their own are named after it.
    """

    def __init__(
        self,
        places: ImagePlaces | None,
        spacing_mm: dict[str, tuple[float, float]],
        report_uid: str,
    ) -> None:
        self._places = places
        self._spacing_mm = spacing_mm
        self._report_uid = report_uid
        self._unnamed = 0

    def annotations(self, group: Dataset) -> list[Annotation]:
        """All shapes of a measurement group, under its label and words."""
        label = as_label(tree.first_meaning(group, tree.FINDING))
        text = tree.first_text(group, tree.COMMENT)
        name = tree.first_text(group, tree.TRACKING_IDENTIFIER)
        tracking = next(
            (str(item.UID) for item in tree.children(group, tree.TRACKING_UID) if "UID" in item), ""
        )
        written = _written_kind(group)
        # Other programs' identifiers are words for people ("1", "nodule") and need not differ.
        uid = name if written is not None and is_annotation_uid(name) else tracking
        if not is_annotation_uid(uid):
            self._unnamed += 1
            uid = stable_uid(self._report_uid, str(self._unnamed))
        found: list[Annotation] = []
        for shape in _shapes(group):
            image, frame = _image(group, shape)
            for kind, points in _as_kinds(shape, tree.graphic_data(shape), written):
                placed = self._placed(shape, points, image, frame)
                found.append(
                    Annotation(
                        # Further shapes of a group have no name of their own: one made from the first's.
                        uid=stable_uid("shape", uid, str(len(found))) if found else uid,
                        kind=kind,
                        points_lps_mm=tuple(cast(Point, tuple(p)) for p in placed.tolist()),
                        label=label,
                        text=text,
                        slice_uid=image,
                        frame_number=frame,
                    )
                )
        return found

    def _placed(
        self, shape: Dataset, points: _Points, image: str | None, frame: int | None
    ) -> _Points:
        """Points in (nominal) patient millimetres, on images of the case."""
        if self._places is None:
            if tree.value_type(shape) == "SCOORD3D":
                return points
            column_mm, row_mm = self._spacing_mm.get(image or "", (1.0, 1.0))
            scaled = (points - CORNER_PX) * (column_mm, row_mm)
            return np.column_stack([scaled, np.full(len(points), (frame or 1) - 1.0)])
        case = self._places.case
        if tree.value_type(shape) == "SCOORD":
            k = self._places.slice_index(image or "", frame)
            return case.volume.patient_from_voxel(
                np.column_stack([points - CORNER_PX, np.full(len(points), k)])
            )
        if str(shape.ReferencedFrameOfReferenceUID) != case.volume.frame_of_reference_uid:
            raise CaseError(f"a shape lies in another patient space than the case {case.id!r}.")
        if image is not None:
            self._places.slice_index(image, frame)
        return points


def _shapes(group: Dataset) -> Iterator[Dataset]:
    """Shapes of a group; some programs hang them below the number that was measured with them."""
    for item in tree.items(group):
        if tree.value_type(item) in ("SCOORD", "SCOORD3D"):
            yield item
        elif tree.value_type(item) == "NUM":
            for below in tree.items(item):
                if tree.value_type(below) in ("SCOORD", "SCOORD3D"):
                    yield below


def _image(group: Dataset, shape: Dataset) -> tuple[str | None, int | None]:
    """Image and frame that a shape was drawn on: its own, else that of the group."""
    if tree.value_type(shape) == "SCOORD":
        for item in tree.items(shape):
            if tree.value_type(item) == "IMAGE":
                return tree.image_of(item)
    for item in tree.children(group, tree.SOURCE_OF_MEASUREMENT):
        if tree.value_type(item) == "IMAGE":
            return tree.image_of(item)
    return None, None


def _written_kind(group: Dataset) -> Kind | None:
    """Kind as we write it; other programs' reports do not say."""
    for item in tree.children(group, tree.KIND):
        written = str(item.ConceptCodeSequence[0].get("CodeValue", ""))
        for kind in KINDS:
            if kind == written:
                return kind
    return None


def _as_kinds(
    shape: Dataset, points: _Points, written: Kind | None
) -> Iterator[tuple[Kind, _Points]]:
    """Annotations that a shape stands for, each with its points."""
    graphic = str(shape.GraphicType)
    if graphic == "MULTIPOINT":
        if len(points) > MAX_POINTS_OF_ONE:
            raise CaseError(f"a MULTIPOINT with {len(points)} points is too long.")
        yield from (("point", points[n : n + 1]) for n in range(len(points)))
        return
    if graphic == "CIRCLE" and len(points) == 2:
        yield "ellipse", _ellipse_of_circle(points)
        return
    kind = written or _looks_like(graphic, points)
    if len(points) > POINT_COUNTS[kind][1] + 1:
        raise CaseError(f"a {kind} with {len(points)} points is too long.")
    if kind == "region" and len(points) > 1 and (points[0] == points[-1]).all():
        points = points[:-1]
    yield kind, points


def _looks_like(graphic: str, points: _Points) -> Kind:
    if graphic in ("ELLIPSE", "POINT"):
        return "ellipse" if graphic == "ELLIPSE" else "point"
    is_closed = len(points) > 3 and bool((points[0] == points[-1]).all())
    if graphic == "POLYGON" or (graphic == "POLYLINE" and is_closed):
        return "region"
    by_count: dict[int, Kind] = {2: "length", 3: "angle"}
    if graphic == "POLYLINE" and len(points) in by_count:
        return by_count[len(points)]
    raise CaseError(f"a {graphic} with {len(points)} points is no kind of annotation known here.")


def _ellipse_of_circle(points: _Points) -> _Points:
    """Centre and a point of the rim to the ends of two axes."""
    center, rim = points
    along = rim - center
    across = np.array([-along[1], along[0]])
    return np.stack([center - along, center + along, center - across, center + across])
