"""Bytes in pixel data that are not pixels: padding, comments, application data, spare bits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

KEPT_APPLICATION = {0xEE: b"Adobe", 0xE8: b"mrfx"}
"""Application segments that decide on colour: APP14 (Adobe) and APP8 of JPEG-LS (ITU-T T.87 D.1)."""


def strip_hidden_bytes(dataset: Dataset) -> bool:
    """Remove what pixel data carries beside pixels; return whether anything changed.

    Uncompressed: bytes behind the last pixel, and bits outside the stored ones, where old images keep
    overlays (PS3.5 8.1.2, retired). JPEG, JPEG-LS, JPEG 2000: comment and application segments, and
    bytes behind the end of a frame. No pixel changes its value.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return _trim(dataset) | _clear_spare_bits(dataset)
    if syntax not in {*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes}:
        return False
    frames = list(
        generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    )
    bare = [without_segments(frame) for frame in frames]
    if bare == frames:
        return False
    dataset.PixelData = encapsulate(bare)
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]
    return True


def without_segments(stream: bytes) -> bytes:
    """Return a JPEG, JPEG-LS or JPEG 2000 stream without comments and application data.

    Parameters
    ----------
    stream : bytes
        One frame. What does not look like such a stream is returned as it is.

    Source
    ------
    ITU-T T.81 B.1 (markers), ITU-T T.800 A (JPEG 2000 main header).
    """
    if stream[:2] == b"\xff\xd8":
        first_data, dropped = 0xDA, {0xFE, *range(0xE0, 0xF0)}
    elif stream[:4] == b"\xff\x4f\xff\x51":
        first_data, dropped = 0x90, {0x64}
    else:
        return stream
    kept = [stream[:2]]
    place = 2
    for start, stop, marker in _segments(stream, first_data):
        application = KEPT_APPLICATION.get(marker)
        if marker not in dropped or (application and stream.startswith(application, start + 4)):
            kept.append(stream[start:stop])
        place = stop
    end = stream.rfind(b"\xff\xd9", place) + 2
    if end < 2 or not stream[end:].strip(b"\0"):
        end = len(stream)
    if place == sum(map(len, kept)) and end == len(stream):
        return stream  # as almost always: nothing to remove, nothing to copy
    bare = b"".join((*kept, stream[place:end]))
    return bare + b"\0" * (len(bare) % 2)


def _segments(stream: bytes, first_data: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, stop, marker) of the header's segments, up to the first that holds data."""
    place = 2
    while place + 4 <= len(stream) and stream[place] == 0xFF and stream[place + 1] != first_data:
        length = int.from_bytes(stream[place + 2 : place + 4], "big")
        if length < 2:
            return
        yield place, place + 2 + length, stream[place + 1]
        place += 2 + length


def _trim(dataset: Dataset) -> bool:
    from pydicom.pixels.utils import get_expected_length

    try:
        expected = get_expected_length(dataset)
    except (AttributeError, TypeError, ValueError):
        return False
    even = expected + expected % 2
    if len(dataset.PixelData) <= even:
        return False
    dataset.PixelData = dataset.PixelData[:expected] + b"\0" * (expected % 2)
    return True


def _clear_spare_bits(dataset: Dataset) -> bool:
    allocated, stored = dataset.get("BitsAllocated"), dataset.get("BitsStored")
    if allocated not in {8, 16, 32} or not stored or not 0 < stored < allocated:
        return False
    big = not dataset.file_meta.TransferSyntaxUID.is_little_endian
    kind = (
        f"{'>' if big else '<'}{'i' if dataset.get('PixelRepresentation') else 'u'}{allocated // 8}"
    )
    data = dataset.PixelData
    values = np.frombuffer(data[: len(data) // (allocated // 8) * (allocated // 8)], dtype=kind)
    low = int(dataset.get("HighBit", stored - 1)) + 1 - stored
    if not 0 <= low <= allocated - stored:
        return False
    # up and down again: an arithmetic shift repeats the sign, a logical one fills with zero
    spare = allocated - stored - low
    clean = ((values << spare) >> (spare + low)) << low
    if np.array_equal(clean, values):
        return False
    dataset.PixelData = clean.astype(kind).tobytes()
    return True
