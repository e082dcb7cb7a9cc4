"""Structure sets: the outlines of a radiotherapy plan, on the slices that they were drawn on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from clerkship_cases import (
    Annotation,
    Case,
    CaseError,
    Code,
    read_rtstruct,
    region_mask,
    write_rtstruct,
)
from clerkship_cases.outline import outlines_px
from clerkship_cases.raster import fill_polygon
from clerkship_cases.standards.decimal_string import MAX_CHARACTERS, decimal_string

Open = Callable[[str], Case]


@pytest.fixture(scope="module")
def plan(test_data: Path) -> Path:
    """A breast plan with ten structures, as dicompyler ships it."""
    return test_data / "rtstruct-dicompyler" / "rtss.dcm"


@pytest.fixture(scope="module")
def breast_ct(test_data: Path, case_of_files: Callable[..., Case]) -> Case:
    """The one slice of the plan's CT that is kept with it."""
    return case_of_files("breast-ct", [test_data / "rtstruct-dicompyler" / "ct.0.dcm"])


# -- a real plan -------------------------------------------------------------------


def test_every_structure_of_a_real_plan_is_there_also_the_one_without_contours(plan: Path) -> None:
    found = read_rtstruct(plan)
    assert {s.name: len(s.annotations) for s in found.structures} == {
        "BODY": 141,
        "Areola": 0,
        "Borders": 2,
        "Breast": 48,
        "Heart": 33,
        "Lt Lung": 165,
        "Nodes": 4,
        "Scar": 6,
        "Tumor Bed": 18,
        "Tumor Bed Block": 24,
    }
    contours = [shape for s in found.structures for shape in s.annotations]
    assert len(contours) == 441
    assert len({shape.points_lps_mm[0][2] for shape in contours}) == 98
    assert all(len({z for _x, _y, z in shape.points_lps_mm}) == 1 for shape in contours)
    assert len({shape.uid for shape in contours}) == 441
    assert (found.label, found.notes) == ("CT_1", ())
    body = found.structure("BODY")
    assert (body.interpreted_type, body.algorithm) == ("EXTERNAL", "MANUAL")
    assert body.colour_rgb == (154, 155, 100)
    assert body.code == Code("C44.9", "ICD-O-2")
    assert not found.structure("Areola").has_inside


def test_the_body_of_the_plan_lies_over_the_body_of_its_ct(plan: Path, breast_ct: Case) -> None:
    found = read_rtstruct(plan, breast_ct)
    body = found.structure("BODY")
    assert [len(shape.points_lps_mm) for shape in body.annotations] == [532, 296, 4, 4]
    assert found.notes == ("437 contours lie on planes of which the case has no image.",)
    assert {shape.slice_uid for shape in body.annotations} == {
        str(breast_ct.images[0].SOPInstanceUID)
    }
    inside = body.mask(breast_ct)
    values = breast_ct.volume.array
    assert np.median(values[inside]) > -200  # soft tissue and lung
    assert np.median(values[~inside]) < -900  # air around the patient


@pytest.mark.slow
def test_another_program_fills_the_contours_to_the_same_voxels(plan: Path, breast_ct: Case) -> None:
    """Matplotlib's point-in-polygon test, contour by contour, combined by the even-odd rule."""
    from matplotlib.path import Path as Outline

    body = read_rtstruct(plan, breast_ct).structure("BODY")
    rows, columns = breast_ct.volume.array.shape[1:]
    centres = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
    expected = np.zeros(rows * columns, bool)
    for shape in body.annotations:
        corners = breast_ct.volume.voxel_from_patient(shape.points_lps_mm)[:, :2]
        expected ^= Outline(np.vstack([corners, corners[:1]]), closed=True).contains_points(centres)
    differing = (expected.reshape(rows, columns) != body.mask(breast_ct)[0]).sum()
    assert differing <= 5  # of 40,396: centres that lie on an outline


@pytest.mark.slow
def test_a_contour_is_matched_by_its_plane_where_it_names_no_image(
    plan: Path, breast_ct: Case, tmp_path: Path
) -> None:
    """The image lies at z = 168.5593 mm, the contours at 168.56."""

    def forget_images(dataset: Dataset) -> None:
        for drawn in dataset.ROIContourSequence:
            for contour in drawn.get("ContourSequence") or ():
                del contour.ContourImageSequence

    path = changed(plan, tmp_path, forget_images)
    named = read_rtstruct(plan, breast_ct).structure("BODY")
    matched = read_rtstruct(path, breast_ct).structure("BODY")
    assert [s.points_lps_mm for s in matched.annotations] == [
        s.points_lps_mm for s in named.annotations
    ]


