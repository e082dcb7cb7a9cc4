"""Series as they come from hospitals: traps of order and orientation, gaps, duplicates, tilt.

Each trap is made from a real CT by changing headers; the right answer is that of the untouched series.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dicom_files import HEART_CT, changed, read, shipped
from pydicom.dataset import Dataset

from clerkship_cases import CaseError
from clerkship_cases.dicom import OpenedSeries, group_series, read_series, volume_from_dicom


@pytest.fixture(scope="module")
def heart() -> OpenedSeries:
    return read_series(HEART_CT)


def value_at(series: OpenedSeries, point_lps_mm: np.ndarray) -> float:
    """The value of the voxel nearest to a point of the patient."""
    i, j, k = np.rint(series.volume.voxel_from_patient(point_lps_mm)).astype(int)
    return float(series.volume.array[k, j, i])


def assert_same_patient(series: OpenedSeries, reference: OpenedSeries) -> None:
    """Whatever the grid: every voxel of the reference has its value at its place."""
    slices, rows, columns = reference.volume.array.shape
    assert series.volume.array.size == reference.volume.array.size
    for k, j, i in np.ndindex(slices, rows, columns):
        point_lps_mm = reference.volume.patient_from_voxel((i, j, k))
        assert value_at(series, point_lps_mm) == reference.volume.array[k, j, i]


def test_the_real_series_is_read_as_it_is(heart: OpenedSeries) -> None:
    assert heart.volume.array.shape == (5, 16, 16)
    assert heart.volume.unit == "HU"
    assert heart.volume.spacing_mm == pytest.approx((0.488281, 0.488281, 2.5))
    assert heart.notes == ()
    heights = [float(header.ImagePositionPatient[2]) for header in heart.headers]
    assert heights == sorted(heights)


# -- order -----------------------------------------------------------------------------


def test_file_names_and_instance_numbers_say_nothing_about_place(
    heart: OpenedSeries, tmp_path: Path
) -> None:
    def against(n: int, dataset: Dataset) -> None:
        dataset.InstanceNumber = 99 - n

    mixed = [HEART_CT[n] for n in (3, 0, 4, 1, 2)]
    series = read_series(changed(mixed, tmp_path, against))
    assert np.array_equal(series.volume.array, heart.volume.array)
    np.testing.assert_allclose(series.volume.affine_lps_mm, heart.volume.affine_lps_mm)
    assert [series.order.index(n) for n in range(5)] == [
        heart.order.index(HEART_CT.index(path)) for path in mixed
    ]


def test_rows_that_run_upwards_are_put_where_they_belong(
    heart: OpenedSeries, tmp_path: Path
) -> None:
    """Rows stored from bottom to top, and a header that says so: the normal points the other way."""

    def flip(_n: int, dataset: Dataset) -> None:
        pixels = dataset.pixel_array[::-1]
        down = np.array(dataset.ImageOrientationPatient[3:], float)
        last = np.array(dataset.ImagePositionPatient, float)
        last += down * (dataset.Rows - 1) * float(dataset.PixelSpacing[0])
        dataset.ImagePositionPatient = [float(f"{v:.8g}") for v in last]
        dataset.ImageOrientationPatient = [*dataset.ImageOrientationPatient[:3], *(-down)]
        dataset.PixelData = np.ascontiguousarray(pixels).tobytes()

    series = read_series(changed(HEART_CT, tmp_path, flip))
    heights = [float(header.ImagePositionPatient[2]) for header in series.headers]
    assert heights == sorted(heights, reverse=True)  # along the normal, which points down now
    assert np.linalg.det(series.volume.affine_lps_mm[:3, :3]) > 0
    assert_same_patient(series, heart)


@pytest.mark.parametrize("plane", ["sagittal", "coronal"])
def test_stacks_of_other_directions_lie_at_the_same_place(
    heart: OpenedSeries, tmp_path: Path, plane: str
) -> None:
    """The same voxels stored as sagittal or coronal images."""
    volume = heart.volume
    x, y, z = (volume.affine_lps_mm[:3, n] / volume.spacing_mm[n] for n in range(3))
    array = volume.array
    count = array.shape[2] if plane == "sagittal" else array.shape[1]

    def store(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[float]]:
        if plane == "sagittal":  # columns run posterior, rows run down: feet at the bottom
            return array[::-1, :, n], y, -z, [n, 0, len(array) - 1]
        return array[::-1, n, :], x, -z, [0, n, len(array) - 1]

    template = HEART_CT[0]

    def cut(n: int, dataset: Dataset) -> None:
        pixels, along_row, along_column, corner = store(n)
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.ImagePositionPatient = [
            float(f"{v:.9g}") for v in volume.patient_from_voxel(corner)
        ]
        dataset.ImageOrientationPatient = [float(v) for v in (*along_row, *along_column)]
        dataset.PixelSpacing = [volume.spacing_mm[2], volume.spacing_mm[0]]
        dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
        dataset.PixelRepresentation = 1
        dataset.SOPInstanceUID = f"1.2.3.{n}"
        dataset.PixelData = np.ascontiguousarray(pixels, np.int16).tobytes()

    series = read_series(changed([template] * count, tmp_path, cut))
    assert series.volume.array.shape[0] == count
    assert_same_patient(series, heart)


def test_a_stack_stored_from_head_to_feet_is_the_same_volume(
    heart: OpenedSeries, tmp_path: Path
) -> None:
    paths = list(reversed(HEART_CT))
    series = read_series(changed(paths, tmp_path, lambda _n, _dataset: None))
    assert np.array_equal(series.volume.array, heart.volume.array)


# -- gaps, duplicates, tilt --------------------------------------------------------------


def without(n_left_out: int) -> list[Path]:
    by_height = sorted(HEART_CT, key=lambda path: float(read(path).ImagePositionPatient[2]))
    return [path for n, path in enumerate(by_height) if n != n_left_out]


def test_a_missing_slice_is_refused_and_its_place_is_said() -> None:
    with pytest.raises(CaseError, match=r"a slice is missing: 1 after slice 1 \(") as refusal:
        read_series(without(2))
    assert "elsewhere the gap is 2.50 mm" in str(refusal.value)
    assert "Give the complete series" in str(refusal.value)


def test_a_missing_slice_is_taken_when_asked_for_and_said() -> None:
    series = read_series(without(2), accept_uneven=True)
    assert series.volume.array.shape[0] == 4
    assert any(note.startswith("A slice is missing") for note in series.notes)
    assert "from where they lie" in series.notes[0]


def test_a_missing_end_cannot_be_seen() -> None:
    """Nobody can know: the series is only shorter."""
    assert read_series(without(0)).notes == ()


def moved(offsets_mm: list[float]) -> Callable[[int, Dataset], None]:
    def move(n: int, dataset: Dataset) -> None:
        x, y, z = (float(v) for v in dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [x, y, round(z + offsets_mm[n], 6)]

    return move


def test_uneven_slices_are_said_within_tolerance_and_refused_above(tmp_path: Path) -> None:
    near = read_series(changed(HEART_CT, tmp_path / "a", moved([0, 0.02, 0, 0, 0])))
    assert near.notes == ("Gaps between slices vary from 2.480 to 2.520 mm; their mean is used.",)
    far = changed(HEART_CT, tmp_path / "b", moved([0, 0.9, 0, 0, 0]))
    with pytest.raises(CaseError, match=r"unevenly spaced: gaps run from 1\.60 to 3\.40 mm"):
        read_series(far)
    assert "unevenly spaced" in read_series(far, accept_uneven=True).notes[0]


def test_a_file_that_is_there_twice_is_dropped_and_said(
    heart: OpenedSeries, tmp_path: Path
) -> None:
    copy = changed(HEART_CT[1:2], tmp_path, lambda _n, _dataset: None)
    series = read_series([*HEART_CT, *copy])
    assert np.array_equal(series.volume.array, heart.volume.array)
    assert series.notes == (
        "Duplicate files were dropped: 1 held an image that another file holds.",
    )
    assert 5 not in series.order


def test_an_image_that_was_sent_again_under_a_new_uid_is_dropped_and_said(tmp_path: Path) -> None:
    def again(_n: int, dataset: Dataset) -> None:
        dataset.SOPInstanceUID = "1.2.3"

    series = read_series([*HEART_CT, *changed(HEART_CT[1:2], tmp_path, again)])
    assert series.volume.array.shape[0] == 5
    assert series.notes[0].startswith("Duplicate slices were dropped: 1 repeated")


def test_two_different_images_at_one_place_are_refused(tmp_path: Path) -> None:
    def other(_n: int, dataset: Dataset) -> None:
        dataset.SOPInstanceUID = "1.2.3"
        dataset.PixelData = bytes(len(dataset.PixelData))

    with pytest.raises(CaseError, match="two different images lie at the same place"):
        read_series([*HEART_CT, *changed(HEART_CT[1:2], tmp_path, other)])


def test_one_uid_with_two_contents_is_refused(tmp_path: Path) -> None:
    def other(_n: int, dataset: Dataset) -> None:
        dataset.PixelData = bytes(len(dataset.PixelData))

    with pytest.raises(CaseError, match=r"same SOPInstanceUID \(0008,0018\)"):
        read_series([*HEART_CT, *changed(HEART_CT[1:2], tmp_path, other)])


def test_a_tilted_gantry_shears_the_grid_and_is_said(tmp_path: Path) -> None:
    """15 degrees about x: positions keep moving along the table, slices lean."""
    tilt = np.radians(15)
    lean = np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)]])

    def turn(_n: int, dataset: Dataset) -> None:
        dataset.ImageOrientationPatient = [float(f"{v:.9g}") for v in lean.ravel()]

    series = read_series(changed(HEART_CT, tmp_path, turn))
    assert series.notes == (
        "The gantry was tilted by 15.0 degrees: each slice is shifted against the one below, so the "
        "grid is sheared.",
    )
    affine = series.volume.affine_lps_mm
    np.testing.assert_allclose(affine[:3, 2], [0, 0, 2.5], atol=1e-6)  # along the table
    np.testing.assert_allclose(affine[:3, 1] / 0.488281, lean[1], atol=1e-6)
    for k, header in enumerate(series.headers):
        found = series.volume.patient_from_voxel((0, 0, k))
        np.testing.assert_allclose(found, [float(v) for v in header.ImagePositionPatient])


def test_a_slice_beside_the_line_is_refused(tmp_path: Path) -> None:
    def jump(n: int, dataset: Dataset) -> None:
        x, y, z = (float(v) for v in dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [x + (8 if n == 2 else 0), y, z]

    with pytest.raises(CaseError, match=r"lies 8\.00 mm beside the line"):
        read_series(changed(HEART_CT, tmp_path, jump))


def test_different_sizes_and_spacings_are_refused(tmp_path: Path) -> None:
    def coarse(_n: int, dataset: Dataset) -> None:
        dataset.PixelSpacing = [0.6, 0.6]

    with pytest.raises(
        CaseError, match=r"different PixelSpacing \(0028,0030\), for instance 0.dcm"
    ):
        read_series([*HEART_CT[1:], *changed(HEART_CT[:1], tmp_path, coarse)])


# -- several stacks -----------------------------------------------------------------------


def test_series_of_one_folder_are_told_apart(tmp_path: Path) -> None:
    mr = changed([shipped("MR_small.dcm")], tmp_path, lambda _n, _dataset: None)
    found = group_series([*HEART_CT[:3], *mr, *HEART_CT[3:], shipped("rtstruct.dcm")])
    assert [(series.modality, series.slices) for series in found] == [
        ("CT", 5),
        ("MR", 1),
        ("RTSTRUCT", 0),
    ]
    assert [series.is_image for series in found] == [True, True, False]
    assert read_series(found[0].paths, part=found[0].part).volume.array.shape == (5, 16, 16)


def test_the_directions_of_a_localiser_are_told_apart() -> None:
    folder = HEART_CT[0].parents[1] / "CT2N"
    found = group_series(sorted(folder.iterdir()))
    assert sorted(series.label for series in found) == ["coronal, 16 x 16", "sagittal, 16 x 16"]
    with pytest.raises(CaseError, match=r"holds 2 stacks .*say which one"):
        read_series(sorted(folder.iterdir()))
    for series in found:
        assert read_series(series.paths).volume.array.shape == (1, 16, 16)


def echoes(tmp_path: Path) -> list[Path]:
    def second(n: int, dataset: Dataset) -> None:
        dataset.SOPInstanceUID = f"1.2.3.{n}"
        dataset.EchoTime = 80
        dataset.InstanceNumber = 50 + n
        dataset.PixelData = bytes(len(dataset.PixelData))

    def first(_n: int, dataset: Dataset) -> None:
        dataset.EchoTime = 20

    return [
        *changed(HEART_CT, tmp_path / "first", first),
        *changed(HEART_CT, tmp_path / "second", second),
    ]


def test_echoes_of_one_series_are_told_apart(heart: OpenedSeries, tmp_path: Path) -> None:
    paths = echoes(tmp_path)
    found = group_series(paths)
    assert [(series.label, series.slices) for series in found] == [
        ("EchoTime 20.0", 5),
        ("EchoTime 80.0", 5),
    ]
    assert np.array_equal(read_series(found[0].paths).volume.array, heart.volume.array)
    with pytest.raises(
        CaseError, match=r"2 stacks \(1: EchoTime 20\.0 \(5 slices\); 2: EchoTime 80"
    ):
        read_series(paths)
    second = read_series(paths, part=2)
    assert second.volume.array.max() <= heart.volume.array.min() + 1024
    assert second.notes == ("This is one of several stacks of the series: EchoTime 80.0.",)
    with pytest.raises(CaseError, match="part 3 was asked for; the series has 2"):
        read_series(paths, part=3)


def test_repetitions_that_nothing_names_are_told_apart_by_instance_number(
    heart: OpenedSeries, tmp_path: Path
) -> None:
    def again(n: int, dataset: Dataset) -> None:
        dataset.SOPInstanceUID = f"1.2.3.{n}"
        dataset.InstanceNumber = 50 + n
        dataset.PixelData = bytes(len(dataset.PixelData))

    found = group_series([*changed(HEART_CT, tmp_path, again), *HEART_CT])
    assert [series.label for series in found] == ["repetition 1 of 2", "repetition 2 of 2"]
    assert np.array_equal(read_series(found[0].paths).volume.array, heart.volume.array)


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_grouped(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not an image at all" * 20)
    told: list[tuple[str, str]] = []
    found = group_series(
        [tmp_path / "notes.txt", *HEART_CT],
        on_error=lambda path, problem: told.append((path.name, str(problem))),
    )
    assert [series.slices for series in found] == [5]
    assert told[0][0] == "notes.txt"
    assert "not a DICOM file" in told[0][1]
    with pytest.raises(CaseError, match="not a DICOM file"):
        group_series([tmp_path / "notes.txt"])


# -- multi-frame ---------------------------------------------------------------------------


def item(**attributes: object) -> Dataset:
    """An item of a sequence; a data set given as a value becomes a sequence of one."""
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, [value] if isinstance(value, Dataset) else value)
    return made


def test_the_stacks_of_an_enhanced_image_are_told_apart(tmp_path: Path) -> None:
    """The ten frames of a real enhanced MR, placed as two echoes of five slices."""

    def two_echoes(_n: int, dataset: Dataset) -> None:
        dataset.PerFrameFunctionalGroupsSequence = [
            item(
                PlanePositionSequence=item(ImagePositionPatient=[-30, -40, 5 * (n % 5)]),
                PlaneOrientationSequence=item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
                PixelMeasuresSequence=item(PixelSpacing=[0.5, 0.75]),
                MREchoSequence=item(EffectiveEchoTime=10.0 if n < 5 else 90.0),
            )
            for n in range(10)
        ]

    paths = changed([shipped("emri_small.dcm")], tmp_path, two_echoes)
    with pytest.raises(CaseError, match=r"2 stacks .*EffectiveEchoTime 10"):
        read_series(paths)
    found = group_series(paths)
    assert [(series.part, series.slices) for series in found] == [(1, 5), (2, 5)]
    opened = [read_series(series.paths, part=series.part) for series in found]
    assert [one.frame_numbers for one in opened] == [(1, 2, 3, 4, 5), (6, 7, 8, 9, 10)]
    frames = read(paths[0]).pixel_array
    assert np.array_equal(opened[0].volume.array, frames[:5])
    assert np.array_equal(opened[1].volume.array, frames[5:])
    assert opened[0].volume.spacing_mm == (0.75, 0.5, 5)
    np.testing.assert_allclose(opened[1].volume.patient_from_voxel((2, 1, 3)), [-28.5, -39.5, 15])


def test_an_enhanced_image_uses_the_functional_groups_of_each_frame() -> None:
    path = shipped("eCT_Supplemental.dcm")
    series, dataset = read_series([path]), read(path)
    assert sorted(series.frame_numbers) == [1, 2]
    for k, frame in enumerate(series.frame_numbers):
        position = dataset.PerFrameFunctionalGroupsSequence[frame - 1].PlanePositionSequence[0]
        found = series.volume.patient_from_voxel((0, 0, k))
        np.testing.assert_allclose(found, [float(v) for v in position.ImagePositionPatient])
    shared = dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    assert float(shared.RescaleIntercept) == -1024
    assert np.array_equal(
        series.volume.array, dataset.pixel_array[np.array(series.frame_numbers) - 1] - 1024.0
    )


def test_a_film_has_no_place_and_keeps_its_order() -> None:
    series = read_series([shipped("examples_ybr_color.dcm")])
    assert series.frame_numbers == tuple(range(1, 31))
    assert series.volume.is_colour
    assert series.volume.frame_of_reference_uid is None
    assert "does not place" in series.notes[0]


def test_images_in_memory_give_the_volume_of_their_files(heart: OpenedSeries) -> None:
    volume, order = volume_from_dicom([read(path) for path in HEART_CT])
    assert np.array_equal(volume.array, heart.volume.array)
    assert tuple(order) == heart.order
