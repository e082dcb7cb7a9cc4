"""Geometry: where every voxel lies in the patient, checked against SimpleITK and against phantoms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from clerkship_cases import Case, CaseError, Volume
from clerkship_cases.dicom import volume_from_dicom
from clerkship_cases.formats.nifti import volume_from_nifti
from clerkship_cases.volume import smallest_exact

# -- the embedded cases ---------------------------------------------------------


def test_corners_and_values_are_those_of_simpleitk(case: Case) -> None:
    image = sitk.ReadImage(str(case.files[0]))
    if case.record.source.format == "nifti":
        image = sitk.DICOMOrient(image, "LPS")  # same voxels, axes turned as in a DICOM axial stack
    volume = case.volume
    slices, rows, columns = volume.array.shape[:3]
    # SimpleITK keeps the frames of one file in their order, we sort them by place.
    frames = [
        k if slices != len(set(case.frame_numbers)) else n - 1
        for k, n in enumerate(case.frame_numbers)
    ]
    for k, row, column in product(range(slices), (0, rows - 1), (0, columns - 1)):
        index = (column, row, frames[k])[: image.GetDimension()]
        expected = [*image.TransformIndexToPhysicalPoint(index), 0.0][:3]
        np.testing.assert_allclose(volume.patient_from_voxel((column, row, k)), expected, atol=1e-3)
    values = sitk.GetArrayFromImage(image).reshape(volume.array.shape)[frames]
    if volume.inverted:  # SimpleITK turns MONOCHROME1 into MONOCHROME2; we keep the values
        values = 2 ** case.images[0].BitsStored - 1 - values.astype(np.int32)
    if volume.is_colour:  # more than 8 bits are cut; lossy chroma may be rounded otherwise
        values = values >> (8 * (values.dtype.itemsize - 1))
        assert np.abs(values.astype(int) - volume.array).max() <= 5
    elif volume.array.dtype == np.float32:
        np.testing.assert_allclose(volume.array, values, rtol=1e-6)
    else:
        assert np.array_equal(volume.array, values)


@pytest.mark.parametrize("case_id", ["brain-mni152", "liver-mr", "shoulder-mr"])
def test_headers_say_the_same_as_the_affine(opened: Callable[[str], Case], case_id: str) -> None:
    """The DICOM image plane equation on the public headers gives the volume's own points."""
    case = opened(case_id)
    volume = case.volume
    k = len(case.images) - 1
    header = case.images[k]
    row_mm, column_mm = header.PixelSpacing
    along_row, along_column = np.reshape(header.ImageOrientationPatient, (2, 3)).astype(float)
    point = (
        np.array(header.ImagePositionPatient, float)
        + 17 * column_mm * along_row
        + 5 * row_mm * along_column
    )
    np.testing.assert_allclose(volume.patient_from_voxel((17, 5, k)), point, atol=1e-3)


@pytest.mark.parametrize(
    ("case_id", "calibrated", "placed", "inverted"),
    [
        ("tibia-nof", False, False, True),  # no PixelSpacing at all
        ("chest-pa", False, False, True),  # PixelSpacing 0.000\0.000
        ("bone-scan", True, False, False),  # spacing, but no position
        ("shoulder-mr", True, True, False),
        ("liver-mr", True, True, False),
        ("brain-mni152", True, True, False),
    ],
)
def test_what_each_case_knows_about_space(
    opened: Callable[[str], Case],
    case_id: str,
    calibrated: bool,
    placed: bool,
    inverted: bool,
) -> None:
    volume = opened(case_id).volume
    assert volume.is_calibrated == calibrated
    assert (volume.frame_of_reference_uid is not None) == placed
    assert volume.inverted == inverted
    if not calibrated:
        assert volume.spacing_mm == (1, 1, 1)


def test_the_left_of_the_brain_is_plus_x(opened: Callable[[str], Case]) -> None:
    """MNI is RAS: what its file calls x = -40 is 40 mm to the patient's left."""
    case = opened("brain-mni152")
    image = nib.load(case.files[0])
    ras = np.array([-40.0, 20.0, 30.0, 1.0])
    i, j, k = np.rint(np.linalg.solve(image.affine, ras)[:3]).astype(int)
    column, row, slice_ = np.rint(case.volume.voxel_from_patient((40, -20, 30))).astype(int)
    assert case.volume.array[slice_, row, column] == np.asanyarray(image.dataobj)[i, j, k]
    assert column > case.volume.array.shape[2] / 2  # on the image's right: radiological convention


# -- properties -----------------------------------------------------------------

numbers = st.floats(-500, 500, allow_nan=False)


@st.composite
def volumes(draw: st.DrawFn) -> Volume:
    """Small volumes, turned any way, with any spacing."""
    turn, _ = np.linalg.qr(
        np.array(draw(st.lists(st.floats(-1, 1), min_size=9, max_size=9))).reshape(3, 3)
        + 3 * np.eye(3)
    )
    spacing = draw(st.tuples(*[st.floats(0.1, 10)] * 3))
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = draw(st.tuples(numbers, numbers, numbers))
    return Volume(np.zeros((2, 3, 4), np.uint8), affine, "1", "MR")


