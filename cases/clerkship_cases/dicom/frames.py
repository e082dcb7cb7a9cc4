"""The frames of an image file: stored values, fetched one at a time and never more than was promised.

Uncompressed frames are read from the file straight into the place where they belong. Compressed ones are
decoded by ``codecs.py``; the rare rest goes through pydicom, in the calling thread.
"""

import io
import struct
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRBigEndian, RLELossless

from clerkship_cases.dicom import codecs
from clerkship_cases.dicom.attributes import describe_tag, value_of
from clerkship_cases.dicom.pixel_format import PixelFormat, pixel_format
from clerkship_cases.dicom.read import (
    named,
    open_regular,
    parse,
    read_dataset,
)
from clerkship_cases.dicom.scan import LONG_VRS
from clerkship_cases.errors import CaseError

_UNDEFINED = 0xFFFFFFFF
#: How much larger than its compressed form an image may claim to be, above what is small anyway. Our own
#: limits: the most compressed real image of our test data is 1:2097.
_MOST_COMPRESSED = 10_000
_SMALL_BYTES = 2**26


class Frames(Protocol):
    """Where the stored values of an image come from."""

    @property
    def format(self) -> PixelFormat:
        """How they are stored."""

    @property
    def is_free_threaded(self) -> bool:
        """Whether frames may be fetched by several threads at once, and gain by it."""

    def stored(self, n: int) -> NDArray[Any]:
        """Return frame ``n`` as stored: [row, column], or [row, column, 3] uint8 RGB for colour."""

    def read_into(self, n: int, out: NDArray[Any]) -> None:
        """Put frame ``n`` into ``out``, an array of the stored type."""


@dataclass(frozen=True)
class Image:
    """One image object: its header, and its frames."""

    header: Dataset
    frames: Frames
    path: Path

    @property
    def format(self) -> PixelFormat:
        """How its pixels are stored."""
        return self.frames.format


def open_image(path: Path, only: Collection[int] | None = None) -> Image:
    """Read the header of an image file, and find its frames without decoding one.

    Raises
    ------
    CaseError
        If the file can't be read, holds no image, or claims pixels that it can't hold.
    """
    with named(path), open_regular(path) as file:
        header, stream = parse(file, path, stop_before_pixels=True, only=only)
        refuse_other_objects(header, path.name)
        element = _pixel_element(stream, header, path)
        format_ = pixel_format(header, path.name)
        if element.is_encapsulated:
            return Image(header, _encapsulated(path, stream, header, format_), path)
        _check_length(element.length, format_)
        if not _is_plain(format_):
            return Image(header, PydicomFrames(path, format_, header), path)
        inflated = stream.getbuffer() if isinstance(stream, io.BytesIO) else None
        end = len(inflated) if inflated is not None else path.stat().st_size
        needed = format_.frame_bytes * format_.frames
        if element.offset + needed > end:
            raise CaseError(
                f"{path.name} is cut off: PixelData (7FE0,0010) has {end - element.offset:,} of "
                f"{needed:,} bytes. Copy the file again."
            )
        return Image(header, PlainFrames(path, format_, element.offset, inflated), path)


def image_in_memory(dataset: Dataset) -> Image:
    """Take an image that was read, or made, already."""
    name = f"image {dataset.get('SOPInstanceUID', '?')}"
    path = Path(str(getattr(dataset, "filename", None) or name))
    with named(path, "decoded"):
        refuse_other_objects(dataset, name)
        format_ = pixel_format(dataset, name)
        if format_.syntax in codecs.READ_SYNTAXES:
            for frame in _encoded_frames(dataset.PixelData, format_):
                codecs.check_frame(frame, format_)
        return Image(dataset, PydicomFrames(path, format_, dataset), path)


def refuse_other_objects(header: Dataset, name: str) -> None:
    """Refuse objects that have pixels but are no image of a patient."""
    if value_of(header, "Modality") == "RTDOSE":
        raise CaseError(f"{name} is a dose grid (RTDOSE), not an image; give the CT it belongs to.")


