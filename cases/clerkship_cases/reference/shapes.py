"""From what was drawn to what a key keeps, once it is sure that it lies inside the images."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.annotation import Annotation
from clerkship_cases.case import Case
from clerkship_cases.errors import CaseError
from clerkship_cases.outline import outline_px
from clerkship_cases.raster import plane_mask, take_plane
from clerkship_cases.reference.reading import Reading
from clerkship_cases.standards.image_place import ImagePlaces

_WITH_INSIDE = ("region", "ellipse")


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a key keeps of a reading.

    Attributes
    ----------
    shapes : list of dict
        Fields of :class:`clerkship_cases.key.Shape`; one, unless the reading is several points or lines.
    mask : bool [slice, row, column] or None
        All voxels, where one shape does not hold them.
    """

    shapes: list[dict[str, Any]]
    mask: NDArray[np.bool_] | None


def parts_of(
    case: Case, drawn: Annotation | Reading | NDArray[np.bool_] | Iterable[Annotation]
) -> Parts:
    """Check a reading against the images of its case and take it apart.

    Raises
    ------
    CaseError
        If it is empty, lies outside the images or on images of another case, or mixes shapes that have
        an inside with shapes that have none.
    """
    if isinstance(drawn, Reading):
        drawn = drawn.mask if drawn.mask is not None else drawn.annotations
    if isinstance(drawn, np.ndarray):
        return _from_mask(case, drawn)
    shapes = [drawn] if isinstance(drawn, Annotation) else list(drawn)
    if not shapes:
        raise CaseError("nothing was drawn: a reference needs at least one shape, or a mask.")
    places = ImagePlaces(case)
    for shape in shapes:
        check_inside(places, shape)
    with_inside = [shape.kind in _WITH_INSIDE for shape in shapes]
    if all(with_inside) and len(shapes) > 1:
        return _from_mask(case, _union(case, shapes))
    if any(with_inside) and not all(with_inside):
        raise CaseError(
            "this reading mixes outlines with points or lines; add them as two findings."
        )
    if with_inside[0] and not _union(case, shapes).any():
        raise CaseError("this outline passes between the voxels: it holds none. Draw it larger.")
    return Parts([_fields(shape) for shape in shapes], None)


def check_inside(places: ImagePlaces, shape: Annotation) -> None:
    """Make sure that a shape lies within the images, and on the image that it names.

    Raises
    ------
    CaseError
        If it does not.
    """
    case = places.case
    points_ijk = case.volume.voxel_from_patient(shape.points_lps_mm)
    slices, rows, columns = case.volume.array.shape[:3]
    # Half a voxel beyond the outermost centres ends the image; a thousandth more is rounding.
    low, high = -0.501, np.array([columns, rows, slices]) - 0.499
    if (points_ijk < low).any() or (points_ijk > high).any():
        raise CaseError(
            f"this {shape.kind} reaches beyond the images of the case {case.id!r}. Was it drawn on another case?"
        )
    if shape.slice_uid is not None:
        named = places.slice_index(shape.slice_uid, shape.frame_number)
        if (np.abs(points_ijk[:, 2] - named) > 0.5).any():
            raise CaseError(
                f"this {shape.kind} names slice {named} of the case {case.id!r} but does not lie on it."
            )


def _union(case: Case, shapes: Iterable[Annotation]) -> NDArray[np.bool_]:
    mask = np.zeros(case.volume.array.shape[:3], dtype=np.bool_)
    for shape in shapes:
        plane, inside = plane_mask(shape, case.volume)
        take_plane(mask, plane)[...] |= inside
    return mask


def _from_mask(case: Case, mask: NDArray[Any]) -> Parts:
    expected = case.volume.array.shape[:3]
    if mask.shape != expected:
        raise CaseError(
            f"the mask has shape {mask.shape}; the images of the case {case.id!r} have {expected}."
        )
    if mask.dtype != np.bool_ and not np.isin(np.unique(mask), (0, 1)).all():
        raise CaseError("the mask holds values other than 0 and 1; threshold it first.")
    mask = mask.astype(np.bool_, copy=False)
    if not mask.any():
        raise CaseError("the mask is empty: nothing was drawn.")
    k = int(mask.sum(axis=(1, 2)).argmax())
    outline = np.array(outline_px(mask[k]))
    points = case.volume.patient_from_voxel(np.column_stack([outline, np.full(len(outline), k)]))
    reference = ImagePlaces(case).reference(k)
    shape: dict[str, Any] = {
        "kind": "region",
        "points_lps_mm": _plain_points(points.tolist()),
        "slice_uid": reference.sop_instance_uid,
        "frame_number": reference.frame_number,
    }
    return Parts([shape], mask)


def _fields(shape: Annotation) -> dict[str, Any]:
    return {
        "kind": shape.kind,
        "points_lps_mm": _plain_points(shape.points_lps_mm),
        "slice_uid": shape.slice_uid,
        "frame_number": shape.frame_number,
    }


def _plain_points(points: Iterable[Iterable[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(v) for v in point) for point in points)
