"""Values: every way in which a file can store them comes out as what it stands for."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from dicom_files import changed, read, shipped
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from clerkship_cases import CaseError, Volume
from clerkship_cases.dicom import read_series


def volume_of(name: str) -> Volume:
    return read_series([shipped(name)]).volume


# -- colour -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "color-pl.dcm",  # planes
        "color-px.dcm",  # pixels
        "SC_rgb.dcm",
        "SC_rgb_rle.dcm",
        "SC_ybr_full_uncompressed.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "OBXXXX1A.dcm",  # palette
    ],
)
def test_colour_is_red_green_blue_whatever_way_it_is_stored(name: str) -> None:
    volume = volume_of(name)
    assert volume.is_colour
    assert volume.unit == "RGB"
    assert volume.array.dtype == np.uint8
    assert volume.array.shape[3] == 3
    assert not volume.array.flags.writeable
    assert [window.name for window in volume.windows] == ["full range"]


def test_planes_and_pixels_of_one_film_are_the_same_film() -> None:
    assert np.array_equal(volume_of("color-pl.dcm").array, volume_of("color-px.dcm").array)


def test_a_palette_is_looked_up() -> None:
    dataset = read(shipped("gdcm-US-ALOKA-16.dcm"))
    expected = apply_color_lut(dataset.pixel_array, dataset) >> 8  # 16 bit palette
    assert np.array_equal(volume_of("gdcm-US-ALOKA-16.dcm").array[0], expected)


def test_a_grey_volume_is_not_in_colour() -> None:
    assert not volume_of("CT_small.dcm").is_colour
    with pytest.raises(CaseError, match="of uint8 for colour"):
        Volume(np.zeros((1, 2, 2, 3), np.int16), np.eye(4), "RGB", "US")
    with pytest.raises(CaseError, match="must be"):
        Volume(np.zeros((1, 2, 2, 4), np.uint8), np.eye(4), "RGB", "US")


# -- stored bits --------------------------------------------------------------------------

#: Least and greatest value of 12 stored bits, and some between.
TWELVE_UNSIGNED = np.array([0, 1, 2047, 2048, 4095])
TWELVE_SIGNED = np.array([-2048, -1, 0, 1, 2047])


def ct_with(folder: Path, stored: np.ndarray, **attributes: object) -> Path:
    """A real CT header with a row of chosen stored values."""

    def change(_n: int, dataset: Dataset) -> None:
        dataset.Rows, dataset.Columns = 1, len(stored)
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        dataset.PixelData = stored.tobytes() + b"\0" * (stored.nbytes % 2)

    return changed([shipped("CT_small.dcm")], folder, change)[0]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("high_bit", [11, 15])
def test_twelve_bits_in_sixteen_are_found_and_what_lies_beside_them_is_not(
    tmp_path: Path, signed: bool, high_bit: int
) -> None:
    values = TWELVE_SIGNED if signed else TWELVE_UNSIGNED
    shift = high_bit - 11
    stored = ((values & 0xFFF) << shift).astype(np.uint16)
    stored |= np.uint16(0xF000 if high_bit == 11 else 0x000F)  # an old overlay
    path = ct_with(
        tmp_path,
        stored,
        BitsStored=12,
        HighBit=high_bit,
        PixelRepresentation=int(signed),
        RescaleSlope=1,
        RescaleIntercept=0,
    )
    assert read_series([path]).volume.array.ravel().tolist() == values.tolist()


@pytest.mark.parametrize(
    ("kind_and_sign", "slope_and_intercept", "stored", "dtype"),
    [
        (("<u2", 0), (1, 0), [0, 255], np.uint8),
        (("<u2", 0), (1, -1024), [0, 4095], np.int16),
        (("<u2", 0), (1, 0), [0, 40000], np.uint16),
        (("<i2", 1), (1, -1024), [-32768, 0], np.float32),  # fits no 16 bits: not wrapped around
        (("<i2", 1), (1, -1024), [-31744, 32767], np.int16),
        (("<u2", 0), (2, -10), [0, 20000], np.float32),
        (("<u2", 0), (2, -10), [5, 20000], np.uint16),
        (("<u2", 0), (3, 0), [0, 65535], np.float32),
        (("<u2", 0), (0.25, 0), [0, 3], np.float32),
        (("<u2", 0), (0.25, 0), [0, 400], np.uint8),
        (("<u2", 0), (-1, 0), [0, 100], np.int16),
        (("u1", 0), (1, 0), [0, 255], np.uint8),
        (("u1", 0), (1, -1024), [0, 255], np.int16),
        (("i1", 1), (1, 0), [-128, 127], np.int16),
        (("u1", 0), (100, 0), [0, 255], np.int16),
    ],
)
def test_values_are_exact_in_the_smallest_type(
    tmp_path: Path,
    kind_and_sign: tuple[str, int],
    slope_and_intercept: tuple[float, float],
    stored: list[int],
    dtype: type,
) -> None:
    (kind, signed), (slope, intercept) = kind_and_sign, slope_and_intercept
    bits = np.dtype(kind).itemsize * 8
    path = ct_with(
        tmp_path,
        np.array(stored, kind),
        BitsAllocated=bits,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=signed,
        RescaleSlope=slope,
        RescaleIntercept=intercept,
    )
    array = read_series([path]).volume.array
    exact = [value * slope + intercept for value in stored]
    assert array.ravel().tolist() == exact
    assert array.dtype == dtype


def test_slope_and_intercept_are_those_of_each_slice(tmp_path: Path) -> None:
    """As PET has them; a whole volume with one slope would be silently wrong."""
    paths = []
    for n, slope in enumerate((0.209, 3.703, 1.0)):
        path = ct_with(
            tmp_path / str(n),
            np.array([0, 10, 1000], "<u2"),
            RescaleSlope=slope,
            RescaleIntercept=0,
            PixelRepresentation=0,
            SOPInstanceUID=f"1.2.3.{n}",
            ImagePositionPatient=[0, 0, n],
        )
        paths.append(path)
    array = read_series(paths).volume.array
    np.testing.assert_allclose(array[:, 0, 2], [209, 3703, 1000], rtol=1e-6)


def test_float_pixels_are_read(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 128 * 128, dtype=np.float32).reshape(128, 128)

    def to_float(_n: int, dataset: Dataset) -> None:
        for keyword in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
            delattr(dataset, keyword)
        dataset.FloatPixelData = values.tobytes()
        dataset.BitsAllocated = 32
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0

    path = changed([shipped("CT_small.dcm")], tmp_path, to_float)[0]
    assert np.array_equal(read_series([path]).volume.array[0], values)


def test_a_modality_table_is_applied() -> None:
    dataset = read(shipped("mlut_18.dcm"))
    expected = apply_modality_lut(dataset.pixel_array, dataset)
    assert np.array_equal(volume_of("mlut_18.dcm").array[0], expected)


def test_a_voi_table_gives_the_first_window() -> None:
    dataset = read(shipped("vlut_04.dcm"))
    entries, first, _bits = (int(n) for n in dataset.VOILUTSequence[0].LUTDescriptor)
    window = volume_of("vlut_04.dcm").windows[0]
    assert window.name == "from the file (table)"
    assert (window.center - window.width / 2, window.width) == (first, entries or 65536)


def test_monochrome1_is_told_and_its_values_are_kept() -> None:
    volume, dataset = volume_of("RG3_UNCR.dcm"), read(shipped("RG3_UNCR.dcm"))
    assert volume.inverted
    assert np.array_equal(volume.array[0], dataset.pixel_array)


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("MR_small_expb.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("emri_small_RLE.dcm", "emri_small.dcm"),
        ("emri_small_big_endian.dcm", "emri_small.dcm"),
        ("emri_small_jpeg_2k_lossless.dcm", "emri_small.dcm"),
        ("emri_small_jpeg_ls_lossless.dcm", "emri_small.dcm"),
        ("RG1_J2KR.dcm", "RG1_UNCR.dcm"),
    ],
)
def test_every_transfer_syntax_gives_the_values_of_its_twin(name: str, twin: str) -> None:
    assert np.array_equal(volume_of(name).array, volume_of(twin).array)


def encoded(stored: np.ndarray, syntax: str) -> bytes:
    """One frame in a lossless syntax; those without signed values get the bits as they are."""
    bits = stored.view(np.uint16)
    encode = {
        JPEGLosslessSV1: lambda: imagecodecs.ljpeg_encode(bits),
        JPEGLSLossless: lambda: imagecodecs.jpegls_encode(bits),
        JPEG2000Lossless: lambda: imagecodecs.jpeg2k_encode(stored, codecformat="j2k", level=0),
        HTJ2KLossless: lambda: imagecodecs.htj2k_encode(stored, reversible=True),
        HTJ2KLosslessRPCL: lambda: imagecodecs.htj2k_encode(stored, reversible=True),
    }[syntax]
    return bytes(encode())


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    "syntax",
    [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless, HTJ2KLosslessRPCL],
    ids=lambda syntax: UID(syntax).name,
)
def test_a_real_ct_comes_through_every_lossless_syntax(
    tmp_path: Path, syntax: str, signed: bool
) -> None:
    kind = np.int16 if signed else np.uint16
    values = read(shipped("CT_small.dcm")).pixel_array.astype(np.int16)
    stored = (values - 1500 if signed else values).astype(kind)  # with negative values, too

    def compress(_n: int, dataset: Dataset) -> None:
        dataset.PixelRepresentation = int(signed)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([encoded(stored, syntax)])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True

    path = changed([shipped("CT_small.dcm")], tmp_path, compress)[0]
    series = read_series([path])
    assert np.array_equal(series.volume.array[0], stored.astype(np.int32) - 1024)
    assert type(series.planes[0].pixels.frames).__name__ == "EncodedFrame"  # not pydicom's way