@pytest.mark.slow
def test_after_the_images_were_renamed_position_still_finds_them(
    plan: Path, breast_ct: Case, tmp_path: Path
) -> None:
    def rename(dataset: Dataset) -> None:
        for item in dataset.iterall():
            if item.keyword in (
                "ReferencedSOPInstanceUID",
                "FrameOfReferenceUID",
                "ReferencedFrameOfReferenceUID",
            ):
                item.value = "1.2.3"

    path = changed(plan, tmp_path, rename)
    with pytest.raises(CaseError, match="another patient space"):
        read_rtstruct(path, breast_ct)
    found = read_rtstruct(path, breast_ct, by_position=True)
    assert len(found.structure("BODY").annotations) == 4


@pytest.mark.slow
def test_a_real_plan_written_again_has_the_same_contours_to_the_last_digit(
    plan: Path, breast_ct: Case, tmp_path: Path
) -> None:
    body = read_rtstruct(plan, breast_ct).structure("BODY")
    path = write_rtstruct(tmp_path / "a.dcm", breast_ct, body.annotations, observer="r1")
    again = read_rtstruct(path, breast_ct).structure("BODY")
    assert [s.points_lps_mm for s in again.annotations] == [
        s.points_lps_mm for s in body.annotations
    ]


def test_a_file_without_its_preamble_is_not_taken_for_one() -> None:
    """The structure set in pydicom's own test data has no file meta information."""
    with pytest.raises(CaseError, match=r"rtstruct\.dcm is not a DICOM file"):
        read_rtstruct(str(get_testdata_file("rtstruct.dcm")))


# -- what we write -----------------------------------------------------------------


def shapes_on(case: Case) -> list[Annotation]:
    k = case.volume.array.shape[0] // 3
    place = case.volume.patient_from_voxel
    uid = str(case.images[k].SOPInstanceUID)
    frame = case.frame_numbers[k] if case.frame_numbers[k] > 1 else None
    return [
        Annotation.new(
            "region",
            place([(10.2, 10.1, k), (90.7, 20, k), (60.3, 80, k)]),
            label="Knöchel",
            slice_uid=uid,
            frame_number=frame,
        ),
        Annotation.new(
            "point", place([(33.25, 44.5, k)]), label="top", slice_uid=uid, frame_number=frame
        ),
        Annotation.new(
            "length",
            place([(1, 2, k), (33, 4, k)]),
            label="width",
            slice_uid=uid,
            frame_number=frame,
        ),
        Annotation.new(
            "angle",
            place([(1, 2, k), (33, 4, k), (3, 9, k)]),
            label="bend",
            slice_uid=uid,
            frame_number=frame,
        ),
    ]


@pytest.mark.parametrize(
    "case_id", ["brain-mni152", "liver-mr", "shoulder-mr", "brain-ct-perfusion"]
)
def test_what_is_written_is_what_is_read(opened: Open, tmp_path: Path, case_id: str) -> None:
    case = opened(case_id)
    drawn = shapes_on(case)
    arrow = Annotation.new("arrow", case.volume.patient_from_voxel([(0, 0, 0), (5, 5, 0)]))
    path = write_rtstruct(tmp_path / "a.dcm", case, [*drawn, arrow], observer="r1")
    found = [s for structure in read_rtstruct(path, case).structures for s in structure.annotations]
    for one, other in zip(found, drawn, strict=True):
        assert (one.kind, one.label) == (other.kind, other.label)
        assert (one.slice_uid, one.frame_number) == (other.slice_uid, other.frame_number)
        np.testing.assert_allclose(one.points_lps_mm, other.points_lps_mm, rtol=0, atol=1e-9)


