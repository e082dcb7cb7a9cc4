"""Where a widget's answers live: ``answers/`` beside the notebook, described by ``module.json``.

Every widget that belongs to a task reads its description from the module bundle and writes its
answer file here (the formats are in ARCHITECTURE.md). Nothing is written in self-study mode.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

SELF_STUDY_VARIABLE = "CLERKSHIP_SELF_STUDY"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class WidgetError(Exception):
    """A widget cannot do what was asked; the message says what was given and what to do."""

    def _render_traceback_(self) -> list[str]:
        """Show only the message in a notebook: the lines of our code are not the reader's."""
        return [f"{type(self).__name__}: {self}"]


def is_self_study() -> bool:
    """Say whether this page is a self-study app, in which nothing is saved."""
    return os.environ.get(SELF_STUDY_VARIABLE, "") not in ("", "0")


def module_bundle() -> dict[str, Any]:
    """Read the module bundle beside the notebook.

    Returns
    -------
    dict
        ``module.json`` of the current folder; ``tasks``, ``items``, ``practice`` and ``reveals``
        are always present, possibly empty.

    Raises
    ------
    WidgetError
        If the file is missing, unreadable, or not a module bundle.
    """
    path = Path.cwd() / "module.json"
    try:
        bundle = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WidgetError(
            f"There is no module.json in {Path.cwd()}. Open the notebook from the folder it came in; "
            "if the file was deleted, fetch the module again from the assignment list."
        ) from None
    except (OSError, ValueError) as error:
        raise WidgetError(
            f"{path} cannot be read ({error}). Fetch the module again from the assignment list; "
            "your notebook and your answers are kept."
        ) from None
    sections = ("tasks", "items", "practice", "reveals")
    if not isinstance(bundle, dict) or not all(
        isinstance(bundle.get(name, {}), dict) for name in sections
    ):
        raise WidgetError(
            f"{path} is not a module bundle (it should hold course, module and {', '.join(sections)}). "
            "Fetch the module again from the assignment list; your answers are kept."
        )
    return {**{name: {} for name in sections}, **bundle}


def task_spec(task: str) -> dict[str, Any]:
    """Describe one task of the module in the current folder.

    Parameters
    ----------
    task : str
        The task's id, as in ``module.json``.

    Raises
    ------
    WidgetError
        If the module has no such task, or the id could not name a file.
    """
    check_name(task)
    bundle = module_bundle()
    spec = bundle["tasks"].get(task)
    if not isinstance(spec, dict):
        known = ", ".join(sorted(bundle["tasks"])) or "none"
        raise WidgetError(f"This module has no task {task!r}. Its tasks are: {known}.")
    return spec


def check_name(name: str) -> str:
    """Return `name` if it can safely name an answer file; raise `WidgetError` otherwise."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise WidgetError(
            f"{name!r} is not a name for a task: use small letters, digits and hyphens, for instance 'mark-lesion'."
        )
    return name


def answers_dir() -> Path:
    """Give the folder for answer files, beside the notebook; it is made when first written to."""
    return Path.cwd() / "answers"


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or leave the old one as it was.

    Parameters
    ----------
    path : Path
        Its folder is made if need be.
    data : bytes
        The complete content.

    Raises
    ------
    OSError
        If it cannot be written (disk full, no permission); the earlier file is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a collector may be another operating-system user.
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _umask() -> int:
    """Read the process's umask (which can only be read by setting it)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
