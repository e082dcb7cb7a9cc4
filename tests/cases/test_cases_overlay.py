"""Overlay planes: every bit of them, wherever the file keeps it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from clerkship_cases import CaseError
from clerkship_cases.standards.overlay import add_overlay, overlay_planes, read_overlays


def image(rows: int = 12, columns: int = 9) -> Dataset:
    dataset = Dataset()
    dataset.Rows, dataset.Columns = rows, columns
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


@pytest.mark.parametrize("name", ["MR-SIEMENS-DICOM-WithOverlays.dcm", "examples_overlay.dcm"])
def test_real_overlays_are_read_as_pydicom_reads_them(name: str) -> None:
    dataset = pydicom.dcmread(str(get_testdata_file(name)))
    found = read_overlays(dataset)
    assert found
    for overlay in found:
        theirs = np.asarray(dataset.overlay_array(overlay.group), bool)
        assert overlay.planes.any()
        np.testing.assert_array_equal(overlay.planes.squeeze(), theirs.squeeze())


def test_the_mark_of_the_liver_lesion_says_what_it_is() -> None:
    dataset = pydicom.dcmread(str(get_testdata_file("MR-SIEMENS-DICOM-WithOverlays.dcm")))
    (overlay,) = read_overlays(dataset)
    assert (overlay.group, overlay.kind, overlay.first_frame) == (0x6000, "G", 1)
    assert "Siemens MedCom Object Graphics" in overlay.description


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3),
    st.integers(1, 13),
    st.integers(1, 13),
    st.integers(0, 2**32 - 1),
)
def test_what_is_added_is_what_is_read(frames: int, rows: int, columns: int, seed: int) -> None:
    """Sizes that are no multiple of 8: frames begin inside a byte."""
    planes = np.random.default_rng(seed).random((frames, rows, columns)) < 0.5
    dataset = image(rows, columns)
    assert add_overlay(dataset, planes, label="mark", description="of a reader") == 0x6000
    assert add_overlay(dataset, ~planes[0], kind="R") == 0x6002
    first, second = read_overlays(dataset)
    np.testing.assert_array_equal(first.planes, planes)
    np.testing.assert_array_equal(second.planes, ~planes[:1])
    assert (first.label, first.description, second.kind) == ("mark", "of a reader", "R")
    assert len(overlay_planes(dataset)) == frames + 1


def test_an_added_overlay_survives_a_file_and_pydicom_sees_it(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm")))
    drawn = np.zeros((64, 64), bool)
    drawn[3:9, 5:50] = True
    add_overlay(dataset, drawn)
    dataset.save_as(tmp_path / "a.dcm")
    again = pydicom.dcmread(tmp_path / "a.dcm")
    np.testing.assert_array_equal(np.asarray(again.overlay_array(0x6000), bool), drawn)
    np.testing.assert_array_equal(overlay_planes(again)[0], drawn)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ((1, 1), (slice(0, 4), slice(0, 3))),
        ((3, 5), (slice(2, 6), slice(4, 7))),
        ((-1, 0), (slice(0, 2), slice(0, 2))),  # two rows and one column lie before the image
        ((11, 8), (slice(10, 12), slice(7, 9))),  # cut off at the end
        ((40, 40), (slice(0, 0), slice(0, 0))),  # wholly outside
    ],
)
def test_an_overlay_begins_at_its_origin(
    origin: tuple[int, int], expected: tuple[slice, slice]
) -> None:
    dataset = image()
    small = image(4, 3)
    add_overlay(small, np.ones((4, 3), bool))
    for element in small.group_dataset(0x6000):
        dataset.add(element)
    dataset[0x6000, 0x0050].value = list(origin)
    wanted = np.zeros((12, 9), bool)
    wanted[expected] = True
    np.testing.assert_array_equal(overlay_planes(dataset)[0], wanted)


def test_an_overlay_of_later_frames_says_where_it_begins() -> None:
    dataset = image()
    add_overlay(dataset, np.ones((2, 12, 9), bool), first_frame=7)
    (overlay,) = read_overlays(dataset)
    assert (overlay.first_frame, overlay.planes.shape) == (7, (2, 12, 9))


def in_bit_12(drawn: np.ndarray) -> Dataset:
    """An older file: 12 bits of image, the mark in the next one."""
    dataset = image(*drawn.shape)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    values = np.random.default_rng(1).integers(0, 4096, drawn.shape)
    dataset.PixelData = (values | drawn.astype(int) << 12).astype("<u2").tobytes()
    dataset.add_new((0x6000, 0x0010), "US", drawn.shape[0])
    dataset.add_new((0x6000, 0x0011), "US", drawn.shape[1])
    dataset.add_new((0x6000, 0x0040), "CS", "G")
    dataset.add_new((0x6000, 0x0050), "SS", [1, 1])
    dataset.add_new((0x6000, 0x0100), "US", 16)
    dataset.add_new((0x6000, 0x0102), "US", 12)
    return dataset


def test_a_mark_in_an_unused_bit_of_the_pixels_is_found() -> None:
    drawn = np.random.default_rng(2).random((12, 9)) < 0.5
    dataset = in_bit_12(drawn)
    np.testing.assert_array_equal(overlay_planes(dataset)[0], drawn)
    dataset[0x6000, 0x0102].value = 5  # a bit of the image itself is no overlay
    assert read_overlays(dataset) == []


def test_what_can_not_be_an_overlay_is_refused() -> None:
    dataset = image()
    add_overlay(dataset, np.ones((12, 9), bool))
    dataset[0x6000, 0x3000].value = b"\xff" * 4
    with pytest.raises(CaseError, match="overlay 6000 is cut short"):
        read_overlays(dataset)
    dataset[0x6000, 0x0010].value = 60_000
    dataset[0x6000, 0x0011].value = 60_000
    with pytest.raises(CaseError, match="60000 x 60000"):
        read_overlays(dataset)
    hidden = in_bit_12(np.ones((12, 9), bool))
    hidden.file_meta.TransferSyntaxUID = JPEG2000Lossless
    with pytest.raises(CaseError, match="compressed"):
        read_overlays(hidden)
    with pytest.raises(CaseError, match=r"shape \(3, 3\); the image has 12 x 9"):
        add_overlay(image(), np.ones((3, 3), bool))
    full = image()
    for _ in range(16):
        add_overlay(full, np.ones((12, 9), bool))
    with pytest.raises(CaseError, match="sixteen overlays"):
        add_overlay(full, np.ones((12, 9), bool))
