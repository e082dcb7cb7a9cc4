"""Quiz: a graded one saves and keeps silent, a practice one answers back, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clerkship_widgets import Quiz, WidgetError
from clerkship_widgets.quiz import WITHHELD

ZONE = {"epiphysis": {"text": "Epiphysis"}, "metaphysis": {"text": "Metaphysis"}}
BUNDLE: dict[str, Any] = {
    "tasks": {
        "post-test": {"kind": "quiz", "points": 3, "items": ["zone", "signs", "width"]},
        "mark-lesion": {"kind": "annotate", "points": 6},
    },
    "items": {
        "zone": {"kind": "choice", "stem": "Which zone?", "points": 1, "options": ZONE},
        "signs": {
            "kind": "choices",
            "stem": "Which?",
            "points": 1,
            "options": {"rim": {"text": "A rim"}, "moth": {"text": "Moth-eaten"}},
        },
        "width": {"kind": "number", "stem": "How wide?", "points": 1, "unit": "HU"},
        "plate": {
            "kind": "choice",
            "stem": "Where?",
            "explanation": "The physis is there.",
            "options": {
                "between": {"text": "Between", "correct": True, "feedback": "Yes, the **physis**."},
                "mid": {
                    "text": "Mid-shaft",
                    "correct": False,
                    "feedback": "That is the diaphysis.",
                },
            },
        },
        "low": {
            "kind": "number",
            "stem": "Lowest?",
            "unit": "HU",
            "answer": -160,
            "tolerance": 0.1,
            "explanation": "40 − 200.",
        },
    },
    "practice": {
        "warm-up": {"items": ["plate", "low"], "withhold": False},
        "pre-test": {"items": ["plate"], "withhold": True},
        "broken": {"items": ["gone"]},
    },
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student's module folder, and the kernel in it."""
    (tmp_path / "module.json").write_text(json.dumps(BUNDLE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLERKSHIP_SELF_STUDY", raising=False)
    return tmp_path


def on_disk(folder: Path, name: str) -> Any:
    return json.loads((folder / "answers" / f"{name}.json").read_text())


def click(quiz: Quiz, message: dict[str, Any]) -> None:
    """Deliver a message as the browser does."""
    quiz._handle_custom_msg(message, [])


# -- graded ------------------------------------------------------------------------------------


def test_each_answer_is_on_disk_as_the_scorer_reads_it(folder: Path) -> None:
    quiz = Quiz("post-test")
    quiz.answer("zone", "metaphysis")
    assert on_disk(folder, "post-test") == {"task": "post-test", "items": {"zone": ["metaphysis"]}}
    quiz.answer("signs", ["moth", "rim"])
    quiz.answer("width", 400)
    assert on_disk(folder, "post-test")["items"] == {
        "zone": ["metaphysis"],
        "signs": ["rim", "moth"],
        "width": 400,
    }
    assert quiz.saved["text"] == "Saved"


def test_an_item_that_is_cleared_is_absent_again(folder: Path) -> None:
    quiz = Quiz("post-test")
    quiz.answer("width", 400)
    quiz.answer("zone", "metaphysis")
    quiz.answer("width", None)
    assert on_disk(folder, "post-test")["items"] == {"zone": ["metaphysis"]}


def test_answers_are_there_again_after_a_restart(folder: Path) -> None:
    Quiz("post-test").answer("zone", "epiphysis")
    again = Quiz("post-test")
    assert again.answers == {"zone": ["epiphysis"]}
    assert again.saved == {"answers": {"zone": ["epiphysis"]}, "text": "Saved", "tone": "good"}


def test_looking_at_a_quiz_writes_nothing(folder: Path) -> None:
    Quiz("post-test")
    assert not (folder / "answers").exists()


def test_a_graded_quiz_never_says_right_or_wrong(folder: Path) -> None:
    quiz = Quiz("post-test")
    for item, value in (("zone", "metaphysis"), ("signs", ["rim"]), ("width", 400)):
        quiz.answer(item, value)
    with pytest.raises(WidgetError, match="graded"):
        quiz.check()
    click(quiz, {"do": "check"})
    assert quiz.feedback == {}


@pytest.mark.parametrize(
    ("item", "value", "said"),
    [
        ("zone", "tibia", "epiphysis, metaphysis"),
        ("zone", ["epiphysis", "metaphysis"], "takes one option"),
        ("width", "wide", "asks for a number"),
        ("width", float("nan"), "asks for a number"),
        ("width", True, "asks for a number"),
        ("elsewhere", "x", "zone, signs, width"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_remedy(
    folder: Path, item: str, value: Any, said: str
) -> None:
    quiz = Quiz("post-test")
    with pytest.raises(WidgetError, match=said):
        quiz.answer(item, value)
    assert quiz.answers == {}


def test_a_stray_value_from_the_page_does_not_reach_the_file(folder: Path) -> None:
    quiz = Quiz("post-test")
    quiz.answers = {"zone": ["metaphysis"], "width": "wide", "elsewhere": 3}
    assert on_disk(folder, "post-test")["items"] == {"zone": ["metaphysis"]}
    assert quiz.answers == {"zone": ["metaphysis"]}


# -- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbled",
    [
        b"{",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b'{"items": 5}',
        b'{"items": {"zone": ["tibia"]}}',
        b"[" * 100_000,
    ],
)
def test_a_garbled_file_is_kept_aside_and_the_cell_still_runs(folder: Path, garbled: bytes) -> None:
    path = folder / "answers" / "post-test.json"
    path.parent.mkdir()
    path.write_bytes(garbled)
    quiz = Quiz("post-test")
    assert quiz.answers == {}
    assert "kept as answers/post-test.unreadable-1.json" in quiz.saved["text"]
    assert (folder / "answers" / "post-test.unreadable-1.json").read_bytes() == garbled
    quiz.answer("zone", "metaphysis")
    assert on_disk(folder, "post-test")["items"] == {"zone": ["metaphysis"]}


def test_what_is_left_of_a_half_garbled_file_is_used(folder: Path) -> None:
    path = folder / "answers" / "post-test.json"
    path.parent.mkdir()
    path.write_text('{"items": {"zone": ["metaphysis"], "width": "wide"}}')
    assert Quiz("post-test").answers == {"zone": ["metaphysis"]}
    assert Quiz("post-test").saved["text"] == "Saved", "the second start finds a sound file"


def test_two_garbled_files_do_not_replace_each_other(folder: Path) -> None:
    for _ in range(2):
        (folder / "answers").mkdir(exist_ok=True)
        (folder / "answers" / "post-test.json").write_text("{")
        Quiz("post-test")
    assert sorted(path.name for path in (folder / "answers").iterdir()) == [
        "post-test.unreadable-1.json",
        "post-test.unreadable-2.json",
    ]


def test_a_folder_that_cannot_be_written_is_said_and_not_called_saved(folder: Path) -> None:
    (folder / "answers").write_text("a file where the folder should be")
    quiz = Quiz("post-test")
    quiz.answer("zone", "metaphysis")
    assert quiz.saved["text"].startswith("Not saved: answers/post-test.json cannot be written")
    assert quiz.saved["answers"] != quiz.answers


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("post-tets", "warm-up, pre-test, broken, post-test"),
        ("mark-lesion", "no quiz of that name"),
        ("broken", "has no item gone"),
    ],
)
def test_a_wrong_name_names_the_right_ones(folder: Path, name: str, said: str) -> None:
    with pytest.raises(WidgetError, match=said):
        Quiz(name)


def test_self_study_keeps_nothing_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Quiz("post-test").answer("zone", "metaphysis")
    before = on_disk(folder, "post-test")
    monkeypatch.setenv("CLERKSHIP_SELF_STUDY", "1")
    quiz = Quiz("post-test")
    assert quiz.answers == {}
    quiz.answer("zone", "epiphysis")
    assert quiz.saved["text"] == "Self-study: not saved"
    assert on_disk(folder, "post-test") == before


# -- practice ----------------------------------------------------------------------------------


def test_the_key_of_a_practice_quiz_is_not_on_the_page_before_the_check(folder: Path) -> None:
    state = json.dumps(
        {key: value for key, value in Quiz("warm-up").get_state().items() if key != "_esm"}
    )
    assert "physis is there" not in state
    assert "correct" not in state
    assert "-160" not in state


def test_a_check_waits_for_every_answer(folder: Path) -> None:
    quiz = Quiz("warm-up")
    quiz.answer("plate", "mid")
    with pytest.raises(WidgetError, match="answer first: low"):
        quiz.check()


def test_a_check_answers_each_chosen_option_but_leaves_the_rest_to_find(folder: Path) -> None:
    quiz = Quiz("warm-up")
    quiz.answer("plate", "mid")
    quiz.answer("low", -160.05)
    click(quiz, {"do": "check"})
    assert quiz.feedback["summary"] == "1 of 2 right. Change an answer to try again."
    plate, low = quiz.feedback["items"]["plate"], quiz.feedback["items"]["low"]
    assert plate["right"] is False
    assert list(plate["options"]) == ["mid"]
    assert "diaphysis" in plate["options"]["mid"]["feedback"]
    assert plate["explanation"] == ""
    assert low["right"] is True
    assert "40 − 200" in low["explanation"]


def test_the_answers_are_shown_on_request(folder: Path) -> None:
    quiz = Quiz("warm-up")
    quiz.answer("plate", "mid")
    quiz.answer("low", 0)
    click(quiz, {"do": "check", "reveal": True})
    assert quiz.feedback["items"]["plate"]["options"]["between"]["correct"] is True
    assert "The physis is there." in quiz.feedback["items"]["plate"]["explanation"]
    assert quiz.feedback["items"]["low"]["answer"] == "−160 HU"


def test_whole_numbers_from_the_page_are_marked_like_any_other(folder: Path) -> None:
    quiz = Quiz("warm-up")
    quiz.answers = {"plate": ["between"], "low": -160}  # JavaScript sends 160.0 as 160
    quiz.check()
    assert quiz.feedback["summary"] == "2 of 2 right."


def test_feedback_is_there_again_after_a_restart(folder: Path) -> None:
    quiz = Quiz("warm-up")
    quiz.answer("plate", "mid")
    quiz.answer("low", 0)
    quiz.check()
    assert Quiz("warm-up").feedback == quiz.feedback
    quiz.answer("plate", "between")
    assert Quiz("warm-up").feedback == {}, "an answer that changed since is a fresh try"


def test_a_pre_test_only_thanks(folder: Path) -> None:
    quiz = Quiz("pre-test")
    quiz.answer("plate", "mid")
    quiz.check(reveal=True)
    assert quiz.feedback == {
        "answers": {"plate": ["mid"]},
        "items": {},
        "summary": WITHHELD,
        "revealed": True,
    }
