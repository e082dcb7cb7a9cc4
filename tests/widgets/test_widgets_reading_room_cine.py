"""Colour images and moving pictures in the reading room, kernel side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from clerkship_cases import Annotation, Volume, open_case, read_seg, read_sr
from clerkship_widgets import ReadingRoom
from clerkship_widgets.cine import UNSAID_FRAME_MS, cine_of
from clerkship_widgets.planes import planes_of
from clerkship_widgets.room_description import measured_lines


@pytest.fixture(scope="module")
def library(added_library: Path, add_case: Any) -> Iterator[None]:
    """A cine of 30 colour frames and a colour still, as an import leaves them."""
    add_case("echo-cine", [Path(get_testdata_file("examples_ybr_color.dcm"))], modality="US")
    add_case("doppler-still", [Path(get_testdata_file("examples_rgb_color.dcm"))], modality="US")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLERKSHIP_LIBRARY", str(added_library))
        yield


class Browser:
    """Collects what a room sends to a page."""

    def __init__(self, room: ReadingRoom) -> None:
        self.room = room
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        room.send = lambda content, buffers=None: self.sent.append((content, buffers or []))

    def say(self, **content: Any) -> list[dict[str, Any]]:
        before = len(self.sent)
        self.room._handle_custom_msg(content, [])
        return [content for content, _ in self.sent[before:]]

    def hello(self) -> dict[str, Any]:
        (answer,) = (message["room"] for message in self.say(hello="view", px=800))
        return dict(answer)


def ellipse(volume: Volume, frame: int) -> Annotation:
    ends = [(100, 80, frame), (140, 80, frame), (120, 70, frame), (120, 90, frame)]
    return Annotation.new("ellipse", volume.patient_from_voxel(ends))


@pytest.mark.usefixtures("library")
def test_a_cine_has_one_view_and_no_window() -> None:
    described = Browser(ReadingRoom("echo-cine")).hello()
    assert [(plane["name"], plane["slices"]) for plane in described["planes"]] == [("acquired", 30)]
    assert described["colour"] is True
    assert described["cine"] is not None
    assert described["first"][0]["samples"] == 3


@pytest.mark.usefixtures("library")
def test_a_colour_still_does_not_move() -> None:
    described = Browser(ReadingRoom("doppler-still")).hello()
    assert described["colour"] is True
    assert described["cine"] is None


@pytest.mark.usefixtures("library")
def test_areas_in_colour_have_a_size_and_no_mean() -> None:
    case = open_case("doppler-still")
    (line,) = measured_lines(ellipse(case.volume, 0), case)
    assert line == "628 px²"  # pi/4 x 40 x 20


@pytest.mark.usefixtures("library")
def test_a_stroke_names_the_image_and_its_frame() -> None:
    room = ReadingRoom("echo-cine")
    browser = Browser(room)
    browser.hello()
    points = ellipse(room.case.volume, 17).points_lps_mm
    browser.say(
        stroke={"uid": "2.25.1", "kind": "ellipse", "points_lps_mm": points, "plane": "acquired", "index": 17}
    )  # fmt: skip
    (mark,) = room.annotations
    assert mark.slice_uid == room.case.images[0].SOPInstanceUID
    assert mark.frame_number == 18
    assert room.case.slice_index(mark.slice_uid, mark.frame_number) == 17


@pytest.mark.usefixtures("library")
@pytest.mark.slow  # highdicom takes seconds to import
def test_marks_on_two_frames_come_back_on_their_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = '{"kind": "annotate", "points": 1, "case": "echo-cine", "labels": []}'
    (tmp_path / "module.json").write_text(f'{{"tasks": {{"find-it": {task}}}}}')
    monkeypatch.chdir(tmp_path)
    room = ReadingRoom(task="find-it")
    browser = Browser(room)
    browser.hello()
    for n, frame in enumerate((3, 17)):
        points = ellipse(room.case.volume, frame).points_lps_mm
        browser.say(
            stroke={"uid": f"2.25.{n + 1}", "kind": "ellipse", "points_lps_mm": points, "plane": "acquired", "index": frame}
        )  # fmt: skip
    room.save()
    assert len(read_sr(tmp_path / "answers" / "find-it.sr.dcm", room.case)) == 2
    (mask,) = read_seg(tmp_path / "answers" / "find-it.seg.dcm", room.case).values()
    assert mask.any(axis=(1, 2)).nonzero()[0].tolist() == [3, 17]

    again = ReadingRoom(task="find-it")
    assert [mark.frame_number for mark in again.annotations] == [4, 18]
    volume = again.case.volume
    frames = [
        volume.voxel_from_patient(mark.points_lps_mm)[:, 2].round(3).tolist()
        for mark in again.annotations
    ]
    assert frames == [[3.0] * 4, [17.0] * 4]


def stack(slices: int, *, placed: bool) -> Volume:
    values = np.zeros((slices, 4, 5), dtype=np.uint8)
    return Volume(values, np.eye(4), "1", "US", frame_of_reference_uid="1.2.3" if placed else None)


def headers(count: int, *, one_image: bool = True, **fields: Any) -> list[Dataset]:
    made = []
    for n in range(count):
        header = Dataset()
        header.SOPInstanceUID = "1.2.9" if one_image else f"1.2.9.{n + 1}"
        for name, value in fields.items():
            setattr(header, name, value)
        made.append(header)
    return made


@pytest.mark.parametrize(
    ("fields", "frame_ms"),
    [
        ({"FrameTime": "33.333"}, 33.333),
        ({"FrameTimeVector": ["0", "40", "42", "44"]}, 42),
        ({"RecommendedDisplayFrameRate": "25"}, 40),
        ({"CineRate": "15"}, 1000 / 15),
        ({"FrameTime": "20", "CineRate": "10"}, 20),  # how it was acquired, not how it was shown
        ({"FrameTime": "0", "CineRate": "10"}, 100),
    ],
)
def test_the_frame_time_is_the_one_of_the_file(fields: dict[str, Any], frame_ms: float) -> None:
    cine = cine_of(stack(20, placed=False), headers(20, **fields))
    assert cine is not None
    assert cine.frame_ms == pytest.approx(frame_ms)
    assert cine.is_said


@pytest.mark.parametrize("fields", [{}, {"FrameTime": "0"}, {"CineRate": "100000"}])
def test_frames_of_an_image_that_gives_no_sensible_time_are_shown_slowly(
    fields: dict[str, Any],
) -> None:
    cine = cine_of(stack(20, placed=False), headers(20, **fields))
    assert cine is not None
    assert (cine.frame_ms, cine.is_said) == (UNSAID_FRAME_MS, False)


@pytest.mark.parametrize(
    ("volume", "series"),
    [
        (stack(20, placed=True), headers(20, FrameTime="30")),
        (stack(1, placed=False), headers(1, FrameTime="30")),
        (stack(20, placed=False), headers(20, one_image=False)),
    ],
    ids=["slices of a body", "one image", "several projections"],
)
def test_what_does_not_follow_in_time_is_no_cine(volume: Volume, series: list[Dataset]) -> None:
    assert cine_of(volume, series) is None


@pytest.mark.parametrize(
    ("volume", "names"),
    [
        (stack(40, placed=True), ["axial", "coronal", "sagittal"]),
        (stack(40, placed=False), ["acquired"]),
        (stack(15, placed=True), ["acquired"]),
    ],
    ids=["placed", "not placed", "too few slices"],
)
def test_three_planes_need_slices_that_lie_in_the_patient(volume: Volume, names: list[str]) -> None:
    assert [plane.name for plane in planes_of(volume)] == names