@dataclass(frozen=True)
class PlainFrames:
    """Uncompressed frames: bytes in the order of the array."""

    path: Path
    format: PixelFormat
    offset: int
    inflated: memoryview | None = None

    is_free_threaded = True

    def stored(self, n: int) -> NDArray[Any]:
        """See :class:`Frames`."""
        shape: tuple[int, ...] = (self.format.rows, self.format.columns)
        if self.format.is_colour and self.format.samples == 3:
            planar = self.format.is_planar
            shape = (3, *shape) if planar else (*shape, 3)
        out = np.empty(shape, self.format.dtype)
        self.read_into(n, out)
        if len(shape) == 3 and self.format.is_planar:
            out = np.ascontiguousarray(np.moveaxis(out, 0, -1))
        return out

    def read_into(self, n: int, out: NDArray[Any]) -> None:
        """See :class:`Frames`."""
        size = self.format.frame_bytes
        start = self.offset + n * size
        into = memoryview(out.data).cast("B")
        if self.inflated is not None:
            into[:] = self.inflated[start : start + size]
        else:
            with self.path.open("rb", buffering=0) as file:
                file.seek(start)
                if _read_all(file, into) != size:  # the file was cut since it was opened
                    raise CaseError(f"{self.path.name} is cut off in PixelData (7FE0,0010).")
        if self.format.syntax == ExplicitVRBigEndian and out.dtype.itemsize > 1:
            out.byteswap(inplace=True)


