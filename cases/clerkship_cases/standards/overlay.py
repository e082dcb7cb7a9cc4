"""Overlay planes (60xx): marks that a reader drew into an image file.

They never reach the public volume or headers; here they are read, so that they can become a reference,
and written, so that a mark can travel with an image.

Source
------
DICOM PS3.3 C.9.2 (overlay plane), C.9.3 (multi-frame overlay); PS3.5 8.1.2 (bits of overlay data).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from clerkship_cases.errors import CaseError

_FIRST_GROUP, _LAST_GROUP = 0x6000, 0x601E
#: Lines are one pixel wide and touch at corners too.
_TOUCHING = np.ones((3, 3), dtype=bool)
#: Bits of one overlay: a thousand frames of 600 x 600. Our own limit.
MAX_BITS = 400_000_000

# Elements of an overlay group.
_ROWS, _COLUMNS, _FRAMES, _DESCRIPTION = 0x0010, 0x0011, 0x0015, 0x0022
_TYPE, _ORIGIN, _FIRST_FRAME, _BITS, _BIT = 0x0040, 0x0050, 0x0051, 0x0100, 0x0102
_LABEL, _DATA = 0x1500, 0x3000


@dataclass(frozen=True, slots=True, eq=False)
class OverlayPlane:
    """One overlay of an image, placed on its pixels.

    Attributes
    ----------
    group : int
        0x6000 to 0x601E, even.
    kind : str
        ``"G"`` for graphics, ``"R"`` for a region of interest.
    label, description : str
        As the file has them.
    first_frame : int
        Frame of the image that the first plane belongs to, counted from 1.
    planes : bool [frame, row, column]
        On the grid of the image; what reaches beyond it is cut off.
    """

    group: int
    kind: str
    label: str
    description: str
    first_frame: int
    planes: NDArray[np.bool_]


def read_overlays(dataset: Dataset) -> list[OverlayPlane]:
    """Read all overlays of an image: separate ones, and those in unused bits of its pixels.

    Raises
    ------
    CaseError
        If one is shorter than it says, too large, or hidden in pixels that are compressed.
    """
    found = []
    for group in range(_FIRST_GROUP, _LAST_GROUP + 1, 2):
        if (group, _DATA) not in dataset and (group, _BIT) not in dataset:
            continue
        rows, columns = (_whole(dataset, group, element, 0) for element in (_ROWS, _COLUMNS))
        frames = _whole(dataset, group, _FRAMES, 1)
        bits = rows * columns * frames
        if min(rows, columns, frames) < 1 or bits > MAX_BITS:
            raise CaseError(
                f"overlay {group:04x} says that it has {frames} planes of {rows} x {columns}; expected 1 to "
                f"{MAX_BITS} bits in all."
            )
        shape = (frames, rows, columns)
        drawn = (
            _separate(dataset, group, shape)
            if (group, _DATA) in dataset
            else _in_pixels(dataset, group, shape)
        )
        if drawn is None:
            continue
        found.append(
            OverlayPlane(
                group=group,
                kind=_words(dataset, group, _TYPE),
                label=_words(dataset, group, _LABEL),
                description=_words(dataset, group, _DESCRIPTION),
                first_frame=_whole(dataset, group, _FIRST_FRAME, 1),
                planes=_on_image(dataset, group, drawn),
            )
        )
    return found


def overlay_planes(dataset: Dataset) -> list[NDArray[np.bool_]]:
    """All overlay planes of an image, one after the other, placed on its pixels: bool [row, column]."""
    return [plane for overlay in read_overlays(dataset) for plane in overlay.planes]


def add_overlay(
    dataset: Dataset,
    planes: NDArray[np.bool_],
    *,
    kind: str = "G",
    label: str = "",
    description: str = "",
    first_frame: int = 1,
) -> int:
    """Add an overlay to an image, in place, in the first free group; returns that group.

    Parameters
    ----------
    dataset : Dataset
        The image.
    planes : bool [row, column] or [frame, row, column]
        On the grid of the image.
    kind : {"G", "R"}
        Graphics, or a region of interest.
    label, description : str
        At most 64 characters each.
    first_frame : int
        Frame of the image that the first plane belongs to, counted from 1.

    Raises
    ------
    CaseError
        If the planes do not fit the image, or it has sixteen overlays already.
    """
    stack = planes[np.newaxis] if planes.ndim == 2 else planes
    expected = (int(dataset.Rows), int(dataset.Columns))
    if stack.ndim != 3 or stack.shape[1:] != expected:
        raise CaseError(
            f"the overlay has shape {planes.shape}; the image has {expected[0]} x {expected[1]} pixels."
        )
    if kind not in ("G", "R"):
        raise CaseError(f"overlay kind {kind!r} must be G (graphics) or R (region of interest).")
    groups = range(_FIRST_GROUP, _LAST_GROUP + 1, 2)
    free = [
        group for group in groups if (group, _DATA) not in dataset and (group, _BIT) not in dataset
    ]
    if not free:
        raise CaseError("the image has sixteen overlays already; there is no room for another.")
    group = free[0]
    packed = np.packbits(stack.astype(np.bool_).ravel(), bitorder="little").tobytes()
    dataset.add_new((group, _ROWS), "US", stack.shape[1])
    dataset.add_new((group, _COLUMNS), "US", stack.shape[2])
    if len(stack) > 1 or first_frame > 1:
        dataset.add_new((group, _FRAMES), "IS", len(stack))
        dataset.add_new((group, _FIRST_FRAME), "US", first_frame)
    if description:
        dataset.add_new((group, _DESCRIPTION), "LO", description[:64])
    dataset.add_new((group, _TYPE), "CS", kind)
    dataset.add_new((group, _ORIGIN), "SS", [1, 1])
    dataset.add_new((group, _BITS), "US", 1)
    dataset.add_new((group, _BIT), "US", 0)
    if label:
        dataset.add_new((group, _LABEL), "LO", label[:64])
    dataset.add_new((group, _DATA), "OB", packed + b"\x00" * (len(packed) % 2))
    return group


def enclosed_areas(drawn: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Fill each closed line of an overlay, line included; largest area first.

    Lettering may enclose something too (the inside of an A): the caller chooses by size or place.

    Parameters
    ----------
    drawn : bool [row, column]
        An overlay plane.
    """
    lines, count = ndimage.label(drawn, structure=_TOUCHING)
    areas = []
    for n in range(1, count + 1):
        line = lines == n
        filled = ndimage.binary_fill_holes(line)
        if filled.sum() > line.sum():
            areas.append(np.asarray(filled, dtype=np.bool_))
    return sorted(areas, key=lambda area: int(area.sum()), reverse=True)


