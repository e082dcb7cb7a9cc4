"""Windows: which grey values an image is shown with, and the reference way to show them.

A window is a linear map from values to grey: ``center`` becomes mid-grey, ``width`` is what lies
between black and white (DICOM PS3.3 C.11.2.1.2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clerkship_cases.errors import CaseError

#: Usual CT settings in HU as (name, level, width). Source: Radiopaedia, article "Windowing (CT)":
#: abdomen soft tissues, lungs, spine bone, brain, liver.
CT_PRESETS_HU: tuple[tuple[str, float, float], ...] = (
    ("soft tissue", 50, 400),
    ("lung", -600, 1500),
    ("bone", 400, 1800),
    ("brain", 40, 80),
    ("liver", 30, 150),
)

#: What the robust window leaves out at either end: one value in two hundred. An author's choice,
#: so that a few bright pixels (a marker, a bladder full of tracer) do not make the rest black.
ROBUST_PERCENTILES = (0.5, 99.5)

#: Of volumes larger than this, percentiles are taken from a part of the rows, about so many voxels. Our
#: own choice: enough for percentiles, little memory beside the volume.
_LARGE_VOXELS, _SAMPLED_VOXELS = 10_000_000, 2_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """A named pair of window centre and width, in the unit of the volume."""

    name: str
    center: float
    width: float

    def __post_init__(self) -> None:
        """Refuse a window that can't be shown."""
        if not (np.isfinite(self.center) and np.isfinite(self.width) and self.width > 0):
            raise CaseError(
                f"window {self.name!r}: centre {self.center}, width {self.width}; both must be "
                f"finite and the width greater than 0. A brain CT window is centre 40, width 80."
            )


def windows_for(
    array: NDArray[Any],
    modality: str,
    headers: Sequence[Dataset] = (),
    *,
    span: tuple[float, float] | None = None,
) -> tuple[Window, ...]:
    """All windows an image is offered with; the first is the default.

    Order: what the file itself asks for, presets of the modality, the robust window, the full
    range. Every image has at least the last.

    Parameters
    ----------
    array : [slice, row, column], or [slice, row, column, 3] for colour
        Values after the modality LUT.
    modality : str
        DICOM modality, for instance ``"CT"``.
    headers : sequence of Dataset
        DICOM headers of the series; the first that names a window wins.
    span : (float, float), optional
        Least and greatest value, where they are known already.
    """
    if array.ndim == 4:  # colour is shown as it is
        return (Window("full range", 127.5, 255),)
    found: list[Window] = []
    for header in headers:
        found = _windows_in_file(header)
        if found:
            break
    if modality == "CT":
        found += [Window(name, level, width) for name, level, width in CT_PRESETS_HU]
    found += _windows_of_values(array, span)
    return distinct(found)


def distinct(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Keep the first of windows that have the same name or show the same."""
    kept: list[Window] = []
    for window in windows:
        same = (
            w.name == window.name or (w.center, w.width) == (window.center, window.width)
            for w in kept
        )
        if not any(same):
            kept.append(window)
    return tuple(kept)


def to_grey(values: NDArray[np.generic], window: Window, *, inverted: bool) -> NDArray[np.uint8]:
    """Show values as 8-bit grey: the reference rendering that viewers are compared with.

    Parameters
    ----------
    values : array of any shape
        Values after the modality LUT, in the unit of the volume.
    window : Window
        Centre and width in the same unit.
    inverted : bool
        True for MONOCHROME1, where low values are shown bright.

    Returns
    -------
    grey : uint8 array of the same shape
        0 is black.

    Source
    ------
    DICOM PS3.3 C.11.2.1.2.1 (LINEAR) and C.7.6.3.1.2 (MONOCHROME1).
    """
    if window.width > 1:
        share = (values.astype(np.float64) - (window.center - 0.5)) / (window.width - 1) + 0.5
    else:  # LINEAR divides by width - 1; LINEAR_EXACT (C.11.2.1.3.2) does not
        share = (values.astype(np.float64) - window.center) / window.width + 0.5
    grey = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return 255 - grey if inverted else grey


def _windows_in_file(header: Dataset) -> list[Window]:
    """Window centre/width pairs of a header, else the span of its first VOI LUT."""
    if not any(keyword in header for keyword in ("WindowCenter", "VOILUTSequence")):
        return []
    centers = _numbers(header.get("WindowCenter"))
    widths = _numbers(header.get("WindowWidth"))
    names = header.get("WindowCenterWidthExplanation") or []
    names = [names] if isinstance(names, str) else [str(name) for name in names]
    found = []
    for n, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if width > 0:
            name = names[n].strip() if n < len(names) else ""
            found.append(
                Window(name or ("from the file" if n == 0 else f"file {n + 1}"), center, width)
            )
    if not found and header.get("VOILUTSequence"):
        # Shown as a straight line over the values that the table covers: the table's curve is lost,
        # its brightness range is not (PS3.3 C.11.2.1.1: number of entries, first value mapped).
        entries, first, _bits = (int(n) for n in header.VOILUTSequence[0].LUTDescriptor)
        entries = entries or 65536
        found.append(Window("from the file (table)", first + entries / 2, float(entries)))
    return found


def _windows_of_values(array: NDArray[Any], span: tuple[float, float] | None) -> list[Window]:
    """Give the robust window (over what is not background) and the full range."""
    low, high = (float(end) for end in span or (array.min(), array.max()))
    full = Window("full range", (low + high) / 2, max(high - low, 1.0))
    # A part of a large volume, then every n-th value of what is not background: percentiles need no
    # more. Whole rows are taken, because a step along the array may fall on the same column each time.
    values = (
        array[:, :: max(1, array.size // _SAMPLED_VOXELS)] if array.size > _LARGE_VOXELS else array
    )
    values = values[values > low]
    values = values[:: max(1, values.size // 200_000)]
    if values.size == 0:
        return [full]
    # As np.percentile, whose first call imports numpy.ma: a tenth of the time a series takes to open.
    at = np.array(ROBUST_PERCENTILES) / 100 * (values.size - 1)
    low, high = (float(v) for v in np.interp(at, np.arange(values.size), np.sort(values)))
    if high <= low:
        return [full]
    return [Window("robust", (low + high) / 2, high - low), full]


def _numbers(value: object) -> list[float]:
    """One number, several, or none, as a list."""
    if value is None or value == "":
        return []
    if isinstance(value, (str, float, int)):
        return [float(value)]
    return [float(v) for v in value]  # type: ignore[attr-defined]  # pydicom MultiValue
