"""What a student drew: a shape in patient space, and what they wrote beside it."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args
from uuid import uuid4

from clerkship_cases.errors import CaseError

Kind = Literal["length", "angle", "ellipse", "region", "arrow", "point"]
Point = tuple[float, float, float]

KINDS: tuple[Kind, ...] = get_args(Kind)

#: (fewest, most) points per kind. The most for a region is our own limit: a freehand outline along
#: every pixel of the edge of a 2000 x 2000 image has 8000.
POINT_COUNTS: dict[Kind, tuple[int, int]] = {
    "length": (2, 2),
    "angle": (3, 3),
    "ellipse": (4, 4),
    "region": (3, 20_000),
    "arrow": (2, 2),
    "point": (1, 1),
}
#: More frames than any image has; NumberOfFrames itself would allow ten digits.
MAX_FRAMES = 1_000_000
MAX_LABEL = 64  # a segment label is a DICOM LO: 64 characters, no backslash (PS3.5 6.2)
MAX_TEXT = 1024
#: No point of a patient, and no pixel of an image, is further from the origin.
MAX_ABS_MM = 1e6
_UID = re.compile(r"[0-9.]{1,64}")  # PS3.5 9.1
#: Names of annotations: DICOM UIDs, and the UUIDs that viewers make.
_OWN_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def is_annotation_uid(text: object) -> bool:
    """Whether a text may name an annotation."""
    return isinstance(text, str) and _OWN_ID.fullmatch(text) is not None


def new_uid() -> str:
    """Make a globally unique DICOM UID from a random UUID (PS3.5 B.2)."""
    return f"2.25.{uuid4().int}"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A shape that was drawn on an image.

    Attributes
    ----------
    uid : str
        Names this annotation for good; a DICOM UID when made by :meth:`new`.
    kind : str
        ``length`` (two ends), ``angle`` (arm, vertex, arm), ``ellipse`` (both ends of the major
        axis, then of the minor axis, as in DICOM), ``region`` (closed polygon, the first point is
        not repeated), ``arrow`` (tip, tail) or ``point``.
    points_lps_mm : tuple of (x, y, z)
        In patient LPS millimetres; nominal (one pixel is 1) where the image is uncalibrated.
    label : str
        What it is, from the list of the task: at most 64 characters.
    text : str
        Free words beside it: at most 1024 characters. Blanks at either end are dropped.
    slice_uid : str or None
        SOPInstanceUID of the image it lies in, when it lies in one.
    frame_number : int or None
        Which frame of that image, counted from 1, where the image has several; else None.
    """

    uid: str
    kind: Kind
    points_lps_mm: tuple[Point, ...]
    label: str = ""
    text: str = ""
    slice_uid: str | None = None
    frame_number: int | None = None

    def __post_init__(self) -> None:
        """Refuse what can't be stored, so that everything that exists can be."""
        if self.kind not in KINDS:
            raise CaseError(
                f"annotation kind {self.kind!r} is unknown; use one of {', '.join(KINDS)}."
            )
        if not is_annotation_uid(self.uid):
            raise CaseError(
                f"annotation uid {self.uid!r} must be 1 to 64 letters, digits, dots or dashes."
            )
        if self.slice_uid is not None and not (
            isinstance(self.slice_uid, str) and _UID.fullmatch(self.slice_uid)
        ):
            raise CaseError(f"slice_uid {self.slice_uid!r} is not a DICOM UID (digits and dots).")
        if self.frame_number is not None:
            _check_frame_number(self.frame_number, self.slice_uid)
        label = _clean_words("label", self.label, MAX_LABEL)
        if any(c in label for c in "\n\t\\"):
            raise CaseError(f"annotation label {label!r} must be one line without a backslash.")
        object.__setattr__(self, "label", label)
        object.__setattr__(self, "text", _clean_words("text", self.text, MAX_TEXT))
        object.__setattr__(self, "points_lps_mm", _points(self.kind, self.points_lps_mm))

    @classmethod
    def new(
        cls,
        kind: Kind,
        points_lps_mm: Iterable[Iterable[float]],
        *,
        label: str = "",
        text: str = "",
        slice_uid: str | None = None,
        frame_number: int | None = None,
    ) -> "Annotation":
        """Make an annotation with a fresh uid."""
        points = tuple(cast(Point, tuple(point)) for point in points_lps_mm)
        return cls(new_uid(), kind, points, label, text, slice_uid, frame_number)

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON: what goes over the wire to the browser."""
        frame = {} if self.frame_number is None else {"frame_number": self.frame_number}
        return {
            "uid": self.uid,
            "kind": self.kind,
            "points_lps_mm": [list(point) for point in self.points_lps_mm],
            "label": self.label,
            "text": self.text,
            "slice_uid": self.slice_uid,
            **frame,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "Annotation":
        """Check and take what a browser sent.

        Raises
        ------
        CaseError
            If a field is missing, unknown or out of range.
        """
        if not isinstance(value, Mapping):
            raise CaseError(f"an annotation must be an object, not {type(value).__name__}.")
        known = {"uid", "kind", "points_lps_mm", "label", "text", "slice_uid", "frame_number"}
        if unknown := set(value) - known:
            raise CaseError(f"an annotation has no field {', '.join(sorted(map(str, unknown)))}.")
        if missing := {"uid", "kind", "points_lps_mm"} - set(value):
            raise CaseError(f"an annotation needs the field {', '.join(sorted(missing))}.")
        return cls(
            uid=cast(str, value["uid"]),
            kind=cast(Kind, value["kind"]),
            points_lps_mm=cast("tuple[Point, ...]", value["points_lps_mm"]),
            label=cast(str, value.get("label", "")),
            text=cast(str, value.get("text", "")),
            slice_uid=cast("str | None", value.get("slice_uid")),
            frame_number=cast("int | None", value.get("frame_number")),
        )


def _check_frame_number(number: object, slice_uid: str | None) -> None:
    """Frames count from 1 and belong to an image (PS3.3 C.7.6.6)."""
    if type(number) is not int or not 1 <= number <= MAX_FRAMES:
        raise CaseError(f"frame_number {number!r} must be a whole number from 1 to {MAX_FRAMES}.")
    if slice_uid is None:
        raise CaseError(f"frame_number {number} was given without the slice_uid of its image.")


def _clean_words(name: str, words: object, most: int) -> str:
    """Words as DICOM keeps them: no blanks at the ends (PS3.5 6.2), no control characters."""
    if not isinstance(words, str):
        raise CaseError(f"annotation {name} must be text, not {type(words).__name__}.")
    words = words.replace("\r\n", "\n").strip()
    if len(words) > most:
        raise CaseError(f"annotation {name} has {len(words)} characters; the most is {most}.")
    if any(not c.isprintable() and c not in "\n\t" for c in words):
        raise CaseError(f"annotation {name} {words!r} holds a control character; leave it out.")
    return words


def _points(kind: Kind, points: object) -> tuple[Point, ...]:
    """Finite number triples, as many as the kind needs."""
    if not isinstance(points, (list, tuple)):
        raise CaseError(
            f"the points of a {kind} must be a list of (x, y, z), not {type(points).__name__}."
        )
    fewest, most = POINT_COUNTS[kind]
    if not fewest <= len(points) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise CaseError(f"a {kind} has {wanted} points; {len(points)} were given.")
    checked: list[Point] = []
    for point in points:
        try:
            x, y, z = (float(v) for v in point)
        except (TypeError, ValueError) as problem:
            raise CaseError(
                f"point {point!r} of a {kind} must be three numbers (x, y, z)."
            ) from problem
        if not all(math.isfinite(v) and abs(v) <= MAX_ABS_MM for v in (x, y, z)):
            raise CaseError(
                f"point ({x}, {y}, {z}) of a {kind} is not a place in a patient: every coordinate must "
                f"be finite and within ±{MAX_ABS_MM:.0f}."
            )
        checked.append((x, y, z))
    return tuple(checked)
