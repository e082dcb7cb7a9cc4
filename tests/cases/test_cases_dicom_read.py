"""Files that are damaged or hostile: one sentence, little memory, little time."""

from __future__ import annotations

import os
import re
import struct
import time
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import changed, read, shipped
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian

from clerkship_cases import CaseError
from clerkship_cases.dicom import guarded, read_dataset, read_series, volume_from_dicom
from clerkship_cases.dicom.codestream import frame_size

CT = shipped("CT_small.dcm")
SECONDS = 2.0
MEGABYTES = 64


def refused(path: Path) -> str:
    """What is said about a file; fails if it takes much time or memory to say so."""
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(CaseError) as refusal:
        read_series([path])
    took, (_now, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < SECONDS
    assert peak < MEGABYTES * 2**20
    return str(refusal.value)


def with_header(folder: Path, source: Path = CT, **attributes: object) -> Path:
    def change(_n: int, dataset: Dataset) -> None:
        for keyword, value in attributes.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)

    return changed([source], folder, change)[0]


# -- what is no image file ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not a DICOM file"),
        (b"hello" * 100, "is not a DICOM file"),
        (b"\0" * 128 + b"DICM", "is not a DICOM file: it is empty"),
        (b"\0" * 128 + b"DICM" + b"\x02\0\0\0UL\4\0\xff\xff", "holds no image"),
        (b"\0" * 128 + b"DICM" + b"\x02\0\x02\1OB\0\0\xff\xff\xff\x7f", "group 0002"),
        (b"\x08\0\5\0CS", "can't be read|holds no image|is not"),
    ],
)
def test_what_is_no_dicom_file_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    with pytest.raises(CaseError, match=complaint) as refusal:
        read_series([path])
    assert "a.dcm" in str(refusal.value)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    assert "not an ordinary file" in refused(tmp_path / "pipe.dcm")
    assert "not an ordinary file" in refused(tmp_path)
    assert "can't be read" in refused(tmp_path / "absent.dcm")


def test_objects_without_pixels_are_named() -> None:
    assert "holds no image" in refused(shipped("rtstruct.dcm"))
    assert "RTPLAN" in refused(shipped("rtplan.dcm"))
    assert "dose grid" in refused(shipped("rtdose.dcm"))


# -- claims ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"Rows": 65535, "Columns": 65535}, r"claims 1 frame\(s\) of 65535 x 65535|need"),
        ({"Rows": 60000, "Columns": 30000}, r"PixelData \(7FE0,0010\) has 32,768 bytes"),
        ({"NumberOfFrames": 2147483647}, r"NumberOfFrames \(0028,0008\)"),
        ({"NumberOfFrames": -3}, r"NumberOfFrames \(0028,0008\) is -3"),
        ({"NumberOfFrames": 2}, r"need 65,536"),
        ({"Rows": 0}, r"Rows \(0028,0010\) is 0; expected 1 to 65535"),
        ({"Rows": None}, r"Rows \(0028,0010\) is absent"),
        ({"BitsAllocated": 12}, r"BitsAllocated \(0028,0100\) is 12; expected 1 or 8 or 16"),
        ({"BitsStored": 17}, r"BitsStored \(0028,0101\) is 17"),
        ({"SamplesPerPixel": 4}, r"SamplesPerPixel \(0028,0002\) is 4"),
        ({"SamplesPerPixel": 3}, "does not go with MONOCHROME2"),
        ({"PhotometricInterpretation": "HSV"}, r"PhotometricInterpretation \(0028,0004\) is HSV"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, r"\(0020,0037\).*perpendicular"),
        ({"ImagePositionPatient": [1, 2]}, r"ImagePositionPatient \(0020,0032\).*3 numbers"),
        ({"RescaleSlope": 0}, r"RescaleSlope \(0028,1053\) is 0"),
    ],
)
def test_impossible_headers_are_refused_by_tag(
    tmp_path: Path, attributes: dict[str, object], complaint: str
) -> None:
    path = with_header(tmp_path, **attributes)
    said = refused(path)
    assert re.search(complaint, said), said
    assert "0.dcm" in said


def test_numbers_that_are_none_are_refused_by_tag(tmp_path: Path) -> None:
    content = CT.read_bytes()
    spacing = content.index(b"\x28\0\x30\0DS") + 8
    path = tmp_path / "a.dcm"
    path.write_bytes(content[:spacing] + b"zz" + content[spacing + 2 :])
    assert "PixelSpacing (0028,0030)" in refused(path)


def test_a_compressed_frame_must_be_as_large_as_the_header_says(tmp_path: Path) -> None:
    """A codestream of a few bytes may claim 65535 x 65535: it is compared before it is decoded."""
    source = shipped("JPEG2000.dcm")
    content = source.read_bytes()
    size = content.index(b"\xff\x4f\xff\x51") + 8
    path = tmp_path / "a.dcm"
    path.write_bytes(content[:size] + struct.pack(">II", 60000, 60000) + content[size + 8 :])
    assert "the compressed frame is 60000 x 60000" in refused(path)


def test_a_jpeg_ls_frame_with_another_size_is_refused(tmp_path: Path) -> None:
    source = shipped("MR_small_jpeg_ls_lossless.dcm")
    content = source.read_bytes()
    size = content.index(b"\xff\xf7") + 5
    path = tmp_path / "a.dcm"
    path.write_bytes(content[:size] + struct.pack(">HH", 65000, 65000) + content[size + 4 :])
    assert "the compressed frame is 65000 x 65000" in refused(path)


def test_few_compressed_bytes_cannot_claim_a_huge_image(tmp_path: Path) -> None:
    path = with_header(tmp_path, shipped("MR_small_RLE.dcm"), Rows=40000, Columns=40000)
    assert "compressed bytes claim" in refused(path)


