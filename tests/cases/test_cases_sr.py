"""Structured Reports: what was drawn is what is read, by us, by highdicom and by pydicom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from clerkship_cases import (
    Annotation,
    Case,
    CaseError,
    Code,
    read_report,
    read_sr,
    region_mask,
    write_sr,
)
from clerkship_cases.annotation import new_uid
from clerkship_cases.headers import evidence_header

Open = Callable[[str], Case]


def drawn_on(case: Case) -> list[Annotation]:
    """One annotation of each kind on the middle slice, with awkward words."""
    k = case.volume.array.shape[0] // 2

    def place(*points: tuple[float, float]) -> np.ndarray:
        return case.volume.patient_from_voxel([(*point, k) for point in points])

    slice_uid = case.images[k].SOPInstanceUID
    frame = case.frame_numbers[k] if len({h.SOPInstanceUID for h in case.images}) < k + 1 else None
    return [
        Annotation.new(
            "length",
            place((10, 10), (40, 50)),
            label="longest diameter of it",
            slice_uid=slice_uid,
            frame_number=frame,
        ),
        Annotation.new("angle", place((10, 10), (40, 50), (80.25, 3.5))),
        Annotation.new(
            "ellipse",
            place((10, 50), (90, 50), (50, 30), (50, 70)),
            label="Knöchel ä/ü",
            slice_uid=slice_uid,
            frame_number=frame,
        ),
        Annotation.new(
            "region",
            place((10.2, 10.1), (90.7, 20), (60.3, 80), (9, 9)),
            label="lesion",
            slice_uid=slice_uid,
            frame_number=frame,
        ),
        # a name given by a viewer, and a tail outside the image
        Annotation(
            "a4c1-77-uuid",
            "arrow",
            tuple(map(tuple, place((10, 10), (-4, 50)).tolist())),
            text="two\nlines \\ %",
        ),
        Annotation.new(
            "point", place((33.25, 44.5)), label="top", slice_uid=slice_uid, frame_number=frame
        ),
    ]


def assert_same(found: list[Annotation], drawn: list[Annotation], *, atol: float) -> None:
    for one, other in zip(found, drawn, strict=True):
        assert (one.uid, one.kind, one.label, one.text) == (
            other.uid,
            other.kind,
            other.label,
            other.text,
        )
        np.testing.assert_allclose(one.points_lps_mm, other.points_lps_mm, rtol=0, atol=atol)


@pytest.mark.parametrize("with_case", [True, False])
def test_every_kind_survives_on_every_case(case: Case, tmp_path: Path, with_case: bool) -> None:
    drawn = drawn_on(case)
    path = write_sr(tmp_path / "answers" / "task.sr.dcm", case, drawn, observer="student1")
    assert path == tmp_path / "answers" / "task.sr.dcm"
    found = read_sr(path, case) if with_case else read_sr(path)
    assert_same(found, drawn, atol=2e-4)  # 32-bit floats, in pixels up to 2000
    for one, other in zip(found, drawn, strict=True):
        if case.volume.frame_of_reference_uid is not None:
            assert (one.slice_uid, one.frame_number) == (other.slice_uid, other.frame_number)
            exact = np.asarray(other.points_lps_mm, np.float32).astype(float)
            np.testing.assert_array_equal(np.asarray(one.points_lps_mm), exact)
        else:  # a shape in pixels always names its image
            assert one.slice_uid == case.images[0].SOPInstanceUID


@pytest.mark.parametrize("case_id", ["brain-mni152", "liver-mr", "shoulder-mr"])
def test_highdicom_and_pydicom_read_the_same_patient_coordinates(
    opened: Open, tmp_path: Path, case_id: str
) -> None:
    case = opened(case_id)
    drawn = drawn_on(case)
    path = write_sr(tmp_path / "a.dcm", case, drawn, observer="student1")
    report = hd.sr.srread(path)
    groups = report.content.get_planar_roi_measurement_groups()
    assert len(groups) == len(drawn)
    kinds = {"region": "POLYGON", "ellipse": "ELLIPSE", "point": "POINT"}
    raw = shapes(pydicom.dcmread(path))
    for group, item, annotation in zip(groups, raw, drawn, strict=True):
        expected = np.asarray(annotation.points_lps_mm)
        if annotation.kind == "region":
            expected = np.vstack([expected, expected[:1]])
        np.testing.assert_allclose(group.roi.value, expected, atol=2e-5)
        np.testing.assert_allclose(np.reshape(item.GraphicData, (-1, 3)), expected, atol=2e-5)
        assert item.GraphicType == kinds.get(annotation.kind, "POLYLINE")
        assert item.ReferencedFrameOfReferenceUID == case.volume.frame_of_reference_uid
        assert group.tracking_identifier == annotation.uid


@pytest.mark.parametrize("case_id", ["tibia-nof", "chest-pa", "bone-scan"])
def test_images_without_a_place_keep_pixels_counted_from_the_corner(
    opened: Open, tmp_path: Path, case_id: str
) -> None:
    """PS3.3 C.18.6.1.1: the centre of the first pixel is 0.5\\0.5."""
    case = opened(case_id)
    ends = case.volume.patient_from_voxel([(0, 0, 0), (30, 40, 0)])
    path = write_sr(tmp_path / "a.dcm", case, [Annotation.new("length", ends)], observer="student1")
    (group,) = hd.sr.srread(path).content.get_planar_roi_measurement_groups()
    np.testing.assert_allclose(group.roi.value, [(0.5, 0.5), (30.5, 40.5)])
    (item,) = shapes(pydicom.dcmread(path))
    image = item.ContentSequence[0].ReferencedSOPSequence[0]
    assert image.ReferencedSOPInstanceUID == case.images[0].SOPInstanceUID


@pytest.mark.parametrize(
    ("case_id", "value", "unit"),
    [("tibia-nof", 50, "{pixels}"), ("bone-scan", 50 * 2.26, "mm"), ("brain-mni152", 50, "mm")],
)
def test_a_length_is_written_in_the_unit_that_the_image_allows(
    opened: Open, tmp_path: Path, case_id: str, value: float, unit: str
) -> None:
    case = opened(case_id)
    ends = case.volume.patient_from_voxel([(0, 0, 0), (30, 40, 0)])
    path = write_sr(tmp_path / "a.dcm", case, [Annotation.new("length", ends)], observer="student1")
    (group,) = hd.sr.srread(path).content.get_planar_roi_measurement_groups()
    (measured,) = group.get_measurements(name=codes.SCT.Length)
    assert measured.value == pytest.approx(value)
    assert measured.unit.value == unit


def test_the_report_names_its_observer_and_no_patient(opened: Open, tmp_path: Path) -> None:
    case = opened("liver-mr")
    path = write_sr(tmp_path / "a.dcm", case, drawn_on(case), observer="student1")
    dataset = pydicom.dcmread(path)
    assert dataset.file_meta.MediaStorageSOPClassUID.name == "Comprehensive 3D SR Storage"
    assert dataset.PatientID == "liver-mr"
    assert str(dataset.PatientName) == ""
    words = str(dataset)
    assert "student1" in words
    assert "Weißenkirchen" not in words
    assert "marked" not in words


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-300, 300, width=32)] * 2), min_size=3, max_size=60),
    st.sampled_from([0, 1, 2]),
    st.integers(0, 180),
)
def test_regions_on_axial_coronal_and_sagittal_planes_survive(
    opened: Open,
    tmp_path_factory: pytest.TempPathFactory,
    points: list[tuple[float, float]],
    axis: int,
    index: int,
) -> None:
    case = opened("brain-mni152")
    full = np.insert(np.array(points), axis, float(index), axis=1)
    region = Annotation.new("region", case.volume.patient_from_voxel(full), label="x")
    path = write_sr(tmp_path_factory.mktemp("sr") / "a.dcm", case, [region], observer="student1")
    assert_same(read_sr(path, case), [region], atol=2e-5)


def test_a_freehand_line_of_many_points_on_an_oblique_slice_survives(
    opened: Open, tmp_path: Path
) -> None:
    """32-bit points on an oblique plane are not coplanar to the last bit; long lines must stay quick."""
    case = opened("shoulder-mr")
    angle = np.linspace(0, 2 * np.pi, 8000, endpoint=False)
    ijk = np.column_stack([500 + 300 * np.cos(angle), 500 + 200 * np.sin(angle), 0 * angle])
    points = case.volume.patient_from_voxel(ijk).astype(np.float32).astype(float)
    region = Annotation.new("region", points, label="head")
    path = write_sr(tmp_path / "a.dcm", case, [region], observer="student1")
    assert_same(read_sr(path, case), [region], atol=0)


def test_saving_again_replaces_and_saving_nothing_removes(opened: Open, tmp_path: Path) -> None:
    case, path = opened("tibia-nof"), tmp_path / "a.dcm"
    drawn = drawn_on(case)
    write_sr(path, case, drawn, observer="student1")
    write_sr(path, case, drawn[:1], observer="student1")
    assert len(read_sr(path, case)) == 1
    assert write_sr(path, case, [], observer="student1") is None
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file_and_no_rubbish(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, path = opened("tibia-nof"), tmp_path / "a.dcm"
    drawn = drawn_on(case)
    write_sr(path, case, drawn, observer="student1")
    before = path.read_bytes()

    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(CaseError, match=r"No space left on device.*saved before is still there"):
        write_sr(path, case, drawn[:1], observer="student1")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_shape_that_cannot_be_measured_is_kept_all_the_same(opened: Open, tmp_path: Path) -> None:
    case = opened("brain-mni152")
    oblique = Annotation.new("region", [(0, 0, 0), (50, 0, 20), (50, 50, 40)])
    path = write_sr(tmp_path / "a.dcm", case, [oblique], observer="student1")
    assert_same(read_sr(path, case), [oblique], atol=0)


@pytest.mark.parametrize("observer", ["", "  ", "a\\b", "a=b", "a^b", "x" * 65, "a\nb"])
def test_a_name_that_dicom_cannot_hold_is_refused(
    opened: Open, tmp_path: Path, observer: str
) -> None:
    with pytest.raises(CaseError, match="use a pseudonym"):
        write_sr(
            tmp_path / "a.dcm",
            opened("tibia-nof"),
            drawn_on(opened("tibia-nof")),
            observer=observer,
        )


def test_an_annotation_of_another_case_is_not_written(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="does not belong to the case 'tibia-nof'"):
        write_sr(
            tmp_path / "a.dcm",
            opened("tibia-nof"),
            drawn_on(opened("chest-pa")),
            observer="student1",
        )
    assert list(tmp_path.iterdir()) == []


# -- files that come from outside -------------------------------------------------


def shapes(dataset: Dataset) -> list[Dataset]:
    """All SCOORD and SCOORD3D items of a report, in order."""
    found = []
    for item in dataset.get("ContentSequence", []):
        if item.ValueType in ("SCOORD", "SCOORD3D"):
            found.append(item)
        found += shapes(item)
    return found


@pytest.fixture
def handed_in(opened: Open, tmp_path: Path) -> tuple[Path, Dataset]:
    """A good report, and its content to be spoilt."""
    case = opened("brain-mni152")
    path = write_sr(tmp_path / "a.dcm", case, drawn_on(case), observer="student1")
    assert path is not None
    return path, pydicom.dcmread(path)


def spoil_points(dataset: Dataset) -> None:
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"  # explicit VR has no room for so many
    shapes(dataset)[3].GraphicData = [0.0, 1.0, 2.0] * 30_000


def spoil_nan(dataset: Dataset) -> None:
    shapes(dataset)[0].GraphicData = [float("nan")] * 6


def spoil_far(dataset: Dataset) -> None:
    shapes(dataset)[0].GraphicData = [1e30] * 6


def spoil_count(dataset: Dataset) -> None:
    shapes(dataset)[0].GraphicData = [1.0] * 7


def spoil_empty(dataset: Dataset) -> None:
    del shapes(dataset)[0].GraphicData


def spoil_space(dataset: Dataset) -> None:
    shapes(dataset)[0].ReferencedFrameOfReferenceUID = "1.2.3"


def spoil_image(dataset: Dataset) -> None:
    evidence = dataset.CurrentRequestedProcedureEvidenceSequence
    evidence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[
        0
    ].ReferencedSOPInstanceUID = new_uid()


def spoil_class(dataset: Dataset) -> None:
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"


def spoil_groups(dataset: Dataset) -> None:
    measurements = dataset.ContentSequence[-1].ContentSequence
    measurements.extend([measurements[0]] * 600)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (spoil_points, "30000 points is too long"),
        (spoil_nan, "must be finite"),
        (spoil_far, "not a place in a patient"),
        (spoil_count, "7 numbers, which make no points"),
        (spoil_empty, "damaged, or not as the standard has it"),
        (spoil_space, "another patient space"),
        (spoil_image, "drawn on another image"),
        (spoil_class, "holds CT Image Storage; expected a DICOM Structured Report"),
        (spoil_groups, "holds 606 annotations; at most 500"),
    ],
)
def test_a_spoilt_report_is_refused_with_a_reason(
    opened: Open, handed_in: tuple[Path, Dataset], spoil: Callable[[Dataset], None], complaint: str
) -> None:
    path, dataset = handed_in
    spoil(dataset)
    dataset.save_as(path)
    with pytest.raises(CaseError, match=complaint) as caught:
        read_sr(path, opened("brain-mni152"))
    assert "a.dcm" in str(caught.value)


def test_a_report_of_another_case_is_refused(opened: Open, handed_in: tuple[Path, Dataset]) -> None:
    with pytest.raises(CaseError, match="drawn on another image"):
        read_sr(handed_in[0], opened("liver-mr"))


def test_what_is_no_report_at_all_is_refused(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    with pytest.raises(CaseError, match="can't be read"):
        read_sr(path)
    path.write_bytes(b"<html>not found</html>" * 20)
    with pytest.raises(CaseError, match="is not a DICOM file"):
        read_sr(path)
    path.write_bytes(b"")
    with pytest.raises(CaseError, match="is not a DICOM file"):
        read_sr(path)
    path.write_bytes(bytes(9_000_000))
    with pytest.raises(CaseError, match="has 9000000 bytes"):
        read_sr(path)
    link = tmp_path / "link.dcm"
    link.symlink_to(opened("tibia-nof").files[0])
    with pytest.raises(CaseError, match="not an ordinary file"):
        read_sr(link)


def test_a_file_that_unpacks_to_any_size_is_not_unpacked(handed_in: tuple[Path, Dataset]) -> None:
    path, dataset = handed_in
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"  # deflated
    dataset.save_as(path)
    with pytest.raises(CaseError, match="is compressed"):
        read_sr(path)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_gives_annotations_or_one_clear_error(
    opened: Open, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes changed or cut anywhere: never another exception, never a hang."""
    case = opened("bone-scan")
    whole = _whole(case, tmp_path_factory)
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 8))):
        if broken:
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("broken") / "a.dcm"
    path.write_bytes(broken)
    with suppress(CaseError):
        read_sr(path, case)


