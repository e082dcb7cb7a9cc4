"""Values and places agree with pydicom, SimpleITK and nibabel: on every file that can be decoded."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from numpy.typing import NDArray
from pydicom.pixels import pixel_array
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from clerkship_cases import CaseError
from clerkship_cases.dicom import OpenedSeries, read_series
from clerkship_cases.formats.nifti import volume_from_nifti

FOLDERS = (
    Path(pydicom.__file__).parent / "data" / "test_files",
    Path(str(distribution("pydicom-data").locate_file("data_store/data"))),
)
FILES = [path for folder in FOLDERS for path in sorted(folder.rglob("*")) if path.is_file()]

#: How many of them are images that open (pydicom 3.0, pydicom-data 1.0).
OPENED = 152
#: Decodable files that are refused, and why.
REFUSED = dict.fromkeys(
    (
        "rtdose.dcm",
        "rtdose_1frame.dcm",
        "rtdose_expb.dcm",
        "rtdose_expb_1frame.dcm",
        "rtdose_rle.dcm",
        "rtdose_rle_1frame.dcm",
    ),
    "is a dose grid",
)
#: Files that pydicom can't decode and we can, and why it should be so.
NOT_BY_PYDICOM = {
    "JPEG-lossy.dcm": "12 bit JPEG with a scan header that libjpeg does not take; SimpleITK agrees with us",
    "OT-PAL-8-face.dcm": "no file meta information; SimpleITK agrees with us",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "only the last delimiter is lost, all frames are there",
}
#: Lossy colour: decoders may round chroma differently (T.83 allows it); grey levels of 255.
LOSSY_COLOUR = 5
#: Files that SimpleITK shows otherwise, and why ours is right.
NOT_AS_SIMPLEITK = {
    "liver.dcm": "one bit: GDCM makes 0 and 255 of it",
    "liver_1frame.dcm": "one bit: GDCM makes 0 and 255 of it",
    "liver_expb.dcm": "one bit: GDCM makes 0 and 255 of it",
    "liver_expb_1frame.dcm": "one bit: GDCM makes 0 and 255 of it",
    "SC_rgb_rle_16bit.dcm": "GDCM mixes the segments of deep colour; the unpacked twin agrees with us",
    "SC_rgb_rle_16bit_2frame.dcm": "GDCM mixes the segments of deep colour",
    "SC_rgb_rle_32bit.dcm": "GDCM mixes the segments of deep colour",
    "SC_rgb_rle_32bit_2frame.dcm": "GDCM mixes the segments of deep colour",
    "mlut_18.dcm": "GDCM leaves out the modality LUT sequence",
    "OBXXXX1A_expb.dcm": "GDCM swaps the bytes of a big-endian palette index; pydicom agrees with us",
    "OBXXXX1A_expb_2frame.dcm": "GDCM swaps the bytes of a big-endian palette index",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "GDCM wants the last delimiter; all frames are there",
}


def values_by_pydicom(path: Path) -> NDArray[np.float64] | None:
    """[slice, row, column(, colour)] as pydicom has them; None if it can't decode the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(path, force=True)
            values = pixel_array(dataset)
        except Exception:
            return None
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            values = apply_color_lut(values, dataset)
        elif "SharedFunctionalGroupsSequence" in dataset:
            shared = dataset.SharedFunctionalGroupsSequence[0]
            first = (dataset.get("PerFrameFunctionalGroupsSequence") or [shared])[0]
            for group in (shared, first):
                if "PixelValueTransformationSequence" in group:
                    item = group.PixelValueTransformationSequence[0]
                    values = values * float(item.RescaleSlope) + float(item.RescaleIntercept)
        else:
            values = apply_modality_lut(values, dataset)
        single = 2 + (
            dataset.get("SamplesPerPixel", 1) == 3 or "PALETTE" in dataset.PhotometricInterpretation
        )
    return values[np.newaxis] if values.ndim == single else values


def opened_or_refused(path: Path) -> tuple[OpenedSeries | None, str]:
    """The file as a volume, else what is said against it; any other exception fails the test."""
    try:
        return read_series([path]), ""
    except CaseError as problem:
        return None, str(problem)


