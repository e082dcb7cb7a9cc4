"""Presentation states: what a reader drew on images, in their pixels or on the screen."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from clerkship_cases import (
    Annotation,
    Case,
    CaseError,
    Window,
    read_presentation,
    region_mask,
    write_presentation,
)
from clerkship_cases.annotation import new_uid
from clerkship_cases.headers import evidence_header

Open = Callable[[str], Case]
#: Grey, without a place in the patient, retired class, colour, colour cine, multi-frame CT, a volume.
CASES = [
    "liver-mr",
    "tibia-nof",
    "heart-tee-doppler",
    "lymph-node-us",
    pytest.param("heart-us-cine", marks=pytest.mark.slow),
    "brain-ct-perfusion",
    "brain-mni152",
]


def drawn_on(case: Case) -> list[Annotation]:
    k = case.volume.array.shape[0] // 2
    several = len({header.SOPInstanceUID for header in case.images}) < len(case.images)

    def draw(kind: str, *points: tuple[float, float], **words: str) -> Annotation:
        return Annotation.new(
            kind,  # type: ignore[arg-type]
            case.volume.patient_from_voxel([(*point, k) for point in points]),
            slice_uid=str(case.images[k].SOPInstanceUID),
            frame_number=case.frame_numbers[k] if several else None,
            **words,
        )

    return [
        draw("length", (10, 10), (40, 50), label="diameter"),
        draw("angle", (10, 10), (40, 50), (80, 3.5)),
        draw("ellipse", (10, 50), (90, 50), (50, 30), (50, 70), label="Knöchel"),
        draw("region", (10.2, 10.1), (90.7, 20), (60.3, 80), label="lesion", text="two\nlines"),
        draw("arrow", (10, 10), (1, 50), text="see here"),
        draw("point", (33.25, 44.5), label="top"),
    ]


@pytest.mark.parametrize("case_id", CASES)
def test_every_kind_survives(opened: Open, tmp_path: Path, case_id: str) -> None:
    case = opened(case_id)
    drawn = drawn_on(case)
    path = write_presentation(tmp_path / "a.dcm", case, drawn, observer="r1")
    found = read_presentation(path, case)
    for one, other in zip(found.annotations, drawn, strict=True):
        assert (one.uid, one.kind, one.label, one.text) == (
            other.uid,
            other.kind,
            other.label,
            other.text,
        )
        assert (one.slice_uid, one.frame_number) == (other.slice_uid, other.frame_number)
        np.testing.assert_allclose(one.points_lps_mm, other.points_lps_mm, rtol=0, atol=1e-4)
    assert found.notes == ()
    assert found.creator == "r1^"


def test_the_window_goes_with_the_image(opened: Open, tmp_path: Path) -> None:
    case = opened("liver-mr")
    window = Window("bright", 450.5, 300)
    path = write_presentation(
        tmp_path / "a.dcm", case, drawn_on(case), observer="r1", window=window
    )
    assert read_presentation(path, case).windows == (window,)


@pytest.mark.slow
@pytest.mark.parametrize("case_id", ["liver-mr", "lymph-node-us", "brain-mni152"])
def test_dcmtk_finds_nothing_wrong_but_that_nobody_is_named(
    opened: Open, tmp_path: Path, case_id: str
) -> None:
    """An independent checker of presentation states; that no patient is named is meant."""
    if shutil.which("dcmpschk") is None:
        pytest.skip("dcmtk is not installed: no second opinion on presentation states")
    case = opened(case_id)
    state = write_presentation(tmp_path / "state.dcm", case, drawn_on(case), observer="r1")
    check = subprocess.run(["dcmpschk", state], capture_output=True, text=True, check=False)
    said = (check.stdout + check.stderr).splitlines()
    assert any("Testing" in line for line in said), said
    wrong = [line for line in said if "absent" in line or "unknown" in line or "invalid" in line]
    assert all("patientName" in line for line in wrong), wrong


# -- states of other programs ------------------------------------------------------


def state_of(case: Case, *objects: Any, texts: tuple[Any, ...] = (), k: int = 0) -> Dataset:
    """A grayscale state by highdicom alone, as another program would write it."""
    header = evidence_header(case.images[k])
    layer = hd.pr.GraphicLayer("DRAWN", 1, "Marks of a colleague")
    return hd.pr.GrayscaleSoftcopyPresentationState(
        referenced_images=[header],
        series_instance_uid=new_uid(),
        series_number=1,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer="Someone",
        manufacturer_model_name="Something",
        software_versions="1",
        device_serial_number="1",
        content_label="THEIRS",
        graphic_layers=[layer],
        graphic_annotations=[
            hd.pr.GraphicAnnotation(
                referenced_images=[header],
                graphic_layer=layer,
                graphic_objects=list(objects) or None,
                text_objects=list(texts) or None,
            )
        ],
    )


def graphic(kind: str, points: list[tuple[float, float]], units: str = "PIXEL", **more: Any) -> Any:
    return hd.pr.GraphicObject(kind, np.array(points, float), units, **more)


def read_state(dataset: Dataset, case: Case, tmp_path: Path) -> Any:
    dataset.save_as(tmp_path / "theirs.dcm")
    return read_presentation(tmp_path / "theirs.dcm", case)


def test_pixels_count_from_the_corner_of_the_image(opened: Open, tmp_path: Path) -> None:
    """PS3.3 C.10.5.1.2: the middle of the first pixel is 0.5, 0.5."""
    case = opened("shoulder-mr")
    (point,) = read_state(
        state_of(case, graphic("POINT", [(0.5, 0.5)])), case, tmp_path
    ).annotations
    np.testing.assert_allclose(
        point.points_lps_mm, case.volume.patient_from_voxel([(0, 0, 0)]), atol=1e-6
    )
    assert (point.kind, point.label) == ("point", "Marks of a colleague")


def test_a_circle_has_the_area_of_a_circle(opened: Open, tmp_path: Path) -> None:
    case = opened("shoulder-mr")
    circle = graphic("CIRCLE", [(500.5, 400.5), (560.5, 480.5)])  # radius 100
    (ellipse,) = read_state(state_of(case, circle), case, tmp_path).annotations
    assert ellipse.kind == "ellipse"
    assert region_mask(ellipse, case.volume).sum() == pytest.approx(np.pi * 100**2, rel=0.002)


def test_closed_filled_and_open_lines_are_told_apart(opened: Open, tmp_path: Path) -> None:
    case = opened("shoulder-mr")
    corners = [(10.0, 10.0), (50.0, 10.0), (50.0, 60.0), (20.0, 70.0)]
    found = read_state(
        state_of(
            case,
            graphic("POLYLINE", [*corners, corners[0]]),
            graphic("POLYLINE", [*corners, corners[0]], is_filled=True),
            graphic("INTERPOLATED", [*corners, corners[0]]),
            graphic("POLYLINE", corners[:2]),
            graphic("POLYLINE", corners[:3]),
            graphic("POLYLINE", corners),
            graphic("ELLIPSE", [(10, 50), (90, 50), (50, 30), (50, 70)]),
        ),
        case,
        tmp_path,
    )
    assert [a.kind for a in found.annotations] == [
        "region",
        "region",
        "region",
        "length",
        "angle",
        "ellipse",
    ]
    assert [len(a.points_lps_mm) for a in found.annotations[:3]] == [4, 4, 4]
    assert found.notes == (
        "Passed over (1): the curve of an interpolated line; its points are joined by straight lines.",
        "Passed over (1): a POLYLINE of 4 points is no kind of annotation known here.",
    )


def test_graphics_of_the_screen_are_parts_of_the_displayed_area(
    opened: Open, tmp_path: Path
) -> None:
    case = opened("shoulder-mr")  # 1024 x 1024
    state = state_of(case, graphic("POINT", [(0.25, 0.5)], "DISPLAY"))
    area = state.DisplayedAreaSelectionSequence[0]
    area.DisplayedAreaTopLeftHandCorner = [101, 201]  # pixels 101 to 300, 201 to 600
    area.DisplayedAreaBottomRightHandCorner = [300, 600]
    (point,) = read_state(state, case, tmp_path).annotations
    where = case.volume.voxel_from_patient(point.points_lps_mm)[0, :2]
    np.testing.assert_allclose(where + 0.5, (100 + 0.25 * 200, 200 + 0.5 * 400), atol=1e-4)


def test_a_turned_view_keeps_what_is_in_pixels_and_says_what_it_drops(
    opened: Open, tmp_path: Path
) -> None:
    case = opened("shoulder-mr")
    state = state_of(case, graphic("POINT", [(3, 4)]), graphic("POINT", [(0.25, 0.5)], "DISPLAY"))
    state.ImageRotation, state.ImageHorizontalFlip = 90, "N"
    found = read_state(state, case, tmp_path)
    assert len(found.annotations) == 1
    assert any("turn or flip" in note for note in found.notes)
    assert any("units of DISPLAY" in note for note in found.notes)


def test_text_alone_becomes_an_arrow_to_its_anchor_or_a_point(opened: Open, tmp_path: Path) -> None:
    case = opened("shoulder-mr")
    anchored = hd.pr.TextObject(
        "fracture?", "PIXEL", bounding_box=(100, 100, 200, 140), anchor_point=(50, 60)
    )
    boxed = hd.pr.TextObject("normal", "PIXEL", bounding_box=(100, 100, 200, 140))
    arrow, point = read_state(state_of(case, texts=(anchored, boxed)), case, tmp_path).annotations
    assert (arrow.kind, arrow.text, point.kind, point.text) == (
        "arrow",
        "fracture?",
        "point",
        "normal",
    )
    tip, tail = case.volume.voxel_from_patient(arrow.points_lps_mm)[:, :2] + 0.5
    np.testing.assert_allclose([tip, tail], [(50, 60), (150, 120)], atol=1e-4)


# -- files that come from outside --------------------------------------------------


def test_a_state_of_other_images_is_refused(opened: Open, tmp_path: Path) -> None:
    state = state_of(opened("liver-mr"), graphic("POINT", [(3, 4)]))
    with pytest.raises(
        CaseError, match="about other images, none of them of the case 'shoulder-mr'"
    ):
        read_state(state, opened("shoulder-mr"), tmp_path)


def test_a_shape_that_lies_on_no_slice_is_not_drawn_on_one(opened: Open, tmp_path: Path) -> None:
    case = opened("brain-mni152")
    ends = case.volume.patient_from_voxel([(10, 10, 5), (10, 10, 9)])
    with pytest.raises(CaseError, match="lies on no slice"):
        write_presentation(
            tmp_path / "a.dcm", case, [Annotation.new("length", ends)], observer="r1"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("numbers", [[1.0] * 7, [1.0] * 60_000, [float("nan")] * 4])
def test_points_are_counted_before_they_are_believed(
    opened: Open, tmp_path: Path, numbers: list[float]
) -> None:
    case = opened("shoulder-mr")
    state = state_of(case, graphic("POLYLINE", [(1, 1), (2, 2)]))
    state.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    state.GraphicAnnotationSequence[0].GraphicObjectSequence[0].GraphicData = numbers
    with pytest.raises(CaseError, match=r"theirs\.dcm: a graphic has"):
        read_state(state, case, tmp_path)


@pytest.fixture(scope="module")
def whole(opened: Open, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A state to be damaged: always the same bytes within one run."""
    case = opened("liver-mr")
    path = tmp_path_factory.mktemp("whole") / "a.dcm"
    return write_presentation(path, case, drawn_on(case), observer="r1").read_bytes()


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_damage_gives_annotations_or_one_clear_error(
    opened: Open,
    whole: bytes,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    case = opened("liver-mr")
    path = tmp_path_factory.mktemp("pr") / "a.dcm"
    broken = bytearray(whole[: data.draw(st.integers(132, len(whole)))])
    for _ in range(data.draw(st.integers(0, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(broken)
    with suppress(CaseError):
        read_presentation(path, case)