_written: dict[str, bytes] = {}


def _whole(case: Case, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if case.id not in _written:
        path = write_sr(
            tmp_path_factory.mktemp("whole") / "a.dcm", case, drawn_on(case), observer="student1"
        )
        assert path is not None
        _written[case.id] = path.read_bytes()
    return _written[case.id]


# -- reports of other programs -----------------------------------------------------


def their_report(
    case: Case, groups: list[Any], tmp_path: Path, *, extra: list[Dataset] | None = None
) -> Path:
    """A report as another program writes it, by highdicom alone."""
    evidence = [*(evidence_header(header) for header in case.images[:3]), *(extra or [])]
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(
            observer_person_context=hd.sr.ObserverContext(
                codes.DCM.Person, hd.sr.PersonObserverIdentifyingAttributes(name="Reader^One")
            )
        ),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    hd.sr.Comprehensive3DSR(
        evidence=evidence,
        content=content,
        series_number=1,
        series_instance_uid=new_uid(),
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer="Someone",
    ).save_as(tmp_path / "theirs.dcm")
    return tmp_path / "theirs.dcm"


def planar(region: Any, **more: Any) -> Any:
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(new_uid(), "Nodule 1"),
        referenced_region=region,
        **more,
    )


def in_pixels(case: Case, kind: str, points: list[tuple[float, float]]) -> Any:
    header = case.images[0]
    return hd.sr.ImageRegion(
        kind,
        np.array(points, float),
        hd.sr.SourceImageForRegion(header.SOPClassUID, header.SOPInstanceUID),
    )


