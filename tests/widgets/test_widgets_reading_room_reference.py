"""References: drawn by teachers in the room, shown to teachers only; and rooms that can't open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zlib import decompress

import numpy as np
import pytest

from clerkship_cases import Annotation, open_case
from clerkship_cases.key import open_key
from clerkship_widgets import ReadingRoom, WidgetError

WORDS = {
    "title": "A place to try this out",
    "who": "author",
    "how": "drawn by a test",
    "reviewed": "none",
}


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A teacher's folder for keys."""
    folder = tmp_path / "keys"
    folder.mkdir()
    monkeypatch.setenv("CLERKSHIP_KEYS", str(folder))
    return folder


class Browser:
    """Collects what a room sends to a page."""

    def __init__(self, room: ReadingRoom) -> None:
        self.room = room
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        room.send = lambda content, buffers=None: self.sent.append((content, buffers or []))

    def say(self, **content: Any) -> list[tuple[dict[str, Any], list[bytes]]]:
        before = len(self.sent)
        self.room._handle_custom_msg(content, [])
        return self.sent[before:]


def square(left: int, top: int, side: int = 40) -> Annotation:
    """A square on the radiograph, around pixel centres (an image of one pixel a unit)."""
    a, b = left - 0.5, top - 0.5
    corners = [(a, b, 0), (a + side, b, 0), (a + side, b + side, 0), (a, b + side, 0)]
    volume = open_case("tibia-nof").volume
    return Annotation.new("region", volume.patient_from_voxel(corners), label="lesion")


def room_with(*marks: Annotation) -> ReadingRoom:
    room = ReadingRoom("tibia-nof", labels=["lesion", "landmark"])
    for mark in marks:
        room.annotate(mark)
    return room


def test_what_a_teacher_draws_becomes_one_readers_reference(keys: Path) -> None:
    drawn = square(800, 900)
    path = room_with(drawn).save_reference(name="lesion", reader="radiologist-1", **WORDS)
    assert path == keys / "tibia-nof" / "key.yml"
    finding = open_key("tibia-nof").finding("lesion")
    assert (finding.reader, finding.who, finding.reviewed) == ("radiologist-1", "author", "none")
    assert finding.annotation.points_lps_mm == drawn.points_lps_mm


@pytest.mark.usefixtures("keys")
def test_only_marks_with_the_label_are_taken() -> None:
    other = Annotation.new("point", [(10, 10, 0)], label="landmark")
    room = room_with(square(800, 900), other)
    room.save_reference(name="growth-plate", reader="author", label="landmark", **WORDS)
    assert open_key("tibia-nof").finding("growth-plate").shape.kind == "point"
    with pytest.raises(WidgetError, match="label 'lump'"):
        room.save_reference(name="lump", reader="author", label="lump", **WORDS)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("marks", "words", "said"),
    [
        ([], {}, "Nothing is marked yet"),
        ([square(3000, 900)], {}, "beyond the images"),
        ([square(800, 900)], {"who": "everybody"}, "who"),
        ([square(800, 900)], {"reviewed": "panel"}, "reviewed_by"),
        ([square(800, 900)], {"reader": "Dr. Jane Doe"}, "reader"),
    ],
    ids=["nothing drawn", "beside the image", "nobody says so", "unsigned review", "a name"],
)
def test_what_can_not_be_kept_is_said_in_a_sentence(
    marks: list[Annotation], words: dict[str, str], said: str
) -> None:
    fields = WORDS | {"name": "lesion", "reader": "author"} | words
    with pytest.raises(WidgetError, match=said):
        room_with(*marks).save_reference(**fields)


def test_a_reading_is_replaced_only_when_asked(keys: Path) -> None:
    room_with(square(800, 900)).save_reference(name="lesion", reader="author", **WORDS)
    moved = square(820, 900)
    room = room_with(moved)
    with pytest.raises(WidgetError, match="replace=True"):
        room.save_reference(name="lesion", reader="author", **WORDS)
    room.save_reference(name="lesion", reader="author", replace=True, **WORDS)
    assert open_key("tibia-nof", keys).finding("lesion").annotation.points_lps_mm == (
        moved.points_lps_mm
    )


def test_where_keys_can_not_be_written_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("CLERKSHIP_KEYS", str(blocked))
    with pytest.raises(WidgetError, match="teacher's side"):
        room_with(square(800, 900)).save_reference(name="lesion", reader="author", **WORDS)


@pytest.fixture
def two_readers(keys: Path) -> Path:
    for reader, left in {"reader-a": 800, "reader-b": 810}.items():
        room_with(square(left, 900)).save_reference(name="lesion", reader=reader, **WORDS)
    return keys


