"""Segmentations: regions as voxels of the source grid, the same in our hands and in others'."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from clerkship_cases import Annotation, Case, CaseError, read_seg, region_mask, write_seg
from clerkship_cases.annotation import new_uid
from clerkship_cases.standards.codes import Code
from clerkship_cases.standards.seg import UNLABELLED, read_segments, write_masks
from clerkship_cases.standards.seg_frames import Place

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


def spoil_place(dataset: Dataset) -> None:
    for group in [
        *dataset.PerFrameFunctionalGroupsSequence,
        *dataset.SharedFunctionalGroupsSequence,
    ]:
        for keyword in ("DerivationImageSequence", "PlanePositionSequence"):
            if keyword in group:
                delattr(group, keyword)


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
        (spoil_place, "neither by image nor by position"),
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
    with pytest.raises(CaseError, match="was drawn on another image"):
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
    from clerkship_cases.dicom import volume_from_dicom

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


# -- files of other programs -------------------------------------------------------


@pytest.fixture(scope="module")
def liver_ct(test_data: Path, case_of_files: Callable[..., Case]) -> Case:
    """Three CT slices of the dcmqi project, with segmentations that 3D Slicer and dcmqi wrote."""
    return case_of_files(
        "liver-ct", sorted((test_data / "dcmqi-ct3-liver-seg" / "ct").glob("*.dcm"))
    )


@pytest.mark.parametrize("place", ["source", "position"])
def test_the_liver_of_dcmqi_has_the_voxels_that_its_authors_published(
    test_data: Path, liver_ct: Case, place: Place
) -> None:
    (liver,) = read_segments(
        test_data / "dcmqi-ct3-liver-seg" / "seg_liver.dcm", liver_ct, place=place
    )
    assert liver.mask.sum(axis=(1, 2)).tolist() == [36_233, 35_645, 35_220]
    assert (liver.label, liver.algorithm) == ("Liver", "SEMIAUTOMATIC")
    assert liver.property == Code("10200004", "SCT")  # the file says SRT T-62000
    for k in range(3):
        assert 32.9 <= liver_ct.volume.array[k][liver.mask[k]].mean() <= 41


def test_the_liver_of_dcmqi_is_the_mask_that_slicer_kept_as_nrrd(
    test_data: Path, liver_ct: Case
) -> None:
    """An independent reader (SimpleITK) of an independent file gives the same voxels."""
    import SimpleITK

    folder = test_data / "dcmqi-ct3-liver-seg"
    image = SimpleITK.ReadImage(str(folder / "liver_seg.nrrd"))
    (liver,) = read_segments(folder / "seg_liver.dcm", liver_ct)
    k, j, i = np.nonzero(liver.mask)
    corners = liver_ct.volume.patient_from_voxel(np.column_stack([i, j, k])[::997])
    nrrd = SimpleITK.GetArrayFromImage(image)
    assert (nrrd > 0).sum() == liver.mask.sum()
    for corner in corners:
        assert image[image.TransformPhysicalPointToIndex(corner.tolist())] > 0


def test_overlapping_segments_in_scattered_frames_keep_their_shared_voxels(
    test_data: Path, liver_ct: Case
) -> None:
    """Seven frames for five segments on three slices: absent frames are empty."""
    found = {
        segment.label: segment.mask
        for segment in read_segments(
            test_data / "dcmqi-ct3-liver-seg" / "seg_partial_overlaps.dcm", liver_ct
        )
    }
    assert list(found) == ["GREEN", "ORANGE", "PURPLE", "LIGHT_BLUE", "DARK_BLUE"]
    shared = {
        pair: int((found[pair[0]] & found[pair[1]]).sum())
        for pair in (("GREEN", "ORANGE"), ("GREEN", "PURPLE"), ("ORANGE", "PURPLE"))
    }
    assert list(shared.values()) == [3017, 95, 50]
    assert found["GREEN"].any(axis=(1, 2)).tolist() == [False, True, False]


def test_only_the_segments_that_are_asked_for_are_read(test_data: Path, liver_ct: Case) -> None:
    path = test_data / "dcmqi-ct3-liver-seg" / "seg_partial_overlaps.dcm"
    assert [s.label for s in read_segments(path, liver_ct, labels=["PURPLE"])] == ["PURPLE"]
    with pytest.raises(CaseError, match="no segment 'RED'; it has: GREEN, ORANGE"):
        read_segments(path, liver_ct, labels=["RED"])


def test_a_foreign_segmentation_of_another_study_is_refused(opened: Open, test_data: Path) -> None:
    path = test_data / "dcmqi-ct3-liver-seg" / "seg_liver.dcm"
    for place in ("source", "position"):
        with pytest.raises(CaseError, match="belongs to another case"):
            read_segments(path, opened("brain-mni152"), place=place)  # type: ignore[arg-type]


def rewrite(path: Path, change: Callable[[Dataset], None]) -> Path:
    dataset = pydicom.dcmread(path)
    change(dataset)
    dataset.save_as(path)
    return path


def frames_of(dataset: Dataset) -> np.ndarray:
    return np.asarray(dataset.pixel_array, bool).reshape(-1, dataset.Rows, dataset.Columns)


def pack(frames: np.ndarray) -> bytes:
    raw = np.packbits(frames.astype(bool).ravel(), bitorder="little").tobytes()
    return raw + b"\x00" * (len(raw) % 2)


@pytest.fixture
def ball_on_brain(opened: Open, tmp_path: Path) -> tuple[Path, Case, np.ndarray]:
    """An asymmetric body over 9 slices: any swap or flip of axes would show."""
    case = opened("brain-mni152")
    k, j, i = np.ogrid[tuple(slice(n) for n in case.volume.array.shape)]
    mask = ((k - 60) ** 2 / 4 + (j - 90) ** 2 / 9 + (i - 70) ** 2 < 20) & (i + j > 155)
    path = write_masks(tmp_path / "a.dcm", case, {"body": mask}, observer="r1")
    assert path is not None
    return path, case, mask


def test_frames_may_come_in_any_order(ball_on_brain: tuple[Path, Case, np.ndarray]) -> None:
    path, case, mask = ball_on_brain

    def shuffle(dataset: Dataset) -> None:
        order = np.random.default_rng(3).permutation(int(dataset.NumberOfFrames))
        groups = list(dataset.PerFrameFunctionalGroupsSequence)
        dataset.PixelData = pack(frames_of(dataset)[order])
        dataset.PerFrameFunctionalGroupsSequence = [groups[n] for n in order]

    (segment,) = read_segments(rewrite(path, shuffle), case)
    np.testing.assert_array_equal(segment.mask, mask)


def test_a_grid_that_is_flipped_and_cropped_lands_on_the_same_voxels(
    ball_on_brain: tuple[Path, Case, np.ndarray],
) -> None:
    """Rows run upwards, and only 60 x 50 pixels are stored: position and orientation say so."""
    path, case, mask = ball_on_brain

    def flip_and_crop(dataset: Dataset) -> None:
        shared = dataset.SharedFunctionalGroupsSequence[0]
        along = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
        row_mm, column_mm = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
        frames = frames_of(dataset)[:, 60:120, 40:90][:, ::-1]
        for group in dataset.PerFrameFunctionalGroupsSequence:
            place = group.PlanePositionSequence[0]
            origin = np.array(place.ImagePositionPatient, float)
            origin += along[:3] * column_mm * 40 + along[3:] * row_mm * 119
            place.ImagePositionPatient = origin.round(6).tolist()
        shared.PlaneOrientationSequence[0].ImageOrientationPatient = [*along[:3], *-along[3:]]
        dataset.Rows, dataset.Columns = frames.shape[1:]
        dataset.PixelData = pack(frames)

    rewrite(path, flip_and_crop)
    for place in ("source", "position"):
        (segment,) = read_segments(path, case, place=place)  # type: ignore[arg-type]
        np.testing.assert_array_equal(segment.mask, mask)


def test_position_finds_the_slices_when_uids_were_changed(
    ball_on_brain: tuple[Path, Case, np.ndarray],
) -> None:
    path, case, mask = ball_on_brain

    def rename(dataset: Dataset) -> None:
        dataset.FrameOfReferenceUID = new_uid()
        spoil_image(dataset)

    rewrite(path, rename)
    with pytest.raises(CaseError, match="drawn on another image"):
        read_segments(path, case)
    (segment,) = read_segments(path, case, place="position")
    np.testing.assert_array_equal(segment.mask, mask)


def test_half_a_voxel_off_is_not_taken_for_the_grid(
    ball_on_brain: tuple[Path, Case, np.ndarray],
) -> None:
    path, case, _mask = ball_on_brain

    def shift(dataset: Dataset) -> None:
        for group in dataset.PerFrameFunctionalGroupsSequence:
            place = group.PlanePositionSequence[0]
            place.ImagePositionPatient = [
                v + step for v, step in zip(place.ImagePositionPatient, (0.5, 0, 0), strict=True)
            ]

    with pytest.raises(CaseError, match="between the voxels"):
        read_segments(rewrite(path, shift), case)


def test_fractions_need_a_threshold_that_someone_states(
    ball_on_brain: tuple[Path, Case, np.ndarray],
) -> None:
    path, case, mask = ball_on_brain
    fractions = np.where(mask, 0.7, 0.2)[mask.any(axis=(1, 2))]

    def to_fractions(dataset: Dataset) -> None:
        dataset.SegmentationType = "FRACTIONAL"
        dataset.SegmentationFractionalType = "PROBABILITY"
        dataset.MaximumFractionalValue = 200
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.HighBit = 7
        dataset.PixelData = (fractions * 200).round().astype(np.uint8).tobytes()

    rewrite(path, to_fractions)
    with pytest.raises(CaseError, match=r"threshold=0\.5, for instance"):
        read_segments(path, case)
    (half,) = read_segments(path, case, threshold=0.5)
    np.testing.assert_array_equal(half.mask, mask)
    (low,) = read_segments(path, case, threshold=0.1)
    assert low.mask.sum() == fractions.size
    with pytest.raises(CaseError, match="fraction from 0 to 1"):
        read_segments(path, case, threshold=50)


def test_a_label_map_of_highdicom_gives_one_mask_per_label(opened: Open, tmp_path: Path) -> None:
    """The newer storage class: one number per pixel instead of one bit per segment."""
    from clerkship_cases.headers import evidence_header

    case = opened("brain-mni152")
    labels = np.zeros((3, *case.volume.array.shape[1:]), np.uint8)
    labels[0, 10:20, 10:30] = 1
    labels[1:, 40:50, 10:30] = 2
    described = [
        hd.seg.SegmentDescription(
            n, name, codes.SCT.Tissue, codes.SCT.Liver, hd.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        for n, name in ((1, "one"), (2, "two"))
    ]
    hd.seg.Segmentation(
        source_images=[evidence_header(header) for header in case.images[50:53]],
        pixel_array=labels,
        segmentation_type=hd.seg.SegmentationTypeValues.LABELMAP,
        segment_descriptions=described,
        series_instance_uid=new_uid(),
        series_number=1,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer="Someone",
        manufacturer_model_name="Something",
        software_versions="1",
        device_serial_number="1",
    ).save_as(tmp_path / "map.dcm")
    found = read_segments(tmp_path / "map.dcm", case)
    assert [segment.label for segment in found][-2:] == ["one", "two"]
    for number, segment in enumerate(found[-2:], start=1):
        np.testing.assert_array_equal(segment.mask[50:53], labels == number)
        assert segment.mask.sum() == (labels == number).sum()


@pytest.mark.parametrize(
    "case_id", ["brain-ct-perfusion", pytest.param("heart-us-cine", marks=pytest.mark.slow)]
)
def test_frames_of_one_image_are_named_by_their_number(
    opened: Open, tmp_path: Path, case_id: str
) -> None:
    case = opened(case_id)
    mask = np.zeros(case.volume.array.shape[:3], bool)
    mask[0, 5:9, 5:30] = mask[-1, 20:40, 7:11] = True
    path = write_masks(tmp_path / "a.dcm", case, {"x": mask}, observer="r1")
    assert path is not None
    np.testing.assert_array_equal(read_seg(path, case)["x"], mask)
    dataset = pydicom.dcmread(path)
    named = {
        int(group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber)
        for group in dataset.PerFrameFunctionalGroupsSequence
    }
    assert named == {case.frame_numbers[0], case.frame_numbers[-1]}
    uids = {str(header.SOPInstanceUID) for header in case.images}
    listed = [
        str(item.ReferencedSOPInstanceUID)
        for item in dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    ]
    assert listed == list(uids)  # the image, once
    assert ("FrameOfReferenceUID" in dataset) == (case.volume.frame_of_reference_uid is not None)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_to_a_foreign_file_gives_masks_or_one_clear_error(
    test_data: Path, liver_ct: Case, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes changed or cut anywhere in the header: never another exception, never a hang."""
    whole = (test_data / "dcmqi-ct3-liver-seg" / "seg_partial_overlaps.dcm").read_bytes()
    broken = bytearray(whole[: data.draw(st.sampled_from([len(whole), len(whole) - 5000, 4000]))])
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(132, min(len(broken), 7000) - 1))] = data.draw(
            st.integers(0, 255)
        )
    path = tmp_path_factory.mktemp("broken") / "a.dcm"
    path.write_bytes(broken)
    with suppress(CaseError):
        read_segments(path, liver_ct)