def test_a_foreign_report_says_what_where_how_large_and_of_what_kind(
    opened: Open, tmp_path: Path
) -> None:
    case = opened("liver-mr")
    group = planar(
        in_pixels(case, "CIRCLE", [(100.5, 120.5), (130.5, 160.5)]),
        finding_type=hd.sr.CodedConcept("M-03010", "SRT", "Nodule"),
        finding_sites=[hd.sr.FindingSite(codes.SCT.Liver)],
        measurements=[hd.sr.Measurement(codes.SCT.Diameter, 72.5, codes.UCUM.Millimeter)],
        qualitative_evaluations=[
            hd.sr.QualitativeEvaluation(
                hd.sr.CodedConcept("RID5972", "RADLEX", "Margin"),
                hd.sr.CodedConcept("RID5714", "RADLEX", "Spiculated"),
            )
        ],
    )
    report = read_report(their_report(case, [group], tmp_path), case)
    (found,) = report.groups
    assert report.observers == ("Reader^One",)
    assert found.finding == Code("27925004", "SCT")  # SRT in the file
    assert found.sites == (Code("10200004", "SCT"),)
    assert [(m.name.meaning, m.value, m.unit.value) for m in found.measurements] == [
        ("Diameter", 72.5, "mm")
    ]
    assert [(e.name.meaning, e.value.meaning) for e in found.evaluations] == [
        ("Margin", "Spiculated")
    ]
    (circle,) = found.annotations
    assert (circle.kind, circle.label) == ("ellipse", "Nodule")
    assert circle.slice_uid == case.images[0].SOPInstanceUID
    assert region_mask(circle, case.volume).sum() == pytest.approx(np.pi * 50**2, rel=0.005)


