"""Segmentations: regions as voxels of the source grid, the same in our hands and in others'."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from clerkship_cases import Annotation, Case, CaseError, read_seg, region_mask, write_seg
from clerkship_cases.annotation import new_uid
from clerkship_cases.standards.seg import UNLABELLED, write_masks

Open = Callable[[str], Case]


def two_regions(case: Case) -> list[Annotation]:
    """Two overlapping shapes of different label on the middle slice, and a length that has no inside."""
    k = case.volume.array.shape[0] // 2
    place = case.volume.patient_from_voxel
    return [
        Annotation.new(
            "region", place([(10.2, 10.1, k), (90.7, 20, k), (60.3, 80, k)]), label="lesion"
        ),
        Annotation.new(
            "ellipse", place([(10, 50, k), (90, 50, k), (50, 30, k), (50, 70, k)]), label="Knöchel"
        ),
        Annotation.new("length", place([(0, 0, k), (5, 5, k)]), label="line"),
    ]


def test_overlapping_labels_survive_on_every_case(case: Case, tmp_path: Path) -> None:
    drawn = two_regions(case)
    path = write_seg(tmp_path / "task.seg.dcm", case, drawn, observer="student1")
    assert path is not None
    found = read_seg(path, case)
    assert list(found) == ["lesion", "Knöchel"]
    for annotation in drawn[:2]:
        np.testing.assert_array_equal(found[annotation.label], region_mask(annotation, case.volume))
    assert (found["lesion"] & found["Knöchel"]).any()


@pytest.mark.parametrize("case_id", ["bone-scan", "brain-mni152", "liver-mr", "tibia-nof"])
def test_highdicom_reads_the_same_voxels(opened: Open, tmp_path: Path, case_id: str) -> None:
    case = opened(case_id)
    drawn = two_regions(case)
    path = write_seg(tmp_path / "a.dcm", case, drawn, observer="student1")
    seg = hd.seg.segread(path)
    k = case.volume.array.shape[0] // 2
    pixels = seg.get_pixels_by_source_instance([case.images[k].SOPInstanceUID])
    for n, annotation in enumerate(drawn[:2]):
        np.testing.assert_array_equal(pixels[0, :, :, n], region_mask(annotation, case.volume)[k])
        assert seg.get_segment_description(n + 1).segment_label == annotation.label


@pytest.mark.parametrize("case_id", ["brain-mni152", "liver-mr", "shoulder-mr"])
def test_pydicom_reads_the_same_place_in_the_patient(
    opened: Open, tmp_path: Path, case_id: str
) -> None:
    case = opened(case_id)
    path = write_seg(tmp_path / "a.dcm", case, two_regions(case), observer="student1")
    dataset = pydicom.dcmread(path)
    assert dataset.FrameOfReferenceUID == case.volume.frame_of_reference_uid
    shared = dataset.SharedFunctionalGroupsSequence[0]
    column_mm, row_mm, _ = case.volume.spacing_mm
    np.testing.assert_allclose(
        shared.PixelMeasuresSequence[0].PixelSpacing, (row_mm, column_mm), atol=1e-5
    )
    orientation = np.reshape(
        shared.PlaneOrientationSequence[0].ImageOrientationPatient, (2, 3)
    ).astype(float)
    np.testing.assert_allclose(
        orientation[0] * column_mm, case.volume.affine_lps_mm[:3, 0], atol=1e-5
    )
    k = case.volume.array.shape[0] // 2
    place = (
        dataset.PerFrameFunctionalGroupsSequence[0].get("PlanePositionSequence")
        or shared.PlanePositionSequence
    )[0].ImagePositionPatient
    np.testing.assert_allclose(
        np.array(place, float), case.volume.patient_from_voxel((0, 0, k)), atol=1e-3
    )


@pytest.mark.parametrize("case_id", ["tibia-nof", "chest-pa", "bone-scan"])
def test_no_place_and_no_spacing_is_invented(opened: Open, tmp_path: Path, case_id: str) -> None:
    case = opened(case_id)
    path = write_seg(tmp_path / "a.dcm", case, two_regions(case), observer="student1")
    dataset = pydicom.dcmread(path)
    assert "FrameOfReferenceUID" not in dataset
    assert "ImagePositionPatient" not in str(dataset)
    assert not [item for item in dataset.iterall() if item.keyword == "PixelSpacing"]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_region_on_a_reformat_spans_many_slices(opened: Open, tmp_path: Path, axis: int) -> None:
    case = opened("brain-mni152")
    corners = np.insert(
        np.array([(60, 40), (120, 40), (120, 100), (60, 100)], float), axis, 90.0, axis=1
    )
    region = Annotation.new("region", case.volume.patient_from_voxel(corners), label="x")
    path = write_seg(tmp_path / "a.dcm", case, [region], observer="student1")
    assert path is not None
    found = read_seg(path, case)["x"]
    np.testing.assert_array_equal(found, region_mask(region, case.volume))
    assert found.any(axis=(1, 2)).sum() == 60
    assert path.stat().st_size < 1_000_000  # empty slices are left out


def test_shapes_with_one_label_are_one_segment(opened: Open, tmp_path: Path) -> None:
    case = opened("tibia-nof")
    first, second = (
        Annotation.new("region", [(x, 10.5, 0), (x + 10, 10.5, 0), (x + 10, 20.5, 0), (x, 20.5, 0)])
        for x in (5.5, 12.5)
    )
    path = write_seg(tmp_path / "a.dcm", case, [first, second], observer="student1")
    assert path is not None
    found = read_seg(path, case)
    assert {label: int(mask.sum()) for label, mask in found.items()} == {UNLABELLED: 170}


def test_a_label_whose_shape_holds_no_voxel_is_still_there(opened: Open, tmp_path: Path) -> None:
    case = opened("liver-mr")
    place = case.volume.patient_from_voxel
    tiny = Annotation.new(
        "region", place([(10.2, 5.2, 0), (10.8, 5.2, 0), (10.5, 5.8, 0)]), label="tiny"
    )
    for others in ([], two_regions(case)):
        path = write_seg(tmp_path / "a.dcm", case, [tiny, *others], observer="student1")
        assert path is not None
        found = read_seg(path, case)
        assert not found["tiny"].any()
        assert len(found) == 1 + len(others[:2])


def test_no_region_means_no_file(opened: Open, tmp_path: Path) -> None:
    case, path = opened("tibia-nof"), tmp_path / "a.dcm"
    drawn = two_regions(case)
    assert write_seg(path, case, drawn, observer="student1") == path
    assert write_seg(path, case, drawn[2:], observer="student1") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_mask_survives(
    opened: Open, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """484 x 484 is no multiple of 8: frames begin inside a byte."""
    case = opened("liver-mr")
    random = np.random.default_rng(seed)
    masks = {name: random.random(case.volume.array.shape) < 0.5 for name in ("a", "b", "c")}
    path = write_masks(tmp_path_factory.mktemp("seg") / "a.dcm", case, masks, observer="student1")
    assert path is not None
    found = read_seg(path, case)
    for name, mask in masks.items():
        np.testing.assert_array_equal(found[name], mask)


def test_a_mask_of_another_shape_is_refused(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"has shape \(1, 2, 2\)"):
        write_masks(
            tmp_path / "a.dcm",
            opened("liver-mr"),
            {"x": np.ones((1, 2, 2), bool)},
            observer="student1",
        )


# -- files that come from outside -------------------------------------------------


def spoil_image(dataset: Dataset) -> None:
    groups = [*dataset.PerFrameFunctionalGroupsSequence, *dataset.SharedFunctionalGroupsSequence]
    for group in groups:
        for derivation in group.get("DerivationImageSequence", []):
            derivation.SourceImageSequence[0].ReferencedSOPInstanceUID = new_uid()


def spoil_frames(dataset: Dataset) -> None:
    dataset.NumberOfFrames = 100_000


def spoil_pixels(dataset: Dataset) -> None:
    dataset.PixelData = dataset.PixelData[:100]


def spoil_rows(dataset: Dataset) -> None:
    dataset.Rows = 60_000


def spoil_groups(dataset: Dataset) -> None:
    dataset.NumberOfFrames = 1


def spoil_number(dataset: Dataset) -> None:
    dataset.SegmentSequence[0].SegmentNumber = 7


def spoil_twice(dataset: Dataset) -> None:
    dataset.SegmentSequence[0].SegmentNumber = 2


def spoil_segments(dataset: Dataset) -> None:
    dataset.SegmentSequence.extend([dataset.SegmentSequence[0]] * 40)


def spoil_bits(dataset: Dataset) -> None:
    dataset.BitsAllocated = 8


def spoil_type(dataset: Dataset) -> None:
    dataset.SegmentationType = "FRACTIONAL"


def spoil_derivation(dataset: Dataset) -> None:
    for group in [
        *dataset.PerFrameFunctionalGroupsSequence,
        *dataset.SharedFunctionalGroupsSequence,
    ]:
        if "DerivationImageSequence" in group:
            del group.DerivationImageSequence


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (spoil_image, "was drawn on another image"),
        (spoil_frames, "100000 frames; this case allows 1 to 2"),
        (spoil_pixels, "cut short"),
        (spoil_rows, "60000 x 484 pixels"),
        (spoil_groups, "has 1 frames but describes 2"),
        (spoil_number, "frame of segment 1, which it does not describe"),
        (spoil_twice, "one number to two segments"),
        (spoil_segments, "42 segments"),
        (spoil_bits, "8 bits per pixel"),
        (spoil_type, "FRACTIONAL"),
        (spoil_derivation, "damaged or was not written by Clerkship"),
    ],
)
def test_a_spoilt_segmentation_is_refused_with_a_reason(
    opened: Open, tmp_path: Path, spoil: Callable[[Dataset], None], complaint: str
) -> None:
    case = opened("liver-mr")
    path = write_seg(tmp_path / "a.dcm", case, two_regions(case), observer="student1")
    assert path is not None
    dataset = pydicom.dcmread(path)
    spoil(dataset)
    dataset.save_as(path)
    with pytest.raises(CaseError, match=complaint):
        read_seg(path, case)


def test_a_segmentation_of_another_case_is_refused(opened: Open, tmp_path: Path) -> None:
    path = write_seg(
        tmp_path / "a.dcm", opened("liver-mr"), two_regions(opened("liver-mr")), observer="student1"
    )
    assert path is not None
    with pytest.raises(CaseError, match="belongs to another case"):
        read_seg(path, opened("shoulder-mr"))


def test_a_report_is_no_segmentation(opened: Open, tmp_path: Path) -> None:
    from clerkship_cases import write_sr

    case = opened("liver-mr")
    path = write_sr(tmp_path / "a.dcm", case, two_regions(case), observer="student1")
    assert path is not None
    with pytest.raises(
        CaseError, match="holds Comprehensive 3D SR Storage; expected a DICOM Segmentation"
    ):
        read_seg(path, case)


@pytest.mark.slow
def test_a_clinical_liver_segmentation_lies_where_its_authors_put_it(test_data: Path) -> None:
    """The dcmqi liver over its CT: our geometry reproduces its published voxel counts and mean HU."""
    from clerkship_cases.series import volume_from_dicom

    folder = test_data / "dcmqi-ct3-liver-seg"
    datasets = [pydicom.dcmread(path) for path in sorted((folder / "ct").glob("*.dcm"))]
    volume, order = volume_from_dicom(datasets)
    seg = hd.seg.segread(folder / "seg_liver.dcm")
    uids = [datasets[n].SOPInstanceUID for n in order]
    mask = (
        seg.get_pixels_by_source_instance(
            uids, ignore_spatial_locations=True, combine_segments=True
        )
        > 0
    )
    assert mask.sum(axis=(1, 2)).tolist() == [36_233, 35_645, 35_220]
    for k in range(3):
        assert 32.9 <= volume.array[k][mask[k]].mean() <= 41
