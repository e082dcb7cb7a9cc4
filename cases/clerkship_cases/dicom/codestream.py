"""What a compressed frame says about its own size, read before a decoder believes it.

A frame of 200 bytes may claim 65535 x 65535 pixels, and decoders allocate what is claimed. The numbers are
compared with the DICOM header, which was checked before.
"""

import struct
from dataclasses import dataclass

from clerkship_cases.errors import CaseError

_JPEG_2000_START = b"\xff\x4f\xff\x51"
#: Start-of-frame markers of JPEG (T.81 table B.1) and JPEG-LS (T.87 C.1.1).
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class FrameSize:
    """Size and depth as a codestream has them."""

    rows: int
    columns: int
    components: int
    precision_bits: int
    is_signed: bool


def frame_size(frame: bytes) -> FrameSize:
    """Read the size of a JPEG, JPEG-LS or JPEG 2000 (also high-throughput) codestream.

    Raises
    ------
    CaseError
        If the bytes are none of these, or end before they say their size.

    Source
    ------
    ITU-T T.81 B.2.2 (JPEG), T.87 C.2.2 (JPEG-LS), T.800 A.5.1 (JPEG 2000).
    """
    try:
        start = frame.find(_JPEG_2000_START)
        if start == 0 or (start > 0 and frame[4:8] in (b"jP  ", b"jP\x1a\x1a")):
            return _jpeg_2000(frame, start)
        return _jpeg(frame)
    except (struct.error, IndexError) as problem:
        raise CaseError("a compressed frame ends before it says its size.") from problem


def _jpeg_2000(frame: bytes, start: int) -> FrameSize:
    right, lower, left, upper = struct.unpack_from(">4I", frame, start + 8)
    tiles = struct.unpack_from(">4I", frame, start + 24)
    if not (left < right and upper < lower and tiles[0] and tiles[1]):
        raise CaseError("a JPEG 2000 frame has an impossible size.")
    components, depth, across, down = struct.unpack_from(">HBBB", frame, start + 40)
    if across != 1 or down != 1:
        raise CaseError("a JPEG 2000 frame has subsampled components, which are not read.")
    return FrameSize(lower - upper, right - left, components, (depth & 0x7F) + 1, depth > 0x7F)


def _jpeg(frame: bytes) -> FrameSize:
    if frame[:2] != b"\xff\xd8":
        raise CaseError("a compressed frame does not start like JPEG, JPEG-LS or JPEG 2000.")
    at = 2
    while True:
        if frame[at] != 0xFF:
            raise CaseError("a compressed frame is damaged: a JPEG marker was expected.")
        marker = frame[at + 1]
        if marker == 0xFF:  # a filling byte
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker in _START_OF_FRAME:
            precision, rows, columns, components = struct.unpack_from(">BHHB", frame, at + 4)
            return FrameSize(rows, columns, components, precision, is_signed=False)
        else:
            at += 2 + int(struct.unpack_from(">H", frame, at + 2)[0])
