"""Score one submission: answer files on one side, the key bundle on the other.

Runs in the teacher's process and never executes anything of the student's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clerkship_cases import Annotation, Case, CaseError, open_case, region_mask
from clerkship_cases.key import open_key

from .answers import (
    ItemAnswer,
    NumberAnswer,
    UnreadableAnswer,
    read_annotations,
    read_quiz_answers,
)
from .errors import GradingError
from .keybundle import (
    AnnotateTask,
    ChoiceItem,
    Item,
    KeyBundle,
    NumberItem,
    QuizTask,
    load_key_bundle,
)
from .picture import render_marks
from .rubric import ErrorClass, Mark, Scene, judge_marks
from .score import (
    ItemResult,
    centroid_lps_mm,
    score_choice,
    score_choices,
    score_number,
)
from .score.quiz import BLANK
from .wording import (
    annotate_feedback,
    escaped,
    item_line,
    name_from_id,
    quiz_feedback,
    unreadable_feedback,
)

PLACE_KINDS = frozenset({"region", "ellipse", "arrow"})
"""Kinds that say where something is; lengths and angles are measurements, not findings."""
MAX_MODULE_JSON_BYTES = 1_000_000


@dataclass(frozen=True)
class TaskScore:
    """What one task of one submission earned."""

    task: str
    kind: Literal["quiz", "annotate"]
    points: float
    max_points: float
    error_class: ErrorClass
    feedback_markdown: str
    picture_png: bytes | None = None
    """The student's marks on the image, when there is something to show."""


@dataclass(frozen=True)
class Reference:
    """A finding of a key, on the grid of its case."""

    case: Case
    scene: Scene
    annotations: tuple[Annotation, ...]


def score_submission(
    folder: Path | str,
    key_bundle: KeyBundle | Path | str | dict[str, Any],
    *,
    pictures: bool = True,
) -> list[TaskScore]:
    """Score every quiz and annotate task of a submission.

    Parameters
    ----------
    folder : Path
        The submission: its ``answers/`` are read, and nothing else but the wording of questions.
    key_bundle : KeyBundle, path or dict
        The module's keys.
    pictures : bool
        Whether to draw the student's marks.

    Returns
    -------
    list of TaskScore
        In the order of the key bundle. A missing or unreadable answer scores 0 and says so.

    Raises
    ------
    GradingError
        If the key bundle, or a case or finding that it names, can't be used. Nothing that a
        student handed in raises.

    Examples
    --------
    >>> import tempfile
    >>> key = {"course": "c", "module": "m", "tasks": {"q": {"kind": "quiz", "points": 1, "items": {
    ...     "zone": {"kind": "choice", "points": 1, "answer": ["metaphysis"]}}}}}
    >>> with tempfile.TemporaryDirectory() as blank:
    ...     [(score.points, score.error_class.value) for score in score_submission(blank, key)]
    [(0.0, 'blank')]
    """
    bundle = load_key_bundle(key_bundle)
    folder = Path(folder)
    questions = _public_items(folder)
    scores = []
    for name, task in bundle.tasks.items():
        if isinstance(task, QuizTask):
            scores.append(score_quiz(folder, name, task, questions))
        elif isinstance(task, AnnotateTask):
            scores.append(score_annotate(folder, name, task, pictures=pictures))
    return scores


# -- quiz ------------------------------------------------------------------------------


def score_quiz(
    folder: Path, name: str, task: QuizTask, questions: dict[str, Any] | None = None
) -> TaskScore:
    """Score one quiz; see :func:`score_submission`."""
    try:
        answers = read_quiz_answers(folder, name)
    except UnreadableAnswer as exc:
        return TaskScore(
            name, "quiz", 0.0, task.points, ErrorClass.UNREADABLE, unreadable_feedback(str(exc))
        )
    results = {key: score_item(item, answers.get(key)) for key, item in task.items.items()}
    points = sum(results[key].credit * item.points for key, item in task.items.items())
    verdicts = {result.verdict for result in results.values()}
    if verdicts == {"blank"}:
        error_class = ErrorClass.BLANK
    elif verdicts == {"right"}:
        error_class = ErrorClass.GOOD
    else:
        error_class = ErrorClass.PARTLY if points > 0 else ErrorClass.WRONG
    lines = [
        item_line(
            _stem(key, item, questions or {}),
            results[key].verdict,
            results[key].credit * item.points,
            item.points,
            _notes(item, answers.get(key), results[key]),
        )
        for key, item in task.items.items()
    ]
    return TaskScore(
        name, "quiz", _rounded(points), task.points, error_class, quiz_feedback(error_class, lines)
    )


def score_item(item: Item, answer: ItemAnswer | None) -> ItemResult:
    """Score the answer to one item; an answer of the wrong sort counts as wrong."""
    if answer is None:
        return BLANK
    if isinstance(item, NumberItem):
        if not isinstance(answer, NumberAnswer):
            return ItemResult(0.0, "wrong", "A number is asked for here.")
        return score_number(
            answer.value, item.answer, item.tolerance, unit=item.unit, given_unit=answer.unit
        )
    if isinstance(answer, NumberAnswer):
        return ItemResult(0.0, "wrong", "A choice is asked for here.")
    if item.kind == "choice":
        return score_choice(answer, item.answer)
    return score_choices(answer, item.answer, item.options)


