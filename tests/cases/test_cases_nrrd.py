"""NRRD: read as SimpleITK reads it, refused where left and right are unknown."""

from __future__ import annotations

import gzip
from itertools import product
from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name

from clerkship_cases import CaseError
from clerkship_cases.formats.nrrd import volume_from_nrrd

HEAD = np.arange(4 * 3 * 2, dtype=np.int16).reshape(4, 3, 2) - 7  # x (left), y (posterior), z
LPS = np.array([[1.5, 0, 0, -10], [0, 2.5, 0, -20], [0, 0, 3.5, -30], [0, 0, 0, 1]])
SIGNS = {
    "left-posterior-superior": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
}


def written(path: Path, space: str = "left-posterior-superior", **header: object) -> Path:
    """HEAD with its place said in a space."""
    signs = np.array(SIGNS.get(space, (1, 1, 1)))
    fields = {
        "space": space,
        "space directions": np.diag(signs * np.diag(LPS)[:3]),
        "space origin": signs * LPS[:3, 3],
        "encoding": "gzip",
        **header,
    }
    nrrd.write(str(path), HEAD, {k: v for k, v in fields.items() if v is not None})
    return path


@pytest.mark.parametrize(("space", "encoding"), list(product(SIGNS, ["raw", "gzip"])))
def test_every_space_and_encoding_gives_the_same_volume(
    tmp_path: Path, space: str, encoding: str
) -> None:
    volume = volume_from_nrrd(written(tmp_path / "a.nrrd", space, encoding=encoding), modality="CT")
    np.testing.assert_allclose(volume.affine_lps_mm, LPS)
    assert np.array_equal(volume.array, HEAD.transpose(2, 1, 0))


@pytest.mark.parametrize("endian", ["little", "big"])
def test_an_oblique_file_agrees_with_simpleitk(tmp_path: Path, endian: str) -> None:
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)) * 0.2 + np.eye(3))
    turn *= np.sign(np.diag(turn))
    path = written(tmp_path / "a.nrrd", endian=endian, **{"space directions": (turn * [1, 2, 3]).T})
    if endian == "big":  # pynrrd says so in the header but writes the machine's order
        head, data = path.read_bytes().split(b"\n\n", 1)
        swapped = np.frombuffer(gzip.decompress(data), "<i2").astype(">i2").tobytes()
        path.write_bytes(head + b"\n\n" + gzip.compress(swapped))
    volume = volume_from_nrrd(path, modality="MR")
    image = sitk.ReadImage(str(path))
    for index in np.ndindex(*HEAD.shape):
        point = image.TransformIndexToPhysicalPoint(tuple(int(n) for n in index))
        i, j, k = np.rint(volume.voxel_from_patient(point)).astype(int)
        np.testing.assert_allclose(volume.patient_from_voxel((i, j, k)), point, atol=1e-5)
        assert volume.array[k, j, i] == image.GetPixel(*(int(n) for n in index))


@pytest.mark.slow
def test_a_real_segmentation_agrees_with_simpleitk(test_data: Path) -> None:
    for path in sorted((test_data / "dcmqi-ct3-liver-seg").rglob("*.nrrd")):
        volume = volume_from_nrrd(path, modality="SEG")
        image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
        assert np.array_equal(volume.array, sitk.GetArrayFromImage(image))
        np.testing.assert_allclose(volume.affine_lps_mm[:3, 3], image.GetOrigin(), atol=1e-4)


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ({"space": None, "space dimension": 3}, "its space is not stated, so left and right"),
        ({"space": "scanner-xyz"}, "its space is scanner-xyz"),
        ({"space directions": np.zeros((3, 3))}, "'space directions' is zero"),
        ({"encoding": "ascii"}, "encoding is 'ascii'; expected raw or gzip"),
        ({"encoding": "bzip2"}, "encoding is 'bzip2'"),
    ],
)
def test_what_is_not_sure_is_refused(
    tmp_path: Path, header: dict[str, object], complaint: str
) -> None:
    path = written(tmp_path / "a.nrrd", **header)  # type: ignore[arg-type]
    with pytest.raises(CaseError, match=complaint):
        volume_from_nrrd(path, modality="CT")


def replaced(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    return path


def test_a_file_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    path = replaced(written(tmp_path / "a.nrrd"), b"sizes: 4 3 2", b"sizes: 400 30 2")
    with pytest.raises(CaseError, match="is cut off: it holds 48 of 48,000 bytes"):
        volume_from_nrrd(path, modality="CT")
    path = replaced(path, b"sizes: 400 30 2", b"sizes: 90000 90000 90000")
    with pytest.raises(CaseError, match="claims 90000 x 90000 x 90000 voxels"):
        volume_from_nrrd(path, modality="CT")


def test_no_more_is_unpacked_than_the_header_claims(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nrrd")
    head, _data = path.read_bytes().split(b"\n\n", 1)
    path.write_bytes(head + b"\n\n" + gzip.compress(bytes(50_000_000)))
    assert not volume_from_nrrd(path, modality="CT").array.any()


def test_a_file_that_names_another_file_is_refused(tmp_path: Path) -> None:
    path = replaced(
        written(tmp_path / "a.nrrd"), b"encoding: gzip", b"data file: /etc/passwd\nencoding: raw"
    )
    with pytest.raises(CaseError, match="keeps its values in another file"):
        volume_from_nrrd(path, modality="CT")


def test_what_is_no_nrrd_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").write_bytes(b"not an image")
    with pytest.raises(CaseError, match=r"a\.nrrd: can't be read as NRRD"):
        volume_from_nrrd(tmp_path / "a.nrrd", modality="CT")
    with pytest.raises(CaseError, match="can't be read as NRRD"):
        volume_from_nrrd(tmp_path / "absent.nrrd", modality="CT")