def test_pydicom_finds_every_mandatory_attribute(opened: Open, tmp_path: Path) -> None:
    """Types 1 and 2 of the modules of PS3.3 A.19.3, and references that resolve."""
    case = opened("brain-mni152")
    terms = {"Knöchel": Code("344001", "SCT", "Ankle")}
    path = write_rtstruct(tmp_path / "a.dcm", case, shapes_on(case), observer="r1", codes=terms)
    dataset = pydicom.dcmread(path)
    for keyword in [
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "StructureSetLabel",
        "Modality",
        "StructureSetROISequence",
        "ROIContourSequence",
        "RTROIObservationsSequence",
        "ApprovalStatus",
    ]:
        assert dataset.get(keyword), keyword
    for keyword in [
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "AccessionNumber",
        "ReferringPhysicianName",
        "OperatorsName",
        "Manufacturer",
        "StructureSetDate",
        "StructureSetTime",
    ]:
        assert keyword in dataset, keyword
    numbers = [item.ROINumber for item in dataset.StructureSetROISequence]
    assert numbers == [item.ReferencedROINumber for item in dataset.ROIContourSequence]
    assert numbers == [item.ReferencedROINumber for item in dataset.RTROIObservationsSequence]
    own = {str(header.SOPInstanceUID) for header in case.images}
    named = {
        str(contour.ContourImageSequence[0].ReferencedSOPInstanceUID)
        for drawn in dataset.ROIContourSequence
        for contour in drawn.ContourSequence
    }
    assert named <= own
    assert read_rtstruct(path).structure("Knöchel").code == terms["Knöchel"]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**48 - 1))
def test_any_mask_comes_back_with_its_holes_and_islands(
    opened: Open, tmp_path_factory: pytest.TempPathFactory, bits: int
) -> None:
    case = opened("liver-mr")
    mask = np.zeros(case.volume.array.shape, bool)
    mask[0, 100:108, 200:206] = np.array([bits >> n & 1 for n in range(48)], bool).reshape(8, 6)
    mask[0, 150:160, 150:160] = True
    mask[0, 152:158, 152:158] = False  # a hole,
    mask[0, 154:156, 154:156] = True  # and an island in it
    path = write_rtstruct(
        tmp_path_factory.mktemp("rt") / "a.dcm", case, observer="r1", masks={"x": mask}
    )
    np.testing.assert_array_equal(read_rtstruct(path, case).structure("x").mask(case), mask)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**63 - 1))
def test_the_outlines_of_any_pixels_fill_the_same_pixels_again(bits: int) -> None:
    area = np.array([bits >> n & 1 for n in range(63)], bool).reshape(9, 7)
    filled = np.zeros_like(area)
    for outline in outlines_px(area):
        filled ^= fill_polygon(np.array(outline), (9, 7))
    np.testing.assert_array_equal(filled, area)


@given(st.floats(-1e6, 1e6, allow_nan=False))
def test_a_decimal_string_fits_and_is_as_close_as_it_can_be(value: float) -> None:
    text = decimal_string(value)
    assert len(text) <= MAX_CHARACTERS
    assert abs(float(text) - value) <= 1e-8
    assert decimal_string(float(text)) == text


def test_an_ellipse_becomes_a_polygon_of_nearly_its_voxels(opened: Open, tmp_path: Path) -> None:
    case = opened("liver-mr")
    ends = case.volume.patient_from_voxel(
        [(100, 200, 0), (200, 200, 0), (150, 170, 0), (150, 230, 0)]
    )
    ellipse = Annotation.new("ellipse", ends, label="x")
    path = write_rtstruct(tmp_path / "a.dcm", case, [ellipse], observer="r1")
    found = read_rtstruct(path, case).structure("x").mask(case)
    exact = region_mask(ellipse, case.volume)
    assert (found ^ exact).sum() / exact.sum() < 0.005


@pytest.mark.slow
def test_a_very_long_outline_is_kept_whole(opened: Open, tmp_path: Path) -> None:
    """More than 64 kB of text does not fit the 16-bit length of explicit VR."""
    case = opened("liver-mr")
    turn = np.linspace(0, 2 * np.pi, 15_000, endpoint=False)
    circle = np.column_stack([200 + 90 * np.cos(turn), 200 + 90 * np.sin(turn), 0 * turn])
    region = Annotation.new("region", case.volume.patient_from_voxel(circle), label="x")
    path = write_rtstruct(tmp_path / "a.dcm", case, [region], observer="r1")
    (found,) = read_rtstruct(path, case).structure("x").annotations
    np.testing.assert_allclose(found.points_lps_mm, region.points_lps_mm, rtol=0, atol=1e-9)