def test_a_volume_of_several_contours_gives_one_annotation_each(
    opened: Open, tmp_path: Path
) -> None:
    """TID 1411: one group, a contour per slice."""
    case = opened("brain-mni152")
    space = case.volume.frame_of_reference_uid
    corners = [
        case.volume.patient_from_voxel([(10, 10, k), (40, 10, k), (30, 40, k), (10, 10, k)])
        for k in range(3)
    ]
    regions = [hd.sr.ImageRegion3D("POLYGON", points, space) for points in corners]
    group = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(new_uid(), "Nodule 1"),
        referenced_regions=[
            in_pixels(case, "POLYLINE", [(10.5, 10.5), (40.5, 10.5), (30.5, 40.5), (10.5, 10.5)]),
            in_pixels(case, "POLYLINE", [(50.5, 10.5), (80.5, 10.5), (70.5, 40.5), (50.5, 10.5)]),
        ],
    )
    found = read_report(their_report(case, [group], tmp_path), case).groups[0].annotations
    assert [a.kind for a in found] == ["region", "region"]
    assert len({a.uid for a in found}) == 2
    np.testing.assert_allclose(found[0].points_lps_mm, corners[0][:3], atol=1e-4)
    planar_groups = [planar(region) for region in regions]
    shapes_3d = [
        group.annotations[0]
        for group in read_report(their_report(case, planar_groups, tmp_path), case).groups
    ]
    for shape, points in zip(shapes_3d, corners, strict=True):
        np.testing.assert_allclose(shape.points_lps_mm, points[:3], atol=1e-4)


