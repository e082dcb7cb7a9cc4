"""The fast way into a header finds what pydicom finds, on every file; or says that it can't."""

from __future__ import annotations

import warnings
from importlib.metadata import distribution
from pathlib import Path

import pydicom
import pytest
from dicom_files import PYDICOM, shipped

from clerkship_cases import CaseError
from clerkship_cases.dicom import read_dataset
from clerkship_cases.dicom.read import open_regular, parse
from clerkship_cases.dicom.scan import scan_header
from clerkship_cases.dicom.series import HEADER_TAGS

FILES = [
    path
    for folder in (PYDICOM, Path(str(distribution("pydicom-data").locate_file("data_store/data"))))
    for path in sorted(folder.rglob("*"))
    if path.is_file()
]


def both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, object]:
    """(header, place of the pixels) by the fast way where it is taken, and by pydicom alone."""
    found = []
    for scan in (scan_header, lambda *_args, **_options: None):
        monkeypatch.setattr("clerkship_cases.dicom.read.scan_header", scan)
        with warnings.catch_warnings(), open_regular(path) as file:
            warnings.simplefilter("ignore")
            header, stream = parse(file, path, stop_before_pixels=True, only=HEADER_TAGS)
            found.append((header.to_json_dict(suppress_invalid_tags=True), stream.tell()))
    return found[0], found[1]


@pytest.mark.slow
def test_every_header_is_found_as_pydicom_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    for path in FILES:
        try:
            read_dataset(path, stop_before_pixels=True)
        except CaseError:
            continue
        fast, slow = both(path, monkeypatch)
        assert fast == slow, path.name
        compared += 1
    assert compared > 200


def scanned(name: str, *, is_implicit: bool) -> object:
    data = shipped(name).read_bytes()
    dataset = pydicom.dcmread(shipped(name), stop_before_pixels=True)
    start = 132 + 12 + int(dataset.file_meta.FileMetaInformationGroupLength)
    return scan_header(data, start, is_implicit=is_implicit, wanted=HEADER_TAGS, last={0x7FE00010})


def test_plain_headers_are_scanned() -> None:
    assert scanned("CT_small.dcm", is_implicit=False) is not None
    assert scanned("MR_small_implicit.dcm", is_implicit=True) is not None


def test_what_is_not_plain_is_left_to_pydicom() -> None:
    assert scanned("CT_small.dcm", is_implicit=True) is None  # not what it says it is
    assert scanned("MR_small_implicit.dcm", is_implicit=False) is None
    data = shipped("CT_small.dcm").read_bytes()
    for start in (401, len(data) - 4):  # in the middle of something, and at the end
        assert (
            scan_header(data, start, is_implicit=False, wanted=HEADER_TAGS, last={0x7FE00010})
            is None
        )