def _separate(dataset: Dataset, group: int, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Overlay data of its own: one bit per pixel, lowest first, no padding between the planes."""
    raw = np.frombuffer(dataset[group, _DATA].value, dtype=np.uint8)
    count = int(np.prod(shape))
    if raw.size * 8 < count:
        raise CaseError(f"overlay {group:04x} is cut short: it has fewer bits than it says.")
    return np.unpackbits(raw, count=count, bitorder="little").reshape(shape).astype(np.bool_)


def _in_pixels(
    dataset: Dataset, group: int, shape: tuple[int, int, int]
) -> NDArray[np.bool_] | None:
    """Overlay in an unused bit of the pixels, as older files have it (retired in 2004)."""
    bit = _whole(dataset, group, _BIT, 0)
    allocated = int(dataset.get("BitsAllocated", 0))
    stored = int(dataset.get("BitsStored", allocated))
    high = int(dataset.get("HighBit", stored - 1))
    if high - stored < bit <= high or bit >= allocated or allocated not in (8, 16):
        return None  # not a free bit: the group is a leftover without data
    meta = getattr(dataset, "file_meta", None)
    if meta is not None and meta.TransferSyntaxUID.is_compressed:
        raise CaseError(
            f"overlay {group:04x} lies in the pixels, which are compressed; unpack them first."
        )
    words = np.frombuffer(dataset.PixelData, dtype=np.uint8 if allocated == 8 else "<u2")
    count = int(np.prod(shape))
    if words.size < count:
        raise CaseError(f"overlay {group:04x} is cut short: the image has fewer pixels than it.")
    return (words[:count] >> bit & 1).astype(np.bool_).reshape(shape)


def _on_image(dataset: Dataset, group: int, drawn: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Move planes to their origin (row, column, counted from 1; it may lie outside) and cut them off."""
    origin = dataset[group, _ORIGIN].value if (group, _ORIGIN) in dataset else (1, 1)
    planes = np.zeros((len(drawn), int(dataset.Rows), int(dataset.Columns)), dtype=np.bool_)
    here, there = [slice(None)], [slice(None)]
    for at, size, room in zip(origin, drawn.shape[1:], planes.shape[1:], strict=True):
        start = int(at) - 1
        first, last = max(start, 0), min(start + size, room)
        here.append(slice(first, max(first, last)))
        there.append(slice(first - start, max(first, last) - start))
    planes[tuple(here)] = drawn[tuple(there)]
    return planes


def _whole(dataset: Dataset, group: int, element: int, default: int) -> int:
    """Whole number of an overlay group."""
    if (group, element) not in dataset or dataset[group, element].value in (None, ""):
        return default
    return int(dataset[group, element].value)


def _words(dataset: Dataset, group: int, element: int) -> str:
    return str(dataset[group, element].value or "") if (group, element) in dataset else ""
