"""Stored values of all slices to one array of real-world values, with no copy that can be avoided.

The array gets the type that holds the values exactly. Which one that is, is only sure when all are seen; so
a type is tried that nearly always fits, values are put straight into it, and in the rare other case the work
is done again in 32-bit floats.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clerkship_cases.dicom.frames import Frames
from clerkship_cases.errors import CaseError
from clerkship_cases.volume import MAX_VOLUME_BYTES, Values, smallest_exact, smallest_for


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice to be: a frame, and what turns its stored values into real ones."""

    frames: Frames
    frame: int
    slope: float = 1.0
    intercept: float = 0.0
    table: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    """A modality LUT, instead of slope and intercept (PS3.3 C.11.1)."""
    tile: tuple[slice, slice] | None = None
    """The part of the frame that is this slice (mosaics)."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.frames.format.rows, self.frames.format.columns
        if self.tile is None:
            return rows, columns
        return (
            len(range(*self.tile[0].indices(rows))),
            len(range(*self.tile[1].indices(columns))),
        )

    @property
    def is_whole(self) -> bool:
        """Whether whole stored values stay whole."""
        return self.table is None and self.slope.is_integer() and self.intercept.is_integer()


def gather(slices: Sequence[Slice]) -> tuple[Values, tuple[float, float] | None]:
    """Read all slices into one array of the smallest type that holds every value exactly.

    Parameters
    ----------
    slices : sequence of Slice
        In the order of the array; all of one shape.

    Returns
    -------
    array : [slice, row, column], or [slice, row, column, 3] uint8 for colour
        uint8, int16 or uint16 where every value is whole and fits, else float32.
    span : (least, greatest value) or None
        Where it was found on the way.

    Raises
    ------
    CaseError
        If a frame can't be decoded, or the whole is larger than
        :data:`~clerkship_cases.volume.MAX_VOLUME_BYTES`.
    """
    kind = _first_guess(slices)
    shape = (len(slices), *slices[0].shape)
    if slices[0].frames.format.is_colour:
        colours = _allocate((*shape, 3), np.dtype(np.uint8))
        _for_each(slices, lambda k: _copy(colours[k], slices[k]))
        return colours, None
    if kind.kind != "f":
        array = _allocate(shape, kind)
        spans = _for_each(slices, lambda k: _fill_whole(array[k], slices[k]))
        low, high = min(low for low, _ in spans), max(high for _, high in spans)
        limits = np.iinfo(kind)
        if limits.min <= low and high <= limits.max:
            return _narrowed(array, low, high), (low, high)
        del array
    floats = _allocate(shape, np.dtype(np.float32))
    _for_each(slices, lambda k: _fill_float(floats[k], slices[k]))
    return smallest_exact(floats), None


def stored_values(one: Slice) -> NDArray[Any]:
    """Return the stored values of one slice, with the bits above BitsStored removed and the sign extended."""
    stored = one.frames.stored(one.frame)
    if one.tile is not None:
        stored = stored[one.tile]
    return _without_unused_bits(stored, one)


def real_values(one: Slice) -> NDArray[Any]:
    """Return the values of one slice after its modality LUT, as they are compared between slices."""
    stored = stored_values(one)
    if one.table is not None:
        return one.table(stored)
    if (one.slope, one.intercept) == (1.0, 0.0):
        return stored
    return stored.astype(np.float64) * one.slope + one.intercept


def _first_guess(slices: Sequence[Slice]) -> np.dtype[Any]:
    """Type that the values will most likely fit into; float if they can't be whole or fit none."""
    low = high = 0
    for format_, slope, intercept, whole in {
        (one.frames.format, one.slope, one.intercept, one.is_whole) for one in slices
    }:
        if format_.is_float or not whole or format_.bits_allocated > 16:
            return np.dtype(np.float32)
        ends = [int(end * slope + intercept) for end in format_.stored_range]
        low, high = min(low, *ends), max(high, *ends)
    # A scanner's 16 bits with an intercept of -1024 never use the whole range: int16 is tried.
    return np.dtype(smallest_for(low, high) or np.int16)