def test_several_points_of_one_item_are_several_annotations(opened: Open, tmp_path: Path) -> None:
    case = opened("liver-mr")
    path = their_report(case, [planar(in_pixels(case, "POINT", [(3.5, 4.5)]))], tmp_path)
    dataset = pydicom.dcmread(path)
    (shape,) = shapes(dataset)
    shape.GraphicType, shape.GraphicData = "MULTIPOINT", [3.5, 4.5, 10.5, 20.5]
    dataset.save_as(path)
    found = read_report(path, case).groups[0].annotations
    assert [a.kind for a in found] == ["point", "point"]
    where = [case.volume.voxel_from_patient(a.points_lps_mm)[0, :2] for a in found]
    np.testing.assert_allclose(where, [(3, 4), (10, 20)], atol=1e-5)


def test_a_shape_that_hangs_below_its_number_is_found(opened: Open, tmp_path: Path) -> None:
    """Web viewers put the two ends of a length under the length."""
    case = opened("liver-mr")
    group = planar(
        in_pixels(case, "POLYLINE", [(1.5, 1.5), (31.5, 41.5)]),
        measurements=[hd.sr.Measurement(codes.SCT.Length, 36.2, codes.UCUM.Millimeter)],
    )
    path = their_report(case, [group], tmp_path)
    dataset = pydicom.dcmread(path)
    (item,) = dataset.ContentSequence[-1].ContentSequence
    (shape,) = shapes(dataset)
    (number,) = (child for child in item.ContentSequence if child.ValueType == "NUM")
    item.ContentSequence = [child for child in item.ContentSequence if child is not shape]
    shape.RelationshipType = "INFERRED FROM"
    number.ContentSequence = [shape]
    dataset.save_as(path)
    (length,) = read_report(path, case).groups[0].annotations
    assert length.kind == "length"
    where = case.volume.voxel_from_patient(length.points_lps_mm)[:, :2]
    np.testing.assert_allclose(where, [(1, 1), (31, 41)], atol=1e-5)


