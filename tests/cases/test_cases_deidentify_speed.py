"""The short ways give what the long ones give: elements remembered, text encoded and grey frames decoded here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import dcmread
from pydicom.filewriter import write_data_element
from pydicom.pixels.decoders.base import get_decoder

from clerkship_cases.deidentify.elements import Walker
from clerkship_cases.deidentify.pixels.frames import decode
from clerkship_cases.deidentify.pixels.risk import may_be_annotated
from clerkship_cases.deidentify.reading import read_input
from clerkship_cases.deidentify.writing import Encoder


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("UI", "1.2.840.10008.1.2"),
        ("UI", ["1.2", "1.2.3"]),
        ("DS", "-1.50"),
        ("DS", ["0.5", "1e3", " 7"]),
        ("IS", ["12", "007"]),
        ("CS", "AXIAL"),
        ("CS", ["ORIGINAL", "", "AXIAL"]),
        ("DA", "20260102"),
        ("TM", "101112.5"),
        ("DS", ""),
        ("DS", None),
        ("LO", "Zürich"),
        ("PN", "Removed^"),
        ("US", 3),
    ],
)
def test_an_element_has_the_bytes_that_pydicom_gives_it(vr: str, value: Any) -> None:
    element = DataElement(0x00080060, vr, value)
    expected = DicomBytesIO()
    expected.is_little_endian, expected.is_implicit_VR = True, False
    write_data_element(expected, element, ["utf-8"])

    assert Encoder().encoded(element) == expected.getvalue()


def test_elements_are_the_same_whether_remembered_or_read() -> None:
    data = Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()
    seen: dict[bytes, Any] = {}

    first, _ = Walker(data, implicit=False, big_endian=False, seen=seen).elements(132)
    again, place = Walker(data, implicit=False, big_endian=False, seen=seen).elements(132)

    assert list(again.items()) == list(first.items())
    assert place is not None
    assert seen


def test_an_element_of_one_file_is_not_taken_for_that_of_another(tmp_path: Path) -> None:
    source = dcmread(get_testdata_file("CT_small.dcm"))
    names = ["Abel^A", "Kain^K"]
    seen: dict[bytes, Any] = {}
    read = []
    for n, name in enumerate(names):
        source.PatientName = name
        source.save_as(tmp_path / f"{n}.dcm")
        read.append(read_input(tmp_path / f"{n}.dcm", seen))

    assert [file.elements[0x00100010].value.decode() for file in read] == names  # type: ignore[index]
    assert read[0].elements[0x00080060] is read[1].elements[0x00080060]  # type: ignore[index]


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_jp2klossless.dcm",
        "693_J2KI.dcm",
        "emri_small.dcm",
        "emri_small_jpeg_ls_lossless.dcm",
        "JPGLosslessP14SV1_1s_1f_8b.dcm",
        "JPEG-LL.dcm",
        "bad_sequence.dcm",
    ],
)
def test_grey_frames_are_those_of_pydicom(name: str) -> None:
    dataset = dcmread(get_testdata_file(name))
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    expected, _ = decoder.as_array(dataset, raw=True)

    frames = decode(dataset)

    assert np.array_equal(np.squeeze(frames.values), np.squeeze(expected))


def test_the_last_noise_beyond_a_body_is_no_drawing() -> None:
    noise = np.random.default_rng(1).random((384, 274)) < 216 / (384 * 274)

    assert np.count_nonzero(noise) > 100
    assert not may_be_annotated(noise.astype(np.int16))


@pytest.mark.parametrize(("ground", "shade"), [(0, 1), (0, 4095), (-1024, 3071)])
def test_letters_are_a_drawing_in_noise_and_in_nothing(ground: int, shade: int) -> None:
    from PIL import Image, ImageDraw

    page = Image.new("1", (274, 384))
    ImageDraw.Draw(page).text((20, 30), "VORSKALEN 12.03.1957", fill=1)
    letters = np.asarray(page)
    values = np.full(letters.shape, ground, np.int16)
    if ground == 0 and shade == 1:
        values[np.random.default_rng(1).random(values.shape) < 0.001] = shade
    values[letters] = shade

    assert may_be_annotated(values)
