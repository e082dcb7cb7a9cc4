"""Text in pixels: what is written on an image goes, everything else keeps its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filereader import dcmread
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    UltrasoundImageStorage,
)

from clerkship_cases.deidentify.pixels import Box, clean_pixels
from clerkship_cases.deidentify.pixels.codestream import without_segments

# The networks take a second to load, and most of one for each image.
pytestmark = pytest.mark.slow

NAME = "Vorskalen"


@dataclass(frozen=True)
class Choice:
    """The one option that pixels ask for."""

    find_text: bool | Literal["auto"] = "auto"


def lettering(text: str, height: int) -> np.ndarray:
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(height)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    image = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(image).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(image) > 127


def phantom(least: int, greatest: int, dtype: Any = np.uint16) -> np.ndarray:
    """A smooth body with a little noise, darker towards the edge: 160 rows, 240 columns."""
    noise = np.random.default_rng(2)
    y, x = np.mgrid[-1:1:160j, -1:1:240j]
    body = np.clip(1 - np.hypot(x, y), 0, 1) * 0.7 + noise.normal(0, 0.005, y.shape)
    return (least + np.clip(body, 0, 1) * (greatest - least)).astype(dtype)


def image(values: np.ndarray, photometric: str = "MONOCHROME2", **attributes: Any) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.Rows, dataset.Columns = values.shape[:2]
    dataset.SamplesPerPixel = 3 if values.ndim == 3 else 1
    if values.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    bits = values.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(values.dtype.kind == "i")
    dataset.PixelData = values.tobytes()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def write(
    values: np.ndarray, text: str, shade: Any, *, at: tuple[int, int] = (8, 10), height: int = 16
) -> Box:
    letters = lettering(text, height)
    rows, columns = letters.shape
    values[at[0] : at[0] + rows, at[1] : at[1] + columns][letters] = shade
    return Box(0, at[0], at[0] + rows, at[1], at[1] + columns)


def outside(boxes: list[Box], shape: tuple[int, ...]) -> np.ndarray:
    mask = np.ones(shape[:2], dtype=bool)
    for box in boxes:
        mask[box.row0 : box.row1, box.column0 : box.column1] = False
    return mask


@pytest.mark.parametrize(
    ("photometric", "dtype", "least", "greatest", "shade"),
    [
        ("MONOCHROME2", np.uint8, 0, 200, 255),
        ("MONOCHROME2", np.uint16, 0, 3000, 4095),
        ("MONOCHROME2", np.int16, -1024, 1200, 3071),
        ("MONOCHROME1", np.uint16, 0, 3000, 0),
    ],
)
def test_a_name_is_blanked_and_every_other_pixel_keeps_its_value(
    photometric: str, dtype: Any, least: int, greatest: int, shade: int
) -> None:
    values = phantom(least, greatest, dtype)
    if photometric == "MONOCHROME1":
        values = (greatest - values).astype(dtype)
    place = write(values, NAME, shade)
    dataset = image(values, photometric)

    outcome = clean_pixels(dataset)

    after = dataset.pixel_array
    assert outcome.reason_to_refuse is None
    assert outcome.examined
    assert [code.value for code in outcome.methods] == ["113101"]
    where_name_was = after[place.row0 : place.row1, place.column0 : place.column1]
    assert np.ptp(where_name_was.astype(int)) == 0
    mask = outside(outcome.blanked, values.shape)
    assert np.array_equal(after[mask], values[mask])
    assert mask.mean() > 0.8
    assert after.dtype == values.dtype


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_colour_is_blanked_to_black_in_its_own_colour_space(photometric: str) -> None:
    grey = phantom(0, 180, np.uint8)
    values = np.repeat(grey[..., None], 3, axis=-1)
    shade = (255, 255, 255)
    if photometric == "YBR_FULL":
        values[..., 1:] = 128
        shade = (255, 128, 128)
    place = write(values, NAME, shade)
    dataset = image(values, photometric, SOPClassUID=UltrasoundImageStorage)

    outcome = clean_pixels(dataset)

    stored = np.frombuffer(dataset.PixelData, np.uint8).reshape(values.shape)
    corner = stored[place.row0 + 3, place.column0 + 3]
    assert dataset.PhotometricInterpretation == photometric
    assert tuple(corner) == ((0, 128, 128) if photometric == "YBR_FULL" else (0, 0, 0))
    mask = outside(outcome.blanked, values.shape)
    assert np.array_equal(stored[mask], values[mask])


@pytest.mark.slow
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_name_is_found(turns: int) -> None:
    values = phantom(0, 3000)
    write(values, NAME, 4095)
    turned = np.ascontiguousarray(np.rot90(values, turns))
    dataset = image(turned)

    outcome = clean_pixels(dataset)

    bright = turned == 4095
    assert bright.any()
    assert not (outside(outcome.blanked, turned.shape) & bright).any()


def test_a_side_mark_stays_and_the_name_beside_the_picture_goes() -> None:
    values = phantom(0, 3000)
    mark = write(values, "R", 4095, at=(12, 200), height=24)
    name = write(values, NAME, 4095, at=(130, 10), height=14)
    dataset = image(values, SOPClassUID=DigitalXRayImageStorageForPresentation)

    clean_pixels(dataset)

    after = dataset.pixel_array
    assert np.array_equal(
        after[mark.row0 : mark.row1, mark.column0 : mark.column1],
        values[mark.row0 : mark.row1, mark.column0 : mark.column1],
    )
    assert not (after[name.row0 : name.row1, name.column0 : name.column1] == 4095).any()


@pytest.mark.slow
def test_a_mark_that_is_a_name_of_the_patient_goes() -> None:
    values = phantom(0, 3000)
    place = write(values, "LAT", 4095, at=(12, 150), height=24)

    kept, gone = image(values), image(values)
    clean_pixels(kept)
    clean_pixels(gone, known_words=frozenset({"Lat"}))

    rows, columns = slice(place.row0, place.row1), slice(place.column0, place.column1)
    assert (kept.pixel_array[rows, columns] == 4095).any()
    assert not (gone.pixel_array[rows, columns] == 4095).any()


def test_an_image_without_text_keeps_its_bytes() -> None:
    dataset = image(phantom(0, 3000))
    before = dataset.PixelData

    outcome = clean_pixels(dataset)

    assert outcome.examined
    assert not outcome.dataset_changed
    assert outcome.blanked == []
    assert dataset.PixelData == before


def test_a_ct_slice_is_not_said_to_be_examined_when_it_was_not() -> None:
    outcome = clean_pixels(image(phantom(0, 3000), SOPClassUID=CTImageStorage))

    assert not outcome.examined
    assert outcome.methods == ()


def test_a_ct_slice_on_which_a_workstation_has_written_is_cleaned_all_the_same() -> None:
    values = phantom(0, 3000)
    place = write(values, NAME, 4095)
    dataset = image(values, SOPClassUID=CTImageStorage)

    clean_pixels(dataset)

    rows, columns = slice(place.row0, place.row1), slice(place.column0, place.column1)
    assert not (dataset.pixel_array[rows, columns] == 4095).any()


def test_text_known_to_be_there_is_refused_when_the_search_is_off() -> None:
    dataset = image(phantom(0, 3000), BurnedInAnnotation="YES")

    outcome = clean_pixels(dataset, options=Choice(find_text=False))

    assert outcome.reason_to_refuse is not None
    assert "(0028,0301)" in outcome.reason_to_refuse


@pytest.mark.slow
def test_a_page_of_text_is_refused_and_left_as_it_was() -> None:
    values = np.zeros((240, 320), dtype=np.uint8)
    for row in range(4, 225, 17):
        write(values, f"{NAME} was seen on the ward {row}", 255, at=(row, 4), height=14)
    dataset = image(values)

    outcome = clean_pixels(dataset)

    assert outcome.reason_to_refuse is not None
    assert "page" in outcome.reason_to_refuse
    assert np.array_equal(dataset.pixel_array, values)


def test_pixels_that_cannot_be_decoded_are_refused_with_the_encoding_named() -> None:
    dataset = image(np.zeros((16, 16), np.uint8))
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([b"\xff\xd8 this is no picture \xff\xd9"])

    outcome = clean_pixels(dataset)

    assert outcome.reason_to_refuse is not None
    assert "(7FE0,0010)" in outcome.reason_to_refuse
    assert "JPEG Baseline" in outcome.reason_to_refuse


def test_a_mask_is_not_looked_at() -> None:
    dataset = image(np.zeros((16, 16), np.uint8), SOPClassUID=SegmentationStorage)

    assert not clean_pixels(dataset, options=Choice(find_text=True)).dataset_changed


def test_bytes_behind_the_last_pixel_and_bits_above_the_stored_ones_go() -> None:
    values = phantom(0, 4000) & 0x0FFF
    hidden = values.copy()
    hidden[20:40, 20:60] |= 0x3000
    dataset = image(hidden, SOPClassUID=CTImageStorage, BitsStored=12, HighBit=11)
    dataset.PixelData += b"Vorskalen^Anna  "

    outcome = clean_pixels(dataset)

    assert outcome.dataset_changed
    assert dataset.PixelData == values.tobytes()


def test_signed_values_keep_their_sign_when_spare_bits_repeat_it() -> None:
    values = phantom(-1000, 1000, np.int16)
    dataset = image(values, SOPClassUID=CTImageStorage, BitsStored=12, HighBit=11)

    assert not clean_pixels(dataset).dataset_changed
    assert np.array_equal(dataset.pixel_array, values)


def test_comments_leave_a_jpeg_stream_and_its_picture_stays() -> None:
    import io

    from PIL import Image

    picture = np.repeat(phantom(0, 200, np.uint8)[..., None], 3, axis=-1)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=90, comment=NAME.encode())
    data = stream.getvalue() + NAME.encode()

    bare = without_segments(data)

    assert data.count(NAME.encode()) == 2
    assert NAME.encode() not in bare
    decoded = [np.asarray(Image.open(io.BytesIO(each))) for each in (data, bare)]
    assert np.array_equal(*decoded)


def test_a_comment_leaves_a_jpeg_2000_stream_and_its_picture_stays() -> None:
    dataset = dcmread(str(get_testdata_file("US1_J2KR.dcm", download=False)))
    from pydicom.encaps import generate_frames

    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    comment = b"\xff\x64" + (4 + len(NAME)).to_bytes(2, "big") + b"\0\1" + NAME.encode()
    size = 4 + int.from_bytes(frame[4:6], "big")
    marked = frame[:size] + comment + frame[size:]

    bare = without_segments(marked)

    assert NAME.encode() in marked
    assert NAME.encode() not in bare
    dataset.PixelData = encapsulate([bare])
    cleaned = dataset.pixel_array
    original = dcmread(str(get_testdata_file("US1_J2KR.dcm", download=False))).pixel_array
    assert np.array_equal(cleaned, original)


@pytest.mark.slow
def test_a_lossy_image_that_is_stored_anew_still_says_that_it_was_lossy() -> None:
    import io

    from PIL import Image

    picture = np.repeat(phantom(0, 150, np.uint8)[..., None], 3, axis=-1)
    write(picture, NAME, (255, 255, 255))
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=95, subsampling=0)
    data = stream.getvalue()
    dataset = image(picture, "YBR_FULL")
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([data + b"\0" * (len(data) % 2)])

    outcome = clean_pixels(dataset)

    assert outcome.blanked
    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (dataset.LossyImageCompression, dataset.LossyImageCompressionMethod) == (
        "01",
        "ISO_10918_1",
    )


def test_reading_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from clerkship_cases.deidentify.pixels import networks

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    networks._session.cache_clear()
    values = np.zeros((48, 200, 3), dtype=np.uint8)
    write(values, NAME, (255, 255, 255), height=24)

    text, confidence = networks.read_line(values)

    assert text == NAME
    assert confidence > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["RG1_UNCR.dcm", "RG3_UNCR.dcm"])
def test_real_radiographs_without_text_keep_every_pixel(name: str) -> None:
    dataset = dcmread(str(get_testdata_file(name, download=False)))
    before = dataset.PixelData

    outcome = clean_pixels(dataset)

    # on RG3 lies a lead letter R, seen from behind: it teaches, and it stays
    assert outcome.examined
    assert dataset.PixelData == before


@pytest.mark.slow
def test_the_words_on_a_real_ultrasound_screen_go_and_its_tissue_stays() -> None:
    dataset = dcmread(str(get_testdata_file("US1_UNCR.dcm", download=False)))
    before = dataset.pixel_array.copy()

    outcome = clean_pixels(dataset)

    after = dataset.pixel_array
    hospital = slice(25, 40), slice(20, 170)
    assert np.ptp(before[hospital]) > 100
    assert np.ptp(after[hospital]) == 0
    mask = outside(outcome.blanked, before.shape)
    assert np.array_equal(after[mask], before[mask])
    # below the vessels, of which a branch may be taken for a letter (README of the benchmark)
    tissue = slice(280, 336), slice(60, 400)
    assert np.array_equal(after[tissue], before[tissue])