def test_a_report_of_another_kind_is_named() -> None:
    """DCMTK's test report is a diagnosis in prose, not a list of measurements."""
    with pytest.raises(
        CaseError, match=r"report of another kind \(Diagnosis\); expected .*TID 1500"
    ):
        read_report(str(get_testdata_file("test-SR.dcm")))


@pytest.mark.slow
def test_a_frame_of_a_cine_is_named(opened: Open, tmp_path: Path) -> None:
    case = opened("heart-us-cine")
    header = case.images[41]
    drawn = Annotation.new(
        "point",
        case.volume.patient_from_voxel([(30, 40, 41)]),
        slice_uid=str(header.SOPInstanceUID),
        frame_number=case.frame_numbers[41],
    )
    path = write_sr(tmp_path / "a.dcm", case, [drawn], observer="r1")
    assert path is not None
    dataset = pydicom.dcmread(path)
    image = shapes(dataset)[0].ContentSequence[0].ReferencedSOPSequence[0]
    assert image.ReferencedSOPInstanceUID == header.SOPInstanceUID
    assert image.ReferencedFrameNumber == case.frame_numbers[41]
    (found,) = read_sr(path, case)
    assert found.frame_number == case.frame_numbers[41]
    np.testing.assert_allclose(found.points_lps_mm, drawn.points_lps_mm, atol=2e-4)
    image.ReferencedFrameNumber = 900
    dataset.save_as(path)
    with pytest.raises(CaseError, match="has no frame 900; it has 1 to 120"):
        read_sr(path, case)