def test_images_without_a_place_in_the_patient_have_no_structure_set(
    opened: Open, tmp_path: Path
) -> None:
    case = opened("tibia-nof")
    with pytest.raises(CaseError, match="not placed in a patient"):
        write_rtstruct(
            tmp_path / "a.dcm", case, [Annotation.new("point", [(5, 5, 0)])], observer="r1"
        )
    with pytest.raises(CaseError, match="nothing to save"):
        write_rtstruct(tmp_path / "a.dcm", opened("liver-mr"), [], observer="r1")
    assert list(tmp_path.iterdir()) == []


# -- files that come from outside --------------------------------------------------


def changed(plan: Path, tmp_path: Path, change: Callable[[Dataset], None]) -> Path:
    dataset = pydicom.dcmread(plan)
    change(dataset)
    dataset.save_as(tmp_path / "changed.dcm")
    return tmp_path / "changed.dcm"


def first_contour(dataset: Dataset) -> Dataset:
    item: Dataset = dataset.ROIContourSequence[0].ContourSequence[0]
    return item


def spoil_count(dataset: Dataset) -> None:
    first_contour(dataset).NumberOfContourPoints = 5


def spoil_huge(dataset: Dataset) -> None:
    first_contour(dataset).NumberOfContourPoints = 10_000_000


def spoil_far(dataset: Dataset) -> None:
    first_contour(dataset).ContourData = ["1e30"] * first_contour(dataset).NumberOfContourPoints * 3


def spoil_structures(dataset: Dataset) -> None:
    dataset.StructureSetROISequence = list(dataset.StructureSetROISequence) * 150


def spoil_none(dataset: Dataset) -> None:
    del dataset.StructureSetROISequence


def spoil_plane(dataset: Dataset) -> None:
    """The contour names the image of another slice."""
    listed = dataset.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
    first = listed.RTReferencedSeriesSequence[0].ContourImageSequence[0]
    first_contour(dataset).ContourImageSequence = [first]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (spoil_count, "should have 5 points, but holds 9 numbers"),
        (spoil_huge, "has 10000000 points; 1 to 20000"),
        (spoil_far, "not a place in a patient"),
        (spoil_structures, "has 600 structures; 1 to 500"),
        (spoil_none, "has 0 structures"),
        (spoil_plane, "mm off its plane"),
    ],
)
def test_a_spoilt_structure_set_is_refused_with_a_reason(
    opened: Open, tmp_path: Path, spoil: Callable[[Dataset], None], complaint: str
) -> None:
    case = opened("brain-mni152")
    whole = write_rtstruct(tmp_path / "a.dcm", case, shapes_on(case), observer="r1")
    path = changed(whole, tmp_path, spoil)
    with pytest.raises(CaseError, match=complaint) as caught:
        read_rtstruct(path, case)
    assert "changed.dcm" in str(caught.value)


def test_a_plan_of_another_patient_is_refused(plan: Path, opened: Open) -> None:
    with pytest.raises(CaseError, match="another patient space"):
        read_rtstruct(plan, opened("brain-mni152"))


@pytest.fixture(scope="module")
def whole(opened: Open, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A structure set to be damaged: always the same bytes within one run."""
    case = opened("liver-mr")
    path = tmp_path_factory.mktemp("whole") / "a.dcm"
    return write_rtstruct(path, case, shapes_on(case), observer="r1").read_bytes()


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_damage_gives_structures_or_one_clear_error(
    opened: Open,
    whole: bytes,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    case = opened("liver-mr")
    path = tmp_path_factory.mktemp("rt") / "a.dcm"
    broken = bytearray(whole[: data.draw(st.integers(132, len(whole)))])
    for _ in range(data.draw(st.integers(0, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(broken)
    with suppress(CaseError):
        read_rtstruct(path, case)


def test_contours_have_the_same_names_whenever_the_file_is_read(
    opened: Open, tmp_path: Path
) -> None:
    case = opened("liver-mr")
    path = write_rtstruct(tmp_path / "a.dcm", case, shapes_on(case), observer="r1")
    one, other = (read_rtstruct(path, case).structures for _ in range(2))
    assert one == other
