"""Quizzes in the page: graded ones that only save, practice ones that also answer back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anywidget
import traitlets

from clerkship_widgets.answer_json import keep_aside, read_answer_json, write_answer_json
from clerkship_widgets.answers import (
    WidgetError,
    answers_dir,
    check_name,
    is_self_study,
    module_bundle,
)
from clerkship_widgets.markdown import render_markdown
from clerkship_widgets.quiz_items import (
    Answer,
    Item,
    accept_answer,
    feedback_for,
    parse_item,
    spoken_name,
)
from clerkship_widgets.serve import script

__all__ = ["Quiz"]

WITHHELD = "Thank you. We come back to these at the end."
SELF_STUDY = "Self-study: not saved"


class Quiz(anywidget.AnyWidget):
    """The quiz `name` of the module in this folder.

    A *graded* quiz (a task of kind `quiz` in `module.json`) is saved to
    `answers/<name>.json` at every change and never says right or wrong.  A
    *practice* quiz is kept in the same way, and answers back when it is checked;
    with `"withhold": true` (a pre-test) it only thanks.

    Parameters
    ----------
    name : str
        A key of `"tasks"` or of `"practice"` in `module.json`.

    Raises
    ------
    WidgetError
        If the module has no such quiz, or an item in it cannot be shown.

    Examples
    --------
    >>> quiz = Quiz("post-test")                      # doctest: +SKIP
    >>> quiz.answer("zone", "metaphysis")             # doctest: +SKIP
    """

    _esm = script("quiz")

    view = traitlets.Unicode("quiz").tag(sync=True)
    content = traitlets.Dict().tag(sync=True)  # what is asked; never the key
    answers = traitlets.Dict().tag(sync=True)  # item id -> option ids, or a number
    saved = traitlets.Dict().tag(sync=True)  # the answers that are on disk, and what to say of it
    feedback = traitlets.Dict().tag(sync=True)  # practice only, and only after a check

    def __init__(self, name: str) -> None:
        bundle = module_bundle()
        self._name = name
        self._graded, spec = _find_quiz(name, bundle)
        self._withhold = bool(spec.get("withhold"))
        self._items = _quiz_items(name, spec, bundle)
        self._path = answers_dir() / f"{check_name(name)}.json"
        self._keeps = not is_self_study()
        loaded, checked, note = self._load()
        super().__init__(
            content={
                "name": name,
                "title": str(spec.get("title") or spoken_name(name)),
                "prompt": render_markdown(str(spec.get("prompt") or "")),
                "graded": self._graded,
                "withhold": self._withhold,
                "items": [item.page() for item in self._items.values()],
            },
            answers=loaded,
            saved=self._standing(loaded, note, tone="problem" if note else "note"),
        )
        if checked:
            self.feedback = self._feedback(reveal=checked == "revealed")
        self.observe(self._on_answers, names="answers")
        self.on_msg(self._on_message)

    def answer(self, item: str, value: str | list[str] | float | None) -> None:
        """Answer an item from Python, as a click in the page would.

        Parameters
        ----------
        item : str
            Item id.
        value : str, list of str, number or None
            Option id(s), a number in the item's unit, or None to leave it blank.

        Raises
        ------
        WidgetError
            If there is no such item, or the value is no answer to it.
        """
        if item not in self._items:
            raise WidgetError(
                f"The quiz '{self._name}' has no item '{item}'; it has {', '.join(self._items)}."
            )
        accepted = accept_answer(self._items[item], value)
        others = {key: kept for key, kept in self.answers.items() if key != item}
        self.answers = others if accepted is None else {**others, item: accepted}

    def check(self, *, reveal: bool = False) -> None:
        """Answer back to a practice quiz that is complete.

        Parameters
        ----------
        reveal : bool, default False
            Also show the right answers to items that were missed.

        Raises
        ------
        WidgetError
            For a graded quiz, or while an item is unanswered.
        """
        if self._graded:
            raise WidgetError(
                f"'{self._name}' is graded: its answers come back with your feedback."
            )
        missing = [key for key in self._items if key not in self.answers]
        if missing:
            raise WidgetError(f"Please answer first: {', '.join(missing)}.")
        self.feedback = self._feedback(reveal=reveal)
        self._save()

    # -- edge: the browser and the disk ---------------------------------------------------

    def _on_message(self, _widget: object, message: object, _buffers: object) -> None:
        if not isinstance(message, Mapping) or message.get("do") != "check":
            return
        try:
            self.check(reveal=bool(message.get("reveal")))
        except WidgetError as error:  # said in the page; a stray message is nobody's traceback
            self.saved = self._standing(dict(self.answers), str(error), tone="problem")

    def _on_answers(self, change: Mapping[str, Any]) -> None:
        clean, _ = _accept_all(self._items, change["new"])
        if clean != change["new"]:
            self.answers = clean  # observed again, and then clean
            return
        self._save()

    def _save(self) -> None:
        answers = dict(self.answers)
        if not self._keeps:
            self.saved = self._standing(answers, "", tone="note")
            return
        record: dict[str, Any] = {"task": self._name, "items": answers}
        if self._checked():
            record["checked"] = self._checked()
        problem = write_answer_json(self._path, record)
        if problem:
            # The answers that ARE on disk stay as they were: the page goes on saying "not saved".
            self.saved = {**self.saved, "text": problem, "tone": "problem"}
        else:
            self.saved = self._standing(answers, "Saved", tone="good")

    def _load(self) -> tuple[dict[str, Answer], str, str]:
        """Return the answers on disk, whether they were checked, and a sentence on any trouble."""
        if not self._keeps:
            return {}, "", ""
        record = read_answer_json(self._path)
        if record is None:
            return {}, "", keep_aside(self._path)
        answers, rejected = _accept_all(self._items, record.get("items", {}))
        if rejected:
            note = keep_aside(self._path)
            if answers:
                write_answer_json(self._path, {"task": self._name, "items": answers})
            return answers, "", note
        complete = not self._graded and len(answers) == len(self._items)
        return answers, str(record.get("checked") or "") if complete else "", ""

    def _standing(self, answers: Mapping[str, Answer], text: str, *, tone: str) -> dict[str, Any]:
        if not self._keeps:
            text = text or SELF_STUDY
        elif not text and answers:
            text, tone = "Saved", "good"
        return {"answers": dict(answers), "text": text, "tone": tone}

    # -- practice -------------------------------------------------------------------------

    def _feedback(self, *, reveal: bool) -> dict[str, Any]:
        answers = dict(self.answers)
        if self._withhold:
            return {"answers": answers, "items": {}, "summary": WITHHELD, "revealed": True}
        items = {
            key: feedback_for(item, answers.get(key), reveal=reveal)
            for key, item in self._items.items()
        }
        marked = [said["right"] for said in items.values() if said["right"] is not None]
        right = sum(marked)
        done = reveal or right == len(marked)
        summary = f"{right} of {len(marked)} right." if marked else "Thank you."
        if not done:
            summary += " Change an answer to try again."
        return {"answers": answers, "items": items, "summary": summary, "revealed": done}

    def _checked(self) -> str:
        """Return "" unless the feedback that is shown belongs to the answers as they are now."""
        if self.feedback.get("answers") != dict(self.answers):
            return ""
        return "revealed" if self.feedback.get("revealed") else "checked"


def _find_quiz(name: str, bundle: Mapping[str, Any]) -> tuple[bool, Mapping[str, Any]]:
    tasks = {
        key: spec for key, spec in bundle.get("tasks", {}).items() if spec.get("kind") == "quiz"
    }
    practice = bundle.get("practice", {})
    if name in tasks:
        return True, tasks[name]
    if name in practice:
        return False, practice[name]
    known = ", ".join([*practice, *tasks]) or "no quiz at all"
    raise WidgetError(f"Quiz({name!r}): this module has no quiz of that name. It has {known}.")


def _quiz_items(name: str, spec: Mapping[str, Any], bundle: Mapping[str, Any]) -> dict[str, Item]:
    specs = bundle.get("items", {})
    ids = list(spec.get("items", ()))
    missing = [key for key in ids if key not in specs]
    if missing or not ids:
        what = f"has no item {', '.join(missing)}" if missing else "lists no items for it"
        raise WidgetError(
            f"Quiz({name!r}): module.json {what}. Fetch the module again, or tell your teacher."
        )
    return {key: parse_item(key, specs[key]) for key in ids}


def _accept_all(items: Mapping[str, Item], values: object) -> tuple[dict[str, Answer], bool]:
    """Return the values that are answers, in the quiz's order, and whether any were not."""
    if not isinstance(values, Mapping):
        return {}, True
    accepted: dict[str, Answer] = {}
    rejected = any(key not in items for key in values)
    for key, item in items.items():
        if key not in values:
            continue
        try:
            answer = accept_answer(item, values[key])
        except WidgetError:
            rejected = True
            continue
        if answer is not None:
            accepted[key] = answer
    return accepted, rejected
