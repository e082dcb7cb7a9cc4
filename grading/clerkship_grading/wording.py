"""The words of feedback: plain English, as Markdown.

Whatever comes from a student or a case is escaped; the texts of a key bundle are the teacher's own
and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .rubric import ErrorClass, Judgement

# "Correct", never "right": in these courses that word means a side.
HEADINGS: dict[ErrorClass, str] = {
    ErrorClass.GOOD: "Good",
    ErrorClass.MISSED: "Missed",
    ErrorClass.WRONG_SIDE: "Wrong side",
    ErrorClass.WRONG_PLACE: "Wrong place",
    ErrorClass.OVER_CALLED: "Over-called",
    ErrorClass.UNDER_CALLED: "Under-called",
    ErrorClass.PARTLY: "Partly correct",
    ErrorClass.WRONG: "Not correct",
    ErrorClass.BLANK: "Not answered",
    ErrorClass.UNREADABLE: "Could not be read",
}

DEFAULT_TEXTS: dict[ErrorClass, str] = {
    ErrorClass.GOOD: "You found it.",
    ErrorClass.MISSED: "You marked nothing here, so the finding was missed.",
    ErrorClass.WRONG_SIDE: "Your mark is on the other side of the patient. Check left and right "
    "before you look for the finding itself.",
    ErrorClass.WRONG_PLACE: "Your mark is on the right image, but not on the finding.",
    ErrorClass.OVER_CALLED: "You have the finding, but marked much that does not belong to it.",
    ErrorClass.UNDER_CALLED: "You found it, but your outline leaves out part of it.",
}

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$&])")


def escaped(text: str) -> str:
    """Text that means itself in Markdown and in HTML."""
    return (
        _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
        .replace("\\<", "&lt;")
        .replace("\\&", "&amp;")
    )


def points_text(points: float) -> str:
    """``2`` or ``2.5``: at most two decimals, none when they say nothing.

    Examples
    --------
    >>> points_text(2.0), points_text(2.456)
    ('2', '2.46')
    """
    return f"{round(points, 2):g}"


def name_from_id(task: str) -> str:
    """``mark-lesion`` -> ``Mark lesion``."""
    words = task.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def annotate_feedback(judgement: Judgement, texts: Mapping[str, str]) -> str:
    """Feedback for marks on an image: what it was, then where the points come from."""
    error_class = judgement.error_class
    text = texts.get(error_class.value) or DEFAULT_TEXTS[error_class]
    lines = [
        f"- **{points_text(line.points)} of {points_text(line.max_points)}** {line.reason}."
        for line in judgement.lines
    ]
    return "\n".join([f"**{HEADINGS[error_class]}.** {text.strip()}", "", *lines])


def quiz_feedback(error_class: ErrorClass, items: Iterable[str]) -> str:
    """Feedback for a quiz: one line per item under a heading."""
    return "\n".join([f"**{HEADINGS[error_class]}.**", "", *items])


def item_line(
    stem: str, verdict: str, points: float, max_points: float, notes: Iterable[str]
) -> str:
    """One item: its question, what it earned, and what the author says about the answer."""
    word = {"right": "correct", "partly": "partly correct", "wrong": "not correct"}.get(
        verdict, "not answered"
    )
    head = f"- **{points_text(points)} of {points_text(max_points)}** {stem} *({word})*"
    return "".join([head, *(f"  \n  {' '.join(note.split())}" for note in notes if note.strip())])


def unreadable_feedback(reason: str) -> str:
    """Feedback for a file that could not be used."""
    return f"**{HEADINGS[ErrorClass.UNREADABLE]}.** {escaped(reason)} It counts as not answered."
