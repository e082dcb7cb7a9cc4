"""A small picture of a student's marks on the image, for the feedback page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from clerkship_cases import Annotation, Volume

Floats = npt.NDArray[np.float64]

LONGER_SIDE_PX = 520
"""Fits a printed page beside its text."""
MARGIN = 0.75
"""Part of the marks' own size that is shown around them, so that one sees where they are."""
LEAST_PART = 0.55
"""Of the image's longer side: a mark in the wrong place is understood by what lies around it."""
STUDENT_RGB = (255, 196, 0)
REFERENCE_RGB = (64, 224, 160)


@dataclass(frozen=True)
class View:
    """A plane of the grid as a picture: which index is held, which run across and down.

    Attributes
    ----------
    held, across, down : int
        Positions in (column, row, slice).
    at : int
        Value of the held index.
    is_flipped : bool
        Whether ``down`` runs upwards, so that the patient's head is on top.
    """

    held: int
    across: int
    down: int
    at: int
    is_flipped: bool


def render_marks(
    volume: Volume, marks: Sequence[Annotation], reference: Sequence[Annotation] = ()
) -> bytes:
    """Draw marks on the plane that holds the first of them.

    Parameters
    ----------
    volume : Volume
        The case's image.
    marks : sequence of Annotation
        What the student drew; at least one.
    reference : sequence of Annotation
        Outlines of the key: pass them only where the task says that they may be shown.

    Returns
    -------
    bytes
        PNG, the student's marks in amber with a solid line, the reference in green and dashed.
    """
    view = view_of(volume.voxel_from_patient(_outline_lps_mm(marks[0])), volume)
    grey = window_to_grey(volume, view)
    drawn = _lines_in(view, volume, marks, grey.shape[0])
    left, top, right, bottom = _crop(drawn, grey.shape)

    across_mm, down_mm = volume.spacing_mm[view.across], volume.spacing_mm[view.down]
    width_mm, height_mm = (right - left) * across_mm, (bottom - top) * down_mm
    scale = LONGER_SIDE_PX / max(width_mm, height_mm)
    size = max(1, round(width_mm * scale)), max(1, round(height_mm * scale))
    cropped = Image.fromarray(np.ascontiguousarray(grey[top:bottom, left:right]))
    picture = cropped.resize(size, Image.Resampling.BICUBIC).convert("RGB")

    draw = ImageDraw.Draw(picture)
    step = np.array([across_mm, down_mm]) * scale
    # A voxel's index names its centre; its corner lies half a voxel before.
    corner = np.array([left, top]) - 0.5
    for line in _lines_in(view, volume, reference, grey.shape[0]):
        _draw_dashes(draw, (line - corner) * step)
    for line in drawn:
        points = [(float(x), float(y)) for x, y in (line - corner) * step]
        draw.line(points, fill=(0, 0, 0), width=5, joint="curve")
        draw.line(points, fill=STUDENT_RGB, width=2, joint="curve")
    with io.BytesIO() as file:
        picture.save(file, "PNG", optimize=True)
        return file.getvalue()


def view_of(points_ijk: Floats, volume: Volume) -> View:
    """Find the plane of the grid that an outline was drawn in; the slice, when in doubt."""
    spread = np.ptp(points_ijk, axis=0)
    held = 2 if spread[2] <= 0.5 else int(np.argmin(spread))
    across, down = {2: (0, 1), 1: (0, 2), 0: (1, 2)}[held]
    count = volume.array.shape[2 - held]
    at = int(np.clip(np.rint(points_ijk[:, held].mean()), 0, count - 1))
    # A slice is shown as it is stored; across slices the head goes on top (LPS: +z is up).
    upwards = held != 2 and float(volume.affine_lps_mm[2, down]) > 0
    return View(held, across, down, at, upwards)


def window_to_grey(volume: Volume, view: View) -> npt.NDArray[np.uint8]:
    """Show one plane through the default window, as grey values 0 to 255, [down, across].

    Source
    ------
    DICOM PS3.3 C.11.2.1.2.1 (LINEAR), without its half-step offsets, which no one sees here.
    """
    window = volume.windows[0]
    values = np.take(volume.array, view.at, axis=2 - view.held).astype(np.float32)
    if view.is_flipped:
        values = values[::-1]
    shade = np.clip((values - window.center) / max(window.width, 1e-6) + 0.5, 0.0, 1.0)
    if volume.inverted:
        shade = 1 - shade
    return np.asarray(np.rint(shade * 255), dtype=np.uint8)


def _lines_in(
    view: View, volume: Volume, marks: Sequence[Annotation], height_px: int
) -> list[Floats]:
    """Outlines that lie in the view, as (n, 2) pixel positions (across, down)."""
    lines = []
    for mark in marks:
        points_ijk = volume.voxel_from_patient(_outline_lps_mm(mark))
        if round(float(points_ijk[:, view.held].mean())) == view.at:
            line = points_ijk[:, [view.across, view.down]]
            if view.is_flipped:
                line[:, 1] = height_px - 1 - line[:, 1]
            lines.append(line)
    return lines


def _outline_lps_mm(mark: Annotation) -> Floats:
    """Points to join by lines, in patient space."""
    points = np.asarray(mark.points_lps_mm, dtype=np.float64)
    if mark.kind == "region":
        return np.vstack([points, points[:1]])
    if mark.kind == "ellipse":
        centre = points[:2].mean(axis=0)
        major, minor = points[0] - centre, points[2] - centre
        turn = np.linspace(0, 2 * np.pi, 73)[:, None]
        return np.asarray(centre + np.cos(turn) * major + np.sin(turn) * minor)
    return points


def _crop(lines: Sequence[Floats], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) in pixels: the marks with room around them, inside the image."""
    if not lines:  # every mark lies off the image: show it whole
        return 0, 0, shape[1], shape[0]
    points = np.vstack(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max())
    room = max(MARGIN * extent, (LEAST_PART * max(shape) - extent) / 2)
    limit = np.array([shape[1], shape[0]])
    first = np.clip(np.floor(low - room), 0, limit - 1).astype(int)
    last = np.clip(np.ceil(high + room), first + 1, limit).astype(int)
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


def _draw_dashes(draw: ImageDraw.ImageDraw, points_px: Floats) -> None:
    """Draw every second piece of a line, in equal lengths along it."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points_px, axis=0).T))])
    dash_px = 7.0
    for start in np.arange(0.0, along[-1], 2 * dash_px):
        ends = np.array([start, min(start + dash_px, along[-1])])
        xy = np.column_stack([np.interp(ends, along, points_px[:, axis]) for axis in (0, 1)])
        draw.line([(float(x), float(y)) for x, y in xy], fill=REFERENCE_RGB, width=2)
