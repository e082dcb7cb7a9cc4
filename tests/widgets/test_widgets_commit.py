"""Commit: the reveal reaches the page only after the answer is frozen, and a reload shows both."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clerkship_widgets import Commit, WidgetError

BUNDLE = {
    "reveals": {
        "bone-scan-read": {
            "prompt": "What do you see?",
            "options": None,
            "confidence": True,
            "markdown": "Tracer in the **bladder**.",
        },
        "side": {
            "prompt": "Which side?",
            "options": {"left": "Left", "right": "Right"},
            "markdown": "Right. <script>alert(1)</script>",
        },
    }
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "module.json").write_text(json.dumps(BUNDLE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLERKSHIP_SELF_STUDY", raising=False)
    return tmp_path


def on_disk(folder: Path, name: str) -> Any:
    return json.loads((folder / "answers" / f"{name}.commit.json").read_text())


def page_state(widget: Commit) -> str:
    """Everything that the browser can read."""
    return json.dumps({key: value for key, value in widget.get_state().items() if key != "_esm"})


def test_the_reveal_is_in_no_trait_before_the_commit(folder: Path) -> None:
    widget = Commit("bone-scan-read")
    assert "bladder" not in page_state(widget)
    widget.draft = {"answer": "Uptake", "confidence": 40}
    assert "bladder" not in page_state(widget)
    widget.commit()
    assert widget.revealed == "<p>Tracer in the <strong>bladder</strong>.</p>\n"


def test_a_commit_is_kept_with_its_time(folder: Path) -> None:
    Commit("bone-scan-read").commit("Uptake in the bladder", 55)
    kept = on_disk(folder, "bone-scan-read")
    assert (kept["answer"], kept["confidence"]) == ("Uptake in the bladder", 55)
    assert datetime.now(UTC) - datetime.fromisoformat(kept["committed_at"]) < timedelta(minutes=1)


def test_a_committed_answer_stays_as_it_was(folder: Path) -> None:
    widget = Commit("side")
    widget.commit("left")
    widget.draft = {"answer": "right", "confidence": None}
    assert widget.draft["answer"] == "left"
    assert on_disk(folder, "side")["answer"] == "left"
    with pytest.raises(WidgetError, match="it stays so"):
        widget.commit("right")
    widget._handle_custom_msg({"do": "commit", "answer": "right"}, [])
    assert on_disk(folder, "side")["answer"] == "left"


def test_a_reload_shows_the_answer_and_the_reveal(folder: Path) -> None:
    first = Commit("side")
    first.commit("left")
    again = Commit("side")
    assert (again.draft, again.committed_at, again.revealed) == (
        first.draft,
        first.committed_at,
        first.revealed,
    )


def test_a_draft_survives_a_restart_without_a_reveal(folder: Path) -> None:
    Commit("bone-scan-read").draft = {"answer": "Half a thou", "confidence": None}
    again = Commit("bone-scan-read")
    assert again.draft == {"answer": "Half a thou", "confidence": None}
    assert (again.committed_at, again.revealed) == ("", "")


@pytest.mark.parametrize(
    ("answer", "confidence", "said"),
    [
        (None, 50, "Write down what you see"),
        ("  \n", 50, "Write down what you see"),
        ("Uptake", None, "how sure you are"),
        ("Uptake", 101, "from 0 to 100"),
        ("Uptake", float("nan"), "from 0 to 100"),
        ("x" * 20_001, 50, "20,000 is the most"),
    ],
)
def test_an_unfinished_answer_is_not_frozen(
    folder: Path, answer: Any, confidence: Any, said: str
) -> None:
    widget = Commit("bone-scan-read")
    with pytest.raises(WidgetError, match=said):
        widget.commit(answer, confidence)
    widget._handle_custom_msg({"do": "commit", "answer": answer, "confidence": confidence}, [])
    assert said.split(" is ", maxsplit=1)[0] in widget.saved["text"]
    assert widget.revealed == ""


def test_an_option_that_is_not_offered_is_refused(folder: Path) -> None:
    with pytest.raises(WidgetError, match="left, right"):
        Commit("side").commit("up")


def test_no_script_of_an_author_reaches_the_page(folder: Path) -> None:
    widget = Commit("side")
    widget.commit("right")
    assert "<script" not in widget.revealed


@pytest.mark.parametrize(
    "garbled",
    [
        b"",
        b"nonsense",
        b'{"answer": 5}',
        b'{"answer": "up"}',
        b'{"answer": "left", "committed_at": "soon"}',
    ],
)
def test_a_garbled_file_is_kept_aside_and_the_cell_still_runs(folder: Path, garbled: bytes) -> None:
    path = folder / "answers" / "side.commit.json"
    path.parent.mkdir()
    path.write_bytes(garbled)
    widget = Commit("side")
    assert (widget.draft["answer"], widget.revealed) == (None, "")
    assert "kept as answers/side.commit.unreadable-1.json" in widget.saved["text"]
    assert (path.parent / "side.commit.unreadable-1.json").read_bytes() == garbled


def test_an_answer_that_cannot_be_kept_is_not_frozen(folder: Path) -> None:
    (folder / "answers").write_text("a file where the folder should be")
    widget = Commit("side")
    with pytest.raises(WidgetError, match="cannot be written"):
        widget.commit("left")
    assert (widget.committed_at, widget.revealed) == ("", "")


def test_self_study_reveals_and_keeps_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERKSHIP_SELF_STUDY", "1")
    widget = Commit("side")
    widget.commit("left")
    assert widget.revealed
    assert widget.saved["text"] == "Self-study: not saved"
    assert not (folder / "answers").exists()


def test_a_wrong_name_names_the_right_ones(folder: Path) -> None:
    with pytest.raises(WidgetError, match="bone-scan-read, side"):
        Commit("bone-scan")