@pytest.mark.usefixtures("two_readers")
def test_readers_are_shown_apart_with_their_overlap() -> None:
    room = ReadingRoom("tibia-nof")
    browser = Browser(room)
    assert browser.say(hello="view", px=800)[0][0]["room"]["reference"] is None
    room.show_reference("lesion")
    (shown,) = (content["reference"] for content, _ in browser.sent if "reference" in content)
    assert [reader["reader"] for reader in shown["readers"]] == ["reader-a", "reader-b"]
    assert [len(reader["shapes"]) for reader in shown["readers"]] == [1, 1]
    (pair,) = shown["agreement"]
    assert pair["dice"] == pytest.approx(30 / 40)  # 40 wide each, 30 of it common
    assert shown["voters"] == 0b11


@pytest.mark.usefixtures("two_readers")
def test_every_pixel_says_which_readers_include_it() -> None:
    room = ReadingRoom("tibia-nof")
    browser = Browser(room)
    browser.say(hello="view", px=800)
    assert browser.say(votes={"plane": "acquired", "index": 0}) == []  # nothing is shown yet
    room.show_reference("lesion")
    ((answer, (coded,)),) = browser.say(votes={"plane": "acquired", "index": 0})
    described = answer["votes"]
    folded = np.frombuffer(decompress(coded, -15), np.uint8).astype(np.int64)
    steps = ((folded >> 1) ^ -(folded & 1)).reshape(described["rows"], described["columns"])
    votes = np.cumsum(steps, axis=1).astype(np.uint8)
    assert {int(n): int((votes == n).sum()) for n in np.unique(votes) if n} == {
        0b01: 10 * 40,
        0b10: 10 * 40,
        0b11: 30 * 40,
    }
    room.hide_reference()
    assert browser.say(votes={"plane": "acquired", "index": 0}) == []


@pytest.mark.usefixtures("two_readers")
def test_one_reader_can_be_chosen() -> None:
    room = ReadingRoom("tibia-nof")
    room.show_reference("lesion", reader="reader-b")
    assert room._reference is not None
    assert list(room._reference.readings) == ["reader-b"]
    with pytest.raises(WidgetError, match="reader-a, reader-b"):
        room.show_reference("lesion", reader="reader-z")
    with pytest.raises(WidgetError, match="it has: lesion"):
        room.show_reference("nodule")


def test_a_student_has_no_key_and_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERKSHIP_KEYS", str(tmp_path / "nowhere"))
    room = ReadingRoom("tibia-nof")
    with pytest.raises(WidgetError, match="teacher's side"):
        room.show_reference("lesion")


@pytest.mark.usefixtures("two_readers")
def test_a_reference_that_is_shown_is_in_no_trait() -> None:
    room = ReadingRoom("tibia-nof")
    room.show_reference("lesion")
    state = room.get_state()
    del state["_esm"]
    assert "reader-a" not in json.dumps(state, default=str)


# -- rooms whose images are not here ------------------------------------------------------------


@pytest.fixture
def far_away(added_library: Path, add_case: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case whose images nobody has fetched yet; gives the folder of its record."""
    monkeypatch.setenv("CLERKSHIP_LIBRARY", str(added_library))
    monkeypatch.setenv("CLERKSHIP_CACHE", str(added_library / "empty-cache"))
    folder = added_library / "cases" / "far-away"
    if not folder.exists():
        add_case("far-away", [], modality="CT", source={"kind": "url", "format": "dicom"})
        listed = f"url\tsha256\tbytes\nhttps://example.org/1.dcm\t{'0' * 64}\t100\n"
        (folder / "files.tsv").write_text(listed)
    return folder


@pytest.mark.usefixtures("far_away")
def test_a_case_that_is_not_here_is_a_card_and_no_traceback() -> None:
    ((answer, _),) = Browser(ReadingRoom("far-away")).say(hello="view", px=800)
    assert answer["closed"]["case"]["title"] == "Far away"
    assert "clerkship cases get far-away" in answer["closed"]["reason"]
    assert answer["to"] == "view"


def test_marks_of_a_case_that_is_not_here_stay_as_they_are(
    far_away: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = {"kind": "annotate", "points": 1, "case": far_away.name, "labels": []}
    (tmp_path / "module.json").write_text(json.dumps({"tasks": {"find-it": task}}))
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "answers" / "find-it.sr.dcm"
    report.parent.mkdir()
    report.write_bytes(b"yesterday's marks")
    room = ReadingRoom(task="find-it")
    room.annotate(Annotation.new("length", [(0, 0, 0), (3, 4, 0)]))
    with pytest.raises(WidgetError, match="earlier marks are kept"):
        room.save()
    assert [path.name for path in report.parent.iterdir()] == ["find-it.sr.dcm"]
    assert report.read_bytes() == b"yesterday's marks"
