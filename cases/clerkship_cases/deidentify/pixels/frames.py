"""Stored pixel values of an image, frame by frame, and the pictures that a text reader can look at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    JPEG2000MC,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

from clerkship_cases.deidentify.pixels.search import Picture
from clerkship_cases.dicom.codecs import READ_SYNTAXES, decode_grey
from clerkship_cases.dicom.pixel_format import pixel_format
from clerkship_cases.errors import CaseError

LOSSY_METHOD = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    JPEG2000MC: "ISO_15444_1",
    HTJ2K: "ISO_15444_15",
}
"""Lossy Image Compression Method by transfer syntax. Source: PS3.3 C.7.6.1.1.5.1. The general JPEG 2000
syntaxes also hold lossless images: there the attribute of the file decides."""

ALWAYS_LOSSY = {JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless}

TAIL_PERCENT = 0.5
"""Part of the grey values at either end that the first picture saturates."""

FAR_OUTSIDE = 0.25
"""A second picture over the full range is made when values lie further outside than this part of the
first picture's range: letters brighter than bone would be lost in white."""


@dataclass
class Frames:
    """Stored values of an image.

    Attributes
    ----------
    values : (frames, rows, columns) or (frames, rows, columns, 3) integer
        As stored, perhaps read-only; colour by pixel, in the colour space named by `photometric`.
    photometric : str
        Photometric Interpretation of `values`; never a subsampled one.
    """

    values: npt.NDArray[Any]
    photometric: str

    @property
    def rows(self) -> int:
        """Rows of a frame."""
        return int(self.values.shape[1])

    @property
    def columns(self) -> int:
        """Columns of a frame."""
        return int(self.values.shape[2])

    @property
    def is_colour(self) -> bool:
        """Whether a pixel has three samples."""
        return self.values.ndim == 4


def decode(dataset: Dataset) -> Frames:
    """Decode every frame of an image to stored values.

    Raises
    ------
    CaseError
        If the pixel data can't be decoded; the sentence says why and names the transfer syntax.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        values = _grey(dataset)
        if values is not None:
            return Frames(values, str(dataset.PhotometricInterpretation))
        from pydicom.pixels.decoders.base import get_decoder

        values, meta = get_decoder(syntax).as_array(dataset, raw=True)
    except Exception as error:
        raise CaseError(
            f"its pixels (7FE0,0010) can't be decoded from {syntax.name} ({type(error).__name__}), "
            "so nobody can say whether names are written in them"
        ) from error
    colour = int(meta["samples_per_pixel"]) == 3
    if values.ndim == (3 if colour else 2):
        values = values[None]
    photometric = str(meta["photometric_interpretation"])
    return Frames(values, "YBR_FULL" if photometric.startswith("YBR_FULL") else photometric)


def _grey(dataset: Dataset) -> npt.NDArray[Any] | None:
    """Decode grey frames of whole bytes, the usual case, without a detour; None for all others.

    Uncompressed values are those in the file, and can't be written to.
    """
    if dataset.get("PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2"):
        return None
    format_ = pixel_format(dataset, "the image")
    if format_.bits_allocated not in (8, 16) or format_.high_bit != format_.bits_stored - 1:
        return None
    shape = (format_.frames, format_.rows, format_.columns)
    if format_.syntax == ExplicitVRLittleEndian:
        return np.frombuffer(dataset.PixelData, format_.dtype, math.prod(shape)).reshape(shape)
    if format_.syntax not in READ_SYNTAXES:
        return None
    encoded = list(generate_frames(dataset.PixelData, number_of_frames=format_.frames))
    if len(encoded) < format_.frames:
        raise CaseError(f"{len(encoded)} of {format_.frames} frames are there")
    values = np.empty(shape, format_.dtype)
    unsigned = f"u{values.itemsize}"
    for number in range(format_.frames):
        coded = decode_grey(encoded[number], format_)
        values[number] = coded.astype(unsigned, copy=False).view(format_.dtype)
    spare = format_.bits_allocated - format_.bits_stored
    return (values << spare) >> spare if spare else values


def store(dataset: Dataset, frames: Frames) -> None:
    """Write stored values back, uncompressed and without loss, and say so in the attributes.

    An uncompressed image keeps its transfer syntax. A compressed one becomes explicit little endian;
    that it went through lossy compression once stays true, and stays said. Elements other than the
    pixels are replaced, not altered: another dataset may share them.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    values = frames.values
    if syntax in ALWAYS_LOSSY or dataset.get("LossyImageCompression") == "01":
        dataset.add_new("LossyImageCompression", "CS", "01")
        if syntax in LOSSY_METHOD and "LossyImageCompressionMethod" not in dataset:
            dataset.add_new("LossyImageCompressionMethod", "CS", LOSSY_METHOD[syntax])
    if syntax.is_compressed and syntax.is_encapsulated:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    big = syntax == ExplicitVRBigEndian
    data = values.astype(values.dtype.newbyteorder(">" if big else "<"), copy=False).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    # eight-bit values as OB: as OW they would have to be swapped in pairs in big endian
    dataset["PixelData"].VR = (
        "OB" if values.dtype.itemsize == 1 and not syntax.is_implicit_VR else "OW"
    )
    dataset["PixelData"].is_undefined_length = False
    dataset.add_new("PhotometricInterpretation", "CS", frames.photometric)
    if frames.is_colour:
        dataset.add_new("PlanarConfiguration", "US", 0)
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]


