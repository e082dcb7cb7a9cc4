"""Commit first, then see: the free read of a case, frozen before the expert's words appear."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
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
from clerkship_widgets.markdown import render_markdown, render_phrases
from clerkship_widgets.quiz_items import spoken_name
from clerkship_widgets.serve import script

__all__ = ["Commit"]

LONGEST_TEXT = 20_000  # characters: a long essay; keeps an accidental paste out of the submission
SELF_STUDY = "Self-study: not saved"


class Commit(anywidget.AnyWidget):
    """The reveal `name` of the module in this folder: prompt, answer, commit, then the reveal.

    The student's answer (free text, or one of some options; with confidence if the
    module asks for it) is kept in `answers/<name>.commit.json` while it is written.
    Committing freezes it with its time; only then does the reveal reach the page.

    Parameters
    ----------
    name : str
        A key of `"reveals"` in `module.json`.

    Raises
    ------
    WidgetError
        If the module has no such reveal.

    Examples
    --------
    >>> read = Commit("bone-scan-read")                       # doctest: +SKIP
    >>> read.commit("Focal uptake in the left femur.")        # doctest: +SKIP
    """

    _esm = script("quiz")

    view = traitlets.Unicode("commit").tag(sync=True)
    content = traitlets.Dict().tag(sync=True)  # prompt and options; never the reveal
    draft = traitlets.Dict().tag(sync=True)  # {"answer": str or None, "confidence": 0-100 or None}
    saved = traitlets.Dict().tag(sync=True)  # the draft that is on disk, and what to say of it
    committed_at = traitlets.Unicode("").tag(sync=True)  # ISO 8601, UTC; "" until committed
    revealed = traitlets.Unicode("").tag(sync=True)  # HTML; "" until committed

    def __init__(self, name: str) -> None:
        reveals = module_bundle().get("reveals", {})
        if name not in reveals:
            known = ", ".join(reveals) or "none"
            raise WidgetError(f"Commit({name!r}): this module has no such reveal. It has {known}.")
        spec = reveals[name]
        self._name = name
        self._markdown = str(spec.get("markdown") or "")
        self._options = _options(spec.get("options"))
        self._asks_confidence = bool(spec.get("confidence"))
        self._path = answers_dir() / f"{check_name(name)}.commit.json"
        self._keeps = not is_self_study()
        draft, committed_at, note = self._load()
        self._frozen = draft if committed_at else None
        super().__init__(
            content={
                "name": name,
                "title": str(spec.get("title") or spoken_name(name)),
                "prompt": render_markdown(str(spec.get("prompt") or "What do you see?")),
                "options": [
                    {"id": key, "text": render_phrases(text)} for key, text in self._options.items()
                ],
                "confidence": self._asks_confidence,
            },
            draft=draft,
            saved=self._standing(draft, note, tone="problem" if note else "note"),
            committed_at=committed_at,
            revealed=render_markdown(self._markdown) if committed_at else "",
        )
        self.observe(self._on_draft, names="draft")
        self.on_msg(self._on_message)

    def commit(self, answer: str | None = None, confidence: float | None = None) -> None:
        """Freeze the answer with its time, and show the reveal.

        Parameters
        ----------
        answer : str, optional
            Free text or an option id; what is in the page already, if left out.
        confidence : float, optional
            0 (a guess) to 100 (certain); needed where the module asks for it.

        Raises
        ------
        WidgetError
            If it was committed before, or something is still missing.
        """
        if self.committed_at:
            raise WidgetError(f"'{self._name}' was committed at {self.committed_at}; it stays so.")
        draft = self._accept({"answer": answer, "confidence": confidence})
        draft = {key: self.draft.get(key) if draft[key] is None else draft[key] for key in draft}
        missing = self._missing(draft)
        if missing:
            raise WidgetError(missing)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        problem = self._write(draft, now)
        if problem:
            raise WidgetError(problem)
        self._frozen = draft
        self.draft = draft
        self.saved = self._standing(draft, "", tone="good")
        self.committed_at = now
        self.revealed = render_markdown(self._markdown)

    # -- edge: the browser and the disk ---------------------------------------------------

    def _on_message(self, _widget: object, message: object, _buffers: object) -> None:
        if not isinstance(message, Mapping) or message.get("do") != "commit" or self.committed_at:
            return
        try:
            self.commit(message.get("answer"), message.get("confidence"))
        except WidgetError as error:  # said in the page; a stray message is nobody's traceback
            self.saved = {**self.saved, "text": str(error), "tone": "problem"}

    def _on_draft(self, change: Mapping[str, Any]) -> None:
        if self._frozen is not None:
            self.draft = self._frozen  # no notice follows where nothing changed
            return
        try:
            clean = self._accept(change["new"])
        except WidgetError as error:
            self.saved = {**self.saved, "text": str(error), "tone": "problem"}
            return
        if clean != change["new"]:
            self.draft = clean  # observed again, and then clean
            return
        problem = self._write(clean, "")
        if problem:
            self.saved = {**self.saved, "text": problem, "tone": "problem"}
        else:
            self.saved = self._standing(clean, "Draft saved", tone="good")

    def _write(self, draft: Mapping[str, Any], committed_at: str) -> str:
        if not self._keeps:
            return ""
        return write_answer_json(
            self._path, {"reveal": self._name, **draft, "committed_at": committed_at or None}
        )

    def _load(self) -> tuple[dict[str, Any], str, str]:
        """Return draft, time of committing ("" if not yet), and a sentence on any trouble."""
        blank = {"answer": None, "confidence": None}
        if not self._keeps:
            return blank, "", ""
        record = read_answer_json(self._path)
        if record is None:
            return blank, "", keep_aside(self._path)
        try:
            draft = self._accept(record)
            committed_at = record.get("committed_at") or ""
            if committed_at:
                datetime.fromisoformat(committed_at)
        except (WidgetError, ValueError, TypeError):
            return blank, "", keep_aside(self._path)
        return draft, committed_at if not self._missing(draft) else "", ""

    def _standing(self, draft: Mapping[str, Any], text: str, *, tone: str) -> dict[str, Any]:
        if not self._keeps:
            text, tone = SELF_STUDY, "note"
        elif not text and draft.get("answer"):
            text, tone = "Saved", "good"
        return {"draft": dict(draft), "text": text, "tone": tone}

    # -- what counts as an answer -----------------------------------------------------------

    def _accept(self, values: object) -> dict[str, Any]:
        """Return `answer` and `confidence` in the form in which they are stored.

        Raises
        ------
        WidgetError
            If they are no answer to this prompt.
        """
        fields = values if isinstance(values, Mapping) else {}
        answer, confidence = fields.get("answer"), fields.get("confidence")
        if answer is not None and not isinstance(answer, str):
            raise WidgetError(f"The answer should be text; {type(answer).__name__} was given.")
        if answer and self._options and answer not in self._options:
            raise WidgetError(f"{answer!r} is not one of the options: {', '.join(self._options)}.")
        if answer and len(answer) > LONGEST_TEXT:
            raise WidgetError(
                f"The answer has {len(answer):,} characters; {LONGEST_TEXT:,} is the most."
            )
        if confidence is not None:
            if isinstance(confidence, bool) or not isinstance(confidence, int | float):
                raise WidgetError(f"Confidence is a number from 0 to 100, not {confidence!r}.")
            if not 0 <= confidence <= 100:
                raise WidgetError(f"Confidence goes from 0 to 100; {confidence:g} was given.")
        return {"answer": answer or None, "confidence": confidence}

    def _missing(self, draft: Mapping[str, Any]) -> str:
        if not (draft["answer"] or "").strip():
            return "Choose an answer first." if self._options else "Write down what you see first."
        if self._asks_confidence and draft["confidence"] is None:
            return "Say how sure you are first."
        return ""


def _options(spec: object) -> dict[str, str]:
    """Return option id -> text; `module.json` may give objects with `text`, or plain texts."""
    if not spec:
        return {}
    if isinstance(spec, Mapping):
        return {
            str(key): str(value.get("text", key) if isinstance(value, Mapping) else value)
            for key, value in spec.items()
        }
    if isinstance(spec, list) and all(isinstance(text, str) for text in spec):
        return {text: text for text in spec}
    raise WidgetError("module.json: the options of a reveal should be an object of id -> text.")