def _fill_whole(out: NDArray[Any], one: Slice) -> tuple[int, int]:
    """Put one slice into its place; returns the least and the greatest value that it should have.

    Arithmetic is that of the type, so it wraps around; the caller looks at the span and throws the array
    away if any value does not fit.
    """
    slope, intercept = int(one.slope), int(one.intercept)
    stored_type = one.frames.format.dtype
    if one.tile is None and stored_type.itemsize == out.dtype.itemsize:
        stored = out.view(stored_type)
        one.frames.read_into(one.frame, stored)
        kept = _without_unused_bits(stored, one)
        if kept is not stored:
            stored[...] = kept.astype(stored_type)
        low, high = int(kept.min()), int(kept.max())
        unsigned = out.view(f"u{out.dtype.itemsize}")
        modulus = 1 << (8 * out.dtype.itemsize)
        if slope != 1:
            np.multiply(unsigned, unsigned.dtype.type(slope % modulus), out=unsigned)
        if intercept != 0:
            np.add(unsigned, unsigned.dtype.type(intercept % modulus), out=unsigned)
    else:
        stored = stored_values(one)
        low, high = int(stored.min()), int(stored.max())
        out[...] = (stored.astype(np.int64) * slope + intercept).astype(out.dtype)
    ends = (low * slope + intercept, high * slope + intercept)
    return min(ends), max(ends)


def _fill_float(out: NDArray[Any], one: Slice) -> None:
    out[...] = real_values(one)


def _copy(out: NDArray[Any], one: Slice) -> None:
    out[...] = one.frames.stored(one.frame)


def _without_unused_bits(stored: NDArray[Any], one: Slice) -> NDArray[Any]:
    """Drop what is above HighBit (old overlays lie there) and extend the sign; usually nothing to do.

    Source
    ------
    DICOM PS3.5 8.1.1: bits above BitsStored are not part of the value.
    """
    format_ = one.frames.format
    bits = format_.bits_stored
    if format_.is_float or stored.dtype.kind not in "iu":
        return stored
    low, high = format_.stored_range
    shift = format_.high_bit + 1 - bits
    fits = stored.dtype.kind == ("i" if format_.is_signed else "u")
    if fits and (
        bits == stored.dtype.itemsize * 8
        or (shift == 0 and low <= int(stored.min()) and int(stored.max()) <= high)
    ):
        return stored
    wide = stored.astype(np.int64) >> shift
    wide &= (1 << bits) - 1
    if format_.is_signed:
        sign = 1 << (bits - 1)
        wide = (wide ^ sign) - sign
    return wide.astype(format_.dtype)


def _narrowed(array: NDArray[Any], low: int, high: int) -> Values:
    """Change to the smallest type that holds the values; between types of one size without a copy."""
    kind = np.dtype(smallest_for(low, high) or array.dtype)
    if kind.itemsize == array.dtype.itemsize:
        return array.view(kind)
    return array.astype(kind)


def _allocate(shape: tuple[int, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    size = int(np.prod(shape, dtype=np.float64)) * kind.itemsize
    if size > MAX_VOLUME_BYTES:
        raise CaseError(
            f"a volume of {' x '.join(map(str, shape))} would take {size:,} bytes; at most "
            f"{MAX_VOLUME_BYTES:,} are opened. Give fewer slices."
        )
    return np.empty(shape, kind)


def _for_each(slices: Sequence[Slice], work: Callable[[int], Any]) -> list[Any]:
    """Do the work for every slice: by several threads where decoders let them run side by side."""
    workers = min(
        len(slices), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    )
    if workers > 1 and all(one.frames.is_free_threaded for one in slices):
        with ThreadPoolExecutor(workers) as pool:
            # In blocks: handing over single slices would take as long as reading them.
            step = max(1, len(slices) // (4 * workers))
            blocks = [range(k, min(k + step, len(slices))) for k in range(0, len(slices), step)]
            done = pool.map(lambda block: [work(k) for k in block], blocks)
            return [result for results in done for result in results]
    return [work(k) for k in range(len(slices))]