@dataclass(frozen=True)
class EncodedFrame:
    """One compressed grey frame, left in its file until it is decoded."""

    path: Path
    format: PixelFormat
    offset: int

    is_free_threaded = True

    def stored(self, n: int) -> NDArray[Any]:
        """See :class:`Frames`."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return codecs.decode_grey(_encoded_frames(file.read(), self.format)[n], self.format)

    def read_into(self, n: int, out: NDArray[Any]) -> None:
        """See :class:`Frames`."""
        out[...] = self.stored(n).view(out.dtype)


@dataclass(frozen=True)
class EncodedFrames:
    """The compressed grey frames of a multi-frame image."""

    format: PixelFormat
    encoded: list[bytes]

    is_free_threaded = True

    def stored(self, n: int) -> NDArray[Any]:
        """See :class:`Frames`."""
        return codecs.decode_grey(self.encoded[n], self.format)

    def read_into(self, n: int, out: NDArray[Any]) -> None:
        """See :class:`Frames`."""
        out[...] = self.stored(n).view(out.dtype)


@dataclass(frozen=True)
class PydicomFrames:
    """Whatever is left: decoded by pydicom, frame by frame."""

    path: Path
    format: PixelFormat
    header: Dataset

    is_free_threaded = False

    @cached_property
    def _dataset(self) -> Dataset:
        has_pixels = any(
            keyword in self.header
            for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
        )
        return self.header if has_pixels else read_dataset(self.path)

    def stored(self, n: int) -> NDArray[Any]:
        """See :class:`Frames`."""
        with named(Path(self.format.name), "decoded"):
            plugin = ""
            if self.format.syntax in codecs.READ_SYNTAXES:
                # Named, so that the result does not depend on what else is installed.
                own = self.format.syntax == RLELossless
                plugin = "pydicom" if own else "pylibjpeg"
            decoded = pixel_array(self._dataset, index=n, decoding_plugin=plugin)
            if self.format.is_colour:
                decoded = _as_rgb(decoded, self.format, self._dataset)
        expected = (self.format.rows, self.format.columns)
        if decoded.shape[:2] != expected:
            raise CaseError(
                f"{self.format.name}: a decoded frame is {decoded.shape}, expected {expected}."
            )
        return decoded

    def read_into(self, n: int, out: NDArray[Any]) -> None:
        """See :class:`Frames`."""
        out[...] = self.stored(n).view(out.dtype)


@dataclass(frozen=True, slots=True)
class _Element:
    """Where the value of the pixel element lies in its stream."""

    offset: int
    length: int

    @property
    def is_encapsulated(self) -> bool:
        return self.length == _UNDEFINED


def _pixel_element(stream: BinaryIO, header: Dataset, path: Path) -> _Element:
    """Parse the element header of the pixels, at which the stream stands."""
    implicit, little = header.original_encoding
    order = "<" if little else ">"
    head = stream.read(12)
    if len(head) < 8:
        raise CaseError(
            f"{path.name} holds no image: PixelData (7FE0,0010) is absent"
            f"{' (it is a ' + str(header.Modality) + ' object)' if header.get('Modality') else ''}."
        )
    here = stream.tell() - len(head)
    if not implicit and head[4:6] in LONG_VRS:
        length = struct.unpack(f"{order}L", head[8:12])[0]
        offset = here + 12
    elif not implicit:
        raise CaseError(f"{path.name}: PixelData (7FE0,0010) has the representation {head[4:6]!r}.")
    else:
        length = struct.unpack(f"{order}L", head[4:8])[0]
        offset = here + 8
    stream.seek(offset)
    if struct.unpack(f"{order}HH", head[:4])[1] != 0x0010:  # float pixels: marks for the format
        keyword = (
            "FloatPixelData" if head[2:4] in (b"\x08\x00", b"\x00\x08") else "DoubleFloatPixelData"
        )
        setattr(header, keyword, b"")
    return _Element(offset, int(length))


def _is_plain(format_: PixelFormat) -> bool:
    """Whether the bytes are the array: no bits to unpack, nothing subsampled, nothing to convert."""
    if format_.syntax == ExplicitVRBigEndian and format_.bits_allocated == 8:
        return False  # bytes may be swapped in pairs (PS3.5 A.3): OW or OB
    if format_.is_colour:
        return format_.photometric == "RGB" and format_.bits_allocated == 8
    return format_.bits_allocated in (8, 16, 32, 64)


def _check_length(length: int, format_: PixelFormat) -> None:
    """Refuse pixels that are shorter than the header claims."""
    needed = format_.frame_bytes * format_.frames
    if format_.bits_allocated == 1:
        needed = -(-needed // 8)
    elif format_.photometric == "YBR_FULL_422":
        needed = needed // 3 * 2
    if length < needed:
        raise CaseError(
            f"{format_.name}: PixelData (7FE0,0010) has {length:,} bytes; {format_.frames} frame(s) of "
            f"{format_.rows} x {format_.columns} ({describe_tag('Rows')}, {describe_tag('Columns')}) need "
            f"{needed:,}. The header is wrong or the file is cut off."
        )


def _encapsulated(path: Path, stream: BinaryIO, header: Dataset, format_: PixelFormat) -> Frames:
    """Choose how compressed frames are decoded; those of one file are checked together, before."""
    if format_.syntax not in codecs.READ_SYNTAXES:
        raise CaseError(
            f"{path.name}: the transfer syntax {format_.syntax.name} ({format_.syntax}) is not read. "
            f"Save the images uncompressed, or as JPEG, JPEG-LS, JPEG 2000 or RLE."
        )
    here = codecs.decodes_here(format_) and not format_.is_colour
    if here and format_.frames == 1:
        _check_claim(path.stat().st_size, format_)
        return EncodedFrame(path, format_, stream.tell())
    encoded = _encoded_frames(stream.read(), format_)
    if here:
        return EncodedFrames(format_, encoded)
    for frame in encoded:
        codecs.check_frame(frame, format_)
    return PydicomFrames(path, format_, header)


def _encoded_frames(element: bytes, format_: PixelFormat) -> list[bytes]:
    """Take the value of an encapsulated pixel element apart (PS3.5 A.4)."""
    with named(Path(format_.name), "decoded"):
        encoded = list(generate_frames(element, number_of_frames=format_.frames))
    if len(encoded) < format_.frames:
        raise CaseError(
            f"{format_.name}: PixelData (7FE0,0010) holds {len(encoded)} compressed frame(s), "
            f"{describe_tag('NumberOfFrames')} says {format_.frames}. The file is cut off."
        )
    del encoded[format_.frames :]
    _check_claim(sum(map(len, encoded)), format_)
    return encoded


def _check_claim(packed_bytes: int, format_: PixelFormat) -> None:
    """Refuse an image that claims to be far larger than anything its bytes can stand for."""
    claimed = format_.frame_bytes * format_.frames
    if claimed > max(_SMALL_BYTES, packed_bytes * _MOST_COMPRESSED):
        raise CaseError(
            f"{format_.name}: {packed_bytes:,} compressed bytes claim {claimed:,} bytes of pixels "
            f"({describe_tag('Rows')}, {describe_tag('Columns')}, {describe_tag('NumberOfFrames')}); "
            f"no image does."
        )


def _as_rgb(decoded: NDArray[Any], format_: PixelFormat, dataset: Dataset) -> NDArray[np.uint8]:
    """Colours as 8-bit red, green, blue (pydicom has turned YBR into RGB already)."""
    bits = format_.bits_stored
    if format_.photometric == "PALETTE COLOR":
        decoded = apply_color_lut(decoded, dataset)[..., :3]
        bits = decoded.dtype.itemsize * 8
    if decoded.ndim != 3 or decoded.shape[2] != 3 or decoded.dtype.kind != "u":
        raise CaseError(f"{format_.name}: its colours can't be read ({decoded.dtype}).")
    if bits > 8:
        decoded = decoded >> (bits - 8)
    return decoded.astype(np.uint8)


def _read_all(file: Any, into: memoryview) -> int:
    """Fill a buffer from a raw file, which may give it in pieces."""
    got = 0
    while got < len(into):
        count = file.readinto(into[got:])
        if not count:
            break
        got += count
    return got