def pictures(dataset: Dataset, frames: Frames, number: int) -> Iterator[Picture]:
    """Yield pictures of one frame that together show whatever a viewer could be made to show.

    Parameters
    ----------
    number : int
        Zero-based frame.
    """
    yield from pictures_of(dataset, frames, frames.values[number])


def pictures_of(dataset: Dataset, frames: Frames, values: npt.NDArray[Any]) -> Iterator[Picture]:
    """Yield pictures of values that have a frame's shape, for example a projection over time."""
    if frames.is_colour or frames.photometric == "PALETTE COLOR":
        yield np.ascontiguousarray(_rgb(dataset, frames, values)[..., ::-1])
        if frames.is_colour:
            return
        # letters in an index whose colour is that of what surrounds them are still in the file
    grey = values.astype(np.float32)
    inner = _limits(grey)
    outer = float(grey.min()), float(grey.max())
    yield _windowed(grey, *inner)
    slack = FAR_OUTSIDE * (inner[1] - inner[0])
    if outer[0] < inner[0] - slack or outer[1] > inner[1] + slack:
        yield _windowed(grey, *outer)


def black(dataset: Dataset, frames: Frames) -> tuple[int, ...]:
    """Return the stored value of the darkest shade that the image itself shows.

    A value of the image's own, so that rescaled values (Hounsfield units) stay in their range.
    """
    if frames.photometric == "PALETTE COLOR":
        rgb = _palette(dataset, np.arange(int(frames.values.max()) + 1, dtype=frames.values.dtype))
        return (int(rgb.astype(np.int64).sum(axis=-1).argmin()),)
    if frames.photometric == "YBR_FULL":
        return (0, 128, 128)
    if frames.is_colour:
        return (0, 0, 0)
    dark_is_high = frames.photometric == "MONOCHROME1"
    return (int(frames.values.max() if dark_is_high else frames.values.min()),)


def _limits(grey: npt.NDArray[np.float32]) -> tuple[float, float]:
    low, high = np.percentile(grey[::2, ::2], (TAIL_PERCENT, 100 - TAIL_PERCENT))
    return float(low), float(high)


def _windowed(grey: npt.NDArray[np.float32], low: float, high: float) -> Picture:
    shade = np.clip((grey - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)
    return np.repeat(shade[..., None], 3, axis=-1)


def _rgb(dataset: Dataset, frames: Frames, values: npt.NDArray[Any]) -> Picture:
    from pydicom.pixels.processing import convert_color_space

    if frames.photometric == "PALETTE COLOR":
        return _eight_bits(_palette(dataset, values))
    eight = _eight_bits(values)
    if frames.photometric == "YBR_FULL":
        return np.asarray(convert_color_space(eight, "YBR_FULL", "RGB"), dtype=np.uint8)
    return eight


def _palette(dataset: Dataset, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    from pydicom.pixels.processing import apply_color_lut

    try:
        return np.asarray(apply_color_lut(values, dataset))
    except (AttributeError, KeyError, ValueError, IndexError):
        return np.repeat(values[..., None], 3, axis=-1)  # no usable table: look at the indices


def _eight_bits(values: npt.NDArray[Any]) -> Picture:
    """Stretch to the range used: a 16-bit colour image may hold eight bits in its upper half."""
    if values.dtype == np.uint8:
        return values
    return np.clip(values.astype(np.float64) * (255 / max(1, int(values.max()))), 0, 255).astype(
        np.uint8
    )
