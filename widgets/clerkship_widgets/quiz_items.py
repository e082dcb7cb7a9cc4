"""Quiz items: what was asked, what counts as an answer, and what practice says to it.

An item comes from `module.json`.  Graded items hold no key, so nothing here can
say right or wrong about them; practice items carry `correct` and `feedback`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from clerkship_widgets.answers import WidgetError
from clerkship_widgets.markdown import render_markdown, render_phrases

__all__ = [
    "Answer",
    "Item",
    "Option",
    "accept_answer",
    "feedback_for",
    "parse_item",
    "spoken_name",
]

Kind = Literal["choice", "choices", "number"]
Answer = list[str] | float
"""Option ids in the order in which they are shown, or a number."""


@dataclass(frozen=True)
class Option:
    """One option of a `choice` or `choices` item; `correct` is None where no key came along."""

    id: str
    text: str
    correct: bool | None = None
    feedback: str = ""


@dataclass(frozen=True)
class Item:
    """One question; `answer` and `tolerance` (in `unit`) only where practice may say them."""

    id: str
    kind: Kind
    stem: str
    points: float = 0.0
    options: tuple[Option, ...] = ()
    unit: str = ""
    answer: float | None = None
    tolerance: float = 0.0
    feedback: str = ""
    explanation: str = ""

    @property
    def has_key(self) -> bool:
        """Whether a check can say right or wrong."""
        if self.kind == "number":
            return self.answer is not None
        return any(option.correct for option in self.options)

    def page(self) -> dict[str, Any]:
        """Return what the browser may know before the answer: no `correct`, no feedback."""
        return {
            "id": self.id,
            "kind": self.kind,
            "stem": render_phrases(self.stem),
            "points": self.points,
            "unit": self.unit,
            "options": [
                {"id": option.id, "text": render_phrases(option.text)} for option in self.options
            ],
        }


def parse_item(item_id: str, spec: object) -> Item:
    """Read one item of `module.json`.

    Parameters
    ----------
    item_id : str
        The item's key under `"items"`.
    spec : mapping
        `kind` (`choice`, `choices`, `number`), `stem`, `points`, and `options` or `unit`;
        for practice also `correct` and `feedback` on options, `answer` and `tolerance` on numbers.

    Returns
    -------
    Item

    Raises
    ------
    WidgetError
        If the item cannot be shown; the message names the item and the remedy.
    """
    if not isinstance(spec, Mapping):
        raise WidgetError(
            f"module.json: item '{item_id}' is {spec!r}; it should be an object with kind and stem."
        )
    kind = spec.get("kind")
    if kind not in get_args(Kind):
        raise WidgetError(
            f"module.json: item '{item_id}' has the kind {kind!r}; use choice, choices or number."
        )
    options = _parse_options(item_id, spec.get("options"))
    if kind != "number" and len(options) < 2:
        raise WidgetError(
            f"module.json: item '{item_id}' offers {len(options)} option(s); "
            f"a {kind} item needs at least two."
        )
    answer = spec.get("answer")
    return Item(
        id=item_id,
        kind=cast("Kind", kind),
        stem=str(spec.get("stem", "")),
        points=float(spec.get("points", 0) or 0),
        options=options,
        unit=str(spec.get("unit") or ""),
        answer=float(answer) if isinstance(answer, int | float) else None,
        tolerance=float(spec.get("tolerance", 0) or 0),
        feedback=_text(spec.get("feedback")),
        explanation=_text(spec.get("explanation")),
    )


def spoken_name(name: str) -> str:
    """Return a name as a heading: hyphens become spaces, except after a prefix.

    Examples
    --------
    >>> spoken_name("post-test"), spoken_name("bone-scan-read")
    ('Post-test', 'Bone scan read')
    """
    words = re.sub(r"(?<!^pre)(?<!^post)(?<!^self)(?<!^warm)-", " ", name)
    return words.capitalize()


def accept_answer(item: Item, value: object) -> Answer | None:
    """Return an answer in the form in which it is stored, or None for "left blank".

    Parameters
    ----------
    item : Item
        The question.
    value : str, list of str, number or None
        An option id or several, a number in `item.unit`, or None.

    Returns
    -------
    list of str, float or None
        Option ids in the order of the options, without repeats; or the number.

    Raises
    ------
    WidgetError
        If the value is no answer to this item.

    Examples
    --------
    >>> zone = Item("zone", "choice", "?", options=(Option("a", "A"), Option("b", "B")))
    >>> accept_answer(zone, "b")
    ['b']
    >>> accept_answer(zone, []) is None
    True
    """
    if value is None:
        return None
    if item.kind == "number":
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise WidgetError(f"'{item.id}' asks for a number; {value!r} is not one.")
        return float(value)
    chosen = [value] if isinstance(value, str) else value
    if not isinstance(chosen, list | tuple | set | frozenset):
        raise WidgetError(f"'{item.id}' asks for options; {value!r} is neither an id nor a list.")
    known = [option.id for option in item.options]
    for option_id in chosen:
        if option_id not in known:
            raise WidgetError(
                f"'{item.id}' has no option {option_id!r}; it has {', '.join(known)}."
            )
    if item.kind == "choice" and len(set(chosen)) > 1:
        raise WidgetError(f"'{item.id}' takes one option; {len(set(chosen))} were given.")
    return [option_id for option_id in known if option_id in chosen] or None


def feedback_for(item: Item, answer: Answer | None, *, reveal: bool) -> dict[str, Any]:
    """Say what practice says to an answer.

    Parameters
    ----------
    item : Item
        A practice item.
    answer : list of str, float or None
        As returned by `accept_answer`.
    reveal : bool
        Whether the right answer and the explanation may be shown to somebody who missed it.

    Returns
    -------
    dict
        `right` (bool, or None when the item has no key), `options` (option id -> `correct` and
        `feedback` as HTML, for the options that were chosen, and for the rest if revealed),
        `answer` (a number's right value as text) and `explanation` (HTML).
    """
    if not item.has_key:
        return {"right": None, "options": {}, "answer": "", "explanation": ""}
    right = _is_right(item, answer)
    told = right or reveal
    chosen = answer if isinstance(answer, list) else []
    notes = {
        option.id: {
            "correct": bool(option.correct),
            "feedback": render_phrases(option.feedback),
        }
        for option in item.options
        if option.id in chosen or (told and option.correct)
    }
    return {
        "right": right,
        "options": notes,
        "answer": _number_with_unit(item) if told else "",
        "explanation": render_markdown(
            "\n\n".join(
                part
                for part in ("" if right else item.feedback, item.explanation if told else "")
                if part
            )
        ),
    }


def _is_right(item: Item, answer: Answer | None) -> bool:
    if isinstance(answer, int | float) and item.answer is not None:
        # A hair wider than stated: 0.3 is within 0.1 of 0.2 for a person, not for binary floats.
        slack = 1e-9 * max(1.0, abs(item.answer))
        return abs(answer - item.answer) <= item.tolerance + slack
    if isinstance(answer, list):
        return set(answer) == {option.id for option in item.options if option.correct}
    return False


def _number_with_unit(item: Item) -> str:
    if item.answer is None:
        return ""
    return f"{item.answer:.15g}".replace("-", "−") + (f" {item.unit}" if item.unit else "")


def _parse_options(item_id: str, spec: object) -> tuple[Option, ...]:
    if not spec:
        return ()
    if not isinstance(spec, Mapping):
        raise WidgetError(
            f"module.json: the options of item '{item_id}' should be an object "
            f'of option id -> {{"text": …}}.'
        )
    options = []
    for option_id, option in spec.items():
        fields = option if isinstance(option, Mapping) else {"text": option}
        correct = fields.get("correct")
        options.append(
            Option(
                id=str(option_id),
                text=str(fields.get("text", option_id)),
                correct=None if correct is None else bool(correct),
                feedback=_text(fields.get("feedback")),
            )
        )
    return tuple(options)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
