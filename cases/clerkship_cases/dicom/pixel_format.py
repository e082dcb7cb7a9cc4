"""How an image stores its pixels, checked against reason before anything is decoded."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from clerkship_cases.dicom.attributes import describe_tag, raw_of, tag_of, value_of
from clerkship_cases.errors import CaseError
from clerkship_cases.volume import MAX_VOLUME_BYTES

_MAX_SIDE = 65535  # Rows and Columns are US (PS3.6)
_GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
_COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "PALETTE COLOR"})
_TAGS = tuple(
    tag_of(keyword)
    for keyword in (
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "FloatPixelData",
        "DoubleFloatPixelData",
    )
)
#: Formats that were checked, by what the header says.
_SEEN: dict[tuple[object, ...], "PixelFormat"] = {}
_MOST_SEEN = 256


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """The image pixel module of one image (PS3.3 C.7.6.3), with its transfer syntax."""

    name: str
    """Of the file, for messages."""
    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    is_float: bool
    photometric: str
    is_planar: bool
    syntax: UID

    @property
    def is_colour(self) -> bool:
        """Whether a pixel is shown as red, green and blue."""
        return self.photometric in _COLOUR

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one stored value in the machine's byte order."""
        if self.is_float:
            return np.dtype(f"f{self.bits_allocated // 8}")
        return np.dtype(f"{'i' if self.is_signed else 'u'}{max(self.bits_allocated, 8) // 8}")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame, unpacked."""
        return self.rows * self.columns * self.samples * self.dtype.itemsize

    @property
    def stored_range(self) -> tuple[int, int]:
        """Least and greatest value that the stored bits can hold."""
        if self.is_signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1


def pixel_format(header: Dataset, name: str) -> PixelFormat:
    """Read and check how an image stores its pixels.

    Parameters
    ----------
    header : Dataset
        With ``file_meta``.
    name : str
        What to call the image in messages: its file.

    Raises
    ------
    CaseError
        If an attribute is absent or impossible, or the whole would not fit into
        :data:`~clerkship_cases.volume.MAX_VOLUME_BYTES`. The message names the attribute and its tag.

    Source
    ------
    DICOM PS3.3 C.7.6.3 (image pixel), C.7.6.6 (multi-frame), PS3.5 8.1.1 (bits).
    """
    meta = getattr(header, "file_meta", None)
    syntax = meta.get("TransferSyntaxUID", "") if meta is not None else ""
    key = (syntax, *(raw_of(header, tag) for tag in _TAGS))
    found = _SEEN.get(key)  # the images of a series say the same, so it is checked once
    if found is None:
        found = _checked(header, name, UID(str(syntax or ExplicitVRLittleEndian)))
        if len(_SEEN) > _MOST_SEEN:
            _SEEN.clear()
        _SEEN[key] = found
    return replace(found, name=name)


def _checked(header: Dataset, name: str, syntax: UID) -> PixelFormat:
    read = _Reader(header, name)
    is_float = "FloatPixelData" in header or "DoubleFloatPixelData" in header
    photometric = str(header.get("PhotometricInterpretation") or "").strip().upper()
    if photometric not in _GREY | _COLOUR:
        raise CaseError(
            f"{name}: {describe_tag('PhotometricInterpretation')} is {photometric or 'absent'}; "
            f"expected one of {', '.join(sorted(_GREY | _COLOUR))}."
        )
    bits = read.number("BitsAllocated", allowed=(32, 64) if is_float else (1, 8, 16, 32))
    stored = bits if is_float else read.number("BitsStored", 1, bits, default=bits)
    found = PixelFormat(
        name=name,
        rows=read.number("Rows", 1, _MAX_SIDE),
        columns=read.number("Columns", 1, _MAX_SIDE),
        frames=read.number("NumberOfFrames", 1, 2**31 - 1, default=1),
        samples=read.number("SamplesPerPixel", allowed=(1, 3), default=1),
        bits_allocated=bits,
        bits_stored=stored,
        high_bit=stored - 1
        if is_float
        else read.number("HighBit", stored - 1, bits - 1, default=stored - 1),
        is_signed=not is_float
        and bool(read.number("PixelRepresentation", allowed=(0, 1), default=0)),
        is_float=is_float,
        photometric=photometric,
        is_planar=bool(read.number("PlanarConfiguration", allowed=(0, 1), default=0)),
        syntax=syntax,
    )
    if (found.samples == 3) != (found.is_colour and photometric != "PALETTE COLOR"):
        raise CaseError(
            f"{name}: {describe_tag('SamplesPerPixel')} is {found.samples}, which does not go with "
            f"{photometric}."
        )
    if found.frame_bytes * found.frames > MAX_VOLUME_BYTES:
        raise CaseError(
            f"{name} claims {found.frames} frame(s) of {found.rows} x {found.columns} pixels "
            f"({describe_tag('Rows')}, {describe_tag('Columns')}, {describe_tag('NumberOfFrames')}), "
            f"{found.frame_bytes * found.frames:,} bytes; at most {MAX_VOLUME_BYTES:,} are decoded."
        )
    return found


class _Reader:
    """Reads whole numbers and says which attribute of which file is wrong."""

    def __init__(self, header: Dataset, name: str) -> None:
        self._header, self._name = header, name

    def number(
        self,
        keyword: str,
        least: int = 0,
        most: int = 0,
        *,
        allowed: tuple[int, ...] = (),
        default: int | None = None,
    ) -> int:
        value = value_of(self._header, keyword)
        if value is None:
            if default is not None:
                return default
            raise CaseError(
                f"{self._name}: {describe_tag(keyword)} is absent; an image can't be decoded without it."
            )
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = -1
        if number not in allowed if allowed else not least <= number <= most:
            expected = " or ".join(map(str, allowed)) if allowed else f"{least} to {most}"
            raise CaseError(
                f"{self._name}: {describe_tag(keyword)} is {value}; expected {expected}."
            )
        return number
