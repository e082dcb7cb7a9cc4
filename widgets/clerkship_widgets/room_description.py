"""What the kernel tells a page that opens a room: the case, its planes and windows, in plain values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from clerkship_cases import CaseError, measure
from clerkship_widgets.cine import cine_of
from clerkship_widgets.strokes import measurement_lines

if TYPE_CHECKING:
    from clerkship_cases import Annotation, Case, CaseRecord
    from clerkship_widgets.planes import Plane


def described_case(record: CaseRecord) -> dict[str, str]:
    """Say what may be said about a case before it is read, and whose it is."""
    fields = ("id", "title", "modality", "view", "history", "attribution", "licence")
    return {name: str(getattr(record, name)) for name in fields}


def described_images(case: Case, planes: Iterable[Plane]) -> dict[str, Any]:
    """Say how the images of a case are to be shown.

    Colours have no window: they are shown as they are.

    Raises
    ------
    CaseError
        If the images can't be opened.
    """
    volume = case.volume
    cine = cine_of(volume, case.images)
    return {
        "planes": [plane.to_json() for plane in planes],
        "windows": [
            {"name": window.name, "center": window.center, "width": window.width}
            for window in volume.windows
        ],
        "colour": volume.is_colour,
        "cine": cine.to_json() if cine else None,
        "inverted": volume.inverted,
        "calibrated": volume.is_calibrated,
        "unit": volume.unit,
    }


def described_marks(annotations: Iterable[Annotation], case: Case) -> list[dict[str, Any]]:
    """Give marks with their measurements; a mark that can't be measured is still a mark."""
    return [
        annotation.to_json() | {"lines": measured_lines(annotation, case)}
        for annotation in annotations
    ]


def measured_lines(annotation: Annotation, case: Case) -> list[str]:
    """Measure a mark in words; sizes only in colour images, whose values measure nothing."""
    try:
        volume = case.volume
        measures = measure(annotation, volume)
    except CaseError:
        return []
    if volume.is_colour:
        measures.pop("mean", None)
    return measurement_lines(annotation, measures)
