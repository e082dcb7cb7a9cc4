"""Scanning a source: which series it holds, what each of them is, what was left out and why."""

from __future__ import annotations

import shutil
import warnings
import zipfile
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from clerkship_cases import CaseError
from clerkship_cases.importing import Limits, scan
from clerkship_cases.importing.dicomdir import referenced_names
from clerkship_cases.importing.found import kind_of

DISC = Path(str(get_testdata_file("DICOMDIR", download=False))).parent


def small(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two series of two studies, a text file, and a file of nothing, under names of no meaning."""
    study = tmp_path / "study"
    (study / "a" / "b").mkdir(parents=True)
    shutil.copy(small("CT_small.dcm"), study / "a" / "b" / "0001")
    shutil.copy(small("MR_small.dcm"), study / "scan.jpg")
    (study / "README.txt").write_text("This disc holds images.")
    (study / "empty").touch()
    return study


def test_series_are_told_apart_whatever_the_files_are_called(folder: Path) -> None:
    found = scan(folder)
    assert {(one.modality, one.kind, one.names) for one in found.series} == {
        ("CT", "image", ("a/b/0001",)),
        ("MR", "image", ("scan.jpg",)),
    }
    assert len(found.studies) == 2
    assert {one.name for one in found.skipped} == {"README.txt", "empty"}
    assert all("not a DICOM file" in one.reason for one in found.skipped)


def test_one_of_several_series_must_be_named_and_the_message_lists_them(folder: Path) -> None:
    found = scan(folder)
    with pytest.raises(CaseError, match="has 2 image series; name one of them") as refusal:
        found.image_series()
    for one in found.images:
        assert one.series_uid in str(refusal.value)
    ct = next(one for one in found.images if one.modality == "CT")
    assert found.image_series(ct.series_uid) == ct
    with pytest.raises(CaseError, match=r"has no image series 1\.2\.3\. It holds:"):
        found.image_series("1.2.3")


def test_a_zip_is_scanned_like_the_folder_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    archive, root = tmp_path / "study.anything", tmp_path / "library"
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in sorted(folder.rglob("*")):
            zipped.write(path, path.relative_to(folder).as_posix())
    found = scan(archive, root=root)
    assert {one.names for one in found.series} == {("a/b/0001",), ("scan.jpg",)}
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_an_empty_source_says_what_it_holds_instead(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(CaseError, match=r"no DICOM file was found\. Left out: 1 × is not a DICOM"):
        scan(tmp_path).image_series()


def test_a_source_that_is_not_there_says_what_may_be_given(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"no such folder or file\. Give a folder, a zip file"):
        scan(tmp_path / "nowhere")


def test_what_is_no_image_is_said_in_words(test_data: Path) -> None:
    found = scan(test_data / "dcmqi-ct3-liver-seg")
    assert sorted((one.modality, one.kind, one.count) for one in found.series) == [
        ("CT", "image", 3),
        ("SEG", "segmentation", 1),
        ("SEG", "segmentation", 1),
    ]
    ct = found.image_series()
    assert all(ct.series_uid in one.refers_to for one in found.series if one.modality == "SEG")
    contours = next(
        one for one in scan(test_data / "rtstruct-dicompyler").series if one.kind == "structures"
    )
    assert "not an image: contours (RTSTRUCT)" in str(contours)


@pytest.mark.parametrize(
    ("sop_class", "kind", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.66.4", "segmentation", "SEG"),
        ("1.2.840.10008.5.1.4.1.1.481.2", "other", "dose"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "report", "SR"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "other", "key object"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "other", "PDF"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "other", "presentation"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "other", "waveform"),
        ("1.2.840.10008.5.1.4.1.1.2", "image", "image"),
    ],
)
def test_kinds(sop_class: str, kind: str, words: str) -> None:
    header = Dataset()
    header.SOPClassUID, header.Rows, header.Columns = sop_class, 4, 4
    assert kind_of(header)[0] == kind
    assert words in kind_of(header)[1]


def test_too_much_is_refused(folder: Path) -> None:
    with pytest.raises(CaseError, match="holds more than 3 files"):
        scan(folder, limits=Limits(files=3))


# -- DICOMDIR --------------------------------------------------------------------


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A copy of a disc: three patients, several studies, one DICOMDIR."""
    copy = tmp_path / "disc"
    shutil.copytree(DISC, copy)
    for other in copy.glob("DICOMDIR-*"):
        other.unlink()
    return copy


def test_a_dicomdir_leads_to_its_files(disc: Path) -> None:
    (disc / "stranger.dcm").write_bytes(small("CT_small.dcm").read_bytes())
    by_directory, by_folder = scan(disc / "DICOMDIR"), scan(disc)
    count = len(dcmread(disc / "DICOMDIR").DirectoryRecordSequence)
    named = {name for one in by_directory.series for name in one.names}
    assert 0 < len(named) < count
    everything = {name for one in by_folder.series for name in one.names}
    assert named < everything
    assert "stranger.dcm" in everything - named
    assert by_directory.skipped == ()


def test_files_that_are_missing_from_a_disc_are_said(disc: Path) -> None:
    victims = sorted(path for path in disc.rglob("*") if path.is_file() and path.name.isdigit())[:2]
    for victim in victims:
        victim.unlink()
    found = scan(disc)
    assert "2 of them are missing. Copy the whole disc" in found.notes[0]
    assert sum("not there" in one.reason for one in found.skipped) == 2


def test_names_of_a_disc_may_be_in_small_letters(disc: Path) -> None:
    before = sum(one.count for one in scan(disc / "DICOMDIR").series)
    for path in sorted(disc.rglob("*"), key=lambda path: -len(path.parts)):
        path.rename(path.with_name(path.name.lower()))
    found = scan(disc / "dicomdir")
    assert sum(one.count for one in found.series) == before
    assert found.notes == ()


def test_a_reference_that_leads_out_of_the_disc_is_left_out(disc: Path, tmp_path: Path) -> None:
    shutil.copy(small("CT_small.dcm"), tmp_path / "SECRET")
    directory = dcmread(disc / "DICOMDIR")
    leaf = next(item for item in directory.DirectoryRecordSequence if "ReferencedFileID" in item)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom knows that this is no file name for a disc
        leaf.ReferencedFileID = ["..", "SECRET"]
        directory.save_as(disc / "DICOMDIR")
    found = scan(disc / "DICOMDIR")
    assert any("leads out of the folder" in one.reason for one in found.skipped)
    assert all("SECRET" not in name for one in found.series for name in one.names)


def test_records_in_a_ring_end(disc: Path) -> None:
    directory = dcmread(disc / "DICOMDIR")
    for item in directory.DirectoryRecordSequence:
        item.OffsetOfTheNextDirectoryRecord = 500
        item.OffsetOfReferencedLowerLevelDirectoryEntity = 500
    directory.save_as(disc / "DICOMDIR")
    assert scan(disc / "DICOMDIR").series


def test_a_dicomdir_without_records_says_so() -> None:
    with pytest.raises(
        CaseError, match=r"DICOMDIR: has no Directory Record Sequence \(0004,1220\)"
    ):
        referenced_names(Dataset(), "DICOMDIR", Limits())
    many = Dataset()
    many.DirectoryRecordSequence = Sequence([Dataset()] * 5)
    with pytest.raises(CaseError, match="5 directory records; that is too many"):
        referenced_names(many, "DICOMDIR", Limits(files=1))
