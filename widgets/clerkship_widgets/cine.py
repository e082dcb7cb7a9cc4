"""Moving pictures: which cases are one, and how fast the file says it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clerkship_widgets.planes import is_placed

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from clerkship_cases import Volume

#: Ten frames a second where the file says nothing: an author's choice, slow enough to follow.
UNSAID_FRAME_MS = 100.0

#: Faster than any scanner, slower than any patience: what lies outside is a mistake in the file.
_FASTEST_MS, _SLOWEST_MS = 4.0, 5000.0


@dataclass(frozen=True, slots=True)
class Cine:
    """How a moving picture runs.

    Attributes
    ----------
    frame_ms : float
        Time from one frame to the next.
    is_said : bool
        Whether the file says so; else it is :data:`UNSAID_FRAME_MS`.
    """

    frame_ms: float
    is_said: bool

    def to_json(self) -> dict[str, object]:
        """Describe it to the browser."""
        return {"frame_ms": self.frame_ms, "said": self.is_said}


def cine_of(volume: Volume, headers: Sequence[Dataset]) -> Cine | None:
    """Say whether the images of a case are frames of a moving picture, and how it runs.

    Frames of one file that lie nowhere in the patient, or images that carry a frame time, follow
    each other in time. Slices that are placed in the patient lie beside each other: no cine.

    Parameters
    ----------
    volume : Volume
        The images.
    headers : sequence of Dataset
        Public headers, one for each slice.
    """
    if volume.array.shape[0] < 2 or is_placed(volume):
        return None
    frame_ms = _frame_ms(headers[0])
    if frame_ms is not None:
        return Cine(frame_ms, is_said=True)
    if len({str(header.SOPInstanceUID) for header in headers}) == 1:
        return Cine(UNSAID_FRAME_MS, is_said=False)
    return None


def _frame_ms(header: Dataset) -> float | None:
    """Read the time between frames in ms; None where the header has none that makes sense.

    Source
    ------
    DICOM PS3.3 C.7.6.5 (Cine): FrameTime and FrameTimeVector in ms, RecommendedDisplayFrameRate and
    CineRate in frames a second. How it was acquired comes before how it should be shown.
    """
    readings: tuple[tuple[str, Callable[[float], float]], ...] = (
        ("FrameTime", lambda ms: ms),
        ("FrameTimeVector", lambda ms: ms),
        ("RecommendedDisplayFrameRate", lambda per_s: 1000 / per_s),
        ("CineRate", lambda per_s: 1000 / per_s),
    )
    for keyword, in_ms in readings:
        values = _positive(header.get(keyword))
        if values and _FASTEST_MS <= (frame_ms := in_ms(sum(values) / len(values))) <= _SLOWEST_MS:
            return frame_ms
    return None


def _positive(value: Any) -> list[float]:
    """Numbers above 0 of a header's value (the first of a FrameTimeVector is always 0)."""
    try:
        numbers = (
            [float(value)] if isinstance(value, (str, int, float)) else map(float, value or ())
        )
        return [number for number in numbers if number > 0]
    except (TypeError, ValueError):
        return []