def _notes(item: Item, answer: ItemAnswer | None, result: ItemResult) -> list[str]:
    """Say what there is to say about an answer. A blank item gets no explanation: it would be a free answer."""
    if answer is None:
        return []
    notes = [result.note]
    if isinstance(answer, NumberAnswer):
        unit = item.unit if isinstance(item, NumberItem) and item.unit else ""
        notes.append(
            f"Your answer: {answer.value:g} {escaped(answer.unit[:20]) if answer.unit else unit}".rstrip()
        )
    elif isinstance(item, ChoiceItem):
        ticks = [tick for tick in dict.fromkeys(answer) if tick in item.options]
        if ticks:
            notes.append("Your answer: " + "; ".join(item.options[tick] for tick in ticks))
        notes += [item.feedback[tick] for tick in dict.fromkeys(answer) if tick in item.feedback]
    return [*notes, item.explanation]


def _public_items(folder: Path) -> dict[str, Any]:
    """Items as the student saw them, from ``module.json``: only their wording is used."""
    path = folder / "module.json"
    try:
        if path.is_symlink() or path.stat().st_size > MAX_MODULE_JSON_BYTES:
            return {}
        items = json.loads(path.read_text(encoding="utf-8")).get("items")
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}
    return items if isinstance(items, dict) else {}


def _stem(key: str, item: Item, questions: dict[str, Any]) -> str:
    if item.stem:
        return item.stem.strip()
    question = questions.get(key)
    stem = question.get("stem") if isinstance(question, dict) else None
    return escaped(stem[:500]) if isinstance(stem, str) and stem.strip() else name_from_id(key)


# -- annotate ----------------------------------------------------------------------------


def score_annotate(
    folder: Path, name: str, task: AnnotateTask, *, pictures: bool = True
) -> TaskScore:
    """Score the marks of one annotate task; see :func:`score_submission`."""
    reference = load_reference(task.case, task.finding)
    try:
        drawn = read_annotations(folder, name, reference.case)
        annotations = _marks_that_count(drawn, task, reference.case)
        marks = [to_mark(annotation, reference) for annotation in annotations]
    except UnreadableAnswer as exc:
        return TaskScore(
            name, "annotate", 0.0, task.points, ErrorClass.UNREADABLE, unreadable_feedback(str(exc))
        )
    judgement = judge_marks(marks, reference.scene, task.rubric)
    picture = None
    if pictures and annotations:
        shown = reference.annotations if task.show_reference else ()
        picture = render_marks(reference.case.volume, annotations, shown)
    return TaskScore(
        name,
        "annotate",
        _rounded(judgement.points),
        task.points,
        judgement.error_class,
        annotate_feedback(judgement, task.feedback),
        picture,
    )


def _marks_that_count(
    annotations: list[Annotation], task: AnnotateTask, case: Case
) -> list[Annotation]:
    """Keep the marks that say where something is, under the right label, drawn on this case."""
    marks = [
        mark
        for mark in annotations
        if mark.kind in PLACE_KINDS and (task.label is None or mark.label in {"", task.label})
    ]
    slices = {str(header.SOPInstanceUID) for header in case.images}
    if any(mark.slice_uid is not None and mark.slice_uid not in slices for mark in marks):
        raise UnreadableAnswer(
            "These marks were drawn on another case. Open this task and mark again."
        )
    return marks


def to_mark(annotation: Annotation, reference: Reference) -> Mark:
    """Bring a student's annotation onto the case's grid.

    Raises
    ------
    UnreadableAnswer
        If it does not lie on the image.
    """
    scene = reference.scene
    if annotation.kind == "arrow":  # the tip is the mark, the tail only its handle
        tip_lps_mm = np.asarray(annotation.points_lps_mm[0], dtype=np.float64)
        return Mark(np.zeros_like(scene.reference), tip_lps_mm)
    try:
        mask = region_mask(annotation, reference.case.volume)
    except (CaseError, ValueError) as exc:
        raise UnreadableAnswer(
            "An outline does not lie on the image. Open the task, check your marks and save."
        ) from exc
    if not mask.any():  # smaller than a pixel: it has a place all the same
        corners_lps_mm = np.asarray(annotation.points_lps_mm, dtype=np.float64)
        return Mark(mask, corners_lps_mm.mean(axis=0))
    return Mark(mask, centroid_lps_mm(mask, scene.affine_lps_mm))


@lru_cache(maxsize=16)
def load_reference(case_id: str, finding: str) -> Reference:
    """Open a case and its key, once per process: a class shares them.

    Raises
    ------
    GradingError
        If there is no such case or finding, or the finding has no outline.
    """
    try:
        case = open_case(case_id)
        parts = open_key(case_id).reference(finding)  # of several readers: fused, else the first
        annotations = tuple(part.annotation for part in parts)
        masks = [part.voxels(case) for part in parts]
    except CaseError as exc:
        raise GradingError(f"case {case_id!r}, finding {finding!r}: {exc}") from exc
    if not any(mask.any() for mask in masks):
        raise GradingError(
            f"the outline of finding {finding!r} in the key of case {case_id!r} holds no pixel of the "
            "image. Correct the outline in the key."
        )
    volume = case.volume
    scene = Scene(
        reference=np.logical_or.reduce(masks),
        affine_lps_mm=np.asarray(volume.affine_lps_mm, dtype=np.float64),
        spacing_mm=volume.spacing_mm,
        is_calibrated=volume.is_calibrated,
        # Without a frame of reference the file does not say where in the patient its axes lie.
        is_patient_oriented=volume.is_calibrated and volume.frame_of_reference_uid is not None,
    )
    return Reference(case, scene, annotations)


def _rounded(points: float) -> float:
    """Two decimals, as they are shown: the page and the gradebook must agree."""
    return round(points, 2)