def test_a_run_length_frame_that_unpacks_to_too_little_is_refused(tmp_path: Path) -> None:
    path = with_header(tmp_path, shipped("MR_small_RLE.dcm"), Rows=300, Columns=300)
    assert "cut off" in refused(path)


def test_an_unknown_transfer_syntax_is_named(tmp_path: Path) -> None:
    def change(_n: int, dataset: Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG2

    path = changed([shipped("MR_small_RLE.dcm")], tmp_path, change)[0]
    assert "1.2.840.10008.1.2.4.100) is not read" in refused(path)


# -- cut off and blown up ------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "MR_small_jpeg_ls_lossless.dcm"]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, name: str, share: float) -> None:
    content = shipped(name).read_bytes()
    pixels = content.rindex(b"\xe0\x7f\x10\x00")
    plain = pixels + 12 + 128 * 128 * 2
    end = plain if name == "CT_small.dcm" else content.rindex(b"\xfe\xff\xdd\xe0")
    path = tmp_path / "cut.dcm"
    path.write_bytes(content[: pixels + int((end - pixels) * share)])
    assert "cut.dcm" in refused(path)


def deflated(folder: Path, body: bytes) -> Path:
    """A file in the deflated transfer syntax whose data set is ``body``."""
    dataset = read(shipped("image_dfl.dcm"))
    assert dataset.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    content = shipped("image_dfl.dcm").read_bytes()
    start = 132 + 12 + int(dataset.file_meta.FileMetaInformationGroupLength)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    path = folder / "deflated.dcm"
    path.write_bytes(content[:start] + squeeze.compress(body) + squeeze.flush())
    return path


def test_a_deflated_file_is_read() -> None:
    path = shipped("image_dfl.dcm")
    assert np.array_equal(read_series([path]).volume.array[0], read(path).pixel_array)


def test_a_deflate_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is lowered, so that the test itself stays small: 40 kB that hold 40 MB."""
    monkeypatch.setattr("clerkship_cases.dicom.read.MAX_INFLATED_BYTES", 2**22)
    path = deflated(tmp_path, bytes(40 * 2**20))
    assert path.stat().st_size < 60_000
    assert "inflates to more than 4,194,304 bytes" in refused(path)


def test_a_deflated_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.dcm"
    path.write_bytes(shipped("image_dfl.dcm").read_bytes()[:-500])
    assert "cut off" in refused(path)


def test_sequences_nested_without_end_are_refused(tmp_path: Path) -> None:
    one_deeper = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    one_deeper += struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    content = CT.read_bytes()
    start = 132 + 12 + int(read(CT).file_meta.FileMetaInformationGroupLength)
    path = tmp_path / "deep.dcm"
    path.write_bytes(content[:start] + one_deeper * 20_000)
    assert "nested too deeply" in refused(path) or "holds no image" in refused(path)


# -- the guard, and the reader that everybody uses ------------------------------------------


def test_the_guard_turns_any_exception_into_a_sentence_with_the_name(tmp_path: Path) -> None:
    with (
        pytest.raises(CaseError, match=r"^IM1 can't be shown: no such thing \(ValueError\)\.$"),
        guarded(tmp_path / "IM1", "shown"),
    ):
        raise ValueError("no such\n thing")


def test_what_stops_the_program_is_not_held_up(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), guarded(tmp_path):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm",
        "image_dfl.dcm",
        "JPEG2000.dcm",
        "rtplan.dcm",
        "ExplVR_BigEndNoMeta.dcm",
        "ExplVR_LitEndNoMeta.dcm",
    ],
)
def test_a_data_set_is_read_as_pydicom_reads_it(name: str) -> None:
    ours = read_dataset(shipped(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(shipped(name), force=True)
        assert ours == theirs
        shorter = pydicom.dcmread(shipped(name), force=True, stop_before_pixels=True)
        assert read_dataset(shipped(name), stop_before_pixels=True) == shorter
    if "TransferSyntaxUID" in theirs.file_meta:
        assert ours.file_meta == theirs.file_meta
    assert Path(ours.filename) == shipped(name)


def test_only_the_wanted_elements_are_kept() -> None:
    header = read_dataset(CT, stop_before_pixels=True, only=[0x00280010, 0x00280011])
    assert (header.Rows, header.Columns) == (128, 128)
    assert "PatientName" not in header


def test_an_image_in_memory_with_too_few_pixels_is_refused() -> None:
    dataset = read(CT)
    dataset.PixelData = b"\0\0"
    with pytest.raises(CaseError, match="can't be decoded"):
        volume_from_dicom([dataset])


@pytest.mark.parametrize(
    ("name", "rows", "columns", "bits"),
    [
        ("JPEG2000.dcm", 1024, 256, 16),
        ("MR_small_jpeg_ls_lossless.dcm", 64, 64, 16),
        ("JPEG-LL.dcm", 1024, 256, 16),
        ("SC_rgb_jpeg.dcm", 256, 256, 8),
    ],
)
def test_the_size_of_a_codestream_is_read(name: str, rows: int, columns: int, bits: int) -> None:
    frame = next(generate_frames(read(shipped(name)).PixelData, number_of_frames=1))
    size = frame_size(frame)
    assert (size.rows, size.columns, size.precision_bits) == (rows, columns, bits)


@pytest.mark.parametrize(
    "frame", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\xff", b"\xff\x4f\xff\x51\0", b"\0" * 50]
)
def test_bytes_that_are_no_codestream_are_refused(frame: bytes) -> None:
    with pytest.raises(CaseError):
        frame_size(frame)
