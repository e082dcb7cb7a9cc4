"""The anatomy room as Python sees it: what a notebook may ask of it, and what travels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clerkship_widgets import AnatomyRoom, WidgetError
from clerkship_widgets.mesh import Mesh
from clerkship_widgets.meshes.wire import PackedMesh, encode
from clerkship_widgets.scene import Scene, SceneError
from clerkship_widgets.structure import Group, Structure

TETRAHEDRON = Mesh(
    np.array([[0.0, 0, 0], [30, 0, 0], [0, 30, 0], [0, 0, 30]]),
    np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], dtype=np.int32),
)


def stone(name: str, *, visible: bool = True) -> Structure:
    return Structure(
        name,
        name.title(),
        "",
        "",
        "stones",
        "#888888",
        "Round.",
        "A brook.",
        "CC0",
        visible=visible,
    )


STONES = Scene(
    "brook",
    "A brook",
    (Group("stones", "Stones"),),
    (stone("flint"), stone("slate"), stone("agate", visible=False)),
    {name: encode(TETRAHEDRON) for name in ("flint", "slate", "agate")},
)


class Sent(list[tuple[dict[str, Any], list[bytes]]]):
    """What the room sent to the browser."""

    def __call__(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.append((content, buffers))


@pytest.fixture
def room() -> AnatomyRoom:
    return AnatomyRoom(STONES)


@pytest.fixture
def sent(room: AnatomyRoom, monkeypatch: pytest.MonkeyPatch) -> Sent:
    sent = Sent()
    monkeypatch.setattr(room, "send", sent)
    return sent


def ask(room: AnatomyRoom, content: object) -> None:
    """Hand the room a message as the comm does."""
    room._handle_custom_msg(content, [])


# -- opening -----------------------------------------------------------------------------------


def test_a_room_opens_as_its_scene_says(room: AnatomyRoom) -> None:
    assert [structure.id for structure in room.structures] == ["flint", "slate", "agate"]
    assert room.hidden == ["agate"]
    assert (room.picked, room.picked_point_lps_mm, room.opacities) == ("", [], {})


def test_an_unknown_scene_is_a_clear_error() -> None:
    with pytest.raises(WidgetError, match="no scene 'kidney'"):
        AnatomyRoom("kidney")


def test_the_browser_is_told_names_and_headers_but_no_meshes(room: AnatomyRoom) -> None:
    state = room.get_state()
    assert len(json.dumps(state["scene"])) < 3000
    assert not any(isinstance(value, bytes | memoryview) for value in state.values())
    assert state["scene"]["structures"][0]["mesh"]["triangles"] == 4


def test_the_browser_cannot_rewrite_the_scene(room: AnatomyRoom) -> None:
    before = room.scene
    with pytest.raises(Exception, match="read-only"):
        room.scene = {}
    assert room.scene == before


def test_a_task_shows_its_prompt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = {"find-flint": {"kind": "annotate", "points": 1, "prompt": "Find the flint."}}
    (tmp_path / "module.json").write_text(json.dumps({"tasks": tasks}))
    monkeypatch.chdir(tmp_path)
    assert AnatomyRoom(STONES, task="find-flint").prompt == "Find the flint."
    with pytest.raises(WidgetError, match=r"no task 'find-gold'.*find-flint"):
        AnatomyRoom(STONES, task="find-gold")


@pytest.mark.parametrize(("asked", "given"), [(10, 240), (700, 700), (99_999, 2000)])
def test_the_height_stays_sensible(asked: int, given: int) -> None:
    assert AnatomyRoom(STONES, height_px=asked).height_px == given


# -- taking apart --------------------------------------------------------------------------------


def test_hide_and_show(room: AnatomyRoom) -> None:
    room.hide("flint")
    room.hide("flint")
    assert room.hidden == ["agate", "flint"]
    room.show("agate")
    assert room.hidden == ["flint"]


def test_isolate_hides_all_others(room: AnatomyRoom) -> None:
    room.isolate("agate")
    assert room.hidden == ["flint", "slate"]


def test_opacity_is_kept_only_where_it_is_not_solid(room: AnatomyRoom) -> None:
    room.set_opacity("flint", 0.4)
    room.set_opacity("slate", 0.7)
    assert room.opacities == {"flint": 0.4, "slate": 0.7}
    room.set_opacity("flint", 1)
    assert room.opacities == {"slate": 0.7}


@pytest.mark.parametrize("opacity", [-0.1, 1.01, float("nan")])
def test_an_impossible_opacity_is_refused(room: AnatomyRoom, opacity: float) -> None:
    with pytest.raises(SceneError, match=r"from 0 \(clear\) to 1 \(solid\)"):
        room.set_opacity("flint", opacity)


@pytest.mark.parametrize("act", ["hide", "show", "isolate"])
def test_a_wrong_id_is_answered_with_the_right_ones(room: AnatomyRoom, act: str) -> None:
    with pytest.raises(SceneError, match=r"no structure 'marble'. It has: flint, slate, agate"):
        getattr(room, act)("marble")
    assert room.hidden == ["agate"]


# -- picking and looking ---------------------------------------------------------------------------


def test_python_may_pick(room: AnatomyRoom) -> None:
    room.picked = "slate"
    with pytest.raises(SceneError, match="no structure 'marble'"):
        room.picked = "marble"
    assert room.picked == "slate"
    room.picked = ""


def test_a_pick_from_the_browser_arrives_with_its_place_in_one_go(room: AnatomyRoom) -> None:
    seen: list[tuple[str, list[float]]] = []
    room.observe(
        lambda _: seen.append((room.picked, list(room.picked_point_lps_mm))), names="picked"
    )
    room.set_state({"picked": "flint", "picked_point_lps_mm": [1.5, -2, 3]})
    assert seen == [("flint", [1.5, -2.0, 3.0])]


@pytest.mark.parametrize("point", [[1.0], [1.0, 2.0, float("nan")], [1.0, 2.0, 3.0, 4.0]])
def test_a_place_has_three_numbers(room: AnatomyRoom, point: list[float]) -> None:
    with pytest.raises(SceneError, match="is not a point"):
        room.picked_point_lps_mm = point


def test_the_camera_goes_to_the_six_sides_and_nowhere_else(room: AnatomyRoom) -> None:
    room.look_from("superior")
    assert room.view == "superior"
    with pytest.raises(SceneError, match=r"no view from 'top'.*superior"):
        room.look_from("top")


# -- meshes on request --------------------------------------------------------------------------


def test_meshes_travel_when_asked_for_one_message_each(room: AnatomyRoom, sent: Sent) -> None:
    ask(room, {"meshes": ["flint", "agate"]})
    assert [content for content, _ in sent] == [{"mesh": "flint"}, {"mesh": "agate"}]
    header = STONES.packed["flint"].header
    assert sent[0][1] == [STONES.packed["flint"].payload]
    assert PackedMesh(header, sent[0][1][0]) == STONES.packed["flint"]


@pytest.mark.parametrize(
    "nonsense", [None, 3, {}, {"meshes": "flint"}, {"meshes": ["marble", 7, None, []]}]
)
def test_nonsense_from_the_browser_is_not_answered(
    room: AnatomyRoom, sent: Sent, nonsense: object
) -> None:
    ask(room, nonsense)
    assert sent == []


def test_the_engine_comes_through_the_kernel_when_asked_for(room: AnatomyRoom, sent: Sent) -> None:
    ask(room, {"engine": "anatomy_room_engine"})
    ((content, _),) = sent
    assert content["engine"] == "anatomy_room_engine"