@settings(max_examples=50, deadline=None)
@given(volumes(), st.tuples(numbers, numbers, numbers))
def test_index_to_patient_and_back_is_where_it_started(
    volume: Volume, point: tuple[float, ...]
) -> None:
    np.testing.assert_allclose(
        volume.voxel_from_patient(volume.patient_from_voxel(point)), point, atol=1e-6
    )
    np.testing.assert_allclose(
        volume.patient_from_voxel(volume.voxel_from_patient(point)), point, atol=1e-6
    )


@settings(max_examples=50, deadline=None)
@given(volumes())
def test_one_step_along_an_axis_is_one_spacing(volume: Volume) -> None:
    origin = volume.patient_from_voxel((0, 0, 0))
    steps = volume.patient_from_voxel(np.eye(3)) - origin
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), volume.spacing_mm)


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0, 255, np.uint8),
        (-1, 255, np.int16),
        (0, 32767, np.int16),
        (0, 65535, np.uint16),
        (-1, 65535, np.float32),
        (0, 0.5, np.float32),
    ],
)
def test_values_are_stored_in_the_smallest_exact_type(low: float, high: float, kind: type) -> None:
    values = np.array([low, high], dtype=np.float64)
    assert smallest_exact(values).dtype == kind
    np.testing.assert_array_equal(smallest_exact(values), values)


# -- NIfTI ------------------------------------------------------------------------


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_every_orientation_of_a_nifti_file_comes_out_alike(
    tmp_path: Path, axes: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    """The same head, stored in each of the 48 axis orders, gives the same volume."""
    head = np.arange(2 * 3 * 4, dtype=np.int16).reshape(4, 3, 2)  # x (left), y (posterior), z
    lps = np.array([[1.5, 0, 0, -10], [0, 2.5, 0, -20], [0, 0, 3.5, -30], [0, 0, 0, 1]])
    stored, affine = head, np.diag([-1.0, -1, 1, 1]) @ lps
    for axis, sign in enumerate(signs):
        if sign < 0:
            affine = affine.copy()
            affine[:3, 3] += affine[:3, axis] * (stored.shape[axis] - 1)
            affine[:3, axis] *= -1
            stored = np.flip(stored, axis)
    stored, affine = stored.transpose(axes), affine[:, [*axes, 3]]
    path = tmp_path / "head.nii"
    nib.save(nib.Nifti1Image(stored, affine), path)

    volume = volume_from_nifti(path, modality="MR")
    np.testing.assert_allclose(volume.affine_lps_mm, lps, atol=1e-5)
    np.testing.assert_array_equal(volume.array, head.transpose(2, 1, 0))


def test_a_nifti_file_without_orientation_is_refused(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))
    image.set_qform(None, 0)
    image.set_sform(None, 0)
    nib.save(image, tmp_path / "a.nii")
    with pytest.raises(CaseError, match="left and right are unknown"):
        volume_from_nifti(tmp_path / "a.nii", modality="MR")


def test_what_is_no_nifti_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(b"not an image")
    with pytest.raises(CaseError, match=r"a\.nii: can't be read as NIfTI"):
        volume_from_nifti(tmp_path / "a.nii", modality="MR")


# -- DICOM series -------------------------------------------------------------------


