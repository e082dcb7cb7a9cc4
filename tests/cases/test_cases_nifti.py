"""NIfTI: one volume with a stated orientation, and nothing else."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from clerkship_cases import CaseError
from clerkship_cases.formats.nifti import volume_from_nifti

NIBABEL = Path(nib.__file__).parent / "tests" / "data"


def saved(path: Path, values: np.ndarray, **units: str) -> Path:
    image = nib.Nifti1Image(values, np.diag([-1.0, -1.0, 2.0, 1.0]))
    if units:
        image.header.set_xyzt_units(**units)
    nib.save(image, path)
    return path


def test_a_series_of_volumes_is_refused_with_their_number(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii", np.zeros((2, 3, 4, 5), np.int16))
    with pytest.raises(CaseError, match=r"holds 5 volumes; a case needs 3\. Save one volume"):
        volume_from_nifti(path, modality="MR")


def test_a_fourth_dimension_of_one_is_taken(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii", np.zeros((2, 3, 4, 1), np.int16))
    assert volume_from_nifti(path, modality="MR").array.shape == (4, 3, 2)


def test_scaled_values_are_scaled(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = nib.Nifti1Image(values, np.diag([-1.0, -1.0, 1.0, 1.0]))
    image.header.set_slope_inter(0.5, -3)
    nib.save(image, tmp_path / "a.nii.gz")
    volume = volume_from_nifti(tmp_path / "a.nii.gz", modality="MR")
    np.testing.assert_array_equal(volume.array, values.transpose(2, 1, 0) * 0.5 - 3)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("meter", 1000), ("micron", 0.001)])
def test_lengths_are_turned_into_millimetres(tmp_path: Path, unit: str, factor: float) -> None:
    path = saved(tmp_path / "a.nii", np.zeros((2, 3, 4), np.int16), xyz=unit)
    spacing = volume_from_nifti(path, modality="MR").spacing_mm
    assert spacing == pytest.approx((factor, factor, 2 * factor))


@pytest.mark.parametrize("name", ["anatomical.nii", "example_nifti2.nii.gz"])
def test_real_files_of_nibabel_lie_where_nibabel_puts_them(name: str) -> None:
    image = nib.load(NIBABEL / name)
    if len(image.shape) != 3:
        with pytest.raises(CaseError, match="dimensions"):
            volume_from_nifti(NIBABEL / name, modality="MR")
        return
    volume = volume_from_nifti(NIBABEL / name, modality="MR")
    data = np.asanyarray(image.dataobj)
    for index in np.ndindex(*data.shape):
        ras_mm = (image.affine @ [*index, 1])[:3]
        i, j, k = np.rint(volume.voxel_from_patient(ras_mm * [-1, -1, 1])).astype(int)
        assert volume.array[k, j, i] == pytest.approx(data[index])


def test_files_of_other_formats_and_types_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="can't be read as NIfTI"):
        volume_from_nifti(NIBABEL / "minc1_1_scale.mnc", modality="MR")
    rgb = np.zeros((2, 3, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(CaseError, match="a case needs plain numbers"):
        volume_from_nifti(saved(tmp_path / "rgb.nii", rgb), modality="MR")


def test_a_header_that_claims_too_much_is_refused_unread(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii", np.zeros((2, 3, 4), np.int16))
    content = bytearray(path.read_bytes())
    content[42:48] = np.array([32000, 32000, 32000], "<i2").tobytes()  # dim[1..3]
    path.write_bytes(content)
    with pytest.raises(CaseError, match="claims 32000 x 32000 x 32000 voxels"):
        volume_from_nifti(path, modality="MR")


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "a.nii.gz", np.random.default_rng(0).integers(0, 99, (20, 30, 40), np.int32)
    )
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(CaseError, match=r"a\.nii\.gz: can't be read as NIfTI"):
        volume_from_nifti(path, modality="MR")
