"""Stacks told apart: echoes, phases, repetitions, directions that share one series or one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clerkship_cases.dicom.attributes import value_of
from clerkship_cases.dicom.grid import SAME_PLACE_MM
from clerkship_cases.dicom.plane import Plane, place_of

#: What tells the stacks of one series apart, as (functional group macro, keyword), the plainest first.
#: Source: DICOM PS3.3 C.7.6.16.2.2 (frame content), C.8.13 (enhanced MR), C.8.15 (enhanced CT).
_MARKS: tuple[tuple[str, str], ...] = (
    ("FrameContentSequence", "StackID"),
    ("FrameContentSequence", "TemporalPositionIndex"),
    ("", "TemporalPositionIdentifier"),
    ("MREchoSequence", "EffectiveEchoTime"),
    ("", "EchoTime"),
    ("", "EchoNumbers"),
    ("MRDiffusionSequence", "DiffusionBValue"),
    ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    ("", "TriggerTime"),
    ("", "FrameReferenceTime"),
    ("", "AcquisitionNumber"),
    ("", "ImageType"),
    ("MRImageFrameTypeSequence", "FrameType"),
    ("CTImageFrameTypeSequence", "FrameType"),
    ("", "ConvolutionKernel"),
    ("FrameContentSequence", "FrameAcquisitionNumber"),
)

_Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One stack of a series.

    Attributes
    ----------
    label : str
        What tells it apart, for instance ``"EchoTime 20"``; empty when there is only one.
    members : list of int
        Indices of its planes.
    """

    label: str
    members: list[int]


def split(planes: Sequence[Plane]) -> list[Part]:
    """Tell the stacks among the planes of a series apart.

    Planes of different directions or sizes are different stacks. Planes of one direction are more than one
    stack if they lie at the same places and an attribute says why, or if every place is taken equally often.
    A few repeated slices are no stack: they are left for the grid to judge.
    """
    whole = list(range(len(planes)))
    if len(planes) == 1:
        return [Part("", whole)]
    by_shape: dict[tuple[Any, ...], list[int]] = {}
    for n, plane in enumerate(planes):
        by_shape.setdefault(_shape_key(plane), []).append(n)
    parts = [
        Part(", ".join(text for text in (label, inner.label) if text), inner.members)
        for key, members in by_shape.items()
        for label in (_shape_label(key) if len(by_shape) > 1 else "",)
        for inner in _split_stack(planes, members)
    ]
    return parts if len(parts) > 1 else [Part("", whole)]


def _split_stack(planes: Sequence[Plane], members: list[int]) -> list[Part]:
    """Planes of one direction and size: one stack, or several at the same places."""
    places = _places(planes, members)
    taken = np.bincount(places) if places is not None else np.ones(1, int)
    if places is None or int(taken.max()) == 1:
        return [Part("", members)]
    marks = _varying(planes, members)
    fewest = max(2, len(taken) // 2)
    for chosen in ([mark] for mark in marks):
        if parts := _by_marks(planes, members, chosen, places, fewest):
            return parts
    if parts := _by_marks(planes, members, marks, places, fewest):
        return parts
    if int(taken.min()) == int(taken.max()) and len(taken) > 1:
        return _by_repetition(planes, members, places, int(taken.max()))
    return [Part("", members)]


def _by_marks(
    planes: Sequence[Plane],
    members: list[int],
    marks: list[tuple[str, str]],
    places: "np.ndarray[Any, np.dtype[np.intp]]",
    fewest: int,
) -> list[Part]:
    """Split by the values of some attributes; nothing if that does not make clean stacks."""
    by_value: dict[_Key, list[int]] = {}
    for at, n in enumerate(members):
        key = tuple((keyword, _mark(planes[n], macro, keyword)) for macro, keyword in marks)
        by_value.setdefault(key, []).append(at)
    if len(by_value) < 2:
        return []
    for found in by_value.values():
        if len(found) < fewest or len(set(places[found].tolist())) != len(found):
            return []
    return [
        Part(
            ", ".join(f"{keyword} {value}" for keyword, value in key), [members[at] for at in found]
        )
        for key, found in sorted(by_value.items(), key=lambda pair: _natural(pair[0]))
    ]


def _by_repetition(
    planes: Sequence[Plane],
    members: list[int],
    places: "np.ndarray[Any, np.dtype[np.intp]]",
    times: int,
) -> list[Part]:
    """Every place is taken equally often and nothing says why: repetitions, in order of acquisition."""
    queue = sorted(
        range(len(members)),
        key=lambda at: (
            int(planes[members[at]].groups[-1].get("InstanceNumber") or 0),
            planes[members[at]].frame_number,
        ),
    )
    seen: dict[int, int] = {}
    stacks: list[list[int]] = [[] for _ in range(times)]
    for at in queue:
        place = int(places[at])
        stacks[seen.get(place, 0)].append(members[at])
        seen[place] = seen.get(place, 0) + 1
    return [Part(f"repetition {n + 1} of {times}", sorted(s)) for n, s in enumerate(stacks)]


def _places(
    planes: Sequence[Plane], members: list[int]
) -> "np.ndarray[Any, np.dtype[np.intp]] | None":
    """Return the number of each plane's place along the normal; None where planes have no place."""
    first = planes[members[0]].orientation
    positions = [p for n in members if (p := planes[n].position_lps_mm) is not None]
    if first is None or len(positions) < len(members):
        return None
    heights_mm = np.array(positions) @ np.cross(first[0], first[1])
    order = np.argsort(heights_mm, kind="stable")
    steps = np.diff(heights_mm[order], prepend=heights_mm[order[0]]) >= SAME_PLACE_MM
    places = np.empty(len(members), dtype=np.intp)
    places[order] = np.cumsum(steps)
    return places


def _varying(planes: Sequence[Plane], members: list[int]) -> list[tuple[str, str]]:
    """Attributes that are not the same in all planes."""
    return [
        (macro, keyword)
        for macro, keyword in _MARKS
        if len({_mark(planes[n], macro, keyword) for n in members}) > 1
    ]


def _mark(plane: Plane, macro: str, keyword: str) -> str:
    place = place_of(plane.groups, macro, keyword) if macro else plane.groups[-1]
    value = value_of(place, keyword)
    if value is None:
        return ""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return str(value)
    return "\\".join(str(v) for v in value)


def _natural(key: _Key) -> list[tuple[float, str]]:
    """Sort numbers as numbers."""
    return [
        (float(value), "") if value.replace(".", "", 1).lstrip("-").isdigit() else (np.inf, value)
        for _keyword, value in key
    ]


def _shape_key(plane: Plane) -> tuple[Any, ...]:
    cosines = (
        None
        if plane.orientation is None or plane.position_lps_mm is None
        else tuple(np.round(plane.orientation.ravel(), 2).tolist())
    )
    return (*plane.pixels.shape, plane.pixels.frames.format.is_colour, cosines)


def _shape_label(key: tuple[Any, ...]) -> str:
    rows, columns, is_colour, cosines = key
    if cosines is None:
        return f"{columns} x {rows}{' in colour' if is_colour else ''}, without a place"
    normal = np.abs(np.cross(cosines[:3], cosines[3:]))
    direction = ("sagittal", "coronal", "axial")[int(np.argmax(normal))]
    return f"{direction}, {columns} x {rows}"