def slice_of(z_mm: float, value: int = 0, **other: object) -> Dataset:
    """One small CT slice at height z, all pixels of one value."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPInstanceUID = f"1.2.3.{round(z_mm * 1000) % 10**9}.{value}"
    dataset.Modality = "CT"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 4, 3, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = (
        16,
        16,
        15,
        1,
    )
    dataset.ImagePositionPatient = [-10, -20, z_mm]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [0.5, 0.25]  # rows 0.5 mm apart, columns 0.25
    dataset.RescaleIntercept, dataset.RescaleSlope = -1024, 1
    for name, given_value in other.items():
        setattr(dataset, name, given_value)
    dataset.PixelData = np.full((4, 3), value, np.int16).tobytes()
    return dataset


def test_slices_are_ordered_by_place_not_by_file_or_instance_number() -> None:
    files = [slice_of(z, value=1024 + n, InstanceNumber=9 - n) for n, z in enumerate([5, -5, 0])]
    volume, order = volume_from_dicom(files)
    assert order == [1, 2, 0]
    assert volume.array[:, 0, 0].tolist() == [1, 2, 0]
    assert volume.spacing_mm == (0.25, 0.5, 5)
    assert volume.unit == "HU"
    np.testing.assert_allclose(volume.patient_from_voxel((2, 3, 1)), [-9.5, -18.5, 0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-90, 90), min_size=3, max_size=3), st.floats(0.3, 8), st.randoms())
def test_an_oblique_stack_keeps_its_geometry(
    angles_deg: list[float], gap_mm: float, random: object
) -> None:
    ax, ay, az = np.radians(angles_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(ax), -np.sin(ax)], [0, np.sin(ax), np.cos(ax)]])
    about_y = np.array([[np.cos(ay), 0, np.sin(ay)], [0, 1, 0], [-np.sin(ay), 0, np.cos(ay)]])
    about_z = np.array([[np.cos(az), -np.sin(az), 0], [np.sin(az), np.cos(az), 0], [0, 0, 1]])
    turn = about_x @ about_y @ about_z
    files = [
        slice_of(
            k,
            value=k,
            ImagePositionPatient=[float(f"{v:.9g}") for v in turn[:, 2] * gap_mm * k],
            ImageOrientationPatient=[float(f"{v:.9g}") for v in turn[:, :2].T.ravel()],
        )
        for k in range(4)
    ]
    random.shuffle(files)  # type: ignore[attr-defined]
    volume, _order = volume_from_dicom(files)
    assert volume.array[:, 0, 0].tolist() == [-1024, -1023, -1022, -1021]
    expected = turn @ np.diag([0.25, 0.5, gap_mm])
    np.testing.assert_allclose(volume.affine_lps_mm[:3, :3], expected, atol=1e-5)


def test_slope_and_intercept_are_those_of_each_slice() -> None:
    volume, _ = volume_from_dicom(
        [
            slice_of(0, 10, RescaleSlope=2, RescaleIntercept=0),
            slice_of(1, 10, RescaleSlope=0.5, RescaleIntercept=0),
        ]
    )
    assert volume.array[:, 0, 0].tolist() == [20, 5]


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ([], "no image was given"),
        ([slice_of(0), slice_of(1), slice_of(3)], "a slice is missing"),
        ([slice_of(0), slice_of(1), slice_of(1, 7)], "lie at the same place"),
        (
            [slice_of(0), slice_of(1, ImageOrientationPatient=[0, 1, 0, 0, 0, -1])],
            "2 stacks .*axial.*sagittal",
        ),
        ([slice_of(0, ImageOrientationPatient=[1, 0, 0, 1, 0, 0])], "two perpendicular vectors"),
        ([slice_of(0, SamplesPerPixel=3)], "SamplesPerPixel .0028,0002. is 3"),
        ([slice_of(0), slice_of(1, ImagePositionPatient=None)], "without a place"),
    ],
)
def test_a_series_that_is_no_grid_is_refused(files: Sequence[Dataset], complaint: str) -> None:
    with pytest.raises(CaseError, match=complaint):
        volume_from_dicom(files)


def test_gaps_that_differ_by_a_scanners_rounding_are_one_grid() -> None:
    volume, _ = volume_from_dicom([slice_of(0), slice_of(3.27), slice_of(6.56)])
    assert volume.spacing_mm[2] == pytest.approx(3.28)


def test_pixels_that_cannot_be_decoded_are_named() -> None:
    broken = slice_of(0)
    broken.PixelData = b"\0\0"
    with pytest.raises(CaseError, match="can't be decoded"):
        volume_from_dicom([broken])


@pytest.mark.parametrize(
    ("array", "affine", "complaint"),
    [
        (np.zeros((2, 2), np.uint8), np.eye(4), r"must be \[slice, row, column\]"),
        (np.zeros((1, 2, 2), np.uint8), np.diag([1.0, 0, 1, 1]), "can't be inverted"),
        (np.zeros((1, 2, 2), np.uint8), np.eye(3), "4 x 4"),
        (np.zeros((1, 2, 2), np.uint8), np.full((4, 4), np.nan), "finite"),
    ],
)
def test_a_volume_without_geometry_is_refused(
    array: np.ndarray, affine: np.ndarray, complaint: str
) -> None:
    with pytest.raises(CaseError, match=complaint):
        Volume(array, affine, "1", "MR")


def test_a_volume_cannot_be_changed_by_accident(opened: Callable[[str], Case]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        opened("liver-mr").volume.array[0, 0, 0] = 1


# -- multi-frame and larger real series ---------------------------------------------


def test_an_enhanced_image_takes_its_geometry_from_its_functional_groups() -> None:
    path = pydicom.data.get_testdata_file("eCT_Supplemental.dcm", download=False)
    dataset = pydicom.dcmread(path)
    volume, order = volume_from_dicom([dataset])
    assert order == [0] * volume.array.shape[0]
    assert volume.is_calibrated
    assert "PixelSpacing" not in dataset
    frames = dataset.PerFrameFunctionalGroupsSequence
    positions = sorted(
        (list(map(float, frame.PlanePositionSequence[0].ImagePositionPatient)) for frame in frames),
        key=lambda p: p[2],
    )
    found = volume.patient_from_voxel([(0, 0, k) for k in range(len(frames))])
    np.testing.assert_allclose(sorted(found.tolist(), key=lambda p: p[2]), positions, atol=0.05)
