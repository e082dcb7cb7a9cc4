"""Compressed frames to stored values, with the decoder that is fastest and leaves other threads free.

``imagecodecs`` decodes grey frames. Colour goes through pydicom with pylibjpeg, in ``frames.py``: whether a JPEG
is YBR or RGB is a matter of both the header and the codestream, and pydicom knows the cases.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from clerkship_cases.dicom.codestream import frame_size
from clerkship_cases.dicom.pixel_format import PixelFormat
from clerkship_cases.errors import CaseError

_DECODER_NAMES = {
    JPEGBaseline8Bit: "jpeg8_decode",
    JPEGExtended12Bit: "jpeg8_decode",
    JPEGLossless: "ljpeg_decode",
    JPEGLosslessSV1: "ljpeg_decode",
    JPEGLSLossless: "jpegls_decode",
    JPEGLSNearLossless: "jpegls_decode",
    JPEG2000Lossless: "jpeg2k_decode",
    JPEG2000: "jpeg2k_decode",
    HTJ2KLossless: "htj2k_decode",
    HTJ2KLosslessRPCL: "htj2k_decode",
    HTJ2K: "htj2k_decode",
}
#: Every compressed transfer syntax that is read.
READ_SYNTAXES = frozenset({*_DECODER_NAMES, RLELossless})
#: EOI of JPEG and JPEG-LS, EOC of JPEG 2000; writers pad after it.
_END_OF_IMAGE = b"\xff\xd9"
_PADDING_BYTES = 64
#: A PackBits pair of bytes stands for at most 128 (PS3.5 G.3).
_RLE_MOST = 64


def decodes_here(format_: PixelFormat) -> bool:
    """Whether :func:`decode_grey` takes these frames."""
    return (
        format_.samples == 1
        and format_.bits_allocated in (8, 16)
        and not format_.is_float
        and (format_.syntax in _DECODER_NAMES or format_.syntax == RLELossless)
    )


def check_frame(frame: bytes, format_: PixelFormat) -> None:
    """Refuse a frame whose own size is not that of the DICOM header.

    Raises
    ------
    CaseError
        Naming both sizes.
    """
    if format_.syntax == RLELossless:
        if len(frame) * _RLE_MOST < format_.frame_bytes:
            raise CaseError(
                f"{format_.name}: a run-length frame of {len(frame)} bytes can't hold "
                f"{format_.frame_bytes:,} bytes of pixels; it is cut off."
            )
        return
    if _END_OF_IMAGE not in frame.rstrip(b"\0")[-_PADDING_BYTES:]:
        # Decoders fill up what is missing without a word.
        raise CaseError(
            f"{format_.name}: PixelData (7FE0,0010): a compressed frame has no end; the file is cut off. "
            f"Copy it again."
        )
    try:
        size = frame_size(frame)
    except CaseError as problem:
        raise CaseError(f"{format_.name}: PixelData (7FE0,0010): {problem}") from problem
    if (size.rows, size.columns, size.components) != (
        format_.rows,
        format_.columns,
        format_.samples,
    ):
        raise CaseError(
            f"{format_.name}: the compressed frame is {size.rows} x {size.columns} x {size.components}, "
            f"Rows (0028,0010), Columns (0028,0011) and SamplesPerPixel (0028,0002) say {format_.rows} x "
            f"{format_.columns} x {format_.samples}; the file is damaged."
        )
    if size.precision_bits > format_.bits_allocated:
        raise CaseError(
            f"{format_.name}: the compressed frame has {size.precision_bits} bits, BitsAllocated "
            f"(0028,0100) is {format_.bits_allocated}."
        )


def decode_grey(frame: bytes, format_: PixelFormat) -> NDArray[Any]:
    """Decode one grey frame of 8 or 16 bits.

    Returns
    -------
    stored : [row, column]
        As coded: the caller masks and extends the sign.

    Raises
    ------
    CaseError
        If the frame is damaged or is not what the header says.
    """
    check_frame(frame, format_)
    try:
        if format_.syntax == RLELossless:
            return _run_lengths(frame, format_)
        decoded = np.asarray(_decoder(format_.syntax)(frame))
    except CaseError:
        raise
    except Exception as problem:  # every codec has exceptions of its own; all mean the same here
        raise CaseError(
            f"{format_.name}: the pixels ({format_.syntax.name}) can't be decoded: {problem}."
        ) from problem
    if decoded.shape != (format_.rows, format_.columns) or decoded.dtype.kind not in "iu":
        raise CaseError(
            f"{format_.name}: a decoded frame is {decoded.shape} of {decoded.dtype}, expected "
            f"{format_.rows} x {format_.columns}; the file is damaged."
        )
    return decoded


def _decoder(syntax: UID) -> Callable[[bytes], Any]:
    import imagecodecs

    decoder: Callable[[bytes], Any] = getattr(imagecodecs, _DECODER_NAMES[syntax])
    return decoder


def _run_lengths(frame: bytes, format_: PixelFormat) -> NDArray[Any]:
    """Decode run lengths: one segment for each byte of a value, most significant first (PS3.5 G.2)."""
    import imagecodecs

    size = format_.bits_allocated // 8
    header = np.frombuffer(frame[:64].ljust(64, b"\0"), "<u4")
    count, starts = int(header[0]), [int(n) for n in header[1:16]]
    if count != size:
        raise CaseError(
            f"{format_.name}: a run-length frame has {count} segments, expected {size}; it is damaged."
        )
    ends = [*starts[1:count], len(frame)]
    pixels = format_.rows * format_.columns
    planes = np.empty((pixels, size), np.uint8)
    for n, (start, end) in enumerate(zip(starts[:count], ends, strict=True)):
        # At most what the segment can hold is unpacked: bounded by the file itself.
        plane = np.frombuffer(imagecodecs.packbits_decode(frame[start:end]), np.uint8)
        if len(plane) < pixels:
            raise CaseError(
                f"{format_.name}: a run-length segment holds {len(plane)} of {pixels} pixels; "
                f"the file is cut off."
            )
        planes[:, size - 1 - n] = plane[:pixels]
    stored: NDArray[Any] = planes.view(f"<u{size}").reshape(format_.rows, format_.columns)
    return stored
