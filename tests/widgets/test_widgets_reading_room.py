"""The reading room, kernel side: what it tells the browser, what it takes, and what it keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clerkship_cases import Annotation, open_case, read_sr
from clerkship_widgets import ReadingRoom, WidgetError
from clerkship_widgets import reading_room as module
from clerkship_widgets.strokes import AnnotationHistory, measurement_lines

MODULE = {
    "tasks": {
        "mark-lesion": {
            "kind": "annotate",
            "points": 6,
            "case": "tibia-nof",
            "prompt": "Outline the lesion.",
            "tools": ["region", "length"],
            "labels": ["lesion", "normal variant"],
        },
        "post-test": {"kind": "quiz", "points": 1, "items": []},
    }
}
SQUARE = [(800, 1000, 0), (900, 1000, 0), (900, 1100, 0), (800, 1100, 0)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's folder with the module bundle in it."""
    (tmp_path / "module.json").write_text(json.dumps(MODULE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLERKSHIP_SELF_STUDY", raising=False)
    return tmp_path


class Browser:
    """What a page does: says hello, sends messages, collects answers."""

    def __init__(self, room: ReadingRoom) -> None:
        self.room = room
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        room.send = lambda content, buffers=None: self.sent.append((content, buffers or []))

    def say(self, **content: Any) -> list[dict[str, Any]]:
        before = len(self.sent)
        self.room._handle_custom_msg(content, [])
        return [content for content, _ in self.sent[before:]]

    def hello(self) -> dict[str, Any]:
        return next(answer["room"] for answer in self.say(hello="view", px=800) if "room" in answer)


def stroke(uid: str = "2.25.1", **changes: Any) -> dict[str, Any]:
    whole = {
        "uid": uid,
        "kind": "region",
        "points_lps_mm": SQUARE,
        "label": "lesion",
        "text": "",
        "plane": "acquired",
        "index": 0,
    }
    return whole | changes


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save when asked to, not a moment later in a thread."""
    monkeypatch.setattr(module.Autosave, "request", lambda self: self._run())


def test_a_task_brings_its_case_prompt_tools_and_labels(folder: Path) -> None:
    described = Browser(ReadingRoom(task="mark-lesion")).hello()
    assert described["case"]["id"] == "tibia-nof"
    assert described["prompt"] == "Outline the lesion."
    assert described["tools"] == ["length", "region"]
    assert described["labels"] == ["lesion", "normal variant"]
    assert described["kept"] == "task"
    assert described["calibrated"] is False
    assert described["inverted"] is True
    assert not (folder / "answers").exists()  # opening is not answering


def test_the_first_image_comes_with_the_first_answer() -> None:
    browser = Browser(ReadingRoom("brain-mni152"))
    assert [first["plane"] for first in browser.hello()["first"]] == [
        "axial",
        "coronal",
        "sagittal",
    ]
    assert all(0 < len(data) < 60_000 for data in browser.sent[0][1])


def test_traits_hold_no_pixels_and_nothing_of_a_key() -> None:
    state = ReadingRoom("tibia-nof").get_state()
    del state["_esm"]
    assert len(json.dumps(state, default=str)) < 1000
    assert state["case_id"] == "tibia-nof"


def test_a_page_cannot_change_case_or_task(folder: Path) -> None:
    room = ReadingRoom(task="mark-lesion")
    with pytest.raises(Exception, match="read-only"):
        room.case_id = "chest-pa"
    assert room.case.id == "tibia-nof"


def test_a_slice_is_answered_and_nonsense_is_not() -> None:
    browser = Browser(ReadingRoom("bone-scan"))
    browser.hello()
    (answer,) = browser.say(get={"plane": "acquired", "index": 0})
    assert answer["slice"]["rows"] == 1024
    assert browser.say(get={"plane": "acquired", "index": 7}) == []
    assert browser.say(get="everything") == []
    assert browser.say(unknown=1) == []


@pytest.mark.usefixtures("at_once")
@pytest.mark.slow  # highdicom takes seconds to import
def test_a_stroke_is_measured_saved_and_there_again_after_a_restart(folder: Path) -> None:
    browser = Browser(ReadingRoom(task="mark-lesion"))
    browser.hello()
    answers = browser.say(stroke=stroke())
    (mark,) = next(answer["annotations"] for answer in answers if "annotations" in answer)
    assert mark["lines"][0] == "10000 px²"
    saved = open_case("tibia-nof").images[0].SOPInstanceUID
    assert mark["slice_uid"] == saved

    (annotation,) = read_sr(folder / "answers" / "mark-lesion.sr.dcm")
    assert annotation.kind == "region"
    assert annotation.label == "lesion"
    assert (folder / "answers" / "mark-lesion.seg.dcm").is_file()

    again = ReadingRoom(task="mark-lesion")
    (known,) = again.annotations
    # Whole numbers: exact in the single precision of the file.
    assert known.points_lps_mm == tuple(SQUARE)
    assert Browser(again).hello()["annotations"][0]["label"] == "lesion"


@pytest.mark.usefixtures("at_once")
@pytest.mark.slow
def test_an_empty_room_leaves_no_answer_and_undo_brings_it_back(folder: Path) -> None:
    browser = Browser(ReadingRoom(task="mark-lesion"))
    browser.hello()
    browser.say(stroke=stroke())
    browser.say(delete="2.25.1")
    assert list((folder / "answers").iterdir()) == []  # a missing file is a blank answer
    browser.say(undo=True)
    assert sorted(path.name for path in (folder / "answers").iterdir()) == [
        "mark-lesion.seg.dcm",
        "mark-lesion.sr.dcm",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "ellipse"}, "no tool 'ellipse'"),
        ({"label": "tumour"}, "not a label of this task"),
        ({"points_lps_mm": SQUARE[:2]}, "3 to"),
        ({"points_lps_mm": [[float("nan"), 0, 0]] * 3}, "finite"),
        ({"points_lps_mm": "all"}, "list"),
        ({"uid": "x" * 100}, "uid"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_bad_stroke_gets_a_sentence_and_changes_nothing(
    changes: dict[str, Any], said: str
) -> None:
    browser = Browser(ReadingRoom(task="mark-lesion"))
    browser.hello()
    (answer,) = browser.say(stroke=stroke(**changes))
    assert said in answer["notice"]
    assert "Traceback" not in answer["notice"]
    assert browser.room.annotations == []


def test_a_full_disk_is_said_and_the_marks_stay(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clerkship_widgets.answer_marks.write_sr", full)
    browser = Browser(ReadingRoom(task="mark-lesion"))
    browser.hello()
    browser.say(stroke=stroke())
    with pytest.raises(WidgetError, match="No space left on device"):
        browser.room.save()
    assert len(browser.room.annotations) == 1
    assert browser.hello()["save"]["state"] == "failed"


@pytest.mark.usefixtures("at_once")
@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_kept_beside_the_new_one(folder: Path) -> None:
    report = folder / "answers" / "mark-lesion.sr.dcm"
    report.parent.mkdir()
    report.write_bytes(b"half a file")
    browser = Browser(ReadingRoom(task="mark-lesion"))
    described = browser.hello()
    assert described["annotations"] == []
    assert "could not be read" in described["save"]["message"]
    browser.say(stroke=stroke())
    assert len(read_sr(report)) == 1
    assert (folder / "answers" / "mark-lesion.sr.unreadable-1.dcm").read_bytes() == b"half a file"


def test_self_study_writes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLERKSHIP_SELF_STUDY", "1")
    browser = Browser(ReadingRoom(task="mark-lesion"))
    assert browser.hello()["kept"] == "self-study"
    browser.say(stroke=stroke())
    assert len(browser.room.annotations) == 1
    with pytest.raises(WidgetError, match="self-study"):
        browser.room.save()
    assert not (folder / "answers").exists()


def test_practice_belongs_to_no_task() -> None:
    room = ReadingRoom("tibia-nof", tools=["length"])
    room.annotate(Annotation.new("length", [(0, 0, 0), (3, 4, 0)]))
    assert Browser(room).hello()["annotations"][0]["lines"] == ["5.0 px"]
    with pytest.raises(WidgetError, match="belongs to no task"):
        room.save()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (ReadingRoom, "which case"),
        (lambda: ReadingRoom("no-such-case"), "no-such-case"),
        (lambda: ReadingRoom(42), "which case"),
        (lambda: ReadingRoom(task="impression"), "mark-lesion, post-test"),
        (lambda: ReadingRoom(task="post-test"), "kind 'quiz'"),
        (lambda: ReadingRoom(task="../keys"), "not a name"),
        (lambda: ReadingRoom("tibia-nof", tools=["scalpel"]), "scalpel"),
        (lambda: ReadingRoom("tibia-nof", tools="region"), "list"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_room_that_cannot_be_opened_says_why(make: Callable[[], ReadingRoom], said: str) -> None:
    with pytest.raises(WidgetError, match=said):
        make()


def test_history_goes_back_and_forth_and_forgets_the_branch_not_taken() -> None:
    first = Annotation.new("length", [(0, 0, 0), (1, 0, 0)])
    second = Annotation.new("length", [(0, 0, 0), (2, 0, 0)])
    history = AnnotationHistory()
    assert not history.undo()
    history.put(first)
    history.put(second)
    assert not history.put(second)  # nothing changed: no step
    assert history.undo()
    assert history.now == (first,)
    assert history.redo()
    assert history.now == (first, second)
    history.undo()
    assert history.remove(first.uid)
    assert not history.can_redo
    assert not history.remove("unknown")


@pytest.mark.parametrize(
    ("kind", "measures", "lines"),
    [
        ("length", {"length": 38.62, "unit": "mm"}, ["38.6 mm"]),
        ("angle", {"angle_deg": 91.04}, ["91.0°"]),
        ("region", {"area": 412.4, "unit": "mm²", "mean": 38.04, "sd": 9.11, "value_unit": "HU"}, ["412 mm²", "mean 38.0 ± 9.1 HU"]),
        ("ellipse", {"area": 0.25, "unit": "px²"}, ["0.25 px²"]),
        ("arrow", {}, []),
    ],
)  # fmt: skip
def test_measurements_are_written_as_a_reader_would(
    kind: Any, measures: dict[str, Any], lines: list[str]
) -> None:
    points = {"length": 2, "arrow": 2, "angle": 3, "region": 3, "ellipse": 4}[kind]
    annotation = Annotation.new(kind, [(n, n * n, 0) for n in range(points)])
    assert measurement_lines(annotation, measures) == lines
