"""The second look finds what a careless cleaner would leave, wherever and however it is written."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from clerkship_cases.deidentify import deidentify_files, verify_file
from clerkship_cases.deidentify.verify_bytes import printable_runs

Spoil = Callable[[Dataset], None]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """An input with a patient, and its clean output."""
    source = tmp_path / "in.dcm"
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    dataset.PatientName = "Quandtmeyer^Rosalind"
    dataset.PatientID = "MRN7741902"
    dataset.PatientBirthDate = "19570312"
    dataset.save_as(source)
    report = deidentify_files([source], tmp_path / "out", secret=b"a secret of the tests alone")
    return source, report.files[0].path


def test_a_clean_file_passes(pair: tuple[Path, Path]) -> None:
    source, clean = pair
    assert verify_file(clean, [source]) == []


def _set(keyword: str, value: object) -> Spoil:
    return lambda dataset: setattr(dataset, keyword, value)


def _private(dataset: Dataset) -> None:
    dataset.private_block(0x0029, "SOMEBODY", create=True).add_new(1, "LO", "x")


def _preamble(dataset: Dataset) -> None:
    dataset.preamble = b"II*\0".ljust(128, b"\0")


def _hide_in_pixels(dataset: Dataset) -> None:
    dataset.PixelData = b"..Quandtmeyer.." + dataset.PixelData[15:]


def _nested(dataset: Dataset) -> None:
    item = Dataset()
    item.CodeMeaning = "Rosalind"
    dataset.AnatomicRegionSequence = [item]


@pytest.mark.parametrize(
    "spoil",
    [
        _set("ImageComments", "for QUANDTMEYER"),
        _set("StudyDescription", "rosalind^quandtmeyer"),
        _set("AccessionNumber", "7741902"),
        _set("SeriesDescription", "MRN7741902 CT"),
        _set("ImageComments", "born 12.03.1957"),
        _set("ImageComments", "12 Mar 1957"),
        _set("PatientBirthDate", "19570312"),
        _set("ImageComments", base64.b64encode(b"Rosalind Quandtmeyer").decode()),
        _set("ImageComments", b"Rosalind Quandtmeyer".hex()),
        _set("SOPInstanceUID", dcmread(get_testdata_file("CT_small.dcm")).SOPInstanceUID),
        _set("StudyDate", dcmread(get_testdata_file("CT_small.dcm")).StudyDate),
        _nested,
        _private,
        _preamble,
        _hide_in_pixels,
        lambda d: d.add_new(0x60003000, "OW", b"\1\2"),
        lambda d: d.add_new(0xFFFCFFFC, "OB", b"\1\2"),
        lambda d: setattr(d.file_meta, "SourceApplicationEntityTitle", "CLINIC"),
        lambda d: d.add_new(0x00204000, "LT", "Q\0u\0a\0n\0d\0t\0m\0e\0y\0e\0r\0"),
    ],
)
def test_a_leak_is_found(pair: tuple[Path, Path], spoil: Spoil) -> None:
    source, clean = pair
    dataset = dcmread(clean)
    spoil(dataset)
    spoilt = clean.with_name("spoilt.dcm")
    dataset.save_as(spoilt)
    found = verify_file(spoilt, [source])
    assert found
    assert not any("Quandt" in sentence or "7741902" in sentence for sentence in found)


def test_bytes_behind_the_pixels_are_found(pair: tuple[Path, Path]) -> None:
    source, clean = pair
    longer = clean.with_name("longer.dcm")
    longer.write_bytes(clean.read_bytes() + b"hidden")
    assert verify_file(longer, [source]) == ["bytes behind the pixels"]


def test_a_file_that_fails_is_withdrawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clerkship_cases.deidentify import clean

    # A cleaner with a hole: every word may stay.
    monkeypatch.setattr(clean.Cleaner, "_words", lambda self, text: text)
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    dataset.PatientName, dataset.StudyDescription = "Quandtmeyer^R", "Head Quandtmeyer"
    dataset.save_as(tmp_path / "in.dcm")
    report = deidentify_files([tmp_path / "in.dcm"], tmp_path / "out")
    assert report.files == []
    assert "withdrawn" in report.refused[0].reason
    assert list((tmp_path / "out").iterdir()) == []


def test_runs_of_letters_are_found_among_numbers() -> None:
    data = (
        bytes([0, 200, 3]) + b"Rosalind" + bytes([1, 2]) + b"short" + bytes([255]) + b"at the end"
    )
    assert printable_runs(data, 7) == "Rosalind\nat the end"
    assert printable_runs(b"abc", 7) == ""
