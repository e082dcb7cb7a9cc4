"""Series of every kind open as cases: many files, many frames, colour, mosaics, NRRD."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
from dicom_files import HEART_CT, read, shipped

from clerkship_cases import Case, CaseError, open_case
from clerkship_cases.sources.kinds import FolderSource


def case_of(folder: Path, files: list[Path], modality: str, form: str = "dicom") -> Case:
    """A case of the library with other images: these files beside its record."""
    (folder / "images").mkdir(parents=True)
    lines = ["path\tsha256\tbytes"]
    for path in files:
        copy = Path(shutil.copy(path, folder / "images" / path.name))
        content = copy.read_bytes()
        place = copy.relative_to(folder).as_posix()
        lines.append(f"{place}\t{hashlib.sha256(content).hexdigest()}\t{len(content)}")
    (folder / "files.tsv").write_text("\n".join(lines) + "\n")
    source = FolderSource(kind="folder", format=form)  # type: ignore[arg-type]
    record = open_case("liver-mr").record
    changes = {"source": source, "modality": modality, "unit": None, "windows": ()}
    return Case(record.model_copy(update=changes), folder)


def test_a_series_of_files_opens_with_the_header_of_each_slice(tmp_path: Path) -> None:
    case = case_of(tmp_path, HEART_CT[::-1], "CT")
    assert case.volume.array.shape == (5, 16, 16)
    assert case.frame_numbers == (1,) * 5
    assert case.notes == ()
    heights = [float(header.ImagePositionPatient[2]) for header in case.images]
    assert heights == sorted(heights)
    for k, header in enumerate(case.images):
        assert case.slice_index(header.SOPInstanceUID) == k
        assert header.PatientID == case.id
        source = next(p for p in HEART_CT if read(p).SOPInstanceUID == header.SOPInstanceUID)
        values = read(source).pixel_array + float(header.RescaleIntercept)
        assert np.array_equal(case.volume.array[k], values)


def test_a_multi_frame_image_opens_with_one_header_per_frame(tmp_path: Path) -> None:
    case = case_of(tmp_path, [shipped("eCT_Supplemental.dcm")], "CT")
    assert sorted(case.frame_numbers) == [1, 2]
    assert len({header.SOPInstanceUID for header in case.images}) == 1
    uid = case.images[0].SOPInstanceUID
    for k, header in enumerate(case.images):
        assert case.slice_index(uid, case.frame_numbers[k]) == k
        np.testing.assert_allclose(
            [float(v) for v in header.ImagePositionPatient],
            case.volume.patient_from_voxel((0, 0, k)),
        )
        row_mm, column_mm = header.PixelSpacing
        assert (column_mm, row_mm) == pytest.approx(case.volume.spacing_mm[:2])
    assert case.slice_index(uid) == 0
    with pytest.raises(CaseError, match="frame 3, does not belong to the case"):
        case.slice_index(uid, 3)


def test_a_film_in_colour_opens(tmp_path: Path) -> None:
    case = case_of(tmp_path, [shipped("color-px.dcm")], read(shipped("color-px.dcm")).Modality)
    assert case.volume.is_colour
    assert case.volume.unit == "RGB"
    assert case.frame_numbers == tuple(range(1, len(case.images) + 1))


def test_a_mosaic_opens(tmp_path: Path) -> None:
    packed = Path(nibabel.__file__).parent / "nicom" / "tests" / "data" / "siemens_dwi_0.dcm.gz"
    (tmp_path / "mosaic.dcm").write_bytes(gzip.decompress(packed.read_bytes()))
    case = case_of(tmp_path / "case", [tmp_path / "mosaic.dcm"], "MR")
    assert case.volume.array.shape == (48, 128, 128)
    assert len({header.SOPInstanceUID for header in case.images}) == 48


def test_a_nrrd_file_opens_with_headers_that_were_made_up(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(4, 3, 2)
    place = {
        "space": "left-posterior-superior",
        "space directions": np.diag([0.5, 0.75, 3.0]),
        "space origin": [1.0, 2.0, 3.0],
    }
    nrrd.write(str(tmp_path / "a.nrrd"), values, place)
    case = case_of(tmp_path / "case", [tmp_path / "a.nrrd"], "MR", "nrrd")
    assert np.array_equal(case.volume.array, values.transpose(2, 1, 0))
    assert case.volume.spacing_mm == (0.5, 0.75, 3.0)
    assert len(case.images) == 2
    assert case.images[1].ImagePositionPatient == [1, 2, 6]
    assert case.frame_numbers == (1, 1)


def test_a_file_too_many_is_refused(tmp_path: Path) -> None:
    case = case_of(tmp_path, HEART_CT[:2], "MR", "nrrd")
    with pytest.raises(CaseError, match=r"case 'liver-mr': 2 files were given; a nrrd case is one"):
        _ = case.volume


def test_what_is_wrong_with_a_file_names_the_case_and_the_file(tmp_path: Path) -> None:
    case = case_of(tmp_path, HEART_CT[:2] + HEART_CT[3:], "CT")
    with pytest.raises(CaseError, match=r"case 'liver-mr': a slice is missing: 1 after slice"):
        _ = case.volume
    case = case_of(tmp_path / "b", [shipped("rtplan.dcm")], "CT")
    with pytest.raises(CaseError, match=r"case 'liver-mr': rtplan\.dcm holds no image"):
        _ = case.images


def test_another_modality_than_the_record_says_is_refused(tmp_path: Path) -> None:
    case = case_of(tmp_path, HEART_CT, "MR")
    with pytest.raises(CaseError, match=r"case\.yml says modality MR, the file says CT"):
        _ = case.volume
