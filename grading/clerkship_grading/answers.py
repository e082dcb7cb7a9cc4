"""Read what a student handed in. Every file here is untrusted.

A file may be missing (a blank answer), too large, of another kind than its name says, or made to
hurt. Whatever it is, reading it ends in a value or in :class:`UnreadableAnswer` with a sentence
that the student can act on.
"""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pydicom.filereader import read_file_meta_info

from clerkship_cases import Annotation, Case, CaseError, read_sr

MAX_JSON_BYTES = 100_000
"""A quiz answer is a few hundred bytes."""
MAX_SR_BYTES = 4_000_000
"""A freehand outline of 5000 points is about 100 kB as SR."""
MAX_ANNOTATIONS = 100
MAX_POINTS = 50_000
LARGEST_COORDINATE_MM = 1e5
"""A hundred metres: no patient, no detector and no scanner table is larger."""
SAFE_TRANSFER_SYNTAXES = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})
"""Little endian, uncompressed (DICOM PS3.5 annex A). A deflated file can unpack to a thousand
times its size."""


class UnreadableAnswer(Exception):  # noqa: N818 - reads as what it is
    """An answer file that can't be used; the message is for the student."""


@dataclass(frozen=True)
class NumberAnswer:
    """A number as the student gave it."""

    value: float
    unit: str | None = None


ItemAnswer = list[str] | NumberAnswer


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number that can be graded")


def _read_capped(path: Path, limit: int) -> bytes | None:
    """Content of a plain file, ``None`` when there is none. Links are not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UnreadableAnswer(f"{path.name} could not be opened. Save the task again.") from exc
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableAnswer(f"{path.name} is not a file. Save the task again.")
        if status.st_size > limit:
            raise UnreadableAnswer(
                f"{path.name} has {status.st_size} bytes; at most {limit} are read. "
                "Save the task again."
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(descriptor)


def read_quiz_answers(folder: Path, task: str) -> dict[str, ItemAnswer]:
    """Answers of a quiz: item id -> ticked option ids, or a number.

    Parameters
    ----------
    folder : Path
        The submission; ``answers/<task>.json`` is read.
    task : str
        The task's id.

    Returns
    -------
    dict
        Only items that were touched; empty for a blank or missing file.

    Raises
    ------
    UnreadableAnswer
        If the file is there but can't be used.
    """
    path = folder / "answers" / f"{task}.json"
    content = _read_capped(path, MAX_JSON_BYTES)
    if content is None or not content.strip():
        return {}
    try:
        data = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise UnreadableAnswer(f"{path.name} is not a quiz answer. Save the quiz again.") from exc
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, dict):
        raise UnreadableAnswer(f"{path.name} holds no answers. Save the quiz again.")
    answers: dict[str, ItemAnswer] = {}
    for item, raw in items.items():
        answer = _item_answer(raw)
        if answer is not None:
            answers[item] = answer
    return answers


def _item_answer(raw: Any) -> ItemAnswer | None:
    """One answer in its checked form; ``None`` when there is nothing that could be graded."""
    if isinstance(raw, str):
        return [raw] if raw else None
    if isinstance(raw, list):
        ticks = [tick for tick in raw if isinstance(tick, str)]
        return ticks or None
    unit = None
    if isinstance(raw, dict):
        unit = raw.get("unit") if isinstance(raw.get("unit"), str) else None
        raw = raw.get("value")
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        value = float(raw)
    except OverflowError:  # an integer of a thousand digits
        value = math.inf
    return NumberAnswer(value, unit)


def read_annotations(folder: Path, task: str, case: Case) -> list[Annotation]:
    """Read the marks of an annotate task.

    Parameters
    ----------
    folder : Path
        The submission; ``answers/<task>.sr.dcm`` is read.
    task : str
        The task's id.
    case : Case
        The case of the task: marks on any other image are refused.

    Returns
    -------
    list of Annotation
        Empty for a missing file.

    Raises
    ------
    UnreadableAnswer
        If the file is there but can't be used.
    """
    path = folder / "answers" / f"{task}.sr.dcm"
    if _read_capped(path, MAX_SR_BYTES) is None:
        return []
    _check_plain_dicom(path)
    again = f"{path.name} is not an annotation file. Open the task, check your marks and save."
    try:
        annotations = read_sr(path)
        _refuse_other_images(path, case)
    except UnreadableAnswer:
        raise
    except Exception as exc:
        # Any parser may trip over a hostile file in its own way; the class must go on.
        raise UnreadableAnswer(again) from exc
    if not annotations:  # the reading room removes the file of an empty task: this one is damaged
        raise UnreadableAnswer(again)
    points = [point for mark in annotations for point in mark.points_lps_mm]
    if len(annotations) > MAX_ANNOTATIONS or len(points) > MAX_POINTS:
        raise UnreadableAnswer(
            f"{path.name} holds {len(annotations)} marks with {len(points)} points; at most "
            f"{MAX_ANNOTATIONS} marks and {MAX_POINTS} points are graded."
        )
    if not all(abs(value) <= LARGEST_COORDINATE_MM for point in points for value in point):
        raise UnreadableAnswer(again)  # also catches NaN, which compares as false
    return annotations


def _refuse_other_images(path: Path, case: Case) -> None:
    """Refuse a report that can be read, but not as one of this case's images."""
    try:
        read_sr(path, case)
    except CaseError as exc:
        raise UnreadableAnswer(
            f"{path.name} was drawn on another case. Open the task and mark its own image."
        ) from exc


def _check_plain_dicom(path: Path) -> None:
    try:
        syntax = str(read_file_meta_info(path).TransferSyntaxUID)
    except Exception as exc:
        raise UnreadableAnswer(
            f"{path.name} is not a DICOM file. Open the task, check your marks and save."
        ) from exc
    if syntax not in SAFE_TRANSFER_SYNTAXES:
        raise UnreadableAnswer(
            f"{path.name} is compressed; the reading room saves it plain. Save the task there."
        )
