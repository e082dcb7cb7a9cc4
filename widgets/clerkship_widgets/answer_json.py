"""Small answers on disk: one JSON file for each quiz or commit, beside the notebook.

Nothing that was saved is thrown away: a file that cannot be used is kept aside
under a new name before a fresh one takes its place.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from clerkship_widgets.answers import write_atomically

__all__ = ["keep_aside", "read_answer_json", "write_answer_json"]


def read_answer_json(path: Path) -> dict[str, Any] | None:
    """Return the object that a file holds, or None if it holds none.

    Parameters
    ----------
    path : Path
        An answer file; it may be missing.

    Returns
    -------
    dict or None
        `{}` for a missing file (a blank answer); None for one that is garbled.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def keep_aside(path: Path) -> str:
    """Rename a file that cannot be used, and return the sentence that says so.

    Parameters
    ----------
    path : Path
        For example `answers/post-test.json`; it becomes `answers/post-test.unreadable-1.json`
        (or the next free number).

    Returns
    -------
    str
        A sentence for the student.
    """
    for number in itertools.count(1):
        aside = path.with_name(f"{path.stem}.unreadable-{number}{path.suffix}")
        if not aside.exists():
            break
    try:
        path.rename(aside)
    except OSError:
        return (
            f"Your earlier answers in {path.name} could not be read. "
            f"Please show this to your teacher before you go on."
        )
    return (
        f"Your earlier answers could not be read. The old file is kept as "
        f"{aside.parent.name}/{aside.name}; please answer again."
    )


def write_answer_json(path: Path, content: dict[str, Any]) -> str:
    """Write an answer file in one step, and return "" or the sentence that says what went wrong.

    Parameters
    ----------
    path : Path
        Where to; its folder is made if need be.
    content : dict
        JSON values only.

    Returns
    -------
    str
        Empty when the file is on disk.
    """
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    try:
        write_atomically(path, text.encode("utf-8"))
    except OSError as error:
        return (
            f"Not saved: {path.parent.name}/{path.name} cannot be written "
            f"({error.strerror or error}). Your answer is still on this page."
        )
    return ""
