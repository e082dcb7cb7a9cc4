"""Siemens mosaics: real diffusion images that nibabel ships, held against nibabel's geometry."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from dicom_files import changed, read
from pydicom.dataset import Dataset

from clerkship_cases import CaseError
from clerkship_cases.dicom import OpenedSeries, read_series
from clerkship_cases.dicom.public import public_headers

NAMES = ["siemens_dwi_0", "siemens_dwi_1000"]


def unpacked(folder: Path, name: str) -> Path:
    packed = Path(nibabel.__file__).parent / "nicom" / "tests" / "data" / f"{name}.dcm.gz"
    path = folder / f"{name}.dcm"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def by_nibabel(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "highly experimental", says the import
        from nibabel.nicom import dicomwrappers

        wrapper = dicomwrappers.wrapper_from_file(path)
        return wrapper.get_data(), wrapper.affine  # both count (row, column, slice)


@pytest.mark.parametrize("name", NAMES)
def test_every_voxel_of_a_mosaic_has_nibabels_value_and_place(tmp_path: Path, name: str) -> None:
    path = unpacked(tmp_path, name)
    series = read_series([path])
    values, affine = by_nibabel(path)
    rows, columns, slices = values.shape
    assert series.volume.array.shape == (slices, rows, columns)
    for row, column, slice_ in np.ndindex(2, 2, slices):
        at = np.array([row * (rows - 1), column * (columns - 1), slice_])
        world = (affine @ [*at, 1])[:3]  # LPS, as in the file
        i, j, k = series.volume.voxel_from_patient(world)
        np.testing.assert_allclose([j, i], at[:2], atol=0.01)
        assert k == pytest.approx(round(k), abs=0.01)
        np.testing.assert_array_equal(series.volume.array[round(k)], values[..., slice_])


def test_slices_lie_as_far_apart_as_the_file_says(tmp_path: Path) -> None:
    path = unpacked(tmp_path, NAMES[0])
    volume = read_series([path]).volume
    dataset = read(path)
    assert volume.spacing_mm[2] == pytest.approx(float(dataset.SpacingBetweenSlices))
    assert volume.spacing_mm[:2] == pytest.approx([float(v) for v in dataset.PixelSpacing])
    assert np.linalg.det(volume.affine_lps_mm[:3, :3]) > 0


def test_each_slice_gets_a_header_of_its_own(tmp_path: Path) -> None:
    series: OpenedSeries = read_series([unpacked(tmp_path, NAMES[0])])
    headers = public_headers(series, "mosaic")
    assert len({header.SOPInstanceUID for header in headers}) == len(headers)
    for k, header in enumerate(headers):
        assert (header.Rows, header.Columns) == series.volume.array.shape[1:]
        np.testing.assert_allclose(
            [float(v) for v in header.ImagePositionPatient],
            series.volume.patient_from_voxel((0, 0, k)),
            atol=1e-6,
        )
        assert not [element for element in header if element.tag.is_private]


def test_a_mosaic_without_the_vendors_header_is_refused(tmp_path: Path) -> None:
    def without_private(_n: int, dataset: Dataset) -> None:
        dataset.remove_private_tags()

    paths = changed([unpacked(tmp_path, NAMES[0])], tmp_path / "clean", without_private)
    with pytest.raises(CaseError, match=r"mosaic without the vendor's header \(0029,1010\)"):
        read_series(paths)


def test_a_mosaic_that_cannot_be_divided_is_refused(tmp_path: Path) -> None:
    def narrower(_n: int, dataset: Dataset) -> None:
        dataset.Rows -= 1
        dataset.PixelData = dataset.PixelData[: dataset.Rows * dataset.Columns * 2]

    paths = changed([unpacked(tmp_path, NAMES[0])], tmp_path / "narrow", narrower)
    with pytest.raises(CaseError, match="can't be divided so"):
        read_series(paths)