def as_eight_bits(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values >> (8 * (values.dtype.itemsize - 1)) if values.dtype.kind == "u" else values


def in_file_order(series: OpenedSeries) -> NDArray[np.generic]:
    """The volume's slices as the frames of its one file follow each other."""
    return series.volume.array[np.argsort(series.frame_numbers)]


def is_lossy_colour(series: OpenedSeries) -> bool:
    syntax = series.planes[0].pixels.frames.format.syntax
    return series.volume.is_colour and "JPEG" in syntax.name and "Lossless" not in syntax.name


@pytest.mark.slow
def test_the_files_of_pydicom_that_open_are_as_many_as_were_counted() -> None:
    """So that the two tests below can't pass by refusing."""
    assert sum(opened_or_refused(path)[0] is not None for path in FILES) == OPENED


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_pydicom_has_the_values_that_pydicom_reads(path: Path) -> None:
    theirs = values_by_pydicom(path)
    series, complaint = opened_or_refused(path)
    if series is None:
        assert theirs is None or REFUSED[path.name] in complaint
        assert path.name in complaint
        return
    assert path.name not in REFUSED
    if theirs is None:
        assert path.name in NOT_BY_PYDICOM
        return
    ours = in_file_order(series)
    if series.volume.is_colour:
        within = LOSSY_COLOUR if is_lossy_colour(series) else 0
        difference = as_eight_bits(theirs).astype(int) - ours
        assert np.abs(difference).max() <= within
    else:
        lossy = series.planes[0].pixels.frames.format.syntax.name.startswith("JPEG Extended")
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1 if lossy else 0)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_of_pydicom_has_the_values_and_the_place_of_simpleitk(path: Path) -> None:
    series, _complaint = opened_or_refused(path)
    if series is None or path.name in NOT_AS_SIMPLEITK:
        return  # refusals are judged in the test above
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    image = sitk.ReadImage(str(path))
    volume = series.volume
    theirs = sitk.GetArrayFromImage(image)
    if theirs.ndim == volume.array.ndim - 1:
        theirs = theirs[np.newaxis]
    if volume.is_colour:
        within = LOSSY_COLOUR if is_lossy_colour(series) else 0
        theirs = as_eight_bits(theirs)
        assert np.abs(theirs.astype(int) - in_file_order(series)).max() <= within
    else:
        ours = in_file_order(series).astype(np.float64)
        if volume.inverted:  # SimpleITK turns MONOCHROME1 round before it rescales
            plane = series.planes[0].pixels
            stored = (ours - plane.intercept) / plane.slope
            ours = (2**plane.frames.format.bits_stored - 1 - stored) * plane.slope + plane.intercept
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=0.05 if volume.inverted else 0.01)
    if volume.frame_of_reference_uid and image.GetDimension() == 3:
        for k, frame in enumerate(series.frame_numbers):
            for column, row in ((0, 0), (volume.array.shape[2] - 1, volume.array.shape[1] - 1)):
                expected = image.TransformIndexToPhysicalPoint((column, row, frame - 1))
                found = volume.patient_from_voxel((column, row, k))
                np.testing.assert_allclose(found, expected, atol=5e-3)


# -- whole series ------------------------------------------------------------------------


@pytest.fixture(scope="session")
def brain_folder(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The 384 slices of the oblique MR."""
    folder = tmp_path_factory.mktemp("studyforrest")
    with zipfile.ZipFile(test_data / "studyforrest-t1" / "dicoms_384slices.zip") as archive:
        archive.extractall(folder)
    return folder / "dicoms"


def sitk_series(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def assert_like_simpleitk(folder: Path) -> OpenedSeries:
    series = read_series(sorted(folder.glob("*.dcm")))
    image, volume = sitk_series(folder), series.volume
    theirs = sitk.GetArrayFromImage(image)
    if volume.array.dtype == np.float32:
        np.testing.assert_allclose(volume.array, theirs, rtol=1e-6)
    else:
        assert np.array_equal(volume.array, theirs)
    slices, rows, columns = volume.array.shape
    for corner in np.ndindex(2, 2, 2):
        index = [int(c) * (n - 1) for c, n in zip(corner, (columns, rows, slices), strict=True)]
        # SimpleITK takes the step from the first two slices, we from the ends.
        np.testing.assert_allclose(
            volume.patient_from_voxel(index),
            image.TransformIndexToPhysicalPoint(index),
            atol=1e-3 * slices,
        )
    return series


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["dcmqi-ct3-liver-seg/ct", "acrin-nsclc-042/pet_ac", "acrin-nsclc-042/ct"]
)
def test_real_series_agree_with_simpleitk(test_data: Path, name: str) -> None:
    assert_like_simpleitk(test_data / name)


@pytest.mark.slow
def test_a_real_oblique_series_agrees_with_simpleitk(brain_folder: Path) -> None:
    series = assert_like_simpleitk(brain_folder)
    assert series.volume.array.shape == (384, 384, 274)
    assert series.volume.spacing_mm == pytest.approx((0.7, 0.667, 0.667), abs=0.04)
    assert series.notes == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dcmqi-ct3-liver-seg/ct", "acrin-nsclc-042/ct"])
def test_real_series_agree_with_nibabel(test_data: Path, name: str) -> None:
    """nibabel places each slice by a code of its own (its world is LPS here, as in the file)."""
    paths = sorted((test_data / name).glob("*.dcm"))
    series = read_series(paths)
    for k in (0, len(paths) // 2, len(paths) - 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "highly experimental", says the import
            from nibabel.nicom import dicomwrappers

            wrapper = dicomwrappers.wrapper_from_file(paths[series.order[k]])
            theirs = wrapper.get_data()
        assert np.array_equal(series.volume.array[k], theirs)
        by_row_column = wrapper.affine  # nibabel counts (row, column)
        for row, column in ((0, 0), (11, 200)):
            expected = (by_row_column @ [row, column, 0, 1])[:3]
            found = series.volume.patient_from_voxel((column, row, k))
            np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.slow
def test_a_nifti_file_of_a_real_series_gives_the_same_volume(
    test_data: Path, tmp_path: Path
) -> None:
    """DICOM to NIfTI by SimpleITK and back by us: the same values at the same places."""
    folder = test_data / "dcmqi-ct3-liver-seg" / "ct"
    sitk.WriteImage(sitk_series(folder), str(tmp_path / "ct.nii.gz"))
    ours = read_series(sorted(folder.glob("*.dcm"))).volume
    nifti = volume_from_nifti(tmp_path / "ct.nii.gz", modality="CT")
    assert np.array_equal(nifti.array, ours.array)
    np.testing.assert_allclose(nifti.affine_lps_mm, ours.affine_lps_mm, atol=1e-3)
    assert nib.load(tmp_path / "ct.nii.gz").shape == ours.array.shape[::-1]
